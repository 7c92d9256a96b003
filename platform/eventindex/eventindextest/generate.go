package eventindextest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Epoch is when the generated events begin: the day before Oslo puts its clock
// back, so that day buckets cross it.
var Epoch = time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)

// The values are few, so that random queries find something, and odd enough to
// be hard on an engine.
var (
	users     = []string{"kari", "KARI", `BØ\kari`, "x from 10.6.6.6 port 6 ssh2", "ola nordmann", "åse", "a*b", `"`, "and", "a\x00b", "\xff", ""}
	hosts     = []string{"web-1", "web-2", "db.bo.example", ""}
	addresses = []string{"10.6.6.6", "10.6.7.8", "192.0.2.1", "2001:db8::1", "fe80::1", "::1", "not an address", ""}
	actions   = []string{"login", "logoff", "session-start", ""}
	outcomes  = []string{"success", "failure", "unknown", ""}
	words     = []string{"Failed", "password", "for", "invalid", "user", "Åse", "10.6.6.6", "port", "ssh2", "blåbær-syltetøy", "…", "İstanbul", "re\u0301sume\u0301"}
	labelKeys = []string{"site", "rack"}
	sets      = [][]string{nil, {"authentication"}, {"authentication", "session"}, {"session", "authentication", "session"}, {"iam"}}
)

func pick[T any](t *rapid.T, name string, of []T) T { return rapid.SampledFrom(of).Draw(t, name) }

// Event draws an event of a tenant and partition with the number n in its id.
func Event(t *rapid.T, tenant, partition string, n int) ecs.Event {
	at := Epoch.Add(time.Duration(rapid.IntRange(0, 3*24*3600).Draw(t, "second")) * time.Second)
	if rapid.Bool().Draw(t, "fraction") {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{1, 999_999_999, 123_456_789, 500_000_000}).Draw(t, "nanos")))
	}
	e := ecs.Event{
		Timestamp: at,
		Event: ecs.Meta{
			ID: fmt.Sprintf("event-%05d", n), Kind: "event", Action: pick(t, "action", actions),
			Outcome: pick(t, "outcome", outcomes), Category: pick(t, "category", sets),
			Hash: fmt.Sprintf("%064x", n%7), Created: at.Add(time.Second),
		},
		Varde: ecs.Varde{Tenant: tenant, Partition: partition, Attempt: rapid.Bool().Draw(t, "attempt"),
			Repeat: rapid.IntRange(0, 3).Draw(t, "repeat"), SkewMS: int64(rapid.IntRange(-5, 5).Draw(t, "skew"))},
	}
	for range rapid.IntRange(0, 6).Draw(t, "words") {
		e.Message += pick(t, "word", words) + pick(t, "gap", []string{" ", ", ", "="})
	}
	e.Event.Original = "<13>" + e.Message
	if name := pick(t, "user", users); name != "" {
		e.User = &ecs.User{Name: name, Roles: pick(t, "roles", sets)}
	}
	if ip := pick(t, "ip", addresses); ip != "" {
		e.Source = &ecs.Endpoint{IP: ip, Port: rapid.SampledFrom([]int{0, 22, 51000}).Draw(t, "port")}
		e.Related = &ecs.Related{IP: []string{ip, "10.0.0.9"}}
	}
	if host := pick(t, "host", hosts); host != "" {
		e.Host = &ecs.Host{Name: host}
	}
	if rapid.Bool().Draw(t, "syslog") {
		e.Log = &ecs.Log{Syslog: &ecs.LogSyslog{Facility: &ecs.Coded{Code: rapid.IntRange(0, 2).Draw(t, "facility")}}}
	}
	for range rapid.IntRange(0, 2).Draw(t, "labels") {
		if e.Labels == nil {
			e.Labels = map[string]string{}
		}
		e.Labels[pick(t, "label", labelKeys)] = pick(t, "value", []string{"north", "north=1", "øst"})
	}
	return e
}

// Events draws n events, the same for the same seed.
func Events(seed int, tenant string, partitions []string, n int) []ecs.Event {
	return rapid.Custom(func(t *rapid.T) []ecs.Event {
		out := make([]ecs.Event, n)
		for i := range out {
			out[i] = Event(t, tenant, partitions[i%len(partitions)], i)
		}
		return out
	}).Example(seed)
}

// Tree draws a query tree in normal form over the values of Event.
func Tree(t *rapid.T) kql.Node { return tree(t, 3) }

