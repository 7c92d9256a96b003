package register

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
)

type window = Item[registerapi.Window]

// RequestWindow asks for a window; it counts for nothing until it is approved (R24).
func (s *Service) RequestWindow(ctx context.Context, in registerapi.WindowRequest) (window, error) {
	return insert(ctx, s, windows, windows.toStored(in.Data, nil), time.Time{}, time.Time{})
}

// ChangeWindow changes a request that is not approved yet.
func (s *Service) ChangeWindow(ctx context.Context, entity string, in edit[registerapi.Window]) (window, error) {
	before, err := s.windowNow(ctx, entity)
	if err != nil {
		return window{}, err
	}
	if !before.ApprovedAt.IsZero() {
		return window{}, errApproved
	}
	if !before.RevokedAt.IsZero() {
		return window{}, errRevoked
	}
	return change(ctx, s, windows, entity, in)
}

func (s *Service) windowNow(ctx context.Context, entity string) (topics.AccessWindow, error) {
	f, err := s.fact(ctx, topics.KindAccessWindow, entity)
	if err != nil {
		return topics.AccessWindow{}, err
	}
	v, ok, err := viewOf[topics.AccessWindow](f, Moment{At: s.clock()}, true)
	if err != nil || !ok {
		return topics.AccessWindow{}, errNotFound.Because(err)
	}
	return v.version.Value, nil
}

// approver checks that the caller answers for every system of the window.
func (s *Service) approver(ctx context.Context, entity string) (*world, topics.AccessWindow, error) {
	_, p, err := caller(ctx)
	if err != nil {
		return nil, topics.AccessWindow{}, err
	}
	w, err := s.world(ctx, Moment{At: s.clock()})
	if err != nil {
		return nil, topics.AccessWindow{}, err
	}
	v, err := s.windowNow(ctx, entity)
	if err != nil {
		return nil, topics.AccessWindow{}, err
	}
	if !s.people.caught.Load() {
		return nil, topics.AccessWindow{}, errDirectory
	}
	may := w.mayApprove(p, v)
	if w.err != nil {
		return nil, topics.AccessWindow{}, w.err
	}
	if !may {
		return nil, topics.AccessWindow{}, errApprover
	}
	return w, v, nil
}

// ApproveWindow approves. Without a valid agreement for the vendor and every
// system at the start of the slot (or at the approval, where it had begun by
// then) it is refused (R25, C6), unless it records afterwards what was opened
// already. One that is said to have been given earlier needs a reason; when it
// was recorded stays now, and the emergency limit is the correlator's.
func (s *Service) ApproveWindow(ctx context.Context, entity string, in registerapi.WindowApproval) (window, error) {
	w, v, err := s.approver(ctx, entity)
	if err != nil {
		return window{}, err
	}
	_, p, _ := caller(ctx)
	now := s.clock()
	at := in.ApprovedAt
	if at.IsZero() {
		at = now
	}
	backdated := now.Sub(at) > promptly
	switch {
	case at.After(now):
		return window{}, errFuture
	case !v.RevokedAt.IsZero():
		return window{}, errRevoked
	case !v.ApprovedAt.IsZero():
		return window{}, errApproved
	case (in.AfterTheFact || backdated) && strings.TrimSpace(in.Reason) == "":
		return window{}, errReason
	case in.AfterTheFact && now.Before(v.From):
		return window{}, errNotBegun
	case !in.AfterTheFact && !now.Before(v.To):
		return window{}, errOver
	}
	state := w.worstAgreement(v, latest(v.From, at))
	if w.err != nil {
		return window{}, w.err
	}
	if !in.AfterTheFact && !topics.AgreementState(state).Valid() {
		return window{}, errNoAgreement.With("state", state)
	}
	details := map[string]string{}
	if in.AfterTheFact || backdated {
		details["approvedAt"] = at.UTC().Format(time.RFC3339)
	}
	return s.reviseWindow(ctx, entity, in.Revision, "approve", in.Reason, details, func(v topics.AccessWindow, _ time.Time) (topics.AccessWindow, time.Time, error) {
		v.ApprovedBy, v.ApprovedAt = p.Subject, at.UTC()
		return v, v.ApprovedAt, nil
	})
}

// promptly is how long after an approval it can be recorded without a reason:
// the time to fill in the form.
const promptly = 5 * time.Minute

// RevokeWindow takes an approval or a request back from a moment on.
func (s *Service) RevokeWindow(ctx context.Context, entity string, in registerapi.WindowRevocation) (window, error) {
	if _, v, err := s.approver(ctx, entity); err != nil {
		return window{}, err
	} else if !v.RevokedAt.IsZero() {
		return window{}, errRevoked
	}
	return s.reviseWindow(ctx, entity, in.Revision, "revoke", in.Reason, map[string]string{}, func(v topics.AccessWindow, now time.Time) (topics.AccessWindow, time.Time, error) {
		at := in.At
		if at.IsZero() {
			at = now
		}
		v.RevokedAt = at.UTC()
		return v, at, nil
	})
}

