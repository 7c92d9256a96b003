package correlator

import (
	"strconv"
	"time"

	"varde.internal/schemas/topics"
)

// lifeCycle is C8: a logon after the account was deactivated or its holder left.
type lifeCycle struct{}

func (lifeCycle) Meta() Meta {
	return Meta{ID: "C8", Family: topics.FamilyLifeCycle, Severity: topics.SeverityHigh}
}

func (r lifeCycle) Judge(c *judgement) []Verdict {
	slug, since := c.view.gone(c.logon)
	if slug == "" {
		return nil
	}
	params := c.sentence(c.view, c.systems[0])
	params["since"] = stamp(since)
	verdict := Verdict{
		Rule: r.Meta(), Group: map[string]string{"account": c.key}, Trigger: c.EventID, Time: c.Time,
		Reason: topics.Reason{Slug: slug, Params: params}, Evidence: []*Attempt{c.Attempt}, Logon: c.logon, System: c.systems[0],
	}
	if c.Success {
		return []Verdict{verdict}
	}
	evidence, ok := c.past.failures(c, goneList(c.key))
	if !ok {
		return nil
	}
	verdict.Evidence = evidence
	params["why"], params["failed"] = slug, strconv.Itoa(sum(evidence))
	verdict.Reason.Slug = "failed-after-leaving"
	return []Verdict{verdict}
}

// gone says why the account must not be used at the logon's time, and since
// when: it was ended, its holder left, or the directory deactivated the holder's
// accounts, which binds systems that keep their own. An empty slug: it may.
func (v *view) gone(l *logon) (slug string, since time.Time) {
	if l.accountID == "" {
		return "", since
	}
	if !l.exists && !l.ended.IsZero() {
		return "account-deactivated", l.ended
	}
	person := l.account.PersonID
	if person == "" {
		return "", since
	}
	if h, ok := v.people[person]; ok {
		if t, here := h.At(l.Time); here && t.Value.Left {
			return "person-left", leftSince(h, l.Time)
		}
		if _, ended, was := h.Ended(l.Time); was {
			return "person-left", ended
		}
	}
	if l.account.Realm == "" {
		return v.deactivatedElsewhere(person, l.Time)
	}
	return "", since
}

// deactivatedElsewhere looks at the person's accounts in directories: at least
// one has ended and none is left.
func (v *view) deactivatedElsewhere(person string, at time.Time) (slug string, since time.Time) {
	for _, id := range v.byPerson[person] {
		h := v.accounts[id]
		if t, ok := h.At(at); ok {
			if t.Value.PersonID == person && t.Value.Realm != "" {
				return "", time.Time{}
			}
			continue
		}
		if t, ended, ok := h.Ended(at); ok && t.Value.PersonID == person && t.Value.Realm != "" && ended.After(since) {
			slug, since = "deactivated-in-directory", ended
		}
	}
	return slug, since
}

// leftSince is the start of the time without a break in which the person has left.
func leftSince(h topics.History[topics.Person], at time.Time) time.Time {
	since := at
	for {
		t, ok := h.At(since)
		if !ok || !t.Value.Left {
			return since.Add(time.Nanosecond)
		}
		since = t.ValidFrom.Add(-time.Nanosecond)
	}
}
