package parse

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// guessed bounds how many lines of a sample are looked at.
const guessed = 200

// Guess proposes a mapping for a sample of lines: the format, the columns, and
// by their names and values what they are in ECS. It is a beginning for a person
// to correct: nothing in it is certain, and what is not recognised goes to
// labels. The mapping holds the first lines as samples with what it makes of
// them. zone, where it is not empty, is that of times without one.
func Guess(name string, sample []byte, zone string) (*Mapping, error) {
	m, _, err := Propose(name, sample, zone, false)
	return m, err
}

// Column is a field of a sample, and what was made of it.
type Column struct {
	Name     string
	Examples []string // different values, a few
	Field    string   // of ECS; @timestamp where it is the time
	Why      string   // one of the Why constants
}

// Why a column was given its field, from the surest to the least.
const (
	WhyTime   = "time"        // its values are times of one form
	WhyValues = "name-values" // its name says so, and its values fit
	WhyName   = "name"        // its name says so
	WhyLabel  = "label"       // nothing does: it is kept as a label
)

// Examples of a Column: how many, and how long.
const (
	columnExamples = 5
	exampleLength  = 200
)

// Propose is Guess, which also tells what was made of each column and why. fixed
// writes the names of a table's header into the mapping, so that lines without
// a header before them can be read too.
func Propose(name string, sample []byte, zone string, fixed bool) (*Mapping, []Column, error) {
	var lines []string
	for line := range strings.Lines(string(sample)) {
		line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "\ufeff")
		if strings.TrimSpace(line) != "" && len(lines) < guessed {
			lines = append(lines, readable(line))
		}
	}
	if len(lines) == 0 {
		return nil, nil, errors.New("parse: guess: the sample has no lines")
	}
	m := &Mapping{Version: 1, Name: name, Revision: 1, Fields: map[string]Value{}}
	columns, header, err := m.guessForm(lines)
	if err != nil {
		return nil, nil, err
	}
	if fixed && header {
		for _, c := range columns {
			m.CSV.Columns = append(m.CSV.Columns, c.name)
		}
	}
	g := guess{mapping: m, columns: columns}
	g.time(zone)
	g.fields()
	g.meaning()
	if err := m.Prepare(); err != nil {
		return nil, nil, err
	}
	return m, g.explained(), m.Sample(lines)
}

// explained is what was made of each column.
func (g *guess) explained() []Column {
	fields := map[string]string{}
	for _, name := range sortedKeys(g.mapping.Fields) {
		if from := g.mapping.Fields[name].Field; fields[from] == "" || name == "event.action" {
			fields[from] = name
		}
	}
	out := make([]Column, 0, len(g.columns))
	for _, c := range g.columns {
		one := Column{Name: c.name, Field: fields[c.name], Why: WhyName}
		for _, v := range distinct(c.values) {
			if len(one.Examples) < columnExamples {
				one.Examples = append(one.Examples, strings.ToValidUTF8(v[:min(len(v), exampleLength)], ""))
			}
		}
		switch {
		case slices.Contains(g.mapping.Time.Fields, c.name):
			one.Field, one.Why = "@timestamp", WhyTime
		case strings.HasPrefix(one.Field, ecs.LabelPrefix):
			one.Why = WhyLabel
		case one.Field == "source.ip" || one.Field == "event.outcome":
			one.Why = WhyValues
		}
		out = append(out, one)
	}
	return out
}

// sampled is a field of the sample: its name and the values of the lines.
type sampled struct {
	name   string
	values []string
}

