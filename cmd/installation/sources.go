package installation

import (
	"errors"
	"time"

	"varde.internal/ingest/collector"
	"varde.internal/ingest/sources"
)

// Sources is what holds for sources of log lines for which the register says
// nothing else.
type Sources struct {
	// SilentAfter is the longest silence that is expected of one (C20).
	SilentAfter time.Duration `yaml:"silentAfter" env:"SILENT_AFTER"`
	// PerSecond and Burst are the quota in lines; 0 a second: none. 0 at once:
	// those of ten seconds.
	PerSecond int `yaml:"perSecond" env:"PER_SECOND"`
	Burst     int `yaml:"burst" env:"BURST"`
}

func defaultSources() Sources {
	return Sources{SilentAfter: sources.Default().SilentAfter, PerSecond: collector.Default().Quota.PerSecond}
}

func (s Sources) validate() error {
	var errs []error
	if s.SilentAfter < time.Minute {
		errs = append(errs, errors.New("sources.silentAfter: at least 1m"))
	}
	if s.PerSecond < 0 || s.Burst < 0 {
		errs = append(errs, errors.New("sources.perSecond, sources.burst: must not be negative"))
	}
	return errors.Join(errs...)
}
