package correlator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

func TestALoginInAnApprovedWindowIsNothing_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00"), w.login("12:30", host("ark01.boe.example")), w.login("13:00", cert("ola@nordlys")))
	w.pass(time.Hour)
	require.Empty(t, w.said)
}

func TestALoginOutsideEveryWindowIsAFinding_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append(region(), window("w-before", days(-1).Add(8*time.Hour), days(-1).Add(18*time.Hour)))...)
	w.see(w.login("03:12", ip("10.9.1.1")))
	f := w.only()
	require.Equal(t, "C4", f.Rule)
	require.Equal(t, topics.FamilyVendorAccess, f.Family)
	require.Equal(t, map[string]string{"vendor": "nordlys", "system": "arkivum"}, f.Group)
	require.Equal(t, topics.SeverityHigh, f.Severity)
	require.Equal(t, "nordlys", f.VendorID)
	require.Equal(t, "arkivum", f.SystemID)
	require.Equal(t, []string{"vp-ola"}, f.Persons)
	require.Equal(t, []string{"a-ola"}, f.Accounts)
	require.Equal(t, []string{"10.9.1.1"}, f.Addresses)
	require.Equal(t, []string{"ark01"}, f.Hosts)
	require.Equal(t, topics.Reason{Slug: "outside-window", Params: map[string]string{
		"vendor": "Nordlys Fagsystemer AS", "vendorId": "nordlys", "system": "Arkivum", "systemId": "arkivum",
		"time": "2026-11-20T03:12:00Z", "lastWindowEnded": "2026-11-19T18:00:00Z", "nextWindowBegins": "2026-11-20T08:00:00Z",
		"agreement": "valid",
	}}, f.Reason)
	require.Len(t, f.Evidence, 1)
	require.Contains(t, f.Evidence[0].Original, "line")
	require.Len(t, f.Evidence[0].SHA256, 64)
}

func TestEveryOffendingLoginIsAFindingOfTheSameGroup_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12"), w.login("03:20", ip("10.9.1.1")))
	require.Equal(t, []string{"C4", "C4"}, w.rules())
}

func TestTheWindowIsHalfOpen_C4(t *testing.T) {
	t.Parallel()
	for clock, want := range map[string]int{"07:59:59": 1, "08:00:00": 0, "17:59:59": 0, "18:00:00": 1} {
		w := newWorld(t, region()...)
		w.see(w.login(clock))
		require.Len(t, w.standing(), want, clock)
	}
}

func TestAWindowOfAnotherSystemDoesNotCover_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", host("lonn01")))
	f := w.only()
	require.Equal(t, "C4", f.Rule)
	require.Equal(t, "lonn", f.SystemID)
}

func TestAWindowOfAnotherVendorDoesNotCover_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-fjord", at("08:00"), at("18:00"), func(w *topics.AccessWindow) { w.VendorID = "fjord" }))
	w := newWorld(t, facts...)
	require.Equal(t, []string{"C6"}, w.rules(), "and that vendor has no agreement")
	w.see(w.login("12:00"))
	require.Equal(t, []string{"C4", "C6"}, w.rules())
}

func TestAWindowThatIsNotApprovedDoesNotCount_C4(t *testing.T) {
	t.Parallel()
	facts := append(region(), window("w-night", at("02:00"), at("04:00"), func(w *topics.AccessWindow) { w.ApprovedAt = time.Time{} }))
	w := newWorld(t, facts...)
	w.see(w.login("03:12"))
	require.Equal(t, "window-not-approved", w.only().Reason.Slug)
	require.Equal(t, "w-night", w.only().WindowID)
}

func TestAVendorApprovesNothing_C4(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"nordlys", "vp-ola", "fjord"} {
		w := newWorld(t, append(region(), window("w-night", at("02:00"), at("04:00"), func(w *topics.AccessWindow) { w.ApprovedBy = by }))...)
		w.see(w.login("03:12"))
		require.Equal(t, "window-not-approved", w.only().Reason.Slug)
	}
}

func TestAWindowCountsUntilItIsRevoked_C4(t *testing.T) {
	t.Parallel()
	revoked := func(w *topics.AccessWindow) { w.RevokedAt = at("12:00") }
	for clock, want := range map[string]int{"11:59:59": 0, "12:00": 1, "15:00": 1} {
		w := newWorld(t, append(region()[:len(region())-1], window("w-day", at("08:00"), at("18:00"), revoked))...)
		w.see(w.login(clock))
		require.Len(t, w.standing(), want, clock)
		if want == 1 {
			require.Equal(t, "window-revoked", w.only().Reason.Slug)
		}
	}
}

