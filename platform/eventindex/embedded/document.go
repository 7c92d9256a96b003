package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"varde.internal/platform/eventindex"
	"varde.internal/schemas/ecs"
)

// derived stands for a hash that is that of the original line.
const derived = "="

// kept is an event as it lies in a block. Derived says which fields were left
// out because others give them.
type kept struct {
	*ecs.Event
	Derived derivations `json:"~,omitempty"`
}

type derivations uint

// derivable are values that parsers write more than once into an event; one
// that is the same as what it is derived from is not stored. The order is that
// of the bits in files: new ones come last.
var derivable = []struct {
	from func(*ecs.Event) string // what the value is derived from; empty: it is not
	get  func(*ecs.Event) string // the value
	set  func(*ecs.Event, string)
}{
	{from: afterTag, get: func(e *ecs.Event) string { return e.Message },
		set: func(e *ecs.Event, v string) { e.Message = v }},
	{from: userName, get: func(e *ecs.Event) string {
		if e.Varde.Account == nil {
			return ""
		}
		return e.Varde.Account.Name
	}, set: func(e *ecs.Event, v string) {
		a := ecs.Account{Name: v}
		if e.Varde.Account != nil {
			a.Realm = e.Varde.Account.Realm
		}
		e.Varde.Account = &a
	}},
	{from: hostName, get: func(e *ecs.Event) string {
		if e.Log == nil || e.Log.Syslog == nil {
			return ""
		}
		return e.Log.Syslog.Hostname
	}, set: func(e *ecs.Event, v string) {
		log, syslog := ecs.Log{}, ecs.LogSyslog{}
		if e.Log != nil {
			log = *e.Log
		}
		if log.Syslog != nil {
			syslog = *log.Syslog
		}
		syslog.Hostname = v
		log.Syslog = &syslog
		e.Log = &log
	}},
	{from: userName, get: related(func(r *ecs.Related) []string { return r.User }), set: relate(func(r *ecs.Related, v []string) { r.User = v })},
	{from: sourceIP, get: related(func(r *ecs.Related) []string { return r.IP }), set: relate(func(r *ecs.Related, v []string) { r.IP = v })},
	{from: hostName, get: related(func(r *ecs.Related) []string { return r.Hosts }), set: relate(func(r *ecs.Related, v []string) { r.Hosts = v })},
}

// afterTag is the message of a classic syslog line.
func afterTag(e *ecs.Event) string {
	_, text, _ := strings.Cut(e.Event.Original, "]: ")
	return text
}

func userName(e *ecs.Event) string {
	if e.User == nil {
		return ""
	}
	return e.User.Name
}

func hostName(e *ecs.Event) string {
	if e.Host == nil {
		return ""
	}
	return e.Host.Name
}

func sourceIP(e *ecs.Event) string {
	if e.Source == nil {
		return ""
	}
	return e.Source.IP
}

// related gives the value of a list that has one.
func related(of func(*ecs.Related) []string) func(*ecs.Event) string {
	return func(e *ecs.Event) string {
		if e.Related == nil || len(of(e.Related)) != 1 {
			return ""
		}
		return of(e.Related)[0]
	}
}

// relate sets a list to one value; empty takes it away.
func relate(set func(*ecs.Related, []string)) func(*ecs.Event, string) {
	return func(e *ecs.Event, v string) {
		r := ecs.Related{}
		if e.Related != nil {
			r = *e.Related
		}
		set(&r, nil)
		if v != "" {
			set(&r, []string{v})
		}
		e.Related = &r
	}
}

// encoders keep what encodes documents.
var encoders = sync.Pool{New: func() any {
	e := &documents{}
	e.json = json.NewEncoder(&e.out)
	e.json.SetEscapeHTML(false)
	return e
}}

type documents struct {
	out  bytes.Buffer
	json *json.Encoder
}

// document writes an event without what its row has, the id and the times, and
// without what can be derived from the rest.
func document(e *ecs.Event) ([]byte, error) {
	d := *e
	d.Event.ID = ""
	if inRow(d.Timestamp) {
		d.Timestamp = time.Time{}
	}
	if inRow(d.Event.Created) {
		d.Event.Created = time.Time{}
	}
	if inRow(d.Event.Ingested) {
		d.Event.Ingested = time.Time{}
	}
	k := kept{Event: &d}
	for bit, one := range derivable {
		// What is not valid UTF-8 comes back otherwise than it went.
		if v := one.get(e); v != "" && v == one.from(e) && utf8.ValidString(e.Event.Original) && utf8.ValidString(v) {
			one.set(&d, "")
			k.Derived |= 1 << bit
		}
	}
	switch {
	case len(d.Event.Hash) == 2*sha256.Size && utf8.ValidString(d.Event.Original) && d.Event.Hash == hashOf(d.Event.Original):
		d.Event.Hash = derived
	case len(d.Event.Hash) > 0 && d.Event.Hash[0] == derived[0]:
		d.Event.Hash = derived + d.Event.Hash
	}
	to := encoders.Get().(*documents)
	defer encoders.Put(to)
	to.out.Reset()
	if err := to.json.Encode(k); err != nil {
		return nil, err
	}
	return bytes.Clone(to.out.Bytes()[:to.out.Len()-1]), nil
}

// inRow says whether a time comes back from its row as it is.
func inRow(t time.Time) bool { return t.Location() == time.UTC && ecs.Storable(t) }

func hashOf(original string) string {
	sum := sha256.Sum256([]byte(original))
	return hex.EncodeToString(sum[:])
}

// restore reads what document wrote, with the row of the event.
func restore(doc []byte, f found) (ecs.Event, error) {
	var e ecs.Event
	k := kept{Event: &e}
	if err := json.Unmarshal(doc, &k); err != nil {
		return e, fmt.Errorf("eventindex: stored event: %w", err)
	}
	e.Event.ID = f.ID
	if e.Timestamp.IsZero() {
		e.Timestamp = time.Unix(0, f.Time).UTC()
	}
	if e.Event.Created.IsZero() && f.created.Valid {
		e.Event.Created = time.Unix(0, f.Time+f.created.Int64).UTC()
	}
	if e.Event.Ingested.IsZero() && f.ingested.Valid {
		e.Event.Ingested = time.Unix(0, f.Time+f.ingested.Int64).UTC()
	}
	for bit, one := range derivable {
		if k.Derived&(1<<bit) != 0 {
			one.set(&e, one.from(&e))
		}
	}
	switch {
	case e.Event.Hash == derived:
		e.Event.Hash = hashOf(e.Event.Original)
	case len(e.Event.Hash) > 0 && e.Event.Hash[0] == derived[0]:
		e.Event.Hash = e.Event.Hash[1:]
	}
	return e, nil
}

// same says whether two events with one id say the same. What was appended
// takes the way of what is stored first, so that both are as JSON gives them.
func same(stored ecs.Event, appended *ecs.Event) (bool, error) {
	body, err := json.Marshal(appended)
	if err != nil {
		return false, err
	}
	var e ecs.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return false, err
	}
	a, err := eventindex.ContentSum(stored)
	if err != nil {
		return false, err
	}
	b, err := eventindex.ContentSum(e)
	return a == b, err
}

// digest is what the column of a field that is nearly always asked for whole,
// and never twice the same, holds: enough to find the few events that can have
// a value, which are then read.
func digest(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(int32(binary.BigEndian.Uint32(sum[:4])))
}
