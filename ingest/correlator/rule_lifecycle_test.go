package correlator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

func TestALoginAfterDeactivationIsAFinding_C8(t *testing.T) {
	t.Parallel()
	account := topics.Account{Name: "siri", PersonID: "p-siri"}
	for name, f := range map[string]topics.Fact{
		"ended by validity": fact(topics.KindAccount, "a-siri", version(account, until(at("12:00")))),
		"ended by deletion": fact(topics.KindAccount, "a-siri", version(account), version(nil, from(at("12:00")), recorded(at("12:30")), gone)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, append(region(), f)...)
			w.see(w.login("11:59:59", user("siri")))
			require.Empty(t, w.said)
			w.see(w.login("12:00", user("siri")))
			got := w.only()
			require.Equal(t, "C8", got.Rule)
			require.Equal(t, topics.FamilyLifeCycle, got.Family)
			require.Equal(t, "account-deactivated", got.Reason.Slug)
			require.Equal(t, stamp(at("12:00")), got.Reason.Params["since"])
			require.Equal(t, map[string]string{"account": "a-siri"}, got.Group)
		})
	}
}

func left(opts ...option) topics.Version {
	return version(topics.Person{Name: "Kari", UnitID: "u1", Left: true}, opts...)
}

var employed = version(topics.Person{Name: "Kari", UnitID: "u1"})

func TestALoginAfterLeavingIsAFinding_C8(t *testing.T) {
	t.Parallel()
	person := fact(topics.KindPerson, "p-kari", employed, left(from(at("12:00")), recorded(days(-5))))
	w := newWorld(t, append(region(), person)...)
	w.see(w.login("11:59", user("kari")))
	require.Empty(t, w.said)
	w.see(w.login("12:00", user("kari")))
	require.Equal(t, "person-left", w.only().Reason.Slug)
	require.Equal(t, stamp(at("12:00")), w.only().Reason.Params["since"])
	require.Equal(t, []string{"p-kari"}, w.only().Persons)
}

func TestLeavingRecordedLaterRaises_C8(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("kari")))
	require.Empty(t, w.said)
	w.learn(fact(topics.KindPerson, "p-kari", employed, left(from(days(-1)), recorded(days(1)))))
	require.Equal(t, []string{"C8"}, w.rules())
	again := version(topics.Person{Name: "Kari", UnitID: "u2"}, from(at("09:00")), recorded(days(1)))
	w.learn(fact(topics.KindPerson, "p-kari", employed, left(from(days(-1)), recorded(days(1))), again))
	require.Empty(t, w.standing(), "employed anew")
}

func TestTheDirectorysDeactivationBindsLocalAccounts_C8(t *testing.T) {
	t.Parallel()
	local := fact(topics.KindAccount, "a-local", version(topics.Account{Name: "kari-ark", Systems: []string{"arkivum"}, PersonID: "p-kari"}))
	facts := append(slicesWithout(region(), "a-kari"), local,
		fact(topics.KindAccount, "a-kari", version(topics.Account{Realm: "BØ", Name: "kari", PersonID: "p-kari"}, until(at("12:00")))))
	w := newWorld(t, facts...)
	w.see(w.login("11:00", user("kari-ark")))
	require.Empty(t, w.said)
	w.see(w.login("12:00", user("kari-ark")))
	require.Equal(t, "deactivated-in-directory", w.only().Reason.Slug)
}

func TestFailedLoginsAfterLeavingAreObservationsBelowFive_C8(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{4: {}, 5: {"C1", "C8"}} {
		w := newWorld(t, append(region(), fact(topics.KindPerson, "p-kari", left()))...)
		w.see(w.fails("12:00", n, user("kari"))...)
		w.pass(time.Minute)
		require.Equal(t, want, w.rules())
	}
}

func TestANameGivenToSomebodyNewIsTheirs_C8(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append(region(),
		fact(topics.KindAccount, "a-1", version(topics.Account{Name: "anne"}, until(days(-30)))),
		fact(topics.KindAccount, "a-2", version(topics.Account{Name: "anne"}, from(days(-10)))))...)
	w.see(w.login("12:00", user("anne")))
	require.Empty(t, w.said)
}

func TestAVendorsEndedAccountIsBoth_C8(t *testing.T) {
	t.Parallel()
	ended := fact(topics.KindAccount, "a-ola", version(topics.Account{Name: "nf-ola", VendorID: "nordlys", Systems: []string{"arkivum"}}, until(days(-1))))
	w := newWorld(t, append(slicesWithout(region(), "a-ola"), ended)...)
	w.see(w.login("03:12"))
	require.Equal(t, []string{"C4", "C8"}, w.rules())
}
