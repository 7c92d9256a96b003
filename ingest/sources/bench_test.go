package sources

import (
	"fmt"
	"testing"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// BenchmarkCount is what the account costs of our own CPU for each event: the
// reading of its JSON and the counting, apart from the bus and the store.
func BenchmarkCount(b *testing.B) {
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	original := "<38>Nov 22 10:30:00 arkiv01 sshd[4711]: Failed password for invalid user kari from 192.0.2.7 port 51022 ssh2"
	e := ecs.Event{
		Timestamp: at, Message: original[31:],
		Event: ecs.Meta{ID: "01", Kind: "event", Category: []string{"authentication"}, Type: []string{"start"}, Action: "login", Outcome: "failure",
			Dataset: "sshd", Original: original, Hash: fmt.Sprintf("%064d", 7), Created: at},
		User: &ecs.User{Name: "kari"}, Source: &ecs.Endpoint{IP: "192.0.2.7", Port: 51022}, Host: &ecs.Host{Name: "arkiv01"},
		Process: &ecs.Process{Name: "sshd", PID: 4711},
		Varde:   ecs.Varde{Tenant: "bo", Source: "01arz3ndektsv4rrffq69g5fav", Partition: "bo.standard.2026-11-22", Provenance: "tcp", Parser: "sshd", Attempt: true},
	}
	value := e.AppendJSON(nil)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	var d Day
	batch := make([]Arrival, 0, 2000)
	for n := 0; b.Loop(); n++ {
		batch = append(batch, ofEvent(bus.Message{Tenant: "bo", Type: topics.TypeEvent, Value: value, Offset: int64(n)})...)
		if len(batch) == cap(batch) {
			d.add("events/0", batch, oslo)
			batch = batch[:0]
		}
	}
}
