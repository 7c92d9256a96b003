package correlator

import (
	"slices"
	"time"
)

// A session that goes on after what let it in has ended (a window, its approval,
// the agreement) is a remark after a while, and no finding: nobody logged in.
// With the next logon outside every window it is said in that finding (C4).

// maxSessions is how many of a vendor's latest logons and ends are looked
// through for sessions that are open.
const maxSessions = 500

// open gives the successful logons of the vendor before a moment whose sessions
// go on then. A host that has not told of any session's end is taken to tell of
// none, and nothing is known of its sessions.
func (b *lookback) open(vendor string, at time.Time) []*entry {
	list := b.byVendor[vendor]
	i, _ := slices.BinarySearchFunc(list, at, func(e *entry, t time.Time) int { return e.Time.Compare(t) })
	open, tells := map[string]*entry{}, map[string]bool{}
	for _, e := range list[max(0, i-maxSessions):i] {
		if e.Session == "" {
			continue
		}
		name := e.Host + "\x00" + e.Session
		switch {
		case e.End:
			delete(open, name)
			tells[e.Host] = true
		case e.Success:
			open[name] = e
		}
	}
	var found []*entry
	for _, e := range open {
		if tells[e.Host] {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, order)
	return found
}

// outlived reports whether a session that is open at a moment has gone on for
// longer than may be after a window or an agreement let it in.
func (v *view) outlived(e *entry, at time.Time, past *lookback, p Params) bool {
	vendor, system, then := e.l.acting(), e.cover.system, at.Add(-p.OutlivedAfter)
	if !e.cover.covered || !e.Time.Before(then) {
		return false
	}
	probe, moved := *e.l, *e.Attempt
	moved.Time, probe.Attempt = then, &moved
	if !v.coverOn(&probe, vendor, system, past, p).covered {
		return true
	}
	return v.agreement(vendor, system, e.Time).State.Valid() && !v.agreement(vendor, system, then).State.Valid()
}

// outlivedBefore gives the earliest session on the system that is open at the
// logon and has outlived its window.
func (c *judgement) outlivedBefore() (since time.Time, ok bool) {
	return c.view.outlivedBy(c.logon, c.cover.system, c.past, c.params)
}

// outlivedBy is the same of any logon of a vendor.
func (v *view) outlivedBy(l *logon, system string, past *lookback, p Params) (since time.Time, ok bool) {
	for _, e := range past.open(l.acting(), l.Time) {
		if e.EventID != l.EventID && e.cover.system == system && v.outlived(e, l.Time, past, p) {
			return e.Time, true
		}
	}
	return time.Time{}, false
}

// remark counts the sessions that have outlived their window by now, each once.
func (c *Core) remark(t *tenantState, now time.Time) {
	p := c.params(t.id)
	for vendor := range t.past.byVendor {
		for _, e := range t.past.open(vendor, now) {
			if !e.outlived && t.view.outlived(e, now, t.past, p) {
				e.outlived = true
				c.counts.Outlived++
			}
		}
	}
}
