package deviation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/schemas/topics"
)

func TestRoutesAreTheContract(t *testing.T) {
	t.Parallel()
	m, err := New(run.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}, Default())
	require.NoError(t, err)
	contract := httpxtest.Contract(t, "deviation")
	httpxtest.RoutesMatchContract(t, m.App(), contract)
	for _, op := range contract.Operations() {
		if strings.HasPrefix(op.Path, "/v1/public/") {
			require.True(t, op.Anonymous, "%s leaves no log, trace or request id", op.ID)
		}
	}
}

func TestAReportSentTwiceExistsOnce_R1(t *testing.T) {
	t.Parallel()
	w := start(t)
	var first deviationapi.Receipt
	var senders sync.WaitGroup
	receipts := make([]deviationapi.Receipt, 4)
	for i := range receipts {
		senders.Go(func() {
			receipts[i] = httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", submission("a")))
		})
	}
	senders.Wait()
	first = receipts[0]
	for _, r := range receipts {
		require.Equal(t, first, r, "the same receipt")
	}
	require.Equal(t, "submission-differs", w.call("POST", "/v1/public/reports", "", submission("a", "where", "elsewhere")).Slug())
	sent := w.topic(bus.TopicReports, 1)
	require.Len(t, sent, 1)
	var r topics.Report
	require.NoError(t, json.Unmarshal(sent[0].Value, &r))
	require.Equal(t, first.ReportId, r.ID)
	require.Equal(t, topics.SeverityLow, r.Severity)
	require.True(t, r.Anonymous)
	require.Empty(t, r.ReporterExclusion)
	require.Equal(t, t0.Truncate(time.Hour), r.Submitted, "the hour only")
	require.Equal(t, t0.Truncate(time.Hour), sent[0].Time.UTC(), "on the topic too")
	require.Equal(t, t0.Truncate(time.Hour), first.Submitted.UTC())
	record := w.topic(bus.TopicAudit, 1)[0]
	require.Equal(t, t0.Truncate(time.Hour), record.Time.UTC(), "and of the record of it")
}

func TestFormsOfferTheMunicipalitysPlaces(t *testing.T) {
	t.Parallel()
	w := start(t)
	list := httpxtest.Decode[deviationapi.TenantList](t, w.call("GET", "/v1/public/tenants", "", nil))
	require.Equal(t, []deviationapi.TenantChoice{{Name: "BO", Tenant: "bo"}, {Name: "LIA", Tenant: "lia"}}, list.Items)
	forms := httpxtest.Decode[deviationapi.FormList](t, w.call("GET", "/v1/public/tenants/bo/forms", "", nil))
	require.Len(t, forms.Items, 1)
	require.Equal(t, "Meld avvik", forms.Items[0].Texts["nb"][forms.Items[0].Title])
	form := httpxtest.Decode[deviationapi.Form](t, w.call("GET", "/v1/public/tenants/bo/forms/general", "", nil))
	require.Equal(t, "EHR", form.Systems[0].Name)
	require.Equal(t, "Home care", form.Units[0].Name)
	require.Equal(t, "about", form.Steps[0].Id)
	for path, slug := range map[string]string{"/v1/public/tenants/nowhere/forms": "tenant-not-found", "/v1/public/tenants/bo/forms/none": "form-not-found"} {
		require.Equal(t, slug, w.call("GET", path, "", nil).Slug())
	}
}

func TestWhatIsWrongWithAReportIsNamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, test := range map[string]struct {
		body          map[string]any
		status        int
		slug, pointer string
	}{
		"an unknown municipality":     {map[string]any{"tenant": "nowhere"}, 404, "tenant-not-found", ""},
		"no municipality":             {map[string]any{"tenant": nil}, 400, "invalid-input", "/tenant"},
		"a version that is not there": {map[string]any{"formVersion": 9}, 404, "form-not-found", ""},
		"a guessable id":              {map[string]any{"submissionId": "1"}, 400, "invalid-input", "/submissionId"},
		"a system of nobody":          {map[string]any{"answers": calm("systemId", "other")}, 400, "invalid-input", "/answers/systemId"},
		"a missing answer":            {map[string]any{"answers": calm("whatHappened", "")}, 400, "invalid-input", "/answers/whatHappened"},
		"in the future":               {map[string]any{"answers": calm("occurredAt", "2031-01-01T10:00:00Z")}, 400, "invalid-input", "/answers/occurredAt"},
		"a draft that is not there":   {map[string]any{"draft": strings.Repeat("d", 30)}, 404, "draft-not-found", ""},
		"an unknown field":            {map[string]any{"severity": "low"}, 400, "invalid-input", "/severity"},
	} {
		body := submission("w")
		for k, v := range test.body {
			if body[k] = v; v == nil {
				delete(body, k)
			}
		}
		r := w.call("POST", "/v1/public/reports", "", body)
		require.Equal(t, test.status, r.Status, "%s: %s", name, r.Body)
		require.Equal(t, test.slug, r.Slug(), name)
		if test.pointer != "" {
			require.Equal(t, test.pointer, r.Problem(t).Errors[0].Pointer, name)
		}
	}
	n, err := w.s.reports.Count(tenant.With(t.Context(), "bo"), nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestTheReporterFollowsUpByCode_R14(t *testing.T) {
	t.Parallel()
	w := start(t)
	receipt := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", submission("a")))
	code := map[string]any{"tenant": "bo", "code": strings.ToLower(receipt.Code)}
	follow := func() deviationapi.FollowUp {
		return httpxtest.Decode[deviationapi.FollowUp](t, w.call("POST", "/v1/public/follow-up", "", code))
	}
	require.Equal(t, deviationapi.ReportState("sent"), follow().State)

	caseID := id.New()
	w.publish(topics.TypeCaseChanged, "bo", topics.CaseChanged{CaseID: caseID, Number: "BJ-2026-0001", Tenant: "bo", ReportIDs: []string{receipt.ReportId}, State: "in-progress", Changed: t0.Add(time.Hour)})
	question := topics.CaseMessage{ID: id.New(), CaseID: caseID, ReportID: receipt.ReportId, Tenant: "bo", Text: "Which floor?", Question: true, Sent: t0.Add(time.Hour)}
	for range 2 {
		w.publish(topics.TypeCaseMessage, "bo", question)
	}
	w.publish(topics.TypeCaseMessage, "lia", topics.CaseMessage{ID: id.New(), ReportID: receipt.ReportId, Tenant: "lia", Text: "from elsewhere"})
	await.True(t, func() bool { return follow().Unanswered })
	require.Equal(t, "BJ-2026-0001", follow().CaseNumber)

	answer := map[string]any{"tenant": "bo", "code": receipt.Code, "messageId": strings.Repeat("m", 22), "text": "The second", "kind": "measure-proposal"}
	for range 2 {
		require.Equal(t, 201, w.call("POST", "/v1/public/follow-up/messages", "", answer).Status)
	}
	v := follow()
	require.False(t, v.Unanswered)
	require.Len(t, v.Messages, 2)
	require.Equal(t, "Which floor?", v.Messages[0].Text)
	require.Equal(t, deviationapi.MessageKind("measure-proposal"), v.Messages[1].Kind)
	require.Equal(t, t0.Truncate(time.Hour), v.Messages[1].Sent.UTC(), "the hour only")
	require.Len(t, w.topic(bus.TopicReports, 2), 2)

	w.publish(topics.TypeCaseChanged, "bo", topics.CaseChanged{CaseID: caseID, Number: "BJ-2026-0001", Tenant: "bo", ReportIDs: []string{receipt.ReportId}, State: "closed", Outcome: "Screens lock.", Measures: []string{"lock"}, Changed: t0.Add(3 * time.Hour)})
	w.publish(topics.TypeCaseChanged, "bo", topics.CaseChanged{CaseID: caseID, Number: "BJ-2026-0001", Tenant: "bo", ReportIDs: []string{receipt.ReportId}, State: "assigned", Changed: t0.Add(2 * time.Hour)})
	w.publish(topics.TypeCaseMessage, "bo", topics.CaseMessage{ID: id.New(), ReportID: receipt.ReportId, Tenant: "bo", Text: "last", Sent: t0})
	await.True(t, func() bool { return len(follow().Messages) == 3 })
	v = follow()
	require.Equal(t, deviationapi.ReportState("closed"), v.State, "an older message does not take it back")
	require.Equal(t, "Screens lock.", v.Outcome)
	require.Equal(t, []string{"lock"}, v.Measures)
	w.audit.Fail(true)
	require.GreaterOrEqual(t, w.call("POST", "/v1/public/follow-up", "", code).Status, 500)
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", submission("b")).Status, "reporting goes on while the audit service is away")
}

func TestCodesCannotBeTriedOut_N7(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.MissesBurst = 3 })
	receipt := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", submission("a")))
	try := func(tid, code string) string {
		return w.call("POST", "/v1/public/follow-up", "", map[string]any{"tenant": tid, "code": code}).Slug()
	}
	for range 3 {
		require.Equal(t, "report-not-found", try("bo", "00000-00000-00000-00000"))
	}
	require.Equal(t, "too-many-tries", try("bo", "00000-00000-00000-00000"))
	require.Empty(t, try("bo", receipt.Code), "a right code is answered all the same")
	require.Equal(t, "too-many-tries", try("lia", receipt.Code), "and only at its own municipality")
	w.clock.Move(time.Minute)
	require.Equal(t, "report-not-found", try("lia", receipt.Code))
}

