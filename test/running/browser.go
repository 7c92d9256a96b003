package running

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/webapi"
)

// Browser is one person at the front door: a cookie jar and the CSRF token.
type Browser struct {
	T    *testing.T
	Base string
	// Headers are sent with every request: names and values in turn.
	Headers []string
	http    *http.Client
	csrf    string
}

// Visit is a browser at an address that is not signed in.
func Visit(t *testing.T, base string) *Browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &Browser{T: t, Base: base, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// Visitor is a browser that is not signed in.
func (s *Installation) Visitor(t *testing.T) *Browser { return Visit(t, s.URL) }

// SignIn opens a browser signed in as one of the demo's accounts ("leder").
func (s *Installation) SignIn(t *testing.T, account string) *Browser {
	t.Helper()
	b := s.Visitor(t)
	b.SignIn(account+"@bjorkvag.example", s.Password)
	return b
}

// SignIn signs in.
func (b *Browser) SignIn(name, password string) {
	b.T.Helper()
	var session webapi.Session
	b.Must(http.StatusOK, b.Call("POST", "/api/web/v1/session", webapi.SignIn{Name: name, Password: password}, &session))
	require.True(b.T, session.SignedIn)
	b.csrf = session.Csrf
}

// Answer is what a call gave back.
type Answer struct {
	Status  int
	Problem commonapi.Problem
	Body    []byte
}

// Slug is the kind of problem that was answered.
func (a Answer) Slug() string { return path.Base(a.Problem.Type) }

// Call sends body as JSON (a []byte as it is) and reads a 2xx answer into out.
func (b *Browser) Call(method, path string, body, out any, headers ...string) Answer {
	b.T.Helper()
	a, err := b.Try(method, path, body, out, headers...)
	require.NoError(b.T, err)
	return a
}

// Try is Call that does not fail the test where nothing answers, or where what
// answers is no JSON of out.
func (b *Browser) Try(method, path string, body, out any, headers ...string) (a Answer, err error) {
	var r io.Reader
	kind := "application/json"
	switch v := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(v), "application/octet-stream"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return a, err
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.T.Context(), method, b.Base+path, r)
	if err != nil {
		return a, err
	}
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	origin, err := url.Parse(b.Base)
	if err != nil {
		return a, err
	}
	req.Header.Set("Origin", origin.Scheme+"://"+origin.Host)
	if b.csrf != "" {
		req.Header.Set("Varde-Csrf", b.csrf)
	}
	headers = append(headers, b.Headers...)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.Status = res.StatusCode
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	if res.StatusCode >= 400 {
		_ = json.Unmarshal(a.Body, &a.Problem)
	} else if out != nil {
		err = json.Unmarshal(a.Body, out)
	}
	return a, err
}

// Must fails the test unless the answer has the status.
func (b *Browser) Must(status int, a Answer) Answer {
	b.T.Helper()
	require.Equal(b.T, status, a.Status, "%s", a.Body)
	return a
}

// Get is Call with GET that must answer 200.
func (b *Browser) Get(path string, out any) {
	b.T.Helper()
	b.Must(http.StatusOK, b.Call("GET", path, nil, out))
}

// Post is Call with POST that must answer with a 2xx.
func (b *Browser) Post(path string, body, out any) {
	b.T.Helper()
	a := b.Call("POST", path, body, out)
	require.Less(b.T, a.Status, 300, "POST %s: %s", path, a.Body)
}
