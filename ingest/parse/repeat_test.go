package parse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stream parses lines in order through one Stream.
func stream(t testing.TB, lines ...string) []want {
	t.Helper()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	out := make([]want, len(lines))
	for i, line := range lines {
		ev, err := s.Parse([]byte(line), reference)
		require.NoError(t, err, line)
		require.Equal(t, line, ev.Event.Original)
		out[i] = got(ev)
	}
	return out
}

func TestLastMessageRepeatedCountsTheLineBefore_R36(t *testing.T) {
	t.Parallel()
	const wrong = "Failed password for root from 192.0.2.7 port 22 ssh2"
	f := failed("root", "192.0.2.7", 22, "password")
	unparsed := want{dataset: DatasetUnparsed}
	for name, c := range map[string]struct {
		lines []string
		want  []want
	}{
		"BSD": {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:30 a last message repeated 3 times"}, []want{f, f.times(3)}},
		"twice in a row": {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:30 a last message repeated 3 times", "Nov 22 10:01:30 a last message repeated 2 times"},
			[]want{f, f.times(3), f.times(2)}},
		"of the same host only": {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:01 b sshd[1]: Server listening on :: port 22.", "Nov 22 10:00:30 a last message repeated 3 times", "Nov 22 10:00:30 c last message repeated 3 times"},
			[]want{f, {dataset: "sshd"}, f.times(3), unparsed}},
		"without a host":          {[]string{"Nov 22 10:00:00 sshd[1]: " + wrong, "Nov 22 10:00:30 last message repeated 1 time"}, []want{f, f.times(1)}},
		"macOS":                   {[]string{"Nov 22 10:00:00 sshd[1]: " + wrong, "Nov 22 10:00:30 --- last message repeated 2 times ---"}, []want{f, f.times(2)}},
		"with a priority":         {[]string{"<38>Nov 22 10:00:00 a sshd[1]: " + wrong, "<38>Nov 22 10:00:30 a last message repeated 2 times"}, []want{f, f.times(2)}},
		"syslogd names itself":    {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:30 a syslogd: last message repeated 2 times"}, []want{f, f.times(2)}},
		"of a line that repeats":  {[]string{"Nov 22 10:00:00 a sshd[1]: message repeated 4 times: [ " + wrong + "]", "Nov 22 10:00:30 a last message repeated 2 times"}, []want{f.times(4), f.times(8)}},
		"nothing before":          {[]string{"Nov 22 10:00:30 a last message repeated 2 times"}, []want{unparsed}},
		"a program that says so":  {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:30 a evil: last message repeated 9 times"}, []want{f, unparsed}},
		"a name that says so":     {[]string{"Nov 22 10:00:00 a sshd[1]: " + wrong, "Nov 22 10:00:30 a last message repeated 2 times x"}, []want{f, unparsed}},
		"of what no parser knows": {[]string{"Nov 22 10:00:00 a cooking: pot", "Nov 22 10:00:30 a last message repeated 2 times"}, []want{unparsed, unparsed.times(2)}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, stream(t, c.lines...)) })
	}
	s, err := NewStream(Options{})
	require.NoError(t, err)
	for line, reason := range map[string]string{"Nov 22 10:00:30 a last message repeated 0 times": ReasonRepeat, "Nov 22 10:00:30 a last message repeated 99999999999999999999 times": ReasonRepeat} {
		_, err = s.Parse([]byte(line), reference)
		require.ErrorContains(t, err, reason)
	}
}

func TestWhatSpansLinesIsRecalledAfterAStop(t *testing.T) {
	t.Parallel()
	const before = "Nov 22 09:59:00 b sshd[1]: x\nNov 22 10:00:00 a sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2\n"
	const next = "Nov 22 10:00:30 a last message repeated 3 times"
	for text, w := range map[string]want{
		before:      failed("root", "192.0.2.7", 22, "password").times(3),
		before[5:]:  failed("root", "192.0.2.7", 22, "password").times(3),
		before[40:]: {dataset: DatasetUnparsed},
		"":          {dataset: DatasetUnparsed},
	} {
		resume := State{Previous: reference}
		s, err := NewStream(Options{Resume: resume})
		require.NoError(t, err)
		s.Recall([]byte(text), len(text) == len(before), reference)
		require.Equal(t, resume, s.State(), "where the file was is not forgotten")
		ev, err := s.Parse([]byte(next), reference)
		require.NoError(t, err)
		require.Equal(t, w, got(ev), text)
	}
}

func TestEmptyWordsAreNoAddress(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"", "-", "N/A", "n/a", "null", "(null)", "unknown", "UNKNOWN", "none", "?", "nil", "-:22", "unknown:22"} {
		if e := endpoint(word, 0); e != nil {
			require.Empty(t, e.IP, word)
			require.NotContains(t, []string{"-", "unknown"}, e.Domain, word)
		}
	}
	for text, w := range map[string]struct {
		ip, domain string
		port       int
	}{
		"192.0.2.7:22":        {"192.0.2.7", "", 22},
		"[2001:db8::7]:22":    {"2001:db8::7", "", 22},
		"2001:db8::7":         {"2001:db8::7", "", 0},
		"2001:db8::7:22":      {"2001:db8::7:22", "", 0},
		"::ffff:192.0.2.7":    {"192.0.2.7", "", 0},
		"[::ffff:192.0.2.7]":  {"192.0.2.7", "", 0},
		"host.example:443":    {"", "host.example", 443},
		"host.example":        {"", "host.example", 0},
		"192.0.2.7:99999":     {"", "192.0.2.7:99999", 0},
		"[fe80::1%eth0]:5000": {"fe80::1%eth0", "", 5000},
	} {
		e := endpoint(text, 0)
		require.NotNil(t, e, text)
		require.Equal(t, w.ip, e.IP, text)
		require.Equal(t, w.domain, e.Domain, text)
		require.Equal(t, w.port, e.Port, text)
	}
}

// Any order of lines: a count never makes a login of what was none, and never
// more than was said.
func FuzzLastMessageRepeated(f *testing.F) {
	f.Add("a", "sshd", "Failed password for x from ::1 port 1 ssh2", "a", "last message repeated 3 times")
	f.Add("a", "x", "y", "b", "last message repeated 3 times ")
	f.Fuzz(func(t *testing.T, host, program, text, other, count string) {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		first, err := s.Parse([]byte("Nov 22 10:00:00 "+host+" "+program+": "+text), reference)
		if err != nil {
			return
		}
		second, err := s.Parse([]byte("Nov 22 10:00:01 "+other+" "+count), reference)
		if err != nil || !second.Varde.Attempt {
			return
		}
		if second.Varde.Repeat > 0 && first.Varde.Attempt {
			require.Equal(t, first.Event.Outcome, second.Event.Outcome)
		}
	})
}

func BenchmarkLastMessageRepeated(b *testing.B) {
	s, err := NewStream(Options{})
	require.NoError(b, err)
	first := []byte("Nov 22 10:00:00 a sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2")
	line := []byte("Nov 22 10:00:30 a last message repeated 3 times")
	_, err = s.Parse(first, reference)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(line, reference); err != nil {
			b.Fatal(err)
		}
	}
}
