package evtx

import (
	"encoding/binary"
	"hash/crc32"
	"time"
	"unicode/utf16"
)

// build writes chunks as Windows does, so that the reader can be tried on every
// token without another's files.
type build struct {
	b     []byte // of the chunk
	names map[string]uint32
	first uint64
	last  uint64
}

func newBuild() *build { return &build{b: make([]byte, firstRecord), names: map[string]uint32{}} }

func (w *build) u8(v ...byte) { w.b = append(w.b, v...) }
func (w *build) u16(v int)    { w.b = binary.LittleEndian.AppendUint16(w.b, uint16(v)) }
func (w *build) u32(v int)    { w.b = binary.LittleEndian.AppendUint32(w.b, uint32(v)) }
func (w *build) u64(v uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, v) }

func units(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// name writes the place of a name, and the name itself at its first use.
func (w *build) name(s string) {
	if at, ok := w.names[s]; ok {
		w.u32(int(at))
		return
	}
	at := uint32(len(w.b) + 4)
	w.names[s] = at
	w.u32(int(at))
	w.u32(0)
	w.u16(0)
	w.u16(len(units(s)) / 2)
	w.u8(units(s)...)
	w.u16(0)
}

func (w *build) counted(s string) {
	w.u16(len(units(s)) / 2)
	w.u8(units(s)...)
}

// open begins an element; attributes are pairs of a name and what writes its content.
type attr struct {
	name  string
	write func()
}

func (w *build) open(dependency bool, name string, attrs ...attr) {
	if len(attrs) > 0 {
		w.u8(tokenOpen | tokenMore)
	} else {
		w.u8(tokenOpen)
	}
	if dependency {
		w.u16(0xffff)
	}
	w.u32(0)
	w.name(name)
	if len(attrs) == 0 {
		return
	}
	w.u32(0)
	for i, a := range attrs {
		if i < len(attrs)-1 {
			w.u8(tokenAttribute | tokenMore)
		} else {
			w.u8(tokenAttribute)
		}
		w.name(a.name)
		a.write()
	}
}

func (w *build) value(s string) func() {
	return func() {
		w.u8(tokenValue, typeString)
		w.counted(s)
	}
}

func (w *build) sub(id int, optional bool) func() {
	return func() {
		if optional {
			w.u8(tokenOptional)
		} else {
			w.u8(tokenSubstitution)
		}
		w.u16(id)
		w.u8(typeString)
	}
}

// leaf writes an element with one content.
func (w *build) leaf(name string, content func(), attrs ...attr) {
	w.open(true, name, attrs...)
	if content == nil {
		w.u8(tokenCloseEmpty)
		return
	}
	w.u8(tokenCloseStart)
	content()
	w.u8(tokenEndElement)
}

func (w *build) fragment() { w.u8(tokenFragment, 1, 1, 0) }

type val struct {
	kind byte
	data []byte
}

// template writes an instance of the template at at; 0 defines one here.
func (w *build) template(at int, define func(), values ...val) int {
	w.u8(tokenTemplate, 1)
	w.u32(1)
	if at != 0 {
		w.u32(at)
	} else {
		at = len(w.b) + 4
		w.u32(at)
		w.u32(0)
		w.u8(make([]byte, 16)...)
		sizeAt := len(w.b)
		w.u32(0)
		w.fragment()
		define()
		w.u8(tokenEnd)
		binary.LittleEndian.PutUint32(w.b[sizeAt:], uint32(len(w.b)-sizeAt-4))
	}
	w.u32(len(values))
	for _, v := range values {
		w.u16(len(v.data))
		w.u8(v.kind, 0)
	}
	for _, v := range values {
		w.u8(v.data...)
	}
	return at
}

// record writes a record around its binary XML.
func (w *build) record(id uint64, content func()) {
	at := len(w.b)
	w.u8(recordMagic...)
	w.u32(0)
	w.u64(id)
	w.u64(ticks(time.Date(2026, 11, 22, 10, 0, 0, 123456700, time.UTC)))
	content()
	for len(w.b)%8 != 4 {
		w.u8(0)
	}
	size := len(w.b) + 4 - at
	w.u32(size)
	binary.LittleEndian.PutUint32(w.b[at+4:], uint32(size))
	if w.first == 0 {
		w.first = id
	}
	w.last = id
}

func ticks(t time.Time) uint64 { return uint64(t.UnixNano()/100 + 116444736000000000) }

// chunk closes the chunk with its header and checksums.
func (w *build) chunk() []byte {
	free := len(w.b)
	b := append(w.b, make([]byte, chunkSize-free)...)
	copy(b, chunkMagic)
	le := binary.LittleEndian
	le.PutUint64(b[8:], w.first)
	le.PutUint64(b[16:], w.last)
	le.PutUint64(b[24:], w.first)
	le.PutUint64(b[32:], w.last)
	le.PutUint32(b[40:], 128)
	le.PutUint32(b[48:], uint32(free))
	le.PutUint32(b[52:], crc32.ChecksumIEEE(b[firstRecord:free]))
	sum(b)
	return b
}

// sum writes the checksum of a chunk's header.
func sum(b []byte) {
	binary.LittleEndian.PutUint32(b[124:], crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:firstRecord]))
}

// file puts chunks behind a header.
func file(flags uint32, chunks ...[]byte) []byte {
	h := make([]byte, headerSize)
	copy(h, fileMagic)
	le := binary.LittleEndian
	le.PutUint64(h[16:], uint64(len(chunks)-1))
	le.PutUint32(h[32:], 128)
	le.PutUint16(h[36:], 1)
	le.PutUint16(h[38:], 3)
	le.PutUint16(h[40:], headerSize)
	le.PutUint16(h[42:], uint16(len(chunks)))
	le.PutUint32(h[120:], flags)
	le.PutUint32(h[124:], crc32.ChecksumIEEE(h[:120]))
	for _, c := range chunks {
		h = append(h, c...)
	}
	return h
}

func crc(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
