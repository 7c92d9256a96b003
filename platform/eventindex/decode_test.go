package eventindex_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/eventindextest"
	"varde.internal/schemas/ecs"
)

func TestDecodeReadsWhatEncodingJSONReads(t *testing.T) {
	t.Parallel()
	for _, e := range eventindextest.Events(4, "bo", []string{"p1"}, 500) {
		e.Log = &ecs.Log{Syslog: &ecs.LogSyslog{Facility: &ecs.Coded{}, StructuredData: map[string]map[string]string{"x@1": {"a.b": "1\n\"\\"}}}}
		e.Event.Duration, e.Varde.Key = 1<<53+1, &ecs.Key{Type: "ED25519"}
		body, err := json.Marshal(e)
		require.NoError(t, err)
		var want ecs.Event
		require.NoError(t, json.Unmarshal(body, &want))
		got, err := eventindex.Decode(body)
		require.NoError(t, err)
		require.Equal(t, want, got)
		tenant, partition, err := eventindex.PlaceOf(body)
		require.NoError(t, err)
		require.Equal(t, [2]string{want.Varde.Tenant, want.Varde.Partition}, [2]string{tenant, partition})
		summary, err := eventindex.SummaryOf(body)
		require.NoError(t, err)
		require.Equal(t, eventindex.Summary{Tenant: want.Varde.Tenant, Source: want.Varde.Source, Dataset: want.Event.Dataset, Provenance: want.Varde.Provenance,
			Time: want.Timestamp, Created: want.Event.Created, Size: size(t, want.Event.Original)}, summary)
	}
}

// size is how long the line is in JSON, without its quotes.
func size(t *testing.T, original string) int {
	if original == "" {
		return 0
	}
	line, err := json.Marshal(original)
	require.NoError(t, err)
	return len(line) - 2
}

func TestDecodeRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "not json", "[]", `"text"`, `{"message": 1}`, `{"event": []}`, `{"@timestamp": "yesterday"}`,
		`{"message": "a"`, `{"message": "a"} x`, `{"message": "a"}{}`, `{"message": "\u12"}`, `{"source": {"port": "x"}}`} {
		_, err := eventindex.Decode([]byte(text))
		require.Error(t, err, text)
		if text == "" || text[0] != '{' || !json.Valid([]byte(text)) {
			_, _, err = eventindex.PlaceOf([]byte(text))
			require.Error(t, err, text)
			_, err = eventindex.SummaryOf([]byte(text))
			require.Error(t, err, text)
		}
		require.Error(t, json.Unmarshal([]byte(text), &ecs.Event{}), text)
	}
}

// FuzzDecode holds that what both read, they read alike, and that nothing
// ends the process.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"@timestamp":"2026-11-22T06:37:16.123456Z","message":"Failed \u00e5 \ud83d\ude00","event":{"id":"x","category":["a"]},"labels":{"a":"b"},"varde":{"attempt":true,"skew_ms":-7}}`))
	f.Add([]byte(` {"message":null,"unknown":{"a":[1,2,{"b":"\\"}]}} `))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := eventindex.Decode(body)
		var want ecs.Event
		if json.Unmarshal(body, &want) != nil || err != nil {
			return
		}
		a, err := json.Marshal(got)
		require.NoError(t, err)
		b, err := json.Marshal(want)
		require.NoError(t, err)
		require.JSONEq(t, string(b), string(a))
	})
}
