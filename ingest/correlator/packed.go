package correlator

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"
	"unique"

	"varde.internal/platform/id"
)

// packed is an attempt as the runs of its account keep it, for minutes and by
// the hundred thousand: what the rules compare lies in fields, where it came
// from is shared by all that came from there, and what only a finding tells
// lies in one string. It is read only.
type packed struct {
	sec, createdSec   int64
	nsec, createdNsec uint32
	id                uint64 // hash of the event's id
	line              uint64 // hash of the line's; 0: unknown
	offset            int64
	from              unique.Handle[origin]
	rest              string
	count             uint32
	generation        uint16
	flags             uint16
}

// origin is what the attempts of a log file, a service or a host have in common.
type origin struct {
	source, path, host, system, method, provenance, realm string
	programs                                              string // joined by NUL
}

const (
	flagSuccess = 1 << iota
	flagLock
	flagDirectory
	flagPassword
	flagHashed // the hash is the kept line's, and made anew when asked for
	flagID     // the event's id is kept as bytes
	flagWarm   // read again to rebuild state: what it triggered was said before
	flagAccess // from a web server's access log
	flagError  // from its error log
)

var seed = maphash.MakeSeed()

// pack makes the packed form; unpack turns it back, without tenant and trace.
func pack(a *Attempt) *packed {
	p := &packed{
		sec: a.Time.Unix(), nsec: uint32(a.Time.Nanosecond()), //nolint:gosec // below 1e9
		createdSec: a.Created.Unix(), createdNsec: uint32(a.Created.Nanosecond()), //nolint:gosec // below 1e9
		id: maphash.String(seed, a.EventID), offset: a.Offset,
		count:      uint32(min(max(a.Count, 0), math.MaxUint32)),      //nolint:gosec // bounded
		generation: uint16(min(max(a.Generation, 0), math.MaxUint16)), //nolint:gosec // bounded
		from: unique.Make(origin{
			source: a.Source, path: a.Path, host: a.Host, system: a.System, method: a.Method, provenance: a.Provenance,
			realm: a.Realm, programs: strings.Join(a.Programs, "\x00"),
		}),
	}
	hash := a.SHA256
	if hash != "" {
		p.line = maphash.String(seed, hash) | 1
		if hash == hashOf(a.Original) {
			hash = ""
			p.set(flagHashed, true)
		}
	}
	p.set(flagSuccess, a.Success)
	p.set(flagLock, a.Lock)
	p.set(flagDirectory, a.Directory)
	p.set(flagAccess, a.Web == webAccess)
	p.set(flagError, a.Web == webError)
	p.set(flagPassword, a.password())
	p.keep(a.EventID, joined(a.Original, append([]string{a.User, a.Address, a.Station, a.CertID, a.Key, hash}, a.Spellings...)...))
	return p
}

func (p *packed) unpack() *Attempt {
	o := p.from.Value()
	f := p.fields()
	a := &Attempt{
		EventID: p.eventID(), Time: p.time(), Created: time.Unix(p.createdSec, int64(p.createdNsec)).UTC(),
		Path: o.path, Offset: p.offset, Source: o.source, Host: o.host, Realm: o.realm, User: f[1], System: o.system,
		Address: f[2], Station: f[3], Method: o.method, CertID: f[4], Key: f[5], Success: p.success(), Lock: p.lock(),
		Count: int(p.count), Directory: p.directory(), Provenance: o.provenance, Generation: int(p.generation), SHA256: f[6], Original: f[0],
	}
	if p.is(flagHashed) {
		a.SHA256 = hashOf(a.Original)
	}
	switch {
	case p.is(flagAccess):
		a.Web = webAccess
	case p.is(flagError):
		a.Web = webError
	}
	if o.programs != "" {
		a.Programs = strings.Split(o.programs, "\x00")
	}
	if len(f) > 7 {
		a.Spellings = f[7:]
	}
	return a
}

func hashOf(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:])
}

// joined writes the fields one behind the other, and one that stands in the
// line (the first) as its place there. In front of each is its length, doubled,
// and one more where a place follows.
func joined(line string, fields ...string) string {
	b := make([]byte, 0, 256)
	b = binary.AppendUvarint(b, uint64(len(line))<<1)
	b = append(b, line...)
	for _, f := range fields {
		size := uint64(len(f)) << 1
		if i := strings.Index(line, f); len(f) > 3 && i >= 0 {
			b = binary.AppendUvarint(b, size|1)
			b = binary.AppendUvarint(b, uint64(i)) //nolint:gosec // not negative
			continue
		}
		b = binary.AppendUvarint(b, size)
		b = append(b, f...)
	}
	return string(b)
}

