package correlator

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"varde.internal/schemas/topics"
)

// hostGroup marks a group that is a host because no registered system logs there.
const hostGroup = "host:"

// logon is an attempt as the register sees it: whose account, on which system,
// for which vendor, and who is behind it. It is made anew for each judgement,
// because the register may have changed.
type logon struct {
	*Attempt
	accountID string
	account   topics.Account
	exists    bool      // the account exists at the time
	ended     time.Time // when it ended, where it did
	key       string    // of the account, for grouping: its id, or where it was used and its name
	systems   []string  // candidates, sorted; never empty (a host group at least)
	known     bool      // systems are registered ones

	vendor    string   // on whose behalf, by the account or else by where it came from
	ordinary  bool     // an account of the municipality
	behind    string   // the vendor that certificate, key, station or address point to
	persons   []string // of the access list, who it may have been
	certain   string   // what persons rests on: certificate, address, account
	conflict  bool     // certificate, address and account point to different people
	unlisted  bool     // a vendor logon by someone who is not on the access list
	evidence7 string   // what shows it: certificate, owner, account
}

// resolve reads the attempt against the register as it is valid at its time.
func (v *view) resolve(a *Attempt) *logon {
	v.index()
	l := &logon{Attempt: a}
	v.place(l)
	v.findAccount(l)
	v.narrow(l)
	v.findPeople(l)
	if l.accountID != "" {
		l.key = l.accountID
	} else {
		l.key = l.systems[0] + "/" + a.accountName()
	}
	return l
}

// place finds the systems that the host logs for.
func (v *view) place(l *logon) {
	if _, ok := v.systems[l.System]; ok {
		l.systems, l.known = []string{l.System}, true
		return
	}
	var whole, named []string
	for _, id := range v.byHost[firstLabel(l.Host)] {
		t, ok := v.systems[id].At(l.Time)
		if !ok || !slices.ContainsFunc(t.Value.Hosts, func(h string) bool { return sameHost(fold(h), l.Host) }) {
			continue
		}
		switch {
		case len(t.Value.Services) == 0:
			whole = append(whole, id)
		case slices.ContainsFunc(t.Value.Services, func(s string) bool { return slices.Contains(l.Programs, fold(s)) }):
			named = append(named, id)
		}
	}
	// A system that names the program owns its lines before one that owns the host.
	if l.systems = named; len(named) == 0 {
		l.systems = whole
	}
	l.known = len(l.systems) > 0
}

// findAccount finds the account by its spellings. Of several with the name, one
// that exists at the time and is at home where it was used comes first.
func (v *view) findAccount(l *logon) {
	best := -1
	for _, s := range append([]string{l.User}, l.Spellings...) {
		for _, id := range v.bySpelling[s] {
			rank, t, exists, ended := v.rank(l, id, s)
			if rank > best || (rank == best && id < l.accountID) {
				best = rank
				l.accountID, l.account, l.exists, l.ended = id, t.Value, exists, ended
			}
		}
	}
}

// rank says how well the account fits, -1 for not at all.
func (v *view) rank(l *logon, id, spelling string) (rank int, t topics.Timed[topics.Account], exists bool, ended time.Time) {
	h := v.accounts[id]
	t, exists = h.At(l.Time)
	if !exists {
		if t, ended, _ = h.Ended(l.Time); ended.IsZero() {
			// Not there yet: the name alone says who it will be, and nothing is held against it.
			if t, _, _ = h.Begins(l.Time); t.Value.Name == "" {
				return -1, t, false, ended
			}
		}
	}
	if !slices.Contains(spellings(t.Value), spelling) {
		return -1, t, exists, ended
	}
	realm := fold(t.Value.Realm)
	home := len(t.Value.Systems) == 0 || slices.ContainsFunc(t.Value.Systems, func(s string) bool { return slices.Contains(l.systems, s) })
	switch {
	case strings.ContainsAny(spelling, `\@`), realm != "" && realm == l.Realm:
		rank = 8 // spelt with its realm: it is this one wherever it is used
	case l.Realm != "" && realm != "" && realm != l.Realm:
		return -1, t, exists, ended // the bare name in another realm is another account
	case realm == "" && len(t.Value.Systems) > 0 && !home && l.known && t.Value.VendorID == "":
		// Local to other systems. A vendor's account is known by its name everywhere:
		// on a system it was not made for it is what the rules look for.
		return -1, t, exists, ended
	case home && len(t.Value.Systems) > 0:
		rank = 4
	case home:
		rank = 2
	}
	if exists {
		rank++ // a name given to somebody new after the old account ended
	}
	return rank, t, exists, ended
}