// guessForm finds the format and takes the lines apart.
func (m *Mapping) guessForm(lines []string) (columns []sampled, header bool, err error) {
	if strings.HasPrefix(strings.TrimSpace(lines[0]), "{") {
		m.Format = "json"
		return jsonColumns(lines), false, nil
	}
	if _, _, _, ok := nextPair(lines[0]); ok && isPairs(lines[0]) {
		m.Format = "key-value"
		at := map[string]int{}
		for _, line := range lines {
			for rest := line; ; {
				key, value, after, ok := nextPair(rest)
				if !ok {
					break
				}
				columns, rest = gather(columns, at, key, value), after
			}
		}
		return columns, false, nil
	}
	m.Format = "csv"
	delimiter, n := "", 0
	for _, d := range []string{";", "\t", ",", "|"} {
		values, ok := splitCSV(lines[0], d)
		if !ok || len(values) < 2 || len(values) <= n {
			continue
		}
		fits := 0
		for _, line := range lines {
			if v, ok := splitCSV(line, d); ok && len(v) == len(values) {
				fits++
			}
		}
		if fits*10 >= len(lines)*9 {
			delimiter, n = d, len(values)
		}
	}
	if n == 0 {
		return nil, false, errors.New("parse: guess: the lines are neither JSON nor key=value nor a table")
	}
	m.CSV = &CSVForm{Delimiter: delimiter}
	names, _ := splitCSV(lines[0], delimiter)
	header = isHeader(names)
	if !header {
		for i := range names {
			names[i] = "column" + string(rune('A'+i%26))
		}
		m.CSV.Columns = names
	}
	for _, name := range names {
		columns = append(columns, sampled{name: name})
	}
	for i, line := range lines {
		values, ok := splitCSV(line, delimiter)
		if i == 0 && header || !ok || len(values) != len(columns) {
			continue
		}
		for j := range values {
			columns[j].values = append(columns[j].values, strings.TrimSpace(values[j]))
		}
	}
	return columns, header, nil
}

func isPairs(line string) bool {
	n := 0
	for rest := line; n < 2; n++ {
		_, _, after, ok := nextPair(rest)
		if !ok {
			return false
		}
		rest = after
	}
	return true
}

// isHeader: no cell holds a time, an address or a number, and none is empty.
func isHeader(cells []string) bool {
	for _, c := range cells {
		c = strings.TrimSpace(c)
		if _, ok := address(c); ok || c == "" || unicode.IsDigit([]rune(c)[0]) {
			return false
		}
	}
	return true
}

func gather(columns []sampled, at map[string]int, name, value string) []sampled {
	i, ok := at[name]
	if !ok {
		i = len(columns)
		at[name] = i
		columns = append(columns, sampled{name: name})
	}
	columns[i].values = append(columns[i].values, value)
	return columns
}

func jsonColumns(lines []string) (columns []sampled) {
	at := map[string]int{}
	for _, line := range lines {
		for _, part := range Split([]byte(line)) {
			v, err := fastjson.ParseBytes(part)
			if err != nil || v.Type() != fastjson.TypeObject {
				continue
			}
			flat := map[string]string{}
			flatten(v, "", flat)
			for _, name := range sortedKeys(flat) {
				columns = gather(columns, at, name, flat[name])
			}
		}
	}
	return columns
}

// guess is one in the making.
type guess struct {
	mapping *Mapping
	columns []sampled
	used    map[string]bool
}

// Forms of times in the order in which they are tried; day before month, as in
// Norway.
var guessedForms = []string{"rfc3339", "unix_ms", "dd.MM.yyyy HH:mm:ss", "dd.MM.yyyy HH:mm", "dd.MM.yyyy", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd",
	"dd/MM/yyyy HH:mm:ss", "MM/dd/yyyy HH:mm:ss", "MM/dd/yyyy hh:mm:ss a", "yyyy/MM/dd HH:mm:ss", "yyyyMMddHHmmss", "dd-MM-yyyy HH:mm:ss", "dd.MM.yy HH:mm:ss", "dd.MM.yy HH:mm"}

