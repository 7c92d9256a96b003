package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/gen/sourcesapi"
	"varde.internal/test/running"
)

// A sample is guessed and saved as a source through the front door; a line that
// is sent with its key is found by the fields that it was mapped to.
func TestALineOfAMappedSourceIsFoundByItsFields_R36(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		admin, officer := w.stack.SignIn(t, "admin"), w.stack.SignIn(t, "sikkerhet")
		word := "dor" + strings.ToLower(uuid.NewString()[:8])
		row := func(at time.Time, outcome string) string {
			return fmt.Sprintf("%s;%s;kari;192.0.2.7;Innlogging;%s", at.UTC().Format("2006-01-02 15:04:05"), word, outcome)
		}
		sample := "Tidspunkt;Maskin;Brukernavn;IP-adresse;Hendelse;Resultat\n" + row(time.Now(), "OK") + "\n" + row(time.Now(), "Feil") + "\n"
		var guess sourcesapi.MappingProposal
		admin.Post("/api/sources/v1/mappings/guess", sourcesapi.MappingGuess{Sample: sample, Name: "adgang", TimeZone: "UTC"}, &guess)

		broken := registerapi.SourceCreate{Data: registerapi.Source{Name: "Adgang " + word, Kind: "bulk", Mapping: strings.Replace(guess.Text, "user.name: Brukernavn", "user.nmae: Brukernavn", 1)}}
		a := admin.Call("POST", "/api/register/v1/sources", broken, nil)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s", a.Body)
		require.Contains(t, string(a.Body), "mapping-fault")

		var made registerapi.SourceCreated
		admin.Post("/api/register/v1/sources", registerapi.SourceCreate{Data: registerapi.Source{Name: "Adgang " + word, Kind: "bulk", Mapping: guess.Text}}, &made)
		require.NotEmpty(t, made.Item.Data.MappingId)
		running.Eventually(t, 30*time.Second, func() error { // the collector follows the register
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.stack.Bulk+"/v1/lines", bytes.NewReader([]byte(row(time.Now(), "Feil"))))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "text/plain")
			req.Header.Set("Authorization", "ApiKey "+made.ApiKey)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("the collector answers %d", res.StatusCode)
			}
			return nil
		})
		purpose := searchContext(officer, "Ser etter linjer fra adgangssystemet", "")
		query := "host.name: " + word + " and event.dataset: adgang and event.action: login and event.outcome: failure"
		running.Eventually(t, 30*time.Second, func() error {
			if search(officer, searchapi.SearchRequest{Context: purpose.Id, Query: query, Limit: 10}).Total < 1 {
				return errors.New("the line is not there yet")
			}
			return nil
		})
	})
}
