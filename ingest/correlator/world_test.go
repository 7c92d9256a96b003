package correlator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

const boe = "boe"

// day is the Friday that the tests play on, midnight UTC.
var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func at(clock string) time.Time {
	for _, layout := range []string{"15:04:05.000", "15:04:05", "15:04"} {
		if t, err := time.Parse(layout, clock); err == nil {
			return day.Add(t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))
		}
	}
	panic(clock)
}

func days(n int) time.Time { return day.AddDate(0, 0, n) }

type option func(*topics.Version)

func from(t time.Time) option  { return func(v *topics.Version) { v.ValidFrom = t } }
func until(t time.Time) option { return func(v *topics.Version) { v.ValidTo = t } }
func recorded(t time.Time) option {
	return func(v *topics.Version) { v.RecordedAt = t }
}
func gone(v *topics.Version) { v.Deleted, v.Data = true, nil }

// version of data that holds since long ago unless options say otherwise.
func version(data any, opts ...option) topics.Version {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	v := topics.Version{ValidFrom: days(-300), RecordedAt: days(-300), Data: raw}
	for _, o := range opts {
		o(&v)
	}
	return v
}

func fact(kind, name string, versions ...topics.Version) topics.Fact {
	return topics.Fact{Kind: kind, ID: name, Tenant: boe, Versions: versions}
}

// region is a small register: the vendor Nordlys serves arkivum on ark01, with a
// valid agreement and Ola on its access list, and a window from 08 to 18.
func region() []topics.Fact {
	return []topics.Fact{
		fact(topics.KindVendor, "nordlys", version(topics.Vendor{Name: "Nordlys Fagsystemer AS", Networks: []string{"10.9.0.0/16"}})),
		fact(topics.KindVendor, "fjord", version(topics.Vendor{Name: "Fjord IT", Networks: []string{"10.8.0.0/16"}})),
		fact(topics.KindSystem, "arkivum", version(topics.System{Name: "Arkivum", UnitID: "u1", Hosts: []string{"ark01"}})),
		fact(topics.KindSystem, "lonn", version(topics.System{Name: "Lønn", UnitID: "u1", Hosts: []string{"lonn01.boe.example"}})),
		fact(topics.KindAgreement, "avtale", version(topics.Agreement{VendorID: "nordlys", Title: "DBA", Signed: true, Systems: []string{"arkivum"}, Annexes: topics.Annexes})),
		fact(topics.KindAccount, "a-ola", version(topics.Account{Name: "nf-ola", VendorID: "nordlys", Systems: []string{"arkivum"}})),
		fact(topics.KindAccount, "a-siv", version(topics.Account{Name: "nf-siv", VendorID: "nordlys", Systems: []string{"arkivum"}})),
		fact(topics.KindAccount, "a-kari", version(topics.Account{Realm: "BØ", Name: "kari", Aliases: []string{"kari@boe.example"}, PersonID: "p-kari"})),
		fact(topics.KindVendorPerson, "vp-ola", version(topics.VendorPerson{
			VendorID: "nordlys", Name: "Ola", Accounts: []string{"a-ola"}, CertIDs: []string{"ola@nordlys"},
			KeyFingerprints: []string{"SHA256:ola"}, Networks: []string{"10.9.1.1"},
		})),
		fact(topics.KindVendorPerson, "vp-per", version(topics.VendorPerson{VendorID: "nordlys", Name: "Per", CertIDs: []string{"per@nordlys"}, Networks: []string{"10.9.1.2"}})),
		fact(topics.KindPerson, "p-kari", version(topics.Person{Name: "Kari", UnitID: "u1"})),
		window("w-day", at("08:00"), at("18:00")),
	}
}

// window is approved the day before.
func window(name string, start, end time.Time, change ...func(*topics.AccessWindow)) topics.Fact {
	w := topics.AccessWindow{
		VendorID: "nordlys", Systems: []string{"arkivum"}, From: start, To: end,
		ApprovedBy: "p-eier", ApprovedAt: days(-1),
	}
	for _, c := range change {
		c(&w)
	}
	return fact(topics.KindAccessWindow, name, version(w, from(days(-2)), recorded(days(-2))))
}

// world is a core with what it has said.
type world struct {
	t    testing.TB
	core *Core
	now  time.Time
	said []Output
	n    int
	seq  int64
}

func newWorld(t testing.TB, facts ...topics.Fact) *world {
	w := &world{t: t, now: days(1), core: NewCore(Options{
		Rules: Rules(), Params: DefaultParams(), LookBack: 7 * 24 * time.Hour, Limit: 1000,
	})}
	_, errs := w.core.Facts(facts, w.now)
	require.Empty(t, errs)
	w.keep(w.core.Start(w.now))
	return w
}

func (w *world) keep(out []Output) { w.said = append(w.said, out...) }

// learn gives the core a change of the register.
func (w *world) learn(facts ...topics.Fact) {
	out, errs := w.core.Facts(facts, w.now)
	require.Empty(w.t, errs)
	w.keep(out)
}

