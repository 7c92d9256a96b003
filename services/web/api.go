package web

import (
	"net/netip"
	"slices"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/webapi"
	webhttp "varde.internal/services/web/http"
)

// api is the use cases and the rules of this installation's front door.
type api struct {
	*Service
	cfg    Config
	origin Origin
	key    []byte // of the CSRF tokens
	from   *addresses
}

var _ webhttp.Web = api{}

// Secure implements webhttp.Web.
func (a api) Secure() bool { return a.origin.Secure() }

// Host implements webhttp.Web.
func (a api) Host(host string) error {
	if !a.origin.Host(host) {
		return errHost
	}
	return nil
}

// CSRF implements webhttp.Web.
func (a api) CSRF(session string) string { return csrfToken(a.key, session) }

// Guard implements webhttp.Web. Without a cookie there is nothing to abuse but
// signing in.
func (a api) Guard(method, origin, host, fetchSite, session, csrf string) error {
	if !unsafeMethod(method) {
		return nil
	}
	if !a.origin.Allows(origin, host, fetchSite) {
		return errOrigin
	}
	if session != "" && !csrfMatches(a.key, session, csrf) {
		return errCSRF
	}
	return nil
}

// Target implements webhttp.Web.
func (a api) Target(path string) (webhttp.Target, error) {
	service, rest, ok := splitAPI(path)
	if !ok || !slices.Contains(a.cfg.Services, service) || !forwardable(rest) {
		return webhttp.Target{}, httpx.ErrNoAddress
	}
	public := publicPath(rest)
	return webhttp.Target{Service: service, Base: a.endpoint(service), Path: rest, Public: public, Silent: public || service == silent}, nil
}

// Admit implements webhttp.Web.
func (a api) Admit(method string, t webhttp.Target, peer netip.Addr, forwarded string) error {
	if !t.Silent {
		a.from.notice(forwarded)
		return nil
	}
	return a.from.admit(sendingOf(method, t), peer, forwarded)
}

// DemoAccounts implements webhttp.Web.
func (a api) DemoAccounts() []webapi.DemoAccount {
	var out []webapi.DemoAccount
	for _, d := range a.cfg.DemoAccounts {
		out = append(out, webapi.DemoAccount{Name: d.Name, Password: d.Password, Role: webapi.DemoAccountRole(d.Role)})
	}
	return out
}
