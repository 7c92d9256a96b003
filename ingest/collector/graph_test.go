package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/graph/graphtest"
	"varde.internal/platform/await"
	"varde.internal/platform/docstore"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// polled is a directory of the server for the source "file".
func polled(s *graphtest.Server) Graph {
	g := DefaultGraph()
	g.Source, g.Directory, g.Client, g.Secret = "file", graphtest.Directory, graphtest.ClientID, graphtest.Secret
	g.Login, g.API, g.client, g.pause = s.URL, s.URL, s.Client(), time.Millisecond
	g.Every = 30 * time.Millisecond
	return g
}

// ids are those of the distinct events, by the record's.
func (r *rig) records() map[string]ecs.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]ecs.Event{}
	for _, e := range r.events {
		out[e.Labels["record_id"]] = e
	}
	return out
}

func (r *rig) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range r.events {
		ids[e.Event.ID] = true
	}
	return len(ids)
}

func (r *rig) poll(log string) Poll {
	docs, err := docstore.Open[Poll](r.t.Context(), r.deps.Docs, pollsDefinition)
	require.NoError(r.t, err)
	doc, err := docs.Get(tenant.With(r.t.Context(), "bo"), (&poller{log: "signIns"}).key(Source{ID: "file"}))
	if err != nil {
		return Poll{}
	}
	require.Equal(r.t, log, doc.Value.Log)
	return doc.Value
}

func signIns(from, n int, at time.Time) []graphtest.Record {
	var out []graphtest.Record
	for i := range n {
		out = append(out, graphtest.SignIn(fmt.Sprintf("s%d", from+i), at.Add(time.Duration(i)*time.Second), "ola@bjorkvag.example", "192.0.2.7", 50126))
	}
	return out
}

func TestSignInsAndAuditsArePolled_R36(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	now := time.Now()
	s.Add("signIns", signIns(0, 20, now.Add(-3*time.Hour))...)
	s.Add("directoryAudits", graphtest.Audit("a0", now.Add(-time.Hour), "Add user", "admin@bjorkvag.example", "ny@bjorkvag.example"))
	s.Add("signIns", graphtest.SignIn("old", now.Add(-48*time.Hour), "ola@bjorkvag.example", "192.0.2.7", 0)) // before the first poll's reach
	r := newRig(t, func(c *Config, _ *run.Deps) { c.Graphs = []Graph{polled(s)} })
	await.True(t, func() bool { return len(r.records()) == 21 }, "%d", len(r.records()))
	one := r.records()["s0"]
	require.True(t, one.Varde.Attempt)
	require.Equal(t, ecs.OutcomeFailure, one.Event.Outcome)
	require.Equal(t, "entra.signin", one.Event.Dataset)
	require.Equal(t, ecs.ProvenancePoll, one.Varde.Provenance)
	require.Equal(t, "bo", one.Varde.Tenant)
	require.Equal(t, "entra.audit", r.records()["a0"].Event.Dataset)
	require.Equal(t, ecs.ActionAccountCreated, r.records()["a0"].Event.Action)

	// Records that come late, within the overlap, and new ones.
	s.Add("signIns", signIns(100, 2, now.Add(-time.Hour))...)
	s.Add("signIns", signIns(200, 2, time.Now().Add(-time.Second))...)
	await.True(t, func() bool { return r.distinct() == 25 }, "%d", r.distinct())
	await.True(t, func() bool { return !r.poll("signIns").Polled.IsZero() })
	require.Empty(t, r.poll("signIns").Error)
	require.Empty(t, r.Notice())
}

// An outage of the service, and one of the bus, lose nothing; the first is told
// in words. A second collector that polls the same doubles nothing, and what
// was known before a restart comes as the same events.
func TestAPollGoesOnAfterOutagesAndRestarts_R36(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	s.Page(7)
	now := time.Now()
	s.Add("signIns", signIns(0, 60, now.Add(-90*time.Minute))...)
	broken := &failing{}
	broken.left.Store(3) // the bus is away once, in the middle of a page
	g := polled(s)
	g.Logs = []string{"signIns"}
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("not-this-one\n"), 0o600))
	g.Secret, g.SecretFile = "", file
	var cfg Config
	r := newRig(t, func(c *Config, d *run.Deps) {
		broken.Bus, d.Bus = d.Bus, broken
		c.Graphs, c.MaxBatch = []Graph{g}, 5
		cfg = *c
	})
	await.True(t, func() bool { return strings.Contains(r.Notice(), "does not accept") }, "%s", r.Notice())
	require.NoError(t, r.Ready(t.Context()), "others can send all the same")
	await.True(t, func() bool { p := r.poll("signIns"); return p.Error != "" && !p.Failing.IsZero() && p.Polled.IsZero() })
	require.NotContains(t, r.Notice(), "not-this-one")
	require.NoError(t, os.WriteFile(file, []byte(graphtest.Secret+"\n"), 0o600))
	s.TokensLast(2)
	s.Say(graphtest.Answer{Status: 503}, graphtest.Answer{}, graphtest.Answer{Status: 429, RetryAfter: "0"})
	await.True(t, func() bool { return r.distinct() == 60 && r.Notice() == "" }, "%d %s", r.distinct(), r.Notice())
	before := r.poll("signIns").Through

	r.stop() // and the next one begins where this one ended
	s.Add("signIns", signIns(100, 5, time.Now())...)
	other := r.deps
	other.Metrics = nil
	var again sync.WaitGroup
	r.start(cfg)
	again.Go(func() {
		two := &rig{t: t, deps: other}
		two.start(cfg)
		t.Cleanup(two.stop)
	})
	again.Wait()
	await.True(t, func() bool { return r.distinct() == 65 }, "%d", r.distinct())
	await.True(t, func() bool { return r.poll("signIns").Through.After(before) })
	require.Equal(t, 65, len(r.records()))
}

// A place is kept window by window: a first poll that is killed in the middle
// goes on there.
func TestALongFirstPollIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	now := time.Now()
	g := polled(s)
	g.Logs, g.Overlap, g.Since = []string{"signIns"}, 0, 10*time.Hour
	for h := range 9 {
		s.Add("signIns", signIns(10*h, 3, now.Add(-time.Duration(9-h)*time.Hour))...)
	}
	broken := &failing{}
	broken.left.Store(4)
	r := newRig(t, func(c *Config, d *run.Deps) { broken.Bus, d.Bus, c.Graphs = d.Bus, broken, []Graph{g} })
	await.True(t, func() bool { return r.distinct() == 27 }, "%d", r.distinct())
	r.stop()
	r.mu.Lock()
	published := len(r.events)
	r.mu.Unlock()
	require.Equal(t, 27, published, "no window twice")
}

func TestPollsAndTopicsAreChecked(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Graphs = []Graph{{}}
	c.Topics = []Topic{{Brokers: "kafka://u:hidden@host?sasl=nothing", Format: "x"}}
	err := c.Validate()
	for _, part := range []string{"graph[0]: source", "secretFile", "logs:", "every", "kafka[0]: brokers, topic", "format", "group", "parameter sasl"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "hidden")
	g := DefaultGraph()
	g.Source, g.Directory, g.Client, g.Secret = "a", "b", "c", "d"
	c.Graphs = []Graph{g}
	c.Topics = []Topic{{Brokers: "kafka://u:hidden@host", Topic: "t", Group: DefaultGroup, Source: "s", Format: FormatLine}}
	require.NoError(t, c.Validate())
}
