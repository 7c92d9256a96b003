// Package auth says who calls and what they may do: EdDSA tokens and their
// verification (JWKS, revocations), and the one policy table (role × action ×
// scope).
package auth

import (
	"context"
	"time"

	"varde.internal/platform/tenant"
)

// Role names. What each may do is in the table (policy.go); R15–R23.
type Role string

// The roles. Their Norwegian names are in the interface's translations.
const (
	RoleEmployee            Role = "employee"             // ansatt: everyone signed in
	RoleSuperuser           Role = "superuser"            // superbruker
	RoleResponsible         Role = "responsible"          // daglig ansvarlig / leder with signing level
	RoleSystemOwner         Role = "system-owner"         // systemeier
	RoleSystemAdministrator Role = "system-administrator" // systemansvarlig
	RoleSecurityOfficer     Role = "security-officer"     // personvern- og sikkerhetsansvarlig
	RoleController          Role = "controller"           // behandlingsansvarlig
	RoleOperationsManager   Role = "operations-manager"   // driftsansvarlig
	RoleHostOperator        Role = "host-operator"        // staff of the shared IT host
	RoleRegionalCoordinator Role = "regional-coordinator" // koordineringsansvarlig: aggregates only
	RoleAuditor             Role = "auditor"              // revisor: reads everything, changes nothing
	RoleAdministrator       Role = "administrator"        // of the installation: sees no case content
	RoleService             Role = "service"              // another part of Varde
)

// Grant is a role over a unit and those below it; an empty Unit is the whole
// tenant. Reach is that unit and every one below it, expanded by
// services/identity when the token is made: another grant's units are not in it.
type Grant struct {
	Role  Role     `json:"role"`
	Unit  string   `json:"unit,omitempty"`
	Reach []string `json:"reach,omitempty"`
}

// Principal is a verified caller.
type Principal struct {
	Subject  string    // person id, or the service's name
	Tenant   tenant.ID // empty for a service, which acts for the tenant it names
	Grants   []Grant
	Unit     string    // the person's own unit
	Units    []string  // every unit any grant reaches; for lists, see also Reach
	Session  string    // browser session, for revocation and step-up
	StepUp   time.Time // when the second factor (or password) was last given; zero: never
	StepUpOf string    // the action the step-up was for
	Service  bool
}

// Has reports whether p holds the role anywhere.
func (p Principal) Has(r Role) bool {
	for _, g := range p.Grants {
		if g.Role == r {
			return true
		}
	}
	return false
}

type principalKey struct{}

// With returns a context that carries the verified caller.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the verified caller; ok is false on routes open to all.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Verifier turns a bearer token into a Principal. Errors are problems of kind
// unauthenticated. Safe for concurrent use.
type Verifier interface {
	Verify(ctx context.Context, bearer string) (Principal, error)
}

// TokenSource gives this service a token for calling another; it caches and
// renews.
type TokenSource interface {
	Token(ctx context.Context, audience string) (string, error)
}
