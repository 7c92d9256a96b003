package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Opened is a new session.
type Opened struct {
	Secret     string
	Expires    time.Time
	Idle       time.Duration
	MustChange bool
}

// SignIn opens a session for a local account. The same is done for a name that
// does not exist as for one that does: the same hash is computed and the same
// attempts are counted.
func (s *Service) SignIn(ctx context.Context, name, password, code string) (Opened, error) {
	if err := s.ready(); err != nil {
		return Opened{}, err
	}
	normal, domain, valid := NormalName(name)
	t, found := nowhere, false
	if valid {
		var err error
		if t, found, err = s.tenantOf(ctx, domain); err != nil {
			return Opened{}, err
		}
	}
	ctx = tenant.With(ctx, t)
	var account docstore.Doc[Account]
	if found {
		doc, err := s.accounts.Get(ctx, accountID(normal))
		if err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return Opened{}, err
		}
		account = doc
	}
	if err := s.prove(ctx, normal, account, password, code, proveAll); err != nil {
		return Opened{}, err
	}
	person, err := s.persons.Get(ctx, account.Value.PersonID)
	if err != nil || person.Value.Deleted || person.Value.Current.Left {
		return Opened{}, ErrCredentials.Because(err)
	}
	return s.newSession(ctx, t, account)
}

func (s *Service) newSession(ctx context.Context, t tenant.ID, account docstore.Doc[Account]) (Opened, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	now, session := s.clock().UTC(), id.New()
	secret := sessionSecret(t, session, random)
	hash := sha256.Sum256([]byte(secret))
	v := Session{PersonID: account.Value.PersonID, AccountID: account.ID, Hash: hash[:], Created: now, Seen: now, Expires: now.Add(s.cfg.Lifetime)}
	ctx = auth.With(ctx, auth.Principal{Subject: v.PersonID, Tenant: t})
	if _, err := s.sessions.Insert(ctx, session, v, s.changed(ctx, "session.open", "session:"+session, nil)); err != nil {
		return Opened{}, err
	}
	return Opened{Secret: secret, Expires: v.Expires, Idle: s.cfg.Idle, MustChange: account.Value.MustChange}, nil
}

// proof is what prove asks for.
type proof int

const (
	proveAll      proof = iota // the password, and the code where there is a second factor
	provePassword              // the password alone
	proveStepUp                // the code where there is a second factor, else the password
)

// prove checks a password and code of the account, which is the zero document
// where there is none. Every try is counted before it is checked, so that tries
// side by side are not more than the lock allows. A wrong proof of an account
// is in the audit log (R36).
func (s *Service) prove(ctx context.Context, name string, account docstore.Doc[Account], password, code string, what proof) error {
	attempts := s.attemptsID(name)
	if err := s.charge(ctx, attempts, account); err != nil {
		return err
	}
	err := s.check(ctx, attempts, account, password, code, what)
	if !errors.Is(err, ErrCredentials) {
		return err
	}
	// The same write for a name that does not exist, which takes the same time.
	if _, failed := s.attempts.Update(ctx, attempts, func(_ *Attempts, out *docstore.Outbox) error {
		if account.ID != "" {
			out.Messages = append(out.Messages, audit.ChangeRecord(topics.AuditRecord{
				Time: s.clock(), Service: "identity", Actor: topics.Actor{Type: "service", ID: "identity"}, Action: "session.refuse", Object: "account:" + account.ID,
				Result: audit.ResultDenied, Details: map[string]string{"person": account.Value.PersonID},
			}))
		}
		return nil
	}); failed != nil {
		return failed
	}
	return err
}

func (s *Service) check(ctx context.Context, attempts string, account docstore.Doc[Account], password, code string, what proof) error {
	exists := account.ID != "" && !account.Value.Disabled
	if what == proveStepUp && account.Value.HasFactor() {
		if code == "" {
			return s.refund(ctx, attempts, ErrFactorNeeded)
		}
		if !exists || !s.takeCode(ctx, account, code) {
			return ErrCredentials
		}
		return s.refund(ctx, attempts, nil)
	}
	hash := s.hasher.dummy
	if account.ID != "" {
		hash = account.Value.Hash
	}
	ok, stale, err := s.hasher.verify(ctx, hash, password)
	if err != nil {
		return err
	}
	if !ok || !exists {
		return ErrCredentials
	}
	if what == proveAll && account.Value.HasFactor() {
		if code == "" {
			return s.refund(ctx, attempts, ErrFactorNeeded)
		}
		if !s.takeCode(ctx, account, code) {
			return ErrCredentials
		}
	}
	if stale {
		s.rehash(ctx, account, password)
	}
	return s.refund(ctx, attempts, nil)
}

