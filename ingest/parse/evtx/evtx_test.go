package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// all reads a file to its end.
func all(t testing.TB, in io.Reader) (records []Record, damages []*Damage) {
	t.Helper()
	r := NewReader(in)
	for {
		rec, err := r.Next()
		var d *Damage
		switch {
		case errors.Is(err, io.EOF):
			return records, damages
		case errors.As(err, &d):
			damages = append(damages, d)
			continue
		}
		require.NoError(t, err)
		rec.XML = bytes.Clone(rec.XML)
		records = append(records, rec)
	}
}

func le(width int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, v)[:width]
}

func TestEveryTypeOfValueIsWrittenAsWindowsDoes(t *testing.T) {
	t.Parallel()
	guid := []byte{0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xa5, 0xba, 0x3e, 0x3b, 0x03, 0x28, 0xc3, 0x0d}
	sid := append([]byte{1, 2, 0, 0, 0, 0, 0, 5}, append(le(4, 32), le(4, 544)...)...)
	for _, c := range []struct {
		kind byte
		data []byte
		want string
	}{
		{typeNull, nil, `<D/>`},
		{typeString, units("Bjørn & <Kåre>\"\x00"), `<D>Bjørn &amp; &lt;Kåre&gt;&quot;</D>`},
		{typeString, units("🙂"), `<D>🙂</D>`},
		{typeString, []byte{0x3d, 0xd8, 'x', 0}, "<D>\uFFFDx</D>"},
		{typeString, nil, `<D/>`},
		{typeANSI, []byte("B\xf8 &\x00"), `<D>Bø &amp;</D>`},
		{typeInt8, []byte{0xff}, `<D>-1</D>`},
		{typeUint8, []byte{0xff}, `<D>255</D>`},
		{typeInt16, le(2, 0xfffe), `<D>-2</D>`},
		{typeUint16, le(2, 0xfffe), `<D>65534</D>`},
		{typeInt32, le(4, 0xfffffffd), `<D>-3</D>`},
		{typeUint32, le(4, 0xfffffffd), `<D>4294967293</D>`},
		{typeInt64, le(8, math.MaxUint64), `<D>-1</D>`},
		{typeUint64, le(8, math.MaxUint64), `<D>18446744073709551615</D>`},
		{typeReal32, le(4, uint64(math.Float32bits(1.5))), `<D>1.5</D>`},
		{typeReal64, le(8, math.Float64bits(-0.25)), `<D>-0.25</D>`},
		{typeBool, le(4, 1), `<D>true</D>`},
		{typeBool, le(4, 0), `<D>false</D>`},
		{typeBool, le(1, 1), `<D>true</D>`},
		{typeBinary, []byte{0, 0xab}, `<D>00AB</D>`},
		{typeGUID, guid, `<D>{54849625-5478-4994-A5BA-3E3B0328C30D}</D>`},
		{typeSize, le(8, 0x3e7), `<D>0x3e7</D>`},
		{typeSize, le(4, 0x3e7), `<D>0x3e7</D>`},
		{typeFileTime, le(8, ticks(time.Date(2026, 11, 22, 10, 0, 0, 123456700, time.UTC))), `<D>2026-11-22T10:00:00.1234567Z</D>`},
		{typeSysTime, bytes.Join([][]byte{le(2, 2026), le(2, 1), le(2, 4), le(2, 2), le(2, 3), le(2, 4), le(2, 5), le(2, 6)}, nil), `<D>2026-01-02T03:04:05.006Z</D>`},
		{typeSID, sid, `<D>S-1-5-32-544</D>`},
		{typeHex32, le(4, 0xC000006D), `<D>0xc000006d</D>`},
		{typeHex64, le(8, 0x8020000000000000), `<D>0x8020000000000000</D>`},
		{typeHandle, le(8, 5), `<D>0x5</D>`},
		{typeXML, units("<x/>"), `<D>&lt;x/&gt;</D>`},
		{typeInt32, []byte{1}, `<D>01</D>`}, // the size does not fit: its bytes
		{typeSID, []byte{1, 9}, `<D>0109</D>`},
		{0x55, []byte{1, 2}, `<D>0102</D>`},
		{typeString | typeArray, units("a\x00b & c\x00"), `<D>a</D><D>b &amp; c</D>`},
		{typeString | typeArray, units("a"), `<D>a</D>`},
		{typeANSI | typeArray, []byte("a\x00b\x00"), `<D>a</D><D>b</D>`},
		{typeUint16 | typeArray, []byte{1, 0, 2, 0}, `<D>1</D><D>2</D>`},
		{typeSID | typeArray, append(bytes.Clone(sid), sid...), `<D>S-1-5-32-544</D><D>S-1-5-32-544</D>`},
		{typeGUID | typeArray, guid, `<D>{54849625-5478-4994-A5BA-3E3B0328C30D}</D>`},
		{typeBool | typeArray, append(le(4, 1), le(4, 0)...), `<D>true</D><D>false</D>`},
		{typeHex64 | typeArray, append(le(8, 1), le(8, 2)...), `<D>0x1</D><D>0x2</D>`},
		{typeBinary | typeArray, []byte{1, 2}, `<D>0102</D>`},
		{typeString | typeArray, nil, `<D/>`},
	} {
		w := newBuild()
		w.record(7, func() {
			w.fragment()
			w.template(0, func() { w.leaf("D", w.sub(0, true)) }, val{c.kind, c.data})
			w.u8(tokenEnd)
		})
		records, damages := all(t, bytes.NewReader(file(0, w.chunk())))
		require.Empty(t, damages)
		require.Len(t, records, 1)
		require.Equal(t, c.want, string(records[0].XML), "type %#x of %d bytes", c.kind, len(c.data))
		require.EqualValues(t, 7, records[0].ID)
		require.Equal(t, "2026-11-22T10:00:00.1234567Z", records[0].Written.Format(time.RFC3339Nano))
	}
}

