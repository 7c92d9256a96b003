package register

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
)

// Item is one entity at a moment, as the contract's …Item schemas have it.
type Item[D any] struct {
	ID         string             `json:"id"`
	Revision   int                `json:"revision"`
	ValidFrom  time.Time          `json:"validFrom"`
	ValidTo    time.Time          `json:"validTo,omitzero"`
	RecordedAt time.Time          `json:"recordedAt"`
	RecordedBy string             `json:"recordedBy,omitempty"`
	Ended      bool               `json:"ended,omitempty"`
	Data       D                  `json:"data"`
	Weaknesses []commonapi.Reason `json:"weaknesses,omitempty"`
	State      string             `json:"state,omitempty"`
	Overlaps   []string           `json:"overlaps,omitempty"`
}

// ItemPage is a page of them.
type ItemPage[D any] struct {
	Items []Item[D] `json:"items"`
	Next  string    `json:"next,omitempty"`
}

// ItemVersion is one recorded version.
type ItemVersion[D any] struct {
	ValidFrom  time.Time `json:"validFrom"`
	ValidTo    time.Time `json:"validTo,omitzero"`
	RecordedAt time.Time `json:"recordedAt"`
	RecordedBy string    `json:"recordedBy,omitempty"`
	Deleted    bool      `json:"deleted,omitempty"`
	Data       *D        `json:"data,omitempty"`
}

// ItemDetail is an entity with its history, latest recorded first.
type ItemDetail[D any] struct {
	Item    Item[D]          `json:"item"`
	History []ItemVersion[D] `json:"history"`
}

// edit is the body of a create or change.
type edit[D any] struct {
	Data      D         `json:"data"`
	ValidFrom time.Time `json:"validFrom,omitzero"`
	ValidTo   time.Time `json:"validTo,omitzero"`
	OpenEnded bool      `json:"openEnded,omitempty"`
	Revision  int       `json:"revision,omitempty"`
}

// kindOf is what differs between the kinds. D is the contract's form of the
// data, T the stored one.
type kindOf[D, T any] struct {
	kind     string
	action   auth.Action // to write one
	personal bool        // its data names people: reads are in the audit log first
	toStored func(D, *T) T
	toAPI    func(T) D
	label    func(T) string
	// matches is the kind's filters (query parameters of its list).
	matches func(T, map[string]string) bool
	check   func(ctx context.Context, s *Service, v T) error
	// state is how an entity stands; lists can be narrowed by it.
	state func(w *world, f topics.Fact, v T) string
	// enrich adds weaknesses and what else the entity shows of others.
	enrich func(w *world, f topics.Fact, v T, item *Item[D])
	// mine says whether the caller may write the entity (empty: a new one);
	// nil where that needs no more than the action in the whole tenant.
	mine func(r reach, entity string, v T) bool
	// handover is asked before a change of one by another, where the kind has it.
	handover func(s *Service, ctx context.Context, before, after T) error
	// unique refuses one that another entity is already in from–to.
	unique func(s *Service, ctx context.Context, entity string, v T, from, to time.Time) error
}

func convert[A, B ~string](in []A) []B {
	var out []B
	for _, v := range in {
		out = append(out, B(v))
	}
	return out
}

// has says whether the filter name is unset or one of the values.
func has(filters map[string]string, name string, values ...string) bool {
	want, ok := filters[name]
	return !ok || want == "" || slices.Contains(values, want)
}

func contains(filters map[string]string, texts ...string) bool {
	q := strings.ToLower(strings.TrimSpace(filters["q"]))
	return q == "" || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), q) })
}

func weakness(slug string, params ...string) commonapi.Reason {
	r := commonapi.Reason{Slug: slug}
	for i := 0; i+1 < len(params); i += 2 {
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		r.Params[params[i]] = params[i+1]
	}
	return r
}

