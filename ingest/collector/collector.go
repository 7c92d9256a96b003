// Package collector receives log lines (files, syslog over UDP, TCP and TLS,
// HTTP as Elasticsearch's clients and OpenTelemetry's exporters send it) and
// fetches them (topics of another Kafka, Microsoft Graph), turns each into an event with
// its id, tenant, partition and provenance, and publishes it. What it has
// acknowledged is durable on the bus; what cannot become an event goes to
// events.failed with the reason, whole (R36).
package collector

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// Config of the collector.
type Config struct {
	// SyslogTCP and SyslogUDP are the addresses it listens on; empty: not.
	SyslogTCP string
	SyslogUDP string
	SyslogTLS TLS
	Files     []File
	Topics    []Topic // of other Kafkas
	Graphs    []Graph // directories of Entra ID that are polled
	// TimeZone of sources that declare none: what times without a zone are in.
	TimeZone string
	// Period of a storage partition: day, or month where volume is low.
	Period string

	MaxLine        int           // bytes of one line; a longer one is dead-lettered in pieces
	MaxBatch       int           // lines published at once
	MaxConnections int           // syslog over TCP, and as many over TLS
	MaxBulk        int64         // bytes of one unpacked _bulk body
	MaxInFlight    int64         // bytes of all _bulk bodies at once; more is 429
	Stall          time.Duration // how long a syslog client may leave a line half sent
	Poll           time.Duration // how often files are looked at when nothing tells of a change
	Quota          Quota         // of sources for which the register names none
	Report         time.Duration // how often it says how the intake does
}

// File is a log that is followed, for a source of the register. Path may be a
// pattern (filepath.Match); each file that it matches is followed.
type File struct {
	Path   string
	Source string // id of the source
}

// Default listens nowhere and takes what a busy municipality sends.
func Default() Config {
	return Config{
		TimeZone: "Europe/Oslo", Period: PeriodDay,
		MaxLine: 1 << 20, MaxBatch: 500, MaxConnections: 1024, MaxBulk: 32 << 20, MaxInFlight: 96 << 20,
		Stall: time.Minute, Poll: time.Second, Quota: Quota{PerSecond: 50_000}, Report: time.Minute,
	}
}

// Periods of a partition.
const (
	PeriodDay   = "day"
	PeriodMonth = "month"
)

