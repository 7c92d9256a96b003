package correlator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

func without(kind string) []topics.Fact {
	var list []topics.Fact
	for _, f := range region() {
		if f.Kind != kind {
			list = append(list, f)
		}
	}
	return list
}

func agreement(opts ...option) topics.Fact {
	return fact(topics.KindAgreement, "avtale", version(topics.Agreement{
		VendorID: "nordlys", Title: "DBA", Signed: true, Systems: []string{"arkivum"}, Annexes: topics.Annexes,
	}, opts...))
}

func TestOpeningWithoutAnAgreementIsAFinding_C6(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fact *topics.Fact
		slug string
	}{
		"missing":    {nil, "agreement-missing"},
		"expired":    {ptr(agreement(until(days(-10)))), "agreement-expired"},
		"not yet":    {ptr(agreement(from(days(10)))), "agreement-not-yet-valid"},
		"other":      {ptr(fact(topics.KindAgreement, "x", version(topics.Agreement{VendorID: "nordlys", Title: "DBA", Signed: true, Systems: []string{"lonn"}}))), "agreement-missing"},
		"of another": {ptr(fact(topics.KindAgreement, "x", version(topics.Agreement{VendorID: "fjord", Title: "DBA", Signed: true}))), "agreement-missing"},
		"not signed": {ptr(fact(topics.KindAgreement, "x", version(topics.Agreement{VendorID: "nordlys", Title: "DBA"}))), "agreement-unsigned"},
		"taken back": {ptr(fact(topics.KindAgreement, "avtale", agreement().Versions[0], version(nil, from(days(-3)), recorded(days(-3)), gone))), "agreement-expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := without(topics.KindAgreement)
			if tc.fact != nil {
				facts = append(facts, *tc.fact)
			}
			w := newWorld(t, facts...)
			f := w.only()
			require.Equal(t, "C6", f.Rule)
			require.Equal(t, tc.slug, f.Reason.Slug)
			require.Equal(t, "opened", f.Reason.Params["how"])
			require.Equal(t, at("08:00"), f.Time)
			require.Equal(t, "w-day", f.WindowID)
			require.Equal(t, map[string]string{"vendor": "nordlys", "system": "arkivum"}, f.Group)
			w.see(w.login("09:00"), w.login("10:00"))
			require.Equal(t, f.ID, w.only().ID, "opening and use are one")
			require.NotEmpty(t, w.only().Evidence)
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestAnAgreementWithoutAnnexesIsValid_C6(t *testing.T) {
	t.Parallel()
	bare := fact(topics.KindAgreement, "avtale", version(topics.Agreement{VendorID: "nordlys", Title: "DBA", Signed: true}))
	w := newWorld(t, append(without(topics.KindAgreement), bare)...)
	w.see(w.login("12:00"))
	w.pass(time.Hour)
	require.Empty(t, w.said)
}

func TestTheSecondANewAgreementBeginsIsCovered_C6(t *testing.T) {
	t.Parallel()
	for clock, want := range map[string]int{"08:00:00": 0, "08:00:01": 1} {
		w := newWorld(t, append(without(topics.KindAgreement), agreement(from(at(clock))))...)
		require.Len(t, w.standing(), want, clock)
	}
}

func TestUseAfterTheAgreementEndedIsAFinding_C6(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append(without(topics.KindAgreement), agreement(until(at("12:00"))))...)
	w.see(w.login("11:59:59"))
	require.Empty(t, w.said, "opened and used while it was valid")
	w.see(w.login("12:00"), w.login("13:00"))
	f := w.only()
	require.Equal(t, "C6", f.Rule)
	require.Equal(t, "used", f.Reason.Params["how"])
	require.Equal(t, at("12:00"), f.Time)
	require.Equal(t, stamp(at("12:00")), f.Reason.Params["agreementEnded"])
}

func TestAWindowWithADurationOpensWithItsFirstUse_C6(t *testing.T) {
	t.Parallel()
	facts := append(without(topics.KindAccessWindow), window("w-two", at("08:00"), at("18:00"), lasting(2*time.Hour)))
	for i := range facts {
		if facts[i].Kind == topics.KindAgreement {
			facts[i] = agreement(until(days(-1)))
		}
	}
	w := newWorld(t, facts...)
	w.pass(time.Hour)
	require.Empty(t, w.said)
	w.see(w.login("09:00"))
	require.Equal(t, []string{"C6"}, w.rules())
}

func TestAComingWindowIsJudgedWhenItOpens_C6(t *testing.T) {
	t.Parallel()
	facts := append(without(topics.KindAgreement), window("w-next", days(1).Add(time.Hour), days(1).Add(2*time.Hour)))
	facts = slicesWithout(facts, "w-day")
	w := newWorld(t, facts...)
	w.pass(59 * time.Minute)
	require.Empty(t, w.said)
	w.pass(time.Minute)
	require.Equal(t, "w-next", w.only().WindowID)
}

func slicesWithout(facts []topics.Fact, id string) (list []topics.Fact) {
	for _, f := range facts {
		if f.ID != id {
			list = append(list, f)
		}
	}
	return list
}

func TestAWindowNeverApprovedNeverOpened_C6(t *testing.T) {
	t.Parallel()
	facts := append(slicesWithout(without(topics.KindAgreement), "w-day"), window("w-req", at("08:00"), at("18:00"), func(w *topics.AccessWindow) { w.ApprovedAt = time.Time{} }))
	w := newWorld(t, facts...)
	w.pass(time.Hour)
	require.Empty(t, w.said)
}

func TestAWindowRevokedBeforeItsSlotNeverOpened_C6(t *testing.T) {
	t.Parallel()
	facts := append(slicesWithout(without(topics.KindAgreement), "w-day"), window("w-rev", at("08:00"), at("18:00"), func(w *topics.AccessWindow) { w.RevokedAt = at("07:00") }))
	w := newWorld(t, facts...)
	require.Empty(t, w.said)
}

func TestAnAgreementRecordedLaterWithdraws_C6(t *testing.T) {
	t.Parallel()
	w := newWorld(t, without(topics.KindAgreement)...)
	w.see(w.login("12:00"))
	require.Equal(t, []string{"C6"}, w.rules())
	w.learn(agreement(recorded(days(1))))
	require.Empty(t, w.standing())
	require.Equal(t, "register-corrected", w.lastWithdrawal().Explained.Slug)
}

func TestALoginOutsideAWindowUsesNone_C6(t *testing.T) {
	t.Parallel()
	facts := append(slicesWithout(region(), "avtale"), agreement(until(at("18:30"))))
	w := newWorld(t, facts...)
	w.see(w.login("19:00"))
	f := w.only()
	require.Equal(t, "C4", f.Rule)
	require.Equal(t, "expired", f.Reason.Params["agreement"])
}

func TestSomeoneMissingFromTheAccessListIsAFinding_C7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("nf-siv")))
	f := w.only()
	require.Equal(t, "C7", f.Rule)
	require.Equal(t, topics.FamilyVendorAccess, f.Family)
	require.Equal(t, "not-on-access-list", f.Reason.Slug)
	require.Equal(t, "account", f.Reason.Params["shownBy"])
	require.Equal(t, map[string]string{"vendor": "nordlys", "system": "arkivum"}, f.Group)
}

