package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run/runtest"
	"varde.internal/schemas/topics"
)

// incident is what a case is, apart from its id and number.
type incident struct {
	findings []string
	severity string
	active   int
}

func (i incident) String() string {
	return fmt.Sprintf("%s %s %d", strings.Join(i.findings, ","), i.severity, i.active)
}

// expected are the incidents by the definition: findings in order of time,
// apart where a quiet period lies between them.
func expected(all []topics.Finding, withdrawn map[string]bool, quiet time.Duration) []string {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b topics.Finding) int { return a.First.Compare(b.First) })
	var out []string
	var now incident
	var last time.Time
	top, topAll := "", ""
	flush := func() {
		if len(now.findings) == 0 {
			return
		}
		slices.Sort(now.findings)
		now.severity = top
		if now.active == 0 {
			now.severity = topAll
		}
		out = append(out, now.String())
		now, top, topAll, last = incident{}, "", "", time.Time{}
	}
	for _, f := range sorted {
		if !last.IsZero() && f.First.Sub(last) >= quiet {
			flush()
		}
		now.findings = append(now.findings, f.ID)
		topAll = HigherSeverity(topAll, f.Severity)
		if !withdrawn[f.ID] {
			now.active++
			top = HigherSeverity(top, f.Severity)
		}
		if f.Last.After(last) {
			last = f.Last
		}
	}
	flush()
	slices.Sort(out)
	return out
}

// incidents are what the service made of it.
func incidents(t require.TestingT, s *Service, ctx context.Context) []string {
	page, err := s.cases.Find(ctx, docstore.Eq{Field: "source", Value: SourceFinding}, docstore.FindOptions{Limit: 1000})
	require.NoError(t, err)
	var out []string
	for _, d := range page.Docs {
		found, err := s.findings.Find(ctx, docstore.Eq{Field: "caseId", Value: d.ID}, docstore.FindOptions{Limit: 1000})
		require.NoError(t, err)
		if d.Value.MergedInto != "" {
			require.Empty(t, found.Docs, "a merged case keeps nothing")
			continue
		}
		i := incident{severity: d.Value.Severity, active: d.Value.ActiveCount}
		for _, f := range found.Docs {
			i.findings = append(i.findings, f.ID)
		}
		require.Len(t, i.findings, d.Value.FindingCount)
		slices.Sort(i.findings)
		out = append(out, i.String())
	}
	slices.Sort(out)
	return out
}

// message is a finding on its way.
type message struct {
	f         topics.Finding
	withdrawn bool
}

func drawMessages(rt *rapid.T, tid string) (all []topics.Finding, withdrawn map[string]bool, sent []message) {
	withdrawn = map[string]bool{}
	n := rapid.IntRange(1, 9).Draw(rt, "findings")
	for i := range n {
		at := t0.Add(time.Duration(rapid.IntRange(0, 240).Draw(rt, "minute")) * time.Minute)
		f := finding(tid, fmt.Sprint(i), at, severities[rapid.IntRange(0, 3).Draw(rt, "severity")])
		f.Last = at.Add(time.Duration(rapid.IntRange(0, 15).Draw(rt, "length")) * time.Minute)
		all = append(all, f)
		sent = append(sent, message{f, false})
		if rapid.Bool().Draw(rt, "withdrawn") {
			withdrawn[f.ID] = true
			w := f
			w.Decided, w.Explained = f.Decided.Add(time.Hour), &topics.Reason{Slug: "approved-afterwards"}
			sent = append(sent, message{w, true})
		}
	}
	for range rapid.IntRange(0, 4).Draw(rt, "repeats") {
		sent = append(sent, sent[rapid.IntRange(0, len(sent)-1).Draw(rt, "repeat")])
	}
	return all, withdrawn, rapid.Permutation(sent).Draw(rt, "order")
}

// TestAnyOrderAndRepetitionGivesTheSameCases_R27 also lets the store fail at
// any write, as a crash would, and hands the message over again as the bus does.
func TestAnyOrderRepetitionAndRestartGivesTheSameCases_R27(t *testing.T) {
	store := &flaky{Store: sqlite.OpenTemp(t)}
	org := NewOrg()
	c := runtest.NewClock(t0)
	s := newService(t, store, c, org)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		tid := fmt.Sprintf("t%d", run)
		for _, f := range facts(tid) {
			org.Apply(f)
		}
		ctx := in(tid)
		all, withdrawn, sent := drawMessages(rt, tid)
		for _, m := range sent {
			store.failAfter(rapid.IntRange(0, 40).Draw(rt, "writes before the crash"))
			for try := 0; ; try++ {
				err := s.TakeFinding(ctx, m.f, m.withdrawn)
				if err == nil {
					break
				}
				require.ErrorIs(rt, err, errCrash)
				require.Less(rt, try, 5)
				store.failAfter(0)
			}
		}
		require.Equal(rt, expected(all, withdrawn, s.settings.QuietPeriod), incidents(rt, s, ctx))
		numbers(rt, s, ctx)
	})
}

