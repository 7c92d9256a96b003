package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/config"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Config of the identity service.
type Config struct {
	LockAfter   int           `yaml:"lockAfter" env:"LOCK_AFTER"`     // failed proofs before the lock
	LockFor     time.Duration `yaml:"lockFor" env:"LOCK_FOR"`         // it opens by itself after so long
	Idle        time.Duration `yaml:"idle" env:"IDLE"`                // a session ends when unused so long
	Lifetime    time.Duration `yaml:"lifetime" env:"LIFETIME"`        // and at the latest after so long
	StepUpFor   time.Duration `yaml:"stepUpFor" env:"STEP_UP_FOR"`    // how long a step-up counts
	MinPassword int           `yaml:"minPassword" env:"MIN_PASSWORD"` // characters (R32)
	Argon       Argon         `yaml:"argon" envPrefix:"ARGON_"`
	Hashing     int           `yaml:"hashing" env:"HASHING"` // password hashes computed at once
	// KeyGeneration rotates the signing key: one more than before makes a new
	// key, while tokens of the one before hold until they expire.
	KeyGeneration int `yaml:"keyGeneration" env:"KEY_GENERATION"`
	// ClientSecret gives the secret a part of Varde shows for its tokens; empty
	// where it has none. Set by cmd from the installation's keys.
	ClientSecret func(service string) config.Secret `yaml:"-"`
}

// Default are the settings in use where nothing else is said.
func Default() Config {
	return Config{
		LockAfter: 5, LockFor: 15 * time.Minute, Idle: 30 * time.Minute, Lifetime: 12 * time.Hour,
		StepUpFor: 5 * time.Minute, MinPassword: 12, Hashing: 2, KeyGeneration: 1,
		Argon: Argon{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1},
	}
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	var errs []error
	need := func(ok bool, text string) {
		if !ok {
			errs = append(errs, errors.New("identity."+text))
		}
	}
	need(c.LockAfter >= 3 && c.LockAfter <= 20, "lockAfter: between 3 and 20")
	need(c.LockFor >= time.Minute, "lockFor: at least 1m")
	need(c.Idle >= time.Minute && c.Idle <= c.Lifetime, "idle: at least 1m, at most lifetime")
	need(c.StepUpFor > 0 && c.StepUpFor <= 30*time.Minute, "stepUpFor: up to 30m")
	need(c.MinPassword >= 12, "minPassword: at least 12 (R32)")
	need(c.Hashing >= 1, "hashing: at least 1")
	need(c.KeyGeneration >= 1, "keyGeneration: at least 1")
	need(c.Argon.MemoryKiB >= 7<<10 && c.Argon.Passes >= 1 && c.Argon.Lanes >= 1, "argon: at least 7 MiB, 1 pass, 1 lane")
	return errors.Join(errs...)
}

// Deps is what the use cases stand on; the module fills it from run.Deps.
type Deps struct {
	Log    *slog.Logger
	Clock  func() time.Time
	Docs   docstore.Store
	Audit  audit.Client
	Secret func(use string) []byte
}

// Service is the use cases. Methods other than those of sign-in take a context
// with a tenant. Safe for concurrent use; Open must have succeeded once.
type Service struct {
	cfg     Config
	deps    Deps
	clock   func() time.Time
	signers []*auth.Signer // the first signs, all are published
	hasher  *hasher
	box     box
	keys    []byte // of topics
	names   []byte // of attempts: names are not stored for accounts that do not exist

	open     atomic.Bool
	tenants  docstore.Collection[Entry[topics.Tenant]]
	units    docstore.Collection[Entry[topics.Unit]]
	persons  docstore.Collection[Entry[topics.Person]]
	accounts docstore.Collection[Account]
	attempts docstore.Collection[Attempts]
	sessions docstore.Collection[Session]
}

// Collections of this service. Those in outboxes have messages to relay.
const (
	tenantsName  = "identity_tenants"
	unitsName    = "identity_units"
	personsName  = "identity_persons"
	accountsName = "identity_accounts"
	attemptsName = "identity_attempts"
	sessionsName = "identity_sessions"
)

// Outboxes lists the collections that need a relay.
func Outboxes() []string {
	return []string{tenantsName, unitsName, personsName, accountsName, attemptsName, sessionsName}
}

// nowhere is the tenant of what belongs to none: failed attempts at names of
// domains that do not exist.
const nowhere = tenant.ID("installation")

// NewService prepares the use cases without I/O.
func NewService(deps Deps, cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, clock: deps.Clock, keys: deps.Secret("topic-keys"), names: deps.Secret("sign-in-names")}
	for n := cfg.KeyGeneration; n >= 1 && n >= cfg.KeyGeneration-1; n-- {
		signer, err := auth.NewSigner(deps.Secret(fmt.Sprintf("token-signing/%d", n)), deps.Clock)
		if err != nil {
			return nil, err
		}
		s.signers = append(s.signers, signer)
	}
	var err error
	if s.box, err = newBox(deps.Secret("second-factors")); err != nil {
		return nil, err
	}
	s.hasher, err = newHasher(cfg.Argon, cfg.Hashing)
	return s, err
}

