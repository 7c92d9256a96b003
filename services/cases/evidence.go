package cases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/blob"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// EvidencePage is a page of a case's evidence; raw lines and person fields are
// in it only where Raw, and of a line that was pinned only where sight allows.
type EvidencePage struct {
	Items []docstore.Doc[Evidence]
	Next  string
	Raw   bool
}

// ListEvidence lists the lines behind a case, oldest first. Where the caller
// may see them whole, that read is recorded before anything is returned (R41).
func (s *Service) ListEvidence(ctx context.Context, caseID string, limit int, after string) (EvidencePage, error) {
	doc, p, part, err := s.loadPart(ctx, caseID)
	if err != nil {
		return EvidencePage{}, err
	}
	if part != PartWhole {
		return EvidencePage{}, nil // a task in the case opens no line of it (R41)
	}
	page := EvidencePage{Raw: auth.Allow(p, auth.ActionEvidenceRead, doc.Value.Object(tenant.ID(doc.Tenant)))}
	action := string(auth.ActionCaseRead)
	if page.Raw {
		action = string(auth.ActionEvidenceRead)
	}
	done, err := s.reading(ctx, p, action, "case:"+caseID, caseID)
	if err != nil {
		return EvidencePage{}, err
	}
	found, err := s.evidence.Find(ctx, docstore.Eq{Field: "caseId", Value: caseID},
		docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "line.time"}}})
	if err != nil {
		return EvidencePage{}, err
	}
	page.Items, page.Next = found.Docs, found.Next
	lines := make([]Evidence, 0, len(found.Docs))
	for _, d := range found.Docs {
		lines = append(lines, d.Value)
	}
	v, err := s.sightOf(ctx, p, doc, lines...)
	if err != nil {
		return EvidencePage{}, err
	}
	for i := range page.Items {
		if !v.shows(page.Items[i].Value) {
			page.Items[i].Value = strip(page.Items[i].Value)
		}
	}
	done(map[string]int{"lines": len(page.Items)})
	return page, nil
}

// strip takes out what names people; the hash stays as the proof of what it was.
func strip(e Evidence) Evidence {
	e.Line.Original, e.Line.Account, e.Line.Address = "", "", ""
	if e.Search != nil {
		search := *e.Search
		search.Query = ""
		e.Search = &search
	}
	return e
}

// Pin adds an event of the search to the case. Pinning it again changes
// nothing. Raw tells whether the caller may see the line whole (see sight): to
// pin a line is no way round the rule for names in the search.
func (s *Service) Pin(ctx context.Context, caseID, eventID, note string, search *SearchContext) (doc docstore.Doc[Evidence], raw bool, err error) {
	of, p, err := s.load(ctx, caseID, auth.ActionEvidencePin)
	if err != nil {
		return doc, false, err
	}
	if s.involved(of.Tenant, &of.Value).Is(&of.Value, p.Subject) {
		return doc, false, ErrInvolved
	}
	line, err := s.events.Evidence(ctx, eventID)
	if err != nil {
		return doc, false, err
	}
	if line.SHA256 == "" || line.Original != "" {
		// What we keep is what we hashed, whoever hashed before.
		sum := sha256.Sum256([]byte(line.Original))
		line.SHA256 = hex.EncodeToString(sum[:])
	}
	key := EvidenceID(caseID, eventID)
	doc, err = s.evidence.Insert(ctx, key, Evidence{
		CaseID: caseID, Line: line, Source: EvidencePinned, Note: note, Search: search, By: p.Subject, Added: s.clock().UTC(),
	}, audit.ChangeRecord(topics.AuditRecord{
		ID: id.Of("audit-pin", key), Tenant: of.Tenant, Time: s.clock(), Service: "cases", Actor: audit.ActorOf(p),
		Action: string(auth.ActionEvidencePin), Object: "event:" + eventID, CaseID: caseID,
	}))
	if errors.Is(err, docstore.ErrExists) {
		doc, err = s.evidence.Get(ctx, key)
	}
	if err != nil {
		return doc, false, err
	}
	if _, err := s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		if !c.hear(key) {
			return nil
		}
		w.did("evidence-pinned", note, "evidence", key)
		return nil
	}); err != nil {
		return doc, false, err
	}
	v, err := s.sightOf(ctx, p, of, doc.Value)
	if err != nil {
		return doc, false, err
	}
	if raw = v.shows(doc.Value); raw {
		done, err := s.reading(ctx, p, string(auth.ActionEvidenceRead), "event:"+eventID, caseID)
		if err != nil {
			return doc, false, err
		}
		done(map[string]int{"lines": 1})
	} else {
		doc.Value = strip(doc.Value)
	}
	return doc, raw, nil
}

// OpenAttachment opens a file of the case's report, or one attached to the
// case. The reader lives on its own: the caller closes it.
func (s *Service) OpenAttachment(ctx context.Context, caseID, attachmentID string) (io.ReadCloser, topics.Attachment, error) {
	var none topics.Attachment
	doc, p, err := s.load(ctx, caseID, auth.ActionCaseRead)
	if err != nil {
		return nil, none, err
	}
	a, ok := doc.Value.attachment(attachmentID)
	if !ok {
		return nil, none, problem.NotFound("attachment")
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseRead), "attachment:"+attachmentID, caseID)
	if err != nil {
		return nil, none, err
	}
	// The answer is written after the handler returned and its deadline ended.
	r, _, err := s.blobs.Open(context.WithoutCancel(ctx), a.BlobKey)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, none, problem.NotFound("attachment")
	}
	if err == nil {
		done(map[string]int{"files": 1})
	}
	return r, a, err
}

// attachment finds a file of the case.
func (c *Case) attachment(fileID string) (topics.Attachment, bool) {
	if c.Report != nil {
		for _, a := range c.Report.Attachments {
			if a.ID == fileID {
				return a, true
			}
		}
	}
	for _, f := range c.Files {
		if f.ID == fileID {
			return f.Attachment, true
		}
	}
	return topics.Attachment{}, false
}
