package graph_test

import (
	"io"
	"net/http"
	"strings"
)

// rewrite changes the bodies of answers.
type rewrite struct {
	next   http.RoundTripper
	change func(string) string
}

func (r rewrite) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	res.Body = io.NopCloser(strings.NewReader(r.change(string(body))))
	res.ContentLength = -1
	return res, err
}