// charge counts a try and refuses it while the name is locked.
func (s *Service) charge(ctx context.Context, attempts string, account docstore.Doc[Account]) error {
	now := s.clock().UTC()
	next := func(v *Attempts) (locks bool, err error) {
		if now.Before(v.LockedUntil) {
			return false, ErrLocked.With("seconds", strconv.Itoa(int(v.LockedUntil.Sub(now).Seconds())+1))
		}
		if !v.LockedUntil.IsZero() {
			*v = Attempts{} // the lock has opened by itself
		}
		v.Count++
		v.Last = now
		if v.Count >= s.cfg.LockAfter {
			v.LockedUntil = now.Add(s.cfg.LockFor)
			return true, nil
		}
		return false, nil
	}
	_, err := s.attempts.Update(ctx, attempts, func(v *Attempts, out *docstore.Outbox) error {
		locks, err := next(v)
		if locks && account.ID != "" {
			out.Messages = append(out.Messages, s.changed(ctx, "account.lock", "account:"+account.ID, map[string]string{"person": account.Value.PersonID}))
		}
		return err
	})
	if !errors.Is(err, docstore.ErrNotFound) {
		return err
	}
	var first Attempts
	if _, err := next(&first); err != nil {
		return err
	}
	if _, err = s.attempts.Insert(ctx, attempts, first); errors.Is(err, docstore.ErrExists) {
		return s.charge(ctx, attempts, account) // somebody tried at the same moment
	}
	return err
}

// refund clears the count after a right answer and returns err, or what went
// wrong with it. A right password without the code takes back its own try only.
func (s *Service) refund(ctx context.Context, attempts string, answer error) error {
	_, err := s.attempts.Update(ctx, attempts, func(v *Attempts, _ *docstore.Outbox) error {
		if answer == nil {
			*v = Attempts{Last: v.Last}
			return nil
		}
		v.Count, v.LockedUntil = max(v.Count-1, 0), time.Time{}
		return nil
	})
	if err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return err
	}
	return answer
}

func (s *Service) rehash(ctx context.Context, account docstore.Doc[Account], password string) {
	hash, err := s.hasher.hash(ctx, password)
	if err == nil {
		_, err = s.accounts.Update(ctx, account.ID, func(v *Account, _ *docstore.Outbox) error {
			if v.Hash == account.Value.Hash {
				v.Hash = hash
			}
			return nil
		})
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "password hash kept its old parameters", "account", account.ID, "error", err)
	}
}

// attemptsID hides the name: what is typed by mistake into the name field, a
// password for example, is not stored.
func (s *Service) attemptsID(name string) string {
	h := hmac.New(sha256.New, s.names)
	h.Write([]byte(name))
	return id.Of("attempts", string(h.Sum(nil)))
}

func accountID(name string) string { return id.Of("account", name) }

func sameHash(want [32]byte, secret string) bool {
	got := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// session finds the session of a secret and its context, ErrSessionEnded
// where it does not hold.
func (s *Service) session(ctx context.Context, secret string) (context.Context, tenant.ID, docstore.Doc[Session], error) {
	var none docstore.Doc[Session]
	if err := s.ready(); err != nil {
		return ctx, "", none, err
	}
	t, session, ok := splitSecret(secret)
	if !ok {
		return ctx, "", none, ErrSessionEnded
	}
	ctx = tenant.With(ctx, t)
	doc, err := s.sessions.Get(ctx, session)
	if errors.Is(err, docstore.ErrNotFound) {
		return ctx, t, none, ErrSessionEnded
	}
	if err != nil {
		return ctx, t, none, err
	}
	hash := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(hash[:], doc.Value.Hash) != 1 || !doc.Value.Holds(s.clock(), s.cfg.Idle) {
		return ctx, t, none, ErrSessionEnded
	}
	return ctx, t, doc, nil
}

// Token turns a session into a token for one service, with the roles the
// person has now.
func (s *Service) Token(ctx context.Context, secret, audience string) (token string, expires time.Time, err error) {
	if !known(audience) {
		return "", time.Time{}, ErrSessionEnded
	}
	ctx, t, doc, err := s.session(ctx, secret)
	if err != nil {
		return "", time.Time{}, err
	}
	p, err := s.principal(ctx, t, doc)
	if err != nil {
		return "", time.Time{}, err
	}
	// Once a minute is enough to keep it awake, and spares the writes.
	if now := s.clock().UTC(); now.Sub(doc.Value.Seen) > time.Minute {
		if _, err := s.sessions.Update(ctx, doc.ID, func(v *Session, _ *docstore.Outbox) error {
			v.Seen = now
			return nil
		}); err != nil {
			return "", time.Time{}, err
		}
	}
	return s.signers[0].Issue(p, audience)
}

// principal is who the session's person is now.
func (s *Service) principal(ctx context.Context, t tenant.ID, doc docstore.Doc[Session]) (auth.Principal, error) {
	account, err := s.accounts.Get(ctx, doc.Value.AccountID)
	if err != nil || account.Value.Disabled {
		return auth.Principal{}, ErrSessionEnded.Because(err)
	}
	person, err := s.persons.Get(ctx, doc.Value.PersonID)
	if err != nil || person.Value.Deleted || person.Value.Current.Left {
		return auth.Principal{}, ErrSessionEnded.Because(err)
	}
	p := auth.Principal{Subject: person.ID, Tenant: t, Unit: person.Value.Current.UnitID, Session: doc.ID}
	if account.Value.MustChange {
		return p, nil // no roles until the assigned password is changed (R32)
	}
	if v := doc.Value; s.clock().Sub(v.StepUpAt) <= s.cfg.StepUpFor {
		p.StepUp, p.StepUpOf = v.StepUpAt, v.StepUpOf
	}
	org, err := s.org(ctx)
	if err != nil {
		return p, err
	}
	covered, err := s.coveredBy(ctx, person.ID)
	if err != nil {
		return p, err
	}
	p.Grants = Grants(Member{person.ID, person.Value.Current}, covered, org, s.clock())
	return p, nil
}

// coveredBy lists the persons who named this one as their delegate.
func (s *Service) coveredBy(ctx context.Context, person string) ([]Member, error) {
	page, err := s.persons.Find(ctx, docstore.And{docstore.Eq{Field: "current.delegate", Value: person}, docstore.Eq{Field: "deleted", Value: false}}, docstore.FindOptions{Limit: 200})
	if err != nil {
		return nil, err
	}
	all := make([]Member, 0, len(page.Docs))
	for _, d := range page.Docs {
		all = append(all, Member{d.ID, d.Value.Current})
	}
	return all, nil
}

// SignOut closes the session of a secret and withdraws its tokens.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	ctx, t, doc, err := s.session(ctx, secret)
	if errors.Is(err, ErrSessionEnded) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = auth.With(ctx, auth.Principal{Subject: doc.Value.PersonID, Tenant: t})
	return s.closeSession(ctx, t, doc.ID)
}

