// Package correlator decides which log lines mean unauthorised access: it
// follows the register, takes every event in, and says what it found on the
// topic "findings" (requirements C1–C8, "How the detections decide").
//
// Core is pure: no I/O, no clock. The same events and facts give the same
// findings in whatever order and batches they came, as long as events are late
// by no more than Params.Lateness. The runner around it (runner.go) reads and
// writes. A rule is a file of its own: see Rule.
//
// One correlator runs per installation: the events of one account come from
// several sources and so lie in several partitions.
package correlator

import (
	"maps"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

const (
	// settle is how long a trigger whose wait lies in the past waits after its
	// arrival for the lines behind it.
	settle = 5 * time.Second
	// maxEvidence bounds the lines of one finding.
	maxEvidence = 20
)

// Output is a change of what is found. Raised false is a withdrawal; the
// finding then says in Explained why.
type Output struct {
	Raised  bool
	Finding topics.Finding
	// Trigger is the event that makes the finding's id, or "window:" and an id.
	Trigger string
	// Sequence is true for rules whose state is rebuilt by replay, false for
	// those judged from the look-back.
	Sequence bool
	Trace    map[string]string
}

// Options of a Core.
type Options struct {
	Rules    []Rule
	Params   Params            // of every tenant
	Tenants  map[string]Params // own numbers; zero fields take Params
	LookBack time.Duration     // how far back a change of the register reaches
	Limit    int               // logons kept per tenant
}

// Core decides. It is not safe for concurrent use.
type Core struct {
	opt       Options
	stateless []StatelessRule
	sequence  []SequenceRule
	logons    []LogonRule
	windows   []WindowRule
	tenants   map[string]*tenantState
	started   bool
	now       time.Time
	out       []Output
	kept      []*Attempt
	counts    Counts
}

// Counts are running totals for metrics.
type Counts struct {
	Events, Attempts, Observations, Dropped int
	Outlived                                int // sessions that outlived their window
}

// tenantState is all that is known of one tenant: nothing crosses.
type tenantState struct {
	id         string
	view       *view
	past       *lookback
	runs       []*sequences
	watermarks map[string]time.Time // latest event time per source
	windows    map[string]*held     // rule + window id
	openings   []opening            // coming ones, earliest first
	restored   map[string][]held    // trigger → findings said before a restart
}

type opening struct {
	at time.Time
	id string
}

// NewCore returns a core that knows nothing yet; facts and logons kept from
// before come first, then Start, then events.
func NewCore(opt Options) *Core {
	c := &Core{opt: opt, tenants: map[string]*tenantState{}}
	for _, r := range opt.Rules {
		if s, ok := r.(StatelessRule); ok {
			c.stateless = append(c.stateless, s)
		}
		if s, ok := r.(SequenceRule); ok {
			c.sequence = append(c.sequence, s)
		}
		if s, ok := r.(LogonRule); ok {
			c.logons = append(c.logons, s)
		}
		if s, ok := r.(WindowRule); ok {
			c.windows = append(c.windows, s)
		}
	}
	return c
}

func (c *Core) tenant(name string) *tenantState {
	t := c.tenants[name]
	if t == nil {
		t = &tenantState{
			id: name, view: newView(), past: newLookback(), watermarks: map[string]time.Time{},
			windows: map[string]*held{}, restored: map[string][]held{},
		}
		for _, r := range c.sequence {
			t.runs = append(t.runs, newSequences(r))
		}
		c.tenants[name] = t
	}
	return t
}

func (c *Core) params(tenant string) Params { return c.opt.Tenants[tenant].or(c.opt.Params) }

// Restore takes in, before Start, a logon kept from before a restart.
func (c *Core) Restore(a *Attempt) {
	t := c.tenant(a.Tenant)
	if old := t.past.ids[a.EventID]; old == nil || old.Generation < a.Generation {
		t.past.ids[a.EventID] = &entry{Attempt: a}
	}
}

// RestoreFinding takes in, before Start, what was said before a restart.
func (c *Core) RestoreFinding(trigger string, f topics.Finding, withdrawn bool) {
	t := c.tenant(f.Tenant)
	t.restored[trigger] = append(t.restored[trigger], held{finding: f, trigger: trigger, withdrawn: withdrawn})
}

// Start judges everything kept by the register as it is now, and from then on
// facts and events as they come.
func (c *Core) Start(now time.Time) []Output {
	c.now, c.started = now, true
	for _, name := range slices.Sorted(maps.Keys(c.tenants)) {
		t := c.tenants[name]
		entries := slices.SortedFunc(maps.Values(t.past.ids), order)
		t.past = newLookback()
		for _, e := range entries {
			e.findings = c.logonFindings(t, e.EventID)
			e.l = t.view.resolve(e.Attempt)
			t.past.add(e)
		}
		c.judge(t, t.past.all)
		for id := range t.view.windows {
			for _, r := range c.windows {
				for _, h := range t.restored["window:"+id] {
					if h.finding.Rule == r.Meta().ID {
						t.windows[r.Meta().ID+id] = &held{finding: h.finding, trigger: h.trigger, withdrawn: h.withdrawn}
					}
				}
			}
		}
		c.allWindows(t)
	}
	return c.take()
}

// Replayed ends a replay of events read before a restart: what was said of runs
// of attempts, and holds no longer, is withdrawn.
func (c *Core) Replayed() []Output {
	for _, name := range slices.Sorted(maps.Keys(c.tenants)) {
		t := c.tenants[name]
		said := map[string]*held{}
		for trigger, list := range t.restored {
			for i := range list {
				if c.isSequence(list[i].finding.Rule) && !list[i].withdrawn {
					said[trigger] = &list[i]
				}
			}
		}
		if len(said) > 0 { // else nothing differs, and this is called at every tick
			for _, s := range t.runs {
				s.reconcile(c, said)
			}
		}
		t.restored = map[string][]held{}
	}
	return c.take()
}

func (c *Core) logonFindings(t *tenantState, trigger string) []held {
	var got []held
	for _, h := range t.restored[trigger] {
		if slices.ContainsFunc(c.logons, func(r LogonRule) bool { return r.Meta().ID == h.finding.Rule }) {
			got = append(got, h)
		}
	}
	return got
}

// Facts takes changes of the register and the directory in and judges again
// what they touch. Facts that cannot be read are left out and returned as errs.
func (c *Core) Facts(facts []topics.Fact, now time.Time) (out []Output, errs []error) {
	c.now = now
	touched := map[string]bool{}
	for _, f := range facts {
		if f.Tenant == "" {
			continue
		}
		changed, err := c.tenant(f.Tenant).view.apply(f)
		if err != nil {
			errs = append(errs, err)
		} else if changed {
			touched[f.Tenant] = true
		}
	}
	if !c.started {
		return nil, errs
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		t := c.tenants[name]
		all := slices.Clone(t.past.all)
		t.past.clear()
		for _, e := range all {
			e.l = t.view.resolve(e.Attempt)
			t.past.file(e)
		}
		c.judge(t, all)
		c.allWindows(t)
	}
	return c.take(), errs
}

// Event takes one event in. warm marks one that was replayed only to rebuild
// state: what it triggers was said before.
func (c *Core) Event(e *ecs.Event, trace map[string]string, warm bool, now time.Time) []Output {
	c.now = now
	c.counts.Events++
	if e.Varde.Tenant == "" {
		return nil
	}
	t := c.tenant(e.Varde.Tenant)
	for _, r := range c.stateless {
		for _, v := range r.Match(e, c.params(t.id)) {
			c.emit(Output{Raised: true, Finding: c.finding(t, v), Trigger: v.Trigger, Trace: trace})
		}
	}
	if a, ok := attemptOf(e); ok {
		if !a.End {
			c.counts.Attempts++
		}
		a.trace = trace
		c.attempt(t, a, warm)
	}
	// One line that is dated far ahead says nothing of the lines still to come.
	ahead := e.Timestamp.After(now.Add(c.params(t.id).Lateness))
	if e.Varde.Source != "" && !ahead && e.Timestamp.After(t.watermarks[e.Varde.Source]) {
		t.watermarks[e.Varde.Source] = e.Timestamp
		for _, s := range t.runs {
			s.passed(c, t, e.Varde.Source, c.params(t.id))
		}
	}
	return c.take()
}

// Tick lets time pass: waits end, windows open, what is old is let go. behind
// says that lines are still to be read.
func (c *Core) Tick(now time.Time, behind bool) []Output {
	c.now = now
	for _, name := range slices.Sorted(maps.Keys(c.tenants)) {
		t := c.tenants[name]
		for _, s := range t.runs {
			s.clock(c, t, c.params(name), now, behind)
		}
		for c.started && len(t.openings) > 0 && !t.openings[0].at.After(now) {
			id := t.openings[0].id
			t.openings = t.openings[1:]
			c.window(t, id)
		}
	}
	return c.take()
}

// Sweep lets go of what is older than the look-back, and counts the sessions
// that have outlived their window; it is called every minute or so.
func (c *Core) Sweep(now time.Time) {
	for _, t := range c.tenants {
		t.past.expire(t.view, now.Add(-c.opt.LookBack), now, c.opt.Limit)
		c.remark(t, now)
		for _, s := range t.runs {
			s.sweep(now, s.reach(c.params(t.id)))
		}
	}
}

// Whole reports whether a rule looks at any field of an event, so that it must
// be given all of them; else those that attemptOf reads are enough.
func (c *Core) Whole() bool { return len(c.stateless) > 0 }

// Waiting reports whether a trigger waits for the event time of its source to
// pass, so that every event matters and not attempts alone.
func (c *Core) Waiting() bool {
	if len(c.stateless) > 0 {
		return true
	}
	for _, t := range c.tenants {
		for _, s := range t.runs {
			if len(s.waiting) > 0 {
				return true
			}
		}
	}
	return false
}

// Kept gives the logons taken into the look-back since the last call, to be
// stored before their events are acknowledged.
func (c *Core) Kept() []*Attempt {
	k := c.kept
	c.kept = nil
	return k
}

// Holds reports whether a logon is in the look-back.
func (c *Core) Holds(tenant, eventID string) bool {
	t := c.tenants[tenant]
	return t != nil && t.past.ids[eventID] != nil
}

// Counts gives the running totals.
func (c *Core) Counts() Counts { return c.counts }

// LookBackSize is the number of logons kept, over all tenants.
func (c *Core) LookBackSize() (n int) {
	for _, t := range c.tenants {
		n += len(t.past.all)
	}
	return n
}

func (c *Core) take() []Output {
	out := c.out
	c.out = nil
	return out
}

func (c *Core) emit(o Output) { c.out = append(c.out, o) }

// raise says that h holds; silent leaves the saying out, where it was said before.
func (c *Core) raise(h *held, trace map[string]string, silent bool) {
	h.withdrawn = false
	h.finding.Explained = nil
	if !silent {
		c.emit(Output{Raised: true, Finding: h.finding, Trigger: h.trigger, Sequence: c.isSequence(h.finding.Rule), Trace: trace})
	}
}

// withdraw says why h holds no longer. What was not said before is withdrawn
// too: the ledger knows whether there is anything to take back.
func (c *Core) withdraw(h *held, why *topics.Reason) {
	if h.withdrawn {
		return
	}
	h.withdrawn = true
	f := h.finding
	f.Decided, f.Explained = c.now.UTC(), why
	h.finding = f
	c.emit(Output{Finding: f, Trigger: h.trigger, Sequence: c.isSequence(f.Rule)})
}

func (c *Core) isSequence(rule string) bool {
	return slices.ContainsFunc(c.sequence, func(r SequenceRule) bool { return r.Meta().ID == rule })
}

func reason(slug string, params ...string) *topics.Reason {
	r := &topics.Reason{Slug: slug}
	for i := 0; i+1 < len(params); i += 2 {
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		r.Params[params[i]] = params[i+1]
	}
	return r
}

// findingID is rule + group + trigger, the same for every order of events.
func findingID(tenant string, v Verdict) string {
	parts := []string{"finding", tenant, v.Rule.ID}
	if !strings.HasPrefix(v.Trigger, windowTrigger) { // one finding per window, whichever system comes first
		for _, k := range slices.Sorted(maps.Keys(v.Group)) {
			parts = append(parts, k, v.Group[k])
		}
	}
	return id.Of(append(parts, v.Trigger)...)
}
