package cases

import (
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

// as is a signed-in person of bo; the employee role is always
// among theirs.
func as(person string, grants ...auth.Grant) auth.Principal {
	return auth.Principal{Subject: person, Tenant: tenant.ID("bo"), Session: "s", Grants: append(grants, auth.Grant{Role: auth.RoleEmployee})}
}

func TestATaskInACaseOpensOnlyWhatTheTaskNeeds_R41_R10(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := "/v1/cases/" + w.found(finding("bo", "a", t0, topics.SeverityHigh))
	manager := w.token("resp")
	w.call("POST", path+"/decisions", manager, map[string]any{"kind": "misuse", "reason": "not agreed"})
	due := t0.AddDate(0, 0, 5)
	var c casesapi.Case
	for person, text := range map[string]string{"nurse": "change the password", "home-manager": "talk to the vendor"} {
		c = httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/measures", manager, map[string]any{"kind": "corrective", "text": text, "owner": person, "due": due}))
	}
	require.Equal(t, 200, w.call("POST", path+"/effect-checker", manager, map[string]any{"person": "deputy"}).Status)
	whole := string(w.call("GET", path, manager, nil).Body)
	require.Contains(t, whole, "vendor-person", "the handler sees the case whole")

	for _, person := range []string{"nurse", "deputy"} {
		token := w.token(person)
		seen := w.call("GET", path, token, nil)
		require.Equal(t, 200, seen.Status, person)
		part := httpxtest.Decode[casesapi.Case](t, seen)
		require.Empty(t, part.Findings, person)
		require.Empty(t, part.Deadlines, person)
		require.NotContains(t, string(seen.Body), "vendor-account", person)
		require.Equal(t, "not agreed", part.Decisions[0].Reason, person)
		require.Len(t, part.Measures, map[string]int{"nurse": 1, "deputy": 2}[person], "%s: an owner their own, the checker all", person)
		lines := httpxtest.Decode[casesapi.EvidenceList](t, w.call("GET", path+"/evidence", token, nil))
		require.Empty(t, lines.Items, person)
		require.False(t, lines.Raw, person)
		require.Len(t, httpxtest.Decode[casesapi.Queue](t, w.call("GET", "/v1/queue", token, nil)).Items, 1, "%s: the task is in the queue", person)
		for _, do := range []struct {
			path string
			body map[string]any
		}{
			{"/decisions", map[string]any{"kind": "no-action", "reason": "nothing to see"}}, {"/assign", map[string]any{"person": "deputy"}},
			{"/reject", map[string]any{"reason": "no deviation"}}, {"/close", map[string]any{"summary": "done now"}},
			{"/assessment", map[string]any{"severity": "low", "reason": "mild"}}, {"/acknowledge", nil}, {"/no-measures", map[string]any{"reason": "none"}},
		} {
			var body any
			if do.body != nil {
				body = do.body
			}
			require.Equal(t, "not-allowed", w.call("POST", path+do.path, token, body).Slug(), "%s %s", person, do.path)
		}
		for _, read := range []string{"/messages", "/candidates"} {
			require.Equal(t, 403, w.call("GET", path+read, token, nil).Status, "%s %s", person, read)
		}
	}
	history := string(w.call("GET", path+"/history", w.token("nurse"), nil).Body)
	require.Contains(t, history, "change the password")
	require.NotContains(t, history, "talk to the vendor", "of others' measures")
	require.NotContains(t, history, "routed")

	for _, m := range c.Measures {
		require.Equal(t, 200, w.call("POST", path+"/measures/"+m.Id+"/settle", w.token(m.Owner.Id), map[string]any{"result": "done"}).Status, "its owner reports it done")
	}
	checked := httpxtest.Decode[casesapi.Case](t, w.call("POST", path+"/effect-check", w.token("deputy"), map[string]any{"effective": true, "note": "it holds"}))
	require.True(t, checked.EffectCheck.Effective)
	require.Empty(t, checked.Findings, "the answer to a change shows no more than the page")
	require.Equal(t, 404, w.call("GET", path, w.token("night-lead"), nil).Status, "without a task the case is not there")
}

func TestCasesStoredWhenTasksMadeOwnersAreJudgedByTheirTasks_R41_N6(t *testing.T) {
	t.Parallel()
	s, _ := tempService(t, orgOf())
	old := closable()
	old.Measures[0].Owner, old.Owners = "nurse", []string{"manager", "nurse"}
	_, err := s.cases.Insert(in("bo"), "old", old)
	require.NoError(t, err)
	doc, err := s.cases.Get(in("bo"), "old")
	require.NoError(t, err)
	require.Equal(t, PartMeasure, partOf(as("nurse"), "bo", &doc.Value))
	require.Equal(t, PartWhole, partOf(as("manager"), "bo", &doc.Value))
	require.Equal(t, PartNone, partOf(as("actor"), "bo", &doc.Value))
	require.False(t, auth.Allow(as("nurse"), auth.ActionEvidenceRead, doc.Value.Object("bo")))
	n, err := s.cases.Count(in("bo"), docstore.Eq{Field: "owners", Value: "nurse"})
	require.NoError(t, err)
	require.Equal(t, 1, n, "the queue still finds it")
}
