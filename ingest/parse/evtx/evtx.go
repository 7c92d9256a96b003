// Package evtx reads the event log files of Windows Vista and later: a file
// header, chunks of 64 KiB with checksums and tables of their own, and in them
// records of binary XML, of which each becomes the text of its XML ([MS-EVEN6]
// 2.2.12; the documentation of libevtx). It was written because no Go library
// for the format could be had.
//
// Files come from machines that may be attacked: every offset, size and depth
// is checked, and what is damaged is passed over with a reason while the rest
// is read.
package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// Sizes of the format, in bytes.
const (
	headerSize  = 4096
	chunkSize   = 64 << 10
	firstRecord = 512
	minRecord   = 28 // its header, and its size again at the end
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte{0x2a, 0x2a, 0, 0}
)

// Reasons of a Damage.
const (
	ReasonHeader   = "evtx-header"   // of the file: its checksum or its version
	ReasonChunk    = "evtx-chunk"    // not a chunk, or its checksum is wrong
	ReasonRecord   = "evtx-record"   // its sizes or its binary XML are wrong
	ReasonTruncate = "evtx-truncate" // the file ends within a chunk
)

// Damage is a part of a file that could not be read, or not be trusted. It is
// no end: Next goes on behind it. It implements error.
type Damage struct {
	Offset int64 // in the file
	Reason string
	Detail string // nothing of the event
}

func (d *Damage) Error() string { return fmt.Sprintf("%s at %d: %s", d.Reason, d.Offset, d.Detail) }

// Record is one event. XML is valid until the next call of Next.
type Record struct {
	ID      uint64    // EventRecordID
	Written time.Time // UTC
	Offset  int64     // in the file
	XML     []byte
}

// Known says whether the beginning of a file is that of an event log, or of a
// chunk cut out of one.
func Known(begin []byte) bool {
	return bytes.HasPrefix(begin, fileMagic) || bytes.HasPrefix(begin, chunkMagic)
}

// Reader reads a file in one pass, a chunk at a time. It is not safe for
// concurrent use.
type Reader struct {
	in      io.Reader
	offset  int64 // in the file, of the chunk
	begun   bool
	ended   bool
	dirty   bool // the file was open when it was copied
	noSums  bool
	pending []*Damage

	chunk chunk
	pos   int    // in the chunk, of the next record
	end   int    // where the records of the chunk end by its header
	carve bool   // the chunk is damaged: look for what is whole
	last  uint64 // id of the record before
}

// NewReader reads from r, which needs no seeking.
func NewReader(r io.Reader) *Reader { return &Reader{in: r} }

// Next returns the next record. A *Damage says that something was passed over
// or is doubtful; io.EOF that the file has ended; every other error is r's.
func (r *Reader) Next() (Record, error) {
	for {
		if len(r.pending) > 0 {
			d := r.pending[0]
			r.pending = r.pending[1:]
			return Record{}, d
		}
		if r.chunk.data != nil {
			rec, found, damage := r.record()
			if damage != nil {
				return Record{}, damage
			}
			if found {
				return rec, nil
			}
			r.offset += chunkSize
			r.chunk.data = nil
		}
		if r.ended {
			return Record{}, io.EOF
		}
		if err := r.read(); err != nil {
			return Record{}, err
		}
	}
}

// read reads the next chunk, and the file's header before the first.
func (r *Reader) read() error {
	if r.chunk.space == nil {
		r.chunk.space = make([]byte, chunkSize)
	}
	block := r.chunk.space
	filled := 0
	if !r.begun {
		r.begun = true
		n, err := io.ReadFull(r.in, block[:headerSize])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return err
		}
		switch {
		case bytes.HasPrefix(block[:n], chunkMagic):
			filled = n
		case n < headerSize:
			r.ended = true
			r.damage(0, ReasonHeader, "the file is shorter than its header")
			return nil
		default:
			r.offset = headerSize
			r.header(block[:headerSize])
		}
	}
	n, err := io.ReadFull(r.in, block[filled:])
	n += filled
	switch {
	case errors.Is(err, io.EOF) && n == 0:
		r.ended = true
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		r.ended = true
		clear(block[n:])
		if !empty(block[:n]) {
			r.damage(int64(n), ReasonTruncate, "the file ends within a chunk")
		}
	case err != nil:
		return err
	}
	r.begin(block)
	return nil
}

// damage notes what is wrong at a place of the chunk in work.
func (r *Reader) damage(at int64, reason, detail string) {
	r.pending = append(r.pending, &Damage{Offset: r.offset + at, Reason: reason, Detail: detail})
}