// narrow settles which system it is where the host logs for several, or for none.
func (v *view) narrow(l *logon) {
	var mine []string
	for _, s := range l.account.Systems {
		if _, ok := v.systems[s]; ok && (!l.known || slices.Contains(l.systems, s)) {
			mine = append(mine, s)
		}
	}
	if len(mine) > 0 {
		slices.Sort(mine)
		l.systems, l.known = slices.Compact(mine), true
	}
	if len(l.systems) == 0 {
		l.systems = []string{hostGroup + l.Host}
	}
}

// findPeople finds the vendor and the person: certificate, then a station or
// address on the list, then the account's owner; a conflict between them is C7.
func (v *view) findPeople(l *logon) {
	byCert := v.peopleByCert(l)
	byPlace, vendorByPlace := v.peopleByPlace(l)
	byAccount := v.peopleByAccount(l)

	holder := v.vendorOf(l, byAccount)
	l.ordinary = l.accountID != "" && holder == "" && !slices.Contains(l.account.Flags, "guest")
	switch {
	case len(byCert) > 0:
		l.behind = v.employer(byCert[0], l.Time)
	case len(byPlace) > 0:
		l.behind = v.employer(byPlace[0], l.Time)
	default:
		l.behind = vendorByPlace
	}
	if l.vendor = holder; holder == "" && !l.ordinary {
		l.vendor = l.behind
	}
	l.persons = byAccount
	l.certain = "account"
	if len(byPlace) > 0 {
		l.persons, l.certain = prefer(byPlace, byAccount), "address"
	}
	if len(byCert) > 0 {
		l.persons, l.certain = byCert, "certificate"
	}
	if l.vendor != "" {
		l.judgePeople(v, byCert, byPlace, byAccount)
	}
}

// vendorOf is the vendor that the account belongs to: by its own entry, or
// because it is, or was, in the hands of one of a vendor's people.
func (v *view) vendorOf(l *logon, holders []string) string {
	if l.accountID == "" || l.account.VendorID != "" {
		return l.account.VendorID
	}
	if len(holders) > 0 {
		return v.employer(holders[0], l.Time)
	}
	for _, p := range append(slices.Clone(v.ownersOf[l.accountID]), l.account.PersonID) {
		if t, ok := v.listed[p].Last(); ok {
			return t.Value.VendorID
		}
	}
	return ""
}

// prefer gives those of a that are in b too, or a where none is.
func prefer(a, b []string) []string {
	var both []string
	for _, x := range a {
		if slices.Contains(b, x) {
			both = append(both, x)
		}
	}
	if len(both) > 0 {
		return both
	}
	return a
}

func (l *logon) judgePeople(v *view, byCert, byPlace, byAccount []string) {
	disjoint := func(a, b []string) bool {
		return len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
	}
	l.conflict = disjoint(byCert, byPlace) || disjoint(byCert, byAccount) || disjoint(byPlace, byAccount)
	ofVendor := func(p string) bool { return v.employer(p, l.Time) == l.vendor }
	switch {
	case l.CertID != "" && !slices.ContainsFunc(byCert, ofVendor):
		// A certificate names its holder, and that name is not on the list.
		l.unlisted, l.evidence7 = true, "certificate"
	case len(l.persons) == 0:
		l.unlisted, l.evidence7 = true, "account"
		if l.account.PersonID != "" {
			l.evidence7 = "owner"
		}
	case !slices.ContainsFunc(l.persons, ofVendor):
		l.unlisted, l.evidence7 = true, l.certain
	case l.account.PersonID != "" && l.certain == "account" && v.isGone(l.account.PersonID, l.Time):
		l.unlisted, l.evidence7 = true, "owner"
	}
}

