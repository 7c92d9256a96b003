package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"varde.internal/ingest/collector"
	"varde.internal/ingest/parse"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/test/running"
)

// stream is one source with one honest client: it numbers its events, sends
// them in order, and sends again what was not acknowledged.
type stream struct {
	name  string // host of its events
	kind  string // bulk-id, bulk, lines, import, syslog, file
	total int    // events, numbered from 1

	site   *site
	key    string
	source string // its id in the register
	rng    *rand.Rand

	latest  time.Time    // of an event
	allowed atomic.Int64 // up to which number it may send: the kills are spread over the events
	done    atomic.Int64 // events that were acknowledged, or written where nothing acknowledges
	retries atomic.Int64 // sendings that were not acknowledged
	ranges  []sentOver   // of a syslog client: what went over each connection
	rotated int          // of a file: how often
}

// sentOver is what a syslog client gave to one connection: the numbers from
// first to last. whole: the collector closed it after the client did.
type sentOver struct {
	first, last int
	whole       bool
}

// register is what the register has of the source.
func (m *stream) register() registerapi.Source {
	s := registerapi.Source{Name: m.name, Kind: registerapi.Bulk, TimeZone: "UTC"}
	switch m.kind {
	case "file", "import":
		s.Kind = registerapi.File
	case "syslog":
		s.Kind, s.Addresses = registerapi.Syslog, []string{"127.0.0.1"}
	}
	return s
}

// line is the event of that number. Fine times order events by themselves;
// with coarse ones, as old daemons write them, their order is the collector's
// to keep.
func (m *stream) line(n int, at time.Time) string {
	form := "2006-01-02T15:04:05Z"
	if m.kind == "bulk-id" { // the id is the client's, and says nothing of the order
		form = "2006-01-02T15:04:05.000000Z"
	}
	return fmt.Sprintf("%s %s chaos[%d]: event number %d.", at.UTC().Format(form), m.name, 1+n%30000, n)
}

// lines are those numbered from first to last. They are made once: what is sent
// again is the same, byte for byte.
func (m *stream) lines(first, last int) []string {
	out := make([]string, 0, last-first+1)
	for n := first; n <= last; n++ {
		if now := time.Now().Round(0); now.After(m.latest.Add(time.Microsecond)) {
			m.latest = now
		} else { // fine times are never the same, nor do they go back with the clock
			m.latest = m.latest.Add(time.Microsecond)
		}
		out = append(out, m.line(n, m.latest))
	}
	return out
}

// run sends everything.
func (m *stream) run(ctx context.Context, pace time.Duration) error {
	switch m.kind {
	case "syslog":
		return m.overSyslog(ctx, pace)
	case "file":
		return m.intoFile(ctx, pace)
	}
	send := map[string]func(*stream, int, []string) error{
		"bulk-id": (*stream).sendWithIDs, "bulk": (*stream).sendWithout, "lines": (*stream).sendLines, "import": (*stream).sendPiece,
	}[m.kind]
	for first := 1; first <= m.total; {
		last := min(m.total, first+m.rng.IntN(400))
		if err := m.await(ctx, last); err != nil {
			return err
		}
		lines := m.lines(first, last)
		for {
			err := send(m, first, lines)
			if err == nil {
				break
			}
			m.retries.Add(1)
			if !pause(ctx, 100*time.Millisecond) {
				return fmt.Errorf("%s: event %d: %w: %w", m.name, first, ctx.Err(), err)
			}
		}
		m.done.Store(int64(last))
		first = last + 1
		if pace > 0 && !pause(ctx, pace) {
			return ctx.Err()
		}
	}
	return nil
}

// await waits until the event of that number may be sent.
func (m *stream) await(ctx context.Context, n int) error {
	for int(m.allowed.Load()) < n {
		if !pause(ctx, 10*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (m *stream) sendWithIDs(first int, lines []string) error {
	docs := make([]running.Doc, len(lines))
	for i, l := range lines {
		docs[i] = running.Doc{ID: fmt.Sprintf("%s-%d", m.name, first+i), Line: l}
	}
	return running.SendBulk(m.site.Bulk, m.key, docs...)
}

func (m *stream) sendWithout(_ int, lines []string) error {
	docs := make([]running.Doc, len(lines))
	for i, l := range lines {
		docs[i] = running.Doc{Line: l}
	}
	return running.SendBulk(m.site.Bulk, m.key, docs...)
}

func (m *stream) sendLines(_ int, lines []string) error {
	return m.taken("/v1/lines", "text/plain", strings.Join(lines, "\n")+"\n", len(lines))
}

func (m *stream) sendPiece(first int, lines []string) error {
	var body bytes.Buffer
	out := json.NewEncoder(&body)
	piece := collector.Piece{File: m.name + ".log", Generation: m.name, Resume: parse.State{}}
	if err := out.Encode(piece); err != nil {
		return err
	}
	for i, l := range lines {
		if err := out.Encode(collector.PieceRecord{Number: int64(first + i), Text: []byte(l)}); err != nil {
			return err
		}
	}
	return m.taken("/v1/import", "application/x-ndjson", body.String(), len(lines))
}

// taken posts a body and checks that as many events were taken as it holds.
func (m *stream) taken(path, mediaType, body string, events int) error {
	text, err := running.Send(m.site.Bulk+path, m.key, mediaType, strings.NewReader(body))
	if err != nil {
		return err
	}
	var n struct{ Events, Dead int }
	if err := json.Unmarshal(text, &n); err != nil || n.Events != events || n.Dead != 0 {
		return fmt.Errorf("%s answered %s to %d lines", path, text, events)
	}
	return nil
}
