package correlator

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"varde.internal/schemas/topics"
)

// view is the register and the directory of one tenant in memory, with the
// lookups that rules need. Facts replace each other whole, because every fact
// carries its full history.
type view struct {
	vendors    map[string]topics.History[topics.Vendor]
	agreements map[string]topics.History[topics.Agreement]
	listed     map[string]topics.History[topics.VendorPerson]
	windows    map[string]topics.History[topics.AccessWindow]
	systems    map[string]topics.History[topics.System]
	accounts   map[string]topics.History[topics.Account]
	people     map[string]topics.History[topics.Person]

	stale         bool
	agreementList []topics.History[topics.Agreement]
	bySpelling    map[string][]string // spelling of an account → account ids, sorted
	byHost        map[string][]string // host and its first label → system ids, sorted
	byCert        map[string][]string // certificate id or key fingerprint → vendor-person ids
	networks      []network           // longest prefix first
	byVendor      map[string][]string // vendor → window ids, sorted
	ownersOf      map[string][]string // account id → vendor-person ids
	byPerson      map[string][]string // person → account ids
}

// network is a range or a station name that a vendor, or one of its people,
// works from in the versions where it is listed.
type network struct {
	prefix netip.Prefix
	name   string // a station, where it is no address
	vendor string
	person string // empty: the whole vendor
}

func newView() *view {
	return &view{
		vendors: map[string]topics.History[topics.Vendor]{}, agreements: map[string]topics.History[topics.Agreement]{},
		listed: map[string]topics.History[topics.VendorPerson]{}, windows: map[string]topics.History[topics.AccessWindow]{},
		systems: map[string]topics.History[topics.System]{}, accounts: map[string]topics.History[topics.Account]{},
		people: map[string]topics.History[topics.Person]{}, stale: true,
	}
}

// apply takes a fact in. changed names the kind where it is one that rules look
// at; an error is a fact that cannot be read, and leaves the view as it was.
func (v *view) apply(f topics.Fact) (changed bool, err error) {
	switch f.Kind {
	case topics.KindVendor:
		err = put(v.vendors, f)
	case topics.KindAgreement:
		err = put(v.agreements, f)
	case topics.KindVendorPerson:
		err = put(v.listed, f)
	case topics.KindAccessWindow:
		err = put(v.windows, f)
	case topics.KindSystem:
		err = put(v.systems, f)
	case topics.KindAccount:
		err = put(v.accounts, f)
	case topics.KindPerson:
		err = put(v.people, f)
	default:
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("correlator: %s %s: %w", f.Kind, f.ID, err)
	}
	v.stale = true
	return true, nil
}

func put[T any](m map[string]topics.History[T], f topics.Fact) error {
	if len(f.Versions) == 0 {
		delete(m, f.ID)
		return nil
	}
	h, err := topics.HistoryOf[T](f)
	if err == nil {
		m[f.ID] = h
	}
	return err
}

// index rebuilds the lookups after facts have changed.
func (v *view) index() {
	if !v.stale {
		return
	}
	v.stale = false
	v.bySpelling, v.byHost, v.byCert = map[string][]string{}, map[string][]string{}, map[string][]string{}
	v.byVendor, v.ownersOf, v.byPerson = map[string][]string{}, map[string][]string{}, map[string][]string{}
	v.networks = nil
	v.agreementList = nil
	for _, id := range slices.Sorted(maps.Keys(v.agreements)) {
		v.agreementList = append(v.agreementList, v.agreements[id])
	}
	for id, h := range v.accounts {
		for _, t := range h.Versions {
			for _, s := range spellings(t.Value) {
				addTo(v.bySpelling, s, id)
			}
			addTo(v.byPerson, t.Value.PersonID, id)
		}
	}
	for id, h := range v.systems {
		for _, t := range h.Versions {
			for _, host := range t.Value.Hosts {
				addTo(v.byHost, firstLabel(fold(host)), id)
			}
		}
	}
	for id, h := range v.windows {
		for _, t := range h.Versions {
			addTo(v.byVendor, t.Value.VendorID, id)
		}
	}
	v.indexPeople()
	for _, m := range []map[string][]string{v.bySpelling, v.byHost, v.byCert, v.byVendor, v.ownersOf, v.byPerson} {
		for _, ids := range m {
			slices.Sort(ids)
		}
	}
}

