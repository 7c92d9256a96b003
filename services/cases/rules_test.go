package cases

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/schemas/topics"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// closable is a case that nothing blocks: each test takes one thing away.
func closable() Case {
	c := Case{
		Source: SourceReport, HandlerID: "manager", PersonalData: PersonalDataNo, Outcome: "told",
		Report:         &Report{ID: "r", Exclusion: "x-reporter"},
		AcknowledgedAt: t0, Subjects: []string{"actor"},
		Decisions: []Decision{{ID: "d", Kind: DecideMeasures, At: t0}},
		Measures:  []Measure{{ID: "m", Owner: "owner", State: MeasureDone, Changed: t0}, {ID: "n", Owner: "owner", State: MeasureMoved, Reason: "elsewhere", Changed: t0}},
		Effect:    &EffectCheck{Effective: true, By: "checker", At: t0.Add(time.Hour)},
		Deadlines: []Deadline{},
	}
	c.SetSeverity(topics.SeverityMedium)
	c.Refresh()
	return c
}

var whoIsWho = Involved{Exclusion: func(person string) string { return "x-" + person }}

func slugs(reasons []topics.Reason) []string {
	list := []string{}
	for _, r := range reasons {
		list = append(list, r.Slug)
	}
	return list
}

func TestClosingIsBlockedByEachThingThatIsMissing_R8_R9_R10_R11_N3(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(c *Case)
		closer  string
		outcome bool
		want    []string
	}{
		"nothing missing":                       {func(*Case) {}, "manager", false, []string{}},
		"no decision":                           {func(c *Case) { c.Decisions = nil }, "manager", false, []string{BlockDecision}},
		"decision from before it was reopened":  {func(c *Case) { c.ReopenedAt = t0.Add(time.Minute) }, "manager", false, []string{BlockDecision}},
		"no measures and no reason":             {func(c *Case) { c.Measures = nil }, "manager", false, []string{BlockMeasures}},
		"no measures with a reason":             {func(c *Case) { c.Measures, c.NoMeasures = nil, "none needed" }, "manager", false, []string{}},
		"a measure still open":                  {func(c *Case) { c.Measures[0].State = MeasureOpen }, "manager", false, []string{BlockMeasureOpen}},
		"no effect check":                       {func(c *Case) { c.Effect = nil }, "manager", false, []string{BlockEffect}},
		"effect checked before the last change": {func(c *Case) { c.Measures[1].Changed = t0.Add(2 * time.Hour) }, "manager", false, []string{BlockEffect}},
		"effect checked and found wanting":      {func(c *Case) { c.Effect.Effective = false }, "manager", false, []string{BlockEffectFailed}},
		"effect checked by a measure's owner":   {func(c *Case) { c.Effect.By = "owner" }, "manager", false, []string{BlockEffectOwner}},
		"effect checked by one who acted":       {func(c *Case) { c.Effect.By = "actor" }, "manager", false, []string{BlockEffectInvolved}},
		"reporter not told":                     {func(c *Case) { c.Outcome = "" }, "manager", false, []string{BlockOutcome}},
		"reporter told with the closing":        {func(c *Case) { c.Outcome = "" }, "manager", true, []string{}},
		"a finding needs no outcome":            {func(c *Case) { c.Outcome, c.Report = "", nil }, "manager", false, []string{}},
		"went on and not restored":              {func(c *Case) { c.Report.Ongoing = true }, "manager", false, []string{BlockRestored}},
		"went on and restored":                  {func(c *Case) { c.Report.Ongoing, c.RestoredAt = true, t0 }, "manager", false, []string{}},
		"personal data and nobody notified": {func(c *Case) {
			c.PersonalData = PersonalDataYes
			c.startGDPR(DefaultSettings(), t0)
		}, "manager", false, []string{BlockNotification}},
		"personal data and notified": {func(c *Case) {
			c.PersonalData = PersonalDataYes
			c.startGDPR(DefaultSettings(), t0)
			c.meet(RegimeGDPR, t0)
		}, "manager", false, []string{}},
		"closed by the reporter":    {func(*Case) {}, "reporter", false, []string{BlockInvolved}},
		"closed by one who acted":   {func(*Case) {}, "actor", false, []string{BlockInvolved}},
		"closed by one named later": {func(c *Case) { c.Named = []string{"manager"} }, "manager", false, []string{BlockInvolved}},
		"closed by who decided":     {func(c *Case) { c.Decisions[0].By = "manager" }, "manager", false, []string{}},
		"everything missing": {func(c *Case) { c.Decisions, c.Measures, c.Effect, c.Outcome = nil, nil, nil, "" }, "actor", false,
			[]string{BlockDecision, BlockMeasures, BlockEffect, BlockOutcome, BlockInvolved}},
		"closed already": {func(c *Case) { c.Closed = &Closed{} }, "manager", false, []string{BlockNotOpen}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := closable()
			test.change(&c)
			c.Refresh()
			require.Equal(t, test.want, slugs(c.Blockers(test.closer, whoIsWho, test.outcome)))
		})
	}
}

