package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

// What somebody anonymous does leaves no closer time than the hour in any
// document, message or answer; a handler's own act is the control that a moment
// would be seen. Messages keep their order all the same.
func TestWhatAnAnonymousReporterDoesIsDatedByTheHour_N7(t *testing.T) {
	t.Parallel()
	w := start(t)
	const theirs, handlers = "37:41", "52:09"
	w.clock.Move(momentOf(t, theirs).Sub(t0))
	r := report("bo", "1")
	r.Anonymous, r.ReporterExclusion, r.Submitted = true, "", t0
	caseID := w.reported(r)
	for i := range 3 {
		m := topics.ReportMessage{ID: fmt.Sprintf("message-%d", i), ReportID: r.ID, Tenant: "bo", Text: fmt.Sprintf("text %d", i), Sent: t0}
		w.publish(bus.TopicReports, topics.TypeReportMessage, "bo", m.ID, m)
		w.publish(bus.TopicReports, topics.TypeReportMessage, "bo", m.ID, m)
	}
	s, err := w.m.Service()
	require.NoError(t, err)
	await.True(t, func() bool {
		n, err := s.messages.Count(in("bo"), nil)
		return err == nil && n == 3
	})
	// Created and routed, then three messages: one record and one message each.
	records := w.messages(bus.TopicAudit, topics.TypeAuditRecord, 5)
	changes := w.messages(bus.TopicCases, topics.TypeCaseChanged, 4)
	for _, m := range append(records, changes...) {
		require.Equal(t, m.Time.Truncate(time.Hour), m.Time, "a message's own time: %s", m.Value)
		require.NotContains(t, string(m.Value), theirs)
	}

	w.clock.Move(momentOf(t, handlers).Sub(momentOf(t, theirs)))
	manager := w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})
	path := "/v1/cases/" + caseID
	httpxtest.Decode[casesapi.Message](t, w.call("POST", path+"/messages", manager, map[string]any{"messageId": strings.Repeat("h", 22), "text": "an answer", "question": true}))
	for _, answer := range []string{"", "/history", "/messages", "/evidence"} {
		got := w.call("GET", path+answer, manager, nil)
		require.Equal(t, 200, got.Status)
		require.NotContains(t, string(got.Body), theirs, answer)
	}
	list := httpxtest.Decode[casesapi.MessageList](t, w.call("GET", path+"/messages", manager, nil))
	var texts []string
	for _, m := range list.Items {
		texts = append(texts, m.Text)
	}
	require.Equal(t, []string{"text 0", "text 1", "text 2", "an answer"}, texts)

	kept := documents(t, s)
	require.NotContains(t, kept, theirs)
	require.Contains(t, kept, handlers, "the control: what a handler does is dated")
}

// momentOf is a moment of t0's hour that is recognised wherever it stands.
func momentOf(t *testing.T, minute string) time.Time {
	t.Helper()
	at, err := time.Parse("04:05", minute)
	require.NoError(t, err)
	return t0.Truncate(time.Hour).Add(time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second)
}

// documents are all that the service keeps, with what the store notes of each.
func documents(t *testing.T, s *Service) string {
	t.Helper()
	var all strings.Builder
	dump(t, &all, s.cases)
	dump(t, &all, s.groups)
	dump(t, &all, s.findings)
	dump(t, &all, s.evidence)
	dump(t, &all, s.messages)
	dump(t, &all, s.history)
	dump(t, &all, s.counters)
	return all.String()
}

func dump[T any](t *testing.T, into *strings.Builder, c docstore.Collection[T]) {
	t.Helper()
	page, err := c.Find(in("bo"), nil, docstore.FindOptions{Limit: 1000})
	require.NoError(t, err)
	text, err := json.Marshal(page)
	require.NoError(t, err)
	into.Write(text)
}

// Messages that were stored before they had places come first, in the order
// they were received in (N6).
func TestMessagesStoredWithoutAPlaceComeFirst_N6(t *testing.T) {
	t.Parallel()
	store, clock := openTemp(t)
	type old struct {
		CaseID   string    `json:"caseId"`
		From     string    `json:"from"`
		Text     string    `json:"text"`
		Received time.Time `json:"received"`
	}
	before, err := docstore.Open[old](context.Background(), store, docstore.Definition{Name: collMessages, Version: 1})
	require.NoError(t, err)
	s := newService(t, store, clock, orgOf())
	r := report("bo", "1")
	require.NoError(t, s.TakeReport(in("bo"), r))
	caseID := ReportCaseID("bo", r.ID)
	for i, text := range []string{"second", "first"} {
		_, err := before.Insert(in("bo"), fmt.Sprintf("old-%d", i), old{caseID, FromReporter, text, t0.Add(-time.Duration(i) * time.Minute)})
		require.NoError(t, err)
	}
	require.NoError(t, s.TakeReportMessage(in("bo"), topics.ReportMessage{ID: "m", ReportID: r.ID, Tenant: "bo", Text: "third"}))
	page, err := s.messages.Find(in("bo"), docstore.Eq{Field: "caseId", Value: caseID}, docstore.FindOptions{Sort: dialogueOrder})
	require.NoError(t, err)
	var texts []string
	for _, d := range page.Docs {
		texts = append(texts, d.Value.Text)
	}
	require.Equal(t, []string{"first", "second", "third"}, texts)
}
