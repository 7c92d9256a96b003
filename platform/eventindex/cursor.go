package eventindex

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"varde.internal/platform/kql"
)

// Position is the place of an event in the order by (time, id).
type Position struct {
	Time int64 // nanoseconds since 1970
	ID   string
}

// Before reports whether p comes before o.
func (p Position) Before(o Position) bool {
	return p.Time < o.Time || p.Time == o.Time && p.ID < o.ID
}

// Cursor writes the position that a page ended at. It fits only the query and
// direction it was made for.
func Cursor(q kql.Query, ascending bool, p Position) string {
	b := fingerprint(q, ascending)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Time))
	b = append(b, p.ID...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ReadCursor reads what Cursor wrote, or fails with ErrCursor.
func ReadCursor(q kql.Query, ascending bool, cursor string) (Position, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 17 || string(b[:8]) != string(fingerprint(q, ascending)) {
		return Position{}, ErrCursor
	}
	return Position{Time: int64(binary.BigEndian.Uint64(b[8:16])), ID: string(b[16:])}, nil
}

// The text as written is what stays the same from page to page: "now" in it
// moves on.
func fingerprint(q kql.Query, ascending bool) []byte {
	text := q.Text
	if text == "" {
		text = q.String()
	}
	direction := "newest"
	if ascending {
		direction = "oldest"
	}
	sum := sha256.Sum256([]byte(direction + " " + text))
	return sum[:8]
}

// Clamp gives the limit of a page.
func (p Page) Clamp() int {
	if p.Limit <= 0 {
		return 100
	}
	return min(p.Limit, 1000)
}

// Nanos gives the bounds of r in nanoseconds since 1970, From <= t < To, with
// open ends as the widest.
func (r Range) Nanos() (from, to int64) {
	const widest = 1<<63 - 1
	from, to = 0, widest
	if !r.From.IsZero() {
		from = clampNanos(r.From)
	}
	if !r.To.IsZero() {
		to = clampNanos(r.To)
	}
	return from, to
}

func clampNanos(t time.Time) int64 {
	const widest = 1<<63 - 1
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(time.Unix(0, widest)):
		return widest
	}
	return t.UnixNano()
}
