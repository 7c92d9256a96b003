package register

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

var errAccountExists = problem.Conflict("account-exists", "Another account has this name in the same realm, on one of these systems and at the same time.")

// spelling is one form of an account's name: realm and name, in the form that
// names are compared in.
type spelling struct{ realm, name string }

// fold is the form in which names are compared: composed, in lower case, as
// the correlator does when it looks for an account.
func fold(s string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(s))) }

// spellings are all the forms of an account's name. One that names its realm
// (BØ\kari, kari@bo.example) is in that realm, others are in the account's.
func spellings(a topics.Account) []spelling {
	all := make([]spelling, 0, 1+len(a.Aliases))
	for _, s := range append([]string{a.Name}, a.Aliases...) {
		s = fold(s)
		one := spelling{fold(a.Realm), s}
		if realm, name, ok := strings.Cut(s, `\`); ok {
			one = spelling{realm, name}
		} else if i := strings.LastIndexByte(s, '@'); i >= 0 {
			one = spelling{s[i+1:], s[:i]}
		}
		all = append(all, one)
	}
	return all
}

// sameAccount says whether one logon could be in either of the accounts: they
// share a spelling and a system. No systems named are all of them.
func sameAccount(a, b topics.Account) bool {
	if len(a.Systems) > 0 && len(b.Systems) > 0 && !slices.ContainsFunc(a.Systems, func(s string) bool { return slices.Contains(b.Systems, s) }) {
		return false
	}
	other := spellings(b)
	return slices.ContainsFunc(spellings(a), func(s spelling) bool { return slices.Contains(other, s) })
}

// clash says whether the history has, at some moment of from–to (a zero to has
// no end), an account that is the same as v.
func clash(h topics.History[topics.Account], v topics.Account, from, to time.Time) bool {
	moments := []time.Time{from}
	for _, t := range h.Versions {
		moments = append(moments, t.ValidFrom, t.ValidTo)
	}
	return slices.ContainsFunc(moments, func(m time.Time) bool {
		if m.Before(from) || (!to.IsZero() && !m.Before(to)) {
			return false
		}
		held, ok := h.At(m)
		return ok && sameAccount(v, held.Value)
	})
}

// oneAccount refuses an account that another one is already, for some of the
// time: whose logon it was could not be told (R31). Names that were given to
// somebody new after the old account ended are no duplicates.
func (s *Service) oneAccount(ctx context.Context, entity string, v topics.Account, from, to time.Time) error {
	all, err := s.facts(ctx, topics.KindAccount)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.ID == entity {
			continue
		}
		h, err := topics.HistoryOf[topics.Account](f)
		if err != nil {
			return err
		}
		if clash(h, v, from, to) {
			return errAccountExists.With("id", f.ID)
		}
	}
	return nil
}