// Names of fields, folded, by what they are. The first whose values fit wins.
var guessedNames = []struct {
	ecs   string
	names []string
	fits  func(values []string) bool
}{
	{"source.ip", []string{"sourceip", "srcip", "clientip", "klientip", "ipadresse", "ipaddress", "remoteip", "remoteaddr", "ipaddr", "ip", "fraip", "src", "source", "client", "klient", "address", "adresse", "remote"}, areAddresses},
	{"user.target.name", []string{"targetuser", "targetusername", "målbruker", "maalbruker", "endretbruker", "affecteduser", "objectuser", "gjelderbruker"}, nil},
	{"user.name", []string{"username", "brukernavn", "userid", "brukerid", "brukerident", "bruker", "user", "login", "loginname", "account", "accountname", "konto", "uid", "ident", "subject", "principal", "actor", "samaccountname", "usr"}, nil},
	{"user.email", []string{"email", "epost", "mail", "epostadresse"}, nil},
	{"user.full_name", []string{"fullname", "navn", "fulltnavn", "displayname", "visningsnavn"}, nil},
	{"host.name", []string{"hostname", "server", "servernavn", "host", "maskin", "maskinnavn", "node", "tjener"}, nil},
	{"varde.station", []string{"workstation", "arbeidsstasjon", "station", "stasjon", "klientmaskin", "clienthost", "pc", "terminal", "computer", "device", "enhet"}, nil},
	{"event.action", []string{"action", "handling", "hendelse", "hendelsestype", "event", "eventtype", "eventname", "operation", "operasjon", "aktivitet", "activity", "type"}, nil},
	{"event.outcome", []string{"outcome", "utfall", "result", "resultat", "status", "success", "vellykket", "suksess"}, areOutcomes},
	{"event.reason", []string{"reason", "årsak", "aarsak", "arsak", "feilmelding", "errormessage", "failurereason", "error", "feil", "feilkode"}, nil},
	{"varde.session", []string{"session", "sessionid", "sesjon", "sesjonid", "sesjonsid"}, nil},
	{"group.name", []string{"group", "groupname", "gruppe", "gruppenavn"}, nil},
	{"event.code", []string{"eventid", "code", "kode", "hendelseskode"}, nil},
	{"user_agent.original", []string{"useragent", "nettleser", "browser"}, nil},
	{"url.original", []string{"url", "uri", "path", "sti"}, nil},
	{"service.name", []string{"application", "applikasjon", "service", "tjeneste", "app", "system", "modul", "fagsystem"}, nil},
	{"message", []string{"message", "melding", "msg", "tekst", "text", "description", "beskrivelse"}, nil},
}

