package audit

import (
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Found is a record as a reader sees it. Record is empty where it was erased;
// Index is -1 in the moment before it has a place.
type Found struct {
	ID       string
	Index    int64
	Received time.Time
	Erased   bool
	Record   topics.AuditRecord
}

// reader returns the caller if they may do a to this tenant's log.
func reader(ctx context.Context, a auth.Action) (auth.Principal, tenant.ID, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, "", auth.ErrNoToken
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return p, "", err
	}
	if !auth.Allow(p, a, auth.Object{Tenant: tid}) {
		return p, "", problem.Forbidden("not-allowed", "Your role does not allow this.")
	}
	return p, tid, nil
}

// Search returns a page of the tenant's records, newest first. The search is
// recorded before anything is read.
func (s *Service) Search(ctx context.Context, q Query, purpose string) ([]Found, string, error) {
	p, _, err := reader(ctx, auth.ActionAuditRead)
	if err != nil {
		return nil, "", err
	}
	if q.After == "" { // the pages of one search are one read
		if err := s.own(ctx, p, string(auth.ActionAuditRead), purpose, nil); err != nil {
			return nil, "", problem.Unavailable("What is read is recorded first, and the record cannot be written now. Try again in a moment.", err)
		}
	}
	page, err := s.stores.records.Find(ctx, q.filter(), docstore.FindOptions{
		Sort: []docstore.Sort{{Field: "received", Desc: true}}, After: q.After, Limit: q.Limit,
	})
	if errors.Is(err, docstore.ErrCursor) {
		return nil, "", problem.Invalid("The page cannot be found.", problem.Field{Pointer: "after", Slug: "malformed", Detail: "This is not the end of a page of this list."})
	}
	if err != nil {
		return nil, "", err
	}
	out := make([]Found, 0, len(page.Docs))
	for _, d := range page.Docs {
		f, err := found(d)
		if err != nil {
			return nil, "", err
		}
		out = append(out, f)
	}
	return out, page.Next, nil
}

func found(d docstore.Doc[entry]) (Found, error) {
	f := Found{ID: d.ID, Index: d.Value.Index, Received: d.Value.Received, Erased: d.Value.Erased}
	if f.Erased {
		return f, nil
	}
	var err error
	f.Record, err = d.Value.record()
	return f, err
}

// Signed is a checkpoint with the note that signs it.
type Signed struct {
	bundle.Checkpoint
	Note, PublicKey string
}

// Checkpoint signs the tenant's log as it is now.
func (s *Service) Checkpoint(ctx context.Context) (Signed, error) {
	_, tid, err := reader(ctx, auth.ActionAuditRead)
	if err != nil {
		return Signed{}, err
	}
	return s.sign(ctx, tid)
}

func (s *Service) sign(ctx context.Context, tid tenant.ID) (Signed, error) {
	c, text, err := s.logOf(tid).checkpoint(ctx, s.key)
	return Signed{c, text, s.key.Public}, err
}

// Proof says that a record is in the tree of a checkpoint.
type Proof struct {
	ID         string
	Index      int64
	Leaf       string
	Hashes     []string
	Checkpoint Signed
}

var errNotLogged = problem.Conflict("record-not-logged-yet", "The record has no place in the log yet. Try again in a moment.")

// Prove returns the proof that a record is in a new checkpoint's tree.
func (s *Service) Prove(ctx context.Context, recordID string) (Proof, error) {
	_, tid, err := reader(ctx, auth.ActionAuditRead)
	if err != nil {
		return Proof{}, err
	}
	d, err := s.stores.records.Get(ctx, recordID)
	if errors.Is(err, docstore.ErrNotFound) {
		return Proof{}, problem.NotFound("record")
	}
	if err != nil {
		return Proof{}, err
	}
	if d.Value.Pending {
		return Proof{}, errNotLogged
	}
	c, err := s.sign(ctx, tid)
	if err != nil {
		return Proof{}, err
	}
	proof, err := tlog.ProveRecord(c.Size, d.Value.Index, s.logOf(tid).hashes.reader(ctx))
	if err != nil {
		return Proof{}, err
	}
	return Proof{ID: recordID, Index: d.Value.Index, Leaf: d.Value.Leaf, Hashes: encode(proof), Checkpoint: c}, nil
}

// Consistency returns the proof that the log of from records is the beginning
// of the log of to records.
func (s *Service) Consistency(ctx context.Context, from, to int64) ([]string, error) {
	_, tid, err := reader(ctx, auth.ActionAuditRead)
	if err != nil {
		return nil, err
	}
	l := s.logOf(tid)
	l.mu.Lock()
	err = l.load(ctx)
	size := l.size
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if from < 1 || from > to || to > size {
		return nil, problem.Invalid("The log has no such beginning.", problem.Field{Pointer: "to", Slug: "out-of-range", Detail: "This must lie between from and the log's size."})
	}
	proof, err := tlog.ProveTree(to, from, l.hashes.reader(ctx))
	return encode(proof), err
}

func encode(hashes []tlog.Hash) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = bundle.EncodeHash(h)
	}
	return out
}
