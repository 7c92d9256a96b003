package demo

import (
	"context"
	"fmt"
	"io"
	"path"

	"varde.internal/ingest/collector"
)

// Replay sends the captures' lines as if they had been written in the days
// before the first start. Ids follow from file, position and shifted line, so
// that doing it again doubles nothing.
func Replay(ctx context.Context, in Target, plan Plan, captures []Capture) error {
	deps := in.Deps("collector")
	files := Captures()
	for _, c := range captures {
		planned, ok := plan.Captures[c.Name]
		if !ok {
			continue
		}
		source := collector.Source{ID: ref(first, sourceServers), Tenant: first, Source: servers(Region{})}
		source.TimeZone = c.Zone
		for _, file := range c.Files {
			_, err := collector.Replay(ctx, deps, collector.Default(), collector.ReplayFile{
				Source: source, Name: path.Join("demo", file), ReadAt: c.End, Shift: planned.Shift,
				Open: func() (io.ReadCloser, error) { return files.Open(file) },
			})
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}
