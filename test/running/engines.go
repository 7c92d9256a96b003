package running

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"varde.internal/test/engines"
)

// Engines are real engines for an installation in processes of its own, which
// tests may kill.
type Engines struct {
	Of map[engines.Kind]*engines.Engine
}

// MissingEngine says which engine cannot be had here.
type MissingEngine struct {
	Kind engines.Kind
	Err  error
}

func (m MissingEngine) Error() string { return fmt.Sprintf("%s: %v", m.Kind, m.Err) }

// LaunchEngines starts one of each, with empty folders; a MissingEngine where
// one cannot be had.
func LaunchEngines(ctx context.Context) (*Engines, error) {
	set := &Engines{Of: map[engines.Kind]*engines.Engine{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, kind := range engines.Kinds {
		wg.Go(func() {
			e, err := engines.LaunchOwn(ctx, kind)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, MissingEngine{kind, err})
				return
			}
			set.Of[kind] = e
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		set.Discard()
		return nil, errors.Join(errs...)
	}
	return set, nil
}

// Discard ends them and removes their data.
func (e *Engines) Discard() {
	for _, engine := range e.Of {
		engine.Discard()
	}
}

// Env is how the binary is told where they are.
func (e *Engines) Env() []string {
	return []string{
		"VARDE_BUS=" + e.Of[engines.KindKafka].URL,
		"VARDE_EVENTS=" + e.Of[engines.KindElasticsearch].URL,
		"VARDE_DOCUMENTS=" + e.Of[engines.KindMongo].URL,
	}
}
