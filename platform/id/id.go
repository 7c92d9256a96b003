// Package id makes identifiers: deterministic ones where a retry can happen,
// so that a thing sent twice exists once, and random ones that carry no time.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Of returns the 26-character identifier of parts: the first 130 bits of a
// SHA-256 over their lengths and bytes. Equal parts give equal identifiers;
// ("ab","c") and ("a","bc") differ.
func Of(parts ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return encoding.EncodeToString(h.Sum(nil))[:26]
}

// New returns a random 26-character identifier of 130 bits. It carries no
// time, because a report's identifier must not tell when it was written.
func New() string {
	var b [17]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	return encoding.EncodeToString(b[:])[:26]
}

// Valid reports whether s has the form that Of and New give.
func Valid(s string) bool {
	if len(s) != 26 {
		return false
	}
	return strings.Trim(s, "0123456789abcdefghjkmnpqrstvwxyz") == ""
}