var vendors = kindOf[registerapi.Vendor, topics.Vendor]{
	kind: topics.KindVendor, action: auth.ActionRegisterWrite,
	toStored: func(d registerapi.Vendor, _ *topics.Vendor) topics.Vendor {
		return topics.Vendor{Name: strings.TrimSpace(d.Name), OrgNumber: d.OrgNumber, Networks: d.Networks, Contact: d.Contact}
	},
	toAPI: func(v topics.Vendor) registerapi.Vendor {
		return registerapi.Vendor{Name: v.Name, OrgNumber: v.OrgNumber, Networks: v.Networks, Contact: v.Contact}
	},
	label:   func(v topics.Vendor) string { return v.Name },
	matches: func(v topics.Vendor, f map[string]string) bool { return contains(f, v.Name, v.OrgNumber) },
	check:   func(_ context.Context, _ *Service, v topics.Vendor) error { return checkNetworks(v.Networks, false) },
	enrich: func(w *world, f topics.Fact, _ topics.Vendor, item *Item[registerapi.Vendor]) {
		if state := w.vendorState(f.ID); state != string(topics.AgreementValid) {
			item.Weaknesses = append(item.Weaknesses, weakness("agreement-"+state))
		}
	},
	mine: func(r reach, entity string, _ topics.Vendor) bool {
		if entity == "" {
			return r.newVendor()
		}
		return r.vendor(entity)
	},
}

var agreements = kindOf[registerapi.Agreement, topics.Agreement]{
	kind: topics.KindAgreement, action: auth.ActionRegisterWrite,
	toStored: func(d registerapi.Agreement, _ *topics.Agreement) topics.Agreement {
		return topics.Agreement{VendorID: d.VendorId, Title: strings.TrimSpace(d.Title), Signed: d.Signed, Systems: d.Systems,
			Annexes: convert[registerapi.Annex, string](d.Annexes), Checked: convert[registerapi.ChecklistPoint, string](d.Checked)}
	},
	toAPI: func(v topics.Agreement) registerapi.Agreement {
		return registerapi.Agreement{VendorId: v.VendorID, Title: v.Title, Signed: v.Signed, Systems: v.Systems,
			Annexes: convert[string, registerapi.Annex](v.Annexes), Checked: convert[string, registerapi.ChecklistPoint](v.Checked)}
	},
	label: func(v topics.Agreement) string { return v.Title },
	matches: func(v topics.Agreement, f map[string]string) bool {
		return has(f, "vendorId", v.VendorID) && (len(v.Systems) == 0 || has(f, "systemId", v.Systems...))
	},
	check: func(ctx context.Context, s *Service, v topics.Agreement) error {
		return s.exist(ctx, "/data/systems", topics.KindSystem, v.Systems, "/data/vendorId", topics.KindVendor, []string{v.VendorID})
	},
	state: func(w *world, f topics.Fact, _ topics.Agreement) string {
		h, err := topics.HistoryOf[topics.Agreement](f)
		if err != nil {
			w.err = err
			return ""
		}
		return agreementState(h, w.moment.At)
	},
	mine: func(r reach, _ string, v topics.Agreement) bool { return r.systems(v.Systems) },
	enrich: func(_ *world, _ topics.Fact, v topics.Agreement, item *Item[registerapi.Agreement]) {
		for _, a := range topics.Missing(topics.Annexes, v.Annexes) {
			item.Weaknesses = append(item.Weaknesses, weakness("annex-missing", "annex", a))
		}
		for _, p := range topics.Missing(topics.ChecklistPoints, v.Checked) {
			item.Weaknesses = append(item.Weaknesses, weakness("point-unchecked", "point", p))
		}
	},
}

