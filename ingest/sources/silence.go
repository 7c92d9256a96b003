package sources

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

// Silence is one time in which a source said nothing for longer than is
// expected of it (C20).
type Silence struct {
	Since    time.Time `json:"since"`          // its last line
	Raised   time.Time `json:"raised"`         // when the finding was
	Ended    time.Time `json:"ended,omitzero"` // when it was heard again, or nothing was expected any more
	Expected int64     `json:"expected"`       // seconds
	// Finding as it was raised; it is taken back as it was said.
	Finding topics.Finding `json:"finding"`
}

// Open says that the silence lasts.
func (s *Silence) Open() bool { return s != nil && s.Ended.IsZero() }

// Rule of a silent source, and its reasons.
const (
	Rule             = "C20"
	ReasonSilent     = "source-silent"
	ReasonSpokeAgain = "source-spoke-again"
	ReasonUnexpected = "source-no-longer-expected"
)

// expectation is the longest silence that is expected of a source; 0 is none.
func expectation(s Source, standard time.Duration) (longest time.Duration, standards bool) {
	switch {
	case s.Irregular || s.Kind == "import":
		return 0, false
	case s.SilentAfter > 0:
		return s.SilentAfter, false
	}
	return standard, true
}

// gap is a time in which no collector said that it takes lines.
type gap struct{ from, to time.Time }

// watch is when lines were taken at all, by what the collectors say of
// themselves: a source is not accused of what nobody could have heard. Safe for
// concurrent use.
type watch struct {
	patience time.Duration // between two reports; more is a gap

	mu   sync.Mutex
	last time.Time // report
	gaps []gap     // in order
}

// gapsKept bounds what is remembered.
const gapsKept = 1000

// heard takes the time of a report. Reports of several collectors come in any
// order.
func (w *watch) heard(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.last.IsZero() && at.Sub(w.last) > w.patience {
		w.gaps = append(w.gaps, gap{w.last, at})
		if len(w.gaps) > gapsKept {
			w.gaps = slices.Delete(w.gaps, 0, 1)
		}
	}
	w.last = latest(w.last, at)
}

// listening says whether lines are taken now.
func (w *watch) listening(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.last.IsZero() && now.Sub(w.last) <= w.patience
}

// quiet is how long a source said nothing in time that somebody listened.
func (w *watch) quiet(last, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	quiet := now.Sub(last)
	for _, g := range w.gaps {
		from, to := latest(g.from, last), g.to
		if to.After(now) {
			to = now
		}
		if to.After(from) {
			quiet -= to.Sub(from)
		}
	}
	return quiet
}

// silenceOf makes a silence with its finding. The finding is of the source and
// its last line: the same whoever judges, and however often.
func silenceOf(s Source, since, now time.Time, expected time.Duration) *Silence {
	since, now = since.UTC(), now.UTC()
	return &Silence{Since: since, Raised: now, Expected: int64(expected / time.Second), Finding: topics.Finding{
		ID: id.Of("finding", s.Tenant, Rule, s.ID, since.Format(time.RFC3339Nano)), Tenant: s.Tenant, Rule: Rule,
		Family: topics.FamilyFeeds, Group: map[string]string{"source": s.ID}, Severity: topics.SeverityMedium,
		Time: now, First: since, Last: now, Decided: now, Evidence: []topics.Evidence{},
		Reason: topics.Reason{Slug: ReasonSilent, Params: map[string]string{
			"source": s.Name, "sourceId": s.ID, "since": since.Format(time.RFC3339),
			"expectedSeconds": strconv.FormatInt(int64(expected/time.Second), 10),
		}},
	}}
}

// explained is the finding of a silence that ended, with why.
func (s *Silence) explained(slug string, heard, now time.Time) topics.Finding {
	f := s.Finding
	f.Decided = latest(now.UTC(), f.Decided.Add(time.Nanosecond)) // the later word holds, also where a clock was set back
	f.Explained = &topics.Reason{Slug: slug, Params: map[string]string{
		"source": f.Reason.Params["source"], "sourceId": f.Reason.Params["sourceId"], "since": s.Since.Format(time.RFC3339),
	}}
	if slug == ReasonSpokeAgain {
		f.Explained.Params["until"] = heard.UTC().Format(time.RFC3339)
	}
	return f
}

// rhythms are what can be suggested, shortest first.
var rhythms = []time.Duration{
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour, 36 * time.Hour,
	48 * time.Hour, 72 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour,
}

// Of what a suggestion is made.
const (
	suggestFrom = 14 // days
	suggestMin  = 3  // days on which something came
)

// suggest is a longest silence that fits what was heard in the last days: twice
// the longest run of hours without a line, so that a source which is quiet at
// night and on Sundays is not accused of it. 0 where too little was heard.
func suggest(days []Tally) time.Duration {
	if len(days) > suggestFrom {
		days = days[len(days)-suggestFrom:]
	}
	spoken, run, longest, begun := 0, 0, 0, false
	for _, d := range days {
		if d.Received > 0 {
			spoken++
		}
		for hour := range 24 {
			if len(d.Hours) == 24 && d.Hours[hour] > 0 {
				if begun { // what lies before the first line is no silence
					longest = max(longest, run)
				}
				run, begun = 0, true
				continue
			}
			run++
		}
	}
	if spoken < suggestMin {
		return 0
	}
	for _, r := range rhythms {
		if r >= 2*time.Duration(longest+1)*time.Hour {
			return r
		}
	}
	return rhythms[len(rhythms)-1]
}