// The open form is no list of what there is to attack: it names no system of
// the secured zone, and none that the register keeps back. Who is signed in is
// shown all of their own municipality's.
func TestTheOpenFormNamesNoSystemThatIsKeptBack_R67(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, system := range map[string]topics.System{
		"secured": {Name: "Secured", Zone: "secured"}, "secured-shown": {Name: "Named though secured", Zone: "secured", PublicForm: topics.PublicFormShown},
		"internal": {Name: "Internal", Zone: "internal"}, "open-hidden": {Name: "Open, hidden", Zone: "open", PublicForm: topics.PublicFormHidden},
	} {
		w.fact("bo", topics.KindSystem, name, system)
	}
	w.fact("lia", topics.KindSystem, "theirs", topics.System{Name: "Theirs"})
	names := func(path, token string) []string {
		list := []string{}
		for _, c := range httpxtest.Decode[deviationapi.Form](t, w.call("GET", path, token, nil)).Systems {
			list = append(list, c.Name)
		}
		return list
	}
	const mine, open = "/v1/forms/general", "/v1/public/tenants/bo/forms/general"
	me := w.token("person-employee")
	await.True(t, func() bool { return len(names(mine, me)) == 5 })
	require.Equal(t, []string{"EHR", "Internal", "Named though secured", "Open, hidden", "Secured"}, names(mine, me))
	require.Equal(t, []string{"EHR", "Internal", "Named though secured"}, names(open, me), "also with a token")
	require.Equal(t, 401, w.call("GET", mine, "", nil).Status)
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", submission("k", "systemId", "secured")).Status, "who was signed in when they chose can still send without their name")
}

func TestAnonymousFloodsAreBoundedAndSignedInReportsAreNot_N7(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.AnonymousBurst = 3; c.DraftsPerDay = 2 })
	for i := range 2 {
		require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", submission(fmt.Sprint("a", i))).Status)
		w.draft()
	}
	require.Equal(t, "proof-of-work-needed", w.call("POST", "/v1/public/reports", "", submission("c")).Slug())
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", submission("a0")).Status, "a repeat is no new report")
	require.Equal(t, "upload-quota", w.call("POST", "/v1/public/drafts", "", map[string]any{"tenant": "bo"}).Slug())
	require.Equal(t, 201, w.call("POST", "/v1/reports", w.token("someone"), submission("d")).Status)
	other := submission("e")
	other["tenant"], other["answers"] = "lia", calm()
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", other).Status, "another municipality is not held up")
}

