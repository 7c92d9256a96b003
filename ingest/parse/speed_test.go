package parse

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cpu is the processor time that this process has used: what a line costs, also
// on a machine that does other things at once.
func cpu(t testing.TB) time.Duration {
	var use syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// benchmark parses the last of the lines again and again, encodes it, and
// reports the processor's time in seconds per million lines: the figure that
// docs/performance.md speaks of. The lines before it are parsed once.
func benchmark(b *testing.B, lines ...string) {
	s, err := NewStream(Options{Reuse: true}) // as the collector does
	require.NoError(b, err)
	for _, line := range lines[:len(lines)-1] {
		_, err := s.Parse([]byte(line), reference)
		require.NoError(b, err)
	}
	benchmarkStream(b, s, lines[len(lines)-1])
}

func benchmarkStream(b *testing.B, s *Stream, text string) {
	line := []byte(text)
	var out []byte
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	began, n := cpu(b), 0
	for b.Loop() {
		ev, err := s.Parse(line, reference)
		if err != nil {
			b.Fatal(err)
		}
		ev.Event.ID = "01JDA2X0M8Q3W9V6T5R4E3W2Q1"
		out = ev.AppendJSON(out[:0])
		n++
	}
	b.ReportMetric((cpu(b)-began).Seconds()/float64(n)*1e6, "cpu-s/million")
}

func BenchmarkSSHD(b *testing.B) {
	benchmark(b, "<38>Nov 22 10:00:00 arkiv01 sshd[123]: Failed password for invalid user admin from 192.0.2.7 port 5022 ssh2")
}
