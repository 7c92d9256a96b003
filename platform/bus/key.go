package bus

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
)

// ErrTooLarge is returned by Publish for a message whose value exceeds the
// topic's MaxMessage. Nothing of that call was sent.
var ErrTooLarge = errors.New("bus: message too large")

// DefaultMaxMessage is the limit of a value in bytes where TopicConfig names none.
const DefaultMaxMessage = 2 << 20

var keyEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Key returns the 26-character message key of parts for a tenant: an HMAC, so
// that a topic's keys name nobody and two tenants' keys cannot be compared.
// Secret is the part's own (run.Deps.Secret("topic-keys")); equal input gives
// equal keys, and ("ab","c") differs from ("a","bc").
func Key(secret []byte, tenant string, parts ...string) string {
	h := hmac.New(sha256.New, secret)
	var n [8]byte
	write := func(s string) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	write(tenant)
	for _, p := range parts {
		write(p)
	}
	return keyEncoding.EncodeToString(h.Sum(nil))[:26]
}
