package collector

import (
	"context"
	"encoding/json"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

// report says every minute on the topic "intake" that lines are taken, and
// whose were slowed, until ctx is done. It goes the way that lines go: where
// none can be published, it is not said.
func (m *Module) report(ctx context.Context) error {
	tick := time.NewTicker(m.cfg.Report)
	defer tick.Stop()
	self := id.New()
	for {
		if err := m.reportOnce(ctx, self); err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "how the intake does could not be said", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (m *Module) reportOnce(ctx context.Context, self string) error {
	r := topics.IntakeReport{Collector: self, Time: m.deps.Clock().UTC(), Sources: m.quotas.take()}
	value, err := json.Marshal(r)
	if err == nil {
		err = m.deps.Bus.Publish(ctx, bus.TopicIntake, bus.Message{
			Key: self, ID: id.Of("intake", self, r.Time.Format(time.RFC3339Nano)), Type: topics.TypeIntakeReport, Version: 1, Value: value,
		})
	}
	if err != nil {
		m.quotas.untake(r.Sources)
	}
	return err
}
