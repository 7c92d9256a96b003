package correlator

import (
	"slices"
	"time"

	"varde.internal/schemas/topics"
)

// coverage says which access window, if any, lets a vendor log in on a system
// at a moment, and if none, why not.
type coverage struct {
	system   string // the one of the logon's systems that was judged
	windowID string // covering, or approved afterwards
	window   topics.AccessWindow
	covered  bool // approved before, and counting at the time

	afterwards time.Time // when it was approved afterwards, within the limit
	tooLate    time.Time // when it was approved afterwards, past the limit

	why       string    // slug: why no window covers
	whyID     string    // window that why is about
	lastEnded time.Time // end of the last window before, zero: none
	next      time.Time // start of the next one, zero: none
}

// uses answers what happened in a window before a moment. The look-back
// implements it.
type uses interface {
	// first is the earliest successful logon of the vendor on one of the systems
	// in [from, to) that the window admits; zero where there is none.
	first(v *view, w topics.AccessWindow, from, to time.Time) time.Time
}

// cover judges the logon's systems in turn: of several candidates (a shared
// host) one with a window that covers decides.
func (v *view) cover(l *logon, vendor string, past uses, p Params) coverage {
	var best coverage
	for i, s := range l.systems {
		c := v.coverOn(l, vendor, s, past, p)
		if i == 0 || (c.covered && !best.covered) || (!best.covered && best.afterwards.IsZero() && !c.afterwards.IsZero()) {
			best = c
		}
		if best.covered {
			break
		}
	}
	return best
}

func (v *view) coverOn(l *logon, vendor, system string, past uses, p Params) coverage {
	c := coverage{system: system, why: "outside-window"}
	for _, id := range v.byVendor[vendor] {
		h := v.windows[id]
		if t, ok := h.At(l.Time); ok && t.Value.On(vendor, system) {
			w := v.genuine(t.Value)
			if w.Counts(l.Time, firstUse(v, w, l.Time, past)) && admits(w, l) {
				c.covered, c.windowID, c.window = true, id, w
				return c
			}
			c.explain(id, w, l, past, v)
		}
		v.approvedLater(&c, h, l, vendor, past, p)
		c.neighbours(v, h, l, vendor, past)
	}
	return c
}

// firstUse is when a window with a duration was first used before moment.
func firstUse(v *view, w topics.AccessWindow, moment time.Time, past uses) time.Time {
	if w.Duration <= 0 {
		return time.Time{}
	}
	from, ok := w.Opens()
	if !ok {
		from = w.From
	}
	return past.first(v, w, from, minTime(w.To, moment))
}

// genuine gives the window without an approval by a vendor.
func (v *view) genuine(w topics.AccessWindow) topics.AccessWindow {
	if v.isVendor(w.ApprovedBy) {
		w.ApprovedAt = time.Time{}
	}
	return w
}

func admits(w topics.AccessWindow, l *logon) bool {
	return len(w.Persons) == 0 || slices.ContainsFunc(l.persons, w.Admits)
}

// explain notes why a window of the vendor on the system did not cover; the
// nearest miss wins.
func (c *coverage) explain(id string, w topics.AccessWindow, l *logon, past uses, v *view) {
	why := ""
	switch {
	case w.InSlot(l.Time) && w.ApprovedAt.IsZero():
		why = "window-not-approved"
	case w.InSlot(l.Time) && !w.RevokedAt.IsZero() && !l.Time.Before(w.RevokedAt):
		why = "window-revoked"
	case w.Counts(l.Time, firstUse(v, w, l.Time, past)):
		why = "person-not-in-window"
	case w.Duration > 0 && w.InSlot(l.Time) && !w.ApprovedAt.After(l.Time):
		why = "window-duration-over"
	}
	order := []string{"outside-window", "window-not-approved", "window-duration-over", "window-revoked", "person-not-in-window"}
	if slices.Index(order, why) > slices.Index(order, c.why) {
		c.why, c.whyID = why, id
	}
}

// approvedLater looks for an approval after the logon ("Approval afterwards"):
// the version that holds when it was approved has a slot around the logon. The
// limit runs from the first logon that the window would explain.
func (v *view) approvedLater(c *coverage, h topics.History[topics.AccessWindow], l *logon, vendor string, past uses, p Params) {
	for _, t := range h.Versions {
		w := v.genuine(t.Value)
		if t.Deleted || w.ApprovedAt.IsZero() || !w.ApprovedAt.After(l.Time) || !w.On(vendor, c.system) || !admits(w, l) {
			continue
		}
		if holds, ok := h.At(maxTime(w.ApprovedAt, t.ValidFrom)); !ok || !holds.Value.ApprovedAt.Equal(w.ApprovedAt) || !holds.RecordedAt.Equal(t.RecordedAt) {
			continue // corrected since
		}
		first := past.first(v, w, w.From, w.To)
		if first.IsZero() || first.After(l.Time) {
			first = l.Time
		}
		asIf := w
		asIf.ApprovedAt = w.From
		if !asIf.Counts(l.Time, first) {
			continue
		}
		switch {
		case w.ApprovedAt.After(first.Add(p.EmergencyLimit)):
			c.tooLate = w.ApprovedAt
		case c.afterwards.IsZero() || w.ApprovedAt.Before(c.afterwards):
			c.afterwards, c.windowID, c.window = w.ApprovedAt, h.ID, w
		}
	}
}

// neighbours notes the end of the last window before the logon and the start of
// the next, for the sentence that a person reads.
func (c *coverage) neighbours(v *view, h topics.History[topics.AccessWindow], l *logon, vendor string, past uses) {
	t, ok := h.Last()
	if !ok || !t.Value.On(vendor, c.system) {
		return
	}
	w := v.genuine(t.Value)
	opens, ok := w.Opens()
	if !ok {
		return
	}
	end := w.Ends(firstUse(v, w, l.Time, past))
	if !end.After(l.Time) && end.After(c.lastEnded) {
		c.lastEnded = end
	}
	if opens.After(l.Time) && !w.ApprovedAt.After(l.Time) && (c.next.IsZero() || opens.Before(c.next)) {
		c.next = opens
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
