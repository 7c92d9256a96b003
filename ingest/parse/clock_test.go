package parse

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const tail = " arkiv01 sshd[1]: Accepted password for kari from 192.0.2.7 port 22 ssh2"

// times parses lines that begin with the given stamps and returns the instants.
func times(t *testing.T, zone string, now string, scan bool, stamps ...string) []string {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.Parse(time.RFC3339, now)
	require.NoError(t, err)
	o := Options{Zone: loc}
	if scan {
		o.Years, err = Scan(strings.NewReader(strings.Join(stamps, tail+"\n")+tail), loc, at)
		require.NoError(t, err)
	}
	s, err := NewStream(o)
	require.NoError(t, err)
	var out []string
	for _, stamp := range stamps {
		ev, err := s.Parse([]byte(stamp+tail), at)
		require.NoError(t, err)
		require.True(t, ev.Varde.Attempt, stamp)
		require.Equal(t, "arkiv01", ev.Host.Name, stamp)
		out = append(out, ev.Timestamp.Format(time.RFC3339Nano))
	}
	return out
}

func TestEveryFormOfTime(t *testing.T) {
	t.Parallel()
	const now = "2026-11-22T12:00:00Z"
	for stamp, want := range map[string]string{
		"Nov 22 10:00:00":                      "2026-11-22T09:00:00Z",
		"<38>Nov 22 10:00:00":                  "2026-11-22T09:00:00Z",
		"Nov  2 10:00:00":                      "2026-11-02T09:00:00Z",
		"Nov 2 10:00:00":                       "2026-11-02T09:00:00Z",
		"Nov 22 10:00:00.123456":               "2026-11-22T09:00:00.123456Z",
		"Nov 22 2024 10:00:00":                 "2024-11-22T09:00:00Z",
		"2026-11-22T10:00:00.123456+01:00":     "2026-11-22T09:00:00.123456Z",
		"<38>2026-11-22T10:00:00.123456+01:00": "2026-11-22T09:00:00.123456Z",
		"2026-11-22T10:00:00+0100":             "2026-11-22T09:00:00Z",
		"2026-11-22T10:00:00Z":                 "2026-11-22T10:00:00Z",
		"2026-11-22T10:00:00-03:30":            "2026-11-22T13:30:00Z",
		"2026-11-22T10:00:00":                  "2026-11-22T09:00:00Z",
		"2026-11-22 10:00:00,5":                "2026-11-22T09:00:00.5Z",
		"2026-11-22 10:00:00 +0100":            "2026-11-22T09:00:00Z",
		"Sun 2026-11-22 10:00:00 CET":          "2026-11-22T09:00:00Z",
		"Sun 2026-11-22 10:00:00 UTC":          "2026-11-22T10:00:00Z",
		"1795341600.250000":                    "2026-11-22T10:00:00.25Z",
		"2016-12-31T23:59:60Z":                 "2017-01-01T00:00:00Z", // a leap second
		"2098-01-01T00:00:00Z":                 "2098-01-01T00:00:00Z", // a clock far in the future
		"2026-03-29T02:30:00":                  "2026-03-29T01:30:00Z", // skipped in spring
		"2026-10-25T02:30:00+02:00":            "2026-10-25T00:30:00Z",
		"Sun 2026-10-25 02:30:00 CET":          "2026-10-25T01:30:00Z",
		"Sun 2026-10-25 02:30:00 CEST":         "2026-10-25T00:30:00Z",
		"<38>1 2026-11-22T10:00:00.5+01:00":    "", // see below
	} {
		if want != "" {
			require.Equal(t, []string{want}, times(t, "Europe/Oslo", now, false, stamp), stamp)
		}
	}
}

func TestYearsWithoutAFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ now, stamp, want string }{
		{"2026-01-01T00:05:00Z", "Dec 31 23:59:00", "2025-12-31T23:59:00Z"},
		{"2026-01-01T00:05:00Z", "Jan  1 00:04:00", "2026-01-01T00:04:00Z"},
		{"2025-12-31T23:59:30Z", "Jan  1 00:00:10", "2026-01-01T00:00:10Z"}, // a clock that is fast
		{"2026-11-22T12:00:00Z", "Nov 25 12:00:00", "2025-11-25T12:00:00Z"},
		{"2026-11-22T12:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"},
		{"2024-03-01T12:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"},
		{"2024-02-28T23:00:00Z", "Feb 29 00:00:01", "2024-02-29T00:00:01Z"},
		{"2105-01-01T00:00:00Z", "Feb 29 12:00:00", "2104-02-29T12:00:00Z"},
		{"2103-01-01T00:00:00Z", "Feb 29 12:00:00", "2096-02-29T12:00:00Z"},
	} {
		require.Equal(t, []string{c.want}, times(t, "UTC", c.now, false, c.stamp), c.stamp)
	}
}

func TestYearsFromTheOrderOfAFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now           string
		stamps, years []string
	}{
		"new year":              {"2026-01-03T00:00:00Z", []string{"Dec 30 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01", "Jan  2 10:00:00"}, []string{"2025", "2025", "2026", "2026"}},
		"two new years":         {"2026-11-22T00:00:00Z", []string{"Nov 30 10:00:00", "Jan  1 00:00:01", "Dec 31 10:00:00", "Jan  2 10:00:00"}, []string{"2024", "2025", "2025", "2026"}},
		"out of order":          {"2026-01-03T00:00:00Z", []string{"Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"}, []string{"2026", "2025", "2026"}},
		"leap day":              {"2026-11-22T00:00:00Z", []string{"Feb 28 10:00:00", "Feb 29 10:00:00", "Mar  1 10:00:00"}, []string{"2024", "2024", "2024"}},
		"after leap day's year": {"2026-11-22T00:00:00Z", []string{"Feb 29 10:00:00", "Dec 30 10:00:00", "Jan  1 10:00:00"}, []string{"2024", "2024", "2025"}},
		"a whole time later":    {"2026-11-22T00:00:00Z", []string{"Dec 30 10:00:00", "Jan  1 10:00:00", "2019-01-02T10:00:00Z"}, []string{"2018", "2019", "2019"}},
		"a whole time before":   {"2026-11-22T00:00:00Z", []string{"2018-12-30T10:00:00Z", "Dec 31 10:00:00", "Jan  1 10:00:00"}, []string{"2018", "2018", "2019"}},
		"a clock in the future": {"2026-11-22T00:00:00Z", []string{"Nov 20 10:00:00", "2098-01-02T10:00:00Z", "Nov 21 10:00:00"}, []string{"2026", "2098", "2026"}},
		"a gap of months":       {"2026-11-22T00:00:00Z", []string{"Oct 10 10:00:00", "Feb  3 10:00:00"}, []string{"2025", "2026"}},
		"a clock set back":      {"2026-11-22T00:00:00Z", []string{"Oct 10 10:00:00", "Oct  3 10:00:00"}, []string{"2026", "2026"}},
		"read years later":      {"2030-05-01T00:00:00Z", []string{"Dec 31 10:00:00", "Jan  1 10:00:00"}, []string{"2029", "2030"}},
		"not yet this year":     {"2026-03-01T00:00:00Z", []string{"Oct 10 10:00:00", "Oct 11 10:00:00"}, []string{"2025", "2025"}},
	} {
		var years []string
		for _, at := range times(t, "UTC", c.now, true, c.stamps...) {
			years = append(years, at[:4])
		}
		require.Equal(t, c.years, years, name)
	}
}

func TestTheDoubledHourOfAutumn(t *testing.T) {
	t.Parallel()
	const now = "2026-11-22T12:00:00Z"
	for name, c := range map[string]struct{ stamps, want []string }{
		"both passes": {
			[]string{"Oct 25 01:59:00", "Oct 25 02:10:00", "Oct 25 02:59:58", "Oct 25 02:00:03", "Oct 25 02:10:00", "Oct 25 03:00:00"},
			[]string{"2026-10-24T23:59:00Z", "2026-10-25T00:10:00Z", "2026-10-25T00:59:58Z", "2026-10-25T01:00:03Z", "2026-10-25T01:10:00Z", "2026-10-25T02:00:00Z"}},
		"a short step back": {
			[]string{"Oct 25 02:30:00", "Oct 25 02:29:00", "Oct 25 02:31:00"},
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:29:00Z", "2026-10-25T01:31:00Z"}},
		"out of order is no step": {
			[]string{"Oct 25 02:30:02", "Oct 25 02:30:00", "Oct 25 02:31:00"},
			[]string{"2026-10-25T00:30:02Z", "2026-10-25T00:30:00Z", "2026-10-25T00:31:00Z"}},
		"after the hour": {
			[]string{"Oct 25 03:00:00", "Oct 25 02:59:50"},
			[]string{"2026-10-25T02:00:00Z", "2026-10-25T01:59:50Z"}},
	} {
		require.Equal(t, c.want, times(t, "Europe/Oslo", now, false, c.stamps...), name)
		require.Equal(t, c.want, times(t, "Europe/Oslo", now, true, c.stamps...), name)
	}
}

func TestALiveLineOfTheDoubledHourIsNearestToItsReceipt(t *testing.T) {
	t.Parallel()
	s, err := NewStream(Options{Zone: oslo(t), Live: true})
	require.NoError(t, err)
	for now, want := range map[string]string{"2026-10-25T00:30:05Z": "2026-10-25T00:30:00Z", "2026-10-25T01:30:05Z": "2026-10-25T01:30:00Z"} {
		at, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		ev, err := s.Parse([]byte("Oct 25 02:30:00"+tail), at)
		require.NoError(t, err)
		require.Equal(t, want, ev.Timestamp.Format(time.RFC3339))
		require.Equal(t, "Europe/Oslo", ev.Event.Timezone)
	}
}

func TestAStreamGoesOnFromItsState(t *testing.T) {
	t.Parallel()
	first, err := NewStream(Options{Zone: oslo(t)})
	require.NoError(t, err)
	_, err = first.Parse([]byte("Oct 25 02:50:00"+tail), reference)
	require.NoError(t, err)
	second, err := NewStream(Options{Zone: oslo(t), Resume: first.State()})
	require.NoError(t, err)
	ev, err := second.Parse([]byte("Oct 25 02:10:00"+tail), reference)
	require.NoError(t, err)
	require.Equal(t, "2026-10-25T01:10:00Z", ev.Timestamp.Format(time.RFC3339))
}

// Offsets agree with what the zone itself shows of any instant of many years.
func TestEveryWallClockLeadsBackToItsInstant(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Oslo", "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		c := newClock(Options{Zone: loc})
		for at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(17 * time.Minute) {
			l := at.In(loc)
			wall := time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
			kind, offsets := c.offsets(wall)
			require.NotEqual(t, never, kind)
			if !wall.Add(-offsets[0]).Equal(at) && !wall.Add(-offsets[1]).Equal(at) {
				t.Fatalf("%s: %s leads to %v", zone, l, offsets)
			}
		}
	}
}