var vendorPersons = kindOf[registerapi.VendorPerson, topics.VendorPerson]{
	kind: topics.KindVendorPerson, action: auth.ActionRegisterWrite, personal: true,
	toStored: func(d registerapi.VendorPerson, _ *topics.VendorPerson) topics.VendorPerson {
		return topics.VendorPerson{VendorID: d.VendorId, Name: strings.TrimSpace(d.Name), Accounts: d.Accounts,
			KeyFingerprints: d.KeyFingerprints, CertIDs: d.CertIds, Networks: d.Networks}
	},
	toAPI: func(v topics.VendorPerson) registerapi.VendorPerson {
		return registerapi.VendorPerson{VendorId: v.VendorID, Name: v.Name, Accounts: v.Accounts,
			KeyFingerprints: v.KeyFingerprints, CertIds: v.CertIDs, Networks: v.Networks}
	},
	label: func(v topics.VendorPerson) string { return v.Name },
	matches: func(v topics.VendorPerson, f map[string]string) bool {
		return has(f, "vendorId", v.VendorID) && contains(f, v.Name)
	},
	check: func(ctx context.Context, s *Service, v topics.VendorPerson) error {
		if err := checkNetworks(v.Networks, true); err != nil {
			return err
		}
		return s.exist(ctx, "/data/vendorId", topics.KindVendor, []string{v.VendorID}, "/data/accounts", topics.KindAccount, v.Accounts)
	},
	mine: func(r reach, _ string, v topics.VendorPerson) bool { return r.vendor(v.VendorID) },
	enrich: func(_ *world, _ topics.Fact, v topics.VendorPerson, item *Item[registerapi.VendorPerson]) {
		if len(v.Accounts)+len(v.KeyFingerprints)+len(v.CertIDs)+len(v.Networks) == 0 {
			item.Weaknesses = append(item.Weaknesses, weakness("person-unrecognisable"))
		}
	},
}

var systems = kindOf[registerapi.System, topics.System]{
	kind: topics.KindSystem, action: auth.ActionRegisterWrite,
	toStored: func(d registerapi.System, _ *topics.System) topics.System {
		return topics.System{Name: strings.TrimSpace(d.Name), UnitID: d.UnitId, Owner: d.Owner, Administrator: d.Administrator, Responsible: d.Responsible,
			Hosts: d.Hosts, Services: d.Services, Vendors: d.Vendors, Zone: string(d.Zone), PersonalData: d.PersonalData, PublicForm: string(d.PublicForm)}
	},
	toAPI: func(v topics.System) registerapi.System {
		return registerapi.System{Name: v.Name, UnitId: v.UnitID, Owner: v.Owner, Administrator: v.Administrator, Responsible: v.Responsible,
			Hosts: v.Hosts, Services: v.Services, Vendors: v.Vendors, Zone: registerapi.SystemZone(v.Zone), PersonalData: v.PersonalData,
			PublicForm: registerapi.SystemPublicForm(v.PublicForm)}
	},
	label: func(v topics.System) string { return v.Name },
	matches: func(v topics.System, f map[string]string) bool {
		return contains(f, v.Name) && has(f, "unitId", v.UnitID) && has(f, "vendorId", v.Vendors...)
	},
	check: func(ctx context.Context, s *Service, v topics.System) error {
		return s.exist(ctx, "/data/vendors", topics.KindVendor, v.Vendors)
	},
	enrich: func(w *world, _ topics.Fact, v topics.System, item *Item[registerapi.System]) {
		add := func(slug string) { item.Weaknesses = append(item.Weaknesses, weakness(slug)) }
		switch {
		case v.Owner == "":
			add("no-owner")
		case w.isVendor(v.Owner):
			add("owner-is-vendor") // trap 1
		case w.people.left(w.tenant, v.Owner, w.moment):
			add("owner-left")
		}
		switch {
		case v.Responsible == "":
			add("no-responsible")
		case w.isVendor(v.Responsible):
			add("responsible-is-vendor")
		case w.people.left(w.tenant, v.Responsible, w.moment):
			add("responsible-left")
		}
	},
	mine:     func(r reach, entity string, v topics.System) bool { return r.system(v, entity != "") },
	handover: (*Service).handover,
}

