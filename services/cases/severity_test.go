package cases

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/schemas/topics"
)

func TestWhatAPersonSaysOfTheSeverityStands_R8_R50(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	officer := auth.With(in("bo"), as("officer", auth.Grant{Role: auth.RoleSecurityOfficer}))
	f := finding("bo", "a", t0, topics.SeverityHigh)
	require.NoError(t, s.TakeFinding(in("bo"), f, false))
	stored, err := s.findings.Get(in("bo"), f.ID)
	require.NoError(t, err)
	caseID := stored.Value.CaseID
	severity := func() string {
		doc, err := s.cases.Get(in("bo"), caseID)
		require.NoError(t, err)
		return doc.Value.Severity
	}
	require.Equal(t, topics.SeverityHigh, severity())
	for _, said := range []string{topics.SeverityCritical, topics.SeverityLow} {
		_, err = s.Assess(officer, caseID, Assessment{Severity: said, Reason: "looked at"})
		require.NoError(t, err)
		require.NoError(t, s.TakeFinding(in("bo"), f, false), "the same message again")
		require.Equal(t, said, severity())
		require.NoError(t, s.TakeFinding(in("bo"), finding("bo", "b-"+said, t0.Add(time.Minute), topics.SeverityMedium), false))
		require.Equal(t, said, severity(), "another that is no graver than what was known")
	}

	// As stored by a version that kept neither: its history knows.
	_, err = s.cases.Update(in("bo"), caseID, func(c *Case, _ *docstore.Outbox) error {
		c.SeverityGiven, c.FoundRank = false, nil
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, s.TakeFinding(in("bo"), f, false))
	require.NoError(t, s.TakeFinding(in("bo"), finding("bo", "c", t0.Add(2*time.Minute), topics.SeverityMedium), false))
	require.Equal(t, topics.SeverityLow, severity(), "also of a case stored before (N6)")

	require.NoError(t, s.TakeFinding(in("bo"), finding("bo", "d", t0.Add(3*time.Minute), topics.SeverityCritical), false))
	require.Equal(t, topics.SeverityCritical, severity(), "graver than all they knew of")
}
