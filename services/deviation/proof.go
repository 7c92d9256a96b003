package deviation

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// A proof of work is what lets an honest reporter through a flood: the browser
// searches for a number, which costs it a second, and whoever sends thousands
// of reports the same for each. It asks nothing of a person and of nobody else.
// The form is that of the ALTCHA protocol (altcha.org), version 2: the number is
// one whose PBKDF2-HMAC-SHA-256 (RFC 8018) is the given key. Browsers have that
// function natively, so that an attacker's program is not much faster.

// Work is how much a challenge asks for: at most Tries derivations of Rounds
// rounds each, half of them on average.
type Work struct{ Rounds, Tries int }

// DefaultWork is at most 640,000 rounds: a quarter of a second on a computer, a
// good second on a telephone of the middle sort.
func DefaultWork() Work { return Work{Rounds: 5000, Tries: 128} }

// times is work that is so many times as much, in tries: to check a proof costs
// the same whatever it cost to make.
func (w Work) times(n int) Work { return Work{Rounds: w.Rounds, Tries: w.Tries * n} }

// proofLife is how long a challenge can be answered.
const proofLife = 10 * time.Minute

const (
	nonceBytes = 16
	keyBytes   = 16
)

// Challenge is what the browser is given. Nothing of it is kept: Signature says
// that it is ours, for the tenant.
type Challenge struct {
	Nonce     string // with the time it ends
	Rounds    int
	Tries     int // the number lies below it
	Key       string
	Signature string
}

// Proof is a challenge with the number that was found.
type Proof struct {
	Challenge

	Number int
}

// NewChallenge makes one. It costs one derivation.
func NewChallenge(secret []byte, tenant string, w Work, now time.Time) (Challenge, error) {
	var b [nonceBytes]byte
	_, _ = rand.Read(b[:])
	n, err := rand.Int(rand.Reader, big.NewInt(int64(w.Tries)))
	if err != nil {
		return Challenge{}, err
	}
	c := Challenge{
		Nonce:  base64.RawURLEncoding.EncodeToString(b[:]) + "." + strconv.FormatInt(now.Add(proofLife).Unix(), 10),
		Rounds: w.Rounds, Tries: w.Tries,
	}
	if c.Key, err = c.derive(int(n.Int64())); err != nil {
		return Challenge{}, err
	}
	c.Signature = c.sign(secret, tenant)
	return c, nil
}

// derive is what a number gives.
func (c Challenge) derive(number int) (string, error) {
	key, err := pbkdf2.Key(sha256.New, c.Nonce, []byte(strconv.Itoa(number)), c.Rounds, keyBytes)
	return hex.EncodeToString(key), err
}

func (c Challenge) sign(secret []byte, tenant string) string {
	return keyedHex(secret, "challenge", tenant, c.Nonce, fmt.Sprint(c.Rounds), fmt.Sprint(c.Tries), c.Key)
}

// Check says whether the proof answers a challenge of ours that has not ended,
// and until when it could be used again.
func (p Proof) Check(secret []byte, tenant string, now time.Time) (ends time.Time, ok bool) {
	// Ours first: nothing is derived for what somebody made up.
	if !hmac.Equal([]byte(p.Signature), []byte(p.sign(secret, tenant))) || p.Number < 0 || p.Number >= p.Tries {
		return ends, false
	}
	_, text, _ := cutLast(p.Nonce, '.')
	seconds, err := strconv.ParseInt(text, 10, 64)
	if ends = time.Unix(seconds, 0); err != nil || !now.Before(ends) {
		return ends, false
	}
	key, err := p.derive(p.Number)
	return ends, err == nil && hmac.Equal([]byte(key), []byte(p.Key))
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
