package collector

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// logFile is a log that a test writes as a daemon does.
type logFile struct {
	t    testing.TB
	path string
}

func (f logFile) write(text string) {
	f.t.Helper()
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(f.t, err)
	_, err = file.WriteString(text)
	require.NoError(f.t, err)
	require.NoError(f.t, file.Close())
}

func (f logFile) rename(to string) { require.NoError(f.t, os.Rename(f.path, to)) }

func stamped(n int) string {
	return fmt.Sprintf("Nov 22 10:%02d:%02d arkiv01 sshd[7]: line %d\n", n/60%60, n%60, n)
}

func span(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		b.WriteString(stamped(n))
	}
	return b.String()
}

// numbers are those of the lines, in the order in which they were published.
func numbers(t testing.TB, events []ecs.Event) (list []int) {
	t.Helper()
	for _, e := range events {
		var n int
		_, err := fmt.Sscanf(e.Message, "line %d", &n)
		require.NoError(t, err, e.Message)
		list = append(list, n)
	}
	return list
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func followed(t *testing.T) (logFile, *rig, Config) {
	t.Helper()
	f := logFile{t, filepath.Join(t.TempDir(), "auth.log")}
	var cfg Config
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.SyslogTCP, c.SyslogUDP = "", ""
		c.Files = []File{{Path: f.path, Source: "file"}}
		cfg = *c
	})
	return f, r, cfg
}

func TestAFileIsFollowedThroughRotationByRename(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	f.write(span(0, 3) + "Nov 22 10:00:03 arkiv01 sshd[7]: li") // a line half written
	r.await(3, 0)
	f.write("ne 3\n")
	r.await(4, 0)
	f.rename(f.path + ".1")
	logFile{t, f.path + ".1"}.write(stamped(4)) // its daemon has not noticed yet
	f.write(span(5, 7))
	events, _ := r.await(7, 0)
	require.Equal(t, upTo(7), numbers(t, events))
	require.Equal(t, "bo", events[0].Varde.Tenant)
	require.Equal(t, ecs.ProvenanceFile, events[0].Varde.Provenance)
	require.Equal(t, f.path, events[0].Log.File.Path)
	require.Equal(t, "Europe/Oslo", events[0].Event.Timezone)
}

// logrotate makes the new file at once; the daemon goes on with the old one
// until it is told.
func TestLinesWrittenToTheOldFileAfterItsRotationAreRead(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	f.write(span(0, 3))
	r.await(3, 0)
	f.rename(f.path + ".1")
	f.write("")
	time.Sleep(200 * time.Millisecond) // the rotation has been seen
	logFile{t, f.path + ".1"}.write(span(3, 5))
	r.await(5, 0)
	logFile{t, f.path + ".1"}.write(stamped(5))
	f.write(span(6, 8))
	events, _ := r.await(8, 0)
	require.Equal(t, upTo(8), numbers(t, events))
}

func TestAFileIsFollowedThroughTruncation(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	f.write(span(0, 5))
	r.await(5, 0)
	copied, err := os.ReadFile(f.path) // copytruncate
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.path+".1", copied, 0o600))
	require.NoError(t, os.Truncate(f.path, 0))
	time.Sleep(150 * time.Millisecond)
	f.write(span(5, 7))
	events, _ := r.await(7, 0)
	require.Equal(t, upTo(7), numbers(t, events))
	// Truncated, and past its old size before anybody looked.
	require.NoError(t, os.WriteFile(f.path, []byte(span(7, 40)), 0o600))
	events, _ = r.await(40, 0)
	require.Equal(t, upTo(40), numbers(t, events))
}

func TestAFileGoesOnWhereItWasAfterARestart(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	f.write(span(0, 10))
	r.await(10, 0)
	r.stop()
	f.write(span(10, 15))
	r.start(cfg)
	events, _ := r.await(15, 0)
	require.Equal(t, upTo(15), numbers(t, events))
	r.stop()

	// Rotated and packed while nobody looked: what was not read yet is.
	f.write(span(15, 18))
	f.rename(f.path + ".1")
	pack(t, f.path+".1")
	f.write(span(18, 20))
	r.start(cfg)
	events, _ = r.await(20, 0)
	require.Equal(t, upTo(20), numbers(t, events))
}

func TestARepetitionIsCountedAcrossARestart_R36(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	f.write("Nov 22 10:00:00 arkiv01 sshd[7]: Failed password for root from 192.0.2.7 port 22 ssh2\n")
	r.await(1, 0)
	r.stop()
	f.write("Nov 22 10:00:30 arkiv01 last message repeated 3 times\n")
	r.start(cfg)
	events, _ := r.await(2, 0)
	require.True(t, events[1].Varde.Attempt)
	require.Equal(t, 3, events[1].Varde.Repeat)
	require.Equal(t, "192.0.2.7", events[1].Source.IP)
}

