package reparse_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/ingest/reparse"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/reparseapi"
	"varde.internal/schemas/topics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
		// fasthttp keeps a clock, and idle workers for some seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// The journey of lines whose source was registered with a wrong format.
func TestLinesThatFailedAreReplayedOnceAfterTheSourceIsMended(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.dead(many(3)...)
	w.dead(letter("bo", "other", 9), letter("nes", "theirs", 1))
	groups := w.letters(4)
	require.Len(t, groups, 2, "by source and reason, of this tenant")
	web := groups[1]
	require.Equal(t, "web", web.Source)
	require.Equal(t, [3]int{3, 3, 0}, [3]int{web.Count, web.Kept, web.Dropped})
	require.True(t, web.Replayable)
	require.Equal(t, begin, web.First.UTC())
	require.Equal(t, "Xxx 99 99:99:99 xxx99 xxxx[9]: Xxxxxx xxxxxxxx xxx xxxxxxxxxx xxxx 999.9.9.9 xxxx 99 xxx9", web.Sample)

	failed := w.do(reparseapi.NewJob{Kind: "replay", Group: web.Id})
	require.Equal(t, reparseapi.Done, failed.State)
	require.Equal(t, [3]int{3, 0, 3}, [3]int{failed.Done, failed.Changed, failed.Failed}, "the source stands as it did")
	require.NotEmpty(t, failed.Reasons)
	groups = w.groups(officer)
	require.Len(t, groups, 2)
	for _, g := range groups {
		if g.Source == "web" {
			web = g
		}
	}
	require.NotEqual(t, "invalid-priority", web.Reason, "what fails again stays with its new reason")
	require.Equal(t, 3, web.Kept)

	w.mended()
	replayed := 0
	w.until(func() bool {
		replayed += w.do(reparseapi.NewJob{Kind: "replay", Source: "web"}).Changed
		return replayed == 3
	})
	require.Equal(t, 3, w.found("bo", "varde.source:web"))
	e, err := w.index.Get(tenant.With(t.Context(), "bo"), "bo-web-00002")
	require.NoError(t, err, "under the id that the line was received with")
	require.Equal(t, begin.Add(2*time.Second), e.Event.Created, "and the time")
	require.Equal(t, "sshd", e.Event.Dataset)
	require.True(t, e.Varde.Attempt)
	require.Equal(t, ecs.ProvenanceTCP, e.Varde.Provenance)
	require.Len(t, w.groups(officer), 1, "the other source's stay")

	w.dead(many(3)...) // the topic brings them a second time
	require.Equal(t, 3, w.kept("web", 3))
	again := w.do(reparseapi.NewJob{Kind: "replay", Source: "web"})
	require.Equal(t, 3, again.Changed)
	require.Equal(t, 3, w.found("bo", "varde.source:web"), "nothing doubles")
	require.Zero(t, w.found("nes", ""))
}

// until does something until it is so: the register reaches the part by a topic.
func (w *world) until(done func() bool) {
	w.t.Helper()
	await.True(w.t, done, "it is so")
}

func (w *world) kept(source string, n int) (kept int) {
	w.t.Helper()
	await.True(w.t, func() bool {
		kept = 0
		for _, g := range w.groups(officer) {
			if g.Source == source {
				kept += g.Kept
			}
		}
		return kept == n
	}, "%d letters of %s lie here", n, source)
	return kept
}

// R41: raw lines are for whom search shows names, and each read is recorded.
func TestRawLinesNeedACaseAndARole_R41(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.dead(many(1)...)
	group := w.letters(1)[0].Id
	path := "/v1/dead-letters/" + group + "/letters"
	for _, c := range []struct {
		who    auth.Principal
		ground string
		why    reparseapi.LetterPageNamesReason
	}{
		{officer, "", "no-case"},
		{officer, "closed", "case-closed"},
		{officer, "unknown", "role"},
		{officer, "open", ""},
		{authtest.Person("bo", auth.RoleAdministrator), "open", "role"},
		{authtest.Person("bo", auth.RoleOperationsManager), "open", "role"},
	} {
		var page reparseapi.LetterPage
		r := w.call(c.who, http.MethodPost, path, reparseapi.LettersRequest{CaseId: c.ground}, &page)
		require.Equal(t, http.StatusOK, r.Status, string(r.Body))
		require.Len(t, page.Items, 1)
		require.Equal(t, c.why, page.NamesReason)
		require.Equal(t, c.why == "", page.Names)
		require.Equal(t, c.why == "", strings.Contains(string(r.Body), marked), "%s for %q", c.who.Subject, c.ground)
		require.NotEmpty(t, page.Items[0].Shape)
	}
	records := w.audit.Records()
	read := 0
	for _, r := range records {
		if r.Action == "dead-letter.read" && r.Phase == "intent" {
			read++
			require.Equal(t, "dead-letters:"+group, r.Object)
		}
	}
	require.Equal(t, 6, read)
	w.audit.Fail(true)
	r := w.call(officer, http.MethodPost, path, reparseapi.LettersRequest{CaseId: "open"}, nil)
	require.Equal(t, http.StatusServiceUnavailable, r.Status, "what cannot be recorded is not read")
	require.NotContains(t, string(r.Body), marked)
}

