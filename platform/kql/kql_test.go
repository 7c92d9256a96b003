package kql_test

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

func options(t testing.TB) kql.Options {
	oslo, err := time.LoadLocation("Europe/Oslo")
	require.NoError(t, err)
	return kql.Options{Now: time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC), Location: oslo}
}

func TestNormalForm(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                                "",
		"*":                               "*",
		"failed password":                 `message: "failed" and message: "password"`,
		`"failed password"`:               `message: "failed password"`,
		`"failed password" root`:          `message: "failed password" and message: "root"`,
		"10.6.6.6":                        `message: "10 6 6 6"`,
		"FAIL*":                           `message: fail*`,
		"*ass*ord":                        `message: *ass*ord`,
		"event.outcome:failure":           `event.outcome: failure`,
		"event.outcome : failure":         `event.outcome: failure`,
		"outcome:failure":                 `event.outcome: failure`,
		"utfall: (failure or success)":    `event.outcome: failure or event.outcome: success`,
		"outcome:(not failure)":           `not event.outcome: failure`,
		"a or b and not c":                `message: "a" or message: "b" and not message: "c"`,
		"(a or b) and c":                  `(message: "a" or message: "b") and message: "c"`,
		"(a and (b and c))":               `message: "a" and message: "b" and message: "c"`,
		"NOT (a AND b)":                   `not (message: "a" and message: "b")`,
		"not not a":                       `not not message: "a"`,
		`user:"x from 10.6.6.6"`:          `user.name: "x from 10.6.6.6"`,
		`user:BØ\kari`:                    `user.name: "BØ\\kari"`,
		`user:BØ\\kari`:                   `user.name: "BØ\\kari"`,
		`user:kari\:x`:                    `user.name: kari:x`,
		`user: kari nordmann`:             `user.name: "kari nordmann"`,
		`user: kari  nor*`:                `user.name: kari\ nor*`,
		`user: k**i`:                      `user.name: k*i`,
		`user: k\*i`:                      `user.name: "k*i"`,
		`user: *\**`:                      `user.name: *\**`,
		`user: "k*i"`:                     `user.name: "k*i"`,
		`user: *`:                         `user.name: *`,
		`user: \and`:                      `user.name: "and"`,
		`user: "and"`:                     `user.name: "and"`,
		`host.name: web-* or pid > 5`:     `host.name: web-* or process.pid > 5`,
		`pid>=5 and pid<7`:                `process.pid >= 5 and process.pid < 7`,
		`pid: 007`:                        `process.pid: 7`,
		`ip: 10.1.2.3`:                    `source.ip: 10.1.2.3`,
		`ip: ::ffff:10.1.2.3`:             `source.ip: 10.1.2.3`,
		`ip: fe80::0001`:                  `source.ip: fe80::1`,
		`ip: (10.0.0.0/8 or fd00::1/8)`:   `source.ip: 10.0.0.0/8 or source.ip: fd00::/8`,
		`ip: ::ffff:10.1.2.3/104`:         `source.ip: 10.0.0.0/8`,
		`attempt: true`:                   `varde.attempt: true`,
		`labels.site: north`:              `labels.site: north`,
		`time >= 2026-11-22T10:00:00Z`:    `@timestamp >= 2026-11-22T10:00:00Z`,
		`time > 2026-11-22T10:00:00Z`:     `@timestamp >= 2026-11-22T10:00:00.000000001Z`,
		`time > 2026-11-22`:               `@timestamp >= 2026-11-22T23:00:00Z`,
		`time <= 2026-11-22`:              `@timestamp < 2026-11-22T23:00:00Z`,
		`time < 2026-11-22`:               `@timestamp < 2026-11-21T23:00:00Z`,
		`time: 2026-11`:                   `@timestamp >= 2026-10-31T23:00:00Z and @timestamp < 2026-11-30T23:00:00Z`,
		`time: "2026-11-22 11:30"`:        `@timestamp >= 2026-11-22T10:30:00Z and @timestamp < 2026-11-22T10:31:00Z`,
		`time: 2026-11-22T10:00:00.25Z`:   `@timestamp >= 2026-11-22T10:00:00.25Z and @timestamp < 2026-11-22T10:00:00.26Z`,
		`time >= now-1d`:                  `@timestamp >= 2026-11-21T10:30:00Z`,
		`time >= now-1d/d`:                `@timestamp >= 2026-11-20T23:00:00Z`,
		`time: now/w`:                     `@timestamp >= 2026-11-15T23:00:00Z and @timestamp < 2026-11-22T23:00:00Z`,
		`event.created < now+2h-5m`:       `event.created < 2026-11-22T12:25:00Z`,
		`message:(a or "b c") and pid: *`: `(message: "a" or message: "b c") and process.pid: *`,
		"Blåbærsyltetøy":                  `message: "blåbærsyltetøy"`,
	} {
		q, err := kql.Parse(query, options(t))
		if !assertNoError(t, query, err) {
			continue
		}
		require.Equal(t, want, q.String(), query)
		again, err := kql.Parse(q.String(), kql.Options{})
		require.NoError(t, err, query)
		require.Empty(t, cmp.Diff(q.Root, again.Root), query)
	}
}

