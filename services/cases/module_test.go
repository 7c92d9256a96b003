package cases

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/topics"
)

func TestRoutesAreTheContract(t *testing.T) {
	t.Parallel()
	m, err := New(run.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}, Default())
	require.NoError(t, err)
	httpxtest.RoutesMatchContract(t, m.App(), httpxtest.Contract(t, "cases"))
	_, err = m.Service()
	require.Error(t, err, "not before the stores are open")
}

// TestTheManagersJourney_R8_R9_R10_R11_R14 goes from report to closed case.
func TestTheManagersJourney_R8_R9_R10_R11_R14(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := report("bo", "1")
	r.Ongoing = true
	info, err := w.blobs.Put(in("bo"), "reports/a", "image/png", strings.NewReader("picture"), 100)
	require.NoError(t, err)
	r.Attachments = []topics.Attachment{{ID: strings.Repeat("a", 26), Name: "bilde.png", MediaType: "image/png", Size: info.Size, SHA256: info.SHA256, BlobKey: info.Key}}
	caseID := w.reported(r)
	path := "/v1/cases/" + caseID
	manager := w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})

	queue := httpxtest.Decode[casesapi.Queue](t, w.call("GET", "/v1/queue", manager, nil))
	require.Len(t, queue.Items, 1)
	require.Equal(t, casesapi.Section("new"), queue.Items[0].Section)
	require.Equal(t, 1, queue.Counts["new"])
	require.Equal(t, 1, w.audit.Count("case.list", "queue:own"))

	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
	require.Equal(t, 1, w.audit.Count("case.read", "case:"+caseID))
	require.Equal(t, "system-responsible", c.Routing.Sentence.Slug)
	require.Equal(t, "P resp", c.Summary.Handler.Name)
	require.Equal(t, casesapi.CaseNextStep("acknowledge"), c.NextStep)
	require.Equal(t, "closing-blocked", w.call("POST", path+"/close", manager, map[string]any{"summary": "done"}).Slug())

	file := w.call("GET", path+"/attachments/"+strings.Repeat("a", 26), manager, nil)
	require.Equal(t, "picture", string(file.Body))
	require.Contains(t, file.Header.Get("Content-Disposition"), "attachment")

	steps := []struct {
		path string
		body map[string]any
		next string
	}{
		{"/acknowledge", nil, "decide"},
		{"/decisions", map[string]any{"kind": "measures", "reason": "must not happen again", "consequences": []string{"change-control"}}, "add-measures"},
		{"/measures", map[string]any{"kind": "preventive", "text": "lock screens after a minute", "owner": "nurse", "due": t0.AddDate(0, 0, 5)}, "settle-measures"},
	}
	for _, step := range steps {
		var body any
		if step.body != nil {
			body = step.body
		}
		c = httpxtest.Decode[casesapi.Case](t, w.call("POST", path+step.path, manager, body))
		require.Equal(t, casesapi.CaseNextStep(step.next), c.NextStep, step.path)
	}

	nurse := w.token("nurse")
	refused := w.call("POST", path+"/decisions", nurse, map[string]any{"kind": "no-action", "reason": "mine"})
	require.Equal(t, "not-allowed", refused.Slug(), "the owner of a measure who reported it decides nothing (N3)")
	require.Equal(t, 403, refused.Status, "a refusal by who one is")
	settled := httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/measures/"+c.Measures[0].Id+"/settle", nurse, map[string]any{"result": "done"}))
	require.Equal(t, casesapi.State("effect-check"), settled.Summary.State)
	require.Equal(t, "not-allowed", w.call("POST", path+"/effect-check", nurse, map[string]any{"effective": true, "note": "works"}).Slug(), "not by the measure's owner, nor by the reporter")

	c = httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/effect-check", manager, map[string]any{"effective": true, "note": "checked on site"}))
	require.Equal(t, []string{"outcome-missing", "restored-missing"}, slugsOf(c.Blockers))
	w.call("POST", path+"/restored", manager, map[string]any{"at": t0})
	c = httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/close", manager, map[string]any{"summary": "done", "outcome": "Screens lock by themselves now."}))
	require.Equal(t, casesapi.State("closed"), c.Summary.State)
	require.Equal(t, []string{"reopen", "read-evidence"}, only(c.Allowed, "reopen", "close", "decide", "read-evidence"))

	var last topics.CaseChanged
	for _, m := range w.messages(bus.TopicCases, topics.TypeCaseChanged, 8) {
		require.NoError(t, json.Unmarshal(m.Value, &last))
	}
	require.Equal(t, "closed", last.State)
	require.Equal(t, []string{r.ID}, last.ReportIDs)
	require.Equal(t, "Screens lock by themselves now.", last.Outcome)
	require.Equal(t, []string{"lock screens after a minute"}, last.Measures)

	history := httpxtest.Decode[casesapi.HistoryList](t, w.call("GET", path+"/history", manager, nil))
	var actions []string
	for _, e := range history.Items {
		actions = append(actions, e.Action)
	}
	require.Equal(t, []string{"created", "routed", "acknowledged", "decided", "measure-added", "measure-settled", "effect-checked", "restored", "closed"}, actions)
	require.Len(t, w.messages(bus.TopicAudit, topics.TypeAuditRecord, 9), 9, "each change is in the audit log")
	require.NotContains(t, w.log.String(), "nurse")
}

