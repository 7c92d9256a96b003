// Package web is the front door: it serves the interface, keeps the browser's
// session in a cookie, and passes /api/SERVICE/v1/… on to the services with a
// token made from that session.
package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"varde.internal/platform/problem"
)

// Problems of the front door, and what is wrong with its configuration.
var (
	errCSRF       = problem.Forbidden("csrf", "The page is out of date. Load it again.")
	errOrigin     = problem.Forbidden("wrong-origin", "This request came from another site.")
	errHost       = problem.New(problem.KindNotFound, "wrong-host", "There is nothing at this address.")
	errPublicHTTP = errors.New("web.public: plain http is for this machine only; use https")
	errPublicForm = errors.New("web.public: must be an http or https address without a path")
)

// Origin decides which addresses are this installation's own. The zero value
// is any loopback address over plain HTTP.
type Origin struct{ scheme, host string }

// NewOrigin reads the public address; empty is loopback.
func NewOrigin(public string) (Origin, error) {
	if public == "" {
		return Origin{}, nil
	}
	u, err := url.Parse(public)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return Origin{}, errPublicForm
	}
	if u.Scheme == "http" && !loopback(u.Host) {
		return Origin{}, errPublicHTTP
	}
	return Origin{u.Scheme, strings.ToLower(u.Host)}, nil
}

// Secure says whether browsers reach us over https.
func (o Origin) Secure() bool { return o.scheme == "https" }

// Host says whether a Host header is ours. Another would be a name somebody
// pointed at this machine (DNS rebinding).
func (o Origin) Host(host string) bool {
	if loopback(host) && !o.Secure() {
		return true
	}
	return strings.EqualFold(host, o.host)
}

// Allows says whether a state-changing request may come from where it says. A
// browser always sends Origin or Sec-Fetch-Site with one; a script sends
// neither and has no cookie of a browser's.
func (o Origin) Allows(origin, host, fetchSite string) bool {
	if origin != "" {
		u, err := url.Parse(origin)
		if err != nil {
			return false
		}
		if o.host != "" && u.Scheme == o.scheme && strings.EqualFold(u.Host, o.host) {
			return true
		}
		return !o.Secure() && u.Scheme == "http" && loopback(u.Host) && strings.EqualFold(u.Host, host)
	}
	return fetchSite == "" || fetchSite == "same-origin" || fetchSite == "none"
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// csrfToken belongs to one session and cannot be made without the key.
func csrfToken(key []byte, session string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("csrf\n" + session))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func csrfMatches(key []byte, session, given string) bool {
	return subtle.ConstantTimeCompare([]byte(csrfToken(key, session)), []byte(given)) == 1
}

// unsafeMethod says whether a method may change something (RFC 9110, 9.2.1).
func unsafeMethod(method string) bool {
	return !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method)
}

// publicPath says whether a service's path belongs to people who must not be
// known: no session goes with it.
func publicPath(path string) bool { return strings.HasPrefix(path, "/v1/public/") }

// silent is the service that reporters talk to: a line in the log, or a trace,
// would tie a person's request to a report by its time, signed in or not.
const silent = "deviation"

// forwardable says whether a path may be passed on as it is. What a service
// could read as another path than the one judged here may not.
func forwardable(path string) bool {
	lower := strings.ToLower(path)
	for _, odd := range []string{"..", "//", "\\", "%2e", "%2f", "%5c", "%00", "/./"} {
		if strings.Contains(lower, odd) {
			return false
		}
	}
	return strings.HasPrefix(path, "/v1/") && path != "/v1/service-tokens"
}

// splitAPI divides /api/SERVICE/v1/… into the service and its path.
func splitAPI(path string) (service, rest string, ok bool) {
	after, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return "", "", false
	}
	service, rest, ok = strings.Cut(after, "/")
	return service, "/" + rest, ok
}
