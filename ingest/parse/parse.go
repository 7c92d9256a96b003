// Package parse turns raw log lines into ECS events: the header (RFC 3164,
// RFC 5424 and their relatives) is read by a Format, the message by the parser
// of the program that wrote it. What a line means is decided here and once: one
// login gives one event with varde.attempt, whatever number of lines the daemon
// wrote (requirements, "How the detections decide", Attempts; R36).
//
// A new format is a file with a Format in it and a line in formats; a new
// program is a file with a program in it and a line in programs.
package parse

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// Generation of the parsers of this package, kept in varde.generation: an event
// that is parsed again under a higher one replaces the stored event. It is
// raised when a change makes an event out of the same line differ.
const Generation = 2

// DatasetUnparsed is of lines that no parser knows: kept and searchable as they are.
const DatasetUnparsed = "unparsed"

// maxMessage bounds event.message in bytes; event.original is whole. Longer
// terms cannot be indexed (Lucene's limit is 32,766 bytes).
const maxMessage = 32_000

// Reasons of an Error: why a line could not become an event.
const (
	ReasonFormat     = "not-this-format"
	ReasonTimestamp  = "invalid-timestamp"
	ReasonTimeRange  = "timestamp-out-of-range"
	ReasonPriority   = "invalid-priority"
	ReasonStructured = "invalid-structured-data"
	ReasonHeader     = "invalid-header"
	ReasonRepeat     = "invalid-repeat"
)

// Error says why a line breaks its format. Reason is a slug for the dead
// letter; Detail holds nothing of the line, which may be personal data.
type Error struct {
	Reason string
	Detail string
}

func (e *Error) Error() string { return e.Reason + ": " + e.Detail }

// Options of a Stream; the zero value detects formats and takes UTC.
type Options struct {
	// Format is a name of Formats, or "" or "auto" to find it per line.
	Format string
	// Mapping reads every line, and its zone goes before Zone; Format is not used.
	Mapping *Mapping
	// Zone is what times without a zone are in; nil is UTC.
	Zone *time.Location
	// Live says that lines arrive as they are written (a socket, not a file):
	// a time of the doubled hour is then the one nearest to the receipt.
	Live bool
	// Years, from Scan, fixes the years of a whole file by its order; nil
	// resolves each line against its receipt alone.
	Years *Years
	// Reuse says that an event, with all that it points to, is needed only until
	// the next line is parsed: what encodes each at once saves the room of each.
	Reuse bool
	// Resume continues after a line whose State was kept.
	Resume State
}

// State is what a Stream knows from the lines before; a file's reader keeps it
// with its position.
type State struct {
	Previous time.Time `json:"previous,omitzero"`
	Columns  []string  `json:"columns,omitempty"` // of a table, from its header
}

// Stream parses the lines of one source in order. It is not safe for
// concurrent use: the order of lines is what resolves a doubled hour.
type Stream struct {
	format  Format
	mapping *Mapping  // non-nil: it reads every text
	program string    // non-empty: only this program's parser
	kind    *jsonKind // non-nil: only this kind of JSON object
	json    *fastjson.Parser
	notes   memory // of lines lately
	clock   clock
	event   ecs.Event       // in work; what is returned is a copy
	room    *room           // of the event in work
	reuse   bool            // see Options
	scratch []byte          // see keep
	refused []refusal       // by PAM's modules lately
	last    map[string]said // by host: what the last message was
	now     time.Time       // of the line in work
	logon   winLogon        // of Windows, before this one
	win     *winEvent       // its room
	tallies []tally         // of passwords that a line will sum up
	inside  bool            // of an object that lies in another
	columns []string        // of a table, as its header named them
}

// Formats lists the names that Options.Format takes.
func Formats() []string {
	names := []string{"auto"}
	for _, f := range formats {
		names = append(names, f.Name)
	}
	for _, p := range programs {
		names = append(names, p.name)
	}
	for i := range jsonKinds {
		names = append(names, jsonKinds[i].name)
	}
	return names
}

