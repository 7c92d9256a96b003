// Package identity knows who is who: tenants, the organisation chart, persons
// and their roles, local accounts, sessions and the tokens made from them. It
// publishes the directory and every withdrawal of a token.
package identity

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Entry is a tenant, unit or person as it is now, with its whole history
// (published as a topics.Fact). Name and Domain are copies to sort and find by.
type Entry[T any] struct {
	Current  T                `json:"current"`
	Deleted  bool             `json:"deleted"`
	Domain   string           `json:"domain,omitempty"` // of a tenant: what its sign-in names end in
	Versions []topics.Version `json:"versions"`
}

// Set records that v holds from now on. It says whether anything changed.
func (e *Entry[T]) Set(v T, from, recorded time.Time, by string) (changed bool, err error) {
	if len(e.Versions) > 0 && !e.Deleted && reflect.DeepEqual(e.Current, v) {
		return false, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("identity: version: %w", err)
	}
	e.Current, e.Deleted = v, false
	e.Versions = append(e.Versions, topics.Version{ValidFrom: from, RecordedAt: recorded, RecordedBy: by, Data: data})
	return true, nil
}

// End records that the entity does not exist from now on.
func (e *Entry[T]) End(now time.Time, by string) {
	e.Deleted = true
	e.Versions = append(e.Versions, topics.Version{ValidFrom: now, RecordedAt: now, RecordedBy: by, Deleted: true})
}

// UnitID and PersonID are the ids of seeded entities: the same key in the same
// tenant is the same entity at every import.
func UnitID(t tenant.ID, key string) string { return id.Of(topics.KindUnit, string(t), key) }

// PersonID is UnitID for persons.
func PersonID(t tenant.ID, key string) string { return id.Of(topics.KindPerson, string(t), key) }

// Account is a local account. The password is kept as an argon2id hash only,
// the second factor's secret encrypted.
type Account struct {
	Name            string    `json:"name"` // normalised, name@domain
	PersonID        string    `json:"personId"`
	Hash            string    `json:"hash"` // PHC string
	PasswordChanged time.Time `json:"passwordChanged"`
	MustChange      bool      `json:"mustChange"` // assigned by somebody else (R32)
	Disabled        bool      `json:"disabled"`
	Factor          *Factor   `json:"factor,omitempty"`
	Language        string    `json:"language,omitempty"` // nb, nn or en; empty: not chosen
}

// HasFactor says whether a second factor is set up and confirmed.
func (a Account) HasFactor() bool { return a.Factor != nil && a.Factor.Confirmed }

// Factor is a code app (TOTP, RFC 6238).
type Factor struct {
	Secret    []byte `json:"secret"` // encrypted
	Confirmed bool   `json:"confirmed"`
	LastStep  int64  `json:"lastStep"` // time step of the last code taken: each counts once
}

// Attempts counts failed proofs of one sign-in name, whether or not there is
// such an account: the two cannot be told apart from outside.
type Attempts struct {
	Count       int       `json:"count"`
	LockedUntil time.Time `json:"lockedUntil,omitzero"`
	Last        time.Time `json:"last"`
}

// Session is one signed-in browser. Its secret is known to the browser only.
type Session struct {
	PersonID  string    `json:"personId"`
	AccountID string    `json:"accountId"`
	Hash      []byte    `json:"hash"` // SHA-256 of the secret
	Created   time.Time `json:"created"`
	Seen      time.Time `json:"seen"`
	Expires   time.Time `json:"expires"` // at the latest
	Closed    bool      `json:"closed"`
	StepUpAt  time.Time `json:"stepUpAt,omitzero"`
	StepUpOf  string    `json:"stepUpOf,omitempty"`
}

// Holds says whether the session is usable now, idle being how long it may rest.
func (s Session) Holds(now time.Time, idle time.Duration) bool {
	return !s.Closed && now.Before(s.Expires) && now.Sub(s.Seen) <= idle
}

// Problems of sign-in and accounts.
var (
	ErrCredentials    = problem.New(problem.KindUnauthenticated, "wrong-credentials", "The name, the password or the code is not right.")
	ErrFactorNeeded   = problem.New(problem.KindUnauthenticated, "second-factor-required", "Give the code from your code app as well.")
	ErrLocked         = problem.New(problem.KindTooMany, "sign-in-locked", "Too many wrong attempts. Wait before you try again, or ask an administrator to unlock the account.")
	ErrSessionEnded   = problem.New(problem.KindUnauthenticated, "session-ended", "You have been signed out. Sign in again.")
	errTooShort       = problem.Refused("password-too-short", "The password needs at least 12 characters.")
	errUnchanged      = problem.Refused("password-unchanged", "The new password must differ from the present one.")
	errContainsName   = problem.Refused("password-contains-name", "The password must not contain the sign-in name.")
	errNameTaken      = problem.Conflict("sign-in-name-taken", "The sign-in name is in use.")
	errName           = problem.Refused("sign-in-name-invalid", "A sign-in name is name@domain, where the domain is the municipality's.")
	errNoAccount      = problem.NotFound("account")
	errUnit           = problem.NotFound("unit")
	errPerson         = problem.NotFound("person")
	errUnitNotEmpty   = problem.Refused("unit-not-empty", "Persons or units still belong to this unit.")
	errUnitCycle      = problem.Refused("unit-cycle", "A unit cannot lie below itself.")
	errNoFactor       = problem.Refused("no-second-factor", "There is no second factor to confirm or remove.")
	errFactorThere    = problem.Refused("second-factor-already-on", "There is a second factor already. Remove it first.")
	errForbidden      = problem.Forbidden("not-allowed-here", "Your role does not allow this here.")
	errOwnDelegate    = problem.Refused("own-delegate", "Nobody is their own delegate.")
	errPeriod         = problem.Refused("period-reversed", "A period ends after it begins.")
	errUnknownService = problem.New(problem.KindUnauthenticated, "wrong-credentials", "The service or its secret is not right.")
)

var nameForm = regexp.MustCompile(`^[^@\s]{1,120}@[a-z0-9.-]{1,120}$`)

// NormalName gives the one form of a sign-in name: NFC, lower case, no spaces
// around it. ok is false where it is no name@domain.
func NormalName(s string) (name, domain string, ok bool) {
	name = strings.ToLower(strings.TrimSpace(norm.NFC.String(s)))
	if !nameForm.MatchString(name) {
		return name, "", false
	}
	return name, name[strings.LastIndexByte(name, '@')+1:], true
}

// CheckPassword says whether a new password may be used with the account's
// name (R32). Characters are counted, not bytes.
func CheckPassword(password, name string, least int) error {
	password = norm.NFC.String(password)
	if len([]rune(password)) < least {
		return errTooShort.With("least", fmt.Sprint(least))
	}
	local, _, _ := strings.Cut(name, "@")
	if len(local) >= 4 && strings.Contains(strings.ToLower(password), local) {
		return errContainsName
	}
	return nil
}

// checkPeriods refuses reversed absences.
func checkPeriods(all []topics.Period) error {
	for _, p := range all {
		if !p.To.IsZero() && !p.From.Before(p.To) {
			return errPeriod
		}
	}
	return nil
}
