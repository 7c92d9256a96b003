// Package http is the HTTP side of the front door: the session cookie, the way
// on to the services, and the interface's files.
package http

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/webapi"
	"varde.internal/services/web"
)

// HeaderCSRF carries the session's CSRF token on unsafe requests.
const HeaderCSRF = "Varde-Csrf"

type front struct {
	s      *web.Service
	cfg    web.Settings
	client *http.Client
	files  *files

	sessionCookie, csrfCookie string
}

// New makes the front; it reads the interface's files into memory.
func New(s *web.Service, cfg web.Settings) (web.Front, error) {
	f := &front{s: s, cfg: cfg, client: newClient(), sessionCookie: "varde", csrfCookie: "varde-csrf"}
	if cfg.Origin.Secure() {
		// RFC 6265bis: bound to this host, the whole path, and https.
		f.sessionCookie, f.csrfCookie = "__Host-varde", "__Host-varde-csrf"
	}
	var err error
	f.files, err = loadFiles(cfg.UI)
	return f, err
}

// Register implements web.Front.
func (f *front) Register(app *fiber.App) {
	app.Use(f.host)
	app.Get("/api/web/v1/session", f.getSession)
	app.Post("/api/web/v1/session", f.signIn)
	app.Delete("/api/web/v1/session", f.signOut)
	app.Get("/api/web/v1/health", f.health)
	app.Use("/api", f.forward)
	app.Use(f.page)
}

// Anonymous implements web.Front.
func (f *front) Anonymous(path string) bool {
	t, err := f.cfg.Target(path)
	return err == nil && t.Public
}

// host refuses requests that came by another name than ours.
func (f *front) host(c *fiber.Ctx) error {
	if !f.cfg.Origin.Host(string(c.Request().Host())) {
		return web.ErrHost
	}
	if f.cfg.Origin.Secure() {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return c.Next()
}

// Authenticate implements web.Front.
func (f *front) Authenticate(c *fiber.Ctx) (string, error) {
	session := c.Cookies(f.sessionCookie)
	if session == "" {
		return "", nil
	}
	return f.s.Token(c.UserContext(), session, web.Name)
}

// guard checks origin and CSRF token; session is the cookie where the request
// is made with it.
func (f *front) guard(c *fiber.Ctx, session string) error {
	return f.cfg.Guard(c.Method(), c.Get(fiber.HeaderOrigin), string(c.Request().Host()), c.Get("Sec-Fetch-Site"), session, c.Get(HeaderCSRF))
}

func (f *front) getSession(c *fiber.Ctx) error {
	out := webapi.Session{}
	for _, a := range f.cfg.DemoAccounts {
		out.DemoAccounts = append(out.DemoAccounts, webapi.DemoAccount{Name: a.Name, Password: a.Password, Title: a.Title})
	}
	session := c.Cookies(f.sessionCookie)
	if session == "" {
		return httpx.JSON(c, fiber.StatusOK, out)
	}
	switch _, err := f.s.Token(c.UserContext(), session, web.Name); {
	case errors.Is(err, web.ErrSession):
		f.clearCookies(c)
	case err != nil:
		return err
	default:
		out.SignedIn, out.Csrf = true, f.cfg.CSRF(session)
		f.setCSRF(c, session, time.Time{})
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (f *front) signIn(c *fiber.Ctx) error {
	if err := f.guard(c, ""); err != nil {
		return err
	}
	in, err := httpx.Body[webapi.SignIn](c)
	if err != nil {
		return err
	}
	opened, err := f.s.SignIn(c.UserContext(), in)
	if err != nil {
		return err
	}
	if old := c.Cookies(f.sessionCookie); old != "" {
		// The new session does not depend on the old one's end.
		_ = f.s.SignOut(c.UserContext(), old)
	}
	c.Cookie(f.cookie(f.sessionCookie, opened.Session, opened.Expires, true))
	f.setCSRF(c, opened.Session, opened.Expires)
	return httpx.JSON(c, fiber.StatusOK, webapi.Session{
		SignedIn: true, Csrf: f.cfg.CSRF(opened.Session), Expires: opened.Expires, IdleSeconds: opened.IdleSeconds, MustChangePassword: opened.MustChangePassword,
	})
}

func (f *front) signOut(c *fiber.Ctx) error {
	session := c.Cookies(f.sessionCookie)
	if err := f.guard(c, session); err != nil {
		return err
	}
	if session != "" {
		if err := f.s.SignOut(c.UserContext(), session); err != nil {
			return err
		}
	}
	f.clearCookies(c)
	return httpx.NoContent(c)
}

func (f *front) health(c *fiber.Ctx) error {
	return httpx.JSON(c, fiber.StatusOK, f.s.Health(c.UserContext()))
}

func (f *front) cookie(name, value string, expires time.Time, hidden bool) *fiber.Cookie {
	return &fiber.Cookie{
		Name: name, Value: value, Path: "/", Expires: expires, HTTPOnly: hidden,
		Secure: f.cfg.Origin.Secure(), SameSite: fiber.CookieSameSiteLaxMode, SessionOnly: expires.IsZero(),
	}
}

func (f *front) setCSRF(c *fiber.Ctx, session string, expires time.Time) {
	c.Cookie(f.cookie(f.csrfCookie, f.cfg.CSRF(session), expires, false))
}

func (f *front) clearCookies(c *fiber.Ctx) {
	past := time.Unix(1, 0)
	c.Cookie(f.cookie(f.sessionCookie, "", past, true))
	c.Cookie(f.cookie(f.csrfCookie, "", past, false))
}

// slugOf is the last part of a problem's type.
func slugOf(problemType string) string {
	return problemType[strings.LastIndexByte(problemType, '/')+1:]
}

var errUpstream = problem.New(problem.KindUnavailable, "unavailable", "A part of the system does not answer. Try again.")
