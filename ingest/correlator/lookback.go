package correlator

import (
	"slices"
	"time"

	"varde.internal/schemas/topics"
)

// entry is a logon that is kept so that it can be judged again when the register
// changes, with what was decided about it.
type entry struct {
	*Attempt
	l        *logon
	cover    coverage
	marks    []string // lists of offending failures it stands in
	findings []held
	again    bool // findings are of an earlier reading of the line
	outlived bool // it was remarked that its session outlived its window
}

// held is a finding about an entry, a window or a run, and whether it still holds.
type held struct {
	finding   topics.Finding
	trigger   string
	withdrawn bool
}

// lookback is a tenant's recent logons in the order of their event times.
type lookback struct {
	all      []*entry
	ids      map[string]*entry
	byVendor map[string][]*entry // by the acting vendor
	byKey    map[string][]*entry // by account
	// failed holds the failed passwords that must not have been tried: of a
	// vendor outside every window, of an account that must not be used.
	failed map[string][]*entry
}

func newLookback() *lookback {
	return &lookback{ids: map[string]*entry{}, byVendor: map[string][]*entry{}, byKey: map[string][]*entry{}, failed: map[string][]*entry{}}
}

func order(a, b *entry) int { return compare(a.Attempt, b.Attempt) }

// insert puts e in its place in list.
func insert(list []*entry, e *entry) []*entry {
	i, found := slices.BinarySearchFunc(list, e, order)
	if found {
		return list
	}
	return slices.Insert(list, i, e)
}

