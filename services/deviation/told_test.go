package deviation

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/schemas/topics"
)

// told hands a change of the case to the service, as the topic would.
func (w *world) told(c topics.CaseChanged) {
	w.t.Helper()
	value, err := json.Marshal(c)
	require.NoError(w.t, err)
	require.NoError(w.t, w.s.HandleCases(w.t.Context(), []bus.Message{{Tenant: c.Tenant, Type: topics.TypeCaseChanged, Value: value}}))
}

// A process whose clock is behind writes the closing: the reporter hears of it
// all the same, and a repeat of an earlier message does not take it back.
func TestTheClosingIsToldWhateverTheClocks_R14(t *testing.T) {
	t.Parallel()
	w := start(t)
	receipt := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", submission("a")))
	change := func(sequence int, state string, changed time.Time) topics.CaseChanged {
		return topics.CaseChanged{CaseID: "case", Number: "BJ-2026-0001", Tenant: "bo", ReportIDs: []string{receipt.ReportId}, Sequence: sequence, State: state, Changed: changed}
	}
	stored := func() Report {
		doc, err := w.s.reports.Get(tenant.With(t.Context(), "bo"), receipt.ReportId)
		require.NoError(t, err)
		return doc.Value
	}
	w.told(change(3, "in-progress", t0.Add(2*time.Hour)))
	w.told(change(5, "closed", t0.Add(time.Hour)))
	require.Equal(t, "closed", stored().State)
	require.Equal(t, t0.Add(2*time.Hour), stored().Changed.UTC(), "the time shown never goes back")
	w.told(change(3, "in-progress", t0.Add(3*time.Hour)))
	require.Equal(t, "closed", stored().State, "a repeat is older, whatever its time")
	w.told(change(5, "closed", t0.Add(time.Hour)))
	require.Equal(t, "closed", stored().State)
}

// Reports and messages of the version before had no sequence: the first that
// has one is later than all of them, and among themselves the time decides.
func TestChangesOfEarlierVersionsAreStillRead_N6(t *testing.T) {
	t.Parallel()
	var r Report
	require.NoError(t, json.Unmarshal([]byte(`{"formType":"general","formVersion":1,"state":"in-progress","changed":"2026-03-02T12:00:00Z","code":"c","digest":"d","messages":0}`), &r))
	var before, after, newer topics.CaseChanged
	require.NoError(t, json.Unmarshal([]byte(`{"caseId":"case","number":"n","tenant":"bo","state":"assigned","changed":"2026-03-02T11:00:00Z"}`), &before))
	require.NoError(t, json.Unmarshal([]byte(`{"caseId":"case","number":"n","tenant":"bo","state":"closed","changed":"2026-03-02T13:00:00Z"}`), &after))
	require.NoError(t, json.Unmarshal([]byte(`{"caseId":"case","number":"n","tenant":"bo","sequence":7,"state":"closed","changed":"2026-03-02T10:00:00Z"}`), &newer))
	require.False(t, r.takes(before))
	require.True(t, r.takes(after))
	require.True(t, r.takes(newer))
}
