package httpx

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
)

// Problems of the guard.
var (
	// ErrNotAllowed: none of the caller's roles ever allows this.
	ErrNotAllowed = problem.Forbidden("not-allowed", "Your role does not allow this.")
	errTenant     = problem.Forbidden("tenant-not-yours", "Only a service names the tenant it acts for.")
)

// guard is authentication → coarse authorisation → limits → contract.
func (s *server) guard(c *fiber.Ctx) error {
	r := requestOf(c)
	if r.matched != nil {
		return r.matched
	}
	if r.op == nil {
		return c.Next() // outside the prefix
	}
	if err := s.authenticate(c, r); err != nil {
		return err
	}
	release, err := s.limits.enter(r)
	if err != nil {
		return err
	}
	defer release()
	body, err := s.readBody(c, r.op)
	if err != nil {
		return err
	}
	if err := s.contract.check(c.UserContext(), r.http, r.params, r.route, body, r.op.Stream); err != nil {
		return err
	}
	err = c.Next()
	if r.op.Stream {
		drain(c)
	}
	return err
}

// authenticate puts the caller and the tenant into the context.
func (s *server) authenticate(c *fiber.Ctx, r *request) error {
	if r.op.Anonymous {
		return nil
	}
	bearer, err := s.bearer(c)
	if err != nil {
		if r.op.Open {
			return nil
		}
		return err
	}
	if bearer == "" || s.cfg.Verifier == nil {
		if r.op.Open {
			return nil
		}
		return auth.ErrNoToken
	}
	p, err := s.cfg.Verifier.Verify(c.UserContext(), bearer)
	if err != nil {
		if r.op.Open {
			return nil // an expired session must still be able to sign in
		}
		return err
	}
	if named := c.Get(HeaderTenant); named != "" {
		if !p.Service {
			return errTenant
		}
		p.Tenant = tenant.ID(named)
		if !p.Tenant.Valid() {
			return problem.Invalid("The tenant's name is not one.", problem.Field{Pointer: HeaderTenant, Slug: "wrong-form", Detail: "This does not have the right form."})
		}
	}
	if !r.op.Open && !auth.MayEver(p, r.op.Action) {
		return ErrNotAllowed
	}
	r.subject = ""
	if !p.Service {
		r.subject = p.Subject
	}
	ctx := auth.With(c.UserContext(), p)
	if p.Tenant != "" {
		ctx = tenant.With(ctx, p.Tenant)
	}
	c.SetUserContext(ctx)
	return nil
}

func (s *server) bearer(c *fiber.Ctx) (string, error) {
	if s.cfg.Authenticate != nil {
		return s.cfg.Authenticate(c)
	}
	scheme, token, found := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	return strings.TrimSpace(token), nil
}
