package deviation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/services/deviation/files"
)

var (
	errNoDraft   = problem.NotFound("draft")
	errNoFile    = problem.NotFound("attachment")
	errFileType  = problem.Refused("file-type", "Files of this kind are not taken. Pictures as JPEG, PNG or WebP, PDF, text and office documents are.")
	errDamaged   = problem.Refused("file-damaged", "The picture is damaged and cannot be taken.")
	errEmpty     = problem.Refused("file-empty", "The file is empty.")
	errFileLarge = problem.New(problem.KindTooLarge, "too-large", "The file is larger than what is taken here.")
	errFull      = problem.Refused("draft-full", "No more files fit into this report.")
	errQuota     = problem.New(problem.KindTooMany, "upload-quota", "More files came in today than can be taken. The report itself can be sent without them.")
)

// Limits of files: of each, and of all in one draft.
type Limits struct {
	Files      int
	FileBytes  int64
	DraftBytes int64
}

// Usage counts what came in without a claim to it, per tenant and day: apart
// for those who are signed in, whom abuse from outside must not reach (N7).
type Usage struct {
	Bytes  int64 `json:"bytes"`
	Drafts int   `json:"drafts"`
}

func (s *Service) draftID(tid, token string) string {
	return keyedHex(s.keys.Index, "draft", tid, token)
}

// NewDraft opens a place for files and gives its token. who is the verified
// caller; nil where nobody is signed in.
func (s *Service) NewDraft(ctx context.Context, tid string, who *auth.Principal) (token string, expires time.Time, err error) {
	now := s.clock().UTC()
	if !s.places.Known(tid, now) {
		return "", expires, ErrNoTenant
	}
	if who != nil && !s.quotas.take(s.quotas.persons, "draft/"+s.ownerOf(tid, who.Subject), s.cfg.PersonPerMinute, s.cfg.PersonBurst, now) {
		return "", expires, errQuota
	}
	ctx, cancel := untraced(ctx, tid)
	defer cancel()
	if err := s.count(ctx, tid, who != nil, 0, 1); err != nil {
		return "", expires, err
	}
	var b [24]byte
	_, _ = rand.Read(b[:])
	token = base64.RawURLEncoding.EncodeToString(b[:])
	expires = now.Truncate(time.Hour).Add(s.cfg.DraftLife + time.Hour)
	_, err = s.drafts.Insert(ctx, s.draftID(tid, token), Draft{Files: []StoredFile{}, Expires: expires, SignedIn: who != nil})
	return token, expires, err
}

// count adds to the day's usage and refuses what goes beyond the quota.
func (s *Service) count(ctx context.Context, tid string, signedIn bool, size int64, drafts int) error {
	of := "upload-usage"
	if signedIn {
		of = "upload-usage-signed-in"
	}
	key := id.Of(of, tid, s.clock().UTC().Format(time.DateOnly))
	if _, err := s.usage.Insert(ctx, key, Usage{}); err != nil && !errors.Is(err, docstore.ErrExists) {
		return err
	}
	_, err := s.usage.Update(ctx, key, func(u *Usage, _ *docstore.Outbox) error {
		u.Bytes += size
		u.Drafts += drafts
		if u.Bytes > s.cfg.UploadBytesPerDay || u.Drafts > s.cfg.DraftsPerDay {
			return errQuota
		}
		return nil
	})
	return err
}

// Upload takes one file into a draft: its type is found by its bytes, and
// metadata is taken out of pictures before anything is stored.
func (s *Service) Upload(ctx context.Context, tid, token, name string, body io.Reader) (StoredFile, error) {
	if !tenant.ID(tid).Valid() {
		return StoredFile{}, errNoDraft
	}
	ctx, cancel := untraced(ctx, tid)
	defer cancel()
	draft, err := s.openDraft(ctx, tid, token)
	if err != nil {
		return StoredFile{}, err
	}
	if len(draft.Files) >= s.cfg.Limits.Files {
		return StoredFile{}, errFull
	}
	select {
	case s.cleaning <- struct{}{}:
		defer func() { <-s.cleaning }()
	case <-ctx.Done():
		return StoredFile{}, ctx.Err()
	}
	file, content, err := s.read(name, body)
	if err != nil {
		return StoredFile{}, err
	}
	if draft.Bytes+file.Size > s.cfg.Limits.DraftBytes {
		return StoredFile{}, errFull
	}
	if err := s.count(ctx, tid, draft.SignedIn, file.Size, 0); err != nil {
		return StoredFile{}, err
	}
	info, err := s.blobs.Put(ctx, file.BlobKey, file.MediaType, bytes.NewReader(content), s.cfg.Limits.FileBytes)
	if err != nil {
		return StoredFile{}, err
	}
	file.Size, file.SHA256 = info.Size, info.SHA256
	if err := s.keep(ctx, tid, token, file); err != nil {
		// Nothing points at the file: it goes again, whatever happens to us.
		return StoredFile{}, errors.Join(err, s.blobs.Delete(context.WithoutCancel(ctx), file.BlobKey))
	}
	return file, nil
}

