package parse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Lines cuts a stream into lines of at most max bytes. A longer line comes in
// pieces, each of max bytes but the last, so that nothing of it is lost.
type Lines struct {
	in  *bufio.Reader
	max int
	buf []byte
}

// NewLines reads from r.
func NewLines(r io.Reader, max int) *Lines {
	return &Lines{in: bufio.NewReaderSize(r, 64<<10), max: max}
}

// Line is one line, or a piece of one.
type Line struct {
	Text []byte // without the newline; valid until the next call
	Size int64  // bytes consumed, the newline included
	// Piece says that the line is longer than the limit and that more of it
	// follows; Rest, that this is what follows such a piece.
	Piece, Rest bool
	// Open says that the stream ended without a newline.
	Open bool
}

// Next returns the line after the one given (the zero Line at first), or
// io.EOF after the last.
func (l *Lines) Next(after Line) (Line, error) {
	l.buf = l.buf[:0]
	line := Line{Rest: after.Piece}
	for {
		if _, err := l.in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && len(l.buf) > 0 {
				line.Text, line.Size, line.Open = l.buf, int64(len(l.buf)), true
				return line, nil
			}
			return Line{}, err
		}
		chunk, _ := l.in.Peek(l.in.Buffered())
		room := l.max - len(l.buf)
		if end := bytes.IndexByte(chunk, '\n'); end >= 0 && end <= room {
			l.take(end, end+1)
			line.Text, line.Size = l.buf, int64(len(l.buf)+1)
			return line, nil
		}
		if len(chunk) > room {
			l.take(room, room)
			line.Text, line.Size, line.Piece = l.buf, int64(len(l.buf)), true
			return line, nil
		}
		l.take(len(chunk), len(chunk))
	}
}

// take keeps n of the buffered bytes and passes over skip of them.
func (l *Lines) take(n, skip int) {
	chunk, _ := l.in.Peek(n)
	l.buf = append(l.buf, chunk...)
	_, _ = l.in.Discard(skip)
}
