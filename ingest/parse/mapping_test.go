package parse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const caseSystem = `
version: 1
name: sakarkiv
revision: 3
format: csv
csv: {delimiter: ";"}
time:
  fields: [Dato, Klokke]
  forms: [dd.MM.yyyy HH:mm:ss]
  zone: Europe/Oslo
fields:
  user.name: Bruker
  source.ip: IP
  event.action: {field: Hendelse, values: {Innlogging: login, Utlogging: logoff}, default: other}
  event.outcome: {field: Resultat, values: {OK: success, FEIL: failure}, default: unknown}
  event.reason: {field: Kode, values: {"17": incorrect-password}}
  service.name: {constant: sakarkiv}
  varde.repeat: Antall
attempt:
  when: [{field: Hendelse, in: [innlogging]}]
  method: password
samples:
  - line: Dato;Klokke;Bruker;IP;Hendelse;Resultat;Kode;Antall
  - line: 22.11.2026;10:00:00;BO\kari;192.0.2.7:5022;Innlogging;FEIL;17;3
    event:
      "@timestamp": 2026-11-22T09:00:00Z
      user.name: kari
      user.domain: BO
      source.ip: 192.0.2.7
      source.port: "5022"
      event.action: login
      event.outcome: failure
      event.reason: incorrect-password
      event.category: authentication
      varde.attempt: "true"
      varde.repeat: "3"
      service.name: sakarkiv
  - line: 22.11.2026;10:00:00;"ola ""x;y""";N/A;Utlogging;OK;;
    event: {user.name: 'ola "x;y"', source.ip: "", event.action: logoff, varde.attempt: ""}
  - line: 32.11.2026;10:00:00;a;b;c;d;e;f
    error: invalid-timestamp
  - line: one;two
    error: not-this-format
`

func TestAMappingIsTestedByItsSamples_R36(t *testing.T) {
	t.Parallel()
	m, err := ReadMapping(strings.NewReader(caseSystem))
	require.NoError(t, err)
	again, err := m.YAML()
	require.NoError(t, err)
	m2, err := ReadMapping(strings.NewReader(string(again)))
	require.NoError(t, err, string(again))
	require.Equal(t, m.Fields, m2.Fields)

	for change, says := range map[[2]string]string{
		{"event.outcome: failure", "event.outcome: success"}:          `event.outcome is "failure", and should be "success"`,
		{"version: 1", "version: 2"}:                                  "version is 2",
		{"name: sakarkiv", "name: Sak Arkiv"}:                         "small letters",
		{"format: csv", "format: xml"}:                                "json, csv or key-value",
		{"user.name: Bruker", "user.nmae: Bruker"}:                    "no field",
		{"user.name: Bruker", "varde.tenant: Bruker"}:                 "not for a mapping",
		{"user.name: Bruker", "event.original: Bruker"}:               "not for a mapping",
		{"FEIL: failure", "FEIL: failed"}:                             "success, failure or unknown",
		{"dd.MM.yyyy HH:mm:ss", "dd.MM.åååå QQ"}:                      "not understood",
		{"zone: Europe/Oslo", "zone: Europe/Bergen"}:                  "time.zone",
		{"revision: 3", "unknown: 3"}:                                 "unknown",
		{"error: not-this-format", "error: invalid-timestamp"}:        "not-this-format",
		{"when: [{field: Hendelse, in: [innlogging]}]", "when: []"}:   "every row would be a login",
		{"{constant: sakarkiv}", "{constant: sakarkiv, field: Hend}"}: "a field or a constant",
	} {
		changed := strings.Replace(caseSystem, change[0], change[1], 1)
		require.NotEqual(t, caseSystem, changed, change[0])
		_, err := ReadMapping(strings.NewReader(changed))
		require.ErrorContains(t, err, says, change[1])
	}
}

