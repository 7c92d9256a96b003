package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// browser is one person at the front door: a cookie jar and the CSRF token.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
	csrf string
	// headers are sent with every request.
	headers []string
}

// visitor is a browser that is not signed in.
func (s *stack) visitor(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, base: s.URL, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// signIn opens a browser signed in as one of the demo's accounts ("leder").
func (s *stack) signIn(t *testing.T, account string) *browser {
	t.Helper()
	b := s.visitor(t)
	var session webapi.Session
	b.must(http.StatusOK, b.call("POST", "/api/web/v1/session", webapi.SignIn{Name: account + "@bjorkvag.example", Password: s.Password}, &session))
	require.True(t, session.SignedIn)
	b.csrf = session.Csrf
	return b
}

// answer is what a call gave back.
type answer struct {
	status  int
	problem commonapi.Problem
	body    []byte
}

// slug is the kind of problem that was answered.
func (a answer) slug() string { return path.Base(a.problem.Type) }

// call sends body as JSON (a []byte as it is) and reads a 2xx answer into out.
func (b *browser) call(method, path string, body, out any, headers ...string) answer {
	b.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch v := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(v), "application/octet-stream"
	default:
		text, err := json.Marshal(v)
		require.NoError(b.t, err)
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, r)
	require.NoError(b.t, err)
	if r != nil {
		req.Header.Set("Content-Type", kind)
	}
	origin, err := url.Parse(b.base)
	require.NoError(b.t, err)
	req.Header.Set("Origin", origin.Scheme+"://"+origin.Host)
	if b.csrf != "" {
		req.Header.Set("Varde-Csrf", b.csrf)
	}
	headers = append(headers, b.headers...)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.http.Do(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	a := answer{status: res.StatusCode}
	a.body, err = io.ReadAll(res.Body)
	require.NoError(b.t, err)
	if res.StatusCode >= 400 {
		_ = json.Unmarshal(a.body, &a.problem)
	} else if out != nil {
		require.NoError(b.t, json.Unmarshal(a.body, out), "%s %s: %s", method, path, a.body)
	}
	return a
}

// must fails the test unless the answer has the status.
func (b *browser) must(status int, a answer) answer {
	b.t.Helper()
	require.Equal(b.t, status, a.status, "%s", a.body)
	return a
}

// get is call with GET that must answer 200.
func (b *browser) get(path string, out any) {
	b.t.Helper()
	b.must(http.StatusOK, b.call("GET", path, nil, out))
}

// post is call with POST that must answer with a 2xx.
func (b *browser) post(path string, body, out any) {
	b.t.Helper()
	a := b.call("POST", path, body, out)
	require.Less(b.t, a.status, 300, "POST %s: %s", path, a.body)
}

// eventually calls check until it returns nil, for at most the time given.
func eventually(t *testing.T, within time.Duration, check func() error) time.Duration {
	t.Helper()
	began := time.Now()
	var err error
	for time.Since(began) < within {
		if err = check(); err == nil {
			return time.Since(began)
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.FailNow(t, fmt.Sprintf("not within %s", within), "%v", err)
	return 0
}
