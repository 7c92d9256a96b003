package cases

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
)

func TestLinksAreSeenFromBothCases(t *testing.T) {
	t.Parallel()
	w := start(t)
	manager := w.token("resp")
	one := w.reported(report("bo", "1"))
	two := w.reported(report("bo", "2"))
	links := func(caseID string) map[string]casesapi.LinkKind {
		out := map[string]casesapi.LinkKind{}
		for _, l := range httpxtest.Decode[casesapi.Case](t, w.call("GET", "/v1/cases/"+caseID, manager, nil)).Links {
			require.NotEmpty(t, l.Number)
			out[l.CaseId] = l.Kind
		}
		return out
	}
	for _, k := range []struct{ kind, seen, back casesapi.LinkKind }{
		{"", casesapi.LinkKindRelated, casesapi.LinkKindRelated},
		{casesapi.LinkKindDuplicateOf, casesapi.LinkKindDuplicateOf, casesapi.LinkKindHasDuplicate},
		{casesapi.LinkKindCausedBy, casesapi.LinkKindCausedBy, casesapi.LinkKindCauseOf},
		{casesapi.LinkKindCauseOf, casesapi.LinkKindCauseOf, casesapi.LinkKindCausedBy},
		{casesapi.LinkKindHasDuplicate, casesapi.LinkKindHasDuplicate, casesapi.LinkKindDuplicateOf},
	} {
		body := map[string]any{"caseId": two}
		if k.kind != "" {
			body["kind"] = k.kind
		}
		for range 2 {
			require.Equal(t, 200, w.call("POST", "/v1/cases/"+one+"/links", manager, body).Status)
		}
		require.Equal(t, map[string]casesapi.LinkKind{two: k.seen}, links(one), "a new kind takes the place of the old")
		require.Equal(t, map[string]casesapi.LinkKind{one: k.back}, links(two))
	}
	require.Equal(t, "link-to-itself", w.call("POST", "/v1/cases/"+one+"/links", manager, map[string]any{"caseId": one}).Slug())
	require.Equal(t, "case-not-found", w.call("POST", "/v1/cases/"+one+"/links", manager, map[string]any{"caseId": "00000000000000000000000000"}).Slug())
	for range 2 {
		require.Equal(t, 200, w.call("DELETE", "/v1/cases/"+one+"/links/"+two, manager, nil).Status)
	}
	require.Empty(t, links(one))
	require.Empty(t, links(two))
}

// Cases stored before links had a kind held only the ids (N6).
func TestLinksWithoutAKindAreRelated_N6(t *testing.T) {
	t.Parallel()
	c := Case{Related: []string{"a", "b"}}
	require.Equal(t, []Link{{CaseID: "a", Kind: LinkRelated}, {CaseID: "b", Kind: LinkRelated}}, c.linked())
	require.False(t, c.setLink("a", LinkRelated), "nothing changed")
	require.True(t, c.setLink("a", LinkCausedBy))
	require.Equal(t, []Link{{CaseID: "b", Kind: LinkRelated}, {CaseID: "a", Kind: LinkCausedBy}}, c.linked())
	require.True(t, c.setLink("b", ""))
	require.False(t, c.setLink("b", ""))
	require.Equal(t, []Link{{CaseID: "a", Kind: LinkCausedBy}}, c.linked())
}

// Naming somebody who acted in the case is a wrong input; being that person is
// a lack of permission (N3).
func TestWhoIsInvolvedIsRefusedByWhoTheyAre_N3(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := "/v1/cases/" + w.found(finding("bo", "a", t0.Add(-time.Hour), topics.SeverityHigh))
	manager := w.token("resp")
	require.Equal(t, 200, w.call("POST", path+"/assessment", manager, map[string]any{"reason": "she lent her key", "involved": []string{"nurse"}}).Status)
	named := w.call("POST", path+"/assign", manager, map[string]any{"person": "nurse"})
	require.Equal(t, "person-involved", named.Slug())
	require.Equal(t, 422, named.Status)
	require.Equal(t, 200, w.call("POST", path+"/decisions", manager, map[string]any{"kind": "measures", "reason": "to be mended"}).Status)
	require.Equal(t, 200, w.call("POST", path+"/measures", manager, map[string]any{"kind": "corrective", "text": "do it", "owner": "resp", "due": t0.AddDate(0, 0, 5)}).Status)
	asked := w.call("POST", path+"/effect-checker", manager, map[string]any{"person": "resp"})
	require.Equal(t, "person-owns-measure", asked.Slug())
	require.Equal(t, 422, asked.Status)
	c := httpxtest.Decode[casesapi.Case](t, w.call("GET", path, manager, nil))
	require.Equal(t, 200, w.call("POST", path+"/measures/"+c.Measures[0].Id+"/settle", manager, map[string]any{"result": "done"}).Status)
	own := w.call("POST", path+"/effect-check", manager, map[string]any{"effective": true, "note": "my own"})
	require.Equal(t, "own-measure", own.Slug())
	require.Equal(t, 403, own.Status)
}
