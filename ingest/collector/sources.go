package collector

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

// sources is the register's sources as a table in memory, with the tenant that
// runs the IT host, which owns what comes from senders nobody registered.
// Safe for concurrent use.
type sources struct {
	log   *slog.Logger
	clock func() time.Time

	mu    sync.RWMutex
	facts map[string]topics.Fact // of sources, by tenant and id
	turns map[string]int         // of them
	maps  mappings
	hosts map[string]topics.Fact // tenants that are IT hosts
	read  map[string]bool        // topics that were read to their end
	ready chan struct{}

	// A decoded copy, renewed when a fact arrives and every second, because a
	// version's validity may begin or end meanwhile.
	taken    time.Time
	snapshot []Source
	changes  uint64 // how often the table became another
}

func newSources(log *slog.Logger, clock func() time.Time) *sources {
	return &sources{log: log, clock: clock, facts: map[string]topics.Fact{}, turns: map[string]int{}, maps: newMappings(), hosts: map[string]topics.Fact{}, read: map[string]bool{}, ready: make(chan struct{})}
}

// follow reads a topic of facts and goes on with what arrives.
func (s *sources) follow(ctx context.Context, b bus.Bus, topic string) error {
	return b.Follow(ctx, topic, s.handle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.read[topic] = true // a second time where the collector was started again
		if len(s.read) == 2 && !s.known() {
			close(s.ready)
		}
	})
}

// known says whether the table has been read to its end.
func (s *sources) known() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func (s *sources) handle(_ context.Context, batch []bus.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range batch {
		if len(m.Value) == 0 {
			continue // deletion comes as a version, a tombstone only tidies up
		}
		var f topics.Fact
		if err := json.Unmarshal(m.Value, &f); err != nil {
			s.log.Error("a fact could not be read", "topic", m.Topic, "offset", m.Offset)
			continue
		}
		s.put(f)
	}
	return nil
}

func (s *sources) put(f topics.Fact) {
	switch f.Kind {
	case topics.KindSource:
		s.facts[f.Tenant+"/"+f.ID], s.turns[f.Tenant+"/"+f.ID] = f, turns(f)
		s.taken = time.Time{}
	case topics.KindMapping:
		s.maps.put(f)
		s.taken = time.Time{}
	case topics.KindTenant:
		s.hosts[f.ID] = f
		s.changes++
	}
}

// current decodes a fact as it holds now.
func (s *sources) current(f topics.Fact) (Source, bool) {
	v, ok := f.At(s.clock())
	if !ok {
		return Source{}, false
	}
	src, err := topics.Decode[topics.Source](v)
	if err != nil {
		s.log.Error("a source of the register could not be read", "source", f.ID)
		return Source{}, false
	}
	return Source{ID: f.ID, Tenant: f.Tenant, Source: src, Turn: s.turns[f.Tenant+"/"+f.ID]}, true
}

// all is every source that there is now, in a fixed order.
func (s *sources) all() []Source {
	now := s.clock()
	s.mu.RLock()
	taken, list := s.taken, s.snapshot
	s.mu.RUnlock()
	if age := now.Sub(taken); !taken.IsZero() && age >= 0 && age < time.Second {
		return list
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list = nil
	for _, f := range s.facts {
		if src, ok := s.current(f); ok {
			s.maps.give(&src, s.snapshot, now)
			list = append(list, src)
		}
	}
	s.maps.keep(list)
	slices.SortFunc(list, func(a, b Source) int { return strings.Compare(a.Tenant+"/"+a.ID, b.Tenant+"/"+b.ID) })
	if !reflect.DeepEqual(list, s.snapshot) {
		s.changes++
	}
	s.taken, s.snapshot = now, list
	return list
}

// generation is another number whenever the table may be another: who holds a
// source for longer than a line looks it up again then.
func (s *sources) generation() uint64 {
	s.all() // a version's time may have come
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changes
}

// byID finds a source.
func (s *sources) byID(id string) (found Source, ok bool) {
	for _, src := range s.all() {
		if src.ID == id {
			return src, true
		}
	}
	return Source{}, false
}

// byKey finds the source that an API key belongs to.
func (s *sources) byKey(key string) (found Source, ok bool) {
	hash := topics.HashAPIKey(key)
	for _, src := range s.all() {
		if src.KeyHash != "" && src.KeyHash == hash {
			return src, true
		}
	}
	return Source{}, false
}

// unregistered is the id of the source that lines of unknown senders get.
const unregistered = "unregistered"

// byAddress finds the source that declares a sender's address most narrowly.
// An unknown sender's lines belong to the IT host's operations tenant; ok is
// false where there is none.
func (s *sources) byAddress(ip netip.Addr) (found Source, registered, ok bool) {
	ip, best := ip.Unmap().WithZone(""), -1
	for _, src := range s.all() {
		for _, declared := range src.Addresses {
			if bits, in := covers(declared, ip); in && bits > best {
				found, registered, best = src, true, bits
			}
		}
	}
	if registered {
		return found, true, true
	}
	found, ok = s.stranger()
	return found, false, ok
}

// stranger is the source of senders that nobody registered; ok is false where
// no tenant runs an IT host.
func (s *sources) stranger() (src Source, ok bool) {
	tenant, ok := s.operations()
	return Source{ID: unregistered, Tenant: tenant, Source: topics.Source{Kind: "syslog"}}, ok
}

// operations is the tenant that runs the IT host; of several the first by id.
func (s *sources) operations() (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	best := ""
	for id, f := range s.hosts {
		v, ok := f.At(s.clock())
		if !ok {
			continue
		}
		t, err := topics.Decode[topics.Tenant](v)
		if err == nil && t.Host && (best == "" || id < best) {
			best = id
		}
	}
	return best, best != ""
}