func TestSeveralObjectsInALineAreSeveralEvents(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	const entry = `{"__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"arkiv01","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Failed password for root from 192.0.2.7 port 22 ssh2"}`
	f.write(entry + entry + "\n[" + entry + "," + entry + "]\n")
	events, _ := r.await(4, 0)
	ids := map[string]bool{}
	for _, e := range events {
		require.True(t, e.Varde.Attempt)
		require.Equal(t, entry, e.Event.Original)
		ids[e.Event.ID] = true
	}
	require.Len(t, ids, 4)
}

func pack(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path+".gz", b.Bytes(), 0o600))
	require.NoError(t, os.Remove(path))
}

// Killed between publishing and keeping the position: the lines come again, with
// the same ids and the same content.
func TestLinesReadTwiceHaveTheSameIds(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	f.write(span(0, 3))
	first, _ := r.await(3, 0)
	r.stop()
	r.deps.Docs = newDeps(t, r.deps.Bus).Docs // its positions are lost
	r.start(cfg)
	both, _ := r.await(6, 0)
	for i := range first {
		require.Equal(t, first[i].Event.ID, both[3+i].Event.ID)
		again := both[3+i]
		again.Event.Created = first[i].Event.Created
		require.Equal(t, first[i], again)
	}
}

func TestPatternsFindFilesThatComeLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.SyslogTCP, c.SyslogUDP, c.MaxLine = "", "", 1024
		c.Files = []File{{Path: filepath.Join(dir, "*.log"), Source: "file"}}
	})
	logFile{t, filepath.Join(dir, "a.log")}.write(stamped(0))
	logFile{t, filepath.Join(dir, "b.log")}.write(strings.Repeat("x", 3000) + "\n" + stamped(1))
	events, failed := r.await(2, 3)
	require.ElementsMatch(t, upTo(2), numbers(t, events))
	require.Equal(t, ReasonTooLong, failed[0].Reason)
}

func TestAFileOfNoSourceIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	f.write(stamped(0))
	r.await(1, 0)
	r.stop()
	cfg.Files = []File{{Path: f.path, Source: "nobody"}}
	m, err := New(r.deps, cfg)
	require.NoError(t, err)
	ctx, cancel := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	await.True(t, func() bool {
		err := m.Ready(ctx)
		return err != nil && strings.Contains(err.Error(), "nobody")
	})
	cancel()
	require.NoError(t, <-ended)
}

// Rotated more than once while nobody looked: a whole file came and went, and
// none of it had been begun.
func TestAFileThatCameAndWentWhileNobodyLookedIsRead(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	older := filepath.Join(t.TempDir(), "older")
	logFile{t, older}.write("Nov 22 09:00:00 arkiv01 sshd[7]: older than the collector\n")
	dated := func(path string, seconds int) {
		at := time.Now().Add(time.Duration(seconds) * time.Second)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	dated(older, -1000)
	require.NoError(t, os.Rename(older, f.path+".9"))
	f.write(span(0, 5))
	r.await(5, 0)
	r.stop()
	f.write(span(5, 7))
	f.rename(f.path + ".3")
	f.write(span(7, 9))
	f.rename(f.path + ".2")
	f.write(span(9, 12))
	f.rename(f.path + ".1")
	logFile{t, f.path + ".notes"}.write("Nov 22 09:00:00 arkiv01 sshd[7]: no rotated file\n")
	f.write(span(12, 14))
	// The times of files are not finer than the clock's tick everywhere.
	for n, name := range []string{".3", ".2", ".1", ".notes", ""} {
		dated(f.path+name, n-10)
	}
	r.start(cfg)
	events, _ := r.await(14, 0)
	require.Equal(t, upTo(14), numbers(t, events))
	requireRisingIDs(t, events)
}

// requireRisingIDs checks that events of the same second are read in the order
// of their lines.
func requireRisingIDs(t testing.TB, events []ecs.Event) {
	t.Helper()
	for i := range events[1:] {
		require.Less(t, events[i].Event.ID, events[i+1].Event.ID, "event %d", i)
	}
}

// Rotated before the collector had begun its first file, but after it had looked
// for it.
func TestAFileThatIsRotatedBeforeItIsBegunIsRead(t *testing.T) {
	t.Parallel()
	f, r, cfg := followed(t)
	store, err := openPositions(t.Context(), r.deps.Docs)
	require.NoError(t, err)
	await.True(t, func() bool { // it has looked
		_, err := store.docs.Get(tenant.With(t.Context(), "bo"), positionID(Source{ID: "file"}, f.path, "", 0))
		return err == nil
	})
	r.stop()
	f.write(span(0, 3))
	f.rename(f.path + ".1")
	f.write(span(3, 5))
	r.start(cfg)
	events, _ := r.await(5, 0)
	require.Equal(t, upTo(5), numbers(t, events))
}
