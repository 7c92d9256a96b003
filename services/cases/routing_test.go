package cases

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

func fact(tenant, kind, id string, v any) topics.Fact {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return topics.Fact{Kind: kind, ID: id, Tenant: tenant, Versions: []topics.Version{
		{ValidFrom: t0.AddDate(-1, 0, 0), RecordedAt: t0.AddDate(-1, 0, 0), Data: data},
	}}
}

// facts are a small municipality: three levels, a system with a day-to-day
// responsible and (trap 1) a vendor entered as its owner.
func facts(tenant string) []topics.Fact {
	person := func(id, unit, delegate string, roles ...topics.RoleGrant) topics.Fact {
		return fact(tenant, topics.KindPerson, id, topics.Person{Name: "P " + id, UnitID: unit, Delegate: delegate, Roles: roles})
	}
	manager := func(unit string) topics.RoleGrant { return topics.RoleGrant{Role: "responsible", UnitID: unit} }
	return []topics.Fact{
		fact(tenant, topics.KindTenant, tenant, topics.Tenant{Name: "T", CasePrefix: "BJ"}),
		fact(tenant, topics.KindUnit, "top", topics.Unit{Name: "Top", Level: 1, Manager: "chief"}),
		fact(tenant, topics.KindUnit, "health", topics.Unit{Name: "Health", Level: 2, Parent: "top", Manager: "health-manager"}),
		fact(tenant, topics.KindUnit, "home", topics.Unit{Name: "Home care", Level: 3, Parent: "health", Manager: "home-manager"}),
		fact(tenant, topics.KindUnit, "night", topics.Unit{Name: "Night team", Level: 4, Parent: "home", Manager: "night-lead"}),
		fact(tenant, topics.KindSystem, "ehr", topics.System{Name: "EHR", UnitID: "home", Owner: "vendor-1", Responsible: "resp", PersonalData: true}),
		fact(tenant, topics.KindSystem, "orphan", topics.System{Name: "Orphan", UnitID: "night", Owner: "vendor-1"}),
		fact(tenant, topics.KindSystem, "misled", topics.System{Name: "Misled", UnitID: "home", Responsible: "vendor-person"}),
		fact(tenant, topics.KindVendor, "vendor-1", topics.Vendor{Name: "V"}),
		fact(tenant, topics.KindVendorPerson, "vendor-person", topics.VendorPerson{VendorID: "vendor-1", Name: "VP"}),
		fact(tenant, topics.KindSource, "feed", topics.Source{Name: "Feed", Responsible: "resp"}),
		fact(tenant, topics.KindAccount, "acc", topics.Account{Name: "kari", Realm: "bo", Aliases: []string{"kari@bo.example"}, PersonID: "resp"}),
		person("chief", "top", "", manager("top")), person("health-manager", "health", "", manager("health")),
		person("home-manager", "home", "", manager("home")), person("night-lead", "night", ""),
		person("resp", "home", "deputy", manager("home")), person("deputy", "home", ""),
		person("nurse", "home", ""), person("officer", "top", "", topics.RoleGrant{Role: "security-officer"}),
		person("controller", "top", "", topics.RoleGrant{Role: "controller"}),
	}
}

func orgOf(changes ...topics.Fact) *Org {
	o := NewOrg()
	for _, f := range append(facts("bo"), changes...) {
		o.Apply(f)
	}
	return o
}

func away(id, unit, delegate string) topics.Fact {
	return fact("bo", topics.KindPerson, id, topics.Person{Name: id, UnitID: unit, Delegate: delegate, Absences: []topics.Period{{From: t0.Add(-time.Hour)}}})
}

func left(id string) topics.Fact {
	return fact("bo", topics.KindPerson, id, topics.Person{Name: id, Left: true})
}