func TestAClockOfTheLawIsNotEndedByRejecting_R10(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	officer := auth.With(in("bo"), as("officer", auth.Grant{Role: auth.RoleSecurityOfficer}))
	reject := func(caseID string) error {
		_, err := s.Reject(officer, caseID, "no deviation")
		return err
	}
	for name, a := range map[string]Assessment{"gdpr": {PersonalData: PersonalDataYes}, "digital-security": {DigitalSecurity: "covered"}} {
		r := report("bo", name)
		require.NoError(t, s.TakeReport(in("bo"), r))
		caseID := ReportCaseID("bo", r.ID)
		v, err := s.Assess(officer, caseID, a)
		require.NoError(t, err)
		require.NotContains(t, v.Allowed, "reject", name)
		require.ErrorIs(t, reject(caseID), ErrBlocked, name)
		_, err = s.MeetDeadline(officer, caseID, name, "not-required", "a false alarm", time.Time{})
		require.NoError(t, err)
		require.NoError(t, reject(caseID), name)
	}
	r := report("bo", "ruled out")
	require.NoError(t, s.TakeReport(in("bo"), r))
	for _, data := range []string{PersonalDataYes, PersonalDataNo} {
		_, err := s.Assess(officer, ReportCaseID("bo", r.ID), Assessment{PersonalData: data})
		require.NoError(t, err)
	}
	require.NoError(t, reject(ReportCaseID("bo", r.ID)), "no personal data after all")
}

func TestStateFollowsFromWhatWasDone(t *testing.T) {
	t.Parallel()
	c := Case{Deadlines: []Deadline{}, Severity: topics.SeverityLow}
	step := func(want State, next string, do func()) {
		t.Helper()
		do()
		c.Refresh()
		require.Equal(t, want, c.State)
		require.Equal(t, next, c.NextStep())
	}
	step(StateReceived, StepAcknowledge, func() {})
	step(StateAssigned, StepAcknowledge, func() { c.HandlerID = "manager" })
	step(StateInProgress, StepDecide, func() { c.AcknowledgedAt = t0 })
	step(StateMeasures, StepAddMeasures, func() { c.Decisions = append(c.Decisions, Decision{At: t0}) })
	step(StateMeasures, StepSettle, func() { c.Measures = []Measure{{ID: "m", Owner: "o", State: MeasureOpen, Changed: t0}} })
	step(StateEffectCheck, StepCheckEffect, func() { c.Measures[0].State = MeasureDone })
	step(StateMeasures, StepAddMeasures, func() { c.Effect = &EffectCheck{By: "x", At: t0.Add(time.Hour)} })
	step(StateEffectCheck, StepClose, func() { c.Effect = &EffectCheck{By: "x", At: t0.Add(time.Hour), Effective: true} })
	step(StateClosed, StepNone, func() { c.Closed = &Closed{} })
	step(StateReopened, StepAcknowledge, func() { c.reopen(DefaultSettings(), t0.Add(2*time.Hour)) })
	step(StateInProgress, StepDecide, func() { c.AcknowledgedAt = t0.Add(3 * time.Hour) })
	step(StateRejected, StepNone, func() { c.RejectedAt = t0.Add(4 * time.Hour) })
	step(StateMerged, StepNone, func() { c.MergedInto = "other" })
	require.False(t, c.Open)
}

func TestDeadlinesRunPerRegime(t *testing.T) {
	t.Parallel()
	s := DefaultSettings()
	c := Case{PersonalData: PersonalDataPossible, Family: topics.FamilyVendorAccess, First: t0.Add(-48 * time.Hour), HandlerID: "m", Deadlines: []Deadline{}}
	c.SetSeverity(topics.SeverityLow)
	c.startDeadlines(s, t0)
	c.startEmergency(s)
	c.Refresh()

	gdpr, ok := c.Deadline(RegimeGDPR)
	require.True(t, ok)
	require.Equal(t, t0.Add(72*time.Hour), gdpr.DueAt, "GDPR Art. 33 counts from awareness")
	emergency, _ := c.Deadline(RegimeEmergency)
	require.Equal(t, t0.Add(-24*time.Hour), emergency.DueAt, "24 h from the first logon, not from the case")
	require.Equal(t, SectionNew, c.Section(t0), "a lost chance to approve makes nothing overdue")
	require.Equal(t, RegimeAcknowledge, c.DueFor)

	c.SetSeverity(topics.SeverityCritical)
	c.tighten(s)
	require.Equal(t, t0.Add(time.Hour), c.EscalatesAt, "a graver case escalates sooner")
	c.Refresh()
	require.Equal(t, SectionOverdue, c.Section(t0.Add(2*time.Hour)))

	c.PersonalData = PersonalDataNo
	c.startGDPR(s, t0)
	_, ok = c.Deadline(RegimeGDPR)
	require.False(t, ok, "ruled out: the clock goes away")

	c.PersonalData = PersonalDataYes
	c.startGDPR(s, t0.Add(-time.Hour))
	c.meet(RegimeGDPR, t0.Add(80*time.Hour))
	gdpr, _ = c.Deadline(RegimeGDPR)
	require.True(t, gdpr.Overdue(t0.Add(100*time.Hour)), "notified, but late")
}

func TestWhomTheCaseWaitsFor(t *testing.T) {
	t.Parallel()
	c := closable()
	c.Measures[0].State = MeasureOpen
	c.Refresh()
	require.Equal(t, WaitMeasureOwner, c.WaitingFor)
	c.Asked = true
	c.Refresh()
	require.Equal(t, WaitReporter, c.WaitingFor)
	c.Asked, c.Measures[0].State, c.Effect, c.EffectChecker = false, MeasureDone, nil, "checker"
	c.Refresh()
	require.Equal(t, WaitEffectChecker, c.WaitingFor)
	require.Equal(t, []string{"checker", "manager", "owner"}, c.Owners)
	c.PassLine, c.UnitID = true, "unit"
	c.Refresh()
	require.Empty(t, c.ReachUnit, "about the manager: the line of command does not reach it (N1)")
}

func TestANumberIsGivenOnceAndKept(t *testing.T) {
	t.Parallel()
	var c Counter
	require.Equal(t, 1, c.Next("a"))
	require.Equal(t, 2, c.Next("b"))
	require.Equal(t, 1, c.Next("a"), "created again after a crash")
	require.Equal(t, 3, c.Next("c"))
}