// NewStream returns a Stream, or an error that names the formats there are.
func NewStream(o Options) (*Stream, error) {
	if o.Mapping != nil && o.Mapping.zone != nil {
		o.Zone = o.Mapping.zone
	}
	s := &Stream{clock: newClock(o), columns: o.Resume.Columns, reuse: o.Reuse}
	if o.Mapping != nil {
		if o.Mapping.rules == nil {
			return nil, fmt.Errorf("parse: mapping %s is not prepared", o.Mapping.Name)
		}
		s.format, s.mapping = o.Mapping.mapped(), o.Mapping
		return s, nil
	}
	if o.Format == "" || o.Format == "auto" {
		return s, nil
	}
	for _, f := range formats {
		if f.Name == o.Format {
			s.format = f
			return s, nil
		}
	}
	for _, p := range programs {
		if p.name == o.Format {
			s.program = p.name
			return s, nil
		}
	}
	for i := range jsonKinds {
		if jsonKinds[i].name == o.Format {
			s.format, s.kind = jsonFormat, &jsonKinds[i]
			return s, nil
		}
	}
	return nil, fmt.Errorf("parse: no format %q: choose one of %s", o.Format, strings.Join(Formats(), ", "))
}

// State returns what to keep for Options.Resume.
func (s *Stream) State() State { return State{Previous: s.clock.prev, Columns: s.columns} }

// Parse returns the event of one line (without its newline), received at now;
// now also resolves times without a year. The error, if any, is an *Error.
func (s *Stream) Parse(line []byte, now time.Time) (ecs.Event, error) {
	ev := &s.event
	text := s.begin(line)
	text = strings.TrimPrefix(strings.TrimRight(text, "\r\x00"), "\ufeff")

	s.now = now
	f := s.format
	if f.Read == nil {
		if f = detect(text); s.columns != nil && s.isW3C(text) {
			f = iis
		}
	}
	if err := f.Read(s, text, now, ev); err != nil {
		clear(s.last) // whose line it was is not known
		return ecs.Event{}, err
	}
	s.finish(ev, now)
	return *ev, nil
}

// Given is a message whose header another program has read already.
type Given struct {
	Time    time.Time // zero: unknown
	Host    string
	Program string // as in a syslog tag: a path or a PAM module is taken away
	PID     int
	Text    string
}

// ParseGiven returns the event of a message with its header apart; original is
// what was received and is kept. The error, if any, is an *Error.
func (s *Stream) ParseGiven(original []byte, g Given, now time.Time) (ecs.Event, error) {
	ev := &s.event
	s.begin(original)
	s.now = now
	ev.Varde.Parser = "given"
	if !g.Time.IsZero() {
		t, _, err := s.clock.resolve(stamp{full: g.Time}, now)
		if err != nil {
			return ecs.Event{}, err
		}
		ev.Timestamp = t
	}
	setHost(ev, g.Host)
	m := message{text: g.Text, pid: g.PID}
	m.program, m.module = programOf(g.Program)
	if m.program != "" {
		ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
	}
	if err := s.meaning(&m, ev); err != nil {
		return ecs.Event{}, err
	}
	s.finish(ev, now)
	return *ev, nil
}

// begin makes the stream's event one that keeps the line, and returns the text
// to read.
func (s *Stream) begin(line []byte) string {
	ev := &s.event
	*ev = ecs.Event{}
	if s.reuse && s.room != nil {
		*s.room = room{}
	} else {
		s.room = &room{}
	}
	ev.Event.Kind = "event"
	ev.Event.Dataset = DatasetUnparsed
	ev.Varde.Generation = Generation
	return s.keep(line)
}

// finish fills what every event has. A line without a time stands where the
// line before it does, so that a second reading of a file gives the same.
func (s *Stream) finish(ev *ecs.Event, now time.Time) {
	if ev.Timestamp.IsZero() {
		ev.Timestamp = now.UTC()
		if prev := s.clock.prev; !s.clock.live && !prev.IsZero() {
			ev.Timestamp = prev
		}
	}
	if len(ev.Message) > maxMessage {
		ev.Message = strings.ToValidUTF8(ev.Message[:maxMessage], "")
	}
	relate(ev, s.room)
}

