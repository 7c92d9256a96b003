package correlator

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// story draws events of some accounts on some hosts around the edges of
// windows, some of them a second apart, with locks and repeats among them.
func story(rt *rapid.T, w *world) []*ecs.Event {
	users := []string{"nf-ola", "nf-siv", "kari", "root"}
	n := rapid.IntRange(5, 60).Draw(rt, "events")
	now := at("07:40")
	var events []*ecs.Event
	for i := range n {
		now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 1, 2, 5, 20, 61, 300, 900}).Draw(rt, fmt.Sprint("gap", i))) * time.Second)
		changes := []change{user(rapid.SampledFrom(users).Draw(rt, fmt.Sprint("user", i)))}
		switch rapid.IntRange(0, 9).Draw(rt, fmt.Sprint("kind", i)) {
		case 0, 1, 2, 3, 4, 5:
			changes = append(changes, failed)
		case 6:
			changes = append(changes, locked)
		case 7:
			changes = append(changes, failed, repeat(2))
		case 8:
			changes = append(changes, closed)
		}
		changes = append(changes, process(rapid.IntRange(1, 3).Draw(rt, fmt.Sprint("process", i))))
		changes = append(changes, host(rapid.SampledFrom([]string{"ark01", "lonn01"}).Draw(rt, fmt.Sprint("host", i))),
			ip(rapid.SampledFrom([]string{"10.9.1.1", "10.9.1.2", "10.9.9.9", "192.0.2.1"}).Draw(rt, fmt.Sprint("ip", i))),
			source(rapid.SampledFrom([]string{"s1", "s2"}).Draw(rt, fmt.Sprint("source", i))))
		e := w.login("12:00", changes...)
		e.Timestamp = now
		events = append(events, e)
		if rapid.IntRange(0, 9).Draw(rt, fmt.Sprint("twin", i)) == 0 { // the same line, received twice
			e.Timestamp = e.Timestamp.Add(500 * time.Millisecond)
			twin := *e
			twin.Event.ID = id.Of("twin", fmt.Sprint(i))
			twin.Log = &ecs.Log{Offset: e.Log.Offset + 50, File: e.Log.File}
			events = append(events, &twin)
		}
	}
	return events
}

// shuffled orders events by an arrival no later than lateness after them, and
// delivers some twice.
func shuffled(rt *rapid.T, events []*ecs.Event, lateness time.Duration) []*ecs.Event {
	type arrival struct {
		e  *ecs.Event
		at time.Time
	}
	var list []arrival
	for i, e := range events {
		late := time.Duration(rapid.IntRange(0, int(lateness/time.Second)).Draw(rt, fmt.Sprint("late", i))) * time.Second
		list = append(list, arrival{e, e.Timestamp.Add(late)})
		if rapid.IntRange(0, 5).Draw(rt, fmt.Sprint("twice", i)) == 0 {
			list = append(list, arrival{e, e.Timestamp.Add(late + time.Second)})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	out := make([]*ecs.Event, len(list))
	for i, a := range list {
		out[i] = a.e
	}
	return out
}

// ids of what stands in the end, with the rule for a readable difference.
func (w *world) ids() []string {
	var list []string
	for _, f := range w.standing() {
		list = append(list, f.Rule+" "+f.ID)
	}
	slices.Sort(list)
	return list
}

// propertyRegister has windows of every kind: with a duration, approved on
// paper before it came on record, and corrected when most is over.
func propertyRegister() []topics.Fact {
	late := topics.AccessWindow{VendorID: "nordlys", Systems: []string{"arkivum"}, From: at("11:00"), To: at("12:00"), ApprovedBy: "p-eier", ApprovedAt: at("10:50")}
	wrong := late
	wrong.From, wrong.To, wrong.ApprovedAt = at("13:00"), at("13:10"), days(-1)
	right := wrong
	right.From, right.To = at("12:00"), at("14:00")
	return append(slicesWithout(slicesWithout(region(), "w-day"), "p-kari"),
		window("w-two", at("08:00"), at("10:00"), lasting(40*time.Minute)),
		window("w-ten", at("10:00"), at("11:00")),
		fact(topics.KindAccessWindow, "w-late", version(late, from(at("10:50")), recorded(at("11:30")))),
		fact(topics.KindAccessWindow, "w-wrong", version(wrong, from(days(-2)), recorded(days(-2))), version(right, from(days(-2)), recorded(at("20:00")))),
		fact(topics.KindPerson, "p-kari", employed, left(from(at("09:00")), recorded(days(-5)))))
}

// Shuffled within the lateness, delivered twice, with a restart in between and
// time passing: the same findings stand in the end.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		straight := newWorld(t, propertyRegister()...)
		events := story(rt, straight)
		straight.see(events...)
		straight.pass(2 * time.Hour)

		other := newWorld(t, propertyRegister()...)
		mixed := shuffled(rt, events, DefaultParams().Lateness)
		restart := rapid.IntRange(0, len(mixed)).Draw(rt, "restart")
		for i, e := range mixed {
			if i == restart {
				other = reborn(t, other, mixed[:i])
			}
			other.see(e)
			if rapid.IntRange(0, 7).Draw(rt, fmt.Sprint("tick", i)) == 0 {
				other.pass(time.Duration(rapid.IntRange(1, 90).Draw(rt, fmt.Sprint("wall", i))) * time.Second)
			}
		}
		other.pass(2 * time.Hour)
		if a, b := straight.ids(), other.ids(); !slices.Equal(a, b) {
			rt.Fatalf("in order: %v\nmixed:    %v", a, b)
		}
	})
}

// reborn is a core that starts anew with what the ledger and the look-back
// hold, and with the events before it replayed, as the runner does it.
func reborn(t testing.TB, old *world, seen []*ecs.Event) *world {
	w := &world{t: t, now: old.now, said: old.said, core: NewCore(old.core.opt)}
	if _, errs := w.core.Facts(propertyRegister(), w.now); len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, a := range old.core.Kept() {
		w.core.Restore(a)
	}
	triggers, stands := map[string]string{}, old.standing()
	for _, o := range old.said {
		triggers[o.Finding.ID] = o.Trigger
	}
	for _, id := range slices.Sorted(maps.Keys(stands)) {
		w.core.RestoreFinding(triggers[id], stands[id], false)
	}
	w.keep(w.core.Start(w.now))
	w.see(seen...)
	w.keep(w.core.Replayed())
	return w
}

// A register that was known before and one that is learned in the end judge alike.
func TestWhenTheRegisterIsLearnedDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		facts := propertyRegister()
		before := newWorld(t, facts...)
		events := story(rt, before)
		before.see(events...)

		// Accounts, their holders and systems are known (of others no attempts are kept), the rest comes one by one in any order.
		var known, later []topics.Fact
		for _, f := range facts {
			switch f.Kind {
			case topics.KindAccount, topics.KindSystem, topics.KindVendor, topics.KindPerson:
				known = append(known, f)
			default:
				later = append(later, f)
			}
		}
		after := newWorld(t, known...)
		cut := rapid.IntRange(0, len(events)).Draw(rt, "cut")
		after.see(events[:cut]...)
		order := make([]int, len(later))
		for i := range order {
			order[i] = i
		}
		for _, i := range rapid.Permutation(order).Draw(rt, "facts") {
			after.learn(later[i])
		}
		after.see(events[cut:]...)
		before.pass(2 * time.Hour)
		after.pass(2 * time.Hour)
		a, b := before.ids(), after.ids()
		if !slices.Equal(a, b) {
			rt.Fatalf("known before: %v\nlearned:      %v", a, b)
		}
	})
}
