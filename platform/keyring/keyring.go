// Package keyring keeps the keys of an installation.
//
// There is one root: 32 random bytes, in a file of a folder (mode 0700, file
// 0600) or given by the environment. Every other key is derived from it with
// HKDF-SHA-256 (RFC 5869) over a use, such as "part/identity/token-signing",
// and a generation, so that one use's key says nothing about another's. Nothing
// derived is stored.
//
// What depends on the root, and what its loss means:
//
//   - signatures (tokens, audit checkpoints): new ones can be made with a new
//     root; old checkpoints are still checked with the public key printed then
//   - files (platform/blob), reporters' identities, second factors: encrypted,
//     and lost for good
//   - HMACs (topic keys, sign-in names, pseudonyms): the same name gives another
//     value, so what was stored under the old one is not found again
//
// A backup without the root is therefore unreadable, and a backup with it is
// readable by whoever finds it: the root is kept apart, see Export.
//
// Rotation is per use. Rotate adds a generation: Key gives the newest, Keys all
// of them for what older ones closed, and a key's ID names use and generation.
// Uses that are HMACs over stored names must not be rotated. The root itself is
// not rotated in place: after it leaked, an installation is restored into one
// with a new root.
//
// Files in the folder: root-1.key, generations.json (only after a Rotate).
package keyring

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"
)

const (
	rootFile        = "root-1.key"
	generationsFile = "generations.json"
	rootBytes       = 32
	// useFiles is the use whose keys close files.
	useFiles = "files"
)

// ErrUnsafe is returned where others could read or change the keys.
var ErrUnsafe = errors.New("keyring: others than the owner can get at the keys")

// Keyring derives keys. Safe for concurrent use.
type Keyring struct {
	root [rootBytes]byte
	dir  string // empty where the environment gave the root

	mu          sync.RWMutex
	generations map[string]int // of rotated uses; 1 where absent
}

// Key is a derived key: 32 bytes.
type Key struct {
	ID         string // "use/generation/fingerprint": may be shown and logged
	Generation int
	Secret     []byte
}

// Open reads the keys of a folder, and makes both at the first start. Several
// processes may do so at once: they get the same root.
func Open(dir string) (*Keyring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	k := &Keyring{dir: dir}
	raw, err := os.ReadFile(k.path(rootFile))
	if errors.Is(err, fs.ErrNotExist) {
		var fresh [rootBytes]byte
		_, _ = rand.Read(fresh[:]) // never fails
		if err := create(dir, rootFile, encodeRoot(fresh)); err != nil {
			return nil, err
		}
		raw, err = os.ReadFile(k.path(rootFile))
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := checkModes(dir); err != nil {
		return nil, err
	}
	if k.root, err = decodeRoot(string(raw)); err != nil {
		return nil, err
	}
	return k, k.readGenerations()
}

// FromSecret takes the root from the environment: base64 of exactly 32 random
// bytes. Such a keyring cannot Rotate; generations come with it, nil for none.
func FromSecret(secret string, generations map[string]int) (*Keyring, error) {
	root, err := decodeRoot(secret)
	if err != nil {
		return nil, err
	}
	k := &Keyring{root: root, generations: map[string]int{}}
	for use, n := range generations {
		if n < 1 {
			return nil, fmt.Errorf("keyring: generation %d of %q", n, use)
		}
		k.generations[use] = n
	}
	return k, nil
}

func (k *Keyring) path(name string) string { return filepath.Join(k.dir, name) }

func encodeRoot(root [rootBytes]byte) []byte {
	return []byte(base64.StdEncoding.EncodeToString(root[:]) + "\n")
}

func decodeRoot(text string) (root [rootBytes]byte, err error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != rootBytes {
		return root, errors.New("keyring: a root key is base64 of 32 bytes") // never shows it
	}
	copy(root[:], raw)
	return root, nil
}

// checkModes lets the group read (a mounted secret of a cluster is so), others
// nothing. A folder with the sticky bit may be open: there nobody replaces
// another's file, and a cluster mounts its secrets in such a one.
func checkModes(dir string) error {
	for _, name := range []string{dir, filepath.Join(dir, rootFile)} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("keyring: %w", err)
		}
		if info.IsDir() && info.Mode()&fs.ModeSticky != 0 {
			continue
		}
		if info.Mode().Perm()&0o027 != 0 {
			return fmt.Errorf("%w: %s has mode %o", ErrUnsafe, name, info.Mode().Perm())
		}
	}
	return nil
}

