package correlator

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"varde.internal/schemas/ecs"
)

// BenchmarkCore reads b.N attempts of 500 accounts on two hosts, a tenth of
// them of vendors, four fifths of them failures.
func BenchmarkCore(b *testing.B) {
	w := newWorld(b, region()...)
	w.core.opt.Limit = 50_000
	events := make([]*ecs.Event, 0, b.N)
	for i := range b.N {
		changes := []change{user(fmt.Sprint("u", i%500)), host([]string{"ark01", "lonn01"}[i%2])}
		if i%10 == 0 {
			changes[0] = user("nf-ola")
		}
		if i%5 != 0 {
			changes = append(changes, failed)
		}
		e := w.login("08:30", changes...)
		e.Timestamp = e.Timestamp.Add(time.Duration(i) * 200 * time.Microsecond)
		events = append(events, e)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, e := range events {
		w.core.Event(e, nil, false, w.now)
		w.core.Kept()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkMemory takes failed passwords in, as sshd writes them, and measures
// what of them stays: of accounts tried once each, and of ones tried ten times.
func BenchmarkMemory(b *testing.B) {
	for name, tries := range map[string]int{"once": 1, "ten": 10} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, region()...)
			kept := 0
			before := heap()
			for b.Loop() {
				n := 50_000
				for i := range n {
					w.core.Event(tried(w, kept+i, fmt.Sprintf("user%06d", (kept+i)/tries)), nil, false, w.now)
				}
				kept += n
			}
			grown := heap() - before
			stay := 0
			for _, s := range w.core.tenant(boe).runs {
				stay += s.count
			}
			b.ReportMetric(float64(grown)/float64(stay), "B/attempt")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(kept), "ns/event")
			runtime.KeepAlive(w)
		})
	}
}

// BenchmarkStorm tries 300,000 accounts once each within five minutes, and
// measures what that takes at its end, and when nothing late can bear on it.
func BenchmarkStorm(b *testing.B) {
	for b.Loop() {
		w := newWorld(b, region()...)
		before := heap()
		for i := range 300_000 {
			w.core.Event(tried(w, i, fmt.Sprintf("user%06d", i)), nil, false, w.now)
		}
		b.ReportMetric(float64(heap()-before)/1e6, "MB-at-its-end")
		w.pass(27 * time.Minute)
		w.core.Sweep(w.now)
		b.ReportMetric(max(0, float64(heap())-float64(before))/1e6, "MB-after")
		runtime.KeepAlive(w)
	}
}

// tried is a failed password a millisecond after the one before.
func tried(w *world, n int, name string) *ecs.Event {
	e := w.login("08:30", failed, user(name))
	e.Timestamp = e.Timestamp.Add(time.Duration(n) * time.Millisecond)
	e.Event.Created = e.Timestamp
	e.Event.Original = fmt.Sprintf("%s ark01 sshd-session[%d]: Failed password for invalid user %s from 192.0.2.7 port %d ssh2",
		e.Timestamp.Format(time.RFC3339Nano), 1000+n%30000, name, 1024+n%60000)
	e.Event.Hash = hashOf(e.Event.Original)
	return e
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one let go, of handles and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRegisterChange judges 10,000 kept logons of a vendor again.
func BenchmarkRegisterChange(b *testing.B) {
	w := newWorld(b, region()...)
	w.core.opt.Limit = 20_000
	for i := range 10_000 {
		e := w.login("08:30", ip("10.9.1.1"))
		e.Timestamp = e.Timestamp.Add(time.Duration(i) * time.Second)
		w.core.Event(e, nil, false, w.now)
	}
	f := region()
	b.ResetTimer()
	for range b.N {
		w.learn(f[len(f)-1])
	}
}