func (r *Reader) header(h []byte) {
	flags := binary.LittleEndian.Uint32(h[120:])
	r.dirty, r.noSums = flags&1 != 0, flags&4 != 0
	switch {
	case !bytes.HasPrefix(h, fileMagic):
		r.pending = append(r.pending, &Damage{Reason: ReasonHeader, Detail: "the file does not begin as an event log"})
	case crc32.ChecksumIEEE(h[:120]) != binary.LittleEndian.Uint32(h[124:]) && !r.noSums:
		r.pending = append(r.pending, &Damage{Reason: ReasonHeader, Detail: "the checksum of the file's header is wrong"})
	case binary.LittleEndian.Uint16(h[38:]) != 3:
		r.pending = append(r.pending, &Damage{Reason: ReasonHeader, Detail: "the version of the file is not 3"})
	}
}

func empty(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// begin looks at a chunk's header. A chunk that is not whole is still searched
// for records, each of which has to be right by itself.
func (r *Reader) begin(b []byte) {
	if empty(b[:firstRecord]) && empty(b) {
		r.offset += chunkSize
		return // room for later
	}
	r.chunk.begin(b)
	r.pos, r.end, r.carve, r.last = firstRecord, chunkSize, false, 0
	if !bytes.HasPrefix(b, chunkMagic) {
		r.carve = true
		r.damage(0, ReasonChunk, "no chunk begins here; only records that are whole are read")
		return
	}
	free := int(binary.LittleEndian.Uint32(b[48:]))
	if free >= firstRecord && free <= chunkSize {
		r.end = free
	} else {
		free = chunkSize
		r.carve = true
	}
	sum := crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:firstRecord])
	right := sum == binary.LittleEndian.Uint32(b[124:]) && crc32.ChecksumIEEE(b[firstRecord:free]) == binary.LittleEndian.Uint32(b[52:])
	if !right && !r.noSums && binary.LittleEndian.Uint32(b[120:])&4 == 0 {
		r.carve = true
		if !r.dirty { // one that was written to has no checksum yet
			r.damage(0, ReasonChunk, "a checksum of the chunk is wrong; only records that are whole are read")
		}
	}
}

// record reads the next record of the chunk; found is false at its end.
func (r *Reader) record() (rec Record, found bool, damage *Damage) {
	b := r.chunk.data
	for r.pos+minRecord <= chunkSize {
		if r.pos >= r.end && !r.continues() {
			return Record{}, false, nil
		}
		if !bytes.HasPrefix(b[r.pos:], recordMagic) {
			if !r.carve || !r.seek(1) {
				return Record{}, false, nil
			}
			continue
		}
		at := r.pos
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		whole := size >= minRecord && size <= chunkSize-at && int(binary.LittleEndian.Uint32(b[at+size-4:])) == size
		if !whole {
			r.carve = true // a record that was half written can still be read
			if size < minRecord || size > chunkSize-at {
				if !r.seek(len(recordMagic)) {
					r.pos = chunkSize
				}
				return Record{}, false, &Damage{r.offset + int64(at), ReasonRecord, "the size of the record cannot be"}
			}
		}
		rec = Record{
			ID: binary.LittleEndian.Uint64(b[at+8:]), Offset: r.offset + int64(at),
			Written: fileTime(binary.LittleEndian.Uint64(b[at+16:])),
		}
		r.pos = at + size
		r.last = rec.ID
		xml, err := r.chunk.xml(at+24, at+size-4)
		if err != nil {
			if !whole { // nor is its size to be trusted
				if r.pos = at; !r.seek(len(recordMagic)) {
					r.pos = chunkSize
				}
			}
			return Record{}, false, &Damage{rec.Offset, ReasonRecord, err.Error()}
		}
		rec.XML = xml
		return rec, true, nil
	}
	return Record{}, false, nil
}

// continues says whether behind the end that the header names there is the
// record after the last: the header of a file in use lags behind.
func (r *Reader) continues() bool {
	b := r.chunk.data
	return (r.carve || r.dirty) && bytes.HasPrefix(b[r.pos:], recordMagic) && r.last != 0 && binary.LittleEndian.Uint64(b[r.pos+8:]) == r.last+1
}

// seek goes to the next place that looks like the beginning of a record.
func (r *Reader) seek(skip int) bool {
	i := bytes.Index(r.chunk.data[r.pos+skip:r.end], recordMagic)
	if i < 0 {
		return false
	}
	r.pos += skip + i
	return true
}

// fileTime is a count of 100 ns since 1601.
func fileTime(n uint64) time.Time {
	const epoch = 116444736000000000 // 1970
	ticks := int64(n - epoch)        //nolint:gosec // dates before 1970 are negative
	return time.Unix(ticks/1e7, ticks%1e7*100).UTC()
}
