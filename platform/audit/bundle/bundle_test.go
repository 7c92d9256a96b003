package bundle_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

var begin = time.Date(2026, 11, 22, 8, 0, 7, 0, time.UTC)

// log is a small audit log in memory, with what an attacker would have: the
// store, and in the worst case the key.
type log struct {
	t           testing.TB
	key         bundle.Key
	entries     []bundle.Entry
	hashes      []tlog.Hash
	checkpoints []bundle.Checkpoint
	notes       []string
}

func newLog(t testing.TB) *log {
	key, err := bundle.NewKey(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	return &log{t: t, key: key}
}

func (l *log) read(places []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(places))
	for i, p := range places {
		out[i] = l.hashes[p]
	}
	return out, nil
}

func (l *log) reader() tlog.HashReader { return tlog.HashReaderFunc(l.read) }

func (l *log) add(change ...func(*topics.AuditRecord, *time.Time)) {
	i := len(l.entries)
	logged := begin.Add(time.Duration(i) * time.Minute)
	r := topics.AuditRecord{
		ID: id.Of("record", fmt.Sprint(i)), Tenant: "bo", Time: logged.Add(-time.Second), Service: "search",
		Actor: topics.Actor{Type: "person", ID: "p1"}, Action: "event.search", Phase: "intent", Purpose: "a < b & c",
	}
	for _, f := range change {
		f(&r, &logged)
	}
	body, err := json.Marshal(r)
	require.NoError(l.t, err)
	salt := []byte(fmt.Sprintf("salt %d", i))
	leaf := bundle.LeafHash(salt, logged, body)
	more, err := tlog.StoredHashesForRecordHash(int64(i), leaf, l.reader())
	require.NoError(l.t, err)
	l.hashes = append(l.hashes, more...)
	l.entries = append(l.entries, bundle.Entry{
		Index: int64(i), ID: r.ID, Logged: logged, Leaf: bundle.EncodeHash(leaf),
		Salt: base64.StdEncoding.EncodeToString(salt), Record: body,
	})
}

func (l *log) sign() {
	n := int64(len(l.entries))
	root, err := tlog.TreeHash(n, l.reader())
	require.NoError(l.t, err)
	c := bundle.Checkpoint{Tenant: "bo", Size: n, Root: root, Time: begin.Add(time.Duration(n-1)*time.Minute + time.Second)}
	if n > 20 {
		c.Time = begin.Add(3 * time.Hour)
	}
	text, err := c.Sign(l.key.Signer)
	require.NoError(l.t, err)
	l.checkpoints, l.notes = append(l.checkpoints, c), append(l.notes, text)
}

// export makes the bundle of a range of the log as last signed.
func (l *log) export(from, to int64) bundle.Bundle {
	last := len(l.checkpoints) - 1
	c := l.checkpoints[last]
	b := bundle.Bundle{Format: bundle.Format, Tenant: "bo", PublicKey: l.key.Public, Checkpoint: l.notes[last], From: from, To: to}
	whole := b.Whole(c.Size)
	for _, e := range l.entries[from:to] {
		if !whole {
			p, err := tlog.ProveRecord(c.Size, e.Index, l.reader())
			require.NoError(l.t, err)
			e.Proof = encode(p)
		}
		b.Entries = append(b.Entries, e)
	}
	for i, n := range l.notes[:last] {
		e := bundle.Earlier{Checkpoint: n}
		if !whole {
			p, err := tlog.ProveTree(c.Size, l.checkpoints[i].Size, l.reader())
			require.NoError(l.t, err)
			e.Proof = encode(p)
		}
		b.Earlier = append(b.Earlier, e)
	}
	// As it comes from a file, indented by a curious hand.
	text, err := json.MarshalIndent(b, "", "  ")
	require.NoError(l.t, err)
	out, err := bundle.Read(bytes.NewReader(text))
	require.NoError(l.t, err)
	return out
}

func encode(hashes []tlog.Hash) []string {
	var out []string
	for _, h := range hashes {
		out = append(out, bundle.EncodeHash(h))
	}
	return out
}

