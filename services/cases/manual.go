package cases

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// NewCase is a case that somebody makes by hand.
type NewCase struct {
	Ref, Title, What, Channel, Kind, Severity string
	SystemID, UnitID                          string
	Occurred                                  time.Time
	PassLine                                  bool
}

// Created tells who made a case where it is; Readable: they may open it.
type Created struct {
	ID, Number string
	Readable   bool
}

// Create makes a case by hand, of what somebody telephoned, wrote or saw (R1:
// also of who has no account and no wish to write). It goes the way of all
// others: whoever makes it need not be who handles it, and is not involved in
// it by having written it down.
func (s *Service) Create(ctx context.Context, n NewCase) (Created, error) {
	p, err := caller(ctx)
	if err != nil {
		return Created{}, err
	}
	if !auth.Allow(p, auth.ActionCaseCreate, auth.Object{Tenant: p.Tenant}) {
		return Created{}, ErrForbidden
	}
	tid := string(p.Tenant)
	if err := s.checkNew(tid, n); err != nil {
		return Created{}, err
	}
	caseID := id.Of("case", "manual", tid, p.Subject, n.Ref)
	doc, err := s.ensureBy(ctx, caseID, audit.ActorOf(p), func(c *Case, _ time.Time) {
		c.Source, c.Kind, c.Category = SourceManual, n.Kind, "other"
		c.SetSeverity(n.Severity)
		c.SeverityGiven = true
		c.Title = topics.Reason{Slug: "manual", Params: map[string]string{"kind": n.Kind}}
		c.Summary = strings.TrimSpace(n.Title)
		c.Words = wordsOf(n.Title + " " + n.What)
		c.SystemID, c.UnitID, c.PassLine = n.SystemID, n.UnitID, n.PassLine
		c.PersonalData = PersonalDataUnknown
		c.Manual = &Manual{What: strings.TrimSpace(n.What), Channel: n.Channel, By: p.Subject, Occurred: n.Occurred}
	})
	if err != nil {
		return Created{}, err
	}
	return Created{doc.ID, doc.Value.Number, partOf(p, doc.Tenant, &doc.Value) != PartNone}, nil
}

// checkNew names the fields that the contract cannot judge.
func (s *Service) checkNew(tid string, n NewCase) error {
	now := s.clock()
	var wrong []problem.Field
	if _, ok := s.org.System(tid, n.SystemID, now); n.SystemID != "" && !ok {
		wrong = append(wrong, problem.Field{Pointer: "/systemId", Slug: "not-a-choice", Detail: "This is not one of the choices."})
	}
	if _, ok := s.org.Unit(tid, n.UnitID, now); n.UnitID != "" && !ok {
		wrong = append(wrong, problem.Field{Pointer: "/unitId", Slug: "not-a-choice", Detail: "This is not one of the choices."})
	}
	if n.Occurred.After(now) {
		wrong = append(wrong, problem.Field{Pointer: "/occurred", Slug: "in-future", Detail: "This lies in the future."})
	}
	if len(wrong) > 0 {
		return problem.Invalid("Some of it is not as it should be; see each field.", wrong...)
	}
	return nil
}

// Bounds of what is attached to one case.
const (
	maxFiles     = 50
	maxFileBytes = 25 << 20
)

var (
	errFileLarge = problem.New(problem.KindTooLarge, "too-large", "The file is larger than what is taken here.")
	errFileEmpty = problem.Refused("file-empty", "The file is empty.")
	errFilesFull = problem.Refused("case-files-full", "No more files fit into this case.")
)

// Attach keeps a file as evidence of the case, as it came: of evidence nothing
// is taken out. Whoever handles the case may, and who made it by hand until
// somebody has taken it on. The same bytes under the same name are one file.
func (s *Service) Attach(ctx context.Context, caseID, name string, body io.Reader) (topics.Attachment, error) {
	var none topics.Attachment
	doc, p, err := s.forAttaching(ctx, caseID)
	if err != nil {
		return none, err
	}
	content, err := io.ReadAll(io.LimitReader(body, maxFileBytes+1))
	switch {
	case err != nil:
		return none, err
	case len(content) == 0:
		return none, errFileEmpty
	case len(content) > maxFileBytes:
		return none, errFileLarge
	case len(doc.Value.Files) >= maxFiles:
		return none, errFilesFull
	}
	mediaType := http.DetectContentType(content)
	fileID := id.Of("case-file", doc.Tenant, caseID, name, string(content))
	key := path.Join("cases", caseID, fileID)
	info, err := s.blobs.Put(ctx, key, mediaType, bytes.NewReader(content), maxFileBytes)
	if err != nil {
		return none, err
	}
	a := topics.Attachment{ID: fileID, Name: fileName(name), MediaType: mediaType, Size: info.Size, SHA256: info.SHA256, BlobKey: key}
	_, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		if _, has := c.attachment(fileID); has {
			return nil
		}
		if len(c.Files) >= maxFiles {
			return errFilesFull
		}
		c.Files = append(c.Files, File{Attachment: a, By: p.Subject, Added: w.now})
		w.did("file-attached", "", "file", fileID, "sha256", a.SHA256)
		return nil
	})
	return a, err
}

// forAttaching reads the case for who may attach a file to it.
func (s *Service) forAttaching(ctx context.Context, caseID string) (docstore.Doc[Case], auth.Principal, error) {
	p, err := caller(ctx)
	if err != nil {
		return docstore.Doc[Case]{}, p, err
	}
	doc, err := s.cases.Get(ctx, caseID)
	if errors.Is(err, docstore.ErrNotFound) {
		return doc, p, ErrNotFound
	}
	if err != nil {
		return doc, p, err
	}
	c := &doc.Value
	made := c.Manual != nil && c.Manual.By == p.Subject && c.Open && !c.Seen()
	switch {
	case made:
	case partOf(p, doc.Tenant, c) == PartNone:
		return doc, p, ErrNotFound
	case !auth.Allow(p, auth.ActionCaseHandle, c.Object(tenant.ID(doc.Tenant))):
		return doc, p, ErrForbidden
	case s.involved(doc.Tenant, c).Is(c, p.Subject):
		return doc, p, ErrInvolved
	}
	return doc, p, nil
}

// fileName is the last part of a percent-encoded name, without what a name has no use for.
func fileName(encoded string) string {
	name, err := url.PathUnescape(encoded)
	if err != nil {
		name = encoded
	}
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if runes := []rune(name); len(runes) > 150 {
		name = string(runes[:150])
	}
	if name == "" || name == "." || name == "/" {
		return "file"
	}
	return name
}