// numbers checks that every case has its own.
func numbers(t require.TestingT, s *Service, ctx context.Context) {
	page, err := s.cases.Find(ctx, nil, docstore.FindOptions{Limit: 1000})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, d := range page.Docs {
		require.False(t, seen[d.Value.Number], "%s twice", d.Value.Number)
		seen[d.Value.Number] = true
	}
	for i := range len(page.Docs) {
		require.True(t, seen[fmt.Sprintf("BJ-2026-%04d", i+1)], "no gap at %d of %d", i+1, len(page.Docs))
	}
}

var errCrash = errors.New("crash")

// flaky is a real store that fails after so many writes.
type flaky struct {
	docstore.Store
	mu   sync.Mutex
	left int // 0: never
}

func (f *flaky) failAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
}

func (f *flaky) crash() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return nil
	}
	if f.left--; f.left == 0 {
		return errCrash
	}
	return nil
}

func (f *flaky) Insert(ctx context.Context, collection string, r docstore.Record) error {
	if err := f.crash(); err != nil {
		return err
	}
	return f.Store.Insert(ctx, collection, r)
}

func (f *flaky) Replace(ctx context.Context, collection string, r docstore.Record) error {
	if err := f.crash(); err != nil {
		return err
	}
	return f.Store.Replace(ctx, collection, r)
}

func TestConcurrentConsumersGiveTheSameCases_R27(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	var all []topics.Finding
	for i, minute := range []int{0, 50, 25, 200, 10, 230, 75, 215} {
		all = append(all, finding("bo", fmt.Sprint(i), t0.Add(time.Duration(minute)*time.Minute), topics.SeverityHigh))
	}
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range all {
				f := all[(i*3+w*5)%len(all)]
				for s.TakeFinding(ctx, f, false) != nil { // a conflict after many tries comes again, as from the bus
				}
			}
		})
	}
	workers.Wait()
	require.Equal(t, expected(all, nil, s.settings.QuietPeriod), incidents(t, s, ctx))
	numbers(t, s, ctx)
}

func TestIncidentsAreApartByAQuietPeriodAndLinked(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	a := finding("bo", "a", t0, topics.SeverityMedium)
	b := finding("bo", "b", t0.Add(30*time.Minute), topics.SeverityMedium)
	for _, f := range []topics.Finding{b, a} {
		require.NoError(t, s.TakeFinding(ctx, f, false))
	}
	group, err := s.groups.Get(ctx, GroupID(a))
	require.NoError(t, err)
	require.Len(t, group.Value.Spans, 2, "exactly the quiet period lies between them")
	earlier, later := group.Value.Neighbours(group.Value.Spans[1].CaseID())
	require.Equal(t, group.Value.Spans[0].CaseID(), earlier)
	require.Empty(t, later)

	require.NoError(t, s.TakeFinding(ctx, finding("bo", "c", t0.Add(15*time.Minute), topics.SeverityMedium), false))
	group, err = s.groups.Get(ctx, GroupID(a))
	require.NoError(t, err)
	require.Len(t, group.Value.Spans, 1, "the late one joins them")
	doc, err := s.cases.Get(ctx, group.Value.Spans[0].CaseID())
	require.NoError(t, err)
	require.Equal(t, 3, doc.Value.FindingCount)
	lines, err := s.evidence.Count(ctx, docstore.Eq{Field: "caseId", Value: doc.ID})
	require.NoError(t, err)
	require.Equal(t, 3, lines, "the evidence moved along")
}

func TestAWithdrawnFindingExplainsTheCaseAndTheCaseStays(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	f := finding("bo", "a", t0, topics.SeverityHigh)
	require.NoError(t, s.TakeFinding(ctx, f, false))
	w := f
	w.Decided, w.Explained = f.Decided.Add(time.Hour), &topics.Reason{Slug: "approved-afterwards"}
	require.NoError(t, s.TakeFinding(ctx, w, true))
	page, err := s.cases.Find(ctx, nil, docstore.FindOptions{})
	require.NoError(t, err)
	require.Len(t, page.Docs, 1)
	c := page.Docs[0].Value
	require.True(t, c.Explained())
	require.True(t, c.Open, "a person still decides")
	require.Equal(t, topics.SeverityHigh, c.Severity)

	again := f
	again.Decided = w.Decided.Add(time.Hour)
	require.NoError(t, s.TakeFinding(ctx, again, false))
	doc, err := s.cases.Get(ctx, page.Docs[0].ID)
	require.NoError(t, err)
	require.False(t, doc.Value.Explained(), "the approval was taken back")
}