// folded is a name in small letters without what divides words; of a path the
// last part.
func folded(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func areAddresses(values []string) bool {
	return most(values, func(v string) bool { e := party(v); return e != nil && e.IP != "" })
}

func areOutcomes(values []string) bool {
	return most(values, func(v string) bool { return outcomeOf(v) != "" })
}

// most says whether the test holds for nine of ten values that are not empty.
func most(values []string, test func(string) bool) bool {
	n, good := 0, 0
	for _, v := range values {
		if v == "" || absent(v) {
			continue
		}
		if n++; test(v) {
			good++
		}
	}
	return n > 0 && good*10 >= n*9
}

// time finds the column of the time, or those of day and clock.
func (g *guess) time(zone string) {
	g.used = map[string]bool{}
	best, form := -1, ""
	for i, c := range g.columns {
		f := formOf(c.values)
		if f == "" || strings.HasPrefix(f, "unix") && !timeName(c.name) {
			continue
		}
		if best < 0 || timeName(c.name) && !timeName(g.columns[best].name) || form == "dd.MM.yyyy" || form == "yyyy-MM-dd" {
			best, form = i, f
		}
	}
	if best < 0 {
		return
	}
	rule := &g.mapping.Time
	rule.Fields, rule.Forms, rule.Zone = []string{g.columns[best].name}, []string{form}, zone
	g.used[g.columns[best].name] = true
	if form != "dd.MM.yyyy" && form != "yyyy-MM-dd" {
		return
	}
	for _, c := range g.columns {
		for _, clock := range []string{"HH:mm:ss", "HH:mm"} {
			p, _ := newPattern(clock)
			if !g.used[c.name] && most(c.values, func(v string) bool { _, err := time.Parse(p.layout, v); return err == nil }) {
				rule.Fields, rule.Forms = append(rule.Fields, c.name), []string{form + " " + clock}
				g.used[c.name] = true
				return
			}
		}
	}
}

func timeName(name string) bool {
	f := folded(name)
	for _, n := range []string{"time", "tid", "dato", "date", "ts", "timestamp", "tidspunkt", "created", "opprettet", "when", "logged"} {
		if strings.Contains(f, n) {
			return true
		}
	}
	return false
}

func formOf(values []string) string {
	for _, form := range guessedForms {
		p, err := newPattern(form)
		if err != nil {
			continue
		}
		if most(values, func(v string) bool {
			st, ok := p.read(v)
			if !ok || strings.HasPrefix(form, "unix") && (len(v) < 10 || st.full.Year() < 2000 || st.full.Year() > 2100) {
				return false
			}
			return form != "rfc3339" || strings.ContainsAny(v, "T:")
		}) {
			return form
		}
	}
	return ""
}

// fields gives each column its ECS field, the rest to labels.
func (g *guess) fields() {
	for _, kind := range guessedNames {
		for _, name := range kind.names {
			if _, taken := g.mapping.Fields[kind.ecs]; taken {
				break
			}
			for _, c := range g.columns {
				if g.used[c.name] || folded(c.name) != name || kind.fits != nil && !kind.fits(c.values) {
					continue
				}
				g.mapping.Fields[kind.ecs] = Value{Field: c.name}
				g.used[c.name] = true
				break
			}
		}
	}
	for _, c := range g.columns {
		if key := strings.ReplaceAll(slug(c.name), "-", "_"); !g.used[c.name] && key != "" {
			g.mapping.Fields[ecs.LabelPrefix+key] = Value{Field: c.name}
		}
	}
}

func (g *guess) column(ecsName string) (sampled, bool) {
	v, ok := g.mapping.Fields[ecsName]
	if !ok {
		return sampled{}, false
	}
	for _, c := range g.columns {
		if c.name == v.Field {
			return c, true
		}
	}
	return sampled{}, false
}

// meaning translates actions and outcomes, and finds which rows are logins.
func (g *guess) meaning() {
	m := g.mapping
	actions, hasAction := g.column("event.action")
	if !hasAction {
		if actions, hasAction = g.column("message"); hasAction && len(distinct(actions.values)) > 20 {
			hasAction = false
		}
	}
	outcomes, hasOutcome := g.column("event.outcome")
	if hasOutcome {
		m.Fields["event.outcome"] = Value{Field: outcomes.name, Values: outcomeValues(distinct(outcomes.values)), Default: ecs.OutcomeUnknown}
	}
	if !hasAction {
		return
	}
	values := distinct(actions.values)
	translated, logins := map[string]string{}, []string{}
	for _, v := range values {
		action := actionOf(v)
		if action == "" {
			action = slug(v)
		}
		if action == ecs.ActionLogin {
			logins = append(logins, v)
		}
		translated[v] = action
	}
	if len(values) <= 50 {
		m.Fields["event.action"] = Value{Field: actions.name, Values: translated}
	}
	if len(logins) == 0 {
		return
	}
	if !hasOutcome {
		// The name of the event says how it ended.
		said := outcomeValues(values)
		for _, v := range logins {
			if said[v] == "" {
				said[v] = ecs.OutcomeSuccess
			}
		}
		m.Fields["event.outcome"] = Value{Field: actions.name, Values: said, Default: ecs.OutcomeUnknown}
	}
	m.Attempt = &AttemptRule{When: []Condition{{Field: actions.name, In: logins}}}
}

func outcomeValues(values []string) map[string]string {
	out := map[string]string{}
	for _, v := range values {
		if o := outcomeOf(v); o != "" {
			out[v] = o
		}
	}
	return out
}

func distinct(values []string) []string {
	out := slices.Clone(values)
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(v string) bool { return v == "" })
}

// samples is how many lines a guess keeps as its samples.
const samples = 5

// Sample makes the first lines the mapping's samples, with what it makes of them:
// whoever saves it has seen that, and it is to stay so.
func (m *Mapping) Sample(lines []string) error {
	s, err := NewStream(Options{Mapping: m})
	if err != nil {
		return err
	}
	m.Samples = nil
	for _, line := range lines {
		if len(m.Samples) == samples {
			break
		}
		if len(line) > maxSaid {
			continue
		}
		ev, err := s.Parse([]byte(line), sampledAt)
		var broken *Error
		if errors.As(err, &broken) {
			m.Samples = append(m.Samples, MappingSample{Line: line, Error: broken.Reason})
			continue
		}
		if err != nil {
			return err
		}
		flat := Flat(ev)
		kept := map[string]string{}
		for name, value := range flat {
			_, mapped := m.Fields[name]
			if mapped || name == "varde.attempt" || name == "event.action" || name == "@timestamp" && len(m.Time.Fields) > 0 && ev.Event.Action != actionHeader {
				kept[name] = value
			}
		}
		m.Samples = append(m.Samples, MappingSample{Line: line, Event: kept})
	}
	return nil
}