func TestAWindowForNamedPeopleIsForThem_C4(t *testing.T) {
	t.Parallel()
	named := func(w *topics.AccessWindow) { w.Persons = []string{"vp-ola"} }
	facts := append(region()[:len(region())-1], window("w-day", at("08:00"), at("18:00"), named),
		fact(topics.KindVendorPerson, "vp-siv", version(topics.VendorPerson{VendorID: "nordlys", Name: "Siv", Accounts: []string{"a-siv"}})))
	w := newWorld(t, facts...)
	w.see(w.login("12:00"))
	require.Empty(t, w.said)
	w.see(w.login("12:00", user("nf-siv")))
	require.Equal(t, "person-not-in-window", w.only().Reason.Slug)
}

func lasting(d time.Duration) func(*topics.AccessWindow) {
	return func(w *topics.AccessWindow) { w.Duration = d }
}

func TestADurationRunsFromFirstUse_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-two", at("08:00"), at("18:00"), lasting(2*time.Hour)))
	w := newWorld(t, facts...)
	w.see(w.login("09:30"), w.login("10:00"), w.login("11:29:59"))
	require.Empty(t, w.said)
	w.see(w.login("11:30"))
	require.Equal(t, "window-duration-over", w.only().Reason.Slug)
}

func TestADurationBegunInTheSlotMayEndAfterIt_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-two", at("08:00"), at("18:00"), lasting(2*time.Hour)))
	w := newWorld(t, facts...)
	w.see(w.login("17:30"), w.login("19:00"))
	require.Empty(t, w.said)
	w.see(w.login("19:30"))
	require.Equal(t, []string{"C4"}, w.rules())
}

func TestADurationCannotBeginAfterTheSlot_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-two", at("08:00"), at("10:00"), lasting(2*time.Hour)))
	w := newWorld(t, facts...)
	w.see(w.login("10:00"))
	require.Equal(t, []string{"C4"}, w.rules())
}

func TestFirstUseIsASuccessfulLogin_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-two", at("08:00"), at("18:00"), lasting(2*time.Hour)))
	w := newWorld(t, facts...)
	w.see(w.login("08:30", failed), w.login("10:00"), w.login("11:00"))
	require.Empty(t, w.said)
}

func TestAnEarlierFirstUseThatComesLateMovesTheEnd_C4(t *testing.T) {
	t.Parallel()
	facts := append(region()[:len(region())-1], window("w-two", at("08:00"), at("18:00"), lasting(2*time.Hour)))
	w := newWorld(t, facts...)
	w.see(w.login("10:00"), w.login("11:58"))
	require.Empty(t, w.said)
	w.see(w.login("09:57"))
	require.Equal(t, at("11:58"), w.only().Time)
}

func approve(w topics.AccessWindow, when time.Time) topics.Fact {
	requested := w
	requested.ApprovedAt, requested.ApprovedBy = time.Time{}, ""
	w.ApprovedAt, w.ApprovedBy = when, "p-eier"
	return fact(topics.KindAccessWindow, "w-night",
		version(requested, from(at("05:00")), recorded(at("05:00"))), version(w, from(when), recorded(when)))
}

var night = topics.AccessWindow{VendorID: "nordlys", Systems: []string{"arkivum"}, From: at("03:00"), To: at("05:00"), Emergency: true}

func TestApprovalAfterwardsWithinTheLimitWithdraws_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12"), w.login("04:00"), w.login("05:30"))
	require.Equal(t, []string{"C4", "C4", "C4"}, w.rules(), "raised at once")
	w.learn(approve(night, at("09:00")))
	require.Equal(t, at("05:30"), w.only().Time, "only what the window is about")
	gone := w.lastWithdrawal()
	require.Equal(t, "approved-afterwards", gone.Explained.Slug)
	require.Equal(t, stamp(at("09:00")), gone.Explained.Params["approvedAt"])
	require.Equal(t, "w-night", gone.Explained.Params["windowId"])
}

func TestTheEmergencyLimitRunsFromTheFirstLogin_C4(t *testing.T) {
	t.Parallel()
	first := at("03:12")
	for name, tc := range map[string]struct {
		approved time.Time
		want     int
	}{"24 h after the first": {first.Add(24 * time.Hour), 0}, "a second later": {first.Add(24*time.Hour + time.Second), 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			w.see(w.login("03:12"), w.login("04:50"))
			w.learn(approve(night, tc.approved))
			require.Len(t, w.standing(), tc.want)
		})
	}
}