// twenty is a log of 20 records, signed at 5, 12 and 20.
func twenty(t testing.TB) *log {
	l := newLog(t)
	for i := range 20 {
		l.add()
		if i == 4 || i == 11 || i == 19 {
			l.sign()
		}
	}
	return l
}

func kinds(r bundle.Report) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, p.Kind)
	}
	return out
}

func TestAWholeLogAndItsPartsVerify(t *testing.T) {
	t.Parallel()
	l := twenty(t)
	for _, r := range [][2]int64{{0, 20}, {0, 7}, {5, 20}, {11, 12}, {3, 3}} {
		report := bundle.Verify(l.export(r[0], r[1]), bundle.Options{Key: l.key.Public, Earlier: l.notes[:2]})
		require.Empty(t, report.Problems, "%v", r)
		require.True(t, report.OK)
		require.True(t, report.KeyGiven)
		require.EqualValues(t, 20, report.Size)
		require.EqualValues(t, r[1]-r[0], report.Records)
	}
	require.False(t, bundle.Verify(l.export(0, 20), bundle.Options{}).KeyGiven)
}

func TestEveryKindOfTamperingIsFound(t *testing.T) {
	t.Parallel()
	whole, part := [2]int64{0, 20}, [2]int64{4, 16}
	cases := map[string]struct {
		tamper func(l *log, b *bundle.Bundle)
		kind   string
	}{
		"a changed word": {func(_ *log, b *bundle.Bundle) {
			b.Entries[3].Record = bytes.Replace(b.Entries[3].Record, []byte("p1"), []byte("p2"), 1)
		}, bundle.KindChanged},
		"a changed salt":       {func(_ *log, b *bundle.Bundle) { b.Entries[3].Salt = "AAAA" }, bundle.KindChanged},
		"a changed time":       {func(_ *log, b *bundle.Bundle) { b.Entries[3].Logged = b.Entries[3].Logged.Add(time.Second) }, bundle.KindChanged},
		"another record's id":  {func(_ *log, b *bundle.Bundle) { b.Entries[3].ID = b.Entries[4].ID }, bundle.KindChanged},
		"a removed record":     {func(_ *log, b *bundle.Bundle) { b.Entries = append(b.Entries[:3:3], b.Entries[4:]...) }, bundle.KindRemoved},
		"the last one removed": {func(_ *log, b *bundle.Bundle) { b.Entries = b.Entries[:len(b.Entries)-1] }, bundle.KindRemoved},
		"removed and renumbered": {func(_ *log, b *bundle.Bundle) {
			b.Entries = append(b.Entries[:3:3], b.Entries[4:]...)
			for i := range b.Entries {
				b.Entries[i].Index = b.From + int64(i)
			}
			b.To--
		}, bundle.KindTree},
		"two exchanged": {func(_ *log, b *bundle.Bundle) { b.Entries[3], b.Entries[4] = b.Entries[4], b.Entries[3] }, bundle.KindReordered},
		"exchanged and renumbered": {func(_ *log, b *bundle.Bundle) {
			b.Entries[3], b.Entries[4] = b.Entries[4], b.Entries[3]
			b.Entries[3].Index, b.Entries[4].Index = b.Entries[4].Index, b.Entries[3].Index
		}, bundle.KindTree},
		"content taken away": {func(_ *log, b *bundle.Bundle) { b.Entries[3].Record, b.Entries[3].Salt = nil, "" }, ""},
		"a forged leaf": {func(_ *log, b *bundle.Bundle) {
			e := &b.Entries[3]
			e.Record = bytes.Replace(e.Record, []byte("p1"), []byte("p2"), 1)
			salt, _ := base64.StdEncoding.DecodeString(e.Salt)
			var compact bytes.Buffer
			_ = json.Compact(&compact, e.Record)
			e.Leaf = bundle.EncodeHash(bundle.LeafHash(salt, e.Logged, compact.Bytes()))
		}, bundle.KindTree},
		"a changed checkpoint": {func(_ *log, b *bundle.Bundle) {
			b.Checkpoint = string(bytes.Replace([]byte(b.Checkpoint), []byte("\n20\n"), []byte("\n19\n"), 1))
		}, bundle.KindSignature},
		"an earlier checkpoint as the last": {func(l *log, b *bundle.Bundle) { b.Checkpoint = l.notes[1] }, bundle.KindFormat},
		"another tenant's":                  {func(_ *log, b *bundle.Bundle) { b.Tenant = "li" }, bundle.KindFormat},
		"a changed earlier checkpoint":      {func(_ *log, b *bundle.Bundle) { b.Earlier[0].Checkpoint = "x" + b.Earlier[0].Checkpoint }, bundle.KindSignature},
		"a range outside the log":           {func(_ *log, b *bundle.Bundle) { b.To = 900 }, bundle.KindFormat},
	}
	for name, c := range cases {
		for _, r := range [][2]int64{whole, part} {
			t.Run(fmt.Sprint(name, r), func(t *testing.T) {
				t.Parallel()
				l := twenty(t)
				b := l.export(r[0], r[1])
				c.tamper(l, &b)
				report := bundle.Verify(b, bundle.Options{Key: l.key.Public})
				if c.kind == "" { // only a whole log can tell that no rule erased it
					require.Equal(t, r != whole, report.OK)
					require.Equal(t, 1, report.Erased)
					return
				}
				require.False(t, report.OK)
				require.Contains(t, kinds(report), c.kind, "%+v", report.Problems)
			})
		}
	}
}

