package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
)

// totpStep is the length of a code's time step in seconds (RFC 6238).
const totpStep = 30

// Factors are shown in code apps under this name.
const totpIssuer = "Varde"

// StepUp proves the caller again for one action in this session. It returns
// when it was done and until when it counts.
func (s *Service) StepUp(ctx context.Context, action, password, code string) (at, until time.Time, err error) {
	_, session, account, err := s.own(ctx)
	if err != nil {
		return at, until, err
	}
	if err := s.prove(ctx, account.Value.Name, account, password, code, proveStepUp); err != nil {
		return at, until, err
	}
	at = s.clock().UTC().Truncate(time.Second)
	_, err = s.sessions.Update(ctx, session.ID, func(v *Session, out *docstore.Outbox) error {
		v.StepUpAt, v.StepUpOf = at, action
		out.Messages = append(out.Messages, s.changed(ctx, "session.step-up", "session:"+session.ID, map[string]string{"action": action}))
		return nil
	})
	return at, at.Add(s.cfg.StepUpFor), err
}

// ChangePassword sets the caller's password. Other sessions of the account
// end, and every token is made anew: the roles come with the next one.
func (s *Service) ChangePassword(ctx context.Context, current, next string) error {
	p, session, account, err := s.own(ctx)
	if err != nil {
		return err
	}
	if err := CheckPassword(next, account.Value.Name, s.cfg.MinPassword); err != nil {
		return err
	}
	if err := s.prove(ctx, account.Value.Name, account, current, "", provePassword); err != nil {
		return err
	}
	if current == next {
		return errUnchanged
	}
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.accounts.Update(ctx, account.ID, func(v *Account, out *docstore.Outbox) error {
		v.Hash, v.PasswordChanged, v.MustChange = hash, s.clock().UTC(), false
		out.Messages = append(out.Messages, s.revocation(p.Tenant, p.Subject, ""), s.changed(ctx, "account.password", "account:"+account.ID, nil))
		return nil
	})
	if err != nil {
		return err
	}
	return s.closeSessions(ctx, p.Tenant, p.Subject, session.ID)
}

// SetLanguage keeps the language that the caller wants the interface in.
func (s *Service) SetLanguage(ctx context.Context, language string) error {
	_, _, account, err := s.own(ctx)
	if err != nil {
		return err
	}
	_, err = s.accounts.Update(ctx, account.ID, func(v *Account, out *docstore.Outbox) error {
		if v.Language == language {
			return nil
		}
		v.Language = language
		out.Messages = append(out.Messages, s.changed(ctx, "account.language", "account:"+account.ID, nil))
		return nil
	})
	return err
}

// BeginFactor makes a new code app secret, which counts after ConfirmFactor.
func (s *Service) BeginFactor(ctx context.Context, password string) (secret, uri string, err error) {
	_, _, account, err := s.own(ctx)
	if err != nil {
		return "", "", err
	}
	if err := s.prove(ctx, account.Value.Name, account, password, "", provePassword); err != nil {
		return "", "", err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: account.Value.Name, Period: totpStep, Algorithm: otp.AlgorithmSHA1, Digits: otp.DigitsSix})
	if err != nil {
		return "", "", err
	}
	sealed := s.box.seal([]byte(key.Secret()), account.ID)
	_, err = s.accounts.Update(ctx, account.ID, func(v *Account, _ *docstore.Outbox) error {
		if v.HasFactor() {
			return errFactorThere
		}
		v.Factor = &Factor{Secret: sealed}
		return nil
	})
	return key.Secret(), key.URL(), err
}

// ConfirmFactor turns the second factor on, with a code from the app.
func (s *Service) ConfirmFactor(ctx context.Context, code string) error {
	_, _, account, err := s.own(ctx)
	if err != nil {
		return err
	}
	if account.Value.Factor == nil || account.Value.Factor.Confirmed {
		return errNoFactor
	}
	attempts := s.attemptsID(account.Value.Name)
	if err := s.charge(ctx, attempts, account); err != nil {
		return err
	}
	step, ok := s.matchCode(account, code)
	if !ok {
		return ErrCredentials
	}
	_, err = s.accounts.Update(ctx, account.ID, func(v *Account, out *docstore.Outbox) error {
		if v.Factor == nil {
			return errNoFactor
		}
		v.Factor.Confirmed, v.Factor.LastStep = true, step
		out.Messages = append(out.Messages, s.changed(ctx, "account.second-factor-on", "account:"+account.ID, nil))
		return nil
	})
	if err != nil {
		return err
	}
	return s.refund(ctx, attempts, nil)
}

