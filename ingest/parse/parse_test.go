package parse

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	const text = "Accepted password for kari from 192.0.2.7 port 22 ssh2"
	for line, host := range map[string]string{
		"<38>1 2026-11-22T10:00:00.5+01:00 arkiv01 sshd 77 - - " + text:                          "arkiv01",
		"1 2026-11-22T10:00:00.5+01:00 arkiv01 sshd 77 - - " + text:                              "arkiv01",
		"<38>1 - arkiv01 sshd 77 - - " + text:                                                    "arkiv01",
		`<38>1 2026-11-22T10:00:00Z arkiv01 sshd 77 ID47 [a@1 x="y \" \] \\ z" w=""][b] ` + text: "arkiv01",
		"<38>1 2026-11-22T10:00:00Z arkiv01 sshd 77 - - \ufeff" + text:                           "arkiv01",
		"<38>1 2026-11-22T10:00:00Z bjørkvåg sshd 77 - - " + text:                                "bjørkvåg",
		"<38>1 2026-11-22T10:00:00Z - sshd 77 - - " + text:                                       "",
		"<38>Nov 22 10:00:00 arkiv01 sshd[77]: " + text:                                          "arkiv01",
		"Nov 22 10:00:00 sshd[77]: " + text:                                                      "", // BSD's syslogd names no host
		"<38>Nov 22 10:00:00 sshd[77]: " + text:                                                  "",
		"<38>sshd[77]: " + text:                                                                  "",
		"2026-11-22T10:00:00.123456+01:00 arkiv01 sshd[77]: " + text:                             "arkiv01",
		"Nov 22 10:00:00 192.0.2.1 sshd[77]: " + text:                                            "192.0.2.1",
		"Nov 22 10:00:00 2001:db8::1 sshd[77]: " + text:                                          "2001:db8::1",
		"\ufeffNov 22 10:00:00 arkiv01 sshd[77]: " + text:                                        "arkiv01",
	} {
		ev := one(t, line)
		require.True(t, ev.Varde.Attempt, line)
		require.Equal(t, 77, ev.Process.PID, line)
		require.Equal(t, text, ev.Message, line)
		if host == "" {
			require.Nil(t, ev.Host, line)
		} else {
			require.Equal(t, host, ev.Host.Name, line)
		}
	}
	ev := one(t, `<38>1 2026-11-22T10:00:00Z arkiv01 sshd 77 ID47 [a@1 x="y \" \] \\ z" w=""][b] `+text)
	require.Equal(t, map[string]map[string]string{"a@1": {"x": `y " ] \ z`, "w": ""}, "b": {}}, ev.Log.Syslog.StructuredData)
	require.Equal(t, "auth", ev.Log.Syslog.Facility.Name)
	require.Equal(t, "informational", ev.Log.Level)
	require.Equal(t, []string{"192.0.2.1"}, one(t, "Nov 22 10:00:00 192.0.2.1 sshd[77]: "+text).Host.IP)
}

func TestBrokenLinesSayWhy(t *testing.T) {
	t.Parallel()
	for line, reason := range map[string]string{
		"<38>1 2026-11-22T10:00:00Z h sshd 7 - [a x=\"y text":                          ReasonStructured,
		"<38>1 2026-11-22T10:00:00Z h sshd 7 - text":                                   ReasonStructured,
		"<38>1 2026-11-22T10:00:00Z h sshd  - - text":                                  ReasonHeader,
		"<38>1 2026-13-22T10:00:00Z h sshd 7 - - text":                                 ReasonTimestamp,
		"<38>1 2026-11-22T10:00:00 h sshd 7 - - text":                                  ReasonTimestamp,
		"<38>1 9999-12-31T23:59:59-14:00 h sshd 7 - - text":                            ReasonTimeRange,
		"0000-01-01T00:00:00+14:00 h sshd[7]: text":                                    ReasonTimeRange,
		"1969-12-31T23:59:59Z h sshd[7]: text":                                         ReasonTimeRange,
		"<192>Nov 22 10:00:00 h sshd[7]: text":                                         ReasonPriority,
		"<999>1 2026-11-22T10:00:00Z h sshd 7 - - text":                                ReasonPriority,
		"Nov 31 10:00:00 h sshd[7]: text":                                              ReasonTimestamp,
		"Feb 30 10:00:00 h sshd[7]: text":                                              ReasonTimestamp,
		"Nov 22 25:00:00 h sshd[7]: text":                                              ReasonTimestamp,
		"Nov 22 10:00:00 h sshd[7]: message repeated 99999999999999999999 times: [ x]": ReasonRepeat,
		"Nov 22 10:00:00 h sshd[7]: message repeated 0 times: [ x]":                    ReasonRepeat,
	} {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		_, err = s.Parse([]byte(line), reference)
		var broken *Error
		require.ErrorAs(t, err, &broken, line)
		require.Equal(t, reason, broken.Reason, line)
	}
}

