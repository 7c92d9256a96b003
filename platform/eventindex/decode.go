package eventindex

import (
	"bytes"
	"errors"

	"github.com/segmentio/encoding/json"

	"varde.internal/schemas/ecs"
)

// PlaceOf reads of an event's JSON only the tenant and the storage partition
// that it belongs to. As with Decode the strings lie in value.
func PlaceOf(value []byte) (tenant, partition string, err error) {
	var e struct {
		Varde struct {
			Tenant    string `json:"tenant"`
			Partition string `json:"partition"`
		} `json:"varde"`
	}
	rest, err := json.Parse(value, &e, json.ZeroCopy)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = errAfter
	}
	return e.Varde.Tenant, e.Varde.Partition, err
}

var errAfter = errors.New("eventindex: there is something after the event")

// Decode reads an event from its JSON as the topic "events" carries it, some
// five times faster than encoding/json: half of what an event costs after it
// was received was reading it again. The strings of the event lie in value,
// which must not change and is kept in memory for as long as any of them is:
// what outlives the message is to be cloned.
func Decode(value []byte) (ecs.Event, error) {
	var e ecs.Event
	rest, err := json.Parse(value, &e, json.ZeroCopy)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = errAfter
	}
	return e, err
}