func TestASignedInReporterHasBoundsOfTheirOwn_N7(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.DraftsPerDay = 3; c.UploadBytesPerDay = 12; c.PersonBurst = 2; c.AnonymousBurst = 1 })
	me, other := w.token("person-a"), w.token("person-b")
	// Outside, the day's places and bytes are used up.
	open := w.draft()
	require.Equal(t, 201, w.upload(open, "a.txt", []byte("ten bytes.")).Status)
	require.Equal(t, "upload-quota", w.upload(open, "b.txt", []byte("ten bytes.")).Slug())
	for range 2 {
		w.draft()
	}
	require.Equal(t, "upload-quota", w.call("POST", "/v1/public/drafts", "", map[string]any{"tenant": "bo"}).Slug())
	mine := w.call("POST", "/v1/drafts", me, nil)
	require.Equal(t, 201, mine.Status, "%s", mine.Body)
	token := httpxtest.Decode[deviationapi.Draft](t, mine).Token
	require.Equal(t, 201, w.upload(token, "c.txt", []byte("ten bytes.")).Status, "its files are counted apart")
	body := submission("mine")
	body["draft"] = token
	require.Equal(t, 201, w.call("POST", "/v1/reports", me, body).Status)

	// One person's flood ends at their own bound, of reports and of places.
	require.Equal(t, 201, w.call("POST", "/v1/reports", me, submission("second")).Status)
	require.Equal(t, "too-many-reports", w.call("POST", "/v1/reports", me, submission("third")).Slug())
	require.Equal(t, 201, w.call("POST", "/v1/drafts", me, nil).Status)
	require.Equal(t, "upload-quota", w.call("POST", "/v1/drafts", me, nil).Slug())
	require.Equal(t, 201, w.call("POST", "/v1/drafts", other, nil).Status)
	require.Equal(t, 201, w.call("POST", "/v1/reports", other, submission("theirs")).Status)
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", submission("anyone")).Status)
	w.clock.Move(time.Minute)
	require.Equal(t, 201, w.call("POST", "/v1/reports", me, submission("third")).Status)
}

func TestFilesComeWithTheReport(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) { c.Limits = Limits{Files: 2, FileBytes: 1000, DraftBytes: 1500} })
	token := w.draft()
	photo := []byte("\xff\xd8\xff\xe1\x00\x14Exif\x00\x00SECRET-PLACE\xff\xda\x00\x02scan\xff\xd9")
	f := httpxtest.Decode[deviationapi.Attachment](t, w.upload(token, "..%2Fbl%C3%A5b%C3%A6r.jpg", photo))
	require.Equal(t, "blåbær.jpg", f.Name)
	require.True(t, f.MetadataRemoved)
	require.NotEmpty(t, f.OriginalSha256)
	require.NotEqual(t, f.Sha256, f.OriginalSha256)
	for name, test := range map[string]struct {
		token, slug string
		content     []byte
	}{
		"a program":       {token, "file-type", []byte("MZ\x90\x00")},
		"nothing":         {token, "file-empty", []byte{}},
		"too large":       {token, "too-large", bytes.Repeat([]byte("a"), 1001)},
		"damaged":         {token, "file-damaged", []byte("\xff\xd8\xff\xe1\x00")},
		"another's draft": {strings.Repeat("t", 32), "draft-not-found", []byte("text")},
	} {
		require.Equal(t, test.slug, w.upload(test.token, "x", test.content).Slug(), name)
	}
	note := httpxtest.Decode[deviationapi.Attachment](t, w.upload(token, "note.txt", []byte("words")))
	require.Equal(t, "draft-full", w.upload(token, "more.txt", []byte("words")).Slug())
	remove := func(fileID string) int {
		return w.call("DELETE", "/v1/public/attachments/"+fileID, "", nil, "Varde-Draft", token, "Varde-Tenant", "bo").Status
	}
	require.Equal(t, 204, remove(note.Id))
	require.Equal(t, 404, remove(note.Id))

	body := submission("a")
	body["draft"] = token
	receipt := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", body))
	require.Equal(t, receipt, httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", "", body)))
	require.Equal(t, "draft-not-found", w.upload(token, "late.txt", []byte("late")).Slug(), "the report has taken it")
	body["submissionId"] = strings.Repeat("z", 22)
	require.Equal(t, "draft-not-found", w.call("POST", "/v1/public/reports", "", body).Slug(), "no second report takes the same files")
	var r topics.Report
	require.NoError(t, json.Unmarshal(w.topic(bus.TopicReports, 1)[0].Value, &r))
	require.Len(t, r.Attachments, 1)
	in, info, err := w.blobs.Open(tenant.With(t.Context(), "bo"), r.Attachments[0].BlobKey)
	require.NoError(t, err)
	stored, err := io.ReadAll(in)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NotContains(t, string(stored), "SECRET-PLACE")
	require.Equal(t, info.SHA256, r.Attachments[0].SHA256)
}