func remove(list []*entry, e *entry) []*entry {
	if i, found := slices.BinarySearchFunc(list, e, order); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// kept reports whether a logon can matter when the register changes: it is a
// vendor's, or a successful one in a registered account, or one in an account
// that must not be used any more. Others (a guess at an unknown name) are not
// kept, so a register that learns of their account later does not judge them.
func (v *view) kept(l *logon) bool {
	if l.Lock {
		return false
	}
	if l.End {
		return l.acting() != ""
	}
	if l.acting() != "" || (l.accountID != "" && l.Success) {
		return true
	}
	slug, _ := v.gone(l)
	return slug != ""
}

func (b *lookback) add(e *entry) {
	b.ids[e.EventID] = e
	b.all = insert(b.all, e)
	b.file(e)
}

// file puts the entry under its vendor and account.
func (b *lookback) file(e *entry) {
	if vendor := e.l.acting(); vendor != "" {
		b.byVendor[vendor] = insert(b.byVendor[vendor], e)
	}
	b.byKey[e.l.key] = insert(b.byKey[e.l.key], e)
}

func (b *lookback) drop(e *entry) {
	delete(b.ids, e.EventID)
	b.all = remove(b.all, e)
	b.unfile(e)
}

func (b *lookback) unfile(e *entry) {
	if vendor := e.l.acting(); vendor != "" {
		trim(b.byVendor, vendor, e)
	}
	trim(b.byKey, e.l.key, e)
	b.mark(e)
}

func trim(m map[string][]*entry, key string, e *entry) {
	if m[key] = remove(m[key], e); len(m[key]) == 0 {
		delete(m, key)
	}
}

// clear empties the lists by vendor and account, before every entry is filed anew.
func (b *lookback) clear() {
	b.byVendor, b.byKey = map[string][]*entry{}, map[string][]*entry{}
}

// mark puts the entry on exactly the lists of offending failures named.
func (b *lookback) mark(e *entry, lists ...string) {
	if slices.Equal(e.marks, lists) {
		return
	}
	for _, m := range e.marks {
		trim(b.failed, m, e)
	}
	for _, m := range lists {
		b.failed[m] = insert(b.failed[m], e)
	}
	e.marks = lists
}

// Names of lists of offending failures.
func outsideList(vendor, system string) string { return "outside\x00" + vendor + "\x00" + system }
func goneList(key string) string               { return "gone\x00" + key }

// after gives the entries of the vendor and of the account that lie after e and
// may be judged differently because of it.
func (b *lookback) after(e *entry) []*entry {
	var later []*entry
	for _, list := range [][]*entry{b.byVendor[e.l.acting()], b.byKey[e.l.key]} {
		i, found := slices.BinarySearchFunc(list, e, order)
		if found {
			i++
		}
		for _, x := range list[min(i, len(list)):] {
			later = insert(later, x)
		}
	}
	return later
}

// first implements uses.
func (b *lookback) first(_ *view, w topics.AccessWindow, from, to time.Time) time.Time {
	list := b.byVendor[w.VendorID]
	i, _ := slices.BinarySearchFunc(list, from, func(e *entry, t time.Time) int { return e.Time.Compare(t) })
	for _, e := range list[i:] {
		if !e.Time.Before(to) {
			break
		}
		if e.Success && admits(w, e.l) && slices.ContainsFunc(e.l.systems, func(s string) bool { return slices.Contains(w.Systems, s) }) {
			return e.Time
		}
	}
	return time.Time{}
}

// failures gathers the failed passwords up to c's in the sliding window of a
// list. ok is true on the one that makes the count full, as in C1.
func (b *lookback) failures(c *judgement, name string) (evidence []*Attempt, ok bool) {
	list, self := b.failed[name], b.ids[c.EventID]
	if self == nil || len(list) == 0 {
		return nil, false
	}
	i, found := slices.BinarySearchFunc(list, self, order)
	if !found {
		return nil, false
	}
	if repeated(list, i) {
		return nil, false
	}
	run := func(i int) (got []*Attempt, total int) {
		for j := i; j >= 0 && total < c.params.FailedLogons && list[i].Time.Sub(list[j].Time) <= c.params.FailedWithin; j-- {
			if !repeated(list, j) {
				got, total = append(got, list[j].Attempt), total+list[j].repeats()
			}
		}
		return got, total
	}
	got, total := run(i)
	if total < c.params.FailedLogons {
		return nil, false
	}
	for i--; i >= 0 && repeated(list, i); i-- {
	}
	if i >= 0 {
		if _, before := run(i); before >= c.params.FailedLogons {
			return nil, false
		}
	}
	slices.Reverse(got)
	return got, true
}

// repeated reports whether the i-th is a line that is on the list already, where
// time is finer than a second and line, time and source are equal ("Attempts").
func repeated(list []*entry, i int) bool {
	e := list[i]
	if e.Time.Nanosecond() == 0 || e.SHA256 == "" {
		return false
	}
	for j := i - 1; j >= 0 && list[j].Time.Equal(e.Time); j-- {
		if list[j].SHA256 == e.SHA256 && list[j].Source == e.Source {
			return true
		}
	}
	return false
}

// usesOf gives the successful logons that the window let in, in order.
func (b *lookback) usesOf(vendor, windowID string, from time.Time) []windowUse {
	list := b.byVendor[vendor]
	i, _ := slices.BinarySearchFunc(list, from, func(e *entry, t time.Time) int { return e.Time.Compare(t) })
	var got []windowUse
	for _, e := range list[i:] {
		if e.Success && e.cover.windowID == windowID && (e.cover.covered || !e.cover.afterwards.IsZero()) {
			got = append(got, windowUse{e.l, e.cover.system, b})
		}
	}
	return got
}

// expire drops entries older than the horizon, and the oldest beyond limit. A
// use of a window with a duration stays while the window's slot lasts, because
// the duration runs from the first.
func (b *lookback) expire(v *view, horizon, now time.Time, limit int) (dropped int) {
	excess := len(b.all) - limit
	gone := map[*entry]bool{}
	for _, e := range b.all {
		if !e.Time.Before(horizon) && excess <= 0 {
			break
		}
		if excess <= 0 && v.opensDuration(e, now) {
			continue
		}
		gone[e] = true
		delete(b.ids, e.EventID)
		excess--
	}
	if len(gone) == 0 {
		return 0
	}
	dropped = len(gone)
	left := func(e *entry) bool { return gone[e] }
	b.all = slices.DeleteFunc(b.all, left)
	for _, m := range []map[string][]*entry{b.byVendor, b.byKey, b.failed} {
		for k, list := range m {
			if m[k] = slices.DeleteFunc(list, left); len(m[k]) == 0 {
				delete(m, k)
			}
		}
	}
	return dropped
}

// offences names the lists that a failed password stands in.
func (v *view) offences(e *entry) (lists []string) {
	if !e.failure() || !e.password() {
		return nil
	}
	if e.l.vendor != "" && !e.cover.covered {
		lists = append(lists, outsideList(e.l.vendor, e.cover.system))
	}
	if slug, _ := v.gone(e.l); slug != "" {
		lists = append(lists, goneList(e.l.key))
	}
	return lists
}

func (v *view) opensDuration(e *entry, now time.Time) bool {
	if !e.Success {
		return false
	}
	for _, id := range v.byVendor[e.l.acting()] {
		t, ok := v.windows[id].At(e.Time)
		if ok && t.Value.Duration > 0 && t.Value.InSlot(e.Time) && t.Value.To.After(now) {
			return true
		}
	}
	return false
}
