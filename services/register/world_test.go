package register

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/problem"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
	registerhttp "varde.internal/services/register/http"
)

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const bjorkvag = tenant.ID("bjorkvag")

// service is the use cases on a real store, and somebody who asks.
func service(t testing.TB) (context.Context, *Service) {
	t.Helper()
	s, err := NewService(t.Context(), run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return today }, Docs: sqlite.OpenTemp(t),
		Audit: &audittest.Recorder{}, Secret: func(string) []byte { return make([]byte, 32) },
	})
	require.NoError(t, err)
	p := authtest.Person(bjorkvag, auth.RoleSystemOwner, auth.RoleSecurityOfficer)
	return tenant.With(auth.With(t.Context(), p), bjorkvag), s
}

func entity(kind, id string, data any) topics.Fact {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return topics.Fact{Kind: kind, ID: id, Tenant: string(bjorkvag), Versions: []topics.Version{
		{ValidFrom: today.AddDate(-1, 0, 0), RecordedAt: today.AddDate(-1, 0, 0), Data: text}}}
}

// counted notes which kinds are read whole.
type counted struct {
	docstore.Collection[Entry]
	kinds []string
}

func (c *counted) Find(ctx context.Context, f docstore.Filter, opt docstore.FindOptions) (docstore.Page[Entry], error) {
	if eq, ok := f.(docstore.Eq); ok {
		c.kinds = append(c.kinds, fmt.Sprint(eq.Value))
	}
	return c.Collection.Find(ctx, f, opt)
}

func TestARequestReadsTheKindsItNeedsAndNoOthers(t *testing.T) {
	t.Parallel()
	ctx, s := service(t)
	_, err := s.Import(ctx, region(1))
	require.NoError(t, err)
	store := &counted{Collection: s.entries}
	s.entries = store
	reads := func(use func() error) []string {
		store.kinds = nil
		require.NoError(t, use())
		return store.kinds
	}
	list := func(kind string) func() error {
		return func() error {
			page, err := api{s}.Kind(kind).List(ctx, registerhttp.List{})
			if text, _ := json.Marshal(page); err == nil && len(text) < 100 {
				return fmt.Errorf("an empty page: %s", text)
			}
			return err
		}
	}
	get := func(kind, id string) func() error {
		return func() error {
			_, err := api{s}.Kind(kind).Get(ctx, id, time.Time{}, time.Time{})
			return err
		}
	}
	for what, c := range map[string]struct {
		use  func() error
		want []string
	}{
		"accounts":    {list("accounts"), []string{topics.KindAccount}},
		"sources":     {list("sources"), []string{topics.KindSource}},
		"agreements":  {list("agreements"), []string{topics.KindAgreement}},
		"people":      {list("vendor-persons"), []string{topics.KindVendorPerson}},
		"vendors":     {list("vendors"), []string{topics.KindVendor, topics.KindAgreement}},
		"systems":     {list("systems"), []string{topics.KindSystem, topics.KindVendor, topics.KindVendorPerson}},
		"windows":     {list("windows"), []string{topics.KindAccessWindow, topics.KindAgreement}},
		"one account": {get("accounts", "account-0"), nil},
		"one system":  {get("systems", "system-0"), []string{topics.KindVendor, topics.KindVendorPerson}},
	} {
		require.Equal(t, c.want, reads(c.use), what)
	}
}

func TestAReadThatFailsLetsNobodyThrough(t *testing.T) {
	t.Parallel()
	ctx, s := service(t)
	facts := region(1)
	i := slices.IndexFunc(facts, func(f topics.Fact) bool { return f.Kind == topics.KindSystem })
	facts[i].Versions[0].Data = json.RawMessage(`{"name":7}`)
	_, err := s.Import(ctx, facts)
	require.NoError(t, err)
	s.people.caughtUp()
	_, err = s.ApproveWindow(ctx, "window-0", registerapi.WindowApproval{})
	require.ErrorContains(t, err, "data of a fact")
	_, err = api{s}.Calendar(ctx, today.AddDate(0, 0, -1), today.AddDate(0, 0, 1), "", "")
	require.ErrorContains(t, err, "data of a fact")
}

// Who may approve is known when the directory was read: until then nobody is
// turned away for good, and nobody let through.
func TestNobodyApprovesBeforeTheDirectoryIsRead_R24(t *testing.T) {
	t.Parallel()
	ctx, s := service(t)
	_, err := s.Import(ctx, region(1))
	require.NoError(t, err)
	_, err = s.ApproveWindow(ctx, "window-0", registerapi.WindowApproval{})
	require.Equal(t, problem.KindUnavailable, problem.From(err).Kind)
	s.people.caughtUp()
	_, err = s.ApproveWindow(ctx, "window-0", registerapi.WindowApproval{})
	require.ErrorIs(t, err, errApprover)
}

