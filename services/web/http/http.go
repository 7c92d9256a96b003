// Package http is the front door's interface to the world: the session cookie,
// the way on to the services, and the interface's files. No rules live here.
package http

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/gen/webapi"
)

// HeaderCSRF carries the session's CSRF token on unsafe requests.
const HeaderCSRF = "Varde-Csrf"

// ErrSession is how identity says that a session is over.
var ErrSession = problem.New(problem.KindUnauthenticated, "session-ended", "You have been signed out. Sign in again.")

// Target is where an /api path leads.
type Target struct {
	Service string
	Base    string // the URL of the service
	Path    string // below it
	// Public: nobody is known there. No session and no address goes with it.
	Public bool
	// Silent: what happens there is a reporter's, signed in or not. It leaves no
	// line in the log, and no trace goes with it.
	Silent bool
}

// Web is the use cases and the rules of the front door.
type Web interface {
	// Secure says whether browsers reach us over https.
	Secure() bool
	// Host refuses a request that came by another name than ours.
	Host(host string) error
	// Guard refuses what another site made a browser send. Session is empty
	// where the request has no cookie.
	Guard(method, origin, host, fetchSite, session, csrf string) error
	// CSRF gives the token that unsafe requests of a session carry.
	CSRF(session string) string
	// Target finds where an /api path leads; httpx.ErrNoAddress where nowhere.
	Target(path string) (Target, error)
	// Admit refuses what goes beyond what its address may send without sign-in.
	// Forwarded is the X-Forwarded-For header; neither is kept.
	Admit(method string, t Target, peer netip.Addr, forwarded string) error

	SignIn(ctx context.Context, in webapi.SignIn) (identityapi.OpenedSession, error)
	SignOut(ctx context.Context, session string) error
	// Token gives the session's token for a service; ErrSession where it is over.
	Token(ctx context.Context, session, audience string) (string, error)
	// Drop forgets a session's tokens.
	Drop(session string)
	Health(ctx context.Context) webapi.Health
	DemoAccounts() []webapi.DemoAccount
}

// Config of the front.
type Config struct {
	Name   string        // of the part: the audience of its own tokens
	UI     fs.FS         // the built interface, index.html at its root; nil: none
	Upload time.Duration // how long passing on a request may take
}

// Front is the routes with what they share.
type Front struct {
	web    Web
	cfg    Config
	client *http.Client
	files  *files

	sessionCookie, csrfCookie string
}

// New makes the front; it reads the interface's files into memory.
func New(service Web, cfg Config) (*Front, error) {
	f := &Front{web: service, cfg: cfg, client: newClient(), sessionCookie: "varde", csrfCookie: "varde-csrf"}
	if service.Secure() {
		// RFC 6265bis: bound to this host, the whole path, and https.
		f.sessionCookie, f.csrfCookie = "__Host-varde", "__Host-varde-csrf"
	}
	var err error
	f.files, err = loadFiles(cfg.UI)
	return f, err
}

// Routes puts the routes on the application.
func (f *Front) Routes(app *fiber.App) {
	app.Use(f.host)
	app.Get("/api/web/v1/session", f.getSession)
	app.Post("/api/web/v1/session", f.signIn)
	app.Delete("/api/web/v1/session", f.signOut)
	app.Get("/api/web/v1/health", f.health)
	app.Use("/api", f.forward)
	app.Use(f.page)
}

// Silent says whether a path is one of reporters (httpx.Config.Anonymous).
func (f *Front) Silent(path string) bool {
	t, err := f.web.Target(path)
	return err == nil && t.Silent
}

func (f *Front) host(c *fiber.Ctx) error {
	if err := f.web.Host(string(c.Request().Host())); err != nil {
		return err
	}
	if f.web.Secure() {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return c.Next()
}

// Authenticate gives the token of the request's session for this part
// (httpx.Config.Authenticate).
func (f *Front) Authenticate(c *fiber.Ctx) (string, error) {
	session := c.Cookies(f.sessionCookie)
	if session == "" {
		return "", nil
	}
	return f.web.Token(c.UserContext(), session, f.cfg.Name)
}

// guard checks origin and CSRF token; session is the cookie where the request
// is made with it.
func (f *Front) guard(c *fiber.Ctx, session string) error {
	return f.web.Guard(c.Method(), c.Get(fiber.HeaderOrigin), string(c.Request().Host()), c.Get("Sec-Fetch-Site"), session, c.Get(HeaderCSRF))
}

func (f *Front) getSession(c *fiber.Ctx) error {
	out := webapi.Session{DemoAccounts: f.web.DemoAccounts()}
	session := c.Cookies(f.sessionCookie)
	if session == "" {
		return httpx.JSON(c, fiber.StatusOK, out)
	}
	switch _, err := f.web.Token(c.UserContext(), session, f.cfg.Name); {
	case errors.Is(err, ErrSession):
		f.clearCookies(c)
	case err != nil:
		return err
	default:
		out.SignedIn, out.Csrf = true, f.web.CSRF(session)
		f.setCSRF(c, session, time.Time{})
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (f *Front) signIn(c *fiber.Ctx) error {
	if err := f.guard(c, ""); err != nil {
		return err
	}
	in, err := httpx.Body[webapi.SignIn](c)
	if err != nil {
		return err
	}
	opened, err := f.web.SignIn(c.UserContext(), in)
	if err != nil {
		return err
	}
	if old := c.Cookies(f.sessionCookie); old != "" {
		// The new session does not depend on the old one's end.
		_ = f.web.SignOut(c.UserContext(), old)
	}
	c.Cookie(f.cookie(f.sessionCookie, opened.Session, opened.Expires, true))
	f.setCSRF(c, opened.Session, opened.Expires)
	return httpx.JSON(c, fiber.StatusOK, webapi.Session{
		SignedIn: true, Csrf: f.web.CSRF(opened.Session), Expires: opened.Expires, IdleSeconds: opened.IdleSeconds, MustChangePassword: opened.MustChangePassword,
	})
}

func (f *Front) signOut(c *fiber.Ctx) error {
	session := c.Cookies(f.sessionCookie)
	if err := f.guard(c, session); err != nil {
		return err
	}
	if session != "" {
		if err := f.web.SignOut(c.UserContext(), session); err != nil {
			return err
		}
	}
	f.clearCookies(c)
	return httpx.NoContent(c)
}

func (f *Front) health(c *fiber.Ctx) error {
	return httpx.JSON(c, fiber.StatusOK, f.web.Health(c.UserContext()))
}

func (f *Front) cookie(name, value string, expires time.Time, hidden bool) *fiber.Cookie {
	return &fiber.Cookie{
		Name: name, Value: value, Path: "/", Expires: expires, HTTPOnly: hidden,
		Secure: f.web.Secure(), SameSite: fiber.CookieSameSiteLaxMode, SessionOnly: expires.IsZero(),
	}
}

func (f *Front) setCSRF(c *fiber.Ctx, session string, expires time.Time) {
	c.Cookie(f.cookie(f.csrfCookie, f.web.CSRF(session), expires, false))
}

func (f *Front) clearCookies(c *fiber.Ctx) {
	past := time.Unix(1, 0)
	c.Cookie(f.cookie(f.sessionCookie, "", past, true))
	c.Cookie(f.cookie(f.csrfCookie, "", past, false))
}

// slugOf is the last part of a problem's type.
func slugOf(problemType string) string {
	return problemType[strings.LastIndexByte(problemType, '/')+1:]
}

var errUpstream = problem.New(problem.KindUnavailable, "unavailable", "A part of the system does not answer. Try again.")
