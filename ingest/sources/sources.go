// Package sources keeps account of what the sources of log lines do: when each
// was last heard, how much came per day and how much of it was not understood.
// It reads the topics that the collector writes, apart from the index, so that
// it tells of lines that no search would find: dead letters too.
package sources

import (
	"time"
)

// Tally is what came from one source in one day.
type Tally struct {
	Received int64 `json:"received"` // lines, those that failed included; one that came twice counts twice
	Unparsed int64 `json:"unparsed"` // kept as plain lines: no format is known for them
	Failed   int64 `json:"failed"`   // became dead letters
	Bytes    int64 `json:"bytes"`    // of the lines
	// Hours counts the received lines by the hour of the municipality's clock.
	Hours []int64 `json:"hours"`
	// LastReceived is when its latest line came, LastEvent the latest time that
	// its lines tell. Lines of an import move neither: a person brought them.
	LastReceived time.Time `json:"lastReceived,omitzero"`
	LastEvent    time.Time `json:"lastEvent,omitzero"`
	Slowed       Slowed    `json:"slowed,omitzero"` // because it came faster than its quota
	LastSlowed   time.Time `json:"lastSlowed,omitzero"`
}

// Slowed is what was done with a source that came faster than its quota.
type Slowed struct {
	Milliseconds int64 `json:"milliseconds,omitempty"` // that its connections were held back
	Refused      int64 `json:"refused,omitempty"`      // requests that were told to come again later
	Dropped      int64 `json:"dropped,omitempty"`      // datagrams that were lost
}

// Day is what came to one tenant in one day of the municipality's clock, from
// each source it owns. Its id is its date.
type Day struct {
	Date    string           `json:"date"` // 2006-01-02
	Sources map[string]Tally `json:"sources"`
	// Through has the last message of each partition of a topic that is counted
	// here, so that one which is delivered again is not counted again.
	Through map[string]int64 `json:"through"`
}

// Arrival is one message about a line that came.
type Arrival struct {
	Tenant, Source string
	Received       time.Time // by the collector
	Event          time.Time // that the line tells; zero where it could not be read
	Size           int       // of the line, in bytes
	Offset         int64     // of the message in its partition
	Unparsed       bool
	Failed         bool
	Again          bool // a dead letter of a line that was counted when it came
	Imported       bool // by a person, from a file
	// Slowed is no line, but what was done with a source that came too fast.
	Slowed *Slowed
}

// futureEvents bounds how far ahead of its receipt a line's time may lie and
// still count as the latest that its source tells: a wrong clock would make a
// source look alive for years.
const futureEvents = 24 * time.Hour

// add counts arrivals of one partition of a topic, in the order of their
// offsets. The day is theirs.
func (d *Day) add(place string, arrivals []Arrival, zone *time.Location) {
	if d.Sources == nil {
		d.Sources = map[string]Tally{}
	}
	if d.Through == nil {
		d.Through = map[string]int64{}
	}
	through, counted := d.Through[place]
	for _, a := range arrivals {
		if counted && a.Offset <= through {
			continue
		}
		t := d.Sources[a.Source]
		t.add(a, zone)
		d.Sources[a.Source] = t
	}
	if n := len(arrivals); n > 0 && !(counted && arrivals[n-1].Offset <= through) {
		d.Through[place] = arrivals[n-1].Offset
	}
}

func (t *Tally) add(a Arrival, zone *time.Location) {
	if len(t.Hours) != 24 {
		t.Hours = make([]int64, 24)
	}
	if a.Slowed != nil {
		t.slow(*a.Slowed, a.Received)
		return
	}
	if !a.Again {
		t.Received++
		t.Bytes += int64(a.Size)
		t.Hours[a.Received.In(zone).Hour()]++
	}
	if a.Failed {
		t.Failed++
	}
	if a.Unparsed {
		t.Unparsed++
	}
	if a.Imported {
		return
	}
	t.LastReceived = latest(t.LastReceived, a.Received)
	if a.Event.Before(a.Received.Add(futureEvents)) {
		t.LastEvent = latest(t.LastEvent, a.Event)
	}
}

func (t *Tally) slow(s Slowed, at time.Time) {
	t.Slowed.Milliseconds += s.Milliseconds
	t.Slowed.Refused += s.Refused
	t.Slowed.Dropped += s.Dropped
	t.LastSlowed = latest(t.LastSlowed, at)
}

// plus adds the counts of o.
func (t *Tally) plus(o Tally) {
	t.Received += o.Received
	t.Unparsed += o.Unparsed
	t.Failed += o.Failed
	t.Bytes += o.Bytes
	t.slow(o.Slowed, o.LastSlowed)
	t.LastReceived = latest(t.LastReceived, o.LastReceived)
	t.LastEvent = latest(t.LastEvent, o.LastEvent)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Standing is what is known of a source beside its days. Its id is the source's.
type Standing struct {
	// LastReceived and LastEvent as the days told that are no longer kept.
	LastReceived time.Time `json:"lastReceived,omitzero"`
	LastEvent    time.Time `json:"lastEvent,omitzero"`
	// Silence is the last one that was raised (C20).
	Silence *Silence `json:"silence,omitempty"`
}

// State says how a source does at a glance.
type State string

// The states of a source.
const (
	StateSpeaks State = "speaks"
	StateSilent State = "silent"
	StateNever  State = "never"
)

// Activity is what a source did.
type Activity struct {
	Source                  string
	State                   State
	LastReceived, LastEvent time.Time
	Dates                   []string // of Days, oldest first
	Days                    []Tally
	Total                   Tally

	Expected  time.Duration // the longest silence; 0: none is expected
	Standards bool          // of the installation: the register names none
	Suggested time.Duration
	Silence   *Silence // that lasts
	SlowedNow bool
}

// slowedNow is how long after it was slowed a source is shown as one that is.
const slowedNow = 15 * time.Minute

// dates names days of the municipality's clock until now, oldest first.
func dates(now time.Time, zone *time.Location, days int) []string {
	local := now.In(zone)
	out := make([]string, days)
	for i := range out {
		out[i] = time.Date(local.Year(), local.Month(), local.Day()-days+1+i, 12, 0, 0, 0, zone).Format(time.DateOnly)
	}
	return out
}

// activityOf puts together what is kept of a source. What came before the days
// asked for counts only for when it was last heard.
func activityOf(source string, asked []string, days map[string]Day, standing Standing) Activity {
	a := Activity{Source: source, State: StateNever, Dates: asked, LastReceived: standing.LastReceived, LastEvent: standing.LastEvent}
	for _, d := range days {
		t := d.Sources[source]
		a.LastReceived, a.LastEvent = latest(a.LastReceived, t.LastReceived), latest(a.LastEvent, t.LastEvent)
	}
	for _, date := range asked {
		t := days[date].Sources[source]
		a.Days = append(a.Days, t)
		a.Total.plus(t)
	}
	if !a.LastReceived.IsZero() {
		a.State = StateSpeaks
	}
	if standing.Silence.Open() && !a.LastReceived.After(standing.Silence.Since) {
		a.State, a.Silence = StateSilent, standing.Silence
	}
	return a
}
