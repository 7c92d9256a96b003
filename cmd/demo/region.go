// Package demo makes the demo region: three made-up municipalities and their
// IT host, with a register whose times hang together with the captured logs
// that are replayed.
package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	"varde.internal/services/identity"
)

//go:embed region.yaml
var regionYAML []byte

// Region is region.yaml. Ids in it are short names.
type Region struct {
	Captures      map[string]capture `yaml:"captures"`
	Tenants       []municipality     `yaml:"tenants"`
	Vendors       []vendor           `yaml:"vendors"`
	VendorPersons []vendorPerson     `yaml:"vendorPersons"`
	Accounts      []account          `yaml:"accounts"`
	Windows       []window           `yaml:"windows"`
}

type capture struct {
	DaysAgo int `yaml:"daysAgo"`
}

type municipality struct {
	ID         string         `yaml:"id"`
	Name       string         `yaml:"name"`
	OrgNumber  string         `yaml:"orgNumber"`
	CasePrefix string         `yaml:"casePrefix"`
	Host       bool           `yaml:"host"`
	HostedBy   string         `yaml:"hostedBy"`
	Neighbour  string         `yaml:"neighbour"`
	Domain     string         `yaml:"domain"`
	Titles     map[int]string `yaml:"titles"`
	Units      []unit         `yaml:"units"`
	Persons    []person       `yaml:"persons"`
	Systems    []system       `yaml:"systems"`
}

type unit struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Level   int    `yaml:"level"`
	Parent  string `yaml:"parent"`
	Manager string `yaml:"manager"`
}

