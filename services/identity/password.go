package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Argon are the parameters of argon2id. The default is the first choice of
// OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
type Argon struct {
	MemoryKiB uint32 `yaml:"memoryKiB" env:"MEMORY_KIB"`
	Passes    uint32 `yaml:"passes" env:"PASSES"`
	Lanes     uint8  `yaml:"lanes" env:"LANES"`
}

// hasher computes a bounded number of hashes at once: each takes its memory,
// and guesses that come in a flood wait instead of filling the machine.
type hasher struct {
	argon Argon
	slots chan struct{}
	dummy string // of nobody's password: what an unknown name is checked against
}

func newHasher(a Argon, parallel int) (*hasher, error) {
	h := &hasher{argon: a, slots: make(chan struct{}, parallel)}
	var nobody [32]byte
	_, _ = rand.Read(nobody[:])
	var err error
	h.dummy, err = h.hash(context.Background(), string(nobody[:]))
	return h, err
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	key, err := h.derive(ctx, password, salt, h.argon, 32)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.argon.MemoryKiB, h.argon.Passes, h.argon.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, a Argon, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, a.Passes, a.MemoryKiB, a.Lanes, size), nil
}

// verify compares in constant time. stale says that the hash has other
// parameters than today's and should be replaced.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	a, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, password, salt, a, uint32(len(want))) //nolint:gosec // 32 in every hash we write
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, a != h.argon, nil
}

func parsePHC(s string) (a Argon, salt, key []byte, err error) {
	broken := errors.New("identity: a stored hash cannot be read")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return a, nil, nil, broken
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.MemoryKiB, &a.Passes, &a.Lanes); err != nil || a.Passes == 0 || a.Lanes == 0 {
		return a, nil, nil, broken
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) == 0 {
		return a, nil, nil, broken
	}
	return a, salt, key, nil
}

// box encrypts small secrets at rest with AES-256-GCM.
type box struct{ aead cipher.AEAD }

func newBox(key []byte) (box, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return box{}, fmt.Errorf("identity: key of the second factors: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return box{aead}, err
}

// seal binds the secret to its owner: moved to another account it is refused.
func (b box) seal(plain []byte, owner string) []byte {
	nonce := make([]byte, b.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return b.aead.Seal(nonce, nonce, plain, []byte(owner))
}

func (b box) open(sealed []byte, owner string) ([]byte, error) {
	n := b.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("identity: a sealed secret is too short")
	}
	return b.aead.Open(nil, sealed[:n], sealed[n:], []byte(owner))
}