func TestAVendorIncidentGoesToTheSystemsResponsible_R5(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	f := finding("bo", "a", t0, topics.SeverityHigh)
	f.Accounts = []string{`bo\kari`} // the responsible's own account was used
	require.NoError(t, s.TakeFinding(ctx, f, false))
	page, err := s.cases.Find(ctx, nil, docstore.FindOptions{})
	require.NoError(t, err)
	c := page.Docs[0].Value
	require.Equal(t, "home-manager", c.HandlerID, "the responsible acted in the case and is passed over")
	require.Equal(t, []string{"resp", "vendor-person"}, c.Subjects)
	require.Equal(t, KindEvent, c.Kind)
	require.Equal(t, PersonalDataPossible, c.PersonalData, "the system holds personal data")
}

func TestAReportIsOneCase(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	r := report("bo", "1")
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() { require.NoError(t, s.TakeReport(ctx, r)) })
	}
	senders.Wait()
	n, err := s.cases.Count(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	doc, err := s.cases.Get(ctx, ReportCaseID("bo", r.ID))
	require.NoError(t, err)
	require.Equal(t, "BJ-2026-0001", doc.Value.Number)
	require.Equal(t, "resp", doc.Value.HandlerID)
}

func TestAReportersMessageEndsTheWaitAndIsTakenOnce(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	ctx := in("bo")
	r := report("bo", "1")
	m := topics.ReportMessage{ID: "m", ReportID: r.ID, Tenant: "bo", Text: "more", Sent: t0}
	require.NoError(t, s.TakeReportMessage(ctx, m), "before its case: it waits in the dialogue")
	require.NoError(t, s.TakeReport(ctx, r))
	caseID := ReportCaseID("bo", r.ID)
	_, err := s.change(ctx, caseID, systemActor, func(c *Case, w *change) error {
		c.Asked = true
		w.did("asked", "")
		return nil
	})
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, s.TakeReportMessage(ctx, m))
	}
	doc, err := s.cases.Get(ctx, caseID)
	require.NoError(t, err)
	require.False(t, doc.Value.Asked)
	n, err := s.messages.Count(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	entries, err := s.flush(ctx, caseID)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	heard, err := s.history.Count(ctx, docstore.Eq{Field: "action", Value: "reporter-wrote"})
	require.NoError(t, err)
	require.Equal(t, 1, heard)
}

func TestTheReporterIsNotRoutedToAndNotNamed_N3(t *testing.T) {
	t.Parallel()
	// The same case four times over: the one who would get it reported it, or
	// cannot have it for a reason of their own. What the next in the line sees
	// must be the same.
	gone := map[string][]topics.Fact{
		"reported it": nil, "left": {left("resp")}, "away": {away("resp", "home", "")},
		"not of the municipality": {fact("bo", topics.KindSystem, "ehr", topics.System{Name: "Journal", UnitID: "home", Responsible: "vendor-person"})},
	}
	var seen []string
	for why, facts := range gone {
		s, _ := tempService(t, orgOf(facts...))
		ctx := in("bo")
		r := report("bo", "1")
		if why == "reported it" {
			r.ReporterExclusion = topics.ExclusionOf(testKeys.Exclusion, "bo", r.ID, "resp")
		}
		require.NoError(t, s.TakeReport(ctx, r))
		doc, err := s.cases.Get(ctx, ReportCaseID("bo", r.ID))
		require.NoError(t, err)
		require.Equal(t, "home-manager", doc.Value.HandlerID, why)
		var told []any
		for _, e := range doc.Value.Journal {
			told = append(told, e.Action, e.Text, e.Params)
		}
		told = append(told, slugs(doc.Value.Routing.Steps), doc.Value.Routing.Escalations, doc.Value.Routing.Tried)
		seen = append(seen, fmt.Sprint(told...))
	}
	for _, other := range seen[1:] {
		require.Equal(t, seen[0], other, "nothing tells the reporter from anyone else who was passed over")
	}
}

