package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Erase removes the content of the tenant's records that were logged before a
// time, and keeps their leaves: the tree proves the same as before. First the
// log says which places are erased and under which rule, so that a reader of
// an export can tell an erasure from a theft. A crash in between erases the
// rest at the next run. It returns how many records it erased.
func (s *Service) Erase(ctx context.Context, before time.Time, rule string) (int, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return 0, err
	}
	due := docstore.And{
		docstore.Eq{Field: "pending", Value: false}, docstore.Not{Filter: docstore.Eq{Field: "erased", Value: true}},
		docstore.Range{Field: "logged", Lt: before},
	}
	last, err := s.stores.records.Find(ctx, due, docstore.FindOptions{Sort: []docstore.Sort{{Field: "index", Desc: true}}, Limit: 1})
	if err != nil || len(last.Docs) == 0 {
		return 0, err
	}
	to := last.Docs[0].Value.Index + 1
	// The log is ordered by time: what is due is a beginning of it.
	err = s.Record(ctx, topics.AuditRecord{
		ID: id.Of("audit-erase", string(tid), strconv.FormatInt(to, 10)), Tenant: string(tid), Time: s.clock().UTC(), Service: "audit",
		Actor: topics.Actor{Type: "service", ID: "audit"}, Action: bundle.ActionErase, Phase: audit.PhaseChange, Result: audit.ResultOK,
		Details: map[string]string{"from": "0", "to": strconv.FormatInt(to, 10), "rule": rule},
	})
	if err != nil && !errors.Is(err, errOtherContent) { // recorded already, by a run that was cut short
		return 0, fmt.Errorf("audit: erasure of %s: %w", tid, err)
	}
	if err := s.flush(ctx); err != nil {
		return 0, err
	}
	erased := 0
	for {
		page, err := s.stores.records.Find(ctx, due, docstore.FindOptions{Limit: 500})
		if err != nil || len(page.Docs) == 0 {
			return erased, err
		}
		for _, d := range page.Docs {
			_, err := s.stores.records.Update(ctx, d.ID, func(e *entry, _ *docstore.Outbox) error {
				e.erase()
				return nil
			})
			if err != nil {
				return erased, err
			}
			erased++
		}
	}
}
