package parse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"varde.internal/ingest/parse/evtx"
)

// ReasonTooLong is of a record that is longer than its limit; it comes in pieces.
const ReasonTooLong = "line-too-long"

// Record is the text of one event of a file, or of what stands in its place.
type Record struct {
	Text []byte // without the newline; valid until the next call
	// Number is that of the line where it begins; in an event log of Windows it
	// is that of the event in the file.
	Number int
	// Reason says why there is no event to parse: it was damaged, or is a piece
	// of what is too long. Detail holds nothing of the event.
	Reason, Detail string
}

// Records cuts a file into its events, whatever form it has: lines; several
// JSON objects in a line, an array of them, or objects over several lines; the
// XML of Windows events, alone or in a list; an event log of Windows (.evtx).
// UTF-16 becomes UTF-8. It holds one event at a time (64 KiB of an event log),
// and nothing of the file is left out without a Record that says why.
type Records struct {
	next  func() (Record, error)
	whole bool
}

// sniffed is how much of a file's beginning tells its form.
const sniffed = 64 << 10

// NewRecords reads from r. An event of more than max bytes comes in pieces with
// ReasonTooLong. The error is r's.
func NewRecords(r io.Reader, max int) (*Records, error) {
	in := bufio.NewReaderSize(r, sniffed)
	begin, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if order, ok := utf16Order(begin); ok {
		decoder := unicode.UTF16(order, unicode.UseBOM).NewDecoder()
		in = bufio.NewReaderSize(transform.NewReader(in, decoder), sniffed)
		if begin, err = in.Peek(sniffed); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	text := bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf"))
	switch {
	case evtx.Known(begin):
		return &Records{next: eventLog(evtx.NewReader(in)), whole: true}, nil
	case isEventXML(string(text[:min(len(text), 1024)])):
		return &Records{next: scanned(in, max, nextXML), whole: true}, nil
	case spansLines(text):
		return &Records{next: pages(scanned(in, max, nextObject))}, nil
	case isDetail(text[:min(len(text), 1024)]):
		return &Records{next: scanned(in, max, nextDetail)}, nil
	}
	return &Records{next: lines(NewLines(in, max))}, nil
}

// Whole says that every event names its whole time, so that no years have to be
// found for the file (Scan).
func (r *Records) Whole() bool { return r.whole }

// Next returns the next record, io.EOF at the end, or the reader's error.
func (r *Records) Next() (Record, error) { return r.next() }

// utf16Order tells UTF-16 by its mark, or by the zeros beside the first letter.
func utf16Order(begin []byte) (unicode.Endianness, bool) {
	if len(begin) < 4 {
		return unicode.LittleEndian, false
	}
	switch {
	case begin[0] == 0xff && begin[1] == 0xfe:
		return unicode.LittleEndian, true
	case begin[0] == 0xfe && begin[1] == 0xff:
		return unicode.BigEndian, true
	case begin[1] == 0 && begin[3] == 0 && begin[0] != 0 && begin[2] != 0:
		return unicode.LittleEndian, true
	case begin[0] == 0 && begin[2] == 0 && begin[1] != 0 && begin[3] != 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// spansLines says whether a file begins with JSON whose first line is not whole.
func spansLines(begin []byte) bool {
	text := bytes.TrimLeft(begin, " \t\r\n")
	if len(text) == 0 || (text[0] != '{' && text[0] != '[') {
		return false
	}
	first, rest, ended := bytes.Cut(text, []byte("\n"))
	first = bytes.TrimRight(first, " \t\r")
	if !ended {
		return text[0] == '[' && len(bytes.TrimLeft(text[1:], " \t\r\n")) > 0 && bytes.TrimLeft(text[1:], " \t\r\n")[0] == '{'
	}
	if text[0] == '[' {
		after := bytes.TrimLeft(text[1:], " \t\r\n")
		return len(after) > 0 && after[0] == '{' && !bytes.HasSuffix(first, []byte("]"))
	}
	// A broken line of a file of lines is followed by one that is whole.
	if objectEnd(first) > 0 {
		return false
	}
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	return len(second) > 0 && second[0] != '{'
}

// pages takes the events out of objects that are pages of them.
func pages(next func() (Record, error)) func() (Record, error) {
	var page Record
	var parts [][]byte
	return func() (Record, error) {
		if len(parts) == 0 {
			var err error
			if page, err = next(); err != nil || page.Reason != "" {
				return page, err
			}
			if parts = unwrap(bytes.TrimSpace(page.Text)); parts == nil {
				return page, nil
			}
		}
		part := parts[0]
		parts = parts[1:]
		return Record{Text: part, Number: page.Number}, nil
	}
}

// lines are the usual form.
func lines(in *Lines) func() (Record, error) {
	var line Line
	var parts [][]byte
	number, at := 1, 1
	return func() (Record, error) {
		for len(parts) == 0 {
			after, err := in.Next(line)
			if err != nil {
				return Record{}, err
			}
			line, at = after, number
			if !line.Piece {
				number++
			}
			if line.Piece || line.Rest {
				return Record{Text: line.Text, Number: at, Reason: ReasonTooLong, Detail: "a piece of a line that is too long"}, nil
			}
			if len(bytes.TrimRight(line.Text, "\r")) > 0 {
				parts = Split(line.Text)
			}
		}
		part := parts[0]
		parts = parts[1:]
		return Record{Text: part, Number: at}, nil
	}
}

// eventLog is the binary form.
func eventLog(in *evtx.Reader) func() (Record, error) {
	number := 0
	return func() (Record, error) {
		rec, err := in.Next()
		var damage *evtx.Damage
		switch {
		case errors.As(err, &damage):
			return Record{Number: number, Reason: damage.Reason, Detail: fmt.Sprintf("at byte %d: %s", damage.Offset, damage.Detail)}, nil
		case err != nil:
			return Record{}, err
		}
		number++
		return Record{Text: rec.XML, Number: number}, nil
	}
}

// cut says where in data the next event lies. begin is -1 where there is none
// and data up to end can be passed over; end is -1 where more has to be read.
type cut func(data []byte, atEOF bool) (begin, end int)

// scanned reads events that span lines.
func scanned(in io.Reader, max int, next cut) func() (Record, error) {
	number, at := 1, 1
	long := false
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, sniffed), max+2*sniffed)
	scanner.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		passed := 0
		for {
			begin, end := next(data[passed:], atEOF)
			if begin >= 0 || end <= 0 {
				begin, end, long = bounded(begin, end, len(data)-passed, max, atEOF)
				at = number + bytes.Count(data[:passed], []byte("\n"))
				if end < 0 { // the scanner reads more, or is at its end
					number = at
					return passed, nil, nil
				}
				number = at + bytes.Count(data[passed:passed+end], []byte("\n"))
				return passed + end, data[passed+begin : passed+end], nil
			}
			passed += end
		}
	})
	return func() (Record, error) {
		if !scanner.Scan() {
			if err := scanner.Err(); err != nil {
				return Record{}, err
			}
			return Record{}, io.EOF
		}
		if long {
			return Record{Text: scanner.Bytes(), Number: at, Reason: ReasonTooLong, Detail: "a piece of an event that is too long"}, nil
		}
		return Record{Text: scanner.Bytes(), Number: at}, nil
	}
}