func TestAbandonedFilesAreRemovedAndTakenOnesStay_R63(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := tenant.With(t.Context(), "bo")
	left, kept := w.draft(), w.draft()
	require.Equal(t, 201, w.upload(left, "a.txt", []byte("left behind")).Status)
	require.Equal(t, 201, w.upload(kept, "b.txt", []byte("kept")).Status)
	body := submission("a")
	body["draft"] = kept
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", body).Status)
	require.NoError(t, w.s.Sweep(ctx))
	files, err := w.blobs.List(ctx, "reports/")
	require.NoError(t, err)
	require.Len(t, files, 2, "not before its time")
	w.clock.Move(26 * time.Hour)
	require.Equal(t, "draft-not-found", w.upload(left, "a.txt", []byte("late")).Slug())
	for range 2 {
		require.NoError(t, w.s.Sweep(ctx))
	}
	files, err = w.blobs.List(ctx, "reports/")
	require.NoError(t, err)
	require.Len(t, files, 1)
	n, err := w.s.drafts.Count(ctx, nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A submission claims its files and then fails: they are nobody's, and go.
func TestFilesOfAFailedSubmissionAreRemoved_R63(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := tenant.With(t.Context(), "bo")
	failed, kept := w.draft(), w.draft()
	require.Equal(t, 201, w.upload(failed, "a.txt", []byte("nobody's")).Status)
	require.Equal(t, 201, w.upload(kept, "b.txt", []byte("a report's")).Status)
	body := submission("a")
	body["draft"] = kept
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", body).Status)
	_, err := w.s.claim(ctx, "bo", failed, "a-report-that-never-came")
	require.NoError(t, err)
	left := func() int {
		require.NoError(t, w.s.Sweep(ctx))
		files, err := w.blobs.List(ctx, "reports/")
		require.NoError(t, err)
		return len(files)
	}
	w.clock.Move(25 * time.Hour) // over, and a submission may still run
	require.Equal(t, 2, left())
	_, err = w.s.claim(ctx, "bo", failed, "a-report-that-never-came")
	require.ErrorIs(t, err, errNoDraft, "but none begins")
	w.clock.Move(time.Hour)
	require.Equal(t, 1, left())
	n, err := w.s.drafts.Count(ctx, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 201, w.call("POST", "/v1/public/reports", "", body).Status, "the report is there, with its files")
}

func TestSignedInReportersSeeTheirOwnAndNoOthers(t *testing.T) {
	t.Parallel()
	w := start(t)
	me, other := w.token("person-a"), w.token("person-b")
	mine := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/reports", me, submission("a", "systemId", "")))
	theirs := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/reports", other, submission("a", "systemId", "")))
	require.NotEqual(t, mine.ReportId, theirs.ReportId, "the same submission id of two persons is two reports")
	require.NotEqual(t, mine.Code, theirs.Code)
	list := httpxtest.Decode[deviationapi.MyReportList](t, w.call("GET", "/v1/reports", me, nil))
	require.Len(t, list.Items, 1)
	require.Equal(t, mine.ReportId, list.Items[0].ReportId)
	require.Equal(t, 200, w.call("GET", "/v1/reports/"+mine.ReportId, me, nil).Status)
	require.Equal(t, 404, w.call("GET", "/v1/reports/"+theirs.ReportId, me, nil).Status)
	message := map[string]any{"messageId": strings.Repeat("m", 22), "text": "more"}
	require.Equal(t, 201, w.call("POST", "/v1/reports/"+mine.ReportId+"/messages", me, message).Status)
	require.Equal(t, 404, w.call("POST", "/v1/reports/"+theirs.ReportId+"/messages", me, message).Status)
	require.Equal(t, 200, w.call("POST", "/v1/public/follow-up", "", map[string]any{"tenant": "bo", "code": mine.Code}).Status, "the code works too")
	var r topics.Report
	for _, m := range w.topic(bus.TopicReports, 3) {
		if m.ID == mine.ReportId {
			require.NoError(t, json.Unmarshal(m.Value, &r))
		}
	}
	require.Equal(t, "home", r.UnitID, "the reporter's unit leads a report without a system")
	require.Equal(t, topics.ExclusionOf([]byte(("reporter-exclusion" + strings.Repeat("-", 32))[:32]), "bo", r.ID, "person-a"), r.ReporterExclusion)

	doc, err := w.s.reports.Get(tenant.With(t.Context(), "bo"), mine.ReportId)
	require.NoError(t, err)
	who, err := Unseal(w.s.keys.Identity, "bo", mine.ReportId, doc.Value.Identity)
	require.NoError(t, err)
	require.Equal(t, "person-a", who.Person)
}

func TestEveryRouteHoldsThePolicy(t *testing.T) {
	t.Parallel()
	w := start(t)
	issue := func(tid tenant.ID) func(auth.Role) string {
		return func(role auth.Role) string {
			return authtest.Token(t, "deviation", auth.Principal{Subject: "person-" + string(role), Tenant: tid, Session: "s", Grants: []auth.Grant{{Role: role}}})
		}
	}
	report := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/reports", w.token("person-employee"), submission("a", "whatHappened", "MARKED-WORDS")))
	path := "/v1/reports/" + report.ReportId
	httpxtest.RoleMatrix(t, w.m.App(), httpxtest.Contract(t, "deviation"), issue("bo"),
		httpxtest.WithSample("followUpMine", httpxtest.Sample{Path: path}),
		httpxtest.WithSample("writeAsMe", httpxtest.Sample{Path: path + "/messages", Body: map[string]any{"messageId": strings.Repeat("m", 22), "text": "x"}}),
		httpxtest.WithForeign(issue("lia"), "MARKED-WORDS"))
}

// TestAMarkedReporterIsNowhere sends marks that can only come from the reporter
// and searches everything the service writes for them; a mark in the report's
// own words is the control that the search finds what is there.
func TestAMarkedReporterIsNowhere(t *testing.T) {
	t.Parallel()
	w := start(t)
	const person, control = "MARK-person-7c1e", "CONTROL-words-55aa"
	marks := []string{person, "MARK-unit-agent", "203.0.113.77", "MARK-cookie", "0af7651916cd43dd8448eb211c80319c", "MARK-request-id-1234"}
	headers := []string{"User-Agent", "MARK-unit-agent", "X-Forwarded-For", "203.0.113.77", "Cookie", "a=MARK-cookie",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-Id", "MARK-request-id-1234"}
	token := w.token(person)
	draft := w.draft()
	require.Equal(t, 201, w.upload(draft, "note.txt", []byte(control)).Status)
	signed := submission("signed", "whatHappened", control)
	signed["draft"] = draft
	mine := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/reports", token, signed, headers...))
	// Signed in, and still sent anonymously: the token must leave nothing behind.
	// It happens at a moment that nothing else happens at.
	w.clock.Move(20*time.Minute + 36*time.Second)
	const moment = ":37:41"
	require.Contains(t, w.clock.Now().Format(time.RFC3339), moment)
	hidden := httpxtest.Decode[deviationapi.Receipt](t, w.call("POST", "/v1/public/reports", token, submission("hidden"), headers...))
	message := map[string]any{"messageId": strings.Repeat("m", 22), "text": control}
	byCode := map[string]any{"tenant": "bo", "code": hidden.Code, "messageId": strings.Repeat("n", 22), "text": "more"}
	require.Equal(t, 201, w.call("POST", "/v1/public/follow-up/messages", token, byCode, headers...).Status)
	followed := w.call("POST", "/v1/public/follow-up", token, map[string]any{"tenant": "bo", "code": hidden.Code}, headers...)
	require.Equal(t, 200, followed.Status)
	require.NotContains(t, string(followed.Body), moment, "an answer")
	w.clock.Move(time.Minute)
	require.Equal(t, 201, w.call("POST", "/v1/reports/"+mine.ReportId+"/messages", token, message, headers...).Status)
	require.Equal(t, 200, w.call("GET", "/v1/reports/"+mine.ReportId, token, nil, headers...).Status)
	require.Equal(t, 200, w.call("GET", "/v1/reports", token, nil, headers...).Status)
	require.Equal(t, 200, w.call("POST", "/v1/public/follow-up", token, map[string]any{"tenant": "bo", "code": hidden.Code}, headers...).Status)
	require.Equal(t, 404, w.call("POST", "/v1/public/follow-up", token, map[string]any{"tenant": "bo", "code": strings.Repeat("0", 20)}, headers...).Status)
	require.Equal(t, 400, w.call("POST", "/v1/reports", token, map[string]any{"formType": person}, headers...).Status)

	places := w.everything()
	found := map[string]bool{}
	for place, text := range places {
		for _, mark := range marks {
			require.NotContains(t, text, mark, place)
		}
		require.NotContains(t, text, moment, "%s: the hour is all that is kept of when somebody anonymous did something", place)
		require.NotContains(t, text, hidden.Code, place)
		require.NotContains(t, text, mine.Code, place)
		found[strings.SplitN(place, " ", 2)[0]] = found[strings.SplitN(place, " ", 2)[0]] || strings.Contains(text, control)
	}
	require.True(t, found["document"] && found["topic"] && found["blob"], "the control is found where it belongs: %v", found)
	require.NotContains(t, places["log"], "/v1/", "no line about any of it")
	w.call("GET", "/elsewhere", "", nil)
	require.Contains(t, w.log.String(), `"route":"other"`, "the log is one that would show it")
}

// everything is all that the service wrote, each decoded by its own reader, and
// the files as they lie on disk.
func (w *world) everything() map[string]string {
	w.t.Helper()
	ctx := tenant.With(w.t.Context(), "bo")
	all := map[string]string{"log": w.log.String()}
	dump := func(name string, v any) {
		b, err := json.Marshal(v)
		require.NoError(w.t, err)
		all[name] += string(b)
	}
	topicsSeen := 0
	for topic, least := range map[string]int{bus.TopicReports: 4, bus.TopicAudit: 4, bus.TopicCases: 0} {
		for _, m := range w.topic(topic, least) {
			topicsSeen++
			all["topic "+topic] += fmt.Sprintf("%s %s %s %s %v %s\n", m.Time.Format(time.RFC3339), m.Key, m.ID, m.Type, m.Trace, m.Value)
		}
	}
	require.GreaterOrEqual(w.t, topicsSeen, 8)
	reports, err := w.s.reports.Find(ctx, nil, findAll)
	require.NoError(w.t, err)
	dump("document reports", reports)
	messages, err := w.s.messages.Find(ctx, nil, findAll)
	require.NoError(w.t, err)
	dump("document messages", messages)
	drafts, err := w.s.drafts.Find(ctx, nil, findAll)
	require.NoError(w.t, err)
	dump("document drafts", drafts)
	dump("audit", w.audit.Records())
	files, err := w.blobs.List(ctx, "")
	require.NoError(w.t, err)
	for _, f := range files {
		r, _, err := w.blobs.Open(ctx, f.Key)
		require.NoError(w.t, err)
		content, err := io.ReadAll(r)
		require.NoError(w.t, err)
		require.NoError(w.t, r.Close())
		all["blob "+f.Key] = string(content)
	}
	require.NoError(w.t, filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all["disk "+filepath.Base(path)] += string(content)
		return err
	}))
	return all
}
