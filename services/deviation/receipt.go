package deviation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// Crockford's alphabet: no I, L, O or U, so that a code survives paper and telephone.
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var codeEncoding = base32.NewEncoding(codeAlphabet).WithPadding(base32.NoPadding)

const (
	codeLength = 20 // characters of 5 bits: 100 bits
	codeGroup  = 5
)

// keyed is an HMAC over parts, each hashed first so that they cannot run together.
func keyed(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return h.Sum(nil)
}

func keyedHex(key []byte, parts ...string) string { return hex.EncodeToString(keyed(key, parts...)) }

// Code is the receipt code of a submission. It follows from the submission's
// secret id, so that the same submission sent again gets the same receipt
// while nothing but a hash of the code is kept.
func Code(key []byte, tenant, submissionID string) string {
	text := codeEncoding.EncodeToString(keyed(key, "receipt-code", tenant, submissionID))[:codeLength]
	var groups []string
	for i := 0; i < codeLength; i += codeGroup {
		groups = append(groups, text[i:i+codeGroup])
	}
	return strings.Join(groups, "-")
}

// ReadCode brings a typed code to its one form: any case, any spaces and
// dashes, and the letters that look like digits. ok is false for what is no code.
func ReadCode(typed string) (code string, ok bool) {
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '-', '\u2013', '\u00a0', '\t', '\n':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(codeAlphabet, r) {
			return "", false
		}
		b.WriteRune(r)
	}
	return b.String(), b.Len() == codeLength
}

// HashCode is what is kept of a code.
func HashCode(key []byte, tenant, code string) string {
	return keyedHex(key, "receipt-hash", tenant, code)
}