// Original returns the text that event.original holds for the bytes of a line.
// Valid UTF-8 is kept as it is. Other bytes cannot stand in JSON: then every
// byte becomes the character of the same number (ISO 8859-1), which can be
// turned back without loss, and encoded is true.
func Original(line []byte) (text string, encoded bool) {
	if utf8.Valid(line) {
		return string(line), false
	}
	return latin1(line), true
}

// keep puts the line and its hash into the event. Both are parts of one string,
// which is one allocation less.
func (s *Stream) keep(line []byte) string {
	ev := &s.event
	if !utf8.Valid(line) {
		ev.Event.Original, _ = Original(line)
		ev.Event.Hash = hashOf([]byte(ev.Event.Original))
		ev.Labels = map[string]string{"encoding": "iso-8859-1"}
		return readable(string(line))
	}
	sum := sha256.Sum256(line)
	s.scratch = append(hex.AppendEncode(s.scratch[:0], sum[:]), line...)
	both := string(s.scratch)
	if cap(s.scratch) > maxScratch {
		s.scratch = nil
	}
	ev.Event.Hash, ev.Event.Original = both[:hex.EncodedLen(len(sum))], both[hex.EncodedLen(len(sum)):]
	return ev.Event.Original
}

// maxScratch bounds what a stream keeps of its longest line, in bytes.
const maxScratch = 64 << 10

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// meaning reads the message of a header through the parser of its program.
func (s *Stream) meaning(m *message, ev *ecs.Event) error {
	if s.mapping != nil {
		return s.mapping.text(s, m.text, s.now, ev)
	}
	text := m.text
	if ev.Host != nil {
		m.host = ev.Host.Name
	}
	again, err := s.again(m, ev)
	if err != nil {
		return err
	}
	if again == 0 {
		s.remember(m)
	}
	repeat, inner, err := repeated(m.text)
	if err != nil {
		return err
	}
	if again > 0 {
		repeat = again * max(1, repeat)
	}
	m.text, m.stream, m.at = inner, s, ev.Timestamp
	for i := range programs {
		p := &programs[i]
		if s.program != "" && p.name != s.program {
			continue
		}
		if p.knows(m) || (s.program != "" && m.program == "") {
			ev.Event.Dataset = p.name
			ev.Event.Module = p.module
			if p.module == "" {
				ev.Event.Module = "system"
			}
			ev.Varde.Parser = p.name
			p.read(m, ev)
			break
		}
	}
	if ev.Event.Dataset == DatasetUnparsed && s.program == "" {
		if err := s.inner(m, ev); err != nil {
			return err
		}
	}
	if repeat > 0 {
		ev.Varde.Repeat = repeat * max(1, ev.Varde.Repeat)
	}
	ev.Message = text
	ev.Event.Provider = m.program
	return nil
}

// maxRepeat is far above what a collapsing syslog daemon writes; more is a
// damaged or a made-up line.
const maxRepeat = 1_000_000

// repeated opens rsyslog's "message repeated N times: [ TEXT]".
func repeated(text string) (n int, inner string, err error) {
	const begin, middle = "message repeated ", " times: ["
	rest, ok := strings.CutPrefix(text, begin)
	if !ok {
		return 0, text, nil
	}
	digits, rest, ok := strings.Cut(rest, middle)
	if !ok || !strings.HasSuffix(rest, "]") || !allDigits(digits) {
		return 0, text, nil
	}
	n, convErr := strconv.Atoi(digits)
	if convErr != nil || n < 1 || n > maxRepeat {
		return 0, text, &Error{ReasonRepeat, "the number of repetitions is not between 1 and 1000000"}
	}
	return n, strings.TrimPrefix(strings.TrimSuffix(rest, "]"), " "), nil
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
