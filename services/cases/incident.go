package cases

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

// IncidentGroup is every incident of one family and group, as spans of event
// time. It alone decides which case a finding belongs to, so that order,
// repetition and restart cannot.
type IncidentGroup struct {
	Family string            `json:"family"`
	Group  map[string]string `json:"group"`
	Spans  []Span            `json:"spans"` // by First
}

// Span is one incident: no quiet period lies inside it. Cases holds the case
// ids it has had; the first is the one that lives, the others were merged into
// it when a late finding joined spans.
type Span struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Cases []string  `json:"cases"`
}

// CaseID of the incident.
func (s Span) CaseID() string { return s.Cases[0] }

// GroupID is the id of the group a finding belongs to.
func GroupID(f topics.Finding) string {
	parts := []string{"incident-group", f.Tenant, f.Family}
	for _, k := range slices.Sorted(keys(f.Group)) {
		parts = append(parts, k, f.Group[k])
	}
	return id.Of(parts...)
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Extent is the event time that a finding covers.
func Extent(f topics.Finding) (first, last time.Time) {
	first, last = f.Time, f.Time
	if !f.First.IsZero() && f.First.Before(first) {
		first = f.First
	}
	if f.Last.After(last) {
		last = f.Last
	}
	return first, last
}

// Place puts a finding's extent into the group and returns the span it is now
// part of. Two extents belong together where less than the quiet period lies
// between them. Placing the same extent again changes nothing, and the spans
// are the same for every order.
func (g *IncidentGroup) Place(groupID, findingID string, first, last time.Time, quiet time.Duration) Span {
	merged := Span{First: first, Last: last}
	var apart, joined []Span
	for _, s := range g.Spans {
		if s.First.Sub(last) < quiet && first.Sub(s.Last) < quiet {
			joined = append(joined, s)
		} else {
			apart = append(apart, s)
		}
	}
	for _, s := range joined {
		if s.First.Before(merged.First) {
			merged.First = s.First
		}
		if s.Last.After(merged.Last) {
			merged.Last = s.Last
		}
		merged.Cases = append(merged.Cases, s.Cases...)
	}
	if len(merged.Cases) == 0 {
		merged.Cases = []string{id.Of("case", "finding", groupID, findingID)}
	}
	g.Spans = append(apart, merged)
	slices.SortFunc(g.Spans, func(a, b Span) int {
		return cmp.Or(a.First.Compare(b.First), strings.Compare(a.CaseID(), b.CaseID()))
	})
	return merged
}

// Neighbours are the cases of the incidents just before and after the case's.
func (g *IncidentGroup) Neighbours(caseID string) (earlier, later string) {
	for i, s := range g.Spans {
		if s.CaseID() != caseID {
			continue
		}
		if i > 0 {
			earlier = g.Spans[i-1].CaseID()
		}
		if i+1 < len(g.Spans) {
			later = g.Spans[i+1].CaseID()
		}
	}
	return earlier, later
}

// StoredFinding is a finding as last told. Raised and withdrawn again can
// arrive in any order and several times: what was decided last holds, and at
// the same moment the withdrawal.
type StoredFinding struct {
	Finding   topics.Finding `json:"finding"`
	Withdrawn bool           `json:"withdrawn"`
	CaseID    string         `json:"caseId,omitempty"`
	GroupID   string         `json:"groupId"`
	Rank      int            `json:"rank"`  // of its severity
	First     time.Time      `json:"first"` // widest extent ever told
	Last      time.Time      `json:"last"`
}

// Take merges what is now told into what is stored.
func (s *StoredFinding) Take(f topics.Finding, withdrawn bool) {
	first, last := Extent(f)
	if s.First.IsZero() || first.Before(s.First) {
		s.First = first
	}
	if last.After(s.Last) {
		s.Last = last
	}
	newer := f.Decided.After(s.Finding.Decided) || (f.Decided.Equal(s.Finding.Decided) && (withdrawn || !s.Withdrawn))
	if s.Finding.ID != "" && !newer {
		// An older word still may hold lines that the newer left out.
		if len(s.Finding.Evidence) == 0 {
			s.Finding.Evidence = f.Evidence
		}
		return
	}
	if len(f.Evidence) == 0 {
		f.Evidence = s.Finding.Evidence
	}
	s.Finding, s.Withdrawn = f, withdrawn
	s.Rank = SeverityRank(f.Severity)
}