func TestRoutingFindsTheResponsible_R8_R23b_N1_N3(t *testing.T) {
	t.Parallel()
	among := func(people ...string) func(string) bool {
		return func(p string) bool {
			for _, q := range people {
				if p == q {
					return true
				}
			}
			return false
		}
	}
	tests := map[string]struct {
		q       Question
		org     []topics.Fact
		handler string
		steps   []string
	}{
		"system, its responsible": {Question{SystemID: "ehr"}, nil, "resp", []string{"system-responsible"}},
		"responsible absent, the delegate": {Question{SystemID: "ehr"}, []topics.Fact{away("resp", "home", "deputy")}, "deputy",
			[]string{"system-responsible-delegate"}},
		"responsible and delegate absent, level 3": {Question{SystemID: "ehr"}, []topics.Fact{away("resp", "home", "deputy"), away("deputy", "home", "")},
			"home-manager", []string{"system-responsible-absent", "unit-manager"}},
		"an absence that is over": {Question{SystemID: "ehr"}, []topics.Fact{fact("bo", topics.KindPerson, "resp", topics.Person{
			Absences: []topics.Period{{From: t0.Add(-2 * time.Hour), To: t0}}})}, "resp", []string{"system-responsible"}},
		"responsible left, level 3":       {Question{SystemID: "ehr"}, []topics.Fact{left("resp")}, "home-manager", []string{"system-responsible-left", "unit-manager"}},
		"vendor as owner, no responsible": {Question{SystemID: "orphan"}, nil, "home-manager", []string{"system-responsible-vacant", "unit-manager"}},
		"vendor's person as responsible":  {Question{SystemID: "misled"}, nil, "home-manager", []string{"system-responsible-not-employee", "unit-manager"}},
		"level 3 acted, level 2":          {Question{SystemID: "ehr", Involved: among("resp", "home-manager")}, nil, "health-manager", []string{"system-responsible-passed-over", "unit-manager-passed-over", "unit-manager"}},
		"of a report, one who is involved": {Question{SystemID: "ehr", Quiet: true, Involved: among("resp")}, nil, "home-manager",
			[]string{"system-responsible-passed-over", "unit-manager"}},
		"of a report, one who left": {Question{SystemID: "ehr", Quiet: true}, []topics.Fact{left("resp")}, "home-manager",
			[]string{"system-responsible-passed-over", "unit-manager"}},
		"of a report, one who is away and whose delegate is involved": {Question{SystemID: "ehr", Quiet: true, Involved: among("deputy")},
			[]topics.Fact{away("resp", "home", "deputy")}, "home-manager", []string{"system-responsible-passed-over", "unit-manager"}},
		"of a report, escalated": {Question{SystemID: "ehr", Quiet: true, Tried: []string{"resp"}}, nil, "home-manager",
			[]string{"system-responsible-passed-over", "unit-manager"}},
		"level 3 and 2 vacant, level 1": {Question{SystemID: "orphan"}, []topics.Fact{
			fact("bo", topics.KindUnit, "home", topics.Unit{Name: "H", Level: 3, Parent: "health"}),
			fact("bo", topics.KindUnit, "health", topics.Unit{Name: "He", Level: 2, Parent: "top"}),
		}, "chief", []string{"system-responsible-vacant", "unit-manager-vacant", "unit-manager-vacant", "unit-manager"}},
		"the whole line acted, security officer": {Question{SystemID: "ehr", Involved: among("resp", "home-manager", "health-manager", "chief")}, nil, "officer",
			[]string{"system-responsible-passed-over", "unit-manager-passed-over", "unit-manager-passed-over", "unit-manager-passed-over", "security-officer"}},
		"officer vacant, controller": {Question{PassLine: true}, []topics.Fact{fact("bo", topics.KindPerson, "officer", topics.Person{})}, "controller",
			[]string{"past-line", "security-officer-vacant", "controller"}},
		"no system, reporter's unit":          {Question{UnitID: "home"}, nil, "home-manager", []string{"unit-manager"}},
		"level 4 unit has no signing manager": {Question{UnitID: "night"}, nil, "home-manager", []string{"unit-manager"}},
		"anonymous without a unit":            {Question{}, nil, "officer", []string{"security-officer"}},
		"about the manager":                   {Question{UnitID: "home", PassLine: true}, nil, "officer", []string{"past-line", "security-officer"}},
		"unknown system, security officer":    {Question{SystemID: "gone"}, nil, "officer", []string{"system-unknown", "security-officer"}},
		"unknown system, reporter's unit":     {Question{SystemID: "gone", UnitID: "home"}, nil, "home-manager", []string{"system-unknown", "unit-manager"}},
		"silent feed":                         {Question{SourceID: "feed"}, nil, "resp", []string{"source-responsible"}},
		"escalation":                          {Question{SystemID: "ehr", Tried: []string{"resp"}}, nil, "home-manager", []string{"system-responsible-not-acknowledged", "unit-manager"}},
		"nobody": {Question{PassLine: true}, []topics.Fact{left("officer"), left("controller")}, "",
			[]string{"past-line", "security-officer-vacant", "controller-vacant", "nobody-found"}},
		"units in a circle": {Question{UnitID: "a"}, []topics.Fact{
			fact("bo", topics.KindUnit, "a", topics.Unit{Level: 3, Parent: "b"}), fact("bo", topics.KindUnit, "b", topics.Unit{Level: 2, Parent: "a"}),
		}, "officer", []string{"unit-manager-vacant", "unit-manager-vacant", "security-officer"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.q.Tenant, test.q.Now = "bo", t0
			a := Route(orgOf(test.org...), test.q)
			require.Equal(t, test.handler, a.Handler)
			require.Equal(t, test.steps, slugs(a.Steps))
		})
	}
}

func TestRoutingKnowsOnlyItsTenant(t *testing.T) {
	t.Parallel()
	a := Route(orgOf(), Question{Tenant: "lia", SystemID: "ehr", Now: t0})
	require.Empty(t, a.Handler)
}

func TestAccountsAreFoundByEverySpelling(t *testing.T) {
	t.Parallel()
	o := orgOf()
	for _, spelling := range []string{"acc", "KARI", `bo\kari`, "kari@bo.example", "kari@bo"} {
		require.Equal(t, []string{"resp"}, o.AccountHolders("bo", []string{spelling}, t0), spelling)
	}
	require.Empty(t, o.AccountHolders("bo", []string{"ola"}, t0))
}
