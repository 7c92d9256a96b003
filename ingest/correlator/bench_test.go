package correlator

import (
	"fmt"
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
