package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// errAsItWas ends an update that would change nothing.
var errAsItWas = errors.New("sources: nothing changed")

// behind is how far what is counted lies behind what came.
type behind struct {
	mu   sync.Mutex
	most map[int]int64 // by partition
}

func (b *behind) set(partition int, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most[partition] = n
}

// caughtUp says whether every partition was counted to less than so many from
// its end.
func (b *behind) caughtUp(limit int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.most {
		if n > limit {
			return false
		}
	}
	return len(b.most) > 0
}

// Judge raises a finding for each source that is silent now, once a silence,
// and takes back those of sources that were heard again (C20). What fails for
// one source does not keep it from the others.
func (s *Service) Judge(ctx context.Context) error {
	now := s.clock()
	if !s.watch.listening(now) {
		return nil // nobody could have heard anything
	}
	s.judging.Lock()
	defer s.judging.Unlock()
	days := 2 // the last pass knew what came before
	if s.judged.IsZero() || now.Sub(s.judged).Abs() > 12*time.Hour {
		days, s.seen = s.keep, map[string]time.Time{}
	}
	var errs []error
	var recent map[string]Day
	of := ""
	for _, src := range s.register.known() {
		ctx := tenant.With(ctx, tenant.ID(src.Tenant))
		if recent == nil || of != src.Tenant {
			var err error
			if recent, err = s.kept(ctx, days); err != nil {
				return err
			}
			of = src.Tenant
		}
		if err := s.judge(ctx, src, recent, now); err != nil {
			errs = append(errs, fmt.Errorf("source %s: %w", src.ID, err))
		}
	}
	s.judged = now
	return errors.Join(errs...)
}

func (s *Service) judge(ctx context.Context, src Source, recent map[string]Day, now time.Time) error {
	standing, err := s.standing(ctx, src.ID)
	if err != nil {
		return err
	}
	expected, _ := expectation(src, s.silentAfter)
	if src.ended {
		expected = 0
	}
	last := latest(activityOf(src.ID, nil, recent, standing).LastReceived, s.seen[src.ID])
	s.seen[src.ID] = last
	silent := expected > 0 && !last.IsZero() && s.watch.quiet(last, now) >= expected
	open := standing.Silence.Open()
	if silent && open && !last.After(standing.Silence.Since) || !silent && !open {
		return nil
	}
	err = s.stand(ctx, src.ID, func(v *Standing, out *docstore.Outbox) error {
		return s.decide(v, out, src, last, now, expected, silent)
	})
	if errors.Is(err, errAsItWas) {
		return nil
	}
	return err
}

// decide brings the silence of a source up to what is known of it.
func (s *Service) decide(v *Standing, out *docstore.Outbox, src Source, last, now time.Time, expected time.Duration, silent bool) error {
	heard := v.Silence != nil && last.After(v.Silence.Since)
	changed := false
	if v.Silence.Open() && (heard || !silent) {
		slug := ReasonUnexpected
		if heard {
			slug = ReasonSpokeAgain
		}
		if err := s.say(out, v.Silence.explained(slug, last, now), topics.TypeFindingWithdrawn); err != nil {
			return err
		}
		v.Silence.Ended, changed = now.UTC(), true
	}
	// A silence that ended because nothing was expected is not raised again of
	// the same last line: its finding was said and taken back.
	if silent && (v.Silence == nil || heard) {
		v.Silence = silenceOf(src, last, now, expected)
		if err := s.say(out, v.Silence.Finding, topics.TypeFindingRaised); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return errAsItWas
	}
	return nil
}

func (s *Service) say(out *docstore.Outbox, f topics.Finding, kind string) error {
	value, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("sources: finding: %w", err)
	}
	out.Publish(bus.TopicFindings, bus.Message{
		Tenant: f.Tenant, Key: bus.Key(s.secret, f.Tenant, f.Family, f.Group["source"]), ID: id.Of(f.ID, kind), Type: kind, Version: 1, Value: value,
	})
	return nil
}
