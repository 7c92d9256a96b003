package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Plan fixes, at the first start of a demo, where in time everything lies. It
// is kept in the data folder, so that a second start replays the same lines
// with the same times and doubles nothing.
type Plan struct {
	Base     time.Time                `json:"base"` // the first start
	Captures map[string]PlannedReplay `json:"-"`
}

// PlannedReplay is a capture and how far its times are moved.
type PlannedReplay struct {
	Start, End time.Time     // as captured
	Shift      time.Duration // whole days
	Keys       []string      // fingerprints used
}

// LoadPlan reads the plan of the folder, or makes one that begins now.
func LoadPlan(folder string, r Region, captures []Capture, now time.Time) (Plan, error) {
	file := filepath.Join(folder, "demo.json")
	plan := Plan{Base: now.UTC().Truncate(time.Second)}
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &plan); err != nil {
			return plan, fmt.Errorf("demo plan %s: %w", file, err)
		}
	case errors.Is(err, os.ErrNotExist):
		text, err := json.Marshal(plan)
		if err != nil {
			return plan, err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return plan, err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return plan, err
		}
	default:
		return plan, err
	}
	plan.Captures = map[string]PlannedReplay{}
	for _, c := range captures {
		where, ok := r.Captures[c.Name]
		if !ok {
			continue // for tests only
		}
		if where.DaysAgo < 1 {
			return plan, fmt.Errorf("demo region: capture %q would lie in the future", c.Name)
		}
		target := midnight(plan.Base).AddDate(0, 0, -where.DaysAgo)
		plan.Captures[c.Name] = PlannedReplay{Start: c.Start, End: c.End, Keys: c.Keys, Shift: target.Sub(midnight(c.Start))}
	}
	return plan, nil
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
