package cases

import (
	"context"
	"slices"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
)

// sight is which lines of a case's evidence a caller may see whole. The lines
// of its findings go with evidence.read. A line that somebody pinned was chosen
// by a person out of all logs: it is shown to those who see names in the search
// of the case, and else only where the case's own findings cover it (R41).
// Whatever cannot be told is hidden.
type sight struct {
	raw, names bool
	accounts   map[string]bool // folded; those the findings are about
	spans      []Span          // of the findings, with the quiet period around
}

// sightOf says what p sees of the case; items are the lines asked about.
func (s *Service) sightOf(ctx context.Context, p auth.Principal, doc docstore.Doc[Case], items ...Evidence) (sight, error) {
	object := doc.Value.Object(tenant.ID(doc.Tenant))
	v := sight{
		raw:   auth.Allow(p, auth.ActionEvidenceRead, object),
		names: auth.Allow(p, auth.ActionEventNames, auth.Object{Tenant: tenant.ID(doc.Tenant)}),
	}
	if !v.raw || v.names || !slices.ContainsFunc(items, Evidence.onlyPinned) {
		return v, nil
	}
	page, err := s.findings.Find(ctx, docstore.Eq{Field: "caseId", Value: doc.ID}, docstore.FindOptions{Limit: maxFindings})
	if err != nil {
		return v, err
	}
	var named []string
	for _, d := range page.Docs {
		v.spans = append(v.spans, Span{First: d.Value.First.Add(-s.settings.QuietPeriod), Last: d.Value.Last.Add(s.settings.QuietPeriod)})
		named = append(named, d.Value.Finding.Accounts...)
		for _, line := range d.Value.Finding.Evidence {
			if line.Account != "" {
				named = append(named, line.Account)
			}
		}
	}
	v.accounts = s.org.AccountSpellings(doc.Tenant, named, s.clock())
	return v, nil
}

// onlyPinned says whether no finding rests on the line.
func (e Evidence) onlyPinned() bool { return e.Source == EvidencePinned && len(e.Findings) == 0 }

// shows says whether the line is shown whole.
func (v sight) shows(e Evidence) bool {
	switch {
	case !v.raw:
		return false
	case v.names, !e.onlyPinned():
		return true
	}
	return v.accounts[folded(e.Line.Account)] && slices.ContainsFunc(v.spans, func(s Span) bool { return s.covers(e.Line.Time) })
}

// covers says whether the moment lies in the span, its ends included.
func (s Span) covers(at time.Time) bool { return !at.Before(s.First) && !at.After(s.Last) }
