package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parsed runs `varde parse` and decodes what it writes.
func parsed(t *testing.T, stdin string, args ...string) (events, broken []map[string]any, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := parseCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	err = cmd.Execute()
	decode := func(b *bytes.Buffer) (list []map[string]any) {
		for line := range strings.Lines(b.String()) {
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &v))
			list = append(list, v)
		}
		return list
	}
	return decode(&out), decode(&errOut), err
}

func code(err error) int {
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return -1
}

const login = "Jan  2 10:00:00 arkiv01 sshd[7]: Accepted password for kari from 192.0.2.7 port 22 ssh2"

func TestParseWritesNestedEvents(t *testing.T) {
	t.Parallel()
	in := "Dec 31 23:00:00 arkiv01 kernel: x\n\n" + login + "\r\n" + "<999>1 - - - - - -\n" + "\x00\xff\n"
	events, broken, err := parsed(t, in, "--now", "2026-01-03T00:00:00Z", "--tz", "Europe/Oslo", "-")
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, "2025-12-31T22:00:00Z", events[0]["@timestamp"])
	require.Equal(t, "unparsed", events[0]["event"].(map[string]any)["dataset"])
	require.Equal(t, "2026-01-02T09:00:00Z", events[1]["@timestamp"])
	require.Equal(t, true, events[1]["varde"].(map[string]any)["attempt"])
	require.Equal(t, login+"\r", events[1]["event"].(map[string]any)["original"])
	require.Equal(t, "kari", events[1]["user"].(map[string]any)["name"])
	require.Equal(t, "iso-8859-1", events[2]["labels"].(map[string]any)["encoding"])
	require.Len(t, broken, 1)
	require.Equal(t, "invalid-priority", broken[0]["reason"])
	require.EqualValues(t, 4, broken[0]["line"])
}

func TestParseReadsGzipAndLongLines(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "auth.log.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(strings.Repeat("x", 1<<20) + "\n" + login))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	events, _, err := parsed(t, "", file)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Len(t, events[0]["event"].(map[string]any)["original"], 1<<20)

	_, broken, err := parsed(t, strings.Repeat("x", maxParsedLine+5)+"\n"+login, "-")
	require.NoError(t, err)
	require.Len(t, broken, 2)
	require.Equal(t, "line-too-long", broken[0]["reason"])

	require.NoError(t, os.WriteFile(file, b.Bytes()[:b.Len()/2], 0o600))
	_, _, err = parsed(t, "", file)
	require.Equal(t, 2, code(err))
}

func TestParseExitsWith2OnlyWhereAFileCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	require.NoError(t, os.WriteFile(good, []byte(login), 0o600))
	events, _, err := parsed(t, "", filepath.Join(dir, "missing"), good)
	require.Equal(t, 2, code(err))
	require.Len(t, events, 1) // the other file was read
	for _, args := range [][]string{{dir}, {"--tz", "Nowhere/Land", good}, {"--now", "soon", good}, {"--format", "none", good}, {}} {
		_, _, err := parsed(t, "", args...)
		require.Equal(t, 2, code(err), args)
	}
}

func TestParseReadsWhatSpansLines(t *testing.T) {
	t.Parallel()
	event := func(id string) string {
		return "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">\n<System><Provider Name=\"Microsoft-Windows-Security-Auditing\"/><EventID>" + id +
			"</EventID><TimeCreated SystemTime=\"2026-01-02T09:00:00Z\"/><Channel>Security</Channel></System>\n<EventData><Data Name=\"TargetUserName\">kari</Data></EventData>\n</Event>\n"
	}
	file := filepath.Join(t.TempDir(), "events.xml")
	list := "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<Events>\n" + event("4625") + event("4624") + "</Events>\n<Event><broken>"
	require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
	events, broken, err := parsed(t, "", file)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, "failure", events[0]["event"].(map[string]any)["outcome"])
	require.Equal(t, true, events[1]["varde"].(map[string]any)["attempt"])
	require.Len(t, broken, 1)
	require.Equal(t, "invalid-xml", broken[0]["reason"])
	require.EqualValues(t, 12, broken[0]["line"])

	_, broken, err = parsed(t, "ElfFile\x00 and no more", "-")
	require.NoError(t, err)
	require.Len(t, broken, 1)
	require.Equal(t, "evtx-header", broken[0]["reason"])
}
