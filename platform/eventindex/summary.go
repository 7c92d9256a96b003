package eventindex

import (
	"bytes"
	"time"

	"github.com/segmentio/encoding/json"
)

// Summary is what is told of an event where only its coming counts.
type Summary struct {
	Tenant, Source, Dataset, Provenance string
	Time, Created                       time.Time // that the event tells, and of its receipt
	// Size of the received line, in bytes, as JSON writes it.
	Size int
}

// SummaryOf reads of an event's JSON only its Summary. As with Decode the
// strings lie in value.
func SummaryOf(value []byte) (Summary, error) {
	var e struct {
		Timestamp time.Time `json:"@timestamp"`
		Event     struct {
			Dataset  string          `json:"dataset"`
			Created  time.Time       `json:"created"`
			Original json.RawMessage `json:"original"`
		} `json:"event"`
		Varde struct {
			Tenant     string `json:"tenant"`
			Source     string `json:"source"`
			Provenance string `json:"provenance"`
		} `json:"varde"`
	}
	rest, err := json.Parse(value, &e, json.ZeroCopy)
	if err == nil && len(bytes.TrimSpace(rest)) > 0 {
		err = errAfter
	}
	return Summary{
		Tenant: e.Varde.Tenant, Source: e.Varde.Source, Dataset: e.Event.Dataset, Provenance: e.Varde.Provenance,
		Time: e.Timestamp, Created: e.Event.Created, Size: max(len(e.Event.Original)-2, 0), // without its quotes
	}, err
}