func (s *Service) closeSession(ctx context.Context, t tenant.ID, session string) error {
	_, err := s.sessions.Update(ctx, session, func(v *Session, out *docstore.Outbox) error {
		if v.Closed {
			return nil
		}
		v.Closed = true
		out.Messages = append(out.Messages, s.revocation(t, "", session), s.changed(ctx, "session.close", "session:"+session, map[string]string{"person": v.PersonID}))
		return nil
	})
	return err
}

// closeSessions closes every session of a person but one.
func (s *Service) closeSessions(ctx context.Context, t tenant.ID, person, except string) error {
	opt := docstore.FindOptions{Limit: 200}
	for {
		page, err := s.sessions.Find(ctx, docstore.And{docstore.Eq{Field: "personId", Value: person}, docstore.Eq{Field: "closed", Value: false}}, opt)
		if err != nil {
			return err
		}
		for _, d := range page.Docs {
			if d.ID == except {
				continue
			}
			if err := s.closeSession(ctx, t, d.ID); err != nil {
				return err
			}
		}
		if opt.After = page.Next; page.Next == "" {
			return nil
		}
	}
}

// Sweep deletes sessions and attempts that no longer matter.
func (s *Service) Sweep(ctx context.Context) error {
	page, err := s.tenants.Find(sweepScope(ctx), nil, docstore.FindOptions{Limit: 1000})
	if err != nil {
		return err
	}
	all := []tenant.ID{nowhere}
	for _, d := range page.Docs {
		all = append(all, tenant.ID(d.Tenant))
	}
	now := s.clock().UTC()
	for _, t := range all {
		own := tenant.With(ctx, t)
		if err := sweep(own, s.sessions, docstore.Range{Field: "expires", Lt: now.Add(-time.Hour)}); err != nil {
			return err
		}
		if err := sweep(own, s.attempts, docstore.Range{Field: "last", Lt: now.Add(-24 * time.Hour)}); err != nil {
			return err
		}
	}
	return nil
}

func sweep[T any](ctx context.Context, c docstore.Collection[T], f docstore.Filter) error {
	page, err := c.Find(ctx, f, docstore.FindOptions{Limit: 500})
	if err != nil {
		return err
	}
	for _, d := range page.Docs {
		if err := c.Delete(ctx, d.ID); err != nil && !errors.Is(err, docstore.ErrPending) && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
	}
	return nil
}

// own is the caller's session and account.
func (s *Service) own(ctx context.Context) (auth.Principal, docstore.Doc[Session], docstore.Doc[Account], error) {
	var session docstore.Doc[Session]
	var account docstore.Doc[Account]
	p, ok := auth.From(ctx)
	if !ok || p.Service {
		return p, session, account, auth.ErrNoToken
	}
	if err := s.ready(); err != nil {
		return p, session, account, err
	}
	session, err := s.sessions.Get(ctx, p.Session)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && (session.Value.PersonID != p.Subject || !session.Value.Holds(s.clock(), s.cfg.Lifetime))) {
		return p, session, account, ErrSessionEnded
	}
	if err != nil {
		return p, session, account, err
	}
	account, err = s.accounts.Get(ctx, session.Value.AccountID)
	return p, session, account, err
}
