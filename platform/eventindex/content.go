package eventindex

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// Sum is what two events with one id are compared by.
type Sum [16]byte

// ContentSum sums what an event says, leaving out what a second reading of the
// same line may decide anew: when it was received and indexed, the skew
// computed from that, and the parser generation, which is compared by itself.
func ContentSum(e ecs.Event) (Sum, error) {
	e.Event.Created, e.Event.Ingested = time.Time{}, time.Time{}
	e.Varde.SkewMS, e.Varde.Generation, e.Varde.Parser = 0, 0, ""
	body, err := json.Marshal(e)
	if err != nil {
		return Sum{}, fmt.Errorf("eventindex: encode event: %w", err)
	}
	full := sha256.Sum256(body)
	return Sum(full[:16]), nil
}

// SameLine says whether two events were read from one line. Their hashes say
// it where both have one.
func SameLine(a, b *ecs.Event) bool {
	if a.Event.Hash != "" && b.Event.Hash != "" {
		return a.Event.Hash == b.Event.Hash
	}
	return a.Event.Original == b.Event.Original
}

// Compare gives the status of an event whose id is stored already; same says
// that both say the same (ContentSum), line that both are of one line
// (SameLine). An older reading of a line that was read again since is a repeat:
// it comes when a topic or the archive is read a second time.
func Compare(storedGeneration, generation int, same, line bool) Status {
	switch {
	case generation > storedGeneration:
		return Replaced
	case same, line && generation < storedGeneration:
		return Duplicate
	}
	return Conflicting
}

// Reasons of Rejected and Conflicting.
const (
	ReasonConflict   = "conflicting-id"
	ReasonID         = "bad-id"
	ReasonTenant     = "bad-tenant"
	ReasonPartition  = "bad-partition"
	ReasonTime       = "time-out-of-range"
	ReasonUnreadable = "unreadable"
)

var partitionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}(\.[a-z0-9_-]{1,50}){0,4}$`)

// ValidPartition reports whether a name can be that of a partition: lower-case
// letters, digits, '-', '_' and single dots.
func ValidPartition(name string) bool { return partitionName.MatchString(name) }

// Period reads a partition's name, tenant.class.day or tenant.class.month: its
// retention class, and from when to when events belong to it. Events of a wrong
// clock lie in the partition of their receipt, so the name tells how old what is
// in it is, and the events' times do not.
func Period(name string) (class string, of Range, ok bool) {
	first, last := strings.Index(name, "."), strings.LastIndex(name, ".")
	if first < 0 || first == last {
		return "", Range{}, false
	}
	class = name[first+1 : last]
	if day, err := time.Parse("2006-01-02", name[last+1:]); err == nil {
		return class, Range{From: day, To: day.AddDate(0, 0, 1)}, true
	}
	if month, err := time.Parse("2006-01", name[last+1:]); err == nil {
		return class, Range{From: month, To: month.AddDate(0, 1, 0)}, true
	}
	return "", Range{}, false
}

// Meets reports whether two ranges have a time in common.
func (r Range) Meets(o Range) bool {
	return (r.To.IsZero() || o.From.Before(r.To)) && (o.To.IsZero() || r.From.Before(o.To))
}

// Check gives the reason why an event cannot be stored, empty where it can.
// allowed is the tenant of the call; empty in system scope.
func Check(e *ecs.Event, allowed tenant.ID) string {
	switch {
	case e.Event.ID == "" || len(e.Event.ID) > 128:
		return ReasonID
	case !tenant.ID(e.Varde.Tenant).Valid() || allowed != "" && e.Varde.Tenant != string(allowed):
		return ReasonTenant
	case !ValidPartition(e.Varde.Partition):
		return ReasonPartition
	case e.Timestamp.IsZero() || !ecs.Storable(e.Timestamp):
		return ReasonTime
	}
	return ""
}
