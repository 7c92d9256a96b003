package collector

import (
	"bytes"
	"encoding/json"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/topics"
)

// mappings are those of the register, by tenant and id. It is guarded by the
// lock of the sources that it belongs to.
type mappings struct {
	texts map[string]string
	// used are those of the sources that there are now.
	used map[string]mapping
	// missed is since when a source names one that has not arrived.
	missed map[string]time.Time
}

// mapping is one that was read, or why it could not be.
type mapping struct {
	read  *parse.Mapping
	fault string
}

// arrival is how long a mapping may come after the source that names it: both
// are messages of a topic, whose partitions are read apart.
const arrival = time.Minute

func newMappings() mappings {
	return mappings{texts: map[string]string{}, used: map[string]mapping{}, missed: map[string]time.Time{}}
}

func (m *mappings) put(f topics.Fact) {
	if len(f.Versions) == 0 {
		return
	}
	if v, err := topics.Decode[topics.Mapping](f.Versions[len(f.Versions)-1]); err == nil {
		m.texts[f.Tenant+"/"+f.ID] = v.Text
	}
}

// give sets what reads the lines of a source; before is the source as it was.
func (m *mappings) give(s *Source, before []Source, now time.Time) {
	key := s.Tenant + "/" + s.MappingID
	if s.MappingID == "" {
		return
	}
	one, ok := m.used[key]
	text, there := m.texts[key]
	switch {
	case ok:
	case there:
		one = readMapping(text)
		m.used[key] = one
	case m.missing(key, now) < arrival:
		for _, was := range before {
			if was.ID == s.ID && was.Tenant == s.Tenant {
				*s = was
				return
			}
		}
		fallthrough
	default:
		one.fault = "the register does not have the mapping that the source names"
	}
	s.Mapping, s.MappingFault = one.read, one.fault
}

func (m *mappings) missing(key string, now time.Time) time.Duration {
	since, ok := m.missed[key]
	if !ok {
		m.missed[key], since = now, now
	}
	return now.Sub(since)
}

// keep forgets what no source uses.
func (m *mappings) keep(list []Source) {
	wanted := map[string]bool{}
	for _, s := range list {
		wanted[s.Tenant+"/"+s.MappingID] = true
	}
	for key := range m.used {
		if !wanted[key] {
			delete(m.used, key)
		}
	}
	for key := range m.missed {
		if _, there := m.texts[key]; there {
			delete(m.missed, key)
		}
	}
}

// readMapping does not run the samples: they were run when the mapping was
// saved, and a parser that was improved since must not lose lines for them.
func readMapping(text string) mapping {
	read, err := parse.DecodeMapping([]byte(text))
	if err != nil {
		return mapping{fault: "the mapping cannot be read: " + parse.Faults(err)[0].Text}
	}
	return mapping{read: read}
}

// turns is how often a source's mapping became another.
func turns(f topics.Fact) (n int) {
	last := ""
	for _, v := range f.Versions {
		if s, err := topics.Decode[topics.Source](v); err == nil && s.MappingID != last {
			n, last = n+1, s.MappingID
		}
	}
	return n
}

// rowOf finds the row of a mapping in a document that a shipper sent: the text
// that it wraps, or the document itself where its fields are what is mapped.
func rowOf(m *parse.Mapping, l line) line {
	var object map[string]json.RawMessage
	if json.Unmarshal(l.raw, &object) != nil {
		l.reason, l.detail = ReasonDocument, "the document is not a JSON object"
		return l
	}
	var event struct {
		Original string `json:"original"`
	}
	optional(object["event"], &event)
	var raw, message string
	optional(object["rawmsg"], &raw)
	optional(object["message"], &message)
	for _, text := range []string{raw, event.Original, message} {
		if text != "" && (m.Format != "json" || bytes.HasPrefix(bytes.TrimSpace([]byte(text)), []byte("{"))) {
			l.raw = []byte(text)
			return l
		}
	}
	return l
}