func TestMappingOfJSONAndKeyValue_R36(t *testing.T) {
	t.Parallel()
	m, err := ReadMapping(strings.NewReader(`
version: 1
name: fagapp
format: json
time: {fields: [at], forms: [rfc3339]}
fields:
  user.name: actor.login
  source.ip: request.ips
  event.action: kind
  event.outcome: ok
  labels.sak: sak.id
  user.roles: role
attempt: {when: [{field: kind, in: [login]}]}
samples:
  - line: '{"at":"2026-11-22T10:00:00+01:00","actor":{"login":"kari@bo.example"},"request":{"ips":["[2001:db8::7]:5022"]},"kind":"login","ok":true,"sak":{"id":7},"role":"admin"}'
    event: {user.name: kari@bo.example, user.domain: bo.example, varde.account.name: kari, source.ip: "2001:db8::7", source.port: "5022", event.outcome: success, varde.attempt: "true", labels.sak: "7", user.roles: admin, event.dataset: fagapp}
  - line: '{"at":"2026-11-22T10:00:00+01:00","actor":{"login":"kari"},"kind":"login"}'
    event: {event.action: probe, varde.attempt: ""}
  - line: 'no json'
    error: not-this-format
`))
	require.NoError(t, err)
	require.Equal(t, "fagapp", m.Name)
	_, err = ReadMapping(strings.NewReader(`
version: 1
name: kv
format: key-value
fields: {user.name: usr, event.outcome: res}
samples:
  - line: 'usr="kari n" res=denied'
    event: {user.name: kari n, event.outcome: failure}
`))
	require.NoError(t, err)
}

func TestAMappedSourceIsReadOnAfterAStop(t *testing.T) {
	t.Parallel()
	m, err := ReadMapping(strings.NewReader(caseSystem))
	require.NoError(t, err)
	s, err := NewStream(Options{Mapping: m})
	require.NoError(t, err)
	_, err = s.Parse([]byte("Bruker;IP;Hendelse;Resultat;Kode;Antall"), reference)
	require.NoError(t, err)
	resumed, err := NewStream(Options{Mapping: m, Resume: s.State()})
	require.NoError(t, err)
	ev, err := resumed.Parse([]byte("kari;192.0.2.7;Innlogging;OK;;"), reference)
	require.NoError(t, err)
	require.Equal(t, login("sakarkiv", "success", "kari", "192.0.2.7"), got(ev))
}

func TestGuessProposesAMapping(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sample string
		want   map[string]string
	}{
		"table": {"Tidspunkt;Brukernavn;IP-adresse;Hendelse;Resultat;Sak\n22.11.2026 10:00:00;kari;192.0.2.7;Innlogging;Mislykket;7\n22.11.2026 10:00:05;ola;192.0.2.8;Innlogging;OK;8\n22.11.2026 10:01:05;ola;192.0.2.8;Utlogging;OK;8\n",
			map[string]string{"user.name": "kari", "source.ip": "192.0.2.7", "event.outcome": "failure", "event.action": "login", "varde.attempt": "true", "labels.sak": "7", "@timestamp": "2026-11-22T09:00:00Z"}},
		"table without a header": {"kari,2026-11-22 10:00:00,192.0.2.7\nola,2026-11-22 10:00:01,192.0.2.8\n", map[string]string{"@timestamp": "2026-11-22T09:00:00Z", "labels.columna": "kari"}},
		"day and clock apart":    {"Dato\tKlokke\tBruker\n22.11.2026\t10:00\tkari\n", map[string]string{"@timestamp": "2026-11-22T09:00:00Z", "user.name": "kari"}},
		"JSON": {`{"time":"2026-11-22T10:00:00+01:00","user":{"username":"kari"},"client":{"ip":"192.0.2.7"},"event":"LoginFailed"}` + "\n" + `{"time":"2026-11-22T10:00:00+01:00","user":{"username":"kari"},"client":{"ip":"192.0.2.7"},"event":"LoginOK"}`,
			map[string]string{"user.name": "kari", "source.ip": "192.0.2.7", "event.outcome": "failure", "varde.attempt": "true"}},
		"key=value": {`ts=1795341600 user=kari addr=x ip=192.0.2.7 action=login result=success`, map[string]string{"user.name": "kari", "source.ip": "192.0.2.7", "event.outcome": "success", "varde.attempt": "true", "@timestamp": "2026-11-22T10:00:00Z"}},
	} {
		m, err := Guess("fagsystem", []byte(c.sample), "Europe/Oslo")
		require.NoError(t, err, name)
		text, err := m.YAML()
		require.NoError(t, err, name)
		read, err := ReadMapping(strings.NewReader(string(text)))
		require.NoError(t, err, "%s: what is guessed can be read, and its samples hold:\n%s", name, text)
		s, err := NewStream(Options{Mapping: read})
		require.NoError(t, err)
		var flat map[string]string
		for line := range strings.Lines(c.sample) {
			ev, err := s.Parse([]byte(strings.TrimRight(line, "\n")), reference)
			require.NoError(t, err, name)
			if ev.Event.Action != "log-header" {
				flat = Flat(ev)
				break
			}
		}
		for field, value := range c.want {
			require.Equal(t, value, flat[field], "%s: %s\n%s", name, field, text)
		}
	}
	for _, bad := range []string{"", "\n\n", "hello world\nagain"} {
		_, err := Guess("x", []byte(bad), "")
		require.Error(t, err)
	}
}

