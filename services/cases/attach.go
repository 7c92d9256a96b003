package cases

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// tally is what a case's finding documents say, all of them together.
type tally struct {
	count, active int
	rank          int
	first, last   time.Time
	subjects      []string
	given         bool // a person set the severity of a case that does not say so itself
}

// maxFindings bounds how many findings of one case are looked through for
// persons; the counts and the severity always cover all.
const maxFindings = 1000

func (s *Service) tally(ctx context.Context, tid, caseID string) (tally, error) {
	var t tally
	of := docstore.Eq{Field: "caseId", Value: caseID}
	active := docstore.And{of, docstore.Eq{Field: "withdrawn", Value: false}}
	var err error
	if t.count, err = s.findings.Count(ctx, of); err != nil {
		return t, err
	}
	if t.active, err = s.findings.Count(ctx, active); err != nil {
		return t, err
	}
	// An explained case keeps the severity it would have had.
	graver := docstore.Filter(active)
	if t.active == 0 {
		graver = of
	}
	top, err := s.findings.Find(ctx, graver, docstore.FindOptions{Limit: 1, Sort: []docstore.Sort{{Field: "rank", Desc: true}}})
	if err != nil {
		return t, err
	}
	for _, d := range top.Docs {
		t.rank = d.Value.Rank
	}
	page, err := s.findings.Find(ctx, of, docstore.FindOptions{Limit: maxFindings, Sort: []docstore.Sort{{Field: "first"}}})
	if err != nil {
		return t, err
	}
	now := s.clock()
	for _, d := range page.Docs {
		if t.first.IsZero() {
			t.first = d.Value.First
		}
		if d.Value.Last.After(t.last) {
			t.last = d.Value.Last
		}
		t.subjects = append(t.subjects, s.subjectsOf(d.Value.Finding, now)...)
	}
	slices.Sort(t.subjects)
	t.subjects = slices.Compact(t.subjects)
	return t, nil
}

var errAgain = errors.New("cases: another finding came in between")

// recompute brings a case up to what its finding documents say. The documents
// were written before; a revision in the case makes sure that nobody writes a
// tally that is older than the one already there.
func (s *Service) recompute(ctx context.Context, caseID string) error {
	tid, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	for {
		doc, err := s.cases.Get(ctx, caseID)
		if err != nil {
			return err
		}
		if into := doc.Value.MergedInto; into != "" {
			return s.follow(ctx, caseID, into)
		}
		t, err := s.tally(ctx, string(tid), caseID)
		if err != nil {
			return err
		}
		if t.given, err = s.severityGiven(ctx, doc); err != nil {
			return err
		}
		_, err = s.change(ctx, caseID, systemActor, func(c *Case, w *change) error {
			if c.FindingsRev != doc.Value.FindingsRev {
				return errAgain
			}
			s.take(c, w, t)
			return nil
		})
		if !errors.Is(err, errAgain) {
			return err
		}
	}
}

// severityGiven looks in the history whether a person set the severity of a
// case that was stored before that was kept in it (N6).
func (s *Service) severityGiven(ctx context.Context, doc docstore.Doc[Case]) (bool, error) {
	if doc.Value.SeverityGiven || doc.Value.FoundRank != nil || doc.Value.FindingCount == 0 {
		return doc.Value.SeverityGiven, nil
	}
	if _, err := s.flushDoc(ctx, doc); err != nil {
		return false, err
	}
	n, err := s.history.Count(ctx, docstore.And{
		docstore.Eq{Field: "caseId", Value: doc.ID}, docstore.Eq{Field: "action", Value: "assessed"}, docstore.Exists{Field: "params.severity"},
	})
	return n > 0, err
}

// follow moves what was filed with a case in the moment it was merged.
func (s *Service) follow(ctx context.Context, from, into string) error {
	page, err := s.findings.Find(ctx, docstore.Eq{Field: "caseId", Value: from}, docstore.FindOptions{Limit: maxFindings})
	if err != nil {
		return err
	}
	for _, d := range page.Docs {
		if err := s.moveFinding(ctx, d.ID, into); err != nil {
			return err
		}
	}
	return s.recompute(ctx, into)
}

// take writes a tally into the case, and what follows from it.
func (s *Service) take(c *Case, w *change, t tally) {
	c.SeverityGiven = c.SeverityGiven || t.given
	// A case stored before it kept what its findings said has only its own rank,
	// which a person may have set.
	sameRank := c.FoundRank == nil && (c.Rank == t.rank || c.SeverityGiven) || c.FoundRank != nil && *c.FoundRank == t.rank
	if c.FindingCount == t.count && c.ActiveCount == t.active && sameRank &&
		c.First.Equal(t.first) && c.Last.Equal(t.last) && slices.Equal(c.Subjects, t.subjects) {
		return
	}
	wasExplained, added := c.Explained(), t.count-c.FindingCount
	withdrawn := (t.count - t.active) - (c.FindingCount - c.ActiveCount)
	raisedAgain := withdrawn < 0
	c.FindingsRev++
	c.FindingCount, c.ActiveCount, c.First, c.Last, c.Subjects = t.count, t.active, t.first, t.last, t.subjects
	if c.found(t.rank) {
		c.tighten(s.settings)
	}
	c.startEmergency(s.settings)
	w.did("findings", "", "count", strconv.Itoa(t.count), "active", strconv.Itoa(t.active), "severity", c.Severity)
	if withdrawn > 0 {
		w.did("findings-withdrawn", "", "count", strconv.Itoa(withdrawn))
	}
	if c.Explained() && !wasExplained {
		w.did("explained", "")
	}
	if !c.State.Open() && c.State != "" && c.MergedInto == "" && t.active > 0 && (added > 0 || raisedAgain) {
		c.reopen(s.settings, w.now)
		w.did("reopened", "", "because", "new-finding")
	}
	if c.HandlerID != "" && c.MergedInto == "" && c.Closed == nil && s.involved(w.tenant, c).Is(c, c.HandlerID) {
		s.route(w.tenant, c, w)
	}
}

// keepEvidence files the finding's lines under the case, each once.
func (s *Service) keepEvidence(ctx context.Context, caseID string, f topics.Finding) error {
	for _, line := range f.Evidence {
		key := EvidenceID(caseID, line.EventID)
		_, err := s.evidence.Insert(ctx, key, Evidence{
			CaseID: caseID, Line: line, Source: EvidenceOfFinding, Findings: []string{f.ID}, Added: s.clock().UTC(),
		})
		if errors.Is(err, docstore.ErrExists) {
			_, err = s.evidence.Update(ctx, key, func(e *Evidence, _ *docstore.Outbox) error {
				if slices.Contains(e.Findings, f.ID) {
					return errUnchanged
				}
				e.Findings = append(e.Findings, f.ID)
				slices.Sort(e.Findings)
				return nil
			})
			if errors.Is(err, errUnchanged) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// EvidenceID is the id of an event as evidence of a case.
func EvidenceID(caseID, eventID string) string { return id.Of("evidence", caseID, eventID) }
