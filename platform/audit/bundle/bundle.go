// Package bundle is the exported form of a tenant's audit log and its offline
// check. It needs nothing of the running system: what is in the file, and the
// public key that the reader trusts, decide.
//
// The log is a Merkle tree (RFC 6962, golang.org/x/mod/sumdb/tlog). A leaf is a
// commitment to one record: SHA-256 over a domain line, a random salt of the
// record, the time it was logged, and the record's JSON. The salt makes it
// impossible to guess an erased record from its leaf. A checkpoint is a signed
// note (golang.org/x/mod/sumdb/note, Ed25519):
//
//	varde/audit/TENANT
//	SIZE
//	ROOT (base64)
//	time TIME (RFC 3339, UTC)
package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Format is the Bundle's form; a reader refuses another.
const Format = "varde-audit-bundle/1"

// KeyName is the name in every checkpoint's signature.
const KeyName = "varde-audit"

// Actions that the log itself records.
const (
	ActionErase   = "audit.erase"   // details: from, to (exclusive), reason
	ActionRestore = "audit.restore" // details: size, the log's size in the backup
)

// Bundle is a run of records of one tenant's log with what proves them.
type Bundle struct {
	Format     string    `json:"format"`
	Tenant     string    `json:"tenant"`
	Exported   time.Time `json:"exported"`
	PublicKey  string    `json:"publicKey"`
	Checkpoint string    `json:"checkpoint"`
	// From and To (exclusive) are the places of Entries in the log.
	From    int64   `json:"from"`
	To      int64   `json:"to"`
	Entries []Entry `json:"entries"`
	// Earlier checkpoints, oldest first, with the proof that each is a
	// beginning of Checkpoint's tree. A whole log needs no proofs.
	Earlier []Earlier `json:"earlier,omitempty"`
}

// Entry is one record. Salt and Record are left out where the content was
// erased under the retention rule.
type Entry struct {
	Index  int64           `json:"index"`
	ID     string          `json:"id"`
	Logged time.Time       `json:"logged"`
	Leaf   string          `json:"leaf"` // base64 of the leaf's hash
	Salt   string          `json:"salt,omitempty"`
	Record json.RawMessage `json:"record,omitempty"`
	Erased bool            `json:"erased,omitempty"`
	// Proof that the leaf is in the checkpoint's tree, base64; left out where
	// the bundle holds the whole log.
	Proof []string `json:"proof,omitempty"`
}

// latest is when the entry was logged at the latest. Of what a reporter does
// the log keeps the hour: then it was at any moment of it.
func (e Entry) latest() time.Time {
	if e.Logged.Equal(e.Logged.Truncate(time.Hour)) {
		return e.Logged.Add(time.Hour)
	}
	return e.Logged
}

// Earlier is a checkpoint that was signed before the bundle's own.
type Earlier struct {
	Checkpoint string   `json:"checkpoint"`
	Proof      []string `json:"proof,omitempty"`
}

// Whole reports whether b holds every record of a log of size records.
func (b Bundle) Whole(size int64) bool { return b.From == 0 && b.To == size }

// LeafHash is the hash of a record's leaf. Record is compact JSON.
func LeafHash(salt []byte, logged time.Time, record []byte) tlog.Hash {
	h := sha256.New()
	h.Write([]byte("varde-audit-leaf/1\n"))
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part(salt)
	part([]byte(formatTime(logged)))
	part(record)
	return tlog.RecordHash(h.Sum(nil))
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// EncodeHash and DecodeHash are the base64 form of hashes in a bundle.
func EncodeHash(h tlog.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }

// DecodeHash reads what EncodeHash wrote.
func DecodeHash(s string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != tlog.HashSize {
		return h, errors.New("not a hash")
	}
	copy(h[:], b)
	return h, nil
}

// Checkpoint is what a signed note says.
type Checkpoint struct {
	Tenant string
	Size   int64
	Root   tlog.Hash
	Time   time.Time
}

const originPrefix = "varde/audit/"

// Sign makes the note of c.
func (c Checkpoint) Sign(s note.Signer) (string, error) {
	text := fmt.Sprintf("%s%s\n%d\n%s\ntime %s\n", originPrefix, c.Tenant, c.Size, EncodeHash(c.Root), formatTime(c.Time))
	signed, err := note.Sign(&note.Note{Text: text}, s)
	return string(signed), err
}

// OpenCheckpoint checks the signature of a note and reads it.
func OpenCheckpoint(signed string, v note.Verifier) (Checkpoint, error) {
	var c Checkpoint
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return c, err
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if len(lines) < 4 {
		return c, errors.New("the checkpoint is too short")
	}
	name, ok := strings.CutPrefix(lines[0], originPrefix)
	if !ok || name == "" {
		return c, errors.New("the checkpoint is not of an audit log of Varde")
	}
	c.Tenant = name
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return c, errors.New("the checkpoint's size is no number")
	}
	if c.Root, err = DecodeHash(lines[2]); err != nil {
		return c, errors.New("the checkpoint's root is no hash")
	}
	when, ok := strings.CutPrefix(lines[3], "time ")
	if c.Time, err = time.Parse(time.RFC3339Nano, when); !ok || err != nil {
		return c, errors.New("the checkpoint's time is none")
	}
	return c, nil
}

// Key is a checkpoint key made from 32 secret bytes.
type Key struct {
	Signer note.Signer
	Public string // in the form of note.NewEd25519VerifierKey
}

// NewKey derives the key of seed.
func NewKey(seed []byte) (Key, error) {
	if len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("bundle: a key needs %d bytes", ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, err := note.NewEd25519VerifierKey(KeyName, private.Public().(ed25519.PublicKey))
	if err != nil {
		return Key{}, err
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return Key{}, err
	}
	return Key{Signer: signer{v, private}, Public: public}, nil
}

// signer is a note.Signer over a key that is not written as text.
type signer struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }
