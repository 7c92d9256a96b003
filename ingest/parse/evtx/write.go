package evtx

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// Types of values; 0x80 is added for an array.
const (
	typeNull     = 0x00
	typeString   = 0x01
	typeANSI     = 0x02
	typeInt8     = 0x03
	typeUint8    = 0x04
	typeInt16    = 0x05
	typeUint16   = 0x06
	typeInt32    = 0x07
	typeUint32   = 0x08
	typeInt64    = 0x09
	typeUint64   = 0x0a
	typeReal32   = 0x0b
	typeReal64   = 0x0c
	typeBool     = 0x0d
	typeBinary   = 0x0e
	typeGUID     = 0x0f
	typeSize     = 0x10
	typeFileTime = 0x11
	typeSysTime  = 0x12
	typeSID      = 0x13
	typeHex32    = 0x14
	typeHex64    = 0x15
	typeHandle   = 0x20
	typeBinXML   = 0x21
	typeXML      = 0x23
	typeArray    = 0x80
)

// value of a template's place: data lies at at in the chunk.
type value struct {
	kind byte
	at   int
	data []byte
}

func (v value) absent() bool { return v.kind == typeNull || len(v.data) == 0 }

// writer writes nodes as text.
type writer struct {
	c   *chunk
	out []byte
}

func (w *writer) content(nodes []node, values []value, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	for i := range nodes {
		n := &nodes[i]
		if len(w.out) > maxXML {
			return errLarge
		}
		switch {
		case n.element != nil:
			if err := w.element(n.element, values, depth); err != nil {
				return err
			}
		case n.instance != nil:
			if err := w.content(n.instance.content, n.instance.values, depth+1); err != nil {
				return err
			}
		case n.sub >= 0:
			if n.sub >= len(values) {
				continue // a place without a value is empty
			}
			if err := w.value(values[n.sub], depth); err != nil {
				return err
			}
		default:
			w.out = append(w.out, n.text...)
		}
	}
	return nil
}

// element writes an element. One whose whole content is an array is written
// once for each of its items, as Windows does.
func (w *writer) element(e *element, values []value, depth int) error {
	if len(e.content) == 1 && e.content[0].sub >= 0 && e.content[0].sub < len(values) {
		if v := values[e.content[0].sub]; v.kind&typeArray != 0 && v.kind != typeArray|typeBinXML {
			items := v.items()
			for _, item := range items {
				w.begin(e, values)
				w.out = append(w.out, '>')
				if err := w.value(item, depth); err != nil {
					return err
				}
				w.close(e)
				if len(w.out) > maxXML {
					return errLarge
				}
			}
			if len(items) > 0 {
				return nil
			}
		}
	}
	w.begin(e, values)
	mark := len(w.out)
	w.out = append(w.out, '>')
	if err := w.content(e.content, values, depth+1); err != nil {
		return err
	}
	if len(w.out) == mark+1 {
		w.out = append(w.out[:mark], "/>"...)
		return nil
	}
	w.close(e)
	return nil
}

func (w *writer) close(e *element) {
	w.out = append(append(append(w.out, "</"...), e.name...), '>')
}

// begin writes the name and the attributes; one that stands for an optional
// value that is not there is left out.
func (w *writer) begin(e *element, values []value) {
	w.out = append(append(w.out, '<'), e.name...)
	for i := range e.attrs {
		a := &e.attrs[i]
		if len(a.text) == 1 && a.text[0].sub >= 0 && (a.text[0].sub >= len(values) || values[a.text[0].sub].absent()) {
			continue
		}
		w.out = append(append(append(w.out, ' '), a.name...), `="`...)
		for j := range a.text {
			n := &a.text[j]
			if n.sub < 0 {
				w.out = append(w.out, n.text...)
			} else if n.sub < len(values) && values[n.sub].kind != typeBinXML {
				_ = w.value(values[n.sub], maxDepth) // no fragment: it has no depth
			}
		}
		w.out = append(w.out, '"')
	}
}

