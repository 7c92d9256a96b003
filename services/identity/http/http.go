// Package http is the HTTP interface of services/identity: decode the
// contract's type, call the use case, encode.
package http

import (
	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/services/identity"
)

type handlers struct{ s *identity.Service }

// Routes adds every operation of schemas/openapi/identity.yaml.
func Routes(app *fiber.App, s *identity.Service) {
	h := handlers{s}
	app.Get("/v1/jwks.json", h.keys)
	app.Post("/v1/service-tokens", h.serviceToken)
	app.Post("/v1/sessions", h.openSession)
	app.Post("/v1/sessions/close", h.closeSession)
	app.Post("/v1/tokens", h.token)
	app.Get("/v1/me", h.me)
	app.Post("/v1/me/step-up", h.stepUp)
	app.Post("/v1/me/password", h.changePassword)
	app.Post("/v1/me/second-factor", h.beginFactor)
	app.Post("/v1/me/second-factor/confirm", h.confirmFactor)
	app.Post("/v1/me/second-factor/remove", h.removeFactor)
	app.Put("/v1/me/absence", h.setAbsence)
	app.Get("/v1/tenant", h.tenant)
	app.Get("/v1/units", h.listUnits)
	app.Post("/v1/units", h.createUnit)
	app.Put("/v1/units/:unitId", h.updateUnit)
	app.Delete("/v1/units/:unitId", h.deleteUnit)
	app.Post("/v1/persons/search", h.searchPersons)
	app.Post("/v1/persons", h.createPerson)
	app.Get("/v1/persons/:personId", h.getPerson)
	app.Put("/v1/persons/:personId", h.updatePerson)
	app.Get("/v1/persons/:personId/account", h.getAccount)
	app.Put("/v1/persons/:personId/account", h.assignAccount)
	app.Post("/v1/persons/:personId/account/unlock", h.unlock)
	app.Post("/v1/persons/:personId/account/sign-out", h.signOutPerson)
}

func (h handlers) keys(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return httpx.JSON(c, fiber.StatusOK, h.s.Keys())
}

func (h handlers) serviceToken(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.ServiceTokenRequest](c)
	if err != nil {
		return err
	}
	token, expires, err := h.s.ServiceToken(in.Service, in.Secret, in.Audience)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.Token{Token: token, Expires: expires})
}

func (h handlers) openSession(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.SignIn](c)
	if err != nil {
		return err
	}
	o, err := h.s.SignIn(c.UserContext(), in.Name, in.Password, in.Code)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusCreated, identityapi.OpenedSession{Session: o.Secret, Expires: o.Expires, IdleSeconds: int(o.Idle.Seconds()), MustChangePassword: o.MustChange})
}

func (h handlers) closeSession(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.SessionSecret](c)
	if err != nil {
		return err
	}
	if err := h.s.SignOut(c.UserContext(), in.Session); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) token(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.TokenRequest](c)
	if err != nil {
		return err
	}
	token, expires, err := h.s.Token(c.UserContext(), in.Session, in.Audience)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.Token{Token: token, Expires: expires})
}

func (h handlers) me(c *fiber.Ctx) error {
	me, err := h.s.Me(c.UserContext())
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, encodeMe(me))
}

func (h handlers) stepUp(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.StepUpRequest](c)
	if err != nil {
		return err
	}
	at, until, err := h.s.StepUp(c.UserContext(), in.Action, in.Password, in.Code)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.StepUp{Action: in.Action, At: at, Expires: until})
}

func (h handlers) changePassword(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.PasswordChange](c)
	if err != nil {
		return err
	}
	if err := h.s.ChangePassword(c.UserContext(), in.Current, in.New); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) beginFactor(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.PasswordProof](c)
	if err != nil {
		return err
	}
	secret, uri, err := h.s.BeginFactor(c.UserContext(), in.Password)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, identityapi.SecondFactorSetup{Secret: secret, Uri: uri})
}

func (h handlers) confirmFactor(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.CodeProof](c)
	if err != nil {
		return err
	}
	if err := h.s.ConfirmFactor(c.UserContext(), in.Code); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) removeFactor(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.FullProof](c)
	if err != nil {
		return err
	}
	if err := h.s.RemoveFactor(c.UserContext(), in.Password, in.Code); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) setAbsence(c *fiber.Ctx) error {
	in, err := httpx.Body[identityapi.Absence](c)
	if err != nil {
		return err
	}
	if err := h.s.SetAbsence(c.UserContext(), decodePeriods(in.Absences), in.Delegate); err != nil {
		return err
	}
	return httpx.NoContent(c)
}