func TestAnImportNamesAnIdThatAnotherKindHas(t *testing.T) {
	t.Parallel()
	ctx, s := service(t)
	n, err := s.Import(ctx, []topics.Fact{entity(topics.KindVendor, "one", topics.Vendor{Name: "Nordlys"})})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = s.Import(ctx, []topics.Fact{entity(topics.KindVendor, "one", topics.Vendor{Name: "Nordlys"}), entity(topics.KindSystem, "two", topics.System{Name: "Arkivum"})})
	require.NoError(t, err, "what is there already stays")
	require.Equal(t, 1, n)
	n, err = s.Import(ctx, []topics.Fact{entity(topics.KindVendor, "three", topics.Vendor{Name: "Havbris"}), entity(topics.KindSystem, "one", topics.System{Name: "Lønn"})})
	require.ErrorContains(t, err, "import of a system")
	require.ErrorContains(t, err, "that of a vendor")
	require.Equal(t, 1, n)
	f, err := s.fact(ctx, topics.KindVendor, "one")
	require.NoError(t, err)
	require.Len(t, f.Versions, 1)
}

// region is a register of 50·n entities: mostly accounts and windows.
func region(n int) (facts []topics.Fact) {
	ids := func(kind string, count, of int) (names []string) {
		for i := range count {
			names = append(names, fmt.Sprintf("%s-%d", kind, (of+i)%(max(1, n))))
		}
		return names
	}
	for i := range n {
		vendor := fmt.Sprintf("vendor-%d", i)
		facts = append(facts, entity(topics.KindVendor, vendor, topics.Vendor{Name: "Vendor " + vendor, Networks: []string{"192.0.2.0/24"}}),
			entity(topics.KindSystem, fmt.Sprintf("system-%d", i), topics.System{Name: fmt.Sprintf("System %d", i), UnitID: "u1", Owner: fmt.Sprintf("person-%d", i), Responsible: "person-1", Vendors: []string{vendor}}),
			entity(topics.KindSource, fmt.Sprintf("source-%d", i), topics.Source{Name: fmt.Sprintf("Source %d", i), Kind: "syslog"}),
			entity(topics.KindAgreement, fmt.Sprintf("agreement-%d", i), topics.Agreement{VendorID: vendor, Title: fmt.Sprintf("Agreement %d", i), Signed: true, Annexes: topics.Annexes, Checked: topics.ChecklistPoints}))
		for j := range 6 {
			facts = append(facts, entity(topics.KindVendorPerson, fmt.Sprintf("consultant-%d", i*6+j), topics.VendorPerson{VendorID: vendor, Name: fmt.Sprintf("Consultant %d", i*6+j)}))
		}
		for j := range 30 {
			facts = append(facts, entity(topics.KindAccount, fmt.Sprintf("account-%d", i*30+j), topics.Account{Realm: "BØ", Name: fmt.Sprintf("account%d", i*30+j), Systems: ids("system", 1, i), PersonID: fmt.Sprintf("person-%d", j)}))
		}
		for j := range 10 {
			facts = append(facts, entity(topics.KindAccessWindow, fmt.Sprintf("window-%d", i*10+j), topics.AccessWindow{VendorID: vendor, Systems: ids("system", 1, i), From: today.AddDate(0, 0, -j), To: today.AddDate(0, 0, 1-j)}))
		}
	}
	return facts
}

// BenchmarkRequests is the register's requests on 5,000 entities.
func BenchmarkRequests(b *testing.B) {
	ctx, s := service(b)
	facts := region(100)
	var g errgroup.Group
	for part := range slices.Chunk(facts, len(facts)/100) { // the store commits what waits together
		g.Go(func() error { _, err := s.Import(ctx, part); return err })
	}
	require.NoError(b, g.Wait())
	s.people.caughtUp()
	for _, kind := range []string{"vendors", "systems", "accounts", "windows"} {
		b.Run("list "+kind, func(b *testing.B) {
			for b.Loop() {
				_, err := api{s}.Kind(kind).List(ctx, registerhttp.List{Limit: 50})
				require.NoError(b, err)
			}
		})
	}
	b.Run("get account", func(b *testing.B) {
		for b.Loop() {
			_, err := api{s}.Kind("accounts").Get(ctx, "account-7", time.Time{}, time.Time{})
			require.NoError(b, err)
		}
	})
	b.Run("change vendor", func(b *testing.B) {
		for b.Loop() {
			_, err := api{s}.Kind("vendors").Change(ctx, "vendor-7", []byte(`{"data":{"name":"Nordlys"}}`))
			require.NoError(b, err)
		}
	})
	n := 0
	b.Run("create account", func(b *testing.B) {
		for b.Loop() {
			n++
			_, err := api{s}.Kind("accounts").Create(ctx, fmt.Appendf(nil, `{"data":{"realm":"BØ","name":"new%d"}}`, n))
			require.NoError(b, err)
		}
	})
}
