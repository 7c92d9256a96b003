package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/run"
)

const prettySignIn = `{
  "createdDateTime": "2026-11-22T09:00:%02dZ",
  "id": "s%d",
  "userPrincipalName": "ola@bjorkvag.example",
  "ipAddress": "192.0.2.7",
  "status": {
    "errorCode": 50126,
    "failureReason": "Invalid username or password."
  },
  "isInteractive": true
}
`

const spreadEvent = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">
  <System><Provider Name="Microsoft-Windows-Security-Auditing"/><EventID>4625</EventID>
    <TimeCreated SystemTime="2026-11-22T09:00:00.000Z"/><EventRecordID>%d</EventRecordID><Channel>Security</Channel><Computer>dc01</Computer></System>
  <EventData><Data Name="TargetUserName">kari</Data><Data Name="TargetDomainName">BO</Data><Data Name="Status">0xc000006d</Data>
    <Data Name="SubStatus">0xc000006a</Data><Data Name="LogonType">3</Data><Data Name="IpAddress">192.0.2.7</Data></EventData>
</Event>
`

// Events that span lines are one event each in a followed file too, also where
// the collector is stopped in the middle of one, with the same ids again.
func TestEventsOverLinesOfAFollowedFileAreJoined_R36(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	first := fmt.Sprintf(prettySignIn, 1, 1) + fmt.Sprintf(spreadEvent, 1) + text + "\n" + fmt.Sprintf(prettySignIn, 2, 2)
	half := len(first) - 40 // in the middle of the last document
	require.NoError(t, os.WriteFile(path, []byte(first[:half]), 0o600))
	var cfg Config
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.Files = []File{{Path: path, Source: "file"}}
		cfg = *c
	})
	await.True(t, func() bool { return r.distinct() == 3 }, "%d", r.distinct())
	r.stop()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(first[half:] + fmt.Sprintf(spreadEvent, 2))
	require.NoError(t, err)
	r.start(cfg)
	await.True(t, func() bool { return r.distinct() == 5 }, "%d", r.distinct())
	// The last one has no newline, and its file is renamed.
	_, err = f.WriteString(strings.TrimSpace(fmt.Sprintf(prettySignIn, 3, 3)))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.WriteFile(path, []byte(stamped(1)), 0o600))
	events, failed := r.await(7, 0)
	require.Empty(t, failed)
	attempts, originals := 0, map[string]bool{}
	for _, e := range events {
		originals[e.Event.Original] = true
		if e.Varde.Attempt {
			attempts++
			require.Equal(t, "192.0.2.7", e.Source.IP)
		}
	}
	require.Equal(t, 6, attempts)
	require.True(t, originals[strings.TrimSpace(fmt.Sprintf(prettySignIn, 1, 1))])
	require.True(t, originals[strings.TrimSpace(fmt.Sprintf(spreadEvent, 2))])
	require.Equal(t, int64(0), events[0].Log.Offset)
}

// A document that never ends, or is larger than a line may be, is given up: its
// lines are lines, and what follows is read.
func TestADocumentThatDoesNotEndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		events int
	}{
		"no end":    {"{\n  \"a\": 1,\n  \"b\": 2,\n", 3},
		"cut off":   {"{\n  \"a\": 1,\n" + text + "\n", 3},
		"too large": {"{\n" + strings.Repeat("  \"a\": \""+strings.Repeat("x", 1000)+"\",\n", 1100) + "}\n", 1102},
		"too many":  {"{\n" + strings.Repeat("1,\n", mostJoined+10), mostJoined + 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.log")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			r := newRig(t, func(cfg *Config, _ *run.Deps) {
				cfg.Files, cfg.Stall = []File{{Path: path, Source: "file"}}, 300*time.Millisecond
			})
			await.True(t, func() bool { return r.distinct() == c.events }, "%d of %d", r.distinct(), c.events)
		})
	}
}
