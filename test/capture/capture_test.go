package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

const captures = "../../cmd/demo/captures"

// tolerance is how far a log's time may lie from the client's: the daemon waits
// before it answers a wrong password, and a collapsed line is written later.
const tolerance = 30 * time.Second

// Every capture, parsed, says exactly what the client did: every login, failure,
// user, address, port and key, every use of privilege and change of an account.
func TestCapturesAgreeWithTheirTruth_R36(t *testing.T) {
	t.Parallel()
	manifests, err := filepath.Glob(filepath.Join(captures, "*", "manifest.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(manifests), 12)
	for _, file := range manifests {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			var m Manifest
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &m))
			zone, err := time.LoadLocation(m.Zone)
			require.NoError(t, err)
			truth := readTruth(t, filepath.Join(dir, "truth.jsonl"))
			for _, h := range m.Hosts {
				// Read three years later: the order and the reading give the year.
				events := readLog(t, filepath.Join(dir, h.Log), m.Format, zone, m.End.Add(time.Minute))
				require.Len(t, events, m.Lines[h.Log])
				compareLogins(t, h.Name, truth, events)
				comparePrivileges(t, h.Name, truth, events)
				compareAccounts(t, h.Name, truth, events)
				for _, ev := range events {
					require.Equal(t, h.Name, ev.Host.Name)
					require.NotEqual(t, parse.DatasetUnparsed, ev.Event.Dataset, ev.Event.Original)
					require.WithinRange(t, ev.Timestamp, m.Start.Add(-tolerance), m.End.Add(tolerance))
				}
			}
		})
	}
}

func readTruth(t *testing.T, file string) []Truth {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	var list []Truth
	for d := json.NewDecoder(f); ; {
		var one Truth
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, one)
	}
}

func readLog(t *testing.T, file, format string, zone *time.Location, now time.Time) []ecs.Event {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	years, err := parse.Scan(strings.NewReader(string(text)), zone, now)
	require.NoError(t, err)
	stream, err := parse.NewStream(parse.Options{Zone: zone, Years: years})
	require.NoError(t, err)
	var events []ecs.Event
	for line := range strings.Lines(string(text)) {
		ev, err := stream.Parse([]byte(strings.TrimSuffix(line, "\n")), now)
		require.NoError(t, err, line)
		if format == "rfc5424" {
			require.NotNil(t, ev.Log)
			require.Equal(t, "1", ev.Log.Syslog.Version)
		}
		events = append(events, ev)
	}
	return events
}

// compareLogins takes times apart and compares all else for equality.
func compareLogins(t *testing.T, host string, truth []Truth, events []ecs.Event) {
	t.Helper()
	var want, got []Truth
	for _, one := range truth {
		if one.Host == host && (one.Kind == "login" || one.Kind == "lock") {
			want = append(want, one)
		}
	}
	for _, ev := range events {
		switch {
		case ev.Varde.Attempt:
			one := Truth{Time: ev.Timestamp, Host: host, Kind: "login", Outcome: ev.Event.Outcome, Method: ev.Varde.Method,
				Address: ev.Source.IP, Port: ev.Source.Port, Invalid: ev.Event.Reason == "invalid-user"}
			if ev.User != nil {
				one.User = ev.User.Name
			}
			if k := ev.Varde.Key; k != nil {
				one.Fingerprint, one.CertID, one.CertSerial, one.CA = k.Fingerprint, k.CertID, k.CertSerial, k.CA
			}
			for range max(1, ev.Varde.Repeat) {
				got = append(got, one)
			}
		case ev.Event.Action == ecs.ActionAccountLocked:
			got = append(got, Truth{Time: ev.Timestamp, Host: host, Kind: "lock", User: ev.User.Name})
		}
	}
	sortTruth(want)
	sortTruth(got)
	if len(want) == len(got) {
		for i := range want {
			if d := want[i].Time.Sub(got[i].Time).Abs(); d > tolerance {
				t.Errorf("%s: %+v is %s away", host, want[i], d)
			}
			got[i].Time = want[i].Time
		}
	}
	require.Empty(t, cmp.Diff(want, got))
}

// sortTruth orders by what was done, and equal things by time.
func sortTruth(list []Truth) {
	key := func(t Truth) string {
		t.Time = time.Time{}
		return fmt.Sprintf("%+v", t)
	}
	slices.SortFunc(list, func(a, b Truth) int {
		if c := strings.Compare(key(a), key(b)); c != 0 {
			return c
		}
		return a.Time.Compare(b.Time)
	})
}

func comparePrivileges(t *testing.T, host string, truth []Truth, events []ecs.Event) {
	t.Helper()
	var want, got []string
	for _, one := range truth {
		if one.Host == host && one.Kind == "privilege" {
			want = append(want, one.User+" → "+one.Target+" "+one.Outcome)
		}
	}
	for _, ev := range events {
		if ev.Event.Action == ecs.ActionPrivilege {
			got = append(got, ev.User.Name+" → "+ev.User.Target.Name+" "+ev.Event.Outcome)
		}
	}
	require.Empty(t, cmp.Diff(want, got))
}

// compareAccounts compares sets: a tool writes a line per file it changes.
func compareAccounts(t *testing.T, host string, truth []Truth, events []ecs.Event) {
	t.Helper()
	want, got := map[Truth]bool{}, map[Truth]bool{}
	for _, one := range truth {
		if one.Host == host && one.Kind == "account" {
			want[Truth{Action: one.Action, Target: one.Target, Group: one.Group, User: one.User}] = true
		}
	}
	for _, ev := range events {
		if !slices.Contains(ev.Event.Category, "iam") || ev.Event.Action == ecs.ActionAccountLocked {
			continue
		}
		one := Truth{Action: ev.Event.Action, Group: ev.Labels["group"]}
		if ev.User != nil {
			one.User = ev.User.Name
			if ev.User.Target != nil {
				one.Target = ev.User.Target.Name
			}
		}
		got[one] = true
	}
	require.Empty(t, cmp.Diff(want, got))
}
