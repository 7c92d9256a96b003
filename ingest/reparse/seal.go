package reparse

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// errSealed is of a line that was changed, or moved from another letter.
var errSealed = errors.New("reparse: a kept line cannot be opened")

// sealer encrypts raw lines (AES-256-GCM), each for one letter of one tenant.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("reparse: key of lines: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

func (s sealer) seal(tenant, letter string, raw []byte) []byte {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(raw)+s.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails (Go 1.24)
	return s.aead.Seal(nonce, nonce, raw, []byte(tenant+"\x00"+letter))
}

func (s sealer) open(tenant, letter string, sealed []byte) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errSealed
	}
	raw, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(tenant+"\x00"+letter))
	if err != nil {
		return nil, errSealed
	}
	return raw, nil
}