// Lines lie encrypted in the documents.
func TestKeptLinesAreEncrypted_R41(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.dead(many(1)...)
	w.letters(1)
	docs := 0
	for _, d := range w.dump("dead_letters") {
		docs++
		require.NotContains(t, d, marked)
	}
	require.Equal(t, 1, docs)
}

func TestTheContractAndTheRoles_R74(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	httpxtest.RoutesMatchContract(t, w.m.App(), httpxtest.Contract(t, "reparse"))
	w.dead(many(2)...)
	group := w.letters(2)[0].Id
	job := w.do(reparseapi.NewJob{Kind: "reparse", From: begin, To: begin.Add(time.Hour), DryRun: true})
	issue := func(owner tenant.ID) func(auth.Role) string {
		return func(r auth.Role) string { return authtest.Token(t, "reparse", authtest.Person(owner, r)) }
	}
	httpxtest.RoleMatrix(t, w.m.App(), httpxtest.Contract(t, "reparse"), issue("bo"),
		httpxtest.WithForeign(issue("nes"), marked, group, job.Id),
		httpxtest.WithSample("readDeadLetters", httpxtest.Sample{Path: "/v1/dead-letters/" + group + "/letters", Body: reparseapi.LettersRequest{}}),
		httpxtest.WithSample("getReparseJob", httpxtest.Sample{Path: "/v1/jobs/" + job.Id}),
		httpxtest.WithSample("cancelReparseJob", httpxtest.Sample{Path: "/v1/jobs/" + job.Id + "/cancel"}),
		httpxtest.WithSample("readReparseExamples", httpxtest.Sample{Path: "/v1/jobs/" + job.Id + "/examples", Body: reparseapi.Ground{}}),
		httpxtest.WithSample("startReparseJob", httpxtest.Sample{Body: reparseapi.NewJob{Kind: "reparse"}}))
}

func TestAJobSaysExactlyWhatItIsAbout(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, in := range []reparseapi.NewJob{
		{Kind: "replay"}, {Kind: "discard", Group: "a", Source: "b"}, {Kind: "replay", Source: "web", DryRun: true},
		{Kind: "reparse"}, {Kind: "reparse", From: begin, To: begin}, {Kind: "reparse", From: begin, To: begin.AddDate(2, 0, 0)},
		{Kind: "reparse", From: begin, To: begin.Add(time.Hour), Group: "a"}, {Kind: "reparse", From: begin, To: begin.Add(time.Hour), Source: `web" or "x`},
	} {
		require.Equal(t, http.StatusBadRequest, w.call(officer, http.MethodPost, "/v1/jobs", in, nil).Status, "%+v", in)
	}
}

func TestWhatIsBeyondTheBoundsIsCounted(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *reparse.Config) { c.PerGroup, c.PerTenant, c.Largest = 5, 6, 200 })
	w.dead(many(8)...)
	long := letter("bo", "web", 100)
	long.Raw = []byte(strings.Repeat("x", 300))
	w.dead(long)
	require.Equal(t, [3]int{9, 5, 4}, func() [3]int { g := w.letters(9)[0]; return [3]int{g.Count, g.Kept, g.Dropped} }())
	w.dead(letter("bo", "other", 1), letter("bo", "other", 2))
	w.letters(11)
	require.Equal(t, 1, w.kept("other", 1), "the tenant's bound")

	job := w.do(reparseapi.NewJob{Kind: "discard", Source: "web"})
	require.Equal(t, 5, job.Changed)
	require.Equal(t, 1, len(w.groups(officer)), "and the count of what was not kept goes with them")
	require.Zero(t, w.found("bo", ""))
	require.Len(t, w.told.await(w, "reparse.end"), 1)
}

func (a *audited) await(w *world, action string) (out []topics.AuditRecord) {
	w.t.Helper()
	await.True(w.t, func() bool { out = a.of(action); return len(out) > 0 }, "%s is recorded", action)
	return out
}

