package sources_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/parse"
	"varde.internal/ingest/sources"
	"varde.internal/platform/auth"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/sourcesapi"
)

const doorSample = "Tidspunkt;Brukernavn;IP-adresse;Hendelse;Resultat;Sak\n" +
	"22.11.2026 10:00:00;kari;192.0.2.7;Innlogging;OK;17\r\n\n22.11.2026 10:00:05;ola;192.0.2.8;Innlogging;Feil;18\nhalv;rad\n"

func (w *world) asks(path string, in any) httpxtest.Response {
	w.t.Helper()
	r := httpxtest.Call(w.t, w.m.App(), "POST", path, token(w.t, "granvik", auth.RoleAdministrator), in)
	httpxtest.Conforms(w.t, httpxtest.Contract(w.t, sources.Name), "POST", path, r)
	return r
}

func TestASampleIsGuessedPreviewedAndMended_R36(t *testing.T) {
	t.Parallel()
	w := start(t)
	r := w.asks("/v1/mappings/guess", sourcesapi.MappingGuess{Sample: strings.TrimSuffix(doorSample, "halv;rad\n"), Name: "sak"})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	guess := httpxtest.Decode[sourcesapi.MappingProposal](t, r)
	require.Len(t, guess.Columns, 6)
	require.Equal(t, sourcesapi.MappingColumn{Name: "Brukernavn", Examples: []string{"kari", "ola"}, Field: "user.name", Why: sourcesapi.Name}, guess.Columns[1])
	require.NoError(t, parse.CheckMapping(guess.Text))

	// What a person changes is seen at once, and the file that would be saved holds with its samples.
	guess.Mapping.Fields["user.target.name"] = sourcesapi.MappingValue{Field: "Sak"}
	guess.Mapping.Fields["event.outcome"] = sourcesapi.MappingValue{Field: "Resultat", Values: map[string]string{"OK": "success"}, Default: "unknown"}
	r = w.asks("/v1/mappings/preview", sourcesapi.MappingTrial{Mapping: guess.Mapping, Sample: doorSample})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	preview := httpxtest.Decode[sourcesapi.MappingPreview](t, r)
	require.Empty(t, preview.Faults)
	require.Len(t, preview.Events, 4)
	require.Equal(t, "17", preview.Events[1].Event["user.target.name"])
	require.Equal(t, "success", preview.Events[1].Event["event.outcome"])
	require.Equal(t, "unknown", preview.Events[2].Event["event.outcome"])
	require.Equal(t, "2026-11-22T09:00:00Z", preview.Events[1].Event["@timestamp"])
	require.Equal(t, parse.ReasonFormat, preview.Events[3].Reason)
	require.NoError(t, parse.CheckMapping(preview.Text))

	// The file again, from elsewhere: its own samples are run, and a fault has its line.
	r = w.asks("/v1/mappings/preview", sourcesapi.MappingTrial{Text: preview.Text})
	require.Empty(t, httpxtest.Decode[sourcesapi.MappingPreview](t, r).Faults)
	r = w.asks("/v1/mappings/preview", sourcesapi.MappingTrial{Text: strings.Replace(preview.Text, "user.name: Brukernavn", "user.nmae: Brukernavn", 1), Sample: doorSample})
	faults := httpxtest.Decode[sourcesapi.MappingPreview](t, r).Faults
	require.NotEmpty(t, faults)
	require.Equal(t, "fields/user.nmae", faults[0].Path)
	require.Contains(t, strings.Split(preview.Text, "\n")[faults[0].Line-1], "user.name")
	r = w.asks("/v1/mappings/preview", sourcesapi.MappingTrial{Text: strings.Replace(preview.Text, "OK: success", "OK: failure", 1)})
	require.NotEmpty(t, httpxtest.Decode[sourcesapi.MappingPreview](t, r).Faults, "a sample does not come out")
}

func TestWhatCannotBeMappedIsRefused_R36(t *testing.T) {
	t.Parallel()
	w := start(t)
	require.Equal(t, http.StatusUnprocessableEntity, w.asks("/v1/mappings/guess", sourcesapi.MappingGuess{Sample: "bare en setning"}).Status)
	for _, body := range []any{
		map[string]any{"sample": ""},
		map[string]any{"sample": strings.Repeat("x", 1<<19+1)},
		map[string]any{"sample": "a;b", "name": "Ikke Et Navn"},
	} {
		require.Equal(t, http.StatusBadRequest, w.asks("/v1/mappings/guess", body).Status)
	}
	require.Equal(t, http.StatusBadRequest, w.asks("/v1/mappings/preview", map[string]any{"sample": "a"}).Status)
	r := w.asks("/v1/mappings/preview", sourcesapi.MappingTrial{Text: "a: &a [x]\nb: [*a", Sample: "x"})
	require.Equal(t, http.StatusOK, r.Status)
	require.NotEmpty(t, httpxtest.Decode[sourcesapi.MappingPreview](t, r).Faults)
	fields := httpxtest.Decode[sourcesapi.MappingFields](t, httpxtest.Call(t, w.m.App(), "GET", "/v1/mappings/fields", token(t, "granvik", auth.RoleAdministrator), nil))
	require.Len(t, fields.Items, len(parse.MappedFields))
	for _, f := range fields.Items {
		require.NotEmpty(t, f.Text, f.Name)
	}
}