func TestEveryTokenIsRead(t *testing.T) {
	t.Parallel()
	w := newBuild()
	definition := 0
	w.record(1, func() { // without a template
		w.fragment()
		w.leaf("Event", func() {
			w.value("a<b")()
			w.u8(tokenCDATA)
			w.counted("c&d")
			w.u8(tokenCharRef)
			w.u16('ø')
			w.u8(tokenEntityRef)
			w.name("amp")
			w.u8(tokenPITarget)
			w.name("target")
			w.u8(tokenPIData)
			w.counted("data")
			w.leaf("Empty", nil)
			w.leaf("None", func() {})
		}, attr{"x", w.value("1")}, attr{"y", func() {
			w.value("2")()
			w.u8(tokenCharRef)
			w.u16('"')
		}})
		w.u8(tokenEnd)
	})
	w.record(2, func() {
		w.fragment()
		definition = w.template(0, func() {
			w.leaf("Event", w.sub(0, false), attr{"given", w.sub(1, true)}, attr{"absent", w.sub(2, true)}, attr{"outside", w.sub(9, true)})
		}, val{typeString, units("v")}, val{typeUint8, []byte{4}}, val{typeNull, nil})
		w.u8(tokenEnd)
	})
	w.record(3, func() { // the same template, and a fragment as a value
		w.fragment()
		inner := newBuild()
		inner.names = w.names
		inner.fragment()
		inner.open(false, "Empty") // elements of a value have no dependency id
		inner.u8(tokenCloseStart)
		inner.value("in")()
		inner.u8(tokenEndElement, tokenEnd)
		w.template(definition, nil, val{typeBinXML, inner.b[firstRecord:]}, val{typeString, units("x")}, val{typeNull, nil})
		w.u8(tokenEnd)
	})
	records, damages := all(t, bytes.NewReader(file(0, w.chunk())))
	require.Empty(t, damages)
	require.Len(t, records, 3)
	require.Equal(t, `<Event x="1" y="2&quot;">a&lt;bc&amp;dø&amp;<?target data?><Empty/><None/></Event>`, string(records[0].XML))
	require.Equal(t, `<Event given="4">v</Event>`, string(records[1].XML))
	require.Equal(t, `<Event given="x"><Empty>in</Empty></Event>`, string(records[2].XML))
}

// plainChunk has records with the given ids.
func plainChunk(ids ...uint64) *build {
	w := newBuild()
	for _, id := range ids {
		w.record(id, func() {
			w.fragment()
			w.leaf("Event", w.value(strings.Repeat("x", int(id))))
			w.u8(tokenEnd)
		})
	}
	return w
}