var accounts = kindOf[registerapi.Account, topics.Account]{
	kind: topics.KindAccount, action: auth.ActionRegisterWrite, personal: true,
	toStored: func(d registerapi.Account, _ *topics.Account) topics.Account {
		return topics.Account{Realm: d.Realm, Name: strings.TrimSpace(d.Name), Aliases: d.Aliases, Systems: d.Systems,
			PersonID: d.PersonId, VendorID: d.VendorId, Flags: convert[registerapi.AccountFlag, string](d.Flags)}
	},
	toAPI: func(v topics.Account) registerapi.Account {
		return registerapi.Account{Realm: v.Realm, Name: v.Name, Aliases: v.Aliases, Systems: v.Systems,
			PersonId: v.PersonID, VendorId: v.VendorID, Flags: convert[string, registerapi.AccountFlag](v.Flags)}
	},
	label: func(v topics.Account) string { return cmp.Or(v.Name, v.Realm) },
	matches: func(v topics.Account, f map[string]string) bool {
		return has(f, "vendorId", v.VendorID) && (len(v.Systems) == 0 || has(f, "systemId", v.Systems...)) && has(f, "flag", v.Flags...) &&
			contains(f, append([]string{v.Name, v.Realm}, v.Aliases...)...)
	},
	check: func(ctx context.Context, s *Service, v topics.Account) error {
		var vendor []string
		if v.VendorID != "" {
			vendor = []string{v.VendorID}
		}
		return s.exist(ctx, "/data/vendorId", topics.KindVendor, vendor, "/data/systems", topics.KindSystem, v.Systems)
	},
	mine:   func(r reach, _ string, v topics.Account) bool { return r.systems(v.Systems) },
	unique: (*Service).oneAccount,
	enrich: func(_ *world, _ topics.Fact, v topics.Account, item *Item[registerapi.Account]) {
		switch {
		case slices.Contains(v.Flags, "shared"):
			item.Weaknesses = append(item.Weaknesses, weakness("account-shared")) // R31
		case v.VendorID == "" && v.PersonID == "" && !slices.Contains(v.Flags, "guest"):
			item.Weaknesses = append(item.Weaknesses, weakness("account-without-person"))
		}
	},
}

var fingerprint = regexp.MustCompile(`^sha-256:([0-9A-F]{2}:){31}[0-9A-F]{2}$`)

// certificates writes fingerprints in the one way that the collector compares,
// however the tool wrote them that they were copied from.
func certificates(list []string) (out []string) {
	for _, c := range list {
		c = strings.TrimSpace(c)
		for _, prefix := range []string{"sha256 fingerprint=", "sha256:", "sha-256:"} {
			if len(c) > len(prefix) && strings.EqualFold(c[:len(prefix)], prefix) {
				c = "sha-256:" + strings.ToUpper(c[len(prefix):])
				break
			}
		}
		out = append(out, c)
	}
	return out
}

var sources = kindOf[registerapi.Source, topics.Source]{
	kind: topics.KindSource, action: auth.ActionSourceWrite,
	toStored: func(d registerapi.Source, before *topics.Source) topics.Source {
		v := topics.Source{Name: strings.TrimSpace(d.Name), Kind: string(d.Kind), Format: d.Format, TimeZone: d.TimeZone, Addresses: d.Addresses,
			Certificates: certificates(d.Certificates), Shared: d.Shared, Realms: d.Realms, HostTenants: d.HostTenants, Retention: d.Retention,
			SilentAfter: time.Duration(d.SilentAfterSeconds) * time.Second, Irregular: d.Irregular, Responsible: d.Responsible,
			MaxPerSecond: d.MaxPerSecond, MaxBurst: d.MaxBurst, MappingID: d.MappingId}
		if before != nil {
			v.KeyHash = before.KeyHash // the key is renewed, never set
		}
		return v
	},
	toAPI: func(v topics.Source) registerapi.Source {
		return registerapi.Source{Name: v.Name, Kind: registerapi.SourceKind(v.Kind), Format: v.Format, TimeZone: v.TimeZone, Addresses: v.Addresses,
			Certificates: v.Certificates, Shared: v.Shared, Realms: v.Realms, HostTenants: v.HostTenants, Retention: v.Retention,
			SilentAfterSeconds: int64(v.SilentAfter / time.Second), Irregular: v.Irregular, Responsible: v.Responsible,
			MaxPerSecond: v.MaxPerSecond, MaxBurst: v.MaxBurst, MappingId: v.MappingID, HasKey: v.KeyHash != ""}
	},
	label:   func(v topics.Source) string { return v.Name },
	matches: func(v topics.Source, f map[string]string) bool { return contains(f, v.Name) },
	check: func(_ context.Context, _ *Service, v topics.Source) error {
		if v.TimeZone != "" {
			if _, err := time.LoadLocation(v.TimeZone); err != nil {
				return problem.Invalid("The time zone is not known.", problem.Field{Pointer: "/data/timeZone", Slug: "unknown-time-zone", Detail: "Use a name such as Europe/Oslo."})
			}
		}
		for i, c := range v.Certificates {
			if strings.HasPrefix(c, "sha-256:") && !fingerprint.MatchString(c) || strings.ContainsAny(c, " \t\r\n") || c == "" {
				return problem.Invalid("A certificate is not written in a known way.", problem.Field{Pointer: fmt.Sprintf("/data/certificates/%d", i), Slug: "bad-certificate", Detail: "Write sha-256: and the octets in hexadecimal with colons between, or a name."})
			}
		}
		return checkNetworks(v.Addresses, false)
	},
	enrich: func(_ *world, _ topics.Fact, v topics.Source, item *Item[registerapi.Source]) {
		if v.Responsible == "" {
			item.Weaknesses = append(item.Weaknesses, weakness("no-responsible")) // C20
		}
	},
}