// isGone reports whether the id is a vendor-person's who is not on the list at the time.
func (v *view) isGone(person string, at time.Time) bool {
	h, ok := v.listed[person]
	if !ok {
		return false
	}
	_, on := h.At(at)
	return !on
}

// employer is the vendor on whose list the person is.
func (v *view) employer(person string, at time.Time) string {
	t, _ := v.listed[person].At(at)
	return t.Value.VendorID
}

func (v *view) peopleByCert(l *logon) []string {
	var ids []string
	for _, c := range []string{l.CertID, l.Key} {
		if c == "" {
			continue
		}
		for _, id := range v.byCert[c] {
			t, ok := v.listed[id].At(l.Time)
			if ok && (slices.Contains(t.Value.CertIDs, c) || slices.Contains(t.Value.KeyFingerprints, c)) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// peopleByPlace finds who works from the station or address: the longest prefix
// decides, and people come before the whole vendor where they are equal.
func (v *view) peopleByPlace(l *logon) (people []string, vendor string) {
	addr, err := netip.ParseAddr(l.Address)
	if err == nil {
		addr = addr.Unmap()
	}
	personBits, vendorBits := -1, -1
	for _, n := range v.networks { // longest first, names last
		bits := n.prefix.Bits()
		if n.name != "" {
			if n.name != l.Station && n.name != fold(l.Address) {
				continue
			}
			bits = 129 // a name is one machine
		} else if err != nil || !n.prefix.Contains(addr) {
			continue
		}
		switch {
		case !v.worksFrom(n, l.Time):
		case n.person != "" && bits >= personBits:
			if bits > personBits {
				people = nil
			}
			people, personBits = append(people, n.person), bits
		case n.person == "" && bits > vendorBits:
			vendor, vendorBits = n.vendor, bits
		}
	}
	slices.Sort(people)
	people = slices.Compact(people)
	switch {
	case len(people) == 0:
	case vendor == "" || personBits >= vendorBits:
		vendor = v.employer(people[0], l.Time)
	default: // a narrower range belongs to another vendor than the people's
		people = slices.DeleteFunc(people, func(p string) bool { return v.employer(p, l.Time) != vendor })
	}
	return people, vendor
}

func (v *view) worksFrom(n network, at time.Time) bool {
	listed := func(all []string) bool {
		return slices.ContainsFunc(all, func(s string) bool {
			p, ok := parsePrefix(s)
			return (ok && p == n.prefix) || (!ok && fold(s) == n.name)
		})
	}
	if n.person != "" {
		t, ok := v.listed[n.person].At(at)
		return ok && t.Value.VendorID == n.vendor && listed(t.Value.Networks)
	}
	t, ok := v.vendors[n.vendor].At(at)
	return ok && listed(t.Value.Networks)
}

// peopleByAccount are the rows of the access list that hold the account.
func (v *view) peopleByAccount(l *logon) []string {
	var ids []string
	if l.accountID == "" {
		return nil
	}
	for _, id := range v.ownersOf[l.accountID] {
		if t, ok := v.listed[id].At(l.Time); ok && slices.Contains(t.Value.Accounts, l.accountID) {
			ids = append(ids, id)
		}
	}
	if p := l.account.PersonID; p != "" && !slices.Contains(ids, p) {
		if _, ok := v.listed[p].At(l.Time); ok {
			ids = append(ids, p)
			slices.Sort(ids)
		}
	}
	return ids
}