func TestTheCertificateComesFirst_C7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("nf-siv"), cert("per@nordlys")))
	require.Empty(t, w.said, "an account without an owner in the hands of somebody on the list")
	w.see(w.login("12:01", user("nf-siv"), cert("ukjent@nordlys")))
	require.Equal(t, "certificate", w.only().Reason.Params["shownBy"])
}

func TestTheAddressComesBeforeTheOwner_C7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("nf-siv"), ip("10.9.1.2")))
	require.Empty(t, w.said)
}

func TestAStationOnTheListCounts_C7(t *testing.T) {
	t.Parallel()
	list := fact(topics.KindVendorPerson, "vp-liv", version(topics.VendorPerson{VendorID: "nordlys", Name: "Liv", Networks: []string{"NF-PC-7"}}))
	w := newWorld(t, append(region(), list)...)
	w.see(w.login("12:00", user("nf-siv"), station("nf-pc-7")))
	require.Empty(t, w.said)
}

func TestTheOwnerOfTheAccountCountsLast_C7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00"), w.login("12:01", ip("10.9.200.1")))
	require.Empty(t, w.said)
}

func TestAConflictIsAFinding_C7(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string][]change{
		"certificate against owner":   {cert("per@nordlys")},
		"certificate against address": {user("nf-siv"), cert("ola@nordlys"), ip("10.9.1.2")},
		"address against owner":       {ip("10.9.1.2")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			w.see(w.login("12:00", tc...))
			f := w.only()
			require.Equal(t, "C7", f.Rule)
			require.Equal(t, "person-conflict", f.Reason.Slug)
		})
	}
}

func TestAnotherVendorsPersonIsNotOnTheList_C7(t *testing.T) {
	t.Parallel()
	other := fact(topics.KindVendorPerson, "vp-fjord", version(topics.VendorPerson{VendorID: "fjord", Name: "Ada", CertIDs: []string{"ada@fjord"}}))
	w := newWorld(t, append(region(), other)...)
	w.see(w.login("12:00", user("nf-siv"), cert("ada@fjord")))
	require.Equal(t, "C7", w.only().Rule)
}

func TestTheListIsReadAsItWasThen_C7(t *testing.T) {
	t.Parallel()
	row := topics.VendorPerson{VendorID: "nordlys", Name: "Siv", Accounts: []string{"a-siv"}}
	w := newWorld(t, append(region(), fact(topics.KindVendorPerson, "vp-siv", version(row, until(at("12:00")))))...)
	w.see(w.login("11:59:59", user("nf-siv")))
	require.Empty(t, w.said)
	w.see(w.login("12:00", user("nf-siv")))
	require.Equal(t, []string{"C7"}, w.rules())
	w.learn(fact(topics.KindVendorPerson, "vp-siv", version(row, until(at("12:00"))), version(row, from(at("13:00")), recorded(at("13:00")))))
	require.Equal(t, []string{"C7"}, w.rules(), "put on the list later")
	w.learn(fact(topics.KindVendorPerson, "vp-siv", version(row, until(at("12:00"))), version(row, from(at("11:00")), recorded(at("14:00")))))
	require.Empty(t, w.standing(), "was on the list, recorded later")
}

func TestAFailedLoginShowsNobody_C7(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("nf-siv"), failed))
	require.Empty(t, w.said)
}
