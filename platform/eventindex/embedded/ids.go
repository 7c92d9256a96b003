package embedded

import (
	"database/sql/driver"

	"modernc.org/sqlite"

	"varde.internal/platform/id"
)

// The characters of an identifier (package id) in order: their order as text
// is their order as numbers, so packed identifiers sort as they did.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

const packedID = 17 // bytes: 26 characters of 5 bits, and 6 bits of nothing

var idValue = func() (v [256]byte) {
	for i := range len(idAlphabet) {
		v[idAlphabet[i]] = byte(i)
	}
	return v
}()

// packID is the form in which an id lies in the column id: the identifiers
// that Varde makes as 17 bytes, any other as its text.
func packID(text string) any {
	if !id.Valid(text) {
		return text
	}
	out := make([]byte, 0, packedID)
	var bits uint32
	held := 0
	for i := range len(text) {
		bits = bits<<5 | uint32(idValue[text[i]])
		if held += 5; held >= 8 {
			held -= 8
			out = append(out, byte(bits>>held))
		}
	}
	return append(out, byte(bits<<(8-held)))
}

// withID is the condition for an id; its only argument is the packed id.
const withID = "substr(id, 1, 8) = substr(?1, 1, 8) AND id = ?1"

// unpackID is the reverse of packID, for what SQLite gives.
func unpackID(v any) string {
	b, ok := v.([]byte)
	if !ok || len(b) != packedID {
		text, _ := v.(string)
		return text
	}
	var out [26]byte
	var bits uint32
	held, next := 0, 0
	for i := range out {
		if held < 5 {
			bits = bits<<8 | uint32(b[next])
			next, held = next+1, held+8
		}
		held -= 5
		out[i] = idAlphabet[bits>>held&31]
	}
	return string(out[:])
}

// varde_id gives the text of an id in SQL.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("varde_id", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		return unpackID(args[0]), nil
	})
}
