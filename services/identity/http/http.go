// Package http is the identity service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/identityapi"
)

// AccountEdit is identityapi.AccountEdit with what the generated type cannot
// say: whether disabled was given.
type AccountEdit struct {
	Name               string `json:"name"`
	Password           string `json:"password"`
	Disabled           *bool  `json:"disabled"`
	RemoveSecondFactor bool   `json:"removeSecondFactor"`
}

// Identity is the use cases in the contract's types. SaveUnit and SavePerson
// create where the id is empty.
type Identity interface {
	Keys() auth.KeySet
	ServiceToken(ctx context.Context, in identityapi.ServiceTokenRequest) (identityapi.Token, error)
	SignIn(ctx context.Context, in identityapi.SignIn) (identityapi.OpenedSession, error)
	SignOut(ctx context.Context, in identityapi.SessionSecret) error
	Token(ctx context.Context, in identityapi.TokenRequest) (identityapi.Token, error)
	Me(ctx context.Context) (identityapi.Me, error)
	StepUp(ctx context.Context, in identityapi.StepUpRequest) (identityapi.StepUp, error)
	ChangePassword(ctx context.Context, in identityapi.PasswordChange) error
	BeginFactor(ctx context.Context, in identityapi.PasswordProof) (identityapi.SecondFactorSetup, error)
	ConfirmFactor(ctx context.Context, in identityapi.CodeProof) error
	RemoveFactor(ctx context.Context, in identityapi.FullProof) error
	SetAbsence(ctx context.Context, in identityapi.Absence) error
	SetLanguage(ctx context.Context, in identityapi.LanguageChoice) error
	Tenant(ctx context.Context) (identityapi.Tenant, error)
	Units(ctx context.Context) (identityapi.UnitList, error)
	SaveUnit(ctx context.Context, unitID string, in identityapi.UnitEdit) (identityapi.Unit, error)
	DeleteUnit(ctx context.Context, unitID string) error
	SearchPersons(ctx context.Context, in identityapi.PersonSearch) (identityapi.PersonList, error)
	Person(ctx context.Context, personID string) (identityapi.Person, error)
	SavePerson(ctx context.Context, personID string, in identityapi.PersonEdit) (identityapi.Person, error)
	Account(ctx context.Context, personID string) (identityapi.Account, error)
	AssignAccount(ctx context.Context, personID string, in AccountEdit) (identityapi.Account, error)
	Unlock(ctx context.Context, personID string) error
	SignOutPerson(ctx context.Context, personID string) error
}

// Routes puts the routes on the application.
func Routes(app *fiber.App, service func() (Identity, error)) {
	app.Get("/v1/jwks.json", httpx.Answer(service, fiber.StatusOK, keys))
	app.Post("/v1/service-tokens", httpx.Take(service, fiber.StatusOK, Identity.ServiceToken))
	app.Post("/v1/sessions", httpx.Take(service, fiber.StatusCreated, Identity.SignIn))
	app.Post("/v1/sessions/close", httpx.DoWith(service, Identity.SignOut))
	app.Post("/v1/tokens", httpx.Take(service, fiber.StatusOK, Identity.Token))
	me := app.Group("/v1/me")
	me.Get("", own(service, Identity.Me))
	me.Post("/step-up", httpx.Take(service, fiber.StatusOK, Identity.StepUp))
	me.Post("/password", httpx.DoWith(service, Identity.ChangePassword))
	me.Post("/second-factor", httpx.Take(service, fiber.StatusOK, Identity.BeginFactor))
	me.Post("/second-factor/confirm", httpx.DoWith(service, Identity.ConfirmFactor))
	me.Post("/second-factor/remove", httpx.DoWith(service, Identity.RemoveFactor))
	me.Put("/absence", httpx.DoWith(service, Identity.SetAbsence))
	me.Put("/language", httpx.DoWith(service, Identity.SetLanguage))
	app.Get("/v1/tenant", own(service, Identity.Tenant))
	app.Get("/v1/units", own(service, Identity.Units))
	app.Post("/v1/units", httpx.Take(service, fiber.StatusCreated, create(Identity.SaveUnit)))
	app.Put("/v1/units/:unitId", httpx.TakeFor(service, fiber.StatusOK, "unitId", Identity.SaveUnit))
	app.Delete("/v1/units/:unitId", httpx.DoOne(service, "unitId", Identity.DeleteUnit))
	persons := app.Group("/v1/persons")
	persons.Post("/search", httpx.Take(service, fiber.StatusOK, Identity.SearchPersons))
	persons.Post("", httpx.Take(service, fiber.StatusCreated, create(Identity.SavePerson)))
	persons.Get("/:personId", httpx.AnswerOne(service, "personId", Identity.Person))
	persons.Put("/:personId", httpx.TakeFor(service, fiber.StatusOK, "personId", Identity.SavePerson))
	persons.Get("/:personId/account", httpx.AnswerOne(service, "personId", Identity.Account))
	persons.Put("/:personId/account", httpx.TakeFor(service, fiber.StatusOK, "personId", Identity.AssignAccount))
	persons.Post("/:personId/account/unlock", httpx.DoOne(service, "personId", Identity.Unlock))
	persons.Post("/:personId/account/sign-out", httpx.DoOne(service, "personId", Identity.SignOutPerson))
}

func keys(s Identity, c *fiber.Ctx) (auth.KeySet, error) {
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return s.Keys(), nil
}

// own answers what belongs to the caller or the caller's tenant.
func own[Out any](service func() (Identity, error), use func(Identity, context.Context) (Out, error)) fiber.Handler {
	return httpx.Answer(service, fiber.StatusOK, func(s Identity, c *fiber.Ctx) (Out, error) { return use(s, c.UserContext()) })
}

// create saves something that has no id yet.
func create[In, Out any](save func(Identity, context.Context, string, In) (Out, error)) func(Identity, context.Context, In) (Out, error) {
	return func(s Identity, ctx context.Context, in In) (Out, error) { return save(s, ctx, "", in) }
}
