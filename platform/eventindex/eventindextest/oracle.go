package eventindextest

import (
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// A written query with what docs/search.md says that it finds, in words of its
// own: nothing of package kql is used to decide it.
type written struct {
	text  string
	holds func(*ecs.Event) bool
}

// documented runs queries as people write them against what the documentation
// says they find.
func (s suite) documented(t *testing.T) {
	x := s.open(t)
	events := Events(5, "bo", []string{"p1", "p2"}, 200)
	long := event("long", at(0))
	long.User = &ecs.User{Name: "long" + strings.Repeat("x", 1021)} // kept, and found by nothing
	events = append(events, long)
	s.append(t, x, events...)
	rapid.Check(t, func(rt *rapid.T) {
		w := expression(rt, 3)
		rt.Log(w.text)
		q, err := kql.Parse(w.text, kql.Options{Now: asked, Location: oslo})
		require.NoError(rt, err)
		want := []ecs.Event{}
		outcomes := map[string]int{}
		for i := range events {
			require.Equal(rt, w.holds(&events[i]), kql.Match(q, &events[i]), "%s", events[i].Event.ID)
			if w.holds(&events[i]) {
				want = append(want, events[i])
				if o := events[i].Event.Outcome; o != "" {
					outcomes[o]++
				}
			}
		}
		hits, err := x.Search(bo(), q, eventindex.Range{}, eventindex.Page{Limit: 1000})
		require.NoError(rt, err)
		got := []string{}
		for _, e := range hits.Events {
			got = append(got, e.Event.ID)
		}
		require.Equal(rt, sorted(want, false), got)
		require.Equal(rt, len(want), hits.Total)
		top, err := x.Terms(bo(), q, eventindex.Range{}, "event.outcome", 10)
		require.NoError(rt, err)
		require.Equal(rt, eventindex.Top(outcomes, 10), top)
		buckets, err := x.Histogram(bo(), q, eventindex.Range{From: Epoch.AddDate(0, 0, -1), To: Epoch.AddDate(0, 0, 5)}, 24*time.Hour, oslo)
		require.NoError(rt, err)
		days := map[string]int{}
		for _, b := range buckets {
			if b.Count > 0 {
				days[b.Start.In(oslo).Format(time.DateOnly)] = b.Count
			}
		}
		wantDays := map[string]int{}
		for _, e := range want {
			wantDays[e.Timestamp.In(oslo).Format(time.DateOnly)]++
		}
		require.Equal(rt, wantDays, days)
	})
}

// asked is what "now" means in these queries: a Tuesday.
var asked = time.Date(2026, 10, 27, 9, 30, 0, 0, oslo)

// expression draws a query: parts joined by and, or, not and parentheses.
func expression(t *rapid.T, depth int) written {
	kind := rapid.IntRange(0, 9).Draw(t, "expression")
	if depth == 0 || kind < 4 {
		return pick(t, "part", parts)(t)
	}
	word := func(w string) string {
		return pick(t, "case", []string{w, strings.ToUpper(w), strings.ToUpper(w[:1]) + w[1:]})
	}
	gap := pick(t, "gap", []string{" ", "  ", "\n\t"})
	if kind == 9 {
		of := expression(t, depth-1)
		return written{word("not") + gap + "(" + of.text + ")", func(e *ecs.Event) bool { return !of.holds(e) }}
	}
	a, b := expression(t, depth-1), expression(t, depth-1)
	switch {
	case kind < 6: // no parentheses: "not" before "and" before "or"
		c := expression(t, 0)
		return written{"(" + a.text + ")" + gap + word("or") + " (" + b.text + ") " + word("and") + gap + word("not") + " (" + c.text + ")",
			func(e *ecs.Event) bool { return a.holds(e) || b.holds(e) && !c.holds(e) }}
	case kind < 8:
		return written{"( " + a.text + " )" + gap + word("and") + gap + "(" + b.text + ")", func(e *ecs.Event) bool { return a.holds(e) && b.holds(e) }}
	}
	return written{"((" + a.text + ")" + gap + word("or") + " ( " + b.text + "))", func(e *ecs.Event) bool { return a.holds(e) || b.holds(e) }}
}

// texts of a field, by every name that it has in a query.
type texts struct {
	names  []string
	values []string // to ask for
	of     func(*ecs.Event) []string
}

func some(v string) []string {
	if v == "" || len([]rune(v)) > 1024 {
		return nil
	}
	return []string{strings.ToValidUTF8(v, "\uFFFD")}
}

var keywords = []texts{
	{[]string{"user.name", "user", "bruker"}, []string{"kari", "KARI", `BØ\kari`, "x from 10.6.6.6 port 6 ssh2", "ola nordmann", "åse", "a*b", `"`, "and", "nobody", "(x)", "a:b", "<"},
		func(e *ecs.Event) []string {
			if e.User == nil {
				return nil
			}
			return some(e.User.Name)
		}},
	{[]string{"event.outcome", "outcome", "utfall"}, []string{"success", "failure", "unknown", "Failure"}, func(e *ecs.Event) []string { return some(e.Event.Outcome) }},
	{[]string{"host.name", "host"}, []string{"web-1", "web-2", "db.bo.example", "WEB-1"}, func(e *ecs.Event) []string {
		if e.Host == nil {
			return nil
		}
		return some(e.Host.Name)
	}},
	{[]string{"event.category"}, []string{"authentication", "session", "iam"}, func(e *ecs.Event) []string { return e.Event.Category }},
	{[]string{"labels.site"}, []string{"north", "north=1", "øst"}, func(e *ecs.Event) []string { return some(e.Labels["site"]) }},
}

// quoted and bare write a value in the two ways that there are.
func quoted(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

var signs = regexp.MustCompile(`[\\():<>"{}*\s]`)

func bare(v string) string {
	if word := strings.ToLower(v); word == "and" || word == "or" || word == "not" {
		return `\` + v
	}
	return signs.ReplaceAllString(v, `\$0`)
}

func literal(t *rapid.T, v string) string {
	if rapid.Bool().Draw(t, "quoted") {
		return quoted(v)
	}
	return bare(v)
}

func colon(t *rapid.T) string { return pick(t, "colon", []string{":", ": ", " : "}) }

func has(values []string, v string) bool { return slices.Contains(values, v) }

var parts = []func(*rapid.T) written{
	func(*rapid.T) written { return written{"*", func(*ecs.Event) bool { return true }} },
	func(t *rapid.T) written { // field: value
		k := pick(t, "field", keywords)
		v := pick(t, "value", k.values)
		return written{pick(t, "name", k.names) + colon(t) + literal(t, v), func(e *ecs.Event) bool { return has(k.of(e), v) }}
	},
	func(t *rapid.T) written { // field: (a or b and not c)
		k := pick(t, "field", keywords)
		a, b, c := pick(t, "a", k.values), pick(t, "b", k.values), pick(t, "c", k.values)
		text := fmt.Sprintf("%s%s( %s or %s and (not %s))", pick(t, "name", k.names), colon(t), literal(t, a), literal(t, b), literal(t, c))
		return written{text, func(e *ecs.Event) bool { v := k.of(e); return has(v, a) || has(v, b) && !has(v, c) }}
	},
	func(t *rapid.T) written { // wildcards
		k := pick(t, "field", keywords)
		v := []rune(pick(t, "value", k.values))
		from := rapid.IntRange(0, len(v)).Draw(t, "from")
		to := rapid.IntRange(from, len(v)).Draw(t, "to")
		before, after := string(v[:from]), string(v[to:])
		pattern := regexp.MustCompile(`(?s)^` + regexp.QuoteMeta(before) + `.*` + regexp.QuoteMeta(after) + `$`)
		return written{k.names[0] + colon(t) + escaped(before) + "*" + escaped(after), func(e *ecs.Event) bool {
			return slices.ContainsFunc(k.of(e), pattern.MatchString)
		}}
	},
	func(t *rapid.T) written { // field: *
		k := pick(t, "field", keywords)
		return written{pick(t, "name", k.names) + colon(t) + "*", func(e *ecs.Event) bool { return len(k.of(e)) > 0 }}
	},
	numbers, attempt, network, moment, since, free, phrases, wordPart,
}

// escaped is a part of a word with a wildcard.
func escaped(v string) string { return signs.ReplaceAllString(v, `\$0`) }

func numbers(t *rapid.T) written {
	fields := map[string]func(*ecs.Event) (int64, bool){
		"source.port": func(e *ecs.Event) (int64, bool) {
			if e.Source == nil || e.Source.Port == 0 {
				return 0, false
			}
			return int64(e.Source.Port), true
		},
		"varde.repeat": func(e *ecs.Event) (int64, bool) { return int64(e.Varde.Repeat), e.Varde.Repeat != 0 },
	}
	name := pick(t, "number", []string{"source.port", "varde.repeat"})
	of, n := fields[name], pick(t, "n", []int64{-1, 0, 1, 2, 3, 22, 51000})
	op := pick(t, "op", []string{">", ">=", "<", "<=", ":"})
	return written{name + pick(t, "space", []string{"", " "}) + op + " " + strconv.FormatInt(n, 10), func(e *ecs.Event) bool {
		v, ok := of(e)
		if !ok {
			return false
		}
		return op == ">" && v > n || op == ">=" && v >= n || op == "<" && v < n || op == "<=" && v <= n || op == ":" && v == n
	}}
}

func attempt(t *rapid.T) written {
	yes := rapid.Bool().Draw(t, "attempt")
	return written{"varde.attempt" + colon(t) + strconv.FormatBool(yes), func(e *ecs.Event) bool { return e.Varde.Attempt == yes }}
}

// network: the first bits of the address, and of the same kind.
func network(t *rapid.T) written {
	text := pick(t, "network", []string{"10.6.6.6", "10.6.6.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "fe80::/10", "::1", "10.6.7.8/31", "::/96"})
	number := func(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }
	address, size, isNetwork := strings.Cut(text, "/")
	want := netip.MustParseAddr(address)
	bits := want.BitLen()
	if isNetwork {
		bits, _ = strconv.Atoi(size)
	}
	return written{"source.ip" + colon(t) + text, func(e *ecs.Event) bool {
		if e.Source == nil {
			return false
		}
		have, err := netip.ParseAddr(e.Source.IP)
		if err != nil || have.BitLen() != want.BitLen() {
			return false
		}
		off := uint(want.BitLen() - bits)
		return new(big.Int).Rsh(number(have), off).Cmp(new(big.Int).Rsh(number(want), off)) == 0
	}}
}

// moment: a date covers what it says, by the clock in Oslo.
func moment(t *rapid.T) written {
	form := pick(t, "form", []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"})
	text := Epoch.Add(time.Duration(rapid.IntRange(-5, 80).Draw(t, "hour")) * time.Hour).In(oslo).Format(form)
	if strings.HasPrefix(text, "2026-10-25T02") { // this hour is there twice
		form, text = "2006-01-02", "2026-10-25"
	}
	return written{"@timestamp" + colon(t) + quoted(text), func(e *ecs.Event) bool { return e.Timestamp.In(oslo).Format(form) == text }}
}

// since: from a time on, or back from now.
func since(t *rapid.T) written {
	froms := map[string]time.Time{
		"now-1d": asked.AddDate(0, 0, -1), "now-2d/d": time.Date(2026, 10, 25, 0, 0, 0, 0, oslo), "now/w": time.Date(2026, 10, 26, 0, 0, 0, 0, oslo),
		"now-30h": asked.Add(-30 * time.Hour), "2026-10-25": time.Date(2026, 10, 25, 0, 0, 0, 0, oslo), "2026-10-26T12:00": time.Date(2026, 10, 26, 12, 0, 0, 0, oslo),
	}
	text := pick(t, "since", []string{"now-1d", "now-2d/d", "now/w", "now-30h", "2026-10-25", "2026-10-26T12:00"})
	from := froms[text]
	if rapid.Bool().Draw(t, "before") {
		return written{"@timestamp < " + text, func(e *ecs.Event) bool { return e.Timestamp.Before(from) }}
	}
	return written{"@timestamp >= " + text, func(e *ecs.Event) bool { return !e.Timestamp.Before(from) }}
}

var runs = regexp.MustCompile(`[\p{L}\p{M}\p{Nd}]+`)

func wordsOf(text string) []string {
	return runs.FindAllString(norm.NFC.String(strings.ToLower(strings.ToValidUTF8(text, "\uFFFD"))), -1)
}

var spoken = []string{"Failed", "PASSWORD", "for", "åse", "Åse", "ssh2", "blåbær", "syltetøy", "résumé", "10", "never"}

// free: words in any order.
func free(t *rapid.T) written {
	var asked []string
	for range rapid.IntRange(1, 3).Draw(t, "words") {
		asked = append(asked, pick(t, "word", spoken))
	}
	return written{strings.Join(asked, " "), func(e *ecs.Event) bool {
		have := wordsOf(e.Message)
		for _, w := range asked {
			if !slices.Contains(have, strings.ToLower(w)) {
				return false
			}
		}
		return true
	}}
}

// phrases: words one after the other; numbers and addresses are such.
func phrases(t *rapid.T) written {
	text := pick(t, "phrase", []string{`"failed password"`, `"Password For"`, `10.6.6.6`, `"blåbær syltetøy"`, `blåbær-syltetøy`, `"invalid user"`, `"syltetøy blåbær"`, `message: "port ssh2"`})
	want := wordsOf(strings.TrimPrefix(text, "message: "))
	return written{text, func(e *ecs.Event) bool {
		return strings.Contains(" "+strings.Join(wordsOf(e.Message), " ")+" ", " "+strings.Join(want, " ")+" ")
	}}
}

func wordPart(t *rapid.T) written {
	text := pick(t, "wordPart", []string{"pass*", "*word", "f*r", "*s*", "Å*", "blå*", "1*", "never*"})
	pattern := regexp.MustCompile(`^` + strings.ReplaceAll(strings.ToLower(text), "*", ".*") + `$`)
	return written{text, func(e *ecs.Event) bool { return slices.ContainsFunc(wordsOf(e.Message), pattern.MatchString) }}
}