func TestAnotherKeysSignatureIsFound(t *testing.T) {
	t.Parallel()
	l := twenty(t)
	other, err := bundle.NewKey(bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	report := bundle.Verify(l.export(0, 20), bundle.Options{Key: other.Public})
	require.Equal(t, []string{bundle.KindSignature}, kinds(report))
	_, err = bundle.NewKey([]byte("short"))
	require.Error(t, err)
}

// Who holds the key can sign anything; what he signed before, and times, still
// speak against him.
func TestBackdatingIsFoundEvenWithTheKey(t *testing.T) {
	t.Parallel()
	backdate := func(to time.Duration) func(*topics.AuditRecord, *time.Time) {
		return func(r *topics.AuditRecord, logged *time.Time) {
			*logged = begin.Add(to)
			r.Time = *logged
		}
	}
	t.Run("before the record that precedes it", func(t *testing.T) {
		t.Parallel()
		l := twenty(t)
		l.add(backdate(3 * time.Minute))
		l.sign()
		report := bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public})
		require.Contains(t, kinds(report), bundle.KindBackdated)
	})
	t.Run("before a checkpoint that does not hold it", func(t *testing.T) {
		t.Parallel()
		l := twenty(t)
		late := l.checkpoints[2]
		late.Time = late.Time.Add(time.Hour) // nothing was logged in that hour
		note, err := late.Sign(l.key.Signer)
		require.NoError(t, err)
		l.checkpoints, l.notes = append(l.checkpoints, late), append(l.notes, note)
		l.add(backdate(30 * time.Minute))
		l.sign()
		report := bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public})
		require.Equal(t, []string{bundle.KindBackdated}, kinds(report))
	})
	t.Run("dated ahead", func(t *testing.T) {
		t.Parallel()
		l := newLog(t)
		l.add(func(r *topics.AuditRecord, _ *time.Time) { r.Time = begin.Add(time.Hour) })
		l.sign()
		report := bundle.Verify(l.export(0, 1), bundle.Options{Key: l.key.Public})
		require.Equal(t, []string{bundle.KindBackdated}, kinds(report))
	})
	t.Run("slipped into the middle of a new log", func(t *testing.T) {
		t.Parallel()
		kept := twenty(t).notes[2]
		l := newLog(t)
		for i := range 21 {
			l.add(func(r *topics.AuditRecord, _ *time.Time) {
				if i == 7 {
					r.Actor.ID = "p2"
				}
			})
		}
		l.sign()
		report := bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public, Earlier: []string{kept}})
		require.Equal(t, []string{bundle.KindRewritten}, kinds(report))
	})
	t.Run("late is said, not refused", func(t *testing.T) {
		t.Parallel()
		l := newLog(t)
		l.add(func(r *topics.AuditRecord, _ *time.Time) { r.Time = begin.Add(-3 * time.Hour) })
		l.sign()
		report := bundle.Verify(l.export(0, 1), bundle.Options{Key: l.key.Public})
		require.True(t, report.OK)
		require.Equal(t, 1, report.Late)
	})
}