// Validate names everything that is wrong, joined.
func (c Config) Validate() error {
	var errs []error
	for name, address := range map[string]string{"syslogTCP": c.SyslogTCP, "syslogUDP": c.SyslogUDP} {
		if address == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	errs = append(errs, c.SyslogTLS.validate())
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		errs = append(errs, fmt.Errorf("timeZone: %w", err))
	}
	if c.Period != PeriodDay && c.Period != PeriodMonth {
		errs = append(errs, fmt.Errorf("period: must be %s or %s", PeriodDay, PeriodMonth))
	}
	// A dead letter holds its line in base64, and must fit a message of the bus.
	if c.MaxLine < 1024 || c.MaxLine > 1<<20 {
		errs = append(errs, errors.New("maxLine: must be between 1 KiB and 1 MiB"))
	}
	if c.MaxBatch < 1 || c.MaxConnections < 1 || c.MaxBulk < int64(c.MaxLine) || c.MaxInFlight < c.MaxBulk || c.Stall <= 0 || c.Poll <= 0 {
		errs = append(errs, errors.New("maxBatch, maxConnections, maxBulk, maxInFlight, stall and poll must be positive, and maxLine ≤ maxBulk ≤ maxInFlight"))
	}
	if c.Quota.PerSecond < 0 || c.Quota.Burst < 0 || c.Report <= 0 {
		errs = append(errs, errors.New("quota must not be negative, and report must be positive"))
	}
	for i, f := range c.Files {
		if f.Path == "" || f.Source == "" {
			errs = append(errs, fmt.Errorf("files[%d]: path and source are needed", i))
		}
	}
	for i, t := range c.Topics {
		if err := t.validate(); err != nil {
			errs = append(errs, fmt.Errorf("kafka[%d]: %w", i, err))
		}
	}
	for i, g := range c.Graphs {
		if err := g.validate(); err != nil {
			errs = append(errs, fmt.Errorf("graph[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Source of lines as the register has it now.
type Source struct {
	ID     string
	Tenant string // that owns it
	topics.Source
	// Mapping reads the lines where the source has one; MappingFault says why
	// the one that it has cannot.
	Mapping      *parse.Mapping
	MappingFault string
	// Turn is how often the mapping became another: it grows for ever.
	Turn int
}

// Reasons of dead letters besides those of package parse.
const (
	ReasonTooLong    = "line-too-long"
	ReasonTooLarge   = "event-too-large"
	ReasonIncomplete = "incomplete-frame"
	ReasonDocument   = "not-a-document"
)

// Ids are read in order of event time and, where that is the same, of the id:
// a daemon that writes whole seconds has many lines in each. So the ids that are
// made here begin with what puts the lines of one source in the order in which
// they were written, and end with what makes them unlike any other.

// fileID is the id of a line of a followed file: the same at every reading.
// Before is how much of the file's earlier generations was read before it.
func fileID(s Source, generation string, before, offset int64, line []byte) string {
	sum := sha256.Sum256(line)
	return placed(uint64(before+offset), id.Of("file", s.Tenant, s.ID, generation, fmt.Sprint(offset), string(sum[:]))) //nolint:gosec // never negative
}

// replayID is the id of a line of the demo's captures, whatever version replays it.
func replayID(s Source, name string, offset int64, line []byte) string {
	sum := sha256.Sum256(line)
	return id.Of("file", s.Tenant, s.ID, "replay/"+name, fmt.Sprint(offset), string(sum[:]))
}

// placed puts a place of 50 bits in front of the last 80 bits of an id.
func placed(place uint64, unique string) string {
	return string(appendBits(make([]byte, 0, 26), place, placeDigits)) + unique[placeDigits:]
}

// How many characters of five bits an id has for what orders it: the place in a
// file or the millisecond of its receipt, then a number.
const (
	placeDigits  = 10
	numberDigits = 6
	orderDigits  = placeDigits + numberDigits
)

// idAlphabet is that of package id.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

func appendBits(to []byte, bits uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		to = append(to, idAlphabet[bits>>(5*i)&31])
	}
	return to
}

// lineNumbers of lines that have no name of their own, counted by this process.
var lineNumbers atomic.Uint64

// lineID is the id of a line that has no name of its own: 50 bits of when it
// was received, 30 of a number that rises, and 50 at random, in the form of
// package id. What is received together then lies together in an index. Unlike
// a report's, an event's id may tell the time: the event does.
func lineID(received time.Time) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (Go 1.24)
	return timedID(rising(received), lineNumbers.Add(1), binary.BigEndian.Uint64(random[:]))
}

// latest is the millisecond of the last id that was made from a receipt.
var latest atomic.Int64

// rising is a time of receipt, or the one before it where the clock was set back
// a little: the order of lines does not turn with it.
func rising(received time.Time) time.Time {
	for {
		now, last := received.UnixMilli(), latest.Load()
		if now < last && last-now < 10_000 {
			return time.UnixMilli(last)
		}
		if latest.CompareAndSwap(last, now) {
			return received
		}
	}
}

func timedID(received time.Time, number, unique uint64) string {
	out := appendBits(make([]byte, 0, 26), uint64(received.UnixMilli()), placeDigits) //nolint:gosec // after 1970
	return string(appendBits(appendBits(out, number, numberDigits), unique, uniqueDigits))
}

// readTimedID takes apart what timedID made; ok is false of any other id.
func readTimedID(text string) (received time.Time, number, unique uint64, ok bool) {
	if !id.Valid(text) {
		return time.Time{}, 0, 0, false
	}
	read := func(digits string) (bits uint64) {
		for i := range len(digits) {
			bits = bits<<5 | uint64(strings.IndexByte(idAlphabet, digits[i])) //nolint:gosec // it is valid
		}
		return bits
	}
	millis := read(text[:placeDigits])
	return time.UnixMilli(int64(millis)), read(text[placeDigits:orderDigits]), read(text[orderDigits:]), true //nolint:gosec // 50 bits
}

// uniqueDigits are those of a timed id that order nothing.
const uniqueDigits = 26 - orderDigits

// clientID is the id of a document that its sender named.
func clientID(s Source, given string) string { return id.Of("bulk", s.Tenant, s.ID, given) }

// tenantOf maps an event of a shared source to a tenant: by the realm of the
// account, then by the host that logged. What does not map stays with the
// owner, the host's operations tenant; mapped says so.
func tenantOf(s Source, ev *ecs.Event) (tenant string, mapped bool) {
	if !s.Shared {
		return s.Tenant, true
	}
	if a := ev.Varde.Account; a != nil && a.Realm != "" {
		if t, ok := lookup(s.Realms, a.Realm); ok {
			return t, true
		}
	}
	if ev.Host != nil {
		if t, ok := lookup(s.HostTenants, ev.Host.Name); ok {
			return t, true
		}
	}
	return s.Tenant, false
}

// lookup compares without regard to case.
func lookup(table map[string]string, key string) (string, bool) {
	if t, ok := table[key]; ok {
		return t, t != ""
	}
	for k, t := range table {
		if strings.EqualFold(k, key) {
			return t, t != ""
		}
	}
	return "", false
}

// How far an event's time may lie from its receipt and still choose its
// partition; outside, the receipt does, so that a wrong clock neither makes
// partitions that never end nor ones that are dropped at once.
const (
	oldest = 400 * 24 * time.Hour
	newest = 24 * time.Hour
)

// partition names where an event is stored: tenant, retention class, period.
func partition(tenant, class, period string, event, received time.Time) string {
	at := event
	if event.Before(received.Add(-oldest)) || event.After(received.Add(newest)) {
		at = received
	}
	if class == "" {
		class = topics.RetentionStandard
	}
	form := "2006-01-02"
	if period == PeriodMonth {
		form = "2006-01"
	}
	name := tenant + "." + class + "." + at.UTC().Format(form)
	if class != topics.RetentionStandard && !eventindex.ValidPartition(name) {
		// Registered before the register refused it: no line is lost for its class.
		return partition(tenant, topics.RetentionStandard, period, event, received)
	}
	return name
}

// covers says whether an address of the register, single or a range, holds ip;
// bits is how narrowly.
func covers(declared string, ip netip.Addr) (bits int, ok bool) {
	if p, err := netip.ParsePrefix(declared); err == nil {
		if p.Addr().Is4() {
			return p.Bits() + 96, p.Contains(ip)
		}
		return p.Bits(), p.Contains(ip)
	}
	a, err := netip.ParseAddr(declared)
	return 128, err == nil && a.Unmap() == ip
}