func TestDeadLettersEndWithTheirTime_R39(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.dead(many(3)...)
	w.letters(3)
	w.hold(begin.Add(2 * time.Second))
	w.stop()
	w.now.Move(31 * 24 * time.Hour)
	w.begin() // it looks at its start, and then each hour
	require.Equal(t, 1, w.kept("web", 1), "a legal hold keeps one")
	held := w.do(reparseapi.NewJob{Kind: "discard", Source: "web"})
	require.Equal(t, map[string]int{"held": 1}, held.Reasons)
	require.Equal(t, 1, w.kept("web", 1))
	expired := 0
	for _, r := range w.audit.Records() {
		if r.Action == "dead-letter.expire" && r.Phase == "intent" {
			expired++
			require.Equal(t, 3, r.Counts["letters"])
		}
	}
	require.Equal(t, 1, expired)
}

// C: a day is read again, twice, while new lines come into the same partition.
func TestADayReadAgainKeepsItsEvents(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *reparse.Config) { c.Step = 20 })
	const kept = 150
	w.stored(kept)
	w.mended()
	require.Equal(t, kept, w.found("bo", "event.dataset:unparsed"))

	var preview reparseapi.Job
	w.until(func() bool {
		in := theDay()
		in.DryRun = true
		preview = w.do(in)
		return preview.Changed == kept
	})
	require.Equal(t, [4]int{kept, kept, 0, 0}, [4]int{preview.Total, preview.Done, preview.Unchanged, preview.Failed})
	require.Equal(t, kept, w.found("bo", "event.dataset:unparsed"), "a preview changes nothing")
	w.examples(preview)

	stop := make(chan struct{})
	came := make(chan int)
	go func() { // lines go on coming
		n := kept
		for ; ; n++ {
			select {
			case <-stop:
				came <- n
				return
			default:
			}
			e := unread(n)
			e.Timestamp = begin.Add(30 * time.Minute)
			if _, err := w.index.Append(systemscope.Enter(t.Context(), "test"), []ecs.Event{e}); err != nil {
				t.Errorf("append: %v", err)
			}
			if n == kept+400 {
				came <- n + 1
				return
			}
		}
	}()
	in := theDay()
	in.To = begin.Add(10 * time.Minute)
	job := w.do(in)
	close(stop)
	total := <-came
	require.Equal(t, reparseapi.Done, job.State, job.Problem)
	require.Equal(t, [2]int{kept, 0}, [2]int{job.Changed, job.Failed}, "%+v", job.Reasons)
	require.Equal(t, total, w.found("bo", ""), "none doubled, none lost")
	require.Equal(t, kept, w.found("bo", "event.dataset:sshd"))
	require.Equal(t, kept, w.index.count(eventindex.Replaced))
	e, err := w.index.Get(tenant.With(t.Context(), "bo"), "kept-00007")
	require.NoError(t, err)
	require.Equal(t, "failure", e.Event.Outcome)
	require.Equal(t, [2]string{"bo.standard.2026-11-20", raw(7)}, [2]string{e.Varde.Partition, e.Event.Original})

	again := w.do(in)
	require.Equal(t, [3]int{kept, 0, kept}, [3]int{again.Done, again.Changed, again.Unchanged})
	require.Equal(t, total, w.found("bo", ""))
	require.Len(t, w.told.await(w, "reparse.start"), len(w.told.of("reparse.start")))
}

// examples of a preview hide persons without a case.
func (w *world) examples(preview reparseapi.Job) {
	w.t.Helper()
	path := "/v1/jobs/" + preview.Id + "/examples"
	var list reparseapi.ExampleList
	r := w.call(officer, http.MethodPost, path, reparseapi.Ground{}, &list)
	require.Equal(w.t, http.StatusOK, r.Status)
	require.NotEmpty(w.t, list.Items)
	require.NotContains(w.t, string(r.Body), marked)
	r = w.call(officer, http.MethodPost, path, reparseapi.Ground{CaseId: "open"}, &list)
	require.True(w.t, list.Names)
	require.Contains(w.t, string(r.Body), marked)
	found := map[string]reparseapi.Change{}
	for _, c := range list.Items[0].Changes {
		found[c.Field] = c
	}
	require.Equal(w.t, reparseapi.Change{Field: "event.dataset", Before: "unparsed", After: "sshd"}, found["event.dataset"])
	require.Equal(w.t, marked, found["user.name"].After)
	require.Empty(w.t, found["event.original"])
}