// RemoveFactor turns the second factor off.
func (s *Service) RemoveFactor(ctx context.Context, password, code string) error {
	_, _, account, err := s.own(ctx)
	if err != nil {
		return err
	}
	if !account.Value.HasFactor() {
		return errNoFactor
	}
	if err := s.prove(ctx, account.Value.Name, account, password, code, proveAll); err != nil {
		return err
	}
	_, err = s.accounts.Update(ctx, account.ID, func(v *Account, out *docstore.Outbox) error {
		v.Factor = nil
		out.Messages = append(out.Messages, s.changed(ctx, "account.second-factor-off", "account:"+account.ID, nil))
		return nil
	})
	return err
}

// matchCode finds the time step a code belongs to: the present one or a
// neighbour, for clocks that differ.
func (s *Service) matchCode(account docstore.Doc[Account], code string) (step int64, ok bool) {
	secret, err := s.box.open(account.Value.Factor.Secret, account.ID)
	if err != nil {
		s.deps.Log.Error("a second factor cannot be decrypted", "account", account.ID)
		return 0, false
	}
	now := s.clock().Unix() / totpStep
	for candidate := now - 1; candidate <= now+1; candidate++ {
		want, err := totp.GenerateCode(string(secret), time.Unix(candidate*totpStep, 0))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// takeCode accepts a code once: of two that come at the same time one wins.
func (s *Service) takeCode(ctx context.Context, account docstore.Doc[Account], code string) bool {
	step, ok := s.matchCode(account, code)
	if !ok {
		return false
	}
	_, err := s.accounts.Update(ctx, account.ID, func(v *Account, _ *docstore.Outbox) error {
		if v.Factor == nil || step <= v.Factor.LastStep {
			return ErrCredentials
		}
		v.Factor.LastStep = step
		return nil
	})
	return err == nil
}

// AccountView is an account as an administrator sees it.
type AccountView struct {
	Account
	LockedUntil time.Time // zero: not locked
}

// AccountOf gives the account of a person.
func (s *Service) AccountOf(ctx context.Context, person string) (AccountView, error) {
	doc, err := s.accountOf(ctx, person)
	if err != nil {
		return AccountView{}, err
	}
	v := AccountView{Account: doc.Value}
	a, err := s.attempts.Get(ctx, s.attemptsID(doc.Value.Name))
	if err == nil && s.clock().Before(a.Value.LockedUntil) {
		v.LockedUntil = a.Value.LockedUntil
	}
	if errors.Is(err, docstore.ErrNotFound) {
		err = nil
	}
	return v, err
}

func (s *Service) accountOf(ctx context.Context, person string) (docstore.Doc[Account], error) {
	var none docstore.Doc[Account]
	if _, _, err := s.admin(ctx, auth.ActionAccountAdmin); err != nil {
		return none, err
	}
	page, err := s.accounts.Find(ctx, docstore.Eq{Field: "personId", Value: person}, docstore.FindOptions{Limit: 1})
	if err != nil {
		return none, err
	}
	if len(page.Docs) == 0 {
		return none, errNoAccount
	}
	return page.Docs[0], nil
}

// AccountEdit is what an administrator sets; empty fields stay as they are.
type AccountEdit struct {
	Name         string
	Password     string
	Disabled     *bool
	RemoveFactor bool
}

// AssignAccount gives a person an account, or changes it. The person must
// change an assigned password (R32), and is signed out.
func (s *Service) AssignAccount(ctx context.Context, person string, e AccountEdit) (AccountView, error) {
	t, _, err := s.admin(ctx, auth.ActionAccountAdmin)
	if err != nil {
		return AccountView{}, err
	}
	if _, err := s.person(ctx, person); err != nil {
		return AccountView{}, err
	}
	doc, err := s.accountOf(ctx, person)
	switch {
	case errors.Is(err, errNoAccount):
		if err := s.createAccount(ctx, t, person, e.Name, e.Password, true); err != nil {
			return AccountView{}, err
		}
		return s.AccountOf(ctx, person)
	case err != nil:
		return AccountView{}, err
	}
	if e.Name != "" {
		if name, _, ok := NormalName(e.Name); !ok || name != doc.Value.Name {
			// The name is the account's identity; a new one is a new account.
			return AccountView{}, errName
		}
	}
	var hash string
	if e.Password != "" {
		if err := CheckPassword(e.Password, doc.Value.Name, s.cfg.MinPassword); err != nil {
			return AccountView{}, err
		}
		if hash, err = s.hasher.hash(ctx, e.Password); err != nil {
			return AccountView{}, err
		}
	}
	_, err = s.accounts.Update(ctx, doc.ID, func(v *Account, out *docstore.Outbox) error {
		if hash != "" {
			v.Hash, v.PasswordChanged, v.MustChange = hash, s.clock().UTC(), true
		}
		if e.Disabled != nil {
			v.Disabled = *e.Disabled
		}
		if e.RemoveFactor {
			v.Factor = nil
		}
		out.Messages = append(out.Messages, s.revocation(t, person, ""), s.changed(ctx, auth.ActionAccountAdmin, "account:"+doc.ID, map[string]string{"person": person}))
		return nil
	})
	if err == nil {
		err = s.closeSessions(ctx, t, person, "")
	}
	if err != nil {
		return AccountView{}, err
	}
	return s.AccountOf(ctx, person)
}

func (s *Service) createAccount(ctx context.Context, t tenant.ID, person, name, password string, mustChange bool) error {
	normal, domain, ok := NormalName(name)
	if !ok {
		return errName
	}
	if owner, found, err := s.tenantOf(ctx, domain); err != nil {
		return err
	} else if !found || owner != t {
		return errName
	}
	if err := CheckPassword(password, normal, s.cfg.MinPassword); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	account := accountID(normal)
	_, err = s.accounts.Insert(ctx, account, Account{Name: normal, PersonID: person, Hash: hash, PasswordChanged: s.clock().UTC(), MustChange: mustChange},
		s.changed(ctx, auth.ActionAccountAdmin, "account:"+account, map[string]string{"person": person}))
	if errors.Is(err, docstore.ErrExists) {
		return errNameTaken
	}
	return err
}

// Unlock lets a locked account in again.
func (s *Service) Unlock(ctx context.Context, person string) error {
	doc, err := s.accountOf(ctx, person)
	if err != nil {
		return err
	}
	_, err = s.attempts.Update(ctx, s.attemptsID(doc.Value.Name), func(v *Attempts, out *docstore.Outbox) error {
		*v = Attempts{Last: v.Last}
		out.Messages = append(out.Messages, s.changed(ctx, "account.unlock", "account:"+doc.ID, map[string]string{"person": person}))
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	return err
}

// SignOutPerson ends every session and token of a person.
func (s *Service) SignOutPerson(ctx context.Context, person string) error {
	t, _, err := s.admin(ctx, auth.ActionAccountAdmin)
	if err != nil {
		return err
	}
	doc, err := s.accountOf(ctx, person)
	if err != nil {
		return err
	}
	if _, err := s.accounts.Update(ctx, doc.ID, func(_ *Account, out *docstore.Outbox) error {
		out.Messages = append(out.Messages, s.revocation(t, person, ""))
		return nil
	}); err != nil {
		return err
	}
	return s.closeSessions(ctx, t, person, "")
}

// admin checks that the caller may do a in their tenant.
func (s *Service) admin(ctx context.Context, a auth.Action) (tenant.ID, auth.Principal, error) {
	p, _ := auth.From(ctx)
	if err := s.ready(); err != nil {
		return "", p, err
	}
	t, err := tenant.From(ctx)
	if err != nil {
		return "", p, err
	}
	if !auth.Allow(p, a, auth.Object{Tenant: t}) {
		return t, p, errForbidden
	}
	return t, p, nil
}

func sweepScope(ctx context.Context) context.Context {
	return systemscope.Enter(ctx, "expired sessions and attempts of every tenant")
}