func slugsOf(list []commonapi.Reason) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Slug)
	}
	return out
}

func only(list []string, words ...string) []string {
	var out []string
	for _, w := range words {
		for _, l := range list {
			if l == w {
				out = append(out, l)
			}
		}
	}
	return out
}

func TestRawLinesAreForThoseWhoMay_R41(t *testing.T) {
	t.Parallel()
	w := start(t)
	caseID := w.found(finding("bo", "a", t0, topics.SeverityHigh))
	path := "/v1/cases/" + caseID
	superuser := w.token("super", auth.Grant{Role: auth.RoleSuperuser, Unit: "home"})
	manager := w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})

	hidden := w.call("GET", path+"/evidence", superuser, nil)
	list := httpxtest.Decode[casesapi.EvidenceList](t, hidden)
	require.False(t, list.Raw)
	require.NotEmpty(t, list.Items[0].Evidence.Sha256)
	require.NotContains(t, string(hidden.Body), "line a")
	require.NotContains(t, string(hidden.Body), "vendor-account")
	require.NotContains(t, string(w.call("GET", path, superuser, nil).Body), "vendor-person")
	require.Zero(t, w.audit.Count("evidence.read", "case:"+caseID))

	list = httpxtest.Decode[casesapi.EvidenceList](t, w.call("GET", path+"/evidence", manager, nil))
	require.True(t, list.Raw)
	require.Equal(t, "line a", list.Items[0].Evidence.Original)
	require.Equal(t, 1, w.audit.Count("evidence.read", "case:"+caseID))

	w.audit.Fail(true)
	for _, p := range []string{path, path + "/evidence", path + "/history", path + "/messages", path + "/candidates", "/v1/queue"} {
		require.GreaterOrEqual(t, w.call("GET", p, manager, nil).Status, 500, "%s: what cannot be recorded is not shown", p)
	}
}