func ids(records []Record) []uint64 {
	out := []uint64{}
	for _, r := range records {
		out = append(out, r.ID)
	}
	return out
}

func TestDamageIsPassedOverWithAReason(t *testing.T) {
	t.Parallel()
	good := func(ids ...uint64) []byte { return plainChunk(ids...).chunk() }
	second := func(b []byte) int { return firstRecord + int(binary.LittleEndian.Uint32(b[firstRecord+4:])) }
	change := func(b []byte, fn func(b []byte)) []byte { fn(b); return b }
	for name, c := range map[string]struct {
		file    []byte
		ids     []uint64
		reasons []string
	}{
		"whole":                  {file(0, good(1, 2), good(3)), []uint64{1, 2, 3}, nil},
		"room for later":         {file(0, good(1), make([]byte, chunkSize), good(2)), []uint64{1, 2}, nil},
		"a chunk by itself":      {good(1, 2), []uint64{1, 2}, nil},
		"no file at all":         {[]byte("ElfFile\x00"), []uint64{}, []string{ReasonHeader}},
		"a header's checksum":    {change(file(0, good(1)), func(b []byte) { b[20] = 9 }), []uint64{1}, []string{ReasonHeader}},
		"a chunk's checksum":     {file(0, change(good(1, 2), func(b []byte) { b[130] = 1 }), good(3)), []uint64{1, 2, 3}, []string{ReasonChunk}},
		"no checksums kept":      {file(4, change(good(1, 2), func(b []byte) { b[130] = 1 })), []uint64{1, 2}, nil},
		"a chunk's beginning":    {file(0, change(good(1, 2), func(b []byte) { b[0] = 0 })), []uint64{1, 2}, []string{ReasonChunk}},
		"noise for a chunk":      {file(0, bytes.Repeat([]byte{0xa5}, chunkSize), good(1)), []uint64{1}, []string{ReasonChunk}},
		"a size":                 {file(0, change(good(1, 2, 3), func(b []byte) { binary.LittleEndian.PutUint32(b[second(b)+4:], 1<<30) })), []uint64{1, 3}, []string{ReasonChunk, ReasonRecord}},
		"a size of nothing":      {file(0, change(good(1, 2, 3), func(b []byte) { binary.LittleEndian.PutUint32(b[second(b)+4:], 0) })), []uint64{1, 3}, []string{ReasonChunk, ReasonRecord}},
		"the size at the end":    {file(0, change(good(1, 2, 3), func(b []byte) { clear(b[second(b)-4 : second(b)]) })), []uint64{1, 2, 3}, []string{ReasonChunk}},
		"a token":                {file(0, change(good(1, 2, 3), func(b []byte) { b[second(b)+24] = 0x7f })), []uint64{1, 3}, []string{ReasonChunk, ReasonRecord}},
		"the end within a chunk": {file(0, good(1), good(2, 3))[:headerSize+chunkSize+700], []uint64{1, 2, 3}, []string{ReasonTruncate}},
		"open when it was copied": {file(1, change(good(1, 2, 3), func(b []byte) { // the header knows of the first only
			binary.LittleEndian.PutUint32(b[48:], uint32(second(b)))
		})), []uint64{1, 2, 3}, nil},
		"old records behind the end": {file(0, change(good(1, 2, 3), func(b []byte) {
			end := second(b)
			binary.LittleEndian.PutUint32(b[48:], uint32(end))
			binary.LittleEndian.PutUint32(b[52:], crc(b[firstRecord:end]))
			sum(b)
		})), []uint64{1}, nil},
	} {
		records, damages := all(t, bytes.NewReader(c.file))
		require.Equal(t, c.ids, ids(records), name)
		var reasons []string
		for _, d := range damages {
			reasons = append(reasons, d.Reason)
			require.NotEmpty(t, d.Error())
		}
		require.Equal(t, c.reasons, reasons, name)
	}
}

func TestWhatWouldNeverEndIsRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]func(w *build){
		"a template in itself": func(w *build) {
			at := len(w.b) + 10
			w.template(0, func() { w.template(at, nil) })
		},
		"elements without end": func(w *build) {
			for range maxDepth + 2 {
				w.open(true, "a")
				w.u8(tokenCloseStart)
			}
		},
		"values without end": func(w *build) {
			w.template(0, func() { w.leaf("D", nil) })
			binary.LittleEndian.PutUint32(w.b[len(w.b)-4:], math.MaxUint32)
		},
		"a name outside":     func(w *build) { w.u8(tokenOpen, 0, 0); w.u32(0); w.u32(1 << 30) },
		"a template outside": func(w *build) { w.u8(tokenTemplate, 1); w.u32(1); w.u32(1 << 30); w.u32(0) },
		"nothing":            func(w *build) {},
	} {
		w := newBuild()
		w.record(1, func() { w.fragment(); content(w) })
		w.record(2, func() { w.fragment(); w.leaf("Event", nil); w.u8(tokenEnd) })
		records, damages := all(t, bytes.NewReader(file(0, w.chunk())))
		require.Equal(t, []uint64{2}, ids(records), name)
		require.Len(t, damages, 1, name)
		require.Equal(t, ReasonRecord, damages[0].Reason, name)
	}
}

func TestAReadersErrorIsItsOwn(t *testing.T) {
	t.Parallel()
	failed := errors.New("the drive is gone")
	r := NewReader(io.MultiReader(bytes.NewReader(file(0, plainChunk(1).chunk())), failing{failed}))
	_, err := r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorIs(t, err, failed)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Whatever the bytes: no panic, an end, and of every record XML that is well-formed.
func FuzzReader(f *testing.F) {
	w := newBuild()
	w.record(1, func() {
		w.fragment()
		w.template(0, func() { w.leaf("Event", w.sub(0, false), attr{"a", w.sub(1, true)}) }, val{typeString | typeArray, units("a\x00b\x00")}, val{typeSID, []byte{1, 0, 0, 0, 0, 0, 0, 5}})
		w.u8(tokenEnd)
	})
	whole := w.chunk()
	f.Add(0, []byte{})
	f.Add(firstRecord, whole[firstRecord:1024])
	f.Add(firstRecord+24, []byte{tokenFragment, 1, 1, 0, tokenTemplate})
	f.Add(40, bytes.Repeat([]byte{0xff}, 100))
	f.Fuzz(func(t *testing.T, at int, change []byte) {
		b := bytes.Clone(whole)
		copy(b[min(max(at, 0), chunkSize):], change)
		records, _ := all(t, bytes.NewReader(file(0, b)))
		for _, r := range records {
			require.NotEmpty(t, r.XML)
			require.LessOrEqual(t, len(r.XML), maxXML+1<<20)
		}
	})
}

func TestTheTextIsWellFormed(t *testing.T) {
	t.Parallel()
	w := plainChunk(1, 2, 3)
	records, _ := all(t, bytes.NewReader(file(0, w.chunk())))
	for _, r := range records {
		var v struct {
			Text string `xml:",chardata"`
		}
		require.NoError(t, xml.Unmarshal(r.XML, &v))
		require.Len(t, v.Text, int(r.ID))
	}
}

func BenchmarkReader(b *testing.B) {
	w := newBuild()
	definition := 0
	for id := uint64(1); len(w.b) < chunkSize-2048; id++ {
		w.record(id, func() {
			w.fragment()
			values := []val{}
			for i := range 30 {
				values = append(values, val{typeString, units("value " + strconv.Itoa(i))})
			}
			at := w.template(definition, func() {
				w.leaf("Event", func() {
					for i := range 30 {
						w.leaf("Data", w.sub(i, false), attr{"Name", w.value("Name" + strconv.Itoa(i))})
					}
				})
			}, values...)
			definition = at
			w.u8(tokenEnd)
		})
	}
	body := file(0, w.chunk(), w.chunk(), w.chunk())
	b.SetBytes(int64(len(body)))
	written := 0
	for b.Loop() {
		r := NewReader(bytes.NewReader(body))
		for {
			rec, err := r.Next()
			if err != nil {
				break
			}
			written += len(rec.XML)
		}
	}
	b.ReportMetric(float64(written)/1e6/b.Elapsed().Seconds(), "MB-of-XML/s")
}