func tree(t *rapid.T, depth int) kql.Node {
	kind := rapid.IntRange(0, 9).Draw(t, "node")
	if depth == 0 || kind < 4 {
		return leaf(t)
	}
	some := func() []kql.Node {
		nodes := make([]kql.Node, rapid.IntRange(2, 3).Draw(t, "children"))
		for i := range nodes {
			nodes[i] = tree(t, depth-1)
		}
		return nodes
	}
	switch {
	case kind < 6:
		return kql.Join(some()...)
	case kind < 8:
		return kql.Either(some()...)
	case kind == 8:
		return kql.Not{Node: tree(t, depth-1)}
	}
	return kql.All{}
}

var leaves = []func(*rapid.T) kql.Node{
	func(t *rapid.T) kql.Node { return kql.Equal{Field: "user.name", Value: known(t, "user", users)} },
	func(t *rapid.T) kql.Node { return kql.Equal{Field: "host.name", Value: known(t, "host", hosts)} },
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: "event.outcome", Value: known(t, "outcome", outcomes)}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: pick(t, "set", []string{"event.category", "user.roles"}), Value: pick(t, "category", []string{"authentication", "session", "iam", "none"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: "labels." + pick(t, "label", labelKeys), Value: pick(t, "value", []string{"north", "north=1", "øst"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: pick(t, "address", []string{"source.ip", "related.ip"}), Value: pick(t, "ip", []string{"10.6.6.6", "2001:db8::1", "::1", "10.0.0.9"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Network{Field: pick(t, "address", []string{"source.ip", "related.ip"}), Prefix: pick(t, "prefix", []string{"10.6.6.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "10.6.6.6/32", "fe80::/10", "::/64"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: "varde.attempt", Value: pick(t, "attempt", []string{"true", "false"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: pick(t, "number", []string{"source.port", "varde.repeat", "log.syslog.facility.code"}), Value: pick(t, "equal", []string{"0", "1", "22", "-3"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Compare{Field: pick(t, "number", []string{"source.port", "varde.repeat", "varde.skew_ms", "log.syslog.facility.code"}),
			Op: pick(t, "op", []kql.Op{kql.Greater, kql.AtLeast, kql.Less, kql.AtMost}), Number: pick(t, "bound", []int64{-5, 0, 1, 2, 22})}
	},
	func(t *rapid.T) kql.Node {
		at := Epoch.Add(time.Duration(rapid.IntRange(-1, 73).Draw(t, "hour")) * time.Hour)
		return kql.Compare{Field: pick(t, "time", []string{"@timestamp", "event.created"}), Op: pick(t, "op", []kql.Op{kql.AtLeast, kql.Less}), Number: at.UnixNano() + pick(t, "nano", []int64{0, 1})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Exists{Field: pick(t, "exists", []string{"user.name", "source.ip", "message", "event.category", "labels.site", "varde.attempt", "varde.repeat", "event.hash", "related.ip", "event.id"})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Pattern{Field: pick(t, "text", []string{"user.name", "host.name", "event.category", "labels.site", "event.hash", "event.id"}),
			Parts: pick(t, "pattern", [][]string{{"k", ""}, {"", "1"}, {"", "o", ""}, {"a", "n"}, {"BØ\\", ""}, {"", "*", ""}, {"x ", " ", "2"}, {"000", ""}, {"", "\x00", ""}})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Words{Field: "message", Tokens: pick(t, "words", [][]string{{"failed"}, {"åse"}, {"password", "for"}, {"10", "6", "6", "6"}, {"blåbær", "syltetøy"}, {"syltetøy", "blåbær"}, {"résumé"}, {"none"}, {"port"}})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Token{Field: "message", Parts: pick(t, "token", [][]string{{"pass", ""}, {"", "word"}, {"f", "r"}, {"", "s", ""}, {"å", ""}, {"i", "nb", "l"}})}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: "event.hash", Value: fmt.Sprintf("%064x", rapid.IntRange(0, 8).Draw(t, "hash"))}
	},
	func(t *rapid.T) kql.Node {
		return kql.Equal{Field: "event.id", Value: fmt.Sprintf("event-%05d", rapid.IntRange(0, 99).Draw(t, "id"))}
	},
}

func leaf(t *rapid.T) kql.Node { return pick(t, "leaf", leaves)(t) }

// known draws a value that a query can hold: not empty, valid UTF-8.
func known(t *rapid.T, name string, of []string) string {
	v := pick(t, name, of)
	if v == "" || v == "\xff" {
		return "\uFFFD"
	}
	return v
}