func TestPinningAnEventKeepsItAsEvidence(t *testing.T) {
	t.Parallel()
	w := start(t)
	caseID := w.found(finding("bo", "a", t0, topics.SeverityHigh))
	path := "/v1/cases/" + caseID + "/evidence"
	officer := w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer})
	pin := map[string]any{"eventId": "event-9", "note": "seen", "search": map[string]any{"query": "host.name: a", "from": t0}}
	for range 2 {
		e := httpxtest.Decode[casesapi.CaseEvidence](t, w.call("POST", path, officer, pin))
		require.Equal(t, "a raw line", e.Evidence.Original)
		require.NotEqual(t, "theirs", e.Evidence.Sha256, "the hash is of what is kept")
		require.Equal(t, "host.name: a", e.Search.Query)
	}
	require.Contains(t, w.calls[0], "for bo")
	list := httpxtest.Decode[casesapi.EvidenceList](t, w.call("GET", path, officer, nil))
	require.Len(t, list.Items, 2)
	require.Equal(t, "not-allowed", w.call("POST", path, w.token("resp"), pin).Slug(), "without a role that may pin")
	history := string(w.call("GET", "/v1/cases/"+caseID+"/history", officer, nil).Body)
	require.Equal(t, 1, strings.Count(history, "evidence-pinned"))
}

func TestWhoSeesACase_R21_R23_N1(t *testing.T) {
	t.Parallel()
	w := start(t)
	plain := w.reported(report("bo", "1"))
	past := report("bo", "2")
	past.PassLine, past.SystemID, past.UnitID = true, "", "home"
	about := w.reported(past)
	tests := []struct {
		who    string
		grant  auth.Grant
		unit   []string
		sees   bool
		passes bool // sees the one about the manager
		writes bool
	}{
		{"resp", auth.Grant{Role: auth.RoleEmployee}, nil, true, false, true},
		{"nobody", auth.Grant{Role: auth.RoleEmployee}, nil, false, false, false},
		{"home-manager", auth.Grant{Role: auth.RoleResponsible, Unit: "home"}, nil, true, false, true},
		{"health-manager", auth.Grant{Role: auth.RoleResponsible, Unit: "health", Reach: []string{"home", "night"}}, nil, true, false, true},
		{"other-manager", auth.Grant{Role: auth.RoleResponsible, Unit: "school"}, nil, false, false, false},
		{"officer", auth.Grant{Role: auth.RoleSecurityOfficer}, nil, true, true, true},
		{"auditor", auth.Grant{Role: auth.RoleAuditor}, nil, true, true, false},
		{"owner", auth.Grant{Role: auth.RoleSystemOwner}, nil, false, false, false},
		{"coordinator", auth.Grant{Role: auth.RoleRegionalCoordinator}, nil, false, false, false},
	}
	for _, test := range tests {
		token := w.token(test.who, test.grant)
		status := func(caseID string) int { return w.call("GET", "/v1/cases/"+caseID, token, nil).Status }
		require.Equal(t, map[bool]int{true: 200, false: 404}[test.sees], status(plain), "%s: the case", test.who)
		require.Equal(t, map[bool]int{true: 200, false: 404}[test.passes], status(about), "%s: the one about the manager", test.who)
		n := len(httpxtest.Decode[casesapi.CaseList](t, w.call("POST", "/v1/cases/search", token, map[string]any{})).Items)
		want := 0
		for _, b := range []bool{test.sees, test.passes} {
			if b {
				want++
			}
		}
		require.Equal(t, want, n, "%s: the list", test.who)
		wrote := w.call("POST", "/v1/cases/"+plain+"/restored", token, map[string]any{"at": t0}).Status
		require.Equal(t, test.writes, wrote == 200, "%s wrote: %d", test.who, wrote)
	}
	admin := authtest.Token(t, "cases", authtest.Person("bo", auth.RoleAdministrator))
	require.Equal(t, 403, w.call("GET", "/v1/cases/"+plain, admin, nil).Status, "the administrator sees no case content")
	foreign := w.tokenOf("lia", "officer", auth.Grant{Role: auth.RoleSecurityOfficer})
	require.Equal(t, 404, w.call("GET", "/v1/cases/"+plain, foreign, nil).Status, "another municipality's officer")
	require.Empty(t, httpxtest.Decode[casesapi.CaseList](t, w.call("POST", "/v1/cases/search", foreign, map[string]any{})).Items)
}

