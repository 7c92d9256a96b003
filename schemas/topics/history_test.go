package topics

import (
	"encoding/json"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func hour(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

func held(title string, from, to, recorded time.Time) Version {
	data, err := json.Marshal(Agreement{VendorID: "v", Title: title, Signed: true})
	if err != nil {
		panic(err)
	}
	return Version{ValidFrom: from, ValidTo: to, RecordedAt: recorded, Data: data}
}

func history(t *testing.T, versions ...Version) History[Agreement] {
	t.Helper()
	h, err := HistoryOf[Agreement](Fact{Kind: KindAgreement, ID: "a", Versions: versions})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestValidityIsHalfOpen(t *testing.T) {
	t.Parallel()
	h := history(t, held("a", hour(0), hour(2), hour(0)))
	for moment, want := range map[time.Time]bool{
		hour(0).Add(-1): false, hour(0): true, hour(2).Add(-1): true, hour(2): false,
	} {
		if _, ok := h.At(moment); ok != want {
			t.Errorf("at %s: %v", moment, ok)
		}
	}
}

func TestTheLaterRecordedCoversTheEarlier(t *testing.T) {
	t.Parallel()
	h := history(t, held("first", hour(0), time.Time{}, hour(0)), held("correction", hour(1), hour(2), hour(5)))
	for moment, want := range map[time.Time]string{hour(0): "first", hour(1): "correction", hour(2): "first"} {
		if v, ok := h.At(moment); !ok || v.Value.Title != want {
			t.Errorf("at %s: %q", moment, v.Value.Title)
		}
	}
	if v, _ := h.AsKnownAt(hour(1), hour(4)); v.Value.Title != "first" {
		t.Error("the correction was not known then")
	}
	if _, ok := h.AsKnownAt(hour(1), hour(0).Add(-1)); ok {
		t.Error("nothing was known then")
	}
}

func TestADeletionEndsAndALaterVersionBringsBack(t *testing.T) {
	t.Parallel()
	gone := Version{ValidFrom: hour(3), RecordedAt: hour(3), Deleted: true}
	back := held("again", hour(6), time.Time{}, hour(4))
	h := history(t, held("first", hour(0), time.Time{}, hour(0)), gone, back)
	if _, ok := h.At(hour(3)); ok {
		t.Error("ended")
	}
	if v, end, ok := h.Ended(hour(5)); !ok || !end.Equal(hour(3)) || v.Value.Title != "first" {
		t.Errorf("ended at %s: %v", end, ok)
	}
	if v, start, ok := h.Begins(hour(5)); !ok || !start.Equal(hour(6)) || v.Value.Title != "again" {
		t.Errorf("begins at %s: %v", start, ok)
	}
	if until, ok := h.Holds(hour(1)); !ok || !until.Equal(hour(3)) {
		t.Errorf("holds until %s", until)
	}
	if until, ok := h.Holds(hour(7)); !ok || !until.IsZero() {
		t.Errorf("holds until %s", until)
	}
	if v, ok := h.Last(); !ok || v.Value.Title != "again" {
		t.Error("last")
	}
	if _, _, ok := h.Ended(hour(7)); ok {
		t.Error("it exists")
	}
}

func TestAHistoryWithAHoleIsRefused(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]Version{"no data": {ValidFrom: noon}, "wrong data": {ValidFrom: noon, Data: json.RawMessage(`7`)}} {
		if _, err := HistoryOf[Agreement](Fact{Kind: KindAgreement, Versions: []Version{v}}); err == nil {
			t.Error(name)
		}
	}
}

func TestTheBestAgreementCounts_R25(t *testing.T) {
	t.Parallel()
	signed := func(id string, from, to time.Time, change func(*Agreement)) History[Agreement] {
		a := Agreement{VendorID: "v", Title: id, Signed: true, Annexes: Annexes}
		if change != nil {
			change(&a)
		}
		return History[Agreement]{ID: id, Versions: []Timed[Agreement]{{Version: Version{ValidFrom: from, ValidTo: to, RecordedAt: from}, Value: a}}}
	}
	expired := signed("expired", hour(-9), hour(-3), nil)
	older := signed("older", hour(-9), hour(-5), nil)
	bare := signed("bare", hour(-9), time.Time{}, func(a *Agreement) { a.Annexes = nil })
	unsigned := signed("unsigned", hour(-9), time.Time{}, func(a *Agreement) { a.Signed = false })
	coming := signed("coming", hour(3), time.Time{}, nil)
	whole := signed("whole", hour(-9), time.Time{}, nil)
	other := signed("other", hour(-9), time.Time{}, func(a *Agreement) { a.Systems = []string{"x"} })
	for name, tc := range map[string]struct {
		all   []History[Agreement]
		state AgreementState
		id    string
	}{
		"none":               {nil, AgreementMissing, ""},
		"of another system":  {[]History[Agreement]{other}, AgreementMissing, ""},
		"the one that ended": {[]History[Agreement]{older, expired}, AgreementExpired, "expired"},
		"coming":             {[]History[Agreement]{coming}, AgreementNotYetValid, "coming"},
		"not signed":         {[]History[Agreement]{expired, unsigned}, AgreementUnsigned, "unsigned"},
		"without annexes":    {[]History[Agreement]{unsigned, bare}, AgreementMissingAnnexes, "bare"},
		"whole":              {[]History[Agreement]{expired, bare, whole}, AgreementValid, "whole"},
	} {
		v := JudgeAgreements(tc.all, "v", "s", noon)
		if v.State != tc.state || v.ID != tc.id {
			t.Errorf("%s: %s %s", name, v.State, v.ID)
		}
		if v.State.Valid() != (name == "whole" || name == "without annexes") {
			t.Errorf("%s: valid %v", name, v.State.Valid())
		}
	}
}

func TestWhenAWindowCounts_C4(t *testing.T) {
	t.Parallel()
	slot := AccessWindow{VendorID: "v", Systems: []string{"s"}, From: hour(0), To: hour(4), ApprovedAt: hour(-1)}
	change := func(f func(*AccessWindow)) AccessWindow { w := slot; f(&w); return w }
	lasting := change(func(w *AccessWindow) { w.Duration = 2 * time.Hour })
	for name, tc := range map[string]struct {
		w             AccessWindow
		moment, first time.Time
		want          bool
	}{
		"start":                  {slot, hour(0), time.Time{}, true},
		"end":                    {slot, hour(4), time.Time{}, false},
		"not approved":           {change(func(w *AccessWindow) { w.ApprovedAt = time.Time{} }), hour(1), time.Time{}, false},
		"approved later":         {change(func(w *AccessWindow) { w.ApprovedAt = hour(2) }), hour(1), time.Time{}, false},
		"approved in the slot":   {change(func(w *AccessWindow) { w.ApprovedAt = hour(2) }), hour(2), time.Time{}, true},
		"revoked":                {change(func(w *AccessWindow) { w.RevokedAt = hour(2) }), hour(2), time.Time{}, false},
		"before revocation":      {change(func(w *AccessWindow) { w.RevokedAt = hour(2) }), hour(1), time.Time{}, true},
		"first use":              {lasting, hour(3), time.Time{}, true},
		"first use after slot":   {lasting, hour(4), time.Time{}, false},
		"within the duration":    {lasting, hour(4), hour(3), true},
		"duration over":          {lasting, hour(5), hour(3), false},
		"duration over in slot":  {lasting, hour(2), hour(0), false},
		"revoked while it lasts": {change(func(w *AccessWindow) { w.Duration, w.RevokedAt = 2*time.Hour, hour(4) }), hour(4), hour(3), false},
	} {
		if got := tc.w.Counts(tc.moment, tc.first); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !slot.On("v", "s") || slot.On("v", "x") || slot.On("x", "s") {
		t.Error("on")
	}
	if !slot.Admits("anyone") || change(func(w *AccessWindow) { w.Persons = []string{"p"} }).Admits("q") {
		t.Error("admits")
	}
}

// Sources that were registered must go on being recognised: the digest is that
// of FIPS 180-2, appendix B.1.
func TestAnAPIKeyIsKeptAsItsDigest_R36(t *testing.T) {
	t.Parallel()
	if got := HashAPIKey("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Fatalf("got %s", got)
	}
}