func TestAVendorsApprovalAfterwardsWithdrawsNothing_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12"))
	f := approve(night, at("09:00"))
	byVendor := night
	byVendor.ApprovedAt, byVendor.ApprovedBy = at("09:00"), "vp-ola"
	f.Versions[1] = version(byVendor, from(at("09:00")), recorded(at("09:00")))
	w.learn(f)
	require.Equal(t, []string{"C4"}, w.rules())
}

func TestAnApprovalTakenBackAsAnErrorRaisesAgain_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12"))
	f := approve(night, at("09:00"))
	w.learn(f)
	require.Empty(t, w.standing())
	f.Versions = append(f.Versions, version(night, from(at("05:00")), recorded(at("11:00"))))
	w.learn(f)
	require.Equal(t, []string{"C4"}, w.rules())
}

func TestAnApprovalGivenBeforeAndRecordedLaterWithdraws_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12"))
	early := night
	early.ApprovedAt, early.ApprovedBy = at("02:00"), "p-eier"
	w.learn(fact(topics.KindAccessWindow, "w-night", version(early, from(at("02:00")), recorded(at("09:00")))))
	require.Empty(t, w.standing())
	require.Equal(t, "register-corrected", w.lastWithdrawal().Explained.Slug)
}

func TestAnExtensionDoesNotReachBack_C4(t *testing.T) {
	t.Parallel()
	short := topics.AccessWindow{VendorID: "nordlys", Systems: []string{"arkivum"}, From: at("08:00"), To: at("18:00"), ApprovedAt: days(-1), ApprovedBy: "p-eier"}
	long := short
	long.To = at("22:00")
	facts := append(region()[:len(region())-1], fact(topics.KindAccessWindow, "w-day",
		version(short, from(days(-1)), recorded(days(-1))), version(long, from(at("19:00")), recorded(at("19:00")))))
	w := newWorld(t, facts...)
	w.see(w.login("10:00"), w.login("18:30"), w.login("20:00"))
	require.Equal(t, at("18:30"), w.only().Time)
}

func TestALaterRecordedRevocationRaises_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00"))
	require.Empty(t, w.said)
	f := region()[len(region())-1]
	data, _ := topics.Decode[topics.AccessWindow](f.Versions[0])
	data.RevokedAt = at("11:00")
	f.Versions = append(f.Versions, version(data, from(at("11:00")), recorded(at("16:00"))))
	w.learn(f)
	require.Equal(t, "window-revoked", w.only().Reason.Slug)
}

func TestFailedVendorLoginsAreObservationsBelowFive_C4(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{4: {}, 5: {"C1", "C4"}, 9: {"C1", "C4"}} {
		w := newWorld(t, region()...)
		w.see(w.fails("03:00", n)...)
		w.pass(time.Minute)
		require.Equal(t, want, w.rules(), "%d failures", n)
		require.Positive(t, w.core.Counts().Observations)
	}
}

func TestFailedVendorLoginsInAWindowAreNotC4_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.fails("12:00", 9)...)
	w.pass(time.Minute)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestFiveFailuresOfAVendorOverItsAccounts_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.fails("03:00", 3)...)
	w.see(w.fails("03:01", 2, user("nf-siv"))...)
	w.pass(time.Minute)
	f := w.only()
	require.Equal(t, "C4", f.Rule)
	require.Equal(t, "failed-outside-window", f.Reason.Slug)
	require.Len(t, f.Evidence, 5)
}

func TestPlainUDPAloneIsMediumAtMost_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12", provenance(ecs.ProvenanceUDP)))
	require.Equal(t, topics.SeverityMedium, w.only().Severity)
	w = newWorld(t, region()...)
	w.see(w.fails("03:00", 4, provenance(ecs.ProvenanceUDP))...)
	w.see(w.login("03:00:10", failed, provenance(ecs.ProvenanceTCP)))
	require.Equal(t, topics.SeverityHigh, w.only().Severity, "one line that cannot be forged carries the rest")
}

func TestOnlyAttemptsDecide_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12", notAttempt))
	require.Empty(t, w.said)
}

func TestAVendorsAddressInAnUnknownAccountIsAVendorLogin_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:12", user("svc-backup"), ip("10.9.4.4")))
	require.Contains(t, w.rules(), "C4")
	w = newWorld(t, region()...)
	w.see(w.login("03:12", user("svc-backup"), ip("10.77.4.4")))
	require.Empty(t, w.said)
}

