package cases

import (
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

func TestPinningIsNoWayRoundTheRuleForNames_R41(t *testing.T) {
	t.Parallel()
	w := start(t)
	f := finding("bo", "a", t0, topics.SeverityHigh)
	path := "/v1/cases/" + w.found(f) + "/evidence"
	reported := "/v1/cases/" + w.reported(report("bo", "1")) + "/evidence"
	manager := w.token("home-manager", auth.Grant{Role: auth.RoleResponsible, Unit: "home"})
	officer := w.token("officer", auth.Grant{Role: auth.RoleSecurityOfficer})

	shown := map[string]bool{"event-9": false, "event-long-after": false, "event-of-nobody": false, "event-of-the-case": true}
	for event, whole := range shown {
		answer := w.call("POST", path, manager, map[string]any{"eventId": event, "note": "look at this"})
		e := httpxtest.Decode[casesapi.CaseEvidence](t, answer)
		require.Equal(t, whole, e.Evidence.Original != "", event)
		require.Equal(t, whole, e.Evidence.Account != "", event)
		require.NotEmpty(t, e.Evidence.Sha256, "%s: what is kept is proven, shown or not", event)
	}
	list := httpxtest.Decode[casesapi.EvidenceList](t, w.call("GET", path, manager, nil))
	require.Len(t, list.Items, len(shown)+1)
	for _, item := range list.Items {
		whole, pinned := shown[item.Evidence.EventId]
		require.Equal(t, whole || !pinned, item.Evidence.Original != "", item.Evidence.EventId)
	}
	for _, item := range httpxtest.Decode[casesapi.EvidenceList](t, w.call("GET", path, officer, nil)).Items {
		require.NotEmpty(t, item.Evidence.Original, "%s: with names in the search, all of it", item.Evidence.EventId)
	}

	e := httpxtest.Decode[casesapi.CaseEvidence](t, w.call("POST", reported, manager, map[string]any{"eventId": "event-of-the-case"}))
	require.Empty(t, e.Evidence.Original, "a report has no findings that could cover the line")
	require.Zero(t, w.audit.Count("evidence.read", "event:event-9"), "what was not shown was not read")
	require.Equal(t, 1, w.audit.Count("evidence.read", "event:event-of-the-case"))
}
