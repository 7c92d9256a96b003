package deviation

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

// Identity is who reported. It exists in memory while a report is submitted,
// and sealed in the report's document.
type Identity struct {
	Person string `json:"person"`
}

// errSealed is returned for a sealed identity that was changed, or moved from
// another report.
var errSealed = errors.New("deviation: the sealed identity cannot be opened")

// Seal encrypts an identity (AES-256-GCM) for one report of one tenant.
func Seal(key []byte, tenant, reportID string, who Identity) ([]byte, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(who)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails (Go 1.24)
	return aead.Seal(nonce, nonce, plain, []byte(tenant+"\x00"+reportID)), nil
}

// Unseal decrypts an identity.
func Unseal(key []byte, tenant, reportID string, sealed []byte) (Identity, error) {
	aead, err := sealer(key)
	if err != nil {
		return Identity{}, err
	}
	if len(sealed) < aead.NonceSize() {
		return Identity{}, errSealed
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(tenant+"\x00"+reportID))
	if err != nil {
		return Identity{}, errSealed
	}
	var who Identity
	return who, json.Unmarshal(plain, &who)
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("deviation: identity key: %w", err)
	}
	return cipher.NewGCM(block)
}
