package docstoretest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/docstore"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
)

// Compare runs the same random operations on every store and on a model in
// memory, and fails where one answers differently.
func Compare(t *testing.T, caps Caps, stores ...docstore.Store) {
	runs, steps := 50, 60
	if caps.Slow {
		runs, steps = 40, 60
	}
	done := 0
	rapid.Check(t, func(rt *rapid.T) {
		// rapid counts runs by a flag of the whole test binary; ours are dearer
		// than most, so the rest of its runs are empty unless it shrinks.
		if done++; done > runs && !t.Failed() {
			return
		}
		m := &machine{model: map[key]Sample{}}
		for _, s := range stores {
			m.stores = append(m.stores, collection(t, s, "random"))
		}
		for range rapid.IntRange(1, steps).Draw(rt, "steps") {
			m.step(t, rt)
		}
	})
}

type key struct{ tenant, id string }

type machine struct {
	stores []docstore.Collection[Sample]
	model  map[key]Sample
}

var (
	someTenants = rapid.SampledFrom([]string{"nordvik", "sorvik"})
	someIDs     = rapid.SampledFrom([]string{"a", "b", "B", "c/d", "é", "ø", "z", "\U00010000", "\uffff"})
	someText    = rapid.SampledFrom([]string{"", "a", "A", "ab", "ab%", "a_", "b", "ø", "Ø", "\uffff", "\U00010000", "'", "1", "true"})
	someNumber  = rapid.SampledFrom([]int64{0, 1, -1, 2, 10, 1 << 53, 1<<53 + 1})
	someFloat   = rapid.SampledFrom([]float64{0, 0.5, 1, -1.5, 1e20, 1 << 53})
	base        = time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
	someTime    = rapid.Custom(func(t *rapid.T) time.Time {
		d := rapid.SampledFrom([]time.Duration{0, 1, 100 * time.Millisecond, time.Second, -time.Hour}).Draw(t, "d")
		return base.Add(d).In(time.FixedZone("", rapid.SampledFrom([]int{0, 3600, -19800}).Draw(t, "zone")))
	})
	someSample = rapid.Custom(func(t *rapid.T) Sample {
		v := Sample{
			Name: someText.Draw(t, "name"), State: someText.Draw(t, "state"), Rank: someNumber.Draw(t, "rank"),
			Score: someFloat.Draw(t, "score"), Open: rapid.Bool().Draw(t, "open"),
			Unit: Unit{ID: someText.Draw(t, "unit")}, Slot: rapid.SampledFrom([]string{"", "", "", "s1", "s2"}).Draw(t, "slot"),
			Tags: rapid.SliceOfN(someText, 0, 3).Draw(t, "tags"),
			Extra: rapid.SampledFrom([]any{nil, "a", 1.0, true, false, 0.5, []any{"a", 1.0}, []any{}, map[string]any{"a": "b"},
				[]any{[]any{"a"}, nil}}).Draw(t, "extra"),
		}
		if rapid.Bool().Draw(t, "has due") {
			d := someTime.Draw(t, "due")
			v.Due = &d
		}
		for range rapid.IntRange(0, 2).Draw(t, "tasks") {
			v.Tasks = append(v.Tasks, Task{Owner: someText.Draw(t, "owner"), Done: rapid.Bool().Draw(t, "done"), Due: someTime.Draw(t, "task due")})
		}
		return v
	})
)

func (m *machine) step(t *testing.T, rt *rapid.T) {
	tid, id := someTenants.Draw(rt, "tenant"), someIDs.Draw(rt, "id")
	k := key{tid, id}
	switch rapid.SampledFrom([]string{"insert", "insert", "update", "delete", "get", "find", "find", "find", "group"}).Draw(rt, "op") {
	case "insert":
		m.insert(t, rt, k, someSample.Draw(rt, "value"))
	case "update":
		m.update(t, rt, k, someSample.Draw(rt, "value"))
	case "delete":
		_, there := m.model[k]
		for _, c := range m.stores {
			expect(rt, unless(there, docstore.ErrNotFound), c.Delete(in(t.Context(), tenant.ID(tid)), id))
		}
		delete(m.model, k)
	case "get":
		m.get(t, rt, k)
	case "group":
		m.group(t, rt, k)
	default:
		m.find(t, rt, k)
	}
}

func unless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

func expect(rt *rapid.T, want, got error) {
	if want == nil {
		require.NoError(rt, got)
		return
	}
	require.ErrorIs(rt, got, want)
}

