package cases

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

// The time kept of an anonymous report is the hour; who is there to take it is
// decided at the moment it came.
func TestAnAnonymousReportIsRoutedByTheMomentItCame_R23b(t *testing.T) {
	t.Parallel()
	unit, manager := fact("bo", topics.KindUnit, "new", topics.Unit{Name: "New", Level: 3, Parent: "health", Manager: "home-manager"}), away("home-manager", "home", "deputy")
	unit.Versions[0].ValidFrom = t0.Add(10 * time.Minute)
	s, c := tempService(t, orgOf(unit, manager))
	c.Move(20 * time.Minute)
	r := report("bo", "1")
	r.SystemID, r.UnitID, r.Anonymous, r.ReporterExclusion = "", "new", true, ""
	require.NoError(t, s.TakeReport(in("bo"), r))
	doc, err := s.cases.Get(in("bo"), ReportCaseID("bo", r.ID))
	require.NoError(t, err)
	require.Equal(t, "deputy", doc.Value.HandlerID, "%v", doc.Value.Routing.Steps)
	require.Equal(t, t0, doc.Value.Created, "the hour only")
}
