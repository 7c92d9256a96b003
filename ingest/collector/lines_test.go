package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/parse"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/collectorapi"
)

func TestRoutesMatchContract(t *testing.T) {
	t.Parallel()
	httpxtest.RoutesMatchContract(t, newRig(t, nil).App(), httpxtest.Contract(t, "collector"))
}

// send posts a body, and returns the status and the answer.
func (r *rig) send(path, authorization, contentType string, body []byte, packed bool) (int, []byte) {
	r.t.Helper()
	if packed {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, err := z.Write(body)
		require.NoError(r.t, err)
		require.NoError(r.t, z.Close())
		body = out.Bytes()
	}
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", authorization)
	if packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := r.App().Test(req, 20_000)
	require.NoError(r.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, raw
}

func TestLinesOfTextAreEvents_R36(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	odd := "Nov 22 10:00:01 arkiv01 app[3]: caf\xe9"
	long := strings.Repeat("x", 1<<20+5)
	for _, packed := range []bool{false, true} {
		status, answer := r.send("/v1/lines", key, "text/plain; charset=utf-8", []byte(text+"\r\n\n"+odd+"\n"+long+"\n"+text), packed)
		require.Equal(t, http.StatusOK, status, string(answer))
		require.JSONEq(t, `{"events":3,"dead":2}`, string(answer))
	}
	events, failed := r.await(6, 4)
	attempts, latin := 0, 0
	for _, e := range events {
		require.Equal(t, "keyed", e.Varde.Source)
		require.Equal(t, ecs.ProvenanceAPIKey, e.Varde.Provenance)
		if e.Varde.Attempt {
			attempts++
		}
		if e.Labels["encoding"] == "iso-8859-1" {
			latin++
		}
	}
	require.Equal(t, 4, attempts)
	require.Equal(t, 2, latin, "bytes that are no UTF-8 come through")
	require.Equal(t, ReasonTooLong, failed[0].Reason)
}

func TestLinesOfJSONAreWhatDocumentsAre(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	object := `{"message":"` + text + `"}`
	status, answer := r.send("/v1/lines", key, "application/x-ndjson", []byte(object+"\n"+object+object+"\nno object\n"), false)
	require.Equal(t, http.StatusOK, status, string(answer))
	require.JSONEq(t, `{"events":3,"dead":1}`, string(answer))
	events, failed := r.await(3, 1)
	require.Equal(t, text, events[0].Event.Original)
	require.Equal(t, ReasonDocument, failed[0].Reason)
}

func TestLinesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.MaxBulk, c.MaxInFlight = 1<<20, 1<<20 })
	for name, c := range map[string]struct {
		path, key, kind, body string
		status                int
	}{
		"key":        {"/v1/lines", "ApiKey wrong", "text/plain", text, http.StatusUnauthorized},
		"no key":     {"/v1/import", "", "application/x-ndjson", "{}", http.StatusUnauthorized},
		"empty":      {"/v1/lines", key, "text/plain", "", http.StatusBadRequest},
		"head":       {"/v1/import", key, "application/x-ndjson", "no JSON\n", http.StatusBadRequest},
		"generation": {"/v1/import", key, "application/x-ndjson", `{"file":"a","generation":"Ø"}`, http.StatusBadRequest},
		"file":       {"/v1/import", key, "application/x-ndjson", `{"generation":"a"}`, http.StatusBadRequest},
		"source":     {"/v1/import", key, "application/x-ndjson", `{"file":"a","generation":"a","source":"file"}`, http.StatusBadRequest},
		"record":     {"/v1/import", key, "application/x-ndjson", `{"file":"a","generation":"a"}` + "\n" + `{"text":5}`, http.StatusBadRequest},
	} {
		status, answer := r.send(c.path, c.key, c.kind, []byte(c.body), false)
		require.Equal(t, c.status, status, "%s: %s", name, answer)
	}
	done, err := r.Reserve(1 << 20)
	require.NoError(t, err)
	status, _ := r.send("/v1/lines", key, "text/plain", []byte(text), false)
	require.Equal(t, http.StatusTooManyRequests, status)
	done()
	r.await(0, 0)
}

// pieceOf is a body of /v1/import.
func pieceOf(t *testing.T, p Piece, records ...PieceRecord) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	require.NoError(t, e.Encode(p))
	for _, r := range records {
		require.NoError(t, e.Encode(r))
	}
	return out.Bytes()
}