// value writes a value as Windows does. One whose size does not fit its type is
// written as the bytes that it is.
func (w *writer) value(v value, depth int) error {
	if v.kind&typeArray != 0 {
		for i, item := range v.items() {
			if i > 0 {
				w.out = append(w.out, ' ')
			}
			if err := w.value(item, depth); err != nil {
				return err
			}
		}
		return nil
	}
	if v.absent() {
		return nil
	}
	switch v.kind {
	case typeString, typeXML:
		w.text(trimZeros(v.data))
		return nil
	case typeANSI:
		w.ansi(v.data)
		return nil
	case typeBinXML:
		p := cursor{c: w.c, pos: v.at, end: v.at + len(v.data)}
		content, err := p.content(depth + 1)
		if err != nil {
			return err
		}
		return w.content(content, nil, depth+1)
	}
	if out, ok := appendScalar(w.out, v); ok {
		w.out = out
		return nil
	}
	w.out = appendHex(w.out, v.data)
	return nil
}

// trimZeros takes away the zeros at the end of a text of UTF-16.
func trimZeros(b []byte) []byte {
	for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	return b
}

func (w *writer) text(b []byte) {
	mark := len(w.out)
	w.out = appendUTF16(w.out, b)
	w.escape(mark)
}

// ansi writes a text of Windows' Western code page, the one that Norwegian machines had.
func (w *writer) ansi(b []byte) {
	mark := len(w.out)
	for _, c := range bytes.TrimRight(b, "\x00") {
		w.out = append(w.out, string(rune(c))...)
	}
	w.escape(mark)
}

func (w *writer) escape(from int) {
	if bytes.ContainsAny(w.out[from:], "&<>\"\x00") {
		w.out = append(w.out[:from], escaped(string(w.out[from:]))...)
	}
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\x00", "")

func escaped(s string) string {
	if !strings.ContainsAny(s, "&<>\"\x00") {
		return s
	}
	return escaper.Replace(s)
}

// appendScalar writes a value of a fixed form; ok is false where its size does not fit.
func appendScalar(out []byte, v value) (_ []byte, ok bool) {
	b := v.data
	if width := widths[v.kind]; width != 0 && len(b) != width {
		return out, false
	}
	le := binary.LittleEndian
	switch v.kind {
	case typeInt8:
		return strconv.AppendInt(out, int64(int8(b[0])), 10), true
	case typeUint8:
		return strconv.AppendUint(out, uint64(b[0]), 10), true
	case typeInt16:
		return strconv.AppendInt(out, int64(int16(le.Uint16(b))), 10), true //nolint:gosec // the sign is in the bits
	case typeUint16:
		return strconv.AppendUint(out, uint64(le.Uint16(b)), 10), true
	case typeInt32:
		return strconv.AppendInt(out, int64(int32(le.Uint32(b))), 10), true //nolint:gosec // likewise
	case typeUint32:
		return strconv.AppendUint(out, uint64(le.Uint32(b)), 10), true
	case typeInt64:
		return strconv.AppendInt(out, int64(le.Uint64(b)), 10), true //nolint:gosec // likewise
	case typeUint64:
		return strconv.AppendUint(out, le.Uint64(b), 10), true
	case typeReal32:
		return strconv.AppendFloat(out, float64(math.Float32frombits(le.Uint32(b))), 'g', -1, 32), true
	case typeReal64:
		return strconv.AppendFloat(out, math.Float64frombits(le.Uint64(b)), 'g', -1, 64), true
	case typeBool:
		return strconv.AppendBool(out, !empty(b)), true // some write one byte, some eight
	case typeGUID:
		return appendGUID(out, b), true
	case typeHex32:
		return strconv.AppendUint(append(out, "0x"...), uint64(le.Uint32(b)), 16), true
	case typeHex64:
		return strconv.AppendUint(append(out, "0x"...), le.Uint64(b), 16), true
	case typeSize, typeHandle:
		switch len(b) {
		case 4:
			return strconv.AppendUint(append(out, "0x"...), uint64(le.Uint32(b)), 16), true
		case 8:
			return strconv.AppendUint(append(out, "0x"...), le.Uint64(b), 16), true
		}
	case typeFileTime:
		return fileTime(le.Uint64(b)).AppendFormat(out, "2006-01-02T15:04:05.0000000Z"), true
	case typeSysTime:
		return appendSysTime(out, b), true
	case typeSID:
		return appendSID(out, b)
	}
	return out, false
}

// widths of the types whose size is fixed.
var widths = map[byte]int{
	typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4, typeInt64: 8, typeUint64: 8,
	typeReal32: 4, typeReal64: 8, typeGUID: 16, typeFileTime: 8, typeSysTime: 16, typeHex32: 4, typeHex64: 8,
}

const hexDigits = "0123456789ABCDEF"

func appendHex(out, b []byte) []byte {
	for _, c := range b {
		out = append(out, hexDigits[c>>4], hexDigits[c&15])
	}
	return out
}

func appendGUID(out, b []byte) []byte {
	out = append(out, '{')
	out = appendHex(out, []byte{b[3], b[2], b[1], b[0]})
	out = appendHex(append(out, '-'), []byte{b[5], b[4]})
	out = appendHex(append(out, '-'), []byte{b[7], b[6]})
	out = appendHex(append(out, '-'), b[8:10])
	out = appendHex(append(out, '-'), b[10:])
	return append(out, '}')
}

// appendSID writes S-1-AUTHORITY-SUB-SUB…
func appendSID(out, b []byte) ([]byte, bool) {
	size, ok := sidSize(b)
	if !ok || size > len(b) {
		return out, false
	}
	out = strconv.AppendUint(append(out, "S-"...), uint64(b[0]), 10)
	authority := uint64(b[2])<<40 | uint64(b[3])<<32 | uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7])
	out = strconv.AppendUint(append(out, '-'), authority, 10)
	for i := 8; i < size; i += 4 {
		out = strconv.AppendUint(append(out, '-'), uint64(binary.LittleEndian.Uint32(b[i:])), 10)
	}
	return out, true
}

