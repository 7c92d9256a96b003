package identity

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/auth"
	"varde.internal/schemas/topics"
)

var chart = Org{
	"top": {Level: 1, Manager: "chief"}, "school": {Level: 2, Parent: "top", Manager: "leader"},
	"class": {Level: 3, Parent: "school"}, "room": {Level: 4, Parent: "class"}, "library": {Level: 2, Parent: "top"},
}

func TestAUnitReachesAllBelowIt(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"class", "library", "room", "school"}, chart.Below("top"))
	require.Equal(t, []string{"class", "room"}, chart.Below("school"))
	require.Empty(t, chart.Below("room"))
	require.Empty(t, chart.Below("nothing"))
	loop := Org{"a": {Parent: "b"}, "b": {Parent: "a"}}
	require.Equal(t, []string{"b"}, loop.Below("a"))
}

func TestAGrantReachesItsUnitAndNotTheOneAbove(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		units := []string{"top", "school", "class", "room", "library"}
		of := rapid.SampledFrom(units).Draw(t, "unit")
		m := Member{"p", topics.Person{UnitID: "library", Roles: []topics.RoleGrant{{Role: "superuser", UnitID: of}}}}
		p := auth.Principal{Subject: "p", Tenant: "granvik", Grants: Grants(m, nil, chart, time.Now())}
		at := rapid.SampledFrom(units).Draw(t, "object")
		below := at == of || slices.Contains(chart.Below(of), at)
		if auth.Allow(p, auth.ActionCaseHandle, auth.Object{Tenant: "granvik", Unit: at}) != below {
			t.Fatalf("a superuser of %s at %s", of, at)
		}
	})
}

func TestADelegateHasTheRolesOnlyDuringTheAbsence_R23b(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	away := func(from, to time.Time) []Member {
		return []Member{{"leader", topics.Person{Delegate: "p", Absences: []topics.Period{{From: from, To: to}}}}}
	}
	responsible := func(covered []Member) bool {
		return slices.ContainsFunc(Grants(Member{"p", topics.Person{UnitID: "library"}}, covered, chart, now), func(g auth.Grant) bool {
			return g.Role == auth.RoleResponsible && g.Unit == "school"
		})
	}
	require.True(t, responsible(away(now, now.Add(time.Second))), "from the very second it begins")
	require.False(t, responsible(away(now.Add(-time.Hour), now)), "no longer in the one it ends")
	require.True(t, responsible(away(now.Add(-time.Hour), time.Time{})), "open")
	require.False(t, responsible(nil))
	left := away(now, time.Time{})
	left[0].Person.Left = true
	require.False(t, responsible(left))
}

func TestAnAdministratorIsNobodysEverydayAccount(t *testing.T) {
	t.Parallel()
	admin := topics.Person{UnitID: "top", Roles: []topics.RoleGrant{{Role: "administrator"}}, Absences: []topics.Period{{}}, Delegate: "p"}
	for _, g := range Grants(Member{"admin", admin}, nil, chart, time.Now()) {
		require.NotEqual(t, auth.RoleEmployee, g.Role)
	}
	for _, g := range Grants(Member{"p", topics.Person{UnitID: "top"}}, []Member{{"admin", admin}}, chart, time.Now()) {
		require.NotEqual(t, auth.RoleAdministrator, g.Role, "a delegate does not join the two")
	}
}

func TestSignInNamesHaveOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Kari@BO.example ": "kari@bo.example", "BJØRN@bo.example": "bjørn@bo.example", "bjo\u0308rn@bo.example": "björn@bo.example",
	} {
		name, domain, ok := NormalName(in)
		require.True(t, ok, in)
		require.Equal(t, want, name)
		require.Equal(t, "bo.example", domain)
	}
	for _, in := range []string{"", "kari", "@bo.example", "a b@bo.example", "kari@", "a@b@c.example"} {
		_, _, ok := NormalName(in)
		require.False(t, ok, in)
	}
}

func TestAHashIsVerifiedWithItsOwnParameters(t *testing.T) {
	t.Parallel()
	old, err := newHasher(Argon{MemoryKiB: 8 << 10, Passes: 1, Lanes: 1}, 1)
	require.NoError(t, err)
	hash, err := old.hash(context.Background(), "blåbærsyltetøy")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=8192,t=1,p=1$"))
	h, err := newHasher(Argon{MemoryKiB: 9 << 10, Passes: 2, Lanes: 1}, 1)
	require.NoError(t, err)
	ok, stale, err := h.verify(context.Background(), hash, "bla\u030aba\u0308rsyltetøy")
	require.NoError(t, err)
	require.False(t, ok, "another word")
	require.True(t, stale)
	ok, _, err = h.verify(context.Background(), hash, "bla\u030abærsyltetøy")
	require.NoError(t, err)
	require.True(t, ok, "composed or not, it is the same password")
	for _, broken := range []string{"", "x", "$argon2i$v=19$m=1,t=1,p=1$AA$AA", "$argon2id$v=19$m=1,t=0,p=1$AA$AA", "$argon2id$v=19$m=8,t=1,p=1$AA$"} {
		_, _, err := h.verify(context.Background(), broken, "x")
		require.Error(t, err, broken)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.slots <- struct{}{}
	_, err = h.hash(ctx, "x")
	require.ErrorIs(t, err, context.Canceled, "a flood waits, and those who leave do not hold it up")
}

func TestASealedSecretBelongsToItsAccount(t *testing.T) {
	t.Parallel()
	b, err := newBox(make([]byte, 32))
	require.NoError(t, err)
	sealed := b.seal([]byte("secret"), "one")
	plain, err := b.open(sealed, "one")
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	_, err = b.open(sealed, "two")
	require.Error(t, err)
	_, err = b.open(nil, "one")
	require.Error(t, err)
}

func TestHistoryIsKeptAndSameIsNoChange(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var e Entry[topics.Unit]
	changed, err := e.Set(topics.Unit{Name: "A"}, now, now, "p")
	require.NoError(t, err)
	require.True(t, changed)
	changed, err = e.Set(topics.Unit{Name: "A"}, now.Add(time.Hour), now.Add(time.Hour), "p")
	require.NoError(t, err)
	require.False(t, changed)
	e.End(now.Add(2*time.Hour), "p")
	f := topics.Fact{Versions: e.Versions}
	_, ok := f.At(now.Add(3 * time.Hour))
	require.False(t, ok)
	v, ok := f.At(now.Add(time.Hour))
	require.True(t, ok)
	require.JSONEq(t, `{"name":"A","level":0}`, string(v.Data))
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	ok := Default()
	require.NoError(t, ok.Validate())
	bad := Config{}
	err := bad.Validate()
	for _, key := range []string{"lockAfter", "lockFor", "stepUpFor", "minPassword", "hashing", "keyGeneration", "argon"} {
		require.ErrorContains(t, err, key)
	}
}