type person struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`
	Unit       string   `yaml:"unit"`
	Title      string   `yaml:"title"`
	Roles      []string `yaml:"roles"`
	Delegate   string   `yaml:"delegate"`
	AbsentDays *struct {
		From int `yaml:"from"`
		To   int `yaml:"to"`
	} `yaml:"absentDays"`
	Account string `yaml:"account"` // sign-in name before the @
}

type system struct {
	ID            string   `yaml:"id"`
	Name          string   `yaml:"name"`
	Unit          string   `yaml:"unit"`
	Owner         string   `yaml:"owner"`
	Administrator string   `yaml:"administrator"`
	Responsible   string   `yaml:"responsible"`
	Hosts         []string `yaml:"hosts"`
	Vendors       []string `yaml:"vendors"`
	Zone          string   `yaml:"zone"`
	PersonalData  bool     `yaml:"personalData"`
}

type vendor struct {
	ID        string   `yaml:"id"`
	Name      string   `yaml:"name"`
	OrgNumber string   `yaml:"orgNumber"`
	Tenants   []string `yaml:"tenants"`
	Agreement *struct {
		Title          string `yaml:"title"`
		State          string `yaml:"state"`
		ExpiredDaysAgo int    `yaml:"expiredDaysAgo"`
	} `yaml:"agreement"`
}

type vendorPerson struct {
	ID       string   `yaml:"id"`
	Vendor   string   `yaml:"vendor"`
	Name     string   `yaml:"name"`
	CertIDs  []string `yaml:"certIds"`
	Keys     []string `yaml:"keys"` // captures whose key fingerprints are this person's
	Accounts []string `yaml:"accounts"`
}

type account struct {
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Vendor string `yaml:"vendor"`
	Person string `yaml:"person"`
}

type window struct {
	ID           string   `yaml:"id"`
	Vendor       string   `yaml:"vendor"`
	Systems      []string `yaml:"systems"`
	Capture      string   `yaml:"capture"`
	Before       int      `yaml:"before"` // minutes
	After        int      `yaml:"after"`
	StartsInDays int      `yaml:"startsInDays"`
	Hours        int      `yaml:"hours"`
	ApprovedBy   string   `yaml:"approvedBy"`
	Reason       string   `yaml:"reason"`
}

// first is the tenant whose logs are replayed and whose accounts are printed.
const first = "bjorkvag"

// ref makes the stored id of a thing of the register; empty stays empty. A
// vendor is registered in each municipality that uses it, as a thing of its own.
func ref(tenant, name string) string {
	if name == "" {
		return ""
	}
	return id.Of("demo", tenant, name)
}

func refs(tenant string, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, ref(tenant, n))
	}
	return out
}

// who is the stored id of somebody named in the register: a person of the
// municipality, or by mistake a vendor (trap 1).
func (r Region) who(t, name string) string {
	if name == "" {
		return ""
	}
	if slices.ContainsFunc(r.Vendors, func(v vendor) bool { return v.ID == name }) {
		return ref(t, name)
	}
	return identity.PersonID(tenant.ID(t), name)
}

// LoadRegion reads region.yaml, which is part of the binary.
func LoadRegion() (Region, error) {
	var r Region
	d := yaml.NewDecoder(bytes.NewReader(regionYAML))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("demo region: %w", err)
	}
	return r, nil
}

// builder collects facts that hold from long before the first capture.
type builder struct {
	base  time.Time
	facts []topics.Fact
	err   error
}

const longAgo = -400 * 24 * time.Hour

func (b *builder) add(kind, tenant, id string, data any) {
	b.addFor(kind, tenant, id, b.base.Add(longAgo), time.Time{}, b.base.Add(longAgo), data)
}

func (b *builder) addFor(kind, tenant, id string, from, to, recorded time.Time, data any) {
	text, err := json.Marshal(data)
	if err != nil && b.err == nil {
		b.err = err
	}
	b.facts = append(b.facts, topics.Fact{Kind: kind, ID: id, Tenant: tenant,
		Versions: []topics.Version{{ValidFrom: from.UTC(), ValidTo: to.UTC(), RecordedAt: recorded.UTC(), RecordedBy: "demo", Data: text}}})
	if to.IsZero() {
		b.facts[len(b.facts)-1].Versions[0].ValidTo = time.Time{}
	}
}

// Register returns the facts of the register as of the demo's first start.
func (r Region) Register(plan Plan) ([]topics.Fact, error) {
	b := &builder{base: plan.Base}
	for _, m := range r.Tenants {
		for _, s := range m.Systems {
			b.add(topics.KindSystem, m.ID, ref(m.ID, s.ID), topics.System{
				Name: s.Name, UnitID: identity.UnitID(tenant.ID(m.ID), s.Unit),
				Owner: r.who(m.ID, s.Owner), Administrator: r.who(m.ID, s.Administrator), Responsible: r.who(m.ID, s.Responsible),
				Hosts: s.Hosts, Vendors: refs(m.ID, s.Vendors), Zone: s.Zone, PersonalData: s.PersonalData,
			})
		}
		for _, v := range r.Vendors {
			if slices.Contains(v.Tenants, m.ID) {
				r.vendor(b, m, v)
			}
		}
	}
	for _, a := range r.Accounts {
		data := topics.Account{Name: a.Name, VendorID: ref(first, a.Vendor)}
		if a.Vendor != "" {
			data.PersonID = ref(first, a.Person)
		} else {
			data.PersonID = r.who(first, a.Person)
		}
		b.add(topics.KindAccount, first, ref(first, "account/"+a.ID), data)
	}
	for _, p := range r.VendorPersons {
		data := topics.VendorPerson{VendorID: ref(first, p.Vendor), Name: p.Name, CertIDs: p.CertIDs}
		for _, a := range p.Accounts {
			data.Accounts = append(data.Accounts, ref(first, "account/"+a))
		}
		for _, name := range p.Keys {
			data.KeyFingerprints = append(data.KeyFingerprints, plan.Captures[name].Keys...)
		}
		b.add(topics.KindVendorPerson, first, ref(first, p.ID), data)
	}
	for _, w := range r.Windows {
		if err := r.window(b, plan, w); err != nil {
			return nil, err
		}
	}
	return b.facts, b.err
}

// vendor adds a vendor and its agreement in one tenant.
func (r Region) vendor(b *builder, m municipality, v vendor) {
	b.add(topics.KindVendor, m.ID, ref(m.ID, v.ID), topics.Vendor{Name: v.Name, OrgNumber: v.OrgNumber})
	if a := v.Agreement; a != nil {
		data := topics.Agreement{VendorID: ref(m.ID, v.ID), Title: a.Title, Signed: true, Checked: topics.ChecklistPoints, Annexes: topics.Annexes}
		from, to := b.base.Add(longAgo), b.base.AddDate(1, 0, 0)
		switch a.State {
		case "missing-annexes":
			data.Annexes = data.Annexes[:2]
			data.Checked = data.Checked[:5]
		case "expired":
			to = b.base.AddDate(0, 0, -a.ExpiredDaysAgo)
		}
		b.addFor(topics.KindAgreement, m.ID, ref(m.ID, "agreement/"+v.ID), from, to, from, data)
	}
}

func (r Region) window(b *builder, plan Plan, w window) error {
	var from, to time.Time
	if w.Capture != "" {
		c, ok := plan.Captures[w.Capture]
		if !ok {
			return fmt.Errorf("demo region: window %s: there is no capture %q", w.ID, w.Capture)
		}
		from = c.Start.Add(c.Shift).Add(-time.Duration(w.Before) * time.Minute)
		to = c.End.Add(c.Shift).Add(time.Duration(w.After) * time.Minute)
	} else {
		from = plan.Base.Truncate(24*time.Hour).AddDate(0, 0, w.StartsInDays).Add(8 * time.Hour)
		to = from.Add(time.Duration(w.Hours) * time.Hour)
	}
	asked := from.AddDate(0, 0, -3)
	data := topics.AccessWindow{VendorID: ref(first, w.Vendor), Systems: refs(first, w.Systems), From: from.UTC(), To: to.UTC(), Reason: w.Reason}
	if w.ApprovedBy != "" {
		data.ApprovedBy, data.ApprovedAt = r.who(first, w.ApprovedBy), asked.Add(2*time.Hour).UTC()
	}
	b.addFor(topics.KindAccessWindow, first, ref(first, "window/"+w.ID), asked, time.Time{}, asked, data)
	return nil
}
