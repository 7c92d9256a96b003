package register

import (
	"context"
	"slices"
	"strings"
	"time"

	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
)

// VendorOverview is all there is to know of a vendor, at a glance.
type VendorOverview struct {
	Vendor         Item[registerapi.Vendor]         `json:"vendor"`
	AgreementState string                           `json:"agreementState"`
	Agreements     []Item[registerapi.Agreement]    `json:"agreements"`
	Systems        []VendorSystem                   `json:"systems"`
	Windows        []window                         `json:"windows"`
	People         []Item[registerapi.VendorPerson] `json:"people"`
	Accounts       []Item[registerapi.Account]      `json:"accounts"`
}

// VendorSystem is a system that the vendor serves or has windows on.
type VendorSystem struct {
	SystemID       string    `json:"systemId"`
	Name           string    `json:"name"`
	AgreementState string    `json:"agreementState"`
	AgreementID    string    `json:"agreementId,omitempty"`
	ValidTo        time.Time `json:"validTo,omitzero"`
}

// Overview shows a vendor at a moment. It names the vendor's people, so the
// read is in the audit log first.
func (s *Service) Overview(ctx context.Context, vendorID string, at time.Time) (o VendorOverview, err error) {
	done, err := s.intent(ctx, "register.read", "vendor-overview:"+vendorID)
	if err != nil {
		return o, err
	}
	defer func() { done(len(o.People)+len(o.Accounts), err) }()
	f, err := s.fact(ctx, topics.KindVendor, vendorID)
	if err != nil {
		return o, err
	}
	m := s.now(Moment{At: at})
	w, err := s.world(ctx, m)
	if err != nil {
		return o, err
	}
	v, ok, err := viewOf[topics.Vendor](f, m, true)
	if err != nil || !ok {
		return o, errNotFound.Because(err)
	}
	o.Vendor, o.AgreementState = itemOf(vendors, w, f, v), w.vendorState(vendorID)
	mine := ListQuery{Moment: m, Filters: map[string]string{"vendorId": vendorID}}
	all := mine
	all.Ended = true // an agreement that ran out is what one wants to see
	if o.Agreements, err = items(agreements, w, all); err != nil {
		return o, err
	}
	if o.People, err = items(vendorPersons, w, mine); err != nil {
		return o, err
	}
	if o.Accounts, err = items(accounts, w, mine); err != nil {
		return o, err
	}
	wins, err := items(windows, w, mine)
	if err != nil {
		return o, err
	}
	o.Windows = slices.DeleteFunc(wins, func(i window) bool { return !slices.Contains([]string{"open", "approved", "requested"}, i.State) })
	o.Systems = w.systemsOf(vendorID)
	return o, w.err
}

func items[D, T any](k kindOf[D, T], w *world, q ListQuery) ([]Item[D], error) {
	rows, err := rowsOf(k, w, q)
	if err != nil {
		return nil, err
	}
	out := make([]Item[D], 0, len(rows))
	for _, r := range rows {
		out = append(out, itemOf(k, w, r.fact, r.view))
	}
	return out, w.err
}

func (w *world) systemsOf(vendorID string) []VendorSystem {
	out := []VendorSystem{}
	for id, system := range w.systems() {
		v := system.version.Value
		serves := slices.Contains(v.Vendors, vendorID)
		visits := slices.ContainsFunc(w.windowsOf(vendorID), func(win view[topics.AccessWindow]) bool { return win.version.Value.On(vendorID, id) })
		if !serves && !visits {
			continue
		}
		verdict := topics.JudgeAgreements(w.agreements(), vendorID, id, w.moment.At)
		one := VendorSystem{SystemID: id, Name: v.Name, AgreementState: string(verdict.State), AgreementID: verdict.ID, ValidTo: verdict.Ended}
		for _, h := range w.agreements() {
			if h.ID != verdict.ID {
				continue
			}
			if end, ok := h.Holds(w.moment.At); ok {
				one.ValidTo = end
				if verdict.State == topics.AgreementValid && !end.IsZero() && end.Sub(w.moment.At) < expiring {
					one.AgreementState = "expiring"
				}
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b VendorSystem) int { return strings.Compare(a.Name+a.SystemID, b.Name+b.SystemID) })
	return out
}
