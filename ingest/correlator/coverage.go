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
	covered  bool // approved before, on record before, and counting at the time
	// corrected is when the entry was recorded by which it is covered, where
	// what was on record at the time did not cover it.
	corrected time.Time

	afterwards time.Time // when an approval came on record afterwards, within the limit
	tooLate    time.Time // when an approval came on record afterwards, past the limit

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

// plain reports whether a window covers without anything having been recorded
// after the logon.
func (c coverage) plain() bool { return c.covered && c.corrected.IsZero() }

// rank orders coverages by how well they let the logon be.
func (c coverage) rank() int {
	switch {
	case c.plain():
		return 3
	case c.covered:
		return 2
	case !c.afterwards.IsZero():
		return 1
	}
	return 0
}

// explanation says what was recorded after the logon and lets it be; nil where
// nothing was. The logon is found all the same, so that it leaves a trace.
func (c coverage) explanation(at time.Time) *topics.Reason {
	switch {
	case c.plain():
	case c.covered:
		return reason("window-corrected", "recordedAt", stamp(c.corrected), "windowId", c.windowID)
	case c.afterwards.IsZero():
	case c.window.ApprovedAt.After(at):
		return reason("approved-afterwards", "approvedAt", stamp(c.window.ApprovedAt), "windowId", c.windowID)
	default:
		return reason("approval-recorded-afterwards", "approvedAt", stamp(c.window.ApprovedAt), "recordedAt", stamp(c.afterwards), "windowId", c.windowID)
	}
	return nil
}

// cover judges the logon's systems in turn: of several candidates (a shared
// host) one with a window that covers decides.
func (v *view) cover(l *logon, vendor string, past uses, p Params) coverage {
	var best coverage
	for i, s := range l.systems {
		c := v.coverOn(l, vendor, s, past, p)
		if i == 0 || c.rank() > best.rank() {
			best = c
		}
		if best.plain() {
			break
		}
	}
	return best
}

func (v *view) coverOn(l *logon, vendor, system string, past uses, p Params) coverage {
	c := coverage{system: system, why: "outside-window"}
	for _, id := range v.byVendor[vendor] {
		h := v.windows[id]
		if v.coverBy(&c, h, l, vendor, past); c.plain() {
			return c
		}
		v.approvedLater(&c, h, l, vendor, past, p)
		c.neighbours(v, h, l, vendor, past)
	}
	return c
}

// coverBy judges the window's version that holds at the logon. An approval
// counts from when it came on record: until then nobody could know of it. A
// correction of what else was on record (the slot, the systems) still covers,
// and is marked.
func (v *view) coverBy(c *coverage, h topics.History[topics.AccessWindow], l *logon, vendor string, past uses) {
	t, ok := h.At(l.Time)
	if !ok || !t.Value.On(vendor, c.system) {
		return
	}
	w := v.genuine(t.Value)
	late := onRecord(h, w).After(l.Time)
	if late {
		w.ApprovedAt = time.Time{}
	}
	if late || !v.lets(w, l, past) {
		c.explain(h.ID, w, l, past, v)
		return
	}
	known, ok := h.AsKnownAt(l.Time, l.Time)
	was := v.genuine(known.Value)
	if ok && was.On(vendor, c.system) && v.lets(was, l, past) {
		c.covered, c.corrected, c.windowID, c.window = true, time.Time{}, h.ID, w
		return
	}
	if ok && was.On(vendor, c.system) {
		c.explain(h.ID, was, l, past, v)
	}
	if !c.covered {
		c.covered, c.corrected, c.windowID, c.window = true, t.RecordedAt, h.ID, w
	}
}

// lets reports whether the window, as it is, lets the logon in.
func (v *view) lets(w topics.AccessWindow, l *logon, past uses) bool {
	return w.Counts(l.Time, firstUse(v, w, l.Time, past)) && admits(w, l)
}

// onRecord is when the approval of w was recorded first; later versions of the
// window repeat it.
func onRecord(h topics.History[topics.AccessWindow], w topics.AccessWindow) (first time.Time) {
	for _, t := range h.Versions {
		same := !t.Deleted && t.Value.ApprovedAt.Equal(w.ApprovedAt) && t.Value.ApprovedBy == w.ApprovedBy
		if same && (first.IsZero() || t.RecordedAt.Before(first)) {
			first = t.RecordedAt
		}
	}
	return first
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

// approvedLater looks for an approval that was given, or came on record, after
// the logon ("Approval afterwards"): the version that holds when it was approved
// has a slot around the logon. The limit runs from the first logon that the
// window would explain to when the approval was both given and on record.
func (v *view) approvedLater(c *coverage, h topics.History[topics.AccessWindow], l *logon, vendor string, past uses, p Params) {
	for _, t := range h.Versions {
		w := v.genuine(t.Value)
		given := maxTime(w.ApprovedAt, onRecord(h, w))
		if t.Deleted || w.ApprovedAt.IsZero() || !given.After(l.Time) || !w.On(vendor, c.system) || !admits(w, l) {
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
		case given.After(first.Add(p.EmergencyLimit)):
			c.tooLate = given
		case !c.covered && (c.afterwards.IsZero() || given.Before(c.afterwards)):
			c.afterwards, c.windowID, c.window = given, h.ID, w
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
