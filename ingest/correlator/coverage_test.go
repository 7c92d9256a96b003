package correlator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

// noted is the window of the night with an approval that was given at one time
// and came on record at another.
func noted(given, onRecord time.Time) topics.Fact {
	requested, approved := night, night
	approved.ApprovedAt, approved.ApprovedBy = given, "p-eier"
	return fact(topics.KindAccessWindow, "w-night",
		version(requested, from(at("01:00")), recorded(at("01:00"))), version(approved, from(given), recorded(onRecord)))
}

// R24, R25: a vendor's account is closed until somebody has looked and opened
// it. An approval that nobody could know of had opened nothing.
func TestAnApprovalCountsFromWhenItCameOnRecord_R24_R25_C4(t *testing.T) {
	t.Parallel()
	first := at("03:12")
	for name, tc := range map[string]struct {
		given, onRecord time.Time
		explained       string // empty: the finding stands
	}{
		"before the login":                            {at("02:00"), at("02:00"), "register-corrected"},
		"given before, on record within the limit":    {at("02:00"), at("09:00"), "approval-recorded-afterwards"},
		"given before, on record at the limit":        {at("02:00"), first.Add(24 * time.Hour), "approval-recorded-afterwards"},
		"given before, on record after the limit":     {at("02:00"), first.Add(24*time.Hour + time.Second), ""},
		"given before, on record days later":          {at("02:00"), days(4), ""},
		"given after, on record with it":              {at("09:00"), at("09:00"), "approved-afterwards"},
		"given after within the limit, recorded late": {at("09:00"), days(4), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			w.see(w.login("03:12"))
			require.Equal(t, []string{"C4"}, w.rules())
			w.learn(noted(tc.given, tc.onRecord))

			known := newWorld(t, append(region(), noted(tc.given, tc.onRecord))...)
			known.see(known.login("03:12"))
			require.Equal(t, w.ids(), known.ids(), "whichever came first, the line or the entry")
			if tc.explained == "" {
				require.Equal(t, []string{"C4"}, w.rules())
				require.Equal(t, "window-not-approved", known.only().Reason.Slug)
				require.Equal(t, stamp(tc.onRecord), known.only().Reason.Params["approvedTooLate"])
				return
			}
			require.Empty(t, w.standing())
			why := w.lastWithdrawal().Explained
			require.Equal(t, tc.explained, why.Slug)
			if tc.explained == "approval-recorded-afterwards" {
				require.Equal(t, map[string]string{"approvedAt": stamp(tc.given), "recordedAt": stamp(tc.onRecord), "windowId": "w-night"}, why.Params)
				require.Equal(t, why, known.lastWithdrawal().Explained, "found and explained at once, so that it leaves a trace")
			}
		})
	}
}

func TestTheRecordOfAnApprovalIsItsFirst_R25_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	f := noted(at("02:00"), at("02:00"))
	longer, err := topics.Decode[topics.AccessWindow](f.Versions[1])
	require.NoError(t, err)
	longer.Reason = "Feilretting, presisert"
	f.Versions = append(f.Versions, version(longer, from(at("02:00")), recorded(days(3))))
	w.learn(f)
	w.see(w.login("03:12"))
	require.Empty(t, w.said, "a later entry that changes something else does not make the approval late")
}

func TestACorrectionOfTheSlotExplainsAndIsMarked_R25_C4_C5(t *testing.T) {
	t.Parallel()
	wrong := night
	wrong.From, wrong.To = at("13:00"), at("15:00") // typed in the wrong half of the day
	wrong.ApprovedAt, wrong.ApprovedBy = at("02:00"), "p-eier"
	right := wrong
	right.From, right.To = at("03:00"), at("05:00")
	corrected := fact(topics.KindAccessWindow, "w-night",
		version(wrong, from(at("02:00")), recorded(at("02:00"))), version(right, from(at("02:00")), recorded(days(3))))
	want := &topics.Reason{Slug: "window-corrected", Params: map[string]string{"recordedAt": stamp(days(3)), "windowId": "w-night"}}
	for name, c := range map[string]change{"C4": user("nf-ola"), "C5": user("kari")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, append(region(), fact(topics.KindAccessWindow, "w-night", corrected.Versions[0]))...)
			w.see(w.login("03:12", c, ip("10.9.1.1")))
			require.Equal(t, []string{name}, w.rules())
			w.learn(corrected)
			require.Empty(t, w.standing())
			require.Equal(t, want, w.lastWithdrawal().Explained)
			w.see(w.login("03:20", c, ip("10.9.1.1")))
			require.Empty(t, w.standing())
			require.Equal(t, want, w.lastWithdrawal().Explained, "a line that comes after the correction is marked too")
		})
	}
}

func TestACorrectionMakesFailedLoginsNoOffence_C4(t *testing.T) {
	t.Parallel()
	wrong := night
	wrong.From, wrong.To = at("13:00"), at("15:00")
	wrong.ApprovedAt, wrong.ApprovedBy = at("02:00"), "p-eier"
	right := wrong
	right.From, right.To = at("03:00"), at("05:00")
	w := newWorld(t, append(region(), fact(topics.KindAccessWindow, "w-night",
		version(wrong, from(at("02:00")), recorded(at("02:00"))), version(right, from(at("02:00")), recorded(days(3)))))...)
	w.see(w.fails("03:10", 5)...)
	w.pass(2 * time.Minute)
	require.Equal(t, []string{"C1"}, w.rules())
}
