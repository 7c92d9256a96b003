package parse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestShiftKeepsTheFormOfATime(t *testing.T) {
	t.Parallel()
	s := NewShifter(Options{Zone: oslo(t)}, 48*time.Hour+time.Minute)
	for line, want := range map[string]string{
		"Nov 20 10:00:00 h p: t":                   "Nov 22 10:01:00 h p: t",
		"<38>Nov  2 10:00:00.123 h p: t":           "<38>Nov  4 10:01:00.123 h p: t",
		"Nov  8 10:00:00 h p: t":                   "Nov 10 10:01:00 h p: t",
		"Nov  2 2025 10:00:00 h p: t":              "Nov  4 2025 10:01:00 h p: t",
		"2026-11-20T10:00:00.123456+01:00 h p: t":  "2026-11-22T10:01:00.123456+01:00 h p: t",
		"<38>1 2026-11-20T10:00:00.5Z h p 1 - - t": "<38>1 2026-11-22T10:01:00.5Z h p 1 - - t",
		"2026-10-24T10:00:00+02:00 h p: t":         "2026-10-26T09:01:00+01:00 h p: t",
		"2026-10-24T10:00:00+0530 h p: t":          "2026-10-26T10:01:00+0530 h p: t",
		"2026-11-20 10:00:00,25 h p: t":            "2026-11-22 10:01:00,25 h p: t",
		"Fri 2026-11-20 10:00:00 CET h p: t":       "Sun 2026-11-22 10:01:00 CET h p: t",
		"1795341600.250000 h p: t":                 "1795514460.250000 h p: t",
		"no time at all":                           "no time at all",
		"<38>sshd[1]: t":                           "<38>sshd[1]: t",
	} {
		require.Equal(t, want, string(s.Shift([]byte(line), reference)), line)
	}
}

// A shifted line is of the moment that much later, whatever its form.
func TestShiftedLinesParseToShiftedTimes(t *testing.T) {
	t.Parallel()
	zone := oslo(t)
	forms := []string{"2006-01-02T15:04:05.000000-07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05 -0700"}
	rapid.Check(t, func(r *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_600_000_000, 1_790_000_000).Draw(r, "at"), 0).In(zone)
		by := time.Duration(rapid.Int64Range(-400*24*3600, 400*24*3600).Draw(r, "by")) * time.Second
		line := at.Format(rapid.SampledFrom(forms).Draw(r, "form")) + tail
		shifted := NewShifter(Options{Zone: zone}, by).Shift([]byte(line), reference)
		s, err := NewStream(Options{Zone: zone})
		require.NoError(r, err)
		ev, err := s.Parse(shifted, reference)
		require.NoError(r, err)
		require.True(r, at.Add(by).Equal(ev.Timestamp), "%s became %s", line, shifted)
		require.True(r, ev.Varde.Attempt)
	})
}

func TestAMessageWithItsHeaderApart_R36(t *testing.T) {
	t.Parallel()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	ev, err := s.ParseGiven([]byte(`{"a":1}`), Given{Time: reference, Host: "arkiv01", Program: "sshd(pam_unix)", PID: 7, Text: "session closed for user kari"}, reference)
	require.NoError(t, err)
	require.Equal(t, "pam", ev.Event.Dataset)
	require.Equal(t, `{"a":1}`, ev.Event.Original)
	require.Equal(t, "kari", ev.User.Name)
	require.Equal(t, reference, ev.Timestamp)
	_, err = s.ParseGiven(nil, Given{Time: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)}, reference)
	require.ErrorContains(t, err, ReasonTimeRange)
}
