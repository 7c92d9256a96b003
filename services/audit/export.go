package audit

import (
	"context"
	"encoding/json"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
)

const (
	maxExport  = 20_000
	maxEarlier = 200
)

// Export makes a bundle of at most limit records from a place in the log on.
// It asks for a step-up, and is recorded first: the record of the export is
// itself the last but a few of a log exported whole.
func (s *Service) Export(ctx context.Context, from int64, limit int, purpose string) (bundle.Bundle, error) {
	p, tid, err := reader(ctx, auth.ActionAuditExport)
	if err != nil {
		return bundle.Bundle{}, err
	}
	if err := auth.RequireStepUp(s.clock(), p, auth.ActionAuditExport, s.stepUp); err != nil {
		return bundle.Bundle{}, err
	}
	details := map[string]string{"from": strconv.FormatInt(from, 10)}
	if err := s.own(ctx, p, string(auth.ActionAuditExport), purpose, details); err != nil {
		return bundle.Bundle{}, problem.Unavailable("An export is recorded first, and the record cannot be written now. Try again in a moment.", err)
	}
	if err := s.flush(ctx); err != nil {
		return bundle.Bundle{}, err
	}
	if limit <= 0 || limit > maxExport {
		limit = maxExport
	}
	return s.bundle(ctx, tid, from, limit)
}

func (s *Service) bundle(ctx context.Context, tid tenant.ID, from int64, limit int) (bundle.Bundle, error) {
	c, err := s.sign(ctx, tid)
	if err != nil {
		return bundle.Bundle{}, err
	}
	if from > c.Size {
		return bundle.Bundle{}, problem.Invalid("The log is shorter.", problem.Field{Pointer: "/from", Slug: "out-of-range", Detail: "This is behind the end of the log."})
	}
	b := bundle.Bundle{
		Format: bundle.Format, Tenant: string(tid), Exported: c.Time, PublicKey: c.PublicKey, Checkpoint: c.Note,
		From: from, To: min(c.Size, from+int64(limit)), Entries: []bundle.Entry{},
	}
	whole := b.Whole(c.Size)
	tree := s.logOf(tid).hashes.reader(ctx)
	for after := ""; ; {
		page, err := s.stores.records.Find(ctx, docstore.Range{Field: "index", Gte: b.From, Lt: b.To},
			docstore.FindOptions{Sort: []docstore.Sort{{Field: "index"}}, After: after, Limit: 1000})
		if err != nil {
			return b, err
		}
		for _, d := range page.Docs {
			e := bundle.Entry{Index: d.Value.Index, ID: d.ID, Logged: d.Value.Logged, Leaf: d.Value.Leaf, Erased: d.Value.Erased}
			if !e.Erased {
				e.Salt, e.Record = d.Value.Salt, json.RawMessage(d.Value.Body)
			}
			if !whole {
				proof, err := tlog.ProveRecord(c.Size, e.Index, tree)
				if err != nil {
					return b, err
				}
				e.Proof = encode(proof)
			}
			b.Entries = append(b.Entries, e)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	b.Earlier, err = s.earlier(ctx, c, whole, tree)
	return b, err
}

// earlier returns the last checkpoints before c.
func (s *Service) earlier(ctx context.Context, c Signed, whole bool, tree tlog.HashReader) ([]bundle.Earlier, error) {
	page, err := s.stores.checkpoints.Find(ctx, docstore.Range{Field: "size", Lt: c.Size},
		docstore.FindOptions{Sort: []docstore.Sort{{Field: "size", Desc: true}}, Limit: maxEarlier})
	if err != nil {
		return nil, err
	}
	var out []bundle.Earlier
	for i := len(page.Docs) - 1; i >= 0; i-- {
		d := page.Docs[i].Value
		e := bundle.Earlier{Checkpoint: d.Note}
		if !whole && d.Size > 0 {
			proof, err := tlog.ProveTree(c.Size, d.Size, tree)
			if err != nil {
				return nil, err
			}
			e.Proof = encode(proof)
		}
		out = append(out, e)
	}
	return out, nil
}