func TestEveryRouteHoldsThePolicy(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := report("bo", "1")
	r.Summary = "MARKED-SUMMARY"
	path := "/v1/cases/" + w.reported(r)
	issue := func(tid string) func(auth.Role) string {
		return func(role auth.Role) string {
			return authtest.Token(t, "cases", auth.Principal{Subject: "person-" + string(role), Tenant: tenant.ID(tid), Session: "s", Grants: []auth.Grant{{Role: role}}})
		}
	}
	var samples []httpxtest.MatrixOption
	for op, suffix := range map[string]string{
		"getCase": "", "listHistory": "/history", "listCandidates": "/candidates", "acknowledgeCase": "/acknowledge", "listMessages": "/messages", "listEvidence": "/evidence",
	} {
		samples = append(samples, httpxtest.WithSample(op, httpxtest.Sample{Path: path + suffix}))
	}
	samples = append(samples,
		httpxtest.WithSample("closeCase", httpxtest.Sample{Path: path + "/close", Body: map[string]any{"summary": "mine now"}}),
		httpxtest.WithSample("decideCase", httpxtest.Sample{Path: path + "/decisions", Body: map[string]any{"kind": "no-action", "reason": "mine now"}}),
		httpxtest.WithSample("searchCases", httpxtest.Sample{Path: "/v1/cases/search", Body: map[string]any{"text": "marked"}}),
		httpxtest.WithForeign(issue("lia"), "MARKED-SUMMARY"))
	httpxtest.RoleMatrix(t, w.m.App(), httpxtest.Contract(t, "cases"), issue("bo"), samples...)
}

func TestAnotherPartAsksWhereACaseBelongs(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := "/v1/internal/cases/" + w.reported(report("bo", "1"))
	token := authtest.Token(t, "cases", authtest.Service("search"))
	access := httpxtest.Decode[casesapi.CaseAccess](t, httpxtest.Call(t, w.m.App(), "GET", path, token, nil, "Varde-Tenant", "bo"))
	require.True(t, access.Open)
	require.Equal(t, "home", access.Unit)
	require.Equal(t, []string{"resp"}, access.Owners)
	require.Equal(t, 404, httpxtest.Call(t, w.m.App(), "GET", path, token, nil, "Varde-Tenant", "lia").Status)
	require.Equal(t, 403, w.call("GET", path, w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer}), nil).Status)
}

func TestTheQueueIsSortedByWhatIsDueAndPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	severity := []string{topics.SeverityLow, topics.SeverityCritical, topics.SeverityMedium, topics.SeverityHigh, topics.SeverityLow}
	for i, s := range severity {
		r := report("bo", fmt.Sprint(i))
		r.Severity = s
		w.reported(r)
	}
	s, err := w.m.Service()
	require.NoError(t, err)
	overdue := ReportCaseID("bo", report("bo", "2").ID)
	_, err = s.change(in("bo"), overdue, systemActor, func(c *Case, ch *change) error {
		c.AcknowledgedAt, c.Decisions = t0, []Decision{{At: t0}}
		c.Measures = []Measure{{ID: "m", Owner: "resp", State: MeasureOpen, Due: t0.Add(-time.Hour)}}
		ch.did("test", "")
		return nil
	})
	require.NoError(t, err)
	manager := w.token("resp")
	var got []string
	after := ""
	for {
		q := httpxtest.Decode[casesapi.Queue](t, w.call("GET", "/v1/queue?limit=2"+after, manager, nil))
		require.LessOrEqual(t, len(q.Items), 2)
		for _, item := range q.Items {
			got = append(got, string(item.Section)+" "+string(item.Severity))
		}
		require.Equal(t, 4, q.Counts["new"])
		require.Equal(t, 1, q.Counts["overdue"])
		if q.Next == "" {
			break
		}
		after = "&after=" + q.Next
	}
	require.Equal(t, []string{"new critical", "new high", "new low", "new low", "overdue medium"}, got)
	require.Len(t, httpxtest.Decode[casesapi.Queue](t, w.call("GET", "/v1/queue?section=overdue", manager, nil)).Items, 1)
	require.Equal(t, 400, w.call("GET", "/v1/queue?section=sometime", manager, nil).Status)
	require.Equal(t, 400, w.call("GET", "/v1/queue?after=x~y", manager, nil).Status)
}

