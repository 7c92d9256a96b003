package collector

import (
	"log/slog"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

// ReasonMapping is of the lines of a source whose mapping cannot be used.
const ReasonMapping = "mapping-broken"

// Parser reads the lines of a source as the register has it: by its mapping,
// else in its format. Like the Stream in it, it is not safe for concurrent use.
type Parser struct {
	*parse.Stream
	turn   int
	refuse error // of every line
}

// NewParser returns the parser of a source, for the lines that it sends now and
// for those that are read again later. zone is that of times without one where
// the source names none. What the register says that cannot be is logged: the
// default is taken, but where the mapping cannot be used every line breaks with
// ReasonMapping, so that it can be replayed when the mapping was mended.
func NewParser(s Source, zone *time.Location, o parse.Options, log *slog.Logger) *Parser {
	p := &Parser{turn: s.Turn}
	o.Zone, o.Format, o.Mapping = zone, s.Format, s.Mapping
	if s.TimeZone != "" {
		loc, err := location(s.TimeZone)
		if err != nil {
			log.Warn("a source names a time zone that there is not", "source", s.ID)
			loc = time.UTC
		}
		o.Zone = loc
	}
	if s.MappingFault != "" {
		p.refuse, o.Format = &parse.Error{Reason: ReasonMapping, Detail: s.MappingFault}, ""
	}
	stream, err := parse.NewStream(o)
	if err != nil {
		log.Warn("a source names a format that there is not", "source", s.ID)
		o.Format = ""
		stream, _ = parse.NewStream(o)
	}
	p.Stream = stream
	return p
}

// Parse is parse.Stream's. An event's generation counts the source's mappings
// too, so that one that is parsed again by a later mapping replaces the event
// of the earlier.
func (p *Parser) Parse(line []byte, now time.Time) (ecs.Event, error) {
	if p.refuse != nil {
		return ecs.Event{}, p.refuse
	}
	ev, err := p.Stream.Parse(line, now)
	ev.Varde.Generation += p.turn
	return ev, err
}

// ParseGiven is parse.Stream's, as Parse is.
func (p *Parser) ParseGiven(original []byte, g parse.Given, now time.Time) (ecs.Event, error) {
	if p.refuse != nil {
		return ecs.Event{}, p.refuse
	}
	ev, err := p.Stream.ParseGiven(original, g, now)
	ev.Varde.Generation += p.turn
	return ev, err
}