func TestWhatNoParserKnowsIsKept(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"hello", "{}", "<", "<38>", "<38", "<a>b", "Nov", "Nov 22", "Nov xx 10:00:00 h p: t", "\x00\x01\x02", "2026",
		"Nov 22 10:00:00", "Nov 22 10:00:00 ", "Nov 22 10:00:00 host", "Nov 22 10:00:00 host kernel: [1.2] x", "1 x y z", "::", strings.Repeat("x", 1<<20)} {
		ev := one(t, line)
		require.Equal(t, DatasetUnparsed, ev.Event.Dataset, line[:min(len(line), 60)])
		require.Equal(t, "event", ev.Event.Kind)
		require.False(t, ev.Varde.Attempt)
		require.False(t, ev.Timestamp.IsZero())
		require.LessOrEqual(t, len(ev.Message), maxMessage)
	}
}

func TestOtherEncodingsAreKeptByteForByte(t *testing.T) {
	t.Parallel()
	line := []byte("Nov 22 10:00:00 arkiv01 sudo:   bj\xf8rn : TTY=pts/0 ; PWD=/home/\xc3\xb8 ; USER=root ; COMMAND=/bin/ls")
	s, err := NewStream(Options{})
	require.NoError(t, err)
	ev, err := s.Parse(line, reference)
	require.NoError(t, err)
	require.Equal(t, "bjørn", ev.User.Name)
	require.Equal(t, "/home/ø", ev.Process.WorkingDir)
	require.Equal(t, "iso-8859-1", ev.Labels["encoding"])
	back, err := charmap.ISO8859_1.NewEncoder().String(ev.Event.Original)
	require.NoError(t, err)
	require.Equal(t, string(line), back)
}

func TestAFormatCanBeDemanded(t *testing.T) {
	t.Parallel()
	parse := func(format, line string) (want, error) {
		s, err := NewStream(Options{Format: format})
		require.NoError(t, err)
		ev, err := s.Parse([]byte(line), reference)
		return got(ev), err
	}
	const text = "Failed password for kari from 192.0.2.7 port 22 ssh2"
	w, err := parse("sshd", text) // sshd -e writes no header
	require.NoError(t, err)
	require.Equal(t, failed("kari", "192.0.2.7", 22, "password"), w)
	w, err = parse("sudo", "Nov 22 10:00:00 a sshd[1]: "+text)
	require.NoError(t, err)
	require.Equal(t, DatasetUnparsed, w.dataset)
	_, err = parse("rfc5424", "Nov 22 10:00:00 a sshd[1]: "+text)
	require.ErrorContains(t, err, ReasonFormat)
	_, err = parse("rfc3164", text)
	require.ErrorContains(t, err, ReasonFormat)
	_, err = NewStream(Options{Format: "nonsense"})
	require.ErrorContains(t, err, "rfc5424")
}

// Any bytes at all: no panic; an event or a reason; the line kept so that it can
// be turned back; JSON that can be read again; an attempt only of known datasets.
func FuzzAnyLine(f *testing.F) {
	for _, s := range []string{"", "<38>1 2026-11-22T10:00:00Z h sshd 7 - [a x=\"y\"] text", "Nov 22 10:00:00 h sshd[7]: Failed password for x from ::1 port 1 ssh2",
		"\xff\xfe", "<38>Nov 22 10:00:00 sudo: a : b", "Sun 2026-11-22 10:00:00 CET h p: t", "1795341600.25 h p: t"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		ev, err := s.Parse(line, reference)
		if err != nil {
			var broken *Error
			require.ErrorAs(t, err, &broken)
			return
		}
		kept := ev.Event.Original
		if ev.Labels["encoding"] == "iso-8859-1" {
			kept, err = charmap.ISO8859_1.NewEncoder().String(kept)
			require.NoError(t, err)
		}
		require.Equal(t, string(line), kept)
		require.NotEmpty(t, ev.Event.Dataset)
		if ev.Varde.Attempt {
			require.NotEqual(t, DatasetUnparsed, ev.Event.Dataset)
			require.Contains(t, []string{"success", "failure"}, ev.Event.Outcome)
		}
		encoded, err := json.Marshal(ev)
		require.NoError(t, err)
		require.True(t, utf8.Valid(encoded))
		var again map[string]any
		require.NoError(t, json.Unmarshal(encoded, &again))
	})
}

// The corpora beside the clone are another project's: read, never copied.
func TestForeignSSHDLogs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "crowdsec-hub")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpora beside the clone")
	}
	type count struct{ lines, sshd, attempts, withAddress int }
	want := map[string]count{
		"opnsense-sshd/opnsense-sshd.log":                 {10, 10, 0, 10},
		"ssh-slow-bf/ssh-slow-bf.log":                     {22, 22, 0, 22},
		"sshd-impossible-travel/sshd-success-logs.log":    {2, 2, 2, 2},
		"sshd-refused-conn/sshd-refused-conn.log":         {1, 1, 0, 1},
		"sshd_banner_exchange/sshd_banner_exchange.log":   {12, 12, 0, 6},
		"pfsense-rfc5424-nginx/pfsense-rfc5424-nginx.log": {1, 0, 0, 1},
	}
	for file, w := range want {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		var c count
		for line := range strings.Lines(string(raw)) {
			if line = strings.TrimRight(line, "\n"); line == "" {
				continue
			}
			ev := one(t, line)
			c.lines++
			if ev.Event.Dataset == "sshd" {
				c.sshd++
			}
			if ev.Varde.Attempt {
				c.attempts++
			}
			if ev.Source != nil && ev.Source.IP != "" {
				c.withAddress++
			}
		}
		require.Equal(t, w, c, file)
	}
}
