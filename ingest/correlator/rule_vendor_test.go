package correlator

import (
	"fmt"
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

func TestARepeatOfALineCountsOnce_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	events := w.fails("03:00:00.250", 4)
	for i, e := range events { // each comes a second time, from another place in the file
		twin := *e
		twin.Event.ID, twin.Log = fmt.Sprint("twin", i), &ecs.Log{Offset: 1 << 30}
		events = append(events, &twin)
	}
	w.see(events...)
	w.pass(time.Minute)
	require.Empty(t, w.said, "four lines are four failures")
	w.see(w.login("03:00:10.250", failed))
	require.Equal(t, []string{"C4"}, w.rules())
	require.Len(t, w.only().Evidence, 5)
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
