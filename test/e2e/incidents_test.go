package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// The demo's captures and what must come of each: the rule, and the account in
// whose queue it lies. The truth tables beside the captures say who logged in.
var expected = []struct{ rule, family, vendor, handler string }{
	{"C4", "vendor-access", "Nordlys Fagsystemer AS", "Torgeir Moe"}, // outside every window → day-to-day responsible
	{"C7", "vendor-access", "Fjellrev Support AS", "Hilde Årdal"},    // not on the list → responsible is absent → delegate
	{"C6", "vendor-access", "Havbris Drift AS", "Geir Tveit"},        // expired agreement; the vendor is named as owner → unit's manager
	{"C1", "guessing", "", "Torgeir Moe"},                            // five failures, no lock
}

func cases(b *running.Browser) []casesapi.CaseSummary {
	var list casesapi.CaseList
	b.Post("/api/cases/v1/cases/search", casesapi.CaseSearch{Sources: []casesapi.Source{casesapi.SourceFinding}, Limit: 200}, &list)
	return list.Items
}

func caseOf(b *running.Browser, id string) casesapi.Case {
	var c casesapi.Case
	b.Get("/api/cases/v1/cases/"+id, &c)
	return c
}

// incidents waits until every expected incident is there and returns them as
// "rule vendor → handler", sorted.
func incidents(t *testing.T, b *running.Browser, within time.Duration) []string {
	t.Helper()
	var got []string
	running.Eventually(t, within, func() error {
		got = got[:0]
		for _, c := range cases(b) {
			whole := caseOf(b, c.Id)
			rules := map[string]bool{}
			for _, f := range whole.Findings {
				rules[f.Rule] = true
			}
			for rule := range rules {
				got = append(got, fmt.Sprintf("%s %s → %s", rule, c.Vendor.Name, c.Handler.Name))
			}
		}
		slices.Sort(got)
		if len(got) < len(expected) {
			return fmt.Errorf("only %v so far", got)
		}
		return nil
	})
	return got
}

func wanted() []string {
	var want []string
	for _, e := range expected {
		want = append(want, fmt.Sprintf("%s %s → %s", e.rule, e.vendor, e.handler))
	}
	slices.Sort(want)
	return want
}

// Each of the demo's offending logins is an incident in the right queue within
// a minute and the harmless ones raise nothing.
func TestDemoIncidentsReachTheRightManagers_C1_C4_C6_C7(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		require.Equal(t, wanted(), w.arrived)
		require.Less(t, w.after, 60*time.Second)
	})
}

// A second start finds what there was and doubles nothing.
func TestASecondStartDoublesNothing(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		s := w.stack
		officer := s.SignIn(t, "sikkerhet")
		total, list := settled(t, officer), len(cases(officer))
		require.Positive(t, total)
		s.Stop(t)
		require.NoError(t, s.Launch())
		t.Logf("ready again after %s", s.Ready.Round(time.Millisecond))
		officer = s.SignIn(t, "sikkerhet")
		time.Sleep(5 * time.Second) // whatever a second replay could double has time to
		require.Len(t, cases(officer), list)
		require.Equal(t, total, events(officer))
	})
}

// A kill -9 in the middle of the replay loses nothing and doubles nothing.
func TestKilledDuringReplayEveryLineOnceEveryIncidentOnce(t *testing.T) {
	whole := running.Start(t, t.TempDir())
	officer := whole.SignIn(t, "sikkerhet")
	incidents(t, officer, 60*time.Second)
	total := settled(t, officer)
	whole.Stop(t)

	dir := t.TempDir()
	for _, after := range []time.Duration{50 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond} {
		s := running.Start(t, dir)
		time.Sleep(after)
		s.Kill()
	}
	s := running.Start(t, dir)
	officer = s.SignIn(t, "sikkerhet")
	require.Equal(t, wanted(), incidents(t, officer, 60*time.Second))
	require.Equal(t, total, settled(t, officer))
	s.Stop(t)
}

// events counts the tenant's events.
func events(b *running.Browser) int {
	var context searchapi.Context
	b.Post("/api/search/v1/contexts", searchapi.NewContext{Purpose: "Kontroll av demoen"}, &context)
	var result searchapi.SearchResult
	b.Post("/api/search/v1/search", searchapi.SearchRequest{Context: context.Id, Limit: 1}, &result)
	return result.Total
}

// settled is events when they no longer grow.
func settled(t *testing.T, b *running.Browser) (total int) {
	t.Helper()
	running.Eventually(t, 60*time.Second, func() error {
		before := events(b)
		time.Sleep(2 * time.Second)
		if total = events(b); total != before || total == 0 {
			return errors.New("still growing")
		}
		return nil
	})
	return total
}

// The manager's queue says why a case came to them, and shows the line behind it.
func TestQueueAndCasePageTellTheStory(t *testing.T) {
	forBothWays(t, queueAndCasePage)
}

func queueAndCasePage(t *testing.T, w *way) {
	s := w.stack
	manager := s.SignIn(t, "leder")
	var queue casesapi.Queue
	manager.Get("/api/cases/v1/queue", &queue)
	at := slices.IndexFunc(queue.Items, func(c casesapi.CaseSummary) bool { return c.Family == "vendor-access" })
	require.GreaterOrEqual(t, at, 0, "%v", queue.Items)
	c := caseOf(manager, queue.Items[at].Id)
	require.NotEmpty(t, c.Routing.Sentence.Slug)
	require.NotEmpty(t, c.Blockers)
	require.NotEmpty(t, c.Deadlines)

	var evidence casesapi.EvidenceList
	manager.Get("/api/cases/v1/cases/"+c.Summary.Id+"/evidence", &evidence)
	require.True(t, evidence.Raw)
	require.NotEmpty(t, evidence.Items)
	require.True(t, slices.ContainsFunc(evidence.Items, func(e casesapi.CaseEvidence) bool {
		return strings.Contains(e.Evidence.Original, "nordlys-drift")
	}), "the log line behind the incident")

	// The administrator sees no case, an employee not this one.
	for _, account := range []string{"admin", "ansatt"} {
		a := s.SignIn(t, account).Call("GET", "/api/cases/v1/cases/"+c.Summary.Id, nil, nil)
		require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, a.Status, account)
	}
}