func (s *Service) openDraft(ctx context.Context, tid, token string) (Draft, error) {
	doc, err := s.drafts.Get(ctx, s.draftID(tid, token))
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && (doc.Value.Report != "" || doc.Value.Expires.Before(s.clock()))) {
		return Draft{}, errNoDraft
	}
	return doc.Value, err
}

// read takes the file into memory, finds its type and cleans it.
func (s *Service) read(name string, body io.Reader) (StoredFile, []byte, error) {
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	content, err := io.ReadAll(io.LimitReader(body, s.cfg.Limits.FileBytes+1))
	switch {
	case err != nil:
		return StoredFile{}, nil, err
	case int64(len(content)) > s.cfg.Limits.FileBytes:
		return StoredFile{}, nil, errFileLarge
	case len(content) == 0:
		return StoredFile{}, nil, errEmpty
	}
	mediaType, err := files.Sniff(name, content)
	if err != nil {
		return StoredFile{}, nil, errFileType
	}
	clean, cleaned, err := files.Clean(mediaType, content)
	if err != nil {
		return StoredFile{}, nil, errDamaged
	}
	f := StoredFile{ID: id.New(), Name: files.Name(name), MediaType: mediaType, Size: int64(len(clean)), MetadataRemoved: cleaned}
	f.BlobKey = "reports/" + f.ID
	if !bytes.Equal(clean, content) {
		sum := sha256.Sum256(content)
		f.OriginalSHA256 = hex.EncodeToString(sum[:])
	}
	return f, clean, nil
}

func (s *Service) keep(ctx context.Context, tid, token string, file StoredFile) error {
	_, err := s.drafts.Update(ctx, s.draftID(tid, token), func(d *Draft, _ *docstore.Outbox) error {
		switch {
		case d.Report != "":
			return errNoDraft
		case len(d.Files) >= s.cfg.Limits.Files || d.Bytes+file.Size > s.cfg.Limits.DraftBytes:
			return errFull
		}
		d.Files = append(d.Files, file)
		d.Bytes += file.Size
		return nil
	})
	return err
}

// RemoveFile takes a file out of a draft again.
func (s *Service) RemoveFile(ctx context.Context, tid, token, fileID string) error {
	if !tenant.ID(tid).Valid() {
		return errNoDraft
	}
	ctx, cancel := untraced(ctx, tid)
	defer cancel()
	var gone StoredFile
	_, err := s.drafts.Update(ctx, s.draftID(tid, token), func(d *Draft, _ *docstore.Outbox) error {
		at := slices.IndexFunc(d.Files, func(f StoredFile) bool { return f.ID == fileID })
		if at < 0 || d.Report != "" {
			return errNoFile
		}
		gone = d.Files[at]
		d.Files = slices.Delete(d.Files, at, at+1)
		d.Bytes -= gone.Size
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return errNoDraft
	}
	if err != nil {
		return err
	}
	return s.blobs.Delete(ctx, gone.BlobKey)
}

// claimGrace is how long after its end a claimed draft is left alone: a
// submission that claimed it at the last moment is over by then.
const claimGrace = time.Hour

// Sweep removes what drafts of the tenant left behind that no report took.
func (s *Service) Sweep(ctx context.Context) error {
	page, err := s.drafts.Find(ctx, docstore.Range{Field: "expires", Lt: s.clock().UTC()}, docstore.FindOptions{Limit: 200})
	if err != nil {
		return err
	}
	for _, d := range page.Docs {
		if err := s.sweepDraft(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// sweepDraft removes one draft whose time is over, with its files unless a
// report has them. That a submission claimed them is not enough: it may have
// failed after that.
func (s *Service) sweepDraft(ctx context.Context, d docstore.Doc[Draft]) error {
	claim := d.Value.Report
	taken := false
	if claim != "" && claim != sweeping {
		if d.Value.Expires.Add(claimGrace).After(s.clock()) {
			return nil
		}
		_, err := s.reports.Get(ctx, claim)
		if taken = err == nil; !taken && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
	}
	if !taken {
		// Marked first: an upload or a submission that runs now finds the draft taken.
		marked, err := s.drafts.Update(ctx, d.ID, func(v *Draft, _ *docstore.Outbox) error {
			if v.Report != claim {
				return errNoDraft
			}
			v.Report = sweeping
			return nil
		})
		if errors.Is(err, errNoDraft) || errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range marked.Value.Files {
			if err := s.blobs.Delete(ctx, f.BlobKey); err != nil {
				return fmt.Errorf("deviation: draft file: %w", err)
			}
		}
	}
	if err := s.drafts.Delete(ctx, d.ID); err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return err
	}
	return nil
}

// sweeping takes the place of a report in a draft that is being removed.
const sweeping = "-"
