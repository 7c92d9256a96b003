package cases

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

func byHand(key string, changes ...any) map[string]any {
	body := map[string]any{
		"caseRef": (key + strings.Repeat("x", 22))[:22], "title": "Call about a lost phone", "what": "Somebody called: a phone was left on the bus.",
		"channel": "phone", "kind": "event", "severity": "high",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		body[changes[i].(string)] = changes[i+1]
	}
	return body
}

func TestACaseByHandGoesTheWayOfAllOthers_R1(t *testing.T) {
	t.Parallel()
	w := start(t)
	officer := w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer})
	created := httpxtest.Decode[casesapi.CreatedCase](t, w.call("POST", "/v1/cases", officer, byHand("a", "systemId", "ehr", "occurred", t0)))
	require.True(t, created.Readable)
	again := httpxtest.Decode[casesapi.CreatedCase](t, w.call("POST", "/v1/cases", officer, byHand("a", "systemId", "ehr", "occurred", t0)))
	require.Equal(t, created, again, "the same one sent again is one case")

	path := "/v1/cases/" + created.Id
	manager := w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})
	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
	require.Equal(t, casesapi.Source("manual"), c.Summary.Source)
	require.Equal(t, "system-responsible", c.Routing.Sentence.Slug)
	require.Equal(t, "P resp", c.Summary.Handler.Name)
	require.Equal(t, "Call about a lost phone", c.Summary.Summary)
	require.Equal(t, "officer", c.Manual.By.Id)
	require.Equal(t, casesapi.Channel("phone"), c.Manual.Channel)
	require.Equal(t, "high", string(c.Summary.Severity))
	require.NotEmpty(t, c.Deadlines)
	require.NotContains(t, c.Allowed, "message", "nobody reported it who could be written to")
	require.Contains(t, c.Allowed, "decide")

	// Found by its words, and in the history and the audit log with who made it.
	found := httpxtest.Decode[casesapi.CaseList](t, w.call("POST", "/v1/cases/search", officer, map[string]any{"text": "bus", "sources": []string{"manual"}}))
	require.Len(t, found.Items, 1)
	history := httpxtest.Decode[casesapi.HistoryList](t, w.call("GET", path+"/history", manager, nil))
	require.Equal(t, "created", history.Items[0].Action)
	require.Equal(t, "officer", history.Items[0].By.Id)
	var making []string
	for _, m := range w.messages(bus.TopicAudit, topics.TypeAuditRecord, 2) {
		if strings.Contains(string(m.Value), `"action":"case.created"`) {
			making = append(making, string(m.Value))
		}
	}
	require.Len(t, making, 1)
	require.Contains(t, making[0], `"id":"officer"`)

	// It is closed under the same rules (R10).
	blocked := w.call("POST", path+"/close", manager, map[string]any{"summary": "done"})
	require.Equal(t, "closing-blocked", blocked.Slug())
}

func TestWhoMayMakeACaseByHand(t *testing.T) {
	t.Parallel()
	w := start(t)
	for role, may := range map[auth.Role]bool{
		auth.RoleSecurityOfficer: true, auth.RoleResponsible: true, auth.RoleController: true,
		auth.RoleEmployee: false, auth.RoleSuperuser: false, auth.RoleAuditor: false, auth.RoleAdministrator: false, auth.RoleHostOperator: false,
	} {
		answer := w.call("POST", "/v1/cases", w.token("person-"+string(role), auth.Grant{Role: role, Unit: "school"}), byHand(string(role), "systemId", "ehr"))
		if may {
			require.Equal(t, 201, answer.Status, role)
			continue
		}
		require.Equal(t, 403, answer.Status, role)
	}
	// A manager of another unit has handed it on, and cannot open it.
	other := httpxtest.Decode[casesapi.CreatedCase](t, w.call("POST", "/v1/cases", w.token("other", auth.Grant{Role: auth.RoleResponsible, Unit: "school"}), byHand("b", "systemId", "ehr")))
	require.False(t, other.Readable)
	// About the manager: past the line.
	officer := w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer})
	about := httpxtest.Decode[casesapi.CreatedCase](t, w.call("POST", "/v1/cases", officer, byHand("c", "systemId", "ehr", "passLine", true)))
	require.Equal(t, 404, w.call("GET", "/v1/cases/"+about.Id, w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"}), nil).Status)

	for field, value := range map[string]any{"systemId": "nowhere", "unitId": "nowhere", "occurred": t0.AddDate(1, 0, 0)} {
		refused := w.call("POST", "/v1/cases", officer, byHand("d", field, value))
		require.Equal(t, 400, refused.Status)
		require.Contains(t, string(refused.Body), "/"+field)
	}
}

func TestEvidenceIsAttachedAsItCame(t *testing.T) {
	t.Parallel()
	w := start(t)
	maker := w.token("other", auth.Grant{Role: auth.RoleResponsible, Unit: "school"})
	manager := w.token("resp", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})
	created := httpxtest.Decode[casesapi.CreatedCase](t, w.call("POST", "/v1/cases", maker, byHand("a", "systemId", "ehr")))
	path := "/v1/cases/" + created.Id
	attach := func(token, name, content string) httpxtest.Response {
		return httpxtest.Call(t, w.m.App(), "POST", path+"/attachments", token, []byte(content), "Content-Type", "application/octet-stream", "Varde-File-Name", name)
	}
	file := httpxtest.Decode[casesapi.Attachment](t, attach(maker, "..%2FBrev%20fra%20innbygger.txt", "a letter"))
	require.Equal(t, "Brev fra innbygger.txt", file.Name)
	require.Equal(t, file, httpxtest.Decode[casesapi.Attachment](t, attach(maker, "..%2FBrev%20fra%20innbygger.txt", "a letter")), "sent again it is one file")
	require.Equal(t, "file-empty", attach(maker, "x.txt", "").Slug())
	require.Equal(t, 404, attach(w.token("stranger", auth.Grant{Role: auth.RoleResponsible, Unit: "school"}), "x.txt", "x").Status)

	got := w.call("GET", path+"/attachments/"+file.Id, manager, nil)
	require.Equal(t, "a letter", string(got.Body))
	require.Equal(t, "application/octet-stream", got.Header.Get("Content-Type"), "no browser runs it")
	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
	require.Len(t, c.Files, 1)
	require.Equal(t, 200, w.call("POST", path+"/acknowledge", manager, nil).Status)
	require.Equal(t, 404, attach(maker, "y.txt", "late").Status, "it is the handler's now")
	require.Equal(t, 201, attach(manager, "y.txt", "more").Status)
	for _, m := range w.messages(bus.TopicAudit, topics.TypeAuditRecord, 4) {
		require.NotContains(t, string(m.Value), "innbygger", "no file's name")
	}
}