func (v *view) indexPeople() {
	for id, h := range v.vendors {
		for _, t := range h.Versions {
			for _, n := range t.Value.Networks {
				v.addNetwork(n, id, "")
			}
		}
	}
	for id, h := range v.listed {
		for _, t := range h.Versions {
			for _, n := range t.Value.Networks {
				v.addNetwork(n, t.Value.VendorID, id)
			}
			for _, c := range slices.Concat(t.Value.CertIDs, t.Value.KeyFingerprints) {
				addTo(v.byCert, c, id)
			}
			for _, a := range t.Value.Accounts {
				addTo(v.ownersOf, a, id)
			}
		}
	}
	slices.SortFunc(v.networks, func(a, b network) int {
		return cmp.Or(cmp.Compare(b.prefix.Bits(), a.prefix.Bits()), cmp.Compare(a.name, b.name),
			cmp.Compare(a.vendor, b.vendor), cmp.Compare(a.person, b.person))
	})
	v.networks = slices.Compact(v.networks)
}

func (v *view) addNetwork(s, vendor, person string) {
	n := network{vendor: vendor, person: person}
	if p, ok := parsePrefix(s); ok {
		n.prefix = p
	} else {
		n.name = fold(s)
	}
	if n.name != "" || n.prefix.IsValid() {
		v.networks = append(v.networks, n)
	}
}

// parsePrefix reads a CIDR range or a single address.
func parsePrefix(s string) (netip.Prefix, bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

func addTo(m map[string][]string, key, id string) {
	if key != "" && !slices.Contains(m[key], id) {
		m[key] = append(m[key], id)
	}
}

// firstLabel is the host's own name without its domain; addresses stay whole.
func firstLabel(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	label, _, _ := strings.Cut(host, ".")
	return label
}

// sameHost compares a registered host with the one that logged: equal, or one
// of them without its domain.
func sameHost(registered, logged string) bool {
	return registered == logged ||
		(firstLabel(registered) == firstLabel(logged) && (!strings.Contains(registered, ".") || !strings.Contains(logged, ".")))
}

// spellings are the forms under which the register knows the account.
func spellings(a topics.Account) []string {
	name, realm := fold(a.Name), fold(a.Realm)
	s := []string{name}
	if realm != "" {
		s = append(s, realm+`\`+name, name+"@"+realm)
	}
	for _, alias := range a.Aliases {
		s = append(s, fold(alias))
	}
	return s
}

// agreement judges the vendor's agreement for the system at the moment.
func (v *view) agreement(vendor, system string, at time.Time) topics.AgreementVerdict {
	return topics.JudgeAgreements(v.agreementList, vendor, system, at)
}

func (v *view) vendorName(id string, at time.Time) string {
	return nameOf(v.vendors, id, at, func(x topics.Vendor) string { return x.Name })
}

func (v *view) systemName(id string, at time.Time) string {
	if host, ok := strings.CutPrefix(id, hostGroup); ok {
		return host
	}
	return nameOf(v.systems, id, at, func(x topics.System) string { return x.Name })
}

func nameOf[T any](m map[string]topics.History[T], id string, at time.Time, name func(T) string) string {
	h := m[id]
	t, ok := h.At(at)
	if !ok {
		t, ok = h.Last()
	}
	if !ok {
		return id
	}
	return cmp.Or(name(t.Value), id)
}

// isVendor reports whether the id is a vendor's or one of a vendor's people:
// nobody of them approves anything (trap 1).
func (v *view) isVendor(id string) bool {
	_, vendor := v.vendors[id]
	_, person := v.listed[id]
	return vendor || person
}
