package cases

import (
	"context"
	"slices"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
)

// Link is what another case is to this one.
type Link struct {
	CaseID string `json:"caseId"`
	Kind   string `json:"kind"`
	Number string `json:"-"` // for reading; the other case has it
}

// Kinds of links. The first two follow from the findings' groups; the others
// are made by hand.
const (
	LinkEarlier      = "earlier"
	LinkLater        = "later"
	LinkRelated      = "related"
	LinkDuplicateOf  = "duplicate-of"
	LinkHasDuplicate = "has-duplicate"
	LinkCausedBy     = "caused-by"
	LinkCauseOf      = "cause-of"
)

// otherWay is what a link is as seen from the other case.
var otherWay = map[string]string{
	LinkRelated: LinkRelated, LinkDuplicateOf: LinkHasDuplicate, LinkHasDuplicate: LinkDuplicateOf, LinkCausedBy: LinkCauseOf, LinkCauseOf: LinkCausedBy,
}

// linked lists the links made by hand, also those of cases stored before links
// had a kind.
func (c *Case) linked() []Link {
	all := slices.Clone(c.Links)
	for _, to := range c.Related {
		if !slices.ContainsFunc(all, func(l Link) bool { return l.CaseID == to }) {
			all = append(all, Link{CaseID: to, Kind: LinkRelated})
		}
	}
	return all
}

// setLink makes kind the one link to a case; empty takes it away. It says
// whether that changed anything.
func (c *Case) setLink(to, kind string) bool {
	before := c.linked()
	after := slices.DeleteFunc(slices.Clone(before), func(l Link) bool { return l.CaseID == to })
	if kind != "" {
		after = append(after, Link{CaseID: to, Kind: kind})
	}
	if len(after) == len(before) && !slices.ContainsFunc(after, func(l Link) bool { return !slices.Contains(before, l) }) {
		return false
	}
	c.Links, c.Related = after, nil
	return true
}

// Link links two cases of the tenant, both ways. Two cases have one link: a
// new kind takes the place of the old.
func (s *Service) Link(ctx context.Context, caseID, other, kind string) (View, error) {
	if other == caseID {
		return View{}, problem.Refused("link-to-itself", "A case cannot be linked to itself.")
	}
	if kind == "" {
		kind = LinkRelated
	}
	return s.setLinks(ctx, caseID, other, kind, otherWay[kind], "linked")
}

// Unlink takes the link between two cases away, both ways. Where there is none
// nothing happens.
func (s *Service) Unlink(ctx context.Context, caseID, other string) (View, error) {
	return s.setLinks(ctx, caseID, other, "", "", "unlinked")
}

// setLinks changes this case first, which the caller must handle, then the
// other, which they must see. Done again after a stop in between it ends alike.
func (s *Service) setLinks(ctx context.Context, caseID, other, kind, back, did string) (View, error) {
	if _, _, err := s.load(ctx, other, auth.ActionCaseRead); err != nil {
		return View{}, err
	}
	set := func(to, kind string) func(c *Case, w *change) error {
		return func(c *Case, w *change) error {
			if c.setLink(to, kind) {
				w.did(did, "", "case", to, "kind", kind)
			}
			return nil
		}
	}
	view, err := s.handle(ctx, caseID, auth.ActionCaseHandle, false, set(other, kind))
	if err != nil {
		return view, err
	}
	p, err := caller(ctx)
	if err != nil {
		return view, err
	}
	if _, err = s.change(ctx, other, audit.ActorOf(p), set(caseID, back)); err != nil {
		return view, err
	}
	return view, nil
}