func TestTimePatterns(t *testing.T) {
	t.Parallel()
	for form, text := range map[string]string{
		"dd.MM.yyyy HH:mm:ss":          "22.11.2026 10:00:00",
		"d.M.yyyy HH:mm":               "22.11.2026 10:00",
		"yyyy-MM-dd'T'HH:mm:ss.SSS":    "2026-11-22T10:00:00.000",
		"yyyy-MM-dd'T'HH:mm:ss.SSSXXX": "2026-11-22T10:00:00.000Z",
		"dd/MMM/yyyy:HH:mm:ss Z":       "22/Nov/2026:10:00:00 +0000",
		"MM/dd/yyyy hh:mm:ss a":        "11/22/2026 10:00:00 AM",
		"unix":                         "1795341600",
		"unix_ms":                      "1795341600000",
	} {
		p, err := newPattern(form)
		require.NoError(t, err, form)
		st, ok := p.read(text)
		require.True(t, ok, form)
		c := newClock(Options{})
		at, _, err := c.resolve(st, reference)
		require.NoError(t, err, form)
		require.Equal(t, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), at, form)
	}
}

// Any file: a guess or an error, and what is guessed can be read again.
func FuzzGuess(f *testing.F) {
	f.Add("a;b\n1;2\n")
	f.Add(`{"a":1}`)
	f.Add(`a=1 b=2`)
	f.Add("tid;bruker\n22.11.2026;x\n")
	f.Fuzz(func(t *testing.T, sample string) {
		m, err := Guess("x", []byte(sample), "")
		if err != nil {
			return
		}
		text, err := m.YAML()
		require.NoError(t, err)
		_, err = ReadMapping(strings.NewReader(string(text)))
		require.NoError(t, err, string(text))
	})
}

func BenchmarkMappingCSV(b *testing.B) {
	m, err := ReadMapping(strings.NewReader(caseSystem))
	require.NoError(b, err)
	s, err := NewStream(Options{Mapping: m})
	require.NoError(b, err)
	_, err = s.Parse([]byte("Dato;Klokke;Bruker;IP;Hendelse;Resultat;Kode;Antall"), reference)
	require.NoError(b, err)
	benchmarkStream(b, s, `22.11.2026;10:00:00;BO\kari;192.0.2.7:5022;Innlogging;FEIL;17;3`)
}

// The documentation's example is read and run.
func TestTheDocumentedMappingHolds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "## Mappings")
	require.True(t, found)
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	require.True(t, closed)
	m, err := ReadMapping(strings.NewReader(example))
	require.NoError(t, err)
	require.Len(t, m.Samples, 3)
}
