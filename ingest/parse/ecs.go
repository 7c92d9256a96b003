package parse

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"varde.internal/schemas/ecs"
)

// FormatECS is the format of events that are of the Elastic Common Schema
// already. It is taken only where a source demands it: shippers write ECS names
// around lines that have to be read yet.
const FormatECS = "ecs"

// ecsKind takes an event of ECS as it is. What only this system says (varde.*,
// ids, the time of receipt) is not taken from it. A login is an attempt where
// its categories say authentication, its types start, and it has a user and an
// outcome (ECS, "Using the Categorization Fields").
var ecsKind = jsonKind{
	name:  FormatECS,
	knows: func(object) bool { return false },
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		var given ecs.Event
		err := json.Unmarshal(o.v.MarshalTo(nil), &given)
		// A field of another type is left out; event.original has it.
		var wrong *json.UnmarshalTypeError
		if err != nil && !errors.As(err, &wrong) {
			return &Error{ReasonTimestamp, "a time of the event is not of RFC 3339"}
		}
		if err := s.setTime(ev, o.str("@timestamp"), now); err != nil {
			return err
		}
		own := *ev
		*ev = given
		ev.Timestamp, ev.Varde = own.Timestamp, own.Varde
		ev.Event.Original, ev.Event.Hash = own.Event.Original, own.Event.Hash
		ev.Event.ID, ev.Event.Created, ev.Event.Ingested = "", time.Time{}, time.Time{}
		if ev.Event.Kind == "" {
			ev.Event.Kind = own.Event.Kind
		}
		if ev.Event.Dataset == "" {
			ev.Event.Dataset = FormatECS
		}
		if own.Labels["encoding"] != "" {
			label(ev, "encoding", own.Labels["encoding"])
		}
		for _, e := range []*ecs.Endpoint{ev.Source, ev.Destination, ev.Client, ev.Server} {
			if e == nil {
				continue
			}
			if ip, ok := address(e.IP); ok {
				e.IP = ip
			} else {
				e.IP = ""
			}
		}
		if ev.User != nil && ev.User.Name != "" {
			ev.Varde.Account = account(ev.User.Name)
			if a := ev.Varde.Account; a.Realm == "" && ev.User.Domain != "" {
				a.Realm = account(ev.User.Domain).Name
			}
			decided := ev.Event.Outcome == ecs.OutcomeSuccess || ev.Event.Outcome == ecs.OutcomeFailure
			if decided && slices.Contains(ev.Event.Category, "authentication") && slices.Contains(ev.Event.Type, "start") {
				attempt(ev, ev.Event.Outcome, "")
			}
		}
		return nil
	},
}
