package elastic

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// clause is a part of the query language of Elasticsearch; one field is set.
type clause struct {
	Bool     *boolean          `json:"bool,omitempty"`
	MatchAll *struct{}         `json:"match_all,omitempty"`
	None     *struct{}         `json:"match_none,omitempty"`
	Exists   *exists           `json:"exists,omitempty"`
	Term     map[string]value  `json:"term,omitempty"`
	Prefix   map[string]value  `json:"prefix,omitempty"`
	Wildcard map[string]value  `json:"wildcard,omitempty"`
	Range    map[string]bounds `json:"range,omitempty"`
	Phrase   map[string]phrase `json:"match_phrase,omitempty"`
	IDs      *ids              `json:"ids,omitempty"`
}

type boolean struct {
	Filter  []clause `json:"filter,omitempty"`
	Should  []clause `json:"should,omitempty"`
	MustNot []clause `json:"must_not,omitempty"`
	Minimum int      `json:"minimum_should_match,omitempty"`
}

type exists struct {
	Field string `json:"field"`
}

type value struct {
	Value any `json:"value"`
}

type phrase struct {
	Query string `json:"query"`
}

type ids struct {
	Values []string `json:"values"`
}

type bounds struct {
	Gt  any `json:"gt,omitempty"`
	Gte any `json:"gte,omitempty"`
	Lt  any `json:"lt,omitempty"`
	Lte any `json:"lte,omitempty"`
}

// conditions gives the filter of a search: tenant, range and query.
func conditions(t tenant.ID, q kql.Query, r eventindex.Range) clause {
	// The name of the index says the tenant; that the document says it too is a second lock.
	filter := []clause{term("varde.tenant", string(t))}
	from, to := r.Nanos()
	times := bounds{}
	if !r.From.IsZero() {
		times.Gte = stamp(from)
	}
	if !r.To.IsZero() {
		times.Gte, times.Lt = stamp(from), stamp(to)
	}
	if times != (bounds{}) {
		filter = append(filter, clause{Range: map[string]bounds{"@timestamp": times}})
	}
	if !q.MatchesAll() {
		filter = append(filter, translate(q.Root))
	}
	return clause{Bool: &boolean{Filter: filter}}
}

func stamp(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano) }

func term(field string, v any) clause { return clause{Term: map[string]value{field: {v}}} }

func not(c clause) clause { return clause{Bool: &boolean{MustNot: []clause{c}}} }

func either(cs ...clause) clause { return clause{Bool: &boolean{Should: cs, Minimum: 1}} }

func translate(n kql.Node) clause {
	switch n := n.(type) {
	case kql.All:
		return clause{MatchAll: &struct{}{}}
	case kql.Not:
		return not(translate(n.Node))
	case kql.And:
		return clause{Bool: &boolean{Filter: translateAll(n)}}
	case kql.Or:
		return either(translateAll(n)...)
	}
	f, ok := ecs.Lookup(kql.FieldOf(n))
	if !ok {
		return clause{None: &struct{}{}}
	}
	if key, ok := strings.CutPrefix(f.Name, ecs.LabelPrefix); ok {
		return leaf(n, f, fieldLabels, key+labelMark)
	}
	return leaf(n, f, f.Name, "")
}

func translateAll(nodes []kql.Node) []clause {
	out := make([]clause, len(nodes))
	for i, n := range nodes {
		out[i] = translate(n)
	}
	return out
}

// leaf translates a condition on field; begin is what stands before the values
// of a label.
func leaf(n kql.Node, f ecs.Field, field, begin string) clause {
	switch n := n.(type) {
	case kql.Exists:
		switch {
		case begin != "":
			return clause{Prefix: map[string]value{field: {begin}}}
		case f.Type == ecs.Text:
			return term(fieldMessage, true)
		}
		return clause{Exists: &exists{field}}
	case kql.Equal:
		return equal(n, f, field, begin)
	case kql.Pattern:
		return wildcard(field, begin, n.Parts)
	case kql.Compare:
		return compare(n, f)
	case kql.Network:
		return network(field, n.Prefix)
	case kql.Words:
		if len(n.Tokens) == 1 {
			return term(fieldText, n.Tokens[0])
		}
		return clause{Phrase: map[string]phrase{fieldText: {strings.Join(n.Tokens, " ")}}}
	case kql.Token:
		return wildcard(fieldText, "", n.Parts)
	}
	return clause{None: &struct{}{}}
}