// A process that is ended in the middle, and one that begins again.
func TestAJobGoesOnWhereItWasEnded(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *reparse.Config) { c.Step = 10 })
	const kept = 120
	w.stored(kept)
	w.mended()
	w.until(func() bool {
		in := theDay()
		in.DryRun, in.To = true, begin.Add(time.Second)
		return w.do(in).Changed == 1
	})
	job := w.start(theDay())
	for stops := 0; stops < 3; stops++ {
		before := w.job(job.Id).Done
		await.True(t, func() bool { j := w.job(job.Id); return j.Done > before || !j.Ended.IsZero() }, "it goes on")
		w.stop()
		w.begin()
	}
	end := w.ended(job.Id)
	require.Equal(t, reparseapi.Done, end.State)
	require.Equal(t, kept, w.found("bo", ""))
	require.Equal(t, kept, w.found("bo", "event.dataset:sshd"), "none was passed over")
	// A step that was stored and not noted has moved to its right time, an hour
	// before: it is not met again.
	require.GreaterOrEqual(t, end.Done, kept-4*w.cfg.Step)
}

func TestOneJobOfATenantRunsAndCanBeStopped(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *reparse.Config) { c.Step, c.StoreWait = 5, time.Hour })
	const kept = 60
	w.stored(kept)
	w.mended()
	job := w.start(theDay())
	r := w.call(officer, http.MethodPost, "/v1/jobs", theDay(), nil)
	if w.job(job.Id).Ended.IsZero() { // else it was done before it was asked
		require.Equal(t, "job-running", r.Slug())
	}
	require.Equal(t, http.StatusOK, w.call(officer, http.MethodPost, "/v1/jobs/"+job.Id+"/cancel", nil, nil).Status)
	end := w.ended(job.Id)
	require.Contains(t, []reparseapi.JobState{reparseapi.Cancelled, reparseapi.Done}, end.State)
	require.Equal(t, kept, w.found("bo", ""))
	require.Equal(t, reparseapi.Done, w.do(theDay()).State, "and another can begin")
	w.until(func() bool { w.do(theDay()); return w.found("bo", "event.dataset:sshd") == kept })
}

// What was understood when it came is not made less of, and a line that no
// longer is the tenant's is left alone.
func TestNothingIsMadeWorse(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	read := unread(1)
	read.Event.Dataset, read.Event.Outcome = "made-up", "failure"
	read.Event.Original, read.Message = "no program writes this", "no program writes this"
	gone := unread(2)
	gone.Varde.Source = "no-longer-registered"
	_, err := w.index.Index.Append(systemscope.Enter(t.Context(), "test"), []ecs.Event{read, gone})
	require.NoError(t, err)
	w.source("bo", "web", topics.Source{Name: "Web", Kind: "syslog", Shared: true, HostTenants: map[string]string{"web01": "nes"}})
	moved := unread(3)
	_, err = w.index.Index.Append(systemscope.Enter(t.Context(), "test"), []ecs.Event{moved})
	require.NoError(t, err)
	want := map[string]int{"understood-before": 1, "no-such-source": 1, "other-tenant": 1}
	w.until(func() bool {
		job := w.do(theDay())
		require.Zero(t, job.Changed)
		got, err := json.Marshal(job.Reasons)
		require.NoError(t, err)
		wanted, err := json.Marshal(want)
		require.NoError(t, err)
		return string(got) == string(wanted)
	})
	require.Equal(t, 3, w.found("bo", ""))
	require.Zero(t, w.found("nes", ""))
}

// What the index refused because an id came with two readings of one line is
// settled by a replay; two lines under one id are not.
func TestConflictsAreSettledByAReplay(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.mended()
	w.stored(2)
	same, other := unread(0), unread(1)
	same.Message, other.Event.Original = "read otherwise", raw(55)
	for i, e := range []ecs.Event{same, other} {
		value, err := json.Marshal(e)
		require.NoError(t, err)
		l := letter("bo", "web", i)
		l.ID, l.Stage, l.Reason, l.Raw, l.Detail = l.ID+"-index", "index", "conflicting-id", value, ""
		w.dead(l)
	}
	group := w.letters(2)[0].Id
	w.until(func() bool {
		w.do(reparseapi.NewJob{Kind: "replay", Group: group})
		return w.found("bo", "event.dataset:sshd") == 1
	})
	require.Equal(t, 2, w.found("bo", ""))
	left := w.groups(officer)
	require.Len(t, left, 1)
	require.Equal(t, [2]any{1, "conflicting-id"}, [2]any{left[0].Kept, left[0].Reason})
}