func assertNoError(t *testing.T, query string, err error) bool {
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return err == nil
}

func TestSyntaxErrorsPointAtTheWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, slug, at string }{
		{"usr.name: x", "unknown-field", "usr.name"},
		{"a and usr.name: x", "unknown-field", "usr.name"},
		{`user: "x`, "unclosed-quote", `"x`},
		{"(a or b", "unclosed-group", "("},
		{"a)", "unexpected-character", ")"},
		{"()", "missing-value", "()"},
		{"user:()", "missing-value", "()"},
		{"user:", "missing-value", ""},
		{"user: and x", "missing-value", ""},
		{"a and", "unexpected-end", ""},
		{"and a", "unexpected-character", "and"},
		{"a or or b", "unexpected-character", "or"},
		{": x", "unexpected-character", ":"},
		{"user: kari host: x", "missing-operator", "host"},
		{`user: "a" "b"`, "missing-operator", `"b"`},
		{`a (b)`, "missing-operator", "("},
		{`a not b`, "missing-operator", "not"},
		{"user: {x}", "unexpected-character", "{"},
		{"us*r: x", "unexpected-character", "us*r"},
		{"ip: 10.0.0", "bad-address", "10.0.0"},
		{"ip: 10.0.*", "wildcard-not-possible", "10.0.*"},
		{"ip > 10.0.0.1", "range-not-possible", ">"},
		{"user >= b", "range-not-possible", ">="},
		{"pid: abc", "bad-number", "abc"},
		{"pid > 99999999999999999999", "bad-number", "99999999999999999999"},
		{"attempt: yes", "bad-boolean", "yes"},
		{"time > yesterday", "bad-date", "yesterday"},
		{"time > now-1x", "bad-date", "now-1x"},
		{"time > 1850-01-01", "bad-date", "1850-01-01"},
		{"time >", "missing-value", ""},
		{`"---"`, "nothing-to-search", `"---"`},
		{"a-*", "wildcard-not-possible", "a-*"},
		{"event.original: x", "field-not-searchable", "event.original"},
		{`user: ""`, "missing-value", `""`},
		{"a \xff", "invalid-encoding", "a \xff"},
	} {
		_, err := kql.Parse(c.query, options(t))
		var syntax *kql.SyntaxError
		require.True(t, errors.As(err, &syntax), c.query)
		require.Equal(t, c.slug, syntax.Slug, c.query)
		require.Equal(t, c.at, c.query[syntax.Start:syntax.End], c.query)
		require.NotEmpty(t, syntax.Detail)
	}
}