func equal(n kql.Equal, f ecs.Field, field, begin string) clause {
	switch f.Type {
	case ecs.Boolean:
		if c := term(field, true); n.Value == "true" {
			return c
		}
		return not(term(field, true))
	case ecs.Long, ecs.Date:
		number, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return clause{None: &struct{}{}}
		}
		if f.Type == ecs.Date {
			return clause{Range: map[string]bounds{field: {Gte: stamp(number), Lte: stamp(number)}}}
		}
		return term(field, number)
	}
	return term(field, begin+n.Value)
}

func wildcard(field, begin string, parts []string) clause {
	if len(parts) == 2 && parts[1] == "" {
		return clause{Prefix: map[string]value{field: {begin + parts[0]}}}
	}
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = escape.Replace(p)
	}
	return clause{Wildcard: map[string]value{field: {escape.Replace(begin) + strings.Join(escaped, "*")}}}
}

func compare(n kql.Compare, f ecs.Field) clause {
	var bound any = n.Number
	var b bounds
	if f.Type == ecs.Date {
		bound = stamp(n.Number)
		// A date_histogram fails over a range of nanoseconds that is open
		// below (8.19); no event is before 1970.
		b.Gte = stamp(0)
	}
	switch n.Op {
	case kql.Greater:
		b.Gt, b.Gte = bound, nil
	case kql.AtLeast:
		b.Gte = bound
	case kql.Less:
		b.Lt = bound
	case kql.AtMost:
		b.Lte = bound
	}
	return clause{Range: map[string]bounds{f.Name: b}}
}

// network: Elasticsearch keeps IPv4 addresses as the IPv6 addresses
// ::ffff:0:0/96; a range that holds them all means only the others.
func network(field, prefix string) clause {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return clause{None: &struct{}{}}
	}
	if p.Addr().Is4() || p.Bits() > 96 || !contains(p, "::ffff:0.0.0.0") {
		return term(field, p.String())
	}
	first, last := p.Masked().Addr(), p.Masked().Addr().As16()
	for i := p.Bits(); i < 128; i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	return either(
		clause{Range: map[string]bounds{field: {Gte: first.String(), Lte: "::fffe:ffff:ffff"}}},
		clause{Range: map[string]bounds{field: {Gte: "::1:0:0:0", Lte: netip.AddrFrom16(last).String()}}})
}

func contains(p netip.Prefix, addr string) bool {
	first, in := p.Masked().Addr().As16(), netip.MustParseAddr(addr).As16()
	for i := range p.Bits() {
		bit := byte(1 << (7 - i%8))
		if first[i/8]&bit != in[i/8]&bit {
			return false
		}
	}
	return true
}

// request is the body of a search.
type request struct {
	Query          clause                 `json:"query"`
	Size           int                    `json:"size"`
	Sort           []map[string]direction `json:"sort,omitempty"`
	SearchAfter    []any                  `json:"search_after,omitempty"`
	TrackTotalHits any                    `json:"track_total_hits,omitempty"`
	Source         any                    `json:"_source,omitempty"`
	PIT            *pit                   `json:"pit,omitempty"`
	Aggs           map[string]agg         `json:"aggs,omitempty"`
}

type direction struct {
	Order  string `json:"order"`
	Format string `json:"format,omitempty"`
	Type   string `json:"unmapped_type,omitempty"`
}

type pit struct {
	ID        string `json:"id"`
	KeepAlive string `json:"keep_alive"`
}

type agg struct {
	DateHistogram *dateHistogram `json:"date_histogram,omitempty"`
	Terms         *termsAgg      `json:"terms,omitempty"`
	Aggs          map[string]agg `json:"aggs,omitempty"`
}

type dateHistogram struct {
	Field    string `json:"field"`
	Fixed    string `json:"fixed_interval,omitempty"`
	Calendar string `json:"calendar_interval,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	Minimum  int    `json:"min_doc_count"`
}

type termsAgg struct {
	Field     string `json:"field"`
	Size      int    `json:"size"`
	ShardSize int    `json:"shard_size,omitempty"`
	Include   string `json:"include,omitempty"`
}

type bucket struct {
	Key         json.RawMessage `json:"key"`
	KeyAsString string          `json:"key_as_string"`
	Count       int             `json:"doc_count"`
	Outcome     struct {
		Buckets []bucket `json:"buckets"`
	} `json:"outcome"`
}

// answer to a search.
type answer struct {
	PIT  string `json:"pit_id"`
	Hits struct {
		Total struct {
			Value    int    `json:"value"`
			Relation string `json:"relation"`
		} `json:"total"`
		Hits []struct {
			Source json.RawMessage `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
	Aggs map[string]struct {
		Buckets []bucket `json:"buckets"`
	} `json:"aggregations"`
	Shards struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	TimedOut bool `json:"timed_out"`
}
