package cases

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

func TestAnAnswerAfterClosingReachesTheResponsible_R14(t *testing.T) {
	t.Parallel()
	org := orgOf()
	s, clock := tempService(t, org)
	person := func(id string) context.Context { return auth.With(in("bo"), as(id)) }
	r := report("bo", "1")
	require.NoError(t, s.TakeReport(in("bo"), r))
	caseID := ReportCaseID("bo", r.ID)
	queue := func(who string) []Row {
		page, err := s.Queue(person(who), SectionNew, 50, "")
		require.NoError(t, err)
		require.Equal(t, len(page.Rows), page.Counts[SectionNew])
		return page.Rows
	}
	reply := func(id string) {
		clock.Move(time.Hour)
		for range 2 {
			require.NoError(t, s.TakeReportMessage(in("bo"), topics.ReportMessage{ID: id, ReportID: r.ID, Tenant: "bo", Text: "it still goes on", Sent: t0}))
		}
	}
	_, err := s.Reject(person("resp"), caseID, "no deviation")
	require.NoError(t, err)
	require.Empty(t, queue("resp"))
	_, err = s.Acknowledge(person("resp"), caseID)
	require.ErrorIs(t, err, ErrNotOpen)

	reply("first")
	rows := queue("resp")
	require.Len(t, rows, 1)
	require.Equal(t, StateRejected, rows[0].Case.State, "it does not open by itself")
	shown := s.encoder("", false).summaries(rows)[0]
	require.Equal(t, casesapi.CaseSummaryWaitingForAnswerAfterClosing, shown.WaitingFor, "the queue says why it is there")
	require.Equal(t, casesapi.Section(SectionNew), shown.Section)
	v, err := s.Acknowledge(person("resp"), caseID)
	require.NoError(t, err)
	require.Equal(t, StateRejected, v.Case.State)
	require.Empty(t, queue("resp"), "taken in")
	reply("first")
	require.Empty(t, queue("resp"), "the same message again")

	org.Apply(left("resp"))
	reply("second")
	rows = queue("home-manager")
	require.Len(t, rows, 1, "the handler has left: whoever is responsible now")
	_, err = s.Reopen(person("home-manager"), caseID, "it goes on")
	require.NoError(t, err)
	doc, err := s.cases.Get(in("bo"), caseID)
	require.NoError(t, err)
	require.True(t, doc.Value.Open)
	require.True(t, doc.Value.AnsweredAfter.IsZero())
}