func split(s string) (fields []string) {
	for len(s) > 0 {
		size, rest := number(s)
		n := size >> 1
		if size&1 == 1 {
			place, rest := number(rest)
			fields, s = append(fields, fields[0][place:place+n]), rest
			continue
		}
		fields, s = append(fields, rest[:n]), rest[n:]
	}
	return fields
}

// number reads what binary.AppendUvarint wrote.
func number(s string) (n int, rest string) {
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		n |= int(s[i]&0x7f) << shift
		if s[i] < 0x80 {
			return n, s[i+1:]
		}
	}
}

// eventID gives the event's id, which stands in front of the rest.
func (p *packed) eventID() string {
	if p.is(flagID) {
		return idText.EncodeToString([]byte(p.rest[:idBytes]))[:idChars]
	}
	n, rest := number(p.rest)
	return rest[:n]
}

// fields gives what joined wrote.
func (p *packed) fields() []string {
	if p.is(flagID) {
		return split(p.rest[idBytes:])
	}
	n, rest := number(p.rest)
	return split(rest[n:])
}

// The ids of platform/id, 26 characters, need 17 bytes. Others are kept as they are.
const idChars, idBytes = 26, 17

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func (p *packed) keep(eventID, rest string) {
	if id.Valid(eventID) {
		if raw, err := idText.DecodeString(eventID + "00"); err == nil {
			p.set(flagID, true)
			p.rest = string(raw) + rest
			return
		}
	}
	p.rest = string(binary.AppendUvarint(nil, uint64(len(eventID)))) + eventID + rest
}

func (p *packed) set(flag uint16, on bool) {
	if on {
		p.flags |= flag
	}
}

func (p *packed) is(flag uint16) bool { return p.flags&flag != 0 }
func (p *packed) success() bool       { return p.is(flagSuccess) }
func (p *packed) lock() bool          { return p.is(flagLock) }
func (p *packed) directory() bool     { return p.is(flagDirectory) }
func (p *packed) address() string     { return p.fields()[2] }
func (p *packed) password() bool      { return p.is(flagPassword) }
func (p *packed) failure() bool       { return p.flags&(flagSuccess|flagLock) == 0 }
func (p *packed) repeats() int        { return max(1, int(p.count)) }
func (p *packed) time() time.Time     { return time.Unix(p.sec, int64(p.nsec)).UTC() }
func (p *packed) source() string      { return p.from.Value().source }

// since is the event time between q and p.
func (p *packed) since(q *packed) time.Duration { return p.time().Sub(q.time()) }

// weight is how much of the bound of memory an attempt takes: a long line is
// several.
func (p *packed) weight() int { return 1 + len(p.rest)/1024 }

// compareTime orders by event time alone.
func (p *packed) compareTime(q *packed) int {
	return cmp.Or(cmp.Compare(p.sec, q.sec), cmp.Compare(p.nsec, q.nsec))
}

// comparePacked is compare.
func comparePacked(p, q *packed) int {
	c := cmp.Or(p.compareTime(q), cmp.Compare(p.createdSec, q.createdSec), cmp.Compare(p.createdNsec, q.createdNsec))
	if c != 0 {
		return c
	}
	if p.from != q.from {
		a, b := p.from.Value(), q.from.Value()
		if c := cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.path, b.path)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(p.offset, q.offset), cmp.Compare(p.eventID(), q.eventID()))
}

// sameLine reports whether q repeats p: where time is finer than a second, and
// line, time and source are equal.
func sameLine(p, q *packed) bool {
	const outcome = flagSuccess | flagLock
	return p.compareTime(q) == 0 && p.nsec != 0 && p.line != 0 && p.line == q.line &&
		p.flags&outcome == q.flags&outcome && p.source() == q.source()
}

// place puts p into the ordered list. Of two that repeat the same line the one
// with the smaller id stays; gone is the one that left for p. at is the first
// place that changed, -1 if none did.
func place(list []*packed, p *packed) (out []*packed, at int, gone *packed) {
	i, found := slices.BinarySearchFunc(list, p, comparePacked)
	if found {
		return list, -1, nil
	}
	twin := -1
	for j := i - 1; j >= 0 && list[j].compareTime(p) == 0; j-- {
		if sameLine(list[j], p) {
			twin = j
		}
	}
	for j := i; j < len(list) && list[j].compareTime(p) == 0; j++ {
		if sameLine(list[j], p) {
			twin = j
		}
	}
	if twin < 0 {
		return slices.Insert(list, i, p), i, nil
	}
	if list[twin].eventID() <= p.eventID() {
		return list, -1, nil
	}
	gone = list[twin]
	list = slices.Delete(list, twin, twin+1)
	i, _ = slices.BinarySearchFunc(list, p, comparePacked)
	return slices.Insert(list, i, p), min(i, twin), gone
}
