package parse

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFaultOfAMappingSaysItsLine_R36(t *testing.T) {
	t.Parallel()
	for change, want := range map[[2]string]Fault{
		{"user.name: Bruker", "user.nmae: Bruker"}:           {Line: 12, Path: "fields/user.nmae"},
		{"zone: Europe/Oslo", "zone: Europe/Bergen"}:         {Line: 10, Path: "time/zone"},
		{"event.outcome: failure", "event.outcome: success"}: {Line: 32, Path: "samples/1/event/event.outcome"},
		{"revision: 3", "unknown: 3"}:                        {Line: 4},
		{"format: csv", "format: xml"}:                       {Line: 5, Path: "format"},
	} {
		_, err := ReadMapping(strings.NewReader(strings.Replace(caseSystem, change[0], change[1], 1)))
		require.Error(t, err, change[1])
		faults := Faults(err)
		found := false
		for _, f := range faults {
			found = found || f.Line == want.Line && (want.Path == "" || f.Path == want.Path)
			require.NotEmpty(t, f.Text)
		}
		require.True(t, found, "%s: %v", change[1], faults)
	}
	require.Empty(t, Faults(CheckMapping(caseSystem)))
}

// A mapping behind a header of syslog maps the text, and keeps what the header says.
func TestAMappingReadsBehindAHeader_R36(t *testing.T) {
	t.Parallel()
	m, err := DecodeMapping([]byte(caseSystem))
	require.NoError(t, err)
	m.CSV.Columns = []string{"Dato", "Klokke", "Bruker", "IP", "Hendelse", "Resultat", "Kode", "Antall"}
	s, err := NewStream(Options{Mapping: m})
	require.NoError(t, err)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	row := `22.11.2026;10:00:00;kari;192.0.2.7;Innlogging;OK;;`
	for _, line := range []string{"<38>Nov 22 10:00:05 arkiv01 sakarkiv[7]: " + row, "<38>1 2026-11-22T10:00:05+01:00 arkiv01 sakarkiv 7 - - " + row} {
		ev, err := s.Parse([]byte(line), now)
		require.NoError(t, err)
		flat := Flat(ev)
		require.Equal(t, "kari", flat["user.name"])
		require.Equal(t, "arkiv01", flat["host.name"])
		require.Equal(t, "2026-11-22T09:00:00Z", flat["@timestamp"])
		require.Equal(t, line, flat["event.original"])
		require.Equal(t, "true", flat["varde.attempt"])
	}
}

// FuzzMappingFile: whatever is saved as a mapping, reading and running it ends and
// does not panic, and what is accepted is accepted again as it is written.
func FuzzMappingFile(f *testing.F) {
	f.Add(caseSystem, "22.11.2026;10:00:00;kari;192.0.2.7;Innlogging;OK;;")
	f.Add("version: 1\nname: a\nformat: json\nfields: {user.name: a.b, labels.x: c}\n", `{"a":{"b":["x"]},"c":1}`)
	f.Add("version: 1\nname: a\nformat: key-value\nfields: {event.action: {field: a, values: {b: c}, default: d}}\n", `a=b "c=d`)
	f.Add("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "")
	f.Add("version: 1\nname: a\nformat: csv\ntime: {fields: [a], forms: [\"'\", auto, unix]}\nfields: {varde.repeat: a}\n", "a\n1")
	f.Fuzz(func(t *testing.T, text, lines string) {
		m, err := ReadMapping(strings.NewReader(text))
		if m == nil {
			require.NotEmpty(t, Faults(err))
			return
		}
		s, streamErr := NewStream(Options{Mapping: m})
		require.NoError(t, streamErr)
		for line := range strings.Lines(lines) {
			if ev, parseErr := s.Parse([]byte(strings.TrimSuffix(line, "\n")), time.Unix(1_800_000_000, 0)); parseErr == nil {
				require.NotEmpty(t, Flat(ev))
			}
		}
		if err != nil {
			return
		}
		written, err := m.YAML()
		require.NoError(t, err)
		require.NoError(t, CheckMapping(string(written)), string(written))
	})
}
