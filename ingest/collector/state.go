package collector

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// states are how it goes with what the collector fetches by itself: topics of
// another Kafka, and services that are polled. Safe for concurrent use.
type states struct {
	mu  sync.Mutex
	all map[string]*stateOne
}

type stateOne struct {
	err error // nil: it goes well
}

// stateOf is one of them.
type stateOf struct {
	*states
	one *stateOne
	of  string
	m   *Module
}

func (m *Module) state(of string) stateOf {
	m.fetched.mu.Lock()
	defer m.fetched.mu.Unlock()
	if m.fetched.all == nil {
		m.fetched.all = map[string]*stateOne{}
	}
	one := m.fetched.all[of]
	if one == nil {
		one = &stateOne{}
		m.fetched.all[of] = one
	}
	return stateOf{&m.fetched, one, of, m}
}

// failed keeps why it does not go well; it is logged when it begins or changes.
// The error holds no address, name or secret.
func (s stateOf) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.one.err == nil || s.one.err.Error() != err.Error() {
		s.m.deps.Log.Warn("a source cannot be fetched; trying again", "from", s.of, "err", err)
	}
	s.one.err = err
}

// fine says that it went well.
func (s stateOf) fine() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.one.err != nil {
		s.m.deps.Log.Info("a source can be fetched again", "from", s.of)
	}
	s.one.err = nil
}

// notice is what an operator is told with readiness: it keeps nobody from
// sending, so it does not make the collector unready.
func (s *states) notice() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, of := range slices.Sorted(maps.Keys(s.all)) {
		if err := s.all[of].err; err != nil {
			errs = append(errs, errors.New(of+": "+err.Error()))
		}
	}
	return errors.Join(errs...)
}
