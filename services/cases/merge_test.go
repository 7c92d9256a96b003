package cases

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/schemas/topics"
)

func TestAMergeBringsAlongWhatPeopleDid_R8_R9_R27(t *testing.T) {
	t.Parallel()
	s, clock := tempService(t, orgOf())
	officer := auth.With(in("bo"), as("officer", auth.Grant{Role: auth.RoleSecurityOfficer}))
	caseOf := func(f topics.Finding) string {
		d, err := s.findings.Get(in("bo"), f.ID)
		require.NoError(t, err)
		return d.Value.CaseID
	}
	a, b := finding("bo", "a", t0, topics.SeverityHigh), finding("bo", "b", t0.Add(50*time.Minute), topics.SeverityHigh)
	clock.Move(time.Hour)
	for _, f := range []topics.Finding{a, b} {
		require.NoError(t, s.TakeFinding(in("bo"), f, false))
	}
	first, second := caseOf(a), caseOf(b)
	require.NotEqual(t, first, second)
	worked := func(_ View, err error) { require.NoError(t, err) }
	worked(s.Assess(officer, second, Assessment{PersonalData: PersonalDataYes, Severity: topics.SeverityCritical, Reason: "journals were read"}))
	worked(s.MeetDeadline(officer, second, RegimeGDPR, "notified", "case number 26/1", time.Time{}))
	worked(s.Decide(officer, second, DecideMisuse, "not agreed", []string{"police-report"}))
	worked(s.AddMeasure(officer, second, NewMeasure{Kind: MeasureCorrective, Text: "close the opening", Owner: "nurse", Due: t0.AddDate(0, 0, 2)}))
	_, err := s.evidence.Insert(in("bo"), EvidenceID(second, "pinned-1"),
		Evidence{CaseID: second, Source: EvidencePinned, By: "officer", Line: topics.Evidence{EventID: "pinned-1", Time: t0, SHA256: "h"}, Added: t0})
	require.NoError(t, err)

	late := finding("bo", "late", t0.Add(25*time.Minute), topics.SeverityHigh)
	for range 2 {
		require.NoError(t, s.TakeFinding(in("bo"), late, false), "joins the two; and again")
	}
	doc, err := s.cases.Get(in("bo"), second)
	require.NoError(t, err)
	require.Equal(t, first, doc.Value.MergedInto)
	require.Equal(t, []Link{{CaseID: first, Kind: LinkDuplicateOf}}, doc.Value.Links)
	living, err := s.cases.Get(in("bo"), first)
	require.NoError(t, err)
	c := living.Value
	require.True(t, c.Open)
	require.Len(t, c.Decisions, 1)
	require.Equal(t, "not agreed", c.Decisions[0].Reason)
	require.Len(t, c.OpenMeasures(), 1)
	require.Equal(t, []Link{{CaseID: second, Kind: LinkHasDuplicate}}, c.Links)
	require.Equal(t, PersonalDataYes, c.PersonalData)
	require.Equal(t, topics.SeverityCritical, c.Severity)
	require.Equal(t, "officer", c.HandlerID, "who took it on keeps it")
	clockOfLaw, ok := c.Deadline(RegimeGDPR)
	require.True(t, ok)
	require.Equal(t, "notified", clockOfLaw.Result)
	require.Contains(t, c.Owners, "nurse", "the measure is in its owner's queue")
	pins, err := s.evidence.Count(in("bo"), docstore.And{docstore.Eq{Field: "caseId", Value: first}, docstore.Eq{Field: "source", Value: EvidencePinned}})
	require.NoError(t, err)
	require.Equal(t, 1, pins)
	n, err := s.history.Count(in("bo"), docstore.And{docstore.Eq{Field: "caseId", Value: first}, docstore.Eq{Field: "action", Value: "absorbed"}})
	require.NoError(t, err)
	require.Equal(t, 1, n, "the history says it once")
}

func TestTwoCasesBothWorkedOnAreMergedSideBySide_R9_R10(t *testing.T) {
	t.Parallel()
	own, other := closable(), closable()
	other.Measures = []Measure{{ID: "o", Owner: "nurse", State: MeasureDone, Changed: t0}}
	other.Decisions = []Decision{{ID: "e", Kind: DecideAcceptRisk, At: t0.Add(-time.Hour)}}
	own.inherit(&other)
	own.Refresh()
	require.Len(t, own.Measures, 3)
	require.Equal(t, "d", own.CurrentDecision().ID, "the newest decision is the one that holds")
	require.Contains(t, slugs(own.Blockers("manager", whoIsWho, false)), BlockEffect, "nobody checked them together")
}