func TestARestoredBackupIsNotTakenForTampering(t *testing.T) {
	t.Parallel()
	kept := twenty(t).notes[2]
	l := newLog(t)
	for range 12 {
		l.add()
	}
	fork := func(restored bool) bundle.Report {
		if restored {
			l.add(func(r *topics.AuditRecord, _ *time.Time) {
				r.Action, r.Details = bundle.ActionRestore, map[string]string{"size": "12"}
			})
		}
		for range 9 {
			l.add(func(r *topics.AuditRecord, _ *time.Time) { r.Actor.ID = "p3" })
		}
		l.sign()
		return bundle.Verify(l.export(0, int64(len(l.entries))), bundle.Options{Key: l.key.Public, Earlier: []string{kept}})
	}
	report := fork(true)
	require.True(t, report.OK, "%+v", report.Problems)
	require.Equal(t, []int64{12}, report.Restored)

	l = newLog(t)
	for range 12 {
		l.add()
	}
	require.Equal(t, []string{bundle.KindRewritten}, kinds(fork(false)))
}

func TestAnErasureByRuleIsToldFromATheft(t *testing.T) {
	t.Parallel()
	l := twenty(t)
	l.add(func(r *topics.AuditRecord, _ *time.Time) {
		r.Action, r.Details = bundle.ActionErase, map[string]string{"from": "0", "to": "5", "rule": "retention"}
	})
	l.sign()
	for i := range 5 {
		l.entries[i].Record, l.entries[i].Salt, l.entries[i].Erased = nil, "", true
	}
	report := bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public})
	require.True(t, report.OK, "%+v", report.Problems)
	require.Equal(t, 5, report.Erased)
	l.entries[7].Record, l.entries[7].Salt, l.entries[7].Erased = nil, "", true
	report = bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public})
	require.Equal(t, []string{bundle.KindErased}, kinds(report))
	require.EqualValues(t, 7, report.Problems[0].Index)
}

func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "no json", "{}", `{"format":"varde-audit-bundle/9"}`} {
		_, err := bundle.Read(bytes.NewBufferString(text))
		require.Error(t, err, text)
	}
}

func FuzzVerifyNeverPanics(f *testing.F) {
	l := twenty(f)
	for _, r := range [][2]int64{{0, 20}, {4, 9}} {
		text, err := json.Marshal(l.export(r[0], r[1]))
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		if b, err := bundle.Read(bytes.NewReader(text)); err == nil {
			bundle.Verify(b, bundle.Options{})
		}
	})
}

// What a reporter does is logged by the hour: that is before what precedes it
// in the same hour, and nothing is wrong with it. An hour that is over is.
func TestAnEntryOfTheHourIsNotBackdated_N7(t *testing.T) {
	t.Parallel()
	hour := begin.Truncate(time.Hour)
	for name, c := range map[string]struct {
		logged    time.Time
		backdated bool
	}{
		"this hour":   {hour, false},
		"the one ago": {hour.Add(-2 * time.Hour), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := twenty(t)
			l.add(func(r *topics.AuditRecord, logged *time.Time) { *logged, r.Time = c.logged, c.logged })
			l.sign()
			found := kinds(bundle.Verify(l.export(0, 21), bundle.Options{Key: l.key.Public}))
			if c.backdated {
				require.Contains(t, found, bundle.KindBackdated)
			} else {
				require.Empty(t, found)
			}
		})
	}
}