// clash is the suite's unique index: slot, among open documents of a tenant.
func (m *machine) clash(k key, v Sample) bool {
	for ok, o := range m.model {
		if ok != k && ok.tenant == k.tenant && o.Open && v.Open && o.Slot != "" && o.Slot == v.Slot {
			return true
		}
	}
	return false
}

func (m *machine) insert(t *testing.T, rt *rapid.T, k key, v Sample) {
	_, there := m.model[k]
	fails := there || m.clash(k, v)
	for _, c := range m.stores {
		_, err := c.Insert(in(t.Context(), tenant.ID(k.tenant)), k.id, v)
		expect(rt, unless(!fails, docstore.ErrExists), err)
	}
	if !fails {
		m.model[k] = v
	}
}

func (m *machine) update(t *testing.T, rt *rapid.T, k key, v Sample) {
	_, there := m.model[k]
	var want error
	switch {
	case !there:
		want = docstore.ErrNotFound
	case m.clash(k, v):
		want = docstore.ErrExists
	}
	for _, c := range m.stores {
		_, err := c.Update(in(t.Context(), tenant.ID(k.tenant)), k.id, func(o *Sample, _ *docstore.Outbox) error { *o = v; return nil })
		expect(rt, want, err)
	}
	if want == nil {
		m.model[k] = v
	}
}

func (m *machine) get(t *testing.T, rt *rapid.T, k key) {
	v, there := m.model[k]
	for _, c := range m.stores {
		d, err := c.Get(in(t.Context(), tenant.ID(k.tenant)), k.id)
		expect(rt, unless(there, docstore.ErrNotFound), err)
		if err == nil {
			require.JSONEq(rt, asJSON(rt, v), asJSON(rt, d.Value))
		}
	}
}

// asJSON gives the value with its times in UTC, as they come back.
func asJSON(rt *rapid.T, v Sample) string {
	if v.Due != nil {
		u := v.Due.UTC()
		v.Due = &u
	}
	v.Tasks = slices.Clone(v.Tasks)
	for i := range v.Tasks {
		v.Tasks[i].Due = v.Tasks[i].Due.UTC()
	}
	raw, err := json.Marshal(v)
	require.NoError(rt, err)
	return string(raw)
}

func (m *machine) find(t *testing.T, rt *rapid.T, k key) {
	f := drawFilter(rt, 3)
	order := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) docstore.Sort {
		return docstore.Sort{
			Field: rapid.SampledFrom([]string{"name", "state", "rank", "score", "open", "due", "unit.id", "_id", "_tenant"}).Draw(t, "field"),
			Desc:  rapid.Bool().Draw(t, "desc"),
		}
	}), 0, 3).Draw(rt, "sort")
	limit := rapid.IntRange(1, 6).Draw(rt, "limit")
	ctx, all := in(t.Context(), tenant.ID(k.tenant)), rapid.IntRange(0, 3).Draw(rt, "system") == 0
	if all {
		ctx = systemscope.Enter(t.Context(), "test")
	}
	want := m.expected(f, order, func(o key) bool { return all || o.tenant == k.tenant })
	for i, c := range m.stores {
		var got []key
		opt := docstore.FindOptions{Sort: order, Limit: limit}
		for {
			page, err := c.Find(ctx, f, opt)
			require.NoError(rt, err)
			for _, d := range page.Docs {
				got = append(got, key{d.Tenant, d.ID})
			}
			if opt.After = page.Next; page.Next == "" {
				break
			}
		}
		require.Equal(rt, want, got, "store %d: %#v by %v", i, f, order)
		n, err := c.Count(ctx, f)
		require.NoError(rt, err)
		require.Equal(rt, len(want), n)
	}
}

func (m *machine) group(t *testing.T, rt *rapid.T, k key) {
	f := drawFilter(rt, 2)
	field := rapid.SampledFrom([]string{"name", "state", "rank", "open", "tags", "tasks.owner", "tasks.done", "unit.id"}).Draw(rt, "field")
	counts := map[any]int{}
	for _, o := range m.expected(f, nil, func(o key) bool { return o.tenant == k.tenant }) {
		values := resolve(tree(m.model[o]), field)
		if array := field == "tags" || strings.HasPrefix(field, "tasks."); len(values) == 0 && !array {
			values = []any{nil}
		}
		for _, v := range values {
			counts[v]++
		}
	}
	for _, c := range m.stores {
		groups, err := c.GroupCount(in(t.Context(), tenant.ID(k.tenant)), f, field)
		require.NoError(rt, err)
		require.True(rt, sort.SliceIsSorted(groups, func(i, j int) bool { return groups[i].Count > groups[j].Count }))
		got := map[any]int{}
		for _, g := range groups {
			if n, ok := g.Value.(int64); ok && int64(float64(n)) == n {
				g.Value = float64(n)
			}
			got[g.Value] = g.Count
		}
		require.Equal(rt, counts, got, "%#v by %s", f, field)
	}
}