func TestSearchFindsWordsAndNumbers(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.reported(report("bo", "1"))
	officer := w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer})
	for text, want := range map[string]int{"": 1, "unlocked": 1, "UNLOCK hallway": 1, "bj-2026-0001": 1, "bj-2026": 1, "windmill": 0, "%": 1} {
		require.Len(t, httpxtest.Decode[casesapi.CaseList](t, w.call("POST", "/v1/cases/search", officer, map[string]any{"text": text})).Items, want, text)
	}
	for _, filter := range []map[string]any{{"states": []string{"closed"}}, {"sources": []string{"finding"}}, {"handlerId": "chief"}, {"from": t0.AddDate(1, 0, 0)}} {
		require.Empty(t, httpxtest.Decode[casesapi.CaseList](t, w.call("POST", "/v1/cases/search", officer, filter)).Items)
	}
	require.Equal(t, 400, w.call("POST", "/v1/cases/search", officer, map[string]any{"stat": 1}).Status)
}

func TestTheDialogueGoesBothWays_R14(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := report("bo", "1")
	path := "/v1/cases/" + w.reported(r)
	manager := w.token("resp")
	question := map[string]any{"messageId": strings.Repeat("q", 22), "text": "Which floor?", "question": true}
	for range 2 {
		require.Equal(t, 201, w.call("POST", path+"/messages", manager, question).Status)
	}
	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
	require.Equal(t, casesapi.Section("waiting"), c.Summary.Section)
	sent := w.messages(bus.TopicCases, topics.TypeCaseMessage, 1)
	require.Len(t, sent, 1)
	var m topics.CaseMessage
	require.NoError(t, json.Unmarshal(sent[0].Value, &m))
	require.Equal(t, r.ID, m.ReportID)
	require.NotContains(t, string(sent[0].Value), "resp", "the reporter is not told who writes")

	w.publish(bus.TopicReports, topics.TypeReportMessage, "bo", "answer", topics.ReportMessage{ID: "answer", ReportID: r.ID, Tenant: "bo", Text: "Second", Sent: t0, Kind: "measure-proposal"})
	await.True(t, func() bool {
		return len(httpxtest.Decode[casesapi.MessageList](t, w.call("GET", path+"/messages", manager, nil)).Items) == 2
	})
	list := httpxtest.Decode[casesapi.MessageList](t, w.call("GET", path+"/messages", manager, nil))
	require.Equal(t, casesapi.MessageKind("measure-proposal"), list.Items[1].Kind)
	require.Empty(t, list.Items[1].By.Id)
}

func TestDecisionsOnAVendorsLogin(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := "/v1/cases/" + w.found(finding("bo", "a", t0.Add(-time.Hour), topics.SeverityHigh))
	manager := w.token("resp")
	c := httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/decisions", manager, map[string]any{"kind": "approve-afterwards", "reason": "agreed by telephone"}))
	require.False(t, c.Decisions[0].Late)
	w.clock.Move(24 * time.Hour)
	c = httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/decisions", manager, map[string]any{"kind": "approve-afterwards", "reason": "again"}))
	require.True(t, c.Decisions[1].Late, "the limit runs from the first logon")
	own := w.call("POST", path+"/decisions", w.token("vendor-person", auth.Grant{Role: auth.RoleSecurityOfficer}), map[string]any{"kind": "misuse", "reason": "not me"})
	require.Equal(t, "involved", own.Slug(), "who acted decides nothing, whatever the role (trap 1)")

	reported := "/v1/cases/" + w.reported(report("bo", "1"))
	require.Equal(t, "decision-not-for-this", w.call("POST", reported+"/decisions", manager, map[string]any{"kind": "approve-afterwards", "reason": "no way"}).Slug())
}