// bounded ends an event where it is longer than max (long), or where the file
// ends within it.
func bounded(begin, end, have, max int, atEOF bool) (_, _ int, long bool) {
	switch {
	case end >= 0 && end-begin <= max:
		return begin, end, false
	case have-begin > max:
		return begin, begin + max, true
	case end < 0 && atEOF && begin >= 0 && begin < have:
		return begin, have, false
	}
	return begin, end, false
}

// nextXML finds the next <Event>…</Event>. What stands between events is
// passed over where it is a list's element, a comment or an instruction; other
// text is a record of its own.
func nextXML(data []byte, atEOF bool) (begin, end int) {
	i := 0
	for i < len(data) && (data[i] <= ' ' || data[i] == '-' || bytes.HasPrefix(data[i:], []byte("\xef\xbb\xbf"))) {
		if data[i] == 0xef {
			i += 2
		}
		i++
	}
	rest := data[i:]
	if i > 0 && (len(rest) > 0 || atEOF) {
		return -1, i
	}
	if len(rest) < 8 && !atEOF {
		return 0, -1
	}
	upTo := func(mark string) (int, int) {
		if at := bytes.Index(rest, []byte(mark)); at >= 0 {
			return -1, i + at + len(mark)
		}
		return i, -1
	}
	switch {
	case bytes.HasPrefix(rest, []byte("<?")):
		return upTo("?>")
	case bytes.HasPrefix(rest, []byte("<!--")):
		return upTo("-->")
	case bytes.HasPrefix(rest, []byte("<Events")), bytes.HasPrefix(rest, []byte("</Events")):
		return upTo(">")
	case bytes.HasPrefix(rest, []byte("<Event")):
		if at := bytes.Index(rest, []byte("</Event>")); at >= 0 {
			return i, i + at + len("</Event>")
		}
		return i, -1
	}
	// Something else: up to where an event can begin, or its line ends.
	for _, mark := range []string{"<Event", "\n"} {
		if at := bytes.Index(rest, []byte(mark)); at > 0 {
			if line := bytes.IndexByte(rest[:at], '\n'); line > 0 {
				at = line
			}
			return i, i + at
		}
	}
	return i, -1
}

// nextObject finds the next JSON object of an array, or of objects one after
// the other.
func nextObject(data []byte, _ bool) (begin, end int) {
	i := 0
	for i < len(data) && bytes.IndexByte([]byte(" \t\r\n,[]\xef\xbb\xbf"), data[i]) >= 0 {
		i++
	}
	rest := data[i:]
	if i > 0 {
		return -1, i
	}
	if len(rest) == 0 {
		return 0, -1
	}
	if rest[0] == '{' {
		if n := objectEnd(rest); n > 0 {
			return i, i + n
		}
		return i, -1
	}
	if at := bytes.IndexByte(rest, '\n'); at > 0 {
		return i, i + at
	}
	return i, -1
}