// Open declares the collections.
func (s *Service) Open(ctx context.Context) error {
	byDomain := []docstore.Index{{Fields: []string{"domain"}}}
	byName := []docstore.Index{{Fields: []string{"current.name"}}, {Fields: []string{"current.delegate"}}, {Fields: []string{"current.unitId"}}}
	var errs [6]error
	s.tenants, errs[0] = docstore.Open[Entry[topics.Tenant]](ctx, s.deps.Docs, docstore.Definition{Name: tenantsName, Clock: s.clock, Indexes: byDomain})
	s.units, errs[1] = docstore.Open[Entry[topics.Unit]](ctx, s.deps.Docs, docstore.Definition{Name: unitsName, Clock: s.clock})
	s.persons, errs[2] = docstore.Open[Entry[topics.Person]](ctx, s.deps.Docs, docstore.Definition{Name: personsName, Clock: s.clock, Indexes: byName})
	s.accounts, errs[3] = docstore.Open[Account](ctx, s.deps.Docs, docstore.Definition{Name: accountsName, Clock: s.clock, Indexes: []docstore.Index{{Fields: []string{"personId"}, Unique: true}}})
	s.attempts, errs[4] = docstore.Open[Attempts](ctx, s.deps.Docs, docstore.Definition{Name: attemptsName, Clock: s.clock, Indexes: []docstore.Index{{Fields: []string{"last"}}}})
	s.sessions, errs[5] = docstore.Open[Session](ctx, s.deps.Docs, docstore.Definition{Name: sessionsName, Clock: s.clock, Indexes: []docstore.Index{{Fields: []string{"personId"}}, {Fields: []string{"expires"}}}})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	s.open.Store(true)
	return nil
}

// ready fails calls that come before the documents could be reached.
func (s *Service) ready() error {
	if !s.open.Load() {
		return problem.Unavailable("The service is starting. Try again.", nil)
	}
	return nil
}

// Keys are the public keys of the tokens.
func (s *Service) Keys() auth.KeySet {
	var set auth.KeySet
	for _, k := range s.signers {
		set = append(set, k.Public())
	}
	return set
}

// fact is the message that tells the other parts of an entity.
func fact[T any](s *Service, kind, entity string, t tenant.ID, e Entry[T]) (docstore.Outgoing, error) {
	value, err := json.Marshal(topics.Fact{Kind: kind, ID: entity, Tenant: string(t), Versions: e.Versions})
	if err != nil {
		return docstore.Outgoing{}, fmt.Errorf("identity: fact: %w", err)
	}
	return docstore.Outgoing{Topic: bus.TopicDirectory, Message: bus.Message{
		Tenant: string(t), Key: bus.Key(s.keys, string(t), kind, entity), Type: topics.TypeFact, Version: 1, Value: value,
		ID: id.Of("fact", string(t), kind, entity, fmt.Sprint(len(e.Versions))),
	}}, nil
}

// revocation withdraws every token of a subject, or of one session, issued
// before now.
func (s *Service) revocation(t tenant.ID, subject, session string) docstore.Outgoing {
	now := s.clock().UTC()
	value, _ := json.Marshal(topics.Revocation{Subject: subject, Session: session, NotBefore: now}) // strings and a time
	return docstore.Outgoing{Topic: bus.TopicRevocations, Message: bus.Message{
		Tenant: string(t), Key: bus.Key(s.keys, string(t), "revocation", subject, session), Type: topics.TypeRevocation, Version: 1, Value: value,
		ID: id.Of("revocation", string(t), subject, session, now.Format(time.RFC3339Nano)),
	}}
}

// changed is the audit record of a change by the caller of ctx.
func (s *Service) changed(ctx context.Context, action auth.Action, object string, details map[string]string) docstore.Outgoing {
	return audit.ChangeRecord(topics.AuditRecord{
		Time: s.clock(), Service: "identity", Actor: actor(ctx), Action: string(action), Object: object, Details: details,
	})
}

func actor(ctx context.Context) topics.Actor {
	p, ok := auth.From(ctx)
	if !ok {
		return topics.Actor{Type: "service", ID: "identity"}
	}
	return audit.ActorOf(p)
}

// subject is the caller's id, empty for an import.
func subject(ctx context.Context) string {
	p, _ := auth.From(ctx)
	return p.Subject
}

// tenantOf finds the tenant whose sign-in names end in the domain.
func (s *Service) tenantOf(ctx context.Context, domain string) (tenant.ID, bool, error) {
	page, err := s.tenants.Find(systemscope.Enter(ctx, "sign-in: which tenant a domain belongs to"), docstore.Eq{Field: "domain", Value: domain}, docstore.FindOptions{Limit: 2})
	if err != nil || len(page.Docs) != 1 {
		return nowhere, false, err
	}
	return tenant.ID(page.Docs[0].Tenant), true, nil
}

// ServiceToken makes a token for a part of Varde that shows its secret.
func (s *Service) ServiceToken(service, secret, audience string) (token string, expires time.Time, err error) {
	if s.cfg.ClientSecret == nil || !known(audience) {
		return "", time.Time{}, errUnknownService
	}
	want := s.cfg.ClientSecret(service)
	// Hashes are of equal length, so the comparison tells nothing.
	if want.Empty() || !known(service) || !sameHash(sha256.Sum256([]byte(want.Reveal())), secret) {
		return "", time.Time{}, errUnknownService
	}
	return s.signers[0].Issue(auth.Principal{Subject: service, Service: true}, audience)
}

func known(service string) bool {
	for _, name := range auth.Services() {
		if name == service {
			return true
		}
	}
	return false
}

// sessionSecret is tenant.session.random: the first two say where to look.
func sessionSecret(t tenant.ID, session string, random []byte) string {
	return string(t) + "." + session + "." + hex.EncodeToString(random)
}

func splitSecret(secret string) (t tenant.ID, session string, ok bool) {
	parts := strings.Split(secret, ".")
	if len(parts) != 3 || !tenant.ID(parts[0]).Valid() || !id.Valid(parts[1]) {
		return "", "", false
	}
	return tenant.ID(parts[0]), parts[1], true
}
