package correlator

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// attempt takes an attempt or a lock in: into the runs of its account, and into
// the look-back where the register can have something to say about it.
func (c *Core) attempt(t *tenantState, a *Attempt, warm bool) {
	l := t.view.resolve(a)
	for _, s := range t.runs {
		if !a.End {
			s.add(c, t, l.key, a, warm)
		}
	}
	if !t.view.kept(l) {
		return
	}
	e := &entry{Attempt: a, l: l}
	if old := t.past.ids[a.EventID]; old != nil {
		if a.Generation <= old.Generation {
			return
		}
		t.past.drop(old)
		e.findings, e.again = old.findings, true // what still holds was said
	}
	t.past.add(e)
	c.kept = append(c.kept, a)
	touched := append([]*entry{e}, t.past.after(e)...)
	c.judge(t, touched)
	c.usedWindows(t, touched)
	if a.failure() && l.vendor != "" && len(e.findings) == 0 {
		c.counts.Observations++
	}
	if len(t.past.all) > c.opt.Limit+c.opt.Limit/10 {
		c.counts.Dropped += t.past.expire(t.view, time.Time{}, c.now, c.opt.Limit)
	}
}

// judge decides on the entries, in order: later ones rest on the earlier.
func (c *Core) judge(t *tenantState, entries []*entry) {
	p := c.params(t.id)
	for _, e := range entries {
		j := &judgement{logon: e.l, view: t.view, past: t.past, params: p}
		e.cover = coverage{system: e.l.systems[0]}
		if e.End {
			c.settle(t, e, nil)
			continue
		}
		if vendor := e.l.acting(); vendor != "" {
			e.cover = t.view.cover(e.l, vendor, t.past, p)
		}
		j.cover = e.cover
		t.past.mark(e, t.view.offences(e)...)
		var verdicts []Verdict
		for _, r := range c.logons {
			verdicts = append(verdicts, r.Judge(j)...)
		}
		c.settle(t, e, verdicts)
	}
}

// settle compares what is found about an entry with what was said before.
func (c *Core) settle(t *tenantState, e *entry, verdicts []Verdict) {
	var next []held
	for _, v := range verdicts {
		f := c.finding(t, v)
		h := held{finding: f, trigger: v.Trigger, withdrawn: true}
		if i := slices.IndexFunc(e.findings, func(o held) bool { return o.finding.ID == f.ID }); i >= 0 {
			if h.withdrawn = e.findings[i].withdrawn; h.withdrawn && v.Explained != nil {
				next = append(next, h) // said, and explained, before
				continue
			}
		}
		if h.withdrawn {
			c.raise(&h, e.trace, false)
		}
		if v.Explained != nil {
			c.withdraw(&h, v.Explained)
		}
		next = append(next, h)
	}
	for _, old := range e.findings {
		if !slices.ContainsFunc(next, func(h held) bool { return h.finding.ID == old.finding.ID }) {
			why := "register-corrected"
			if e.again {
				why = "read-again"
			}
			c.withdraw(&old, reason(why))
			next = append(next, old)
		}
	}
	e.findings, e.again = next, false
}

// usedWindows judges the windows that entries used. A new use of a window whose
// agreement is valid then, or that was said to be without, changes nothing.
func (c *Core) usedWindows(t *tenantState, entries []*entry) {
	done := map[string]bool{}
	for _, e := range entries {
		id := e.cover.windowID
		if id == "" || done[id] {
			continue
		}
		if len(entries) == 1 && (c.saidOf(t, id) || t.view.agreement(e.l.acting(), e.cover.system, e.Time).State.Valid()) {
			return
		}
		done[id] = true
		c.window(t, id)
	}
}

// saidOf reports whether every window rule has a finding with evidence on the window.
func (c *Core) saidOf(t *tenantState, id string) bool {
	for _, r := range c.windows {
		h := t.windows[r.Meta().ID+id]
		if h == nil || h.withdrawn || len(h.finding.Evidence) == 0 {
			return false
		}
	}
	return true
}

// allWindows judges every window and notes when the coming ones open.
func (c *Core) allWindows(t *tenantState) {
	t.openings = nil
	t.view.index()
	for _, id := range slices.Sorted(maps.Keys(t.view.windows)) {
		if at, _, ok := t.view.opening(t.view.windows[id]); ok && at.After(c.now) {
			t.openings = append(t.openings, opening{at, id})
		}
		c.window(t, id)
	}
	slices.SortFunc(t.openings, func(a, b opening) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
}

func (c *Core) window(t *tenantState, id string) {
	h := t.view.windows[id]
	last, ok := h.Last()
	if !ok {
		return
	}
	for _, r := range c.windows {
		key := r.Meta().ID + id
		old := t.windows[key]
		uses := t.past.usesOf(last.Value.VendorID, id, time.Time{})
		// One whose slot lies before the look-back, and that nothing recent used, is history.
		if at, _, ok := t.view.opening(h); old == nil && len(uses) == 0 && (!ok || at.Before(c.now.Add(-c.opt.LookBack))) {
			continue
		}
		v, found := r.JudgeWindow(t.view, h, uses, c.now, c.params(t.id))
		switch {
		case found && (old == nil || old.withdrawn):
			n := &held{finding: c.finding(t, v), trigger: v.Trigger, withdrawn: true}
			t.windows[key] = n
			c.raise(n, traceOf(v), false)
		case found && len(old.finding.Evidence) == 0 && len(v.Evidence) > 0:
			// Opened before, used now: the same finding, with its lines.
			old.finding = c.finding(t, v)
			c.raise(old, traceOf(v), false)
		case !found && old != nil && !old.withdrawn:
			c.withdraw(old, reason("register-corrected"))
		}
	}
}

func traceOf(v Verdict) map[string]string {
	if v.Logon != nil {
		return v.Logon.trace
	}
	return nil
}