func sidSize(b []byte) (int, bool) {
	if len(b) < 8 || b[1] > 15 {
		return 0, false
	}
	return 8 + 4*int(b[1]), true
}

func appendSysTime(out, b []byte) []byte {
	field := func(i int) int { return int(binary.LittleEndian.Uint16(b[2*i:])) }
	pad := func(out []byte, n, width int) []byte {
		s := strconv.Itoa(n)
		for i := len(s); i < width; i++ {
			out = append(out, '0')
		}
		return append(out, s...)
	}
	out = pad(out, field(0), 4)
	out = pad(append(out, '-'), field(1), 2)
	out = pad(append(out, '-'), field(3), 2) // the day of the week stands between
	out = pad(append(out, 'T'), field(4), 2)
	out = pad(append(out, ':'), field(5), 2)
	out = pad(append(out, ':'), field(6), 2)
	return append(pad(append(out, '.'), field(7), 3), 'Z')
}

// items are the values of an array. Texts end with a zero each; what is left of
// an item that is not whole is passed over.
func (v value) items() []value {
	kind := v.kind &^ typeArray
	b, at := v.data, v.at
	var out []value
	take := func(n, skip int) {
		out = append(out, value{kind: kind, at: at, data: b[:n]})
		b, at = b[n+skip:], at+n+skip
	}
	for len(b) > 0 {
		switch kind {
		case typeString:
			end := 0
			for end+1 < len(b) && (b[end] != 0 || b[end+1] != 0) {
				end += 2
			}
			if end+1 >= len(b) {
				take(len(b), 0)
			} else {
				take(end, 2)
			}
		case typeANSI:
			if end := bytes.IndexByte(b, 0); end >= 0 {
				take(end, 1)
			} else {
				take(len(b), 0)
			}
		case typeSID:
			size, ok := sidSize(b)
			if !ok || size > len(b) {
				return out
			}
			take(size, 0)
		case typeBool:
			take(min(4, len(b)), 0)
		case typeSize, typeHandle:
			take(min(8, len(b)), 0)
		default:
			width := widths[kind]
			if width == 0 || width > len(b) {
				take(len(b), 0)
				return out
			}
			take(width, 0)
		}
	}
	return out
}
