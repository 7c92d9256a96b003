package embedded

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// storage is how the values of a field lie in their column.
type storage int

const (
	inCode   storage = iota // a number from the dictionary
	inSet                   // that of the one value, or the negative number of a set of values
	inNumber                // the number itself
	inSince                 // a time, as nanoseconds since the event's own
	inText                  // the text itself: values that hardly repeat
	inDigest                // 32 bits of a digest, see digest
	inWords                 // the full-text index; the column says that there is a message
	inTime                  // the column t
	inID                    // the column id
)

// home is the table that a column is in.
type home int

// What repeats from event to event is not stored with each: what happened
// (and on which machine, as which system), who did it, where it came from, and
// the rest are rows of their own tables, each combination of values once, and
// an event has their numbers. What differs in every event is in its own row.
const (
	ofEvent home = iota
	ofWhat
	ofWho
	ofOrigin
	ofRest
	homes
)

// tables are the names of the homes, and of the columns of event that refer to them.
var tables = [homes]string{"event", "what", "who", "origin", "rest"}

// column of a table.
type column struct {
	name  string
	store storage
	home  home
	ecs   ecs.Field
}

// columns of one partition, by field name and in the order of their tables.
type columns struct {
	list   []column
	byName map[string]*column
	of     [homes][]int // places in list
}

// labelsField is the name under which all labels lie, as one set.
const labelsField = "labels"

// Fields that have few combinations of values.
var whats = map[string]bool{}

// Fields whose values hardly repeat.
var owns = map[string]bool{}

func init() {
	for _, name := range []string{
		"event.kind", "event.category", "event.type", "event.action", "event.outcome", "event.dataset", "event.module",
		"event.provider", "event.code", "event.reason", "event.severity", "event.timezone", "host.name", "host.ip",
		"process.name", "service.name", "service.type", "log.level", "log.file.path", "log.syslog.appname",
		"log.syslog.facility.code", "log.syslog.facility.name", "log.syslog.hostname", "log.syslog.msgid",
		"log.syslog.priority", "log.syslog.severity.code", "log.syslog.severity.name", "message", "network.application",
		"network.protocol", "network.transport", "observer.hostname", "observer.product", "observer.vendor",
		"organization.id", "destination.port", "winlog.channel", "winlog.logon.type", "varde.account.realm",
		"varde.attempt", "varde.generation", "varde.key.ca", "varde.key.ca_type", "varde.key.type", "varde.method",
		"varde.parser", "varde.partition", "varde.provenance", "varde.repeat", "varde.source", "varde.system",
		"varde.tenant", "varde.vendor",
	} {
		whats[name] = true
	}
	for _, name := range []string{
		"event.hash", "event.duration", "log.offset", "log.syslog.procid", "process.pid", "source.port",
		"varde.session", "varde.skew_ms", "winlog.record_id",
	} {
		owns[name] = true
	}
}

func homeOf(f ecs.Field) home {
	name := f.Name
	switch {
	case f.Type == ecs.Date || owns[name]:
		return ofEvent
	case whats[name]:
		return ofWhat
	case strings.HasPrefix(name, "user."), strings.HasPrefix(name, "varde.key."), name == "varde.account.name", name == "related.user":
		return ofWho
	case strings.HasPrefix(name, "source."), strings.HasPrefix(name, "destination."), strings.HasPrefix(name, "client."),
		name == "related.ip", name == "varde.station":
		return ofOrigin
	}
	return ofRest
}

func storageOf(f ecs.Field) storage {
	switch {
	case f.Name == "@timestamp":
		return inTime
	case f.Name == "event.id":
		return inID
	case f.Name == "event.hash":
		return inDigest
	case f.Type == ecs.Text:
		return inWords
	case f.Type == ecs.Date:
		return inSince
	case f.Type == ecs.Keyword || f.Type == ecs.IP:
		switch {
		case f.Many:
			return inSet
		case owns[f.Name]:
			return inText
		}
		return inCode
	}
	return inNumber
}

func newColumns() *columns {
	c := &columns{byName: map[string]*column{}}
	for _, f := range ecs.Fields() {
		if s := storageOf(f); !f.Stored && s != inTime && s != inID {
			c.list = append(c.list, column{name: "f_" + strings.ReplaceAll(f.Name, ".", "_"), store: s, home: homeOf(f), ecs: f})
		}
	}
	c.list = append(c.list, column{name: "f_" + labelsField, store: inSet, home: ofRest,
		ecs: ecs.Field{Name: labelsField, Type: ecs.Keyword, Many: true}})
	for i := range c.list {
		col := &c.list[i]
		c.byName[col.ecs.Name] = col
		c.of[col.home] = append(c.of[col.home], i)
	}
	c.byName["@timestamp"] = &column{name: "t", store: inTime}
	c.byName["event.id"] = &column{name: "id", store: inID}
	return c
}

// value is the SQL expression for the value of a column in its table.
func (c *column) value() string {
	if c.store == inSince {
		return "(t + " + c.name + ")"
	}
	return c.name
}

// names of the columns of a home.
func (c *columns) names(h home) []string {
	out := make([]string, len(c.of[h]))
	for i, at := range c.of[h] {
		out[i] = c.list[at].name
	}
	return out
}
