package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
)

// ReplayFile is a file whose lines come as if they had been written at another time.
type ReplayFile struct {
	Source Source // whose lines they become; its TimeZone is what times without a zone are in
	Name   string // in log.file.path and in the ids: the same file again gives the same ids
	// Open opens the file; it is read twice, first for its years.
	Open func() (io.ReadCloser, error)
	// ReadAt is when the lines were collected, for years that they do not name.
	ReadAt time.Time
	Shift  time.Duration
}

// Replayed counts what a replay published.
type Replayed struct {
	Events, Dead int
}

// Replay publishes a file's lines with their times shifted; event.original is
// the shifted line. Ids follow from source, name, position and shifted line, so
// that a second replay with the same shift doubles nothing.
func Replay(ctx context.Context, deps run.Deps, cfg Config, f ReplayFile) (Replayed, error) {
	var done Replayed
	i := newIntake(deps, cfg, newMetrics(deps.Metrics))
	o := i.open(f.Source, "replay", ecs.ProvenanceFile, parse.Options{})
	o.path = f.Name
	shifter, err := f.shifter(i)
	if err != nil {
		return done, err
	}
	in, err := f.Open()
	if err != nil {
		return done, fmt.Errorf("collector: replay %s: %w", f.Name, err)
	}
	defer in.Close()
	lines := parse.NewLines(in, cfg.MaxLine)
	b := batch{spill: func(b *batch) error { return i.publish(ctx, b) }}
	var l parse.Line
	for offset := int64(0); ; offset += l.Size {
		l, err = lines.Next(l)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return done, fmt.Errorf("collector: replay %s: %w", f.Name, err)
		}
		if b.full(cfg.MaxBatch) || end {
			if err := i.publish(ctx, &b); err != nil {
				return done, err
			}
			done.Events, done.Dead = b.made.events, b.made.dead
		}
		if end {
			return done, nil
		}
		if len(bytes.TrimRight(l.Text, "\r")) == 0 {
			continue
		}
		raw := shifter.Shift(l.Text, f.ReadAt)
		one := line{id: replayID(f.Source, f.Name, offset, raw), raw: raw, offset: offset}
		if l.Piece || l.Rest {
			one.reason, one.detail = ReasonTooLong, "a piece of a line that is too long"
		}
		i.add(&b, &o, one, deps.Clock())
	}
}

// shifter reads the file once for its years.
func (f ReplayFile) shifter(i *intake) (*parse.Shifter, error) {
	zone, err := time.LoadLocation(first(f.Source.TimeZone, i.zone))
	if err != nil {
		return nil, fmt.Errorf("collector: replay: %w", err)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("collector: replay %s: %w", f.Name, err)
	}
	defer in.Close()
	years, err := parse.Scan(in, zone, f.ReadAt)
	if err != nil {
		return nil, err
	}
	return parse.NewShifter(parse.Options{Zone: zone, Years: years}, f.Shift), nil
}