// create writes a file that must not be there yet, whole and on the disk. If
// another process was first, its file stays.
func create(dir, name string, content []byte) error {
	tmp, err := writeTemp(dir, content)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := os.Link(tmp, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keyring: %w", err)
	}
	return syncDir(dir)
}

func writeTemp(dir string, content []byte) (string, error) {
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("keyring: %w", err)
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	return nil
}

func (k *Keyring) readGenerations() error {
	k.generations = map[string]int{}
	raw, err := os.ReadFile(k.path(generationsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &k.generations)
	}
	if err != nil {
		return fmt.Errorf("keyring: %s: %w", generationsFile, err)
	}
	return nil
}

func (k *Keyring) generation(use string) int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return max(1, k.generations[use])
}

// Secret gives the newest key of a use: 32 bytes, the same at each start.
func (k *Keyring) Secret(use string) []byte { return k.Key(use).Secret }

// Key gives the newest key of a use.
func (k *Keyring) Key(use string) Key { return k.derive(use, k.generation(use)) }

// Keys gives all keys of a use, newest first.
func (k *Keyring) Keys(use string) []Key {
	var out []Key
	for n := k.generation(use); n >= 1; n-- {
		out = append(out, k.derive(use, n))
	}
	return out
}

func (k *Keyring) derive(use string, generation int) Key {
	secret, err := hkdf.Key(sha256.New, k.root[:], []byte("varde keyring 1"), fmt.Sprintf("%d/%s", generation, use), 32)
	if err != nil { // only for a length that HKDF cannot give
		panic("keyring: " + err.Error())
	}
	print := sha256.Sum256(append([]byte("key id\x00"), secret...))
	return Key{ID: fmt.Sprintf("%s/%d/%s", use, generation, hex.EncodeToString(print[:4])), Generation: generation, Secret: secret}
}

// Signing gives the newest signing key of a use, with its ID.
func (k *Keyring) Signing(use string) (id string, key ed25519.PrivateKey) {
	d := k.Key(use)
	return d.ID, ed25519.NewKeyFromSeed(d.Secret)
}

// Files gives the identities for blob.Open: the newest first, which encrypts.
func (k *Keyring) Files() ([]*age.X25519Identity, error) {
	var out []*age.X25519Identity
	for _, key := range k.Keys(useFiles) {
		i, err := age.ParseX25519Identity(strings.ToUpper(bech32("age-secret-key-", key.Secret)))
		if err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		out = append(out, i)
	}
	return out, nil
}

// Rotate adds a generation to a use and returns its key. Running processes use
// it after their next start. Not for keys of HMACs over stored names.
func (k *Keyring) Rotate(use string) (Key, error) {
	if k.dir == "" {
		return Key{}, errors.New("keyring: the root is from the environment, so are its generations")
	}
	k.mu.Lock()
	next := map[string]int{use: max(1, k.generations[use]) + 1}
	for u, n := range k.generations {
		if u != use {
			next[u] = n
		}
	}
	err := k.writeGenerations(next)
	if err == nil {
		k.generations = next
	}
	k.mu.Unlock()
	if err != nil {
		return Key{}, err
	}
	return k.Key(use), nil
}

func (k *Keyring) writeGenerations(g map[string]int) error {
	raw, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	tmp, err := writeTemp(k.dir, append(raw, '\n'))
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, k.path(generationsFile)); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("keyring: %w", err)
	}
	return syncDir(k.dir)
}

// escrow is what Export writes, encrypted.
type escrow struct {
	Root        string         `json:"root"`
	Generations map[string]int `json:"generations,omitempty"`
}

// Export writes the keys, encrypted to the recipients (a passphrase or the
// public keys of those who keep it), for a place outside the backup.
func (k *Keyring) Export(w io.Writer, to ...age.Recipient) error {
	k.mu.RLock()
	raw, err := json.Marshal(escrow{Root: strings.TrimSpace(string(encodeRoot(k.root))), Generations: k.generations})
	k.mu.RUnlock()
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	enc, err := age.Encrypt(w, to...)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if _, err := enc.Write(raw); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	return nil
}

// Import puts what Export wrote into a folder that has no keys yet.
func Import(dir string, r io.Reader, with ...age.Identity) error {
	plain, err := age.Decrypt(r, with...)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	var e escrow
	if err := json.NewDecoder(plain).Decode(&e); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	root, err := decodeRoot(e.Root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, rootFile)); err == nil {
		return errors.New("keyring: the folder has keys already")
	}
	if len(e.Generations) > 0 {
		if err := (&Keyring{dir: dir}).writeGenerations(e.Generations); err != nil {
			return err
		}
	}
	return create(dir, rootFile, encodeRoot(root))
}
