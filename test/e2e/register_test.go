package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/test/running"
)

// outside are the reasons of C4's findings about Nordlys since a moment, in
// order; one that was withdrawn has the word before it.
func outside(b *running.Browser, since time.Time) (list []string) {
	var findings []casesapi.Finding
	for _, c := range cases(b) {
		if c.Vendor.Name != "Nordlys Fagsystemer AS" {
			continue
		}
		for _, f := range caseOf(b, c.Id).Findings {
			if f.Rule == "C4" && !f.Time.Before(since) {
				findings = append(findings, f)
			}
		}
	}
	slices.SortFunc(findings, func(a, b casesapi.Finding) int { return a.Time.Compare(b.Time) })
	for _, f := range findings {
		reason := f.Reason.Slug
		if f.Withdrawn {
			reason = "withdrawn " + reason
		}
		list = append(list, reason)
	}
	return list
}

func awaitOutside(t *testing.T, b *running.Browser, since time.Time, want ...string) {
	t.Helper()
	running.Eventually(t, 20*time.Second, func() error {
		if got := outside(b, since); !slices.Equal(got, want) {
			return fmt.Errorf("findings are %q, not %q", got, want)
		}
		return nil
	})
}

// A login outside every window is an incident; inside one that the responsible
// manager approved it is none; after its revocation it is one again.
func TestWindowsDecideWhatALoginIs_R24_R25_C4(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		s, manager, officer := w.stack, w.stack.SignIn(t, "leder"), w.stack.SignIn(t, "sikkerhet")
		began := time.Now().Truncate(time.Microsecond)
		require.NoError(t, s.SendBulk(running.VendorLogin(time.Now(), 41001)))
		awaitOutside(t, officer, began, "outside-window")

		window := requestWindow(t, manager)
		require.Equal(t, registerapi.WindowStateRequested, window.State)
		at := "/api/register/v1/windows/" + window.Id
		for _, account := range []string{"ansatt", "sikkerhet", "revisor"} {
			a := s.SignIn(t, account).Call("POST", at+"/approve", registerapi.WindowApproval{}, nil)
			require.GreaterOrEqual(t, a.Status, 400, "%s approves: %s", account, a.Body)
		}
		require.NoError(t, s.SendBulk(running.VendorLogin(time.Now(), 41002)))
		awaitOutside(t, officer, began, "outside-window", "window-not-approved")

		manager.Post(at+"/approve", registerapi.WindowApproval{}, &window)
		require.Equal(t, registerapi.WindowStateOpen, window.State)
		// Approved within the emergency limit: both are explained, the case stays.
		awaitOutside(t, officer, began, "withdrawn outside-window", "withdrawn window-not-approved")
		require.NoError(t, s.SendBulk(running.VendorLogin(time.Now(), 41003)))
		time.Sleep(1500 * time.Millisecond)

		manager.Post(at+"/revoke", registerapi.WindowRevocation{Reason: "Ferdig"}, &window)
		require.Equal(t, registerapi.WindowStateRevoked, window.State)
		time.Sleep(time.Second) // what a change may take to reach the correlator
		require.NoError(t, s.SendBulk(running.VendorLogin(time.Now(), 41004)))
		// Lines of one key are judged in order: the third was judged before the
		// fourth was a finding.
		awaitOutside(t, officer, began, "withdrawn outside-window", "withdrawn window-not-approved", "window-revoked")
		var list casesapi.Queue
		manager.Get("/api/cases/v1/queue?limit=200", &list)
		require.True(t, slices.ContainsFunc(list.Items, func(c casesapi.CaseSummary) bool { return c.Vendor.Name == "Nordlys Fagsystemer AS" }))
	})
}

func requestWindow(t *testing.T, b *running.Browser) (window registerapi.WindowItem) {
	t.Helper()
	var vendors registerapi.VendorPage
	b.Get("/api/register/v1/vendors?limit=200", &vendors)
	v := slices.IndexFunc(vendors.Items, func(v registerapi.VendorItem) bool { return v.Data.Name == "Nordlys Fagsystemer AS" })
	require.GreaterOrEqual(t, v, 0)
	var systems registerapi.SystemPage
	b.Get("/api/register/v1/systems?limit=200", &systems)
	y := slices.IndexFunc(systems.Items, func(s registerapi.SystemItem) bool { return s.Data.Name == "Arkivum sak og arkiv" })
	require.GreaterOrEqual(t, y, 0)
	b.Post("/api/register/v1/windows", registerapi.WindowRequest{Data: registerapi.Window{
		VendorId: vendors.Items[v].Id, Systems: []string{systems.Items[y].Id}, Reason: "Feilretting",
		// From well before the first login, or the approval would not explain it.
		From: time.Now().Add(-10 * time.Minute).Truncate(time.Second), To: time.Now().Add(2 * time.Hour).Truncate(time.Second),
	}}, &window)
	return window
}

// From the line that is sent to the incident in the queue.
func TestFromLineToIncident(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		officer := w.stack.SignIn(t, "sikkerhet")
		began := time.Now().Truncate(time.Microsecond) // as fine as a line says
		var took []time.Duration
		for n := 1; n <= 20; n++ {
			sent := time.Now()
			require.NoError(t, w.stack.SendBulk(running.VendorLogin(sent, 42000+n)))
			running.Eventually(t, 20*time.Second, func() error {
				if got := len(outside(officer, began)); got < n {
					return fmt.Errorf("%d of %d findings", got, n)
				}
				return nil
			})
			took = append(took, time.Since(sent))
		}
		slices.Sort(took)
		p50, p95 := took[len(took)/2], took[len(took)*95/100]
		t.Logf("%s: from line to incident p50 %s, p95 %s, slowest %s (20 lines)", w.name, p50.Round(time.Millisecond), p95.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		require.Less(t, p95, 10*time.Second)
	})
}