func TestASystemThatNamesTheProgramOwnsItsLines_C4(t *testing.T) {
	t.Parallel()
	facts := append(region(), fact(topics.KindSystem, "vpn", version(topics.System{Name: "VPN", UnitID: "u1", Hosts: []string{"ark01"}, Services: []string{"openvpn"}})))
	w := newWorld(t, facts...)
	w.see(w.login("12:00"))
	require.Empty(t, w.said)
	vpn := func(e *ecs.Event) { e.Process.Name, e.Event.Dataset = "openvpn", "openvpn" }
	w.see(w.login("12:00", vpn))
	require.Equal(t, "vpn", w.only().SystemID)
}

func TestAHostThatIsInNoSystemIsItsOwnGroup_C4(t *testing.T) {
	t.Parallel()
	anywhere := fact(topics.KindAccount, "a-any", version(topics.Account{Name: "nf-any", VendorID: "nordlys", PersonID: "vp-ola"}))
	w := newWorld(t, append(region(), anywhere)...)
	w.see(w.login("12:00", user("nf-any"), host("vpn07")))
	f := w.only()
	require.Equal(t, map[string]string{"vendor": "nordlys", "system": "host:vpn07"}, f.Group)
	require.Empty(t, f.SystemID)
	require.Equal(t, "vpn07", f.Reason.Params["system"])
}

// C5

func TestAVendorsAddressInAUserAccountIsAFinding_C5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:00", user("kari"), ip("10.9.77.1")))
	f := w.only()
	require.Equal(t, "C5", f.Rule)
	require.Equal(t, topics.FamilyForeignAccount, f.Family)
	require.Equal(t, map[string]string{"account": "a-kari"}, f.Group)
	require.Equal(t, "vendor-source-in-user-account", f.Reason.Slug)
	require.Equal(t, "nordlys", f.VendorID)
	require.Equal(t, "Nordlys Fagsystemer AS", f.Reason.Params["vendor"])
}

func TestAVendorPersonInAUserAccountIsAFinding_C5(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change{"certificate": cert("ola@nordlys"), "key": key("SHA256:ola"), "address": ip("10.9.1.1")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			w.see(w.login("03:00", user("kari"), c))
			f := w.only()
			require.Equal(t, "C5", f.Rule)
			require.Equal(t, "vendor-person-in-user-account", f.Reason.Slug)
			require.Equal(t, []string{"vp-ola"}, f.Persons)
		})
	}
}

func TestAnEmployeeFromElsewhereIsNothing_C5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:00", user("kari")), w.login("12:00", user("kari"), ip("10.1.1.1")))
	require.Empty(t, w.said)
}

func TestAnApprovedWindowIsPermission_C5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", user("kari"), ip("10.9.77.1")))
	require.Empty(t, w.said)
	w.see(w.login("12:00", user("kari"), ip("10.9.77.1"), host("lonn01")))
	require.Equal(t, "C5", w.only().Rule, "of that system only")
}

func TestAFailedLoginIsNotSeenInAnAccount_C5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:00", user("kari"), ip("10.9.77.1"), failed))
	require.Empty(t, w.said)
}

func TestPermissionRecordedLaterWithdraws_C5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("03:30", user("kari"), ip("10.9.77.1")))
	w.learn(approve(night, at("09:00")))
	require.Empty(t, w.standing())
	require.Equal(t, "approved-afterwards", w.lastWithdrawal().Explained.Slug)
}

func TestAGuestAccountIsNotAnOrdinaryOne_C5(t *testing.T) {
	t.Parallel()
	guest := fact(topics.KindAccount, "a-gjest", version(topics.Account{Name: "gjest1", Flags: []string{"guest"}}))
	w := newWorld(t, append(region(), guest)...)
	w.see(w.login("03:00", user("gjest1"), ip("10.9.1.1")))
	require.Equal(t, "C4", w.only().Rule)
}

func TestTheNarrowestRangeSaysWhoseAddressItIs_C5(t *testing.T) {
	t.Parallel()
	inner := fact(topics.KindVendor, "inner", version(topics.Vendor{Name: "Inner", Networks: []string{"10.9.50.0/24"}}))
	w := newWorld(t, append(region(), inner)...)
	w.see(w.login("03:00", user("kari"), ip("10.9.50.9")))
	require.Equal(t, "inner", w.only().VendorID)
}

// C6

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

// C7

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