func TestAnUnknownFieldNamesSimilarOnes(t *testing.T) {
	t.Parallel()
	for query, near := range map[string]string{
		"usr.name: x": "user.name", "evnt.outcome: x": "event.outcome", "source: x": "source.ip",
		"username: x": "user.name", "Host.Name: x": "host.name", "outcom: x": "event.outcome",
	} {
		_, err := kql.Parse(query, kql.Options{})
		var syntax *kql.SyntaxError
		require.ErrorAs(t, err, &syntax, query)
		require.Contains(t, syntax.Near, near, query)
	}
}

func TestAQueryThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"(", "not ", "a or "} {
		long := ""
		for len(long) < 12_000 {
			long += unit
		}
		_, err := kql.Parse(long+"a", kql.Options{})
		var syntax *kql.SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, "too-complex", syntax.Slug, unit)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	e := &ecs.Event{
		Timestamp: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Message:   "Failed password for invalid user Åse from 10.6.6.6 port 6 ssh2",
		Event:     ecs.Meta{Action: "login", Outcome: "failure", Category: []string{"authentication", "session"}},
		User:      &ecs.User{Name: `BØ\kari`},
		Source:    &ecs.Endpoint{IP: "::ffff:10.6.6.6", Port: 6},
		Labels:    map[string]string{"site": "north"},
		Varde:     ecs.Varde{Attempt: true},
	}
	for query, want := range map[string]bool{
		"": true, "*": true,
		"event.category: session": true, "event.category: (session and authentication)": true,
		"not event.category: session": false, "event.category: iam": false,
		`user: BØ\kari`: true, `user: bø\kari`: false, `user: BØ*`: true, `user: *kari`: true, `user: *ØK*`: false,
		"ip: 10.6.6.6": true, "ip: 10.0.0.0/8": true, "ip: ::/0": false, "ip: fd00::/8": false,
		"port: 6": false, "source.port: 6": true, "source.port > 5 and source.port <= 6": true, "source.port < 6": false,
		"pid > 0": false, "not pid > 0": true, "pid: *": false,
		"attempt: true": true, "attempt: false": false, "attempt: *": true,
		"failed åse": true, "ÅSE": true, `"invalid user åse"`: true, `"user invalid"`: false, "10.6.6.6": true, "6.6.6.10": false,
		"passw*": true, "*sword": true, "pass*ord": true, "passw": false,
		"time: 2026-11-22": true, "time > 2026-11-22": false, "labels.site: north": true, "labels.site: *": true, "labels.other: *": false,
	} {
		q, err := kql.Parse(query, options(t))
		if query == "port: 6" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, query)
		require.Equal(t, want, kql.Match(q, e), query)
	}
}

func TestFieldsUsedAreNamed(t *testing.T) {
	t.Parallel()
	q, err := kql.Parse("bruker:x and (failed or not ip:10.0.0.0/8 and user:y)", kql.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"user.name", "message", "source.ip"}, q.Fields())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "*", `user:BØ\kari and not (a or "b c")`, "time >= now-1d/d", "ip:(10.0.0.0/8 or ::1)",
		`x:"`, "a*b*", `\and`, "pid<=5", "{", `user:\*\ x*`, "((((", "not not", `a\`, "time: 9999-12-31"} {
		f.Add(seed)
	}
	opt := kql.Options{Now: time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := kql.Parse(text, opt)
		if err != nil {
			var syntax *kql.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.True(t, 0 <= syntax.Start && syntax.Start <= syntax.End && syntax.End <= len(text), "%+v", syntax)
			return
		}
		require.True(t, utf8.ValidString(text))
		kql.Match(q, &ecs.Event{Message: text})
		again, err := kql.Parse(q.String(), kql.Options{})
		require.NoError(t, err, "%q became %q", text, q.String())
		require.Empty(t, cmp.Diff(q.Root, again.Root), "%q became %q", text, q.String())
		kql.At(text, len(text)/2)
	})
}
