package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProposalSaysWhyOfEachColumn_R36(t *testing.T) {
	t.Parallel()
	sample := "Tidspunkt;Brukernavn;IP-adresse;Hendelse;Resultat;Sak\n" +
		"22.11.2026 10:00:00;kari;192.0.2.7;Innlogging;OK;17\n22.11.2026 10:00:05;ola;192.0.2.8;Innlogging;Feil;18\n"
	m, columns, err := Propose("sak", []byte(sample), "Europe/Oslo", true)
	require.NoError(t, err)
	got := map[string][2]string{}
	for _, c := range columns {
		got[c.Name] = [2]string{c.Field, c.Why}
		require.NotEmpty(t, c.Examples)
	}
	require.Equal(t, map[string][2]string{
		"Tidspunkt": {"@timestamp", WhyTime}, "Brukernavn": {"user.name", WhyName}, "IP-adresse": {"source.ip", WhyValues},
		"Hendelse": {"event.action", WhyName}, "Resultat": {"event.outcome", WhyValues}, "Sak": {"labels.sak", WhyLabel},
	}, got)
	// Its names are known, so that a line needs no header before it, and a header is not a row.
	require.Equal(t, []string{"Tidspunkt", "Brukernavn", "IP-adresse", "Hendelse", "Resultat", "Sak"}, m.CSV.Columns)
	require.Equal(t, actionHeader, m.Samples[0].Event["event.action"])
	text, err := m.YAML()
	require.NoError(t, err)
	require.NoError(t, CheckMapping(string(text)))
	s, err := NewStream(Options{Mapping: m})
	require.NoError(t, err)
	ev, err := s.Parse([]byte(strings.Split(sample, "\n")[2]), reference)
	require.NoError(t, err)
	require.Equal(t, "ola", ev.User.Name)
	require.Equal(t, "failure", ev.Event.Outcome)
}

func TestMappedFieldsCanBeMapped(t *testing.T) {
	t.Parallel()
	for _, name := range MappedFields {
		_, err := setterOf(name)
		require.NoError(t, err, name)
	}
}