var windows = kindOf[registerapi.Window, topics.AccessWindow]{
	kind: topics.KindAccessWindow, action: auth.ActionWindowRequest,
	toStored: func(d registerapi.Window, before *topics.AccessWindow) topics.AccessWindow {
		v := topics.AccessWindow{VendorID: d.VendorId, Systems: d.Systems, Persons: d.Persons, From: d.From.UTC(), To: d.To.UTC(),
			Duration: time.Duration(d.DurationSeconds) * time.Second, Reason: d.Reason, Emergency: d.Emergency}
		if before != nil {
			v.ApprovedBy, v.ApprovedAt, v.RevokedAt = before.ApprovedBy, before.ApprovedAt, before.RevokedAt
		}
		return v
	},
	toAPI: func(v topics.AccessWindow) registerapi.Window {
		return registerapi.Window{VendorId: v.VendorID, Systems: v.Systems, Persons: v.Persons, From: v.From, To: v.To,
			DurationSeconds: int64(v.Duration / time.Second), Reason: v.Reason, Emergency: v.Emergency,
			ApprovedBy: v.ApprovedBy, ApprovedAt: v.ApprovedAt, RevokedAt: v.RevokedAt}
	},
	// Latest start first: the label sorts backwards.
	label: func(v topics.AccessWindow) string { return invert(v.From) },
	matches: func(v topics.AccessWindow, f map[string]string) bool {
		return has(f, "vendorId", v.VendorID) && has(f, "systemId", v.Systems...)
	},
	check: func(ctx context.Context, s *Service, v topics.AccessWindow) error {
		if !v.To.After(v.From) {
			return errSlot
		}
		if v.To.Sub(v.From) > 366*24*time.Hour {
			return errSlotLength
		}
		return s.exist(ctx, "/data/vendorId", topics.KindVendor, []string{v.VendorID},
			"/data/systems", topics.KindSystem, v.Systems, "/data/persons", topics.KindVendorPerson, v.Persons)
	},
	state: func(w *world, _ topics.Fact, v topics.AccessWindow) string { return WindowState(v, w.moment.At) },
	enrich: func(w *world, f topics.Fact, v topics.AccessWindow, item *Item[registerapi.Window]) {
		for _, other := range w.windowsOf(v.VendorID) {
			if other.id != f.ID && overlaps(v, other.version.Value) {
				item.Overlaps = append(item.Overlaps, other.id)
			}
		}
		if state := w.worstAgreement(v, v.From); !topics.AgreementState(state).Valid() {
			item.Weaknesses = append(item.Weaknesses, weakness("agreement-"+state))
		}
	},
}

// invert makes later times sort first as text.
func invert(t time.Time) string {
	const digits = "0123456789"
	out := []byte(t.UTC().Format("20060102150405"))
	for i, c := range out {
		out[i] = digits[9-(c-'0')]
	}
	return string(out)
}