func TestNothingTellsTheHandlerWhoReported_N3(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := report("bo", "1") // by the nurse
	path := "/v1/cases/" + w.reported(r)
	manager := w.token("resp")
	due := t0.AddDate(0, 0, 5)
	people := httpxtest.Decode[casesapi.PersonList](t, w.call("GET", path+"/candidates", manager, nil))
	var ids []string
	for _, p := range people.Items {
		ids = append(ids, p.Id)
	}
	require.Contains(t, ids, "nurse", "a gap in the list would tell")
	require.Equal(t, 1, w.audit.Count("directory.read", "candidates:"+path[len("/v1/cases/"):]), "who read the names (R41)")
	for _, person := range []string{"nurse", "deputy"} {
		require.Equal(t, 200, w.call("POST", path+"/measures", manager, map[string]any{"kind": "corrective", "text": "do it", "owner": person, "due": due}).Status)
		require.Equal(t, 200, w.call("POST", path+"/assign", manager, map[string]any{"person": person}).Status)
		back := w.token("home-manager", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})
		require.Equal(t, 200, w.call("POST", path+"/assign", back, map[string]any{"person": "resp"}).Status)
	}
	require.Equal(t, "no-such-person", w.call("POST", path+"/assign", manager, map[string]any{"person": "vendor-person"}).Slug(), "never to a vendor")
	body := string(w.call("GET", path, manager, nil).Body)
	require.NotContains(t, body, r.ReporterExclusion)
	require.NotContains(t, body, "pseudonym")
}

func TestAClosedCaseOpensAgainWithANewFinding(t *testing.T) {
	t.Parallel()
	w := start(t)
	f := finding("bo", "a", t0, topics.SeverityLow)
	caseID := w.found(f)
	path := "/v1/cases/" + caseID
	manager := w.token("resp")
	w.call("POST", path+"/decisions", manager, map[string]any{"kind": "accept-risk", "reason": "known work"})
	w.call("POST", path+"/no-measures", manager, map[string]any{"reason": "nothing to change"})
	require.Equal(t, 200, w.call("POST", path+"/effect-check", manager, map[string]any{"effective": true, "note": "looked"}).Status)
	require.Equal(t, 200, w.call("POST", path+"/close", manager, map[string]any{"summary": "known work"}).Status)
	w.clock.Move(time.Minute)
	require.Equal(t, caseID, w.found(finding("bo", "b", t0.Add(10*time.Minute), topics.SeverityLow)), "inside the quiet period it is the same incident")
	await.True(t, func() bool {
		c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
		return c.Summary.State == "reopened" && len(c.Findings) == 2
	})
	later := w.found(finding("bo", "c", t0.Add(3*time.Hour), topics.SeverityLow))
	require.NotEqual(t, caseID, later)
	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", "/v1/cases/"+later, manager, nil))
	require.Equal(t, []casesapi.Link{{CaseId: caseID, Kind: "earlier", Number: "BJ-2026-0001"}}, c.Links)
}

func TestUnreadableMessagesAreLeftAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i, value := range []string{"", "{", `{"tenant":"lia","id":"x"}`, `{"tenant":"bo"}`, `[]`, `{"tenant":"bo","id":"x","severity":7}`} {
		require.NoError(t, w.bus.Publish(t.Context(), bus.TopicReports, bus.Message{Tenant: "bo", Key: "k", ID: fmt.Sprint(i), Type: topics.TypeReport, Version: 1, Value: []byte(value)}))
	}
	w.reported(report("bo", "1"))
	s, err := w.m.Service()
	require.NoError(t, err)
	n, err := s.cases.Count(in("bo"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
