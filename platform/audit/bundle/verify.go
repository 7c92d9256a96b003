package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"varde.internal/schemas/topics"
)

// Kinds of problems.
const (
	KindFormat    = "format"     // not a bundle, or one that contradicts itself
	KindSignature = "signature"  // not signed by the key
	KindChanged   = "changed"    // a record is not what was logged
	KindRemoved   = "removed"    // records are missing
	KindReordered = "reordered"  // records are not in the order of the log
	KindBackdated = "back-dated" // a record claims a time that its place forbids
	KindTree      = "tree"       // the records do not make the tree that was signed
	KindRewritten = "rewritten"  // an earlier checkpoint is not a beginning of this log
	KindErased    = "erased"     // content is missing and no record says that it was erased
)

// Problem is one thing that does not hold. Index is -1 where it concerns the
// whole bundle.
type Problem struct {
	Index  int64  `json:"index"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// Report is the outcome of Verify.
type Report struct {
	OK        bool      `json:"ok"`
	Tenant    string    `json:"tenant"`
	PublicKey string    `json:"publicKey"`
	KeyGiven  bool      `json:"keyGiven"` // false: signed by the key in the file, which anybody can make
	Size      int64     `json:"size"`
	Time      time.Time `json:"time"`
	From      int64     `json:"from"`
	To        int64     `json:"to"`
	Records   int       `json:"records"`
	Erased    int       `json:"erased"`
	// Late counts records logged more than an hour after they say they
	// happened: the audit service was away, or somebody added them afterwards.
	Late     int       `json:"late"`
	Restored []int64   `json:"restored,omitempty"` // sizes at which a backup was restored
	Problems []Problem `json:"problems"`
}

// Options of Verify.
type Options struct {
	// Key is the public key that the reader trusts, from an earlier export or
	// from the installation's papers. Empty: the one in the bundle.
	Key string
	// Earlier are checkpoints that the reader kept from before: this log has to
	// begin with theirs.
	Earlier []string
}

const (
	maxBundle = 1 << 30
	lateAfter = time.Hour
	// ahead is how far the clock of a service may be in front of the log's.
	ahead = 5 * time.Minute
	// slack is how far a record's and a checkpoint's time may contradict each
	// other: processes that extend one log have clocks of their own.
	slack = 10 * time.Second
	most  = 100 // problems in a report
)

// Read decodes a bundle. It refuses what has another format.
func Read(r io.Reader) (Bundle, error) {
	var b Bundle
	d := json.NewDecoder(io.LimitReader(r, maxBundle))
	if err := d.Decode(&b); err != nil {
		return b, fmt.Errorf("bundle: not a bundle: %w", err)
	}
	if b.Format != Format {
		return b, fmt.Errorf("bundle: the form %q is not known", b.Format)
	}
	return b, nil
}

// Verify checks a bundle. It always gives a report; what is wrong is in it.
func Verify(b Bundle, opt Options) Report {
	v := verification{bundle: b, report: Report{Tenant: b.Tenant, PublicKey: b.PublicKey, KeyGiven: opt.Key != "",
		From: b.From, To: b.To, Problems: []Problem{}}}
	v.run(opt)
	v.report.OK = len(v.report.Problems) == 0
	return v.report
}

type verification struct {
	bundle Bundle
	report Report
	key    note.Verifier
	head   Checkpoint
	leaves []tlog.Hash
	known  []bool // the leaf is what the entry says it is
	tree   memory // of a whole log
	erases []span
}

type span struct{ from, to int64 }

func (v *verification) problem(index int64, kind, detail string) {
	if len(v.report.Problems) < most {
		v.report.Problems = append(v.report.Problems, Problem{index, kind, detail})
	}
}

func (v *verification) run(opt Options) {
	text := v.bundle.PublicKey
	if opt.Key != "" {
		text = opt.Key
	}
	var err error
	if v.key, err = note.NewVerifier(text); err != nil {
		v.problem(-1, KindSignature, "the public key cannot be read")
		return
	}
	v.report.PublicKey = text
	if v.head, err = OpenCheckpoint(v.bundle.Checkpoint, v.key); err != nil {
		v.problem(-1, KindSignature, "the checkpoint is not signed by the key: "+err.Error())
		return
	}
	v.report.Size, v.report.Time = v.head.Size, v.head.Time
	if v.head.Tenant != v.bundle.Tenant {
		v.problem(-1, KindFormat, "the checkpoint is another tenant's")
		return
	}
	if v.bundle.From < 0 || v.bundle.To < v.bundle.From || v.bundle.To > v.head.Size {
		v.problem(-1, KindFormat, "the range does not lie in the log")
		return
	}
	if n := v.bundle.To - v.bundle.From; int64(len(v.bundle.Entries)) != n {
		v.problem(-1, KindRemoved, fmt.Sprintf("the bundle says %d records and holds %d", n, len(v.bundle.Entries)))
	}
	v.entries()
	v.inTree()
	v.earlier(opt.Earlier)
	v.erasures()
}

// entries checks each record by itself and against its neighbours.
func (v *verification) entries() {
	seen := map[string]bool{}
	var last time.Time
	for i, e := range v.bundle.Entries {
		want := v.bundle.From + int64(i)
		if e.Index != want {
			v.problem(e.Index, KindReordered, fmt.Sprintf("stands at the place of record %d", want))
		}
		if seen[e.ID] {
			v.problem(want, KindChanged, "its id occurs twice")
		}
		seen[e.ID] = true
		leaf, err := DecodeHash(e.Leaf)
		if err != nil {
			v.problem(want, KindFormat, "its leaf is no hash")
		}
		v.leaves = append(v.leaves, leaf)
		if e.latest().Before(last) {
			v.problem(want, KindBackdated, "was logged before the record that precedes it")
		} else if e.Logged.After(last) {
			last = e.Logged
		}
		if e.Logged.After(v.head.Time.Add(slack)) {
			v.problem(want, KindBackdated, "was logged after the checkpoint that contains it")
		}
		v.known = append(v.known, v.content(want, e, leaf))
	}
}

// content checks what a record says against its leaf.
func (v *verification) content(index int64, e Entry, leaf tlog.Hash) bool {
	if e.Erased || len(e.Record) == 0 {
		v.report.Erased++
		return false
	}
	v.report.Records++
	salt, err := base64.StdEncoding.DecodeString(e.Salt)
	var compact bytes.Buffer
	if err = errors.Join(err, json.Compact(&compact, e.Record)); err != nil {
		v.problem(index, KindFormat, "its salt or record cannot be read")
		return false
	}
	if LeafHash(salt, e.Logged, compact.Bytes()) != leaf {
		v.problem(index, KindChanged, "its content is not what was logged")
		return false
	}
	var r topics.AuditRecord
	if err := json.Unmarshal(e.Record, &r); err != nil {
		v.problem(index, KindFormat, "its record cannot be read")
		return false
	}
	if r.ID != e.ID || r.Tenant != v.bundle.Tenant {
		v.problem(index, KindChanged, "its id or tenant is not the record's")
	}
	switch late := e.Logged.Sub(r.Time); {
	case e.latest().Sub(r.Time) < -ahead:
		v.problem(index, KindBackdated, "says that it happened after it was logged")
	case late > lateAfter:
		v.report.Late++
	}
	v.special(index, r)
	return true
}

// special notes the records that explain what else would be a problem.
func (v *verification) special(index int64, r topics.AuditRecord) {
	switch r.Action {
	case ActionErase:
		from, err1 := strconv.ParseInt(r.Details["from"], 10, 64)
		to, err2 := strconv.ParseInt(r.Details["to"], 10, 64)
		if err1 == nil && err2 == nil && to <= index {
			v.erases = append(v.erases, span{from, to})
		}
	case ActionRestore:
		if size, err := strconv.ParseInt(r.Details["size"], 10, 64); err == nil && size == index {
			v.report.Restored = append(v.report.Restored, size)
		}
	}
}

// inTree checks that the leaves are those of the tree that was signed.
func (v *verification) inTree() {
	if v.bundle.Whole(v.head.Size) {
		for i, leaf := range v.leaves {
			if err := v.tree.add(int64(i), leaf); err != nil {
				v.problem(int64(i), KindTree, err.Error())
				return
			}
		}
		if root, err := v.tree.root(int64(len(v.leaves))); err != nil || int64(len(v.leaves)) != v.head.Size || root != v.head.Root {
			v.problem(-1, KindTree, "the records do not make the tree that was signed")
		}
		return
	}
	for i, e := range v.bundle.Entries {
		index := v.bundle.From + int64(i)
		if index >= v.head.Size { // more entries than the range: reported already
			return
		}
		proof, err := decodeProof(e.Proof)
		if err == nil {
			err = tlog.CheckRecord(tlog.RecordProof(proof), v.head.Size, v.head.Root, index, v.leaves[i])
		}
		if err != nil {
			v.problem(index, KindTree, "is not at its place in the tree that was signed")
		}
	}
}

// earlier checks that earlier checkpoints, those in the bundle and those that
// the reader kept, are beginnings of this log, and that records and
// checkpoints agree about time.
func (v *verification) earlier(kept []string) {
	all := append([]Earlier(nil), v.bundle.Earlier...)
	own := len(all)
	for _, k := range kept {
		all = append(all, Earlier{Checkpoint: k, Proof: v.proofFor(k)})
	}
	for i, e := range all {
		c, err := OpenCheckpoint(e.Checkpoint, v.key)
		if err != nil {
			v.problem(-1, KindSignature, "an earlier checkpoint is not signed by the key: "+err.Error())
			continue
		}
		switch {
		case c.Tenant != v.bundle.Tenant:
			v.problem(-1, KindFormat, "an earlier checkpoint is another tenant's")
		case v.begins(c, e.Proof):
			v.times(c)
		case i >= own && v.explained(c):
		default:
			v.problem(-1, KindRewritten, fmt.Sprintf("the log of %d records signed at %s is not a beginning of this one", c.Size, formatTime(c.Time)))
		}
	}
}

// proofFor finds the proof for a checkpoint that the reader kept among the
// bundle's own of the same size.
func (v *verification) proofFor(kept string) []string {
	c, err := OpenCheckpoint(kept, v.key)
	if err != nil {
		return nil
	}
	for _, e := range v.bundle.Earlier {
		if o, err := OpenCheckpoint(e.Checkpoint, v.key); err == nil && o.Size == c.Size {
			return e.Proof
		}
	}
	return nil
}

func (v *verification) begins(c Checkpoint, proof []string) bool {
	switch {
	case c.Size > v.head.Size:
		return false
	case c.Size == v.head.Size:
		return c.Root == v.head.Root
	case c.Size == 0:
		return true
	case v.bundle.Whole(v.head.Size) && c.Size <= int64(len(v.leaves)):
		root, err := v.tree.root(c.Size)
		return err == nil && root == c.Root
	}
	p, err := decodeProof(proof)
	return err == nil && tlog.CheckTree(tlog.TreeProof(p), v.head.Size, v.head.Root, c.Size, c.Root) == nil
}

// times checks that what a checkpoint does not hold was logged after it, and
// what it holds before it: nothing can be slipped in afterwards.
func (v *verification) times(c Checkpoint) {
	for i, e := range v.bundle.Entries {
		index := v.bundle.From + int64(i)
		if index < c.Size && e.Logged.After(c.Time.Add(slack)) || index >= c.Size && e.latest().Before(c.Time.Add(-slack)) {
			v.problem(index, KindBackdated, fmt.Sprintf("its time contradicts the checkpoint of %s", formatTime(c.Time)))
		}
	}
}

// explained says whether a restored backup is why a kept checkpoint does not
// fit: the log says that it was put back to a size below it.
func (v *verification) explained(c Checkpoint) bool {
	for _, size := range v.report.Restored {
		if size < c.Size {
			return true
		}
	}
	return false
}

// erasures checks that missing content was erased by a rule that the log
// tells of. A part of a log may lack the record that does.
func (v *verification) erasures() {
	if !v.bundle.Whole(v.head.Size) {
		return
	}
	for i, e := range v.bundle.Entries {
		if !e.Erased && len(e.Record) > 0 {
			continue
		}
		index := v.bundle.From + int64(i)
		covered := false
		for _, s := range v.erases {
			covered = covered || (index >= s.from && index < s.to)
		}
		if !covered {
			v.problem(index, KindErased, "its content is missing, and no record says that it was erased")
		}
	}
}

func decodeProof(in []string) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(in))
	for i, s := range in {
		h, err := DecodeHash(s)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// memory is a tree in memory.
type memory struct{ hashes []tlog.Hash }

func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(m.hashes)) {
			return nil, errors.New("a hash is missing")
		}
		out[i] = m.hashes[at]
	}
	return out, nil
}

func (m *memory) add(n int64, leaf tlog.Hash) error {
	more, err := tlog.StoredHashesForRecordHash(n, leaf, m)
	if err == nil {
		m.hashes = append(m.hashes, more...)
	}
	return err
}

func (m *memory) root(n int64) (tlog.Hash, error) { return tlog.TreeHash(n, m) }