// expected is the model's answer: all documents that match, in order.
func (m *machine) expected(f docstore.Filter, order []docstore.Sort, visible func(key) bool) []key {
	var out []key
	for k, v := range m.model {
		doc := tree(v)
		doc["_id"], doc["_tenant"] = k.id, k.tenant
		if visible(k) && matches(f, doc) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b key) int {
		da, db := tree(m.model[a]), tree(m.model[b])
		da["_id"], db["_id"], da["_tenant"], db["_tenant"] = a.id, b.id, a.tenant, b.tenant
		for _, s := range order {
			c := order3(one(da, s.Field), one(db, s.Field))
			if s.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.id, b.id))
	})
	return out
}

var errNoValue = errors.New("no value")

func one(doc map[string]any, field string) any {
	values := resolve(doc, field)
	if len(values) == 0 {
		return errNoValue
	}
	return values[0]
}

func order3(a, b any) int {
	if a == errNoValue || b == errNoValue { //nolint:errorlint // the very value, used as a mark
		return cmp.Compare(boolInt(a != errNoValue), boolInt(b != errNoValue)) //nolint:errorlint // as above
	}
	c, _ := compare(a, b)
	return c
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func drawFilter(rt *rapid.T, depth int) docstore.Filter {
	kinds := []string{"text", "text", "number", "bool", "time", "any", "exists", "null", "nil"}
	if depth > 0 {
		kinds = append(kinds, "and", "or", "not", "and", "or", "not")
	}
	some := func() []docstore.Filter {
		var out []docstore.Filter
		for range rapid.IntRange(0, 3).Draw(rt, "kids") {
			out = append(out, drawFilter(rt, depth-1))
		}
		return out
	}
	field := func(names ...string) string { return rapid.SampledFrom(names).Draw(rt, "field") }
	switch rapid.SampledFrom(kinds).Draw(rt, "filter") {
	case "and":
		return docstore.And(some())
	case "or":
		return docstore.Or(some())
	case "not":
		f := drawFilter(rt, depth-1)
		if f == nil {
			f = docstore.And{}
		}
		return docstore.Not{Filter: f}
	case "text":
		return drawComparison(rt, field("name", "state", "tags", "tasks.owner", "unit.id", "_id", "slot"), someText.AsAny(), true)
	case "number":
		if rapid.Bool().Draw(rt, "float") {
			return drawComparison(rt, field("rank", "score"), someFloat.AsAny(), false)
		}
		return drawComparison(rt, field("rank", "score"), someNumber.AsAny(), false)
	case "bool":
		return docstore.Eq{Field: field("open", "tasks.done", "extra"), Value: rapid.Bool().Draw(rt, "value")}
	case "time":
		return drawComparison(rt, field("due", "tasks.due"), someTime.AsAny(), false)
	case "any":
		if rapid.Bool().Draw(rt, "number") {
			return drawComparison(rt, "extra", someFloat.AsAny(), false)
		}
		return drawComparison(rt, "extra", someText.AsAny(), true)
	case "exists":
		return docstore.Exists{Field: field("state", "due", "tasks", "tasks.owner", "unit", "extra", "tags", "unit.level")}
	case "null":
		return docstore.Eq{Field: field("state", "due", "tasks", "tasks.owner", "extra"), Value: nil}
	default:
		return nil
	}
}

func drawComparison(rt *rapid.T, field string, values *rapid.Generator[any], text bool) docstore.Filter {
	forms := []string{"eq", "eq", "in", "range", "range"}
	if text {
		forms = append(forms, "prefix")
	}
	switch rapid.SampledFrom(forms).Draw(rt, "form") {
	case "eq":
		return docstore.Eq{Field: field, Value: values.Draw(rt, "value")}
	case "in":
		return docstore.In{Field: field, Values: rapid.SliceOfN(values, 0, 3).Draw(rt, "values")}
	case "prefix":
		return docstore.Prefix{Field: field, Value: fmt.Sprint(values.Draw(rt, "value"))}
	default:
		r := docstore.Range{Field: field}
		*rapid.SampledFrom([]*any{&r.Gt, &r.Gte}).Draw(rt, "low") = values.Draw(rt, "from")
		if rapid.Bool().Draw(rt, "closed") {
			*rapid.SampledFrom([]*any{&r.Lt, &r.Lte}).Draw(rt, "high") = values.Draw(rt, "to")
		}
		return r
	}
}