func TestWhatNobodyAcknowledgesEscalatesUpTheLine_R23b(t *testing.T) {
	t.Parallel()
	s, c := tempService(t, orgOf())
	ctx := in("bo")
	require.NoError(t, s.TakeReport(ctx, report("bo", "1")))
	caseID := ReportCaseID("bo", report("bo", "1").ID)
	var handlers []string
	for range 8 {
		doc, err := s.cases.Get(ctx, caseID)
		require.NoError(t, err)
		if n := len(handlers); n == 0 || handlers[n-1] != doc.Value.HandlerID {
			handlers = append(handlers, doc.Value.HandlerID)
		}
		require.NoError(t, s.Escalate(ctx), "too early: nothing happens")
		c.Move(25 * time.Hour)
		require.NoError(t, s.Escalate(ctx))
		require.NoError(t, s.Escalate(ctx), "twice is once")
	}
	require.Equal(t, []string{"resp", "home-manager", "health-manager", "chief", "officer", "controller"}, handlers)
	doc, err := s.cases.Get(ctx, caseID)
	require.NoError(t, err)
	require.Equal(t, 5, doc.Value.Routing.Escalations)
	require.True(t, doc.Value.EscalatesAt.IsZero(), "the last in the line keeps it")
}

func TestACaseFindsANewHandlerWhenItsOwnLeaves(t *testing.T) {
	t.Parallel()
	org := orgOf()
	s, _ := tempService(t, org)
	ctx := in("bo")
	require.NoError(t, s.TakeReport(ctx, report("bo", "1")))
	require.NoError(t, s.Reroute(ctx))
	org.Apply(left("resp"))
	require.NoError(t, s.Reroute(ctx))
	doc, err := s.cases.Get(ctx, ReportCaseID("bo", report("bo", "1").ID))
	require.NoError(t, err)
	require.Equal(t, "home-manager", doc.Value.HandlerID)
	require.Equal(t, "unit-manager", doc.Value.Routing.Sentence().Slug)
	version := doc.Version
	require.NoError(t, s.Reroute(ctx))
	doc, err = s.cases.Get(ctx, doc.ID)
	require.NoError(t, err)
	require.Equal(t, version, doc.Version, "nothing to do writes nothing")
}

func TestACaseWithoutAnyoneIsRoutedWhenTheDirectoryArrives(t *testing.T) {
	t.Parallel()
	org := NewOrg()
	s, _ := tempService(t, org)
	ctx := in("bo")
	require.NoError(t, s.TakeReport(ctx, report("bo", "1")))
	doc, err := s.cases.Get(ctx, ReportCaseID("bo", report("bo", "1").ID))
	require.NoError(t, err)
	require.Equal(t, StateReceived, doc.Value.State)
	for _, f := range facts("bo") {
		org.Apply(f)
	}
	require.NoError(t, s.Reroute(ctx))
	doc, err = s.cases.Get(ctx, doc.ID)
	require.NoError(t, err)
	require.Equal(t, "resp", doc.Value.HandlerID)
	require.Equal(t, StateAssigned, doc.Value.State)
}

// between runs do once, when a tally has begun and is not written yet.
type between struct {
	docstore.Store
	do func()
}

func (b *between) Find(ctx context.Context, collection string, q docstore.Query) ([]docstore.Record, error) {
	found, err := b.Store.Find(ctx, collection, q)
	if do := b.do; do != nil && collection == collFindings && q.Limit > 1 {
		b.do = nil
		do()
	}
	return found, err
}

func TestAnOlderTallyNeverOverwritesANewerOne(t *testing.T) {
	t.Parallel()
	store := &between{Store: sqlite.OpenTemp(t)}
	s := newService(t, store, runtest.NewClock(t0), orgOf())
	ctx := in("bo")
	first, second := finding("bo", "a", t0, topics.SeverityLow), finding("bo", "b", t0.Add(time.Minute), topics.SeverityCritical)
	store.do = func() { require.NoError(t, s.TakeFinding(ctx, second, false)) }
	require.NoError(t, s.TakeFinding(ctx, first, false))
	require.Nil(t, store.do, "the second came in between")
	require.Equal(t, expected([]topics.Finding{first, second}, nil, s.settings.QuietPeriod), incidents(t, s, ctx))
}

func TestOfAnAnonymousReportOnlyTheHourIsKept(t *testing.T) {
	t.Parallel()
	s, c := tempService(t, orgOf())
	ctx := in("bo")
	c.Move(17*time.Minute + 5*time.Second)
	r := report("bo", "1")
	r.Anonymous, r.ReporterExclusion = true, ""
	require.NoError(t, s.TakeReport(ctx, r))
	c.Move(time.Minute)
	require.NoError(t, s.TakeReportMessage(ctx, topics.ReportMessage{ID: "m", ReportID: r.ID, Tenant: "bo", Text: "more", Sent: t0}))
	doc, err := s.cases.Get(ctx, ReportCaseID("bo", r.ID))
	require.NoError(t, err)
	require.Equal(t, t0, doc.Value.Created)
	for _, e := range doc.Value.Journal {
		require.Equal(t, t0, e.At, e.Action)
	}
	for _, d := range doc.Value.Deadlines {
		require.Equal(t, t0, d.StartsAt, d.Regime)
	}
}
