package collector

import (
	"bytes"
	"time"

	"varde.internal/ingest/parse"
)

// mostJoined bounds the lines of a document that spans them; its bytes are
// bounded by MaxLine.
const mostJoined = 10_000

// joining holds the lines of a document that spans them, in a followed file.
// The file's position stands before the first of them until the last is there,
// so that what was half read is read again.
type joining struct {
	document parse.Document
	text     []byte // the lines so far, each with its newline
	ends     []int  // where each ends in text
	since    time.Time
}

func (j *joining) holds() bool { return len(j.ends) > 0 }

func (j *joining) hold(whole []byte) {
	j.text = append(j.text, whole...)
	j.ends = append(j.ends, len(j.text))
}

// whole takes the line that has been read to its end.
func (t *tail) whole() {
	if t.long { // the rest of one that was too long
		t.take(t.part[:len(t.part)-1], len(t.part))
	} else {
		t.line(t.part)
	}
	t.part = t.part[:0]
}

// line takes one whole line, with its newline: by itself, or as a part of a
// document that spans lines.
func (t *tail) line(whole []byte) {
	raw := whole[:len(whole)-1]
	if !t.join.holds() {
		document, opens := parse.OpensDocument(raw)
		if !opens {
			t.take(raw, len(whole))
			return
		}
		t.join.document, t.join.since = document, t.m.deps.Clock()
		t.join.hold(whole)
		return
	}
	ended, broken := t.join.document.Next(raw)
	if broken || len(t.join.text)+len(whole) > t.m.cfg.MaxLine || len(t.join.ends) >= mostJoined {
		t.release()
		t.line(whole)
		return
	}
	t.join.hold(whole)
	if ended {
		t.joined()
	}
}

// joined takes the document, whose last line is there.
func (t *tail) joined() {
	text := t.join.text
	// An array's elements end with a comma.
	t.take(bytes.TrimRight(text, " \t\r\n,"), len(text))
	t.join.text, t.join.ends = text[:0], t.join.ends[:0]
}

// last takes a line that never got its newline: its file grows no more.
func (t *tail) last() {
	if t.join.holds() && len(t.part) > 0 {
		if ended, broken := t.join.document.Next(t.part); ended && !broken && len(t.join.text)+len(t.part) <= t.m.cfg.MaxLine {
			t.join.hold(t.part)
			t.part = t.part[:0]
			t.joined()
			return
		}
	}
	t.release()
	if len(t.part) > 0 {
		t.take(t.part, len(t.part))
		t.part = t.part[:0]
	}
}

// release gives a document up: its lines are lines by themselves.
func (t *tail) release() {
	text, ends := t.join.text, t.join.ends
	t.join = joining{}
	begin := 0
	for _, end := range ends {
		t.take(text[begin:end-1], end-begin)
		begin = end
	}
}

// stalled releases a document whose end does not come.
func (t *tail) stalled() {
	if t.join.holds() && t.m.deps.Clock().Sub(t.join.since) > t.m.cfg.Stall {
		t.release()
	}
}