func TestAPieceOfAFileIsImportedOnce_R36(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	reference := time.Date(2021, 3, 1, 12, 0, 0, 0, time.UTC)
	p := Piece{Source: "k", File: "/var/log/auth.log", Generation: "g", Reference: reference}
	body := pieceOf(t, p, PieceRecord{Number: 0, Text: []byte("Mar  1 10:00:00 arkiv01 sshd[7]: Failed password for kari from 192.0.2.7 port 22 ssh2")},
		PieceRecord{Number: 1, Text: []byte("Dec 31 10:00:00 arkiv01 app[3]: caf\xe9")},
		PieceRecord{Number: 2, Reason: "evtx-record", Detail: "at byte 5: broken", Text: []byte("x")},
		PieceRecord{Number: 3, Text: bytes.Repeat([]byte("y"), 1<<20+1)})
	for range 2 {
		status, answer := r.send("/v1/import", key, "application/x-ndjson", body, true)
		require.Equal(t, http.StatusOK, status, string(answer))
		var got collectorapi.Imported
		require.NoError(t, json.Unmarshal(answer, &got))
		require.Equal(t, []int{2, 2}, []int{got.Events, got.Dead})
		require.Equal(t, time.Date(2020, 12, 31, 10, 0, 0, 0, time.UTC), got.Resume.Previous.UTC().Add(time.Hour)) // Europe/Oslo
	}
	events, failed := r.await(4, 4)
	years := map[string]int{}
	for _, e := range events {
		require.Equal(t, ecs.ProvenanceImport, e.Varde.Provenance)
		require.Equal(t, "/var/log/auth.log", e.Log.File.Path)
		years[e.Event.ID] = e.Timestamp.Year()
	}
	require.Len(t, years, 2, "the second time has the ids of the first")
	require.ElementsMatch(t, []int{2021, 2020}, []int{years[events[0].Event.ID], years[events[1].Event.ID]})
	ids := map[string]string{}
	for _, d := range failed {
		ids[d.ID] = d.Reason
	}
	require.Len(t, ids, 2)
}

// What one piece leaves behind, the next one knows: a table's header, and what
// a line repeats.
func TestPiecesFollowEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	header := "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
	status, answer := r.send("/v1/import", key, "application/x-ndjson", pieceOf(t, Piece{File: "u_ex.log", Generation: "g"},
		PieceRecord{Number: 0, Text: []byte(header)}), false)
	require.Equal(t, http.StatusOK, status, string(answer))
	var got struct{ Resume parse.State }
	require.NoError(t, json.Unmarshal(answer, &got))
	require.NotEmpty(t, got.Resume.Columns)
	status, answer = r.send("/v1/import", key, "application/x-ndjson", pieceOf(t, Piece{File: "u_ex.log", Generation: "g", Resume: got.Resume, Before: []byte(header + "\n")},
		PieceRecord{Number: 1, Text: []byte("2026-11-22 09:00:00 10.0.0.1 GET / - 443 kari 192.0.2.7 Mozilla - 401 1 1326 5")}), false)
	require.Equal(t, http.StatusOK, status, string(answer))
	events, _ := r.await(2, 0)
	found := false
	for _, e := range events {
		if e.Source != nil && e.Source.IP == "192.0.2.7" {
			found = true
			require.Equal(t, "iis", e.Event.Dataset)
			require.True(t, e.Varde.Attempt)
		}
	}
	require.True(t, found)
}

func TestWindowsEventsAreNamedByTheirTextAlone(t *testing.T) {
	t.Parallel()
	s := Source{ID: "a", Tenant: "bo"}
	event := PieceRecord{Number: 1, Text: []byte("<Event><System><EventRecordID>7</EventRecordID></System></Event>")}
	again := event
	again.Number = 5
	require.Equal(t, importID(s, "g", event), importID(s, "h", again))
	plain, other := PieceRecord{Number: 1, Text: []byte("x")}, PieceRecord{Number: 2, Text: []byte("x")}
	require.NotEqual(t, importID(s, "g", plain), importID(s, "g", other))
	require.NotEqual(t, importID(s, "g", plain), importID(s, "h", plain))
}

func TestAnImporterFindsItsSource(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	deps := r.deps
	deps.Metrics = nil
	for _, name := range []string{"file", "f"} {
		i, err := OpenImporter(t.Context(), deps, Default(), name)
		require.NoError(t, err)
		n, err := i.Import(t.Context(), pieceOf(t, Piece{File: "a", Generation: "g"}, PieceRecord{Text: []byte(text)}))
		require.NoError(t, err)
		require.Equal(t, 1, n.Events)
		require.NoError(t, i.Close())
	}
	events, _ := r.await(2, 0)
	require.Equal(t, "file", events[0].Varde.Source)
	require.Equal(t, events[0].Event.ID, events[1].Event.ID)
	_, err := OpenImporter(t.Context(), deps, Default(), "nobody")
	require.ErrorIs(t, err, ErrNoSource)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = OpenImporter(ended, deps, Default(), "file")
	require.Error(t, err)
}