// ExtendWindow moves the end of an approved window that is not over.
func (s *Service) ExtendWindow(ctx context.Context, entity string, in registerapi.WindowExtension) (window, error) {
	w, v, err := s.approver(ctx, entity)
	if err != nil {
		return window{}, err
	}
	now := s.clock()
	switch {
	case v.ApprovedAt.IsZero():
		return window{}, errNotApproved
	case !v.RevokedAt.IsZero():
		return window{}, errRevoked
	case !now.Before(v.To):
		return window{}, errOver
	case !in.To.After(v.From):
		return window{}, errSlot
	case in.To.Sub(v.From) > 366*24*time.Hour:
		return window{}, errSlotLength
	}
	state := w.worstAgreement(v, in.To.Add(-time.Second))
	if w.err != nil {
		return window{}, w.err
	}
	if !topics.AgreementState(state).Valid() {
		return window{}, errNoAgreement.With("state", state)
	}
	return s.reviseWindow(ctx, entity, in.Revision, "extend", in.Reason, map[string]string{}, func(v topics.AccessWindow, now time.Time) (topics.AccessWindow, time.Time, error) {
		v.To = in.To.UTC()
		return v, now, nil
	})
}

func (s *Service) reviseWindow(ctx context.Context, entity string, revision int, verb, reason string, details map[string]string,
	next func(v topics.AccessWindow, now time.Time) (topics.AccessWindow, time.Time, error)) (window, error) {
	if reason != "" {
		details["reason"] = reason
	}
	return revise(ctx, s, windows, entity, revision, verb, details, func(_ topics.Fact, before topics.AccessWindow, now time.Time) (any, time.Time, time.Time, error) {
		v, from, err := next(before, now)
		return v, from, time.Time{}, err
	})
}

// Calendar gives the windows whose slot touches From–To, earliest first.
func (s *Service) Calendar(ctx context.Context, from, to time.Time, vendorID, systemID string) (Calendar, error) {
	_, p, err := caller(ctx)
	if err != nil {
		return Calendar{}, err
	}
	if !to.After(from) {
		return Calendar{}, problem.Invalid("The days must end after they begin.", problem.Field{Pointer: "to", Slug: "ends-before-begin", Detail: "Must be after from."})
	}
	w, err := s.world(ctx, Moment{At: s.clock()})
	if err != nil {
		return Calendar{}, err
	}
	all, err := rowsOf(windows, w, ListQuery{Moment: w.moment, Filters: map[string]string{"vendorId": vendorID, "systemId": systemID}})
	if err != nil {
		return Calendar{}, err
	}
	out := Calendar{Items: []CalendarEntry{}}
	for _, r := range slices.Backward(all) { // the list has the latest first
		v := r.view.version.Value
		if !v.From.Before(to) || !from.Before(v.To) {
			continue
		}
		if len(out.Items) == calendarLimit {
			out.Truncated = true
			break
		}
		out.Items = append(out.Items, CalendarEntry{Window: itemOf(windows, w, r.fact, r.view), VendorName: w.vendors()[v.VendorID], SystemNames: w.systemNames(v.Systems),
			AgreementState: w.worstAgreement(v, v.From), MayApprove: w.mayApprove(p, v)})
	}
	return out, w.err
}

const calendarLimit = 1000

// Calendar is the contract's Calendar.
type Calendar struct {
	Items     []CalendarEntry `json:"items"`
	Truncated bool            `json:"truncated,omitempty"`
}

// CalendarEntry is a window with the names a reader needs.
type CalendarEntry struct {
	Window         window   `json:"window"`
	VendorName     string   `json:"vendorName"`
	SystemNames    []string `json:"systemNames"`
	AgreementState string   `json:"agreementState"`
	MayApprove     bool     `json:"mayApprove"`
}

func (w *world) systemNames(ids []string) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if v, ok := w.systems()[id]; ok {
			names = append(names, v.version.Value.Name)
		} else {
			names = append(names, id)
		}
	}
	return names
}

// SourceCreated is a source with its API key, which is shown this once.
type SourceCreated struct {
	Item   Item[registerapi.Source] `json:"item"`
	APIKey string                   `json:"apiKey"`
}

// NewKey makes an API key of 256 random bits and the hash that is kept of it.
func NewKey() (key, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	key = base64.RawURLEncoding.EncodeToString(b[:])
	return key, topics.HashAPIKey(key)
}

// CreateSource adds a source and gives out its key.
func (s *Service) CreateSource(ctx context.Context, in edit[registerapi.Source]) (SourceCreated, error) {
	key, hash := NewKey()
	v := sources.toStored(in.Data, nil)
	v.KeyHash = hash
	item, err := insert(ctx, s, sources, v, in.ValidFrom, in.ValidTo)
	return SourceCreated{item, key}, err
}

// RenewKey gives a source a new key; the old one stops working at once.
func (s *Service) RenewKey(ctx context.Context, entity string) (SourceCreated, error) {
	if err := allowed(ctx, s, sources, entity, topics.Source{}); err != nil {
		return SourceCreated{}, err
	}
	key, hash := NewKey()
	item, err := revise(ctx, s, sources, entity, 0, "renew-key", nil, func(f topics.Fact, before topics.Source, now time.Time) (any, time.Time, time.Time, error) {
		before.KeyHash = hash
		return before, now, takesOver(f, now), nil
	})
	return SourceCreated{item, key}, err
}