func (w *world) see(events ...*ecs.Event) {
	for _, e := range events {
		w.keep(w.core.Event(e, nil, false, w.now))
	}
}

// pass lets time pass on the wall.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.keep(w.core.Tick(w.now, false))
}

type change func(*ecs.Event)

func user(name string) change { return func(e *ecs.Event) { e.User.Name = name } }
func host(name string) change { return func(e *ecs.Event) { e.Host.Name = name } }
func ip(a string) change      { return func(e *ecs.Event) { e.Source.IP = a } }
func failed(e *ecs.Event)     { e.Event.Outcome = ecs.OutcomeFailure }
func method(m string) change  { return func(e *ecs.Event) { e.Varde.Method = m } }
func cert(name string) change {
	return func(e *ecs.Event) { e.Varde.Method, e.Varde.Key = "certificate", &ecs.Key{CertID: name} }
}
func key(fingerprint string) change {
	return func(e *ecs.Event) { e.Varde.Method, e.Varde.Key = "publickey", &ecs.Key{Fingerprint: fingerprint} }
}
func repeat(n int) change        { return func(e *ecs.Event) { e.Varde.Repeat = n } }
func source(s string) change     { return func(e *ecs.Event) { e.Varde.Source = s } }
func provenance(p string) change { return func(e *ecs.Event) { e.Varde.Provenance = p } }
func station(s string) change    { return func(e *ecs.Event) { e.Varde.Station = s } }
func realm(r, name string) change {
	return func(e *ecs.Event) { e.Varde.Account = &ecs.Account{Realm: r, Name: name} }
}
func dataset(d string) change { return func(e *ecs.Event) { e.Event.Dataset = d } }
func locked(e *ecs.Event) {
	e.Varde.Attempt, e.Event.Action, e.Event.Outcome = false, ecs.ActionAccountLocked, ""
}
func notAttempt(e *ecs.Event) { e.Varde.Attempt = false }

// login is a successful password login of Ola on ark01, from an address that is
// on no list, unless changes say otherwise.
func (w *world) login(clock string, changes ...change) *ecs.Event {
	w.n++
	w.seq += 100
	e := &ecs.Event{
		Timestamp: at(clock),
		Event:     ecs.Meta{ID: id.Of("event", fmt.Sprint(w.n)), Action: ecs.ActionLogin, Outcome: ecs.OutcomeSuccess, Dataset: "sshd"},
		User:      &ecs.User{Name: "nf-ola"}, Source: &ecs.Endpoint{IP: "192.0.2.7"}, Host: &ecs.Host{Name: "ark01"},
		Process: &ecs.Process{Name: "sshd-session"}, Log: &ecs.Log{Offset: w.seq, File: &ecs.LogFile{Path: "auth.log"}},
		Varde: ecs.Varde{Tenant: boe, Source: "s1", Attempt: true, Method: "password", Provenance: ecs.ProvenanceFile},
	}
	for _, c := range changes {
		c(e)
	}
	e.Event.Original = fmt.Sprintf("%s line %d", e.Timestamp.Format(time.RFC3339Nano), w.n)
	h := sha256.Sum256([]byte(e.Event.Original))
	e.Event.Hash = hex.EncodeToString(h[:])
	return e
}

// fails is n failed passwords, a second apart.
func (w *world) fails(clock string, n int, changes ...change) (events []*ecs.Event) {
	for i := range n {
		e := w.login(clock, append([]change{failed}, changes...)...)
		e.Timestamp = at(clock).Add(time.Duration(i) * time.Second)
		events = append(events, e)
	}
	return events
}

// standing gives what is found and not withdrawn, by id.
func (w *world) standing() map[string]topics.Finding {
	m := map[string]topics.Finding{}
	for _, o := range w.said {
		if o.Raised {
			m[o.Finding.ID] = o.Finding
		} else {
			delete(m, o.Finding.ID)
		}
	}
	return m
}

// rules gives the rules of what stands, sorted, one per finding.
func (w *world) rules() []string {
	list := []string{}
	for _, f := range w.standing() {
		list = append(list, f.Rule)
	}
	slices.Sort(list)
	return list
}

// ever gives the rules of all that was ever raised, sorted.
func (w *world) ever() []string {
	m := map[string]string{}
	for _, o := range w.said {
		if o.Raised {
			m[o.Finding.ID] = o.Finding.Rule
		}
	}
	return slices.Sorted(maps.Values(m))
}

func (w *world) only() topics.Finding {
	w.t.Helper()
	s := w.standing()
	require.Len(w.t, s, 1, "rules: %v", w.rules())
	for _, f := range s {
		return f
	}
	panic("unreachable")
}

func (w *world) lastWithdrawal() topics.Finding {
	w.t.Helper()
	for _, o := range slices.Backward(w.said) {
		if !o.Raised {
			return o.Finding
		}
	}
	require.Fail(w.t, "nothing was withdrawn")
	panic("unreachable")
}
