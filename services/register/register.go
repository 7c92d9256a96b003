// Package register keeps what is agreed and known: vendors, agreements, access
// lists, access windows, systems, accounts and log sources (R15–R31, R60, R61).
//
// Every entity is a history with two time axes (topics.Fact). Nothing is
// overwritten: a change appends a version, and the whole history goes out on
// the topic register with it.
package register

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

// Problems of the register.
var (
	errNotFound    = problem.NotFound("entity")
	errRevision    = problem.Conflict("changed-meanwhile", "Somebody changed this since you opened it. Look at it again.")
	errPeriod      = problem.Invalid("The time it holds must end after it begins.", problem.Field{Pointer: "/validTo", Slug: "ends-before-begin", Detail: "Must be after validFrom."})
	errSlot        = problem.Invalid("The window must end after it begins.", problem.Field{Pointer: "/data/to", Slug: "ends-before-begin", Detail: "Must be after from."})
	errSlotLength  = problem.Invalid("A window lasts at most a year.", problem.Field{Pointer: "/data/to", Slug: "too-long", Detail: "At most a year after from."})
	errNoAgreement = problem.Refused("no-valid-agreement", "There is no valid data-processor agreement with the vendor for every system of the window.")
	errApprover    = problem.Forbidden("not-the-owner", "Only the system's owner, their delegate or the day-to-day responsible may do this.")
	errApproved    = problem.Refused("window-approved", "An approved window is revoked or extended, not changed.")
	errNotApproved = problem.Refused("window-not-approved", "The window is not approved.")
	errRevoked     = problem.Refused("window-revoked", "The window was taken back.")
	errOver        = problem.Refused("window-over", "The window is over.")
	errNotBegun    = problem.Refused("window-not-begun", "Only a window whose slot has begun can be recorded afterwards. Ask for an agreement first.")
	errDirectory   = problem.Unavailable("Who answers for a system is being read from the directory. Try again in a moment.", nil)
	errReason      = problem.Invalid("A reason is needed.", problem.Field{Pointer: "/reason", Slug: "required", Detail: "Say why."})
	errFuture      = problem.Invalid("An approval cannot lie in the future.", problem.Field{Pointer: "/approvedAt", Slug: "in-the-future", Detail: "Now or before."})
)

// Entry is the stored document: the fact, and what lists sort and filter by.
type Entry struct {
	Fact topics.Fact `json:"fact"`
	Kind string      `json:"kind"`
}

// Moment is what a reader asks for: how things are at At, as known at Known
// (zero: everything recorded).
type Moment struct{ At, Known time.Time }

// view is one entity at a moment.
type view[T any] struct {
	id       string
	revision int
	version  topics.Timed[T]
	ended    bool // it does not exist at the moment; version is what it was last
}

// viewOf gives how an entity looks at a moment. ok is false where it was never
// known then, or, unless ended is asked for, does not exist.
func viewOf[T any](f topics.Fact, m Moment, ended bool) (v view[T], ok bool, err error) {
	h, err := topics.HistoryOf[T](f)
	if err != nil {
		return v, false, err
	}
	v = view[T]{id: f.ID, revision: len(f.Versions)}
	if t, holds := h.AsKnownAt(m.At, m.Known); holds {
		v.version = t
		return v, true, nil
	}
	if !ended {
		return v, false, nil
	}
	for _, t := range h.Versions {
		if t.Deleted || (!m.Known.IsZero() && t.RecordedAt.After(m.Known)) {
			continue
		}
		if !v.ended || !t.RecordedAt.Before(v.version.RecordedAt) {
			v.version, v.ended = t, true
		}
	}
	return v, v.ended, nil
}

// takesOver is when the version that holds at from stops holding; zero where
// it has no end. It is where a correction of the past ends by itself, so that
// it does not cover what was recorded about later times.
func takesOver(f topics.Fact, from time.Time) time.Time {
	at, ok := f.At(from)
	if !ok {
		return time.Time{}
	}
	var bounds []time.Time
	for _, v := range f.Versions {
		bounds = append(bounds, v.ValidFrom)
		if !v.ValidTo.IsZero() {
			bounds = append(bounds, v.ValidTo)
		}
	}
	slices.SortFunc(bounds, time.Time.Compare)
	for _, b := range bounds {
		if !b.After(from) {
			continue
		}
		after, ok := f.At(b)
		if !ok || !after.RecordedAt.Equal(at.RecordedAt) || !after.ValidFrom.Equal(at.ValidFrom) {
			return b
		}
	}
	return time.Time{}
}

// append adds a version; data nil says that the entity does not exist.
func (e *Entry) append(data any, from, to, now time.Time, by string) error {
	v := topics.Version{ValidFrom: from.UTC(), RecordedAt: now.UTC(), RecordedBy: by, Deleted: data == nil}
	if !to.IsZero() {
		if !to.After(from) {
			return errPeriod
		}
		v.ValidTo = to.UTC()
	}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		v.Data = text
	}
	e.Fact.Versions = append(e.Fact.Versions, v)
	return nil
}

// WindowState says how a window stands now; see the contract.
func WindowState(w topics.AccessWindow, now time.Time) string {
	switch {
	case !w.RevokedAt.IsZero() && !now.Before(w.RevokedAt):
		return "revoked"
	case w.ApprovedAt.IsZero() && !now.Before(w.To):
		return "lapsed"
	case w.ApprovedAt.IsZero():
		return "requested"
	case !now.Before(w.To) && w.Duration == 0:
		return "ended"
	case !now.Before(w.To.Add(w.Duration)):
		return "ended" // however late in its slot it was first used
	case now.Before(w.From):
		return "approved"
	}
	return "open"
}

// overlaps says whether two windows of a vendor share a system and a time.
func overlaps(a, b topics.AccessWindow) bool {
	if a.VendorID != b.VendorID || !a.From.Before(b.To) || !b.From.Before(a.To) || !a.RevokedAt.IsZero() || !b.RevokedAt.IsZero() {
		return false
	}
	return slices.ContainsFunc(a.Systems, func(s string) bool { return slices.Contains(b.Systems, s) })
}

// expiring is how long before its end an agreement is said to expire.
const expiring = 60 * 24 * time.Hour

// agreementState says how one agreement stands at a moment.
func agreementState(h topics.History[topics.Agreement], now time.Time) string {
	v, ok := h.At(now)
	if !ok {
		if _, _, coming := h.Begins(now); coming {
			return string(topics.AgreementNotYetValid)
		}
		return string(topics.AgreementExpired)
	}
	switch end, _ := h.Holds(now); {
	case !v.Value.Signed:
		return string(topics.AgreementUnsigned)
	case len(topics.Missing(topics.Annexes, v.Value.Annexes)) > 0:
		return string(topics.AgreementMissingAnnexes)
	case !end.IsZero() && end.Sub(now) < expiring:
		return "expiring"
	}
	return string(topics.AgreementValid)
}

// checkNetworks names the first value that is neither a CIDR range nor an
// address nor, where stations are allowed, the name of one.
func checkNetworks(values []string, stations bool) error {
	for _, v := range values {
		if _, err := netip.ParsePrefix(v); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(v); err == nil {
			continue
		}
		if stations && !strings.ContainsAny(v, "/: ") && v != "" {
			continue
		}
		return problem.Invalid("An address or a network is not written as one.",
			problem.Field{Pointer: "/data/networks", Slug: "bad-network", Detail: "Write addresses as 192.0.2.7 or networks as 192.0.2.0/24."})
	}
	return nil
}
