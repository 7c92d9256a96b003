package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// Log records that an exporter of OpenTelemetry sends are found by a search, as
// what their programs say.
func TestLogRecordsOfOpenTelemetryAreFound_R36(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		host := "otlp-" + strings.ToLower(uuid.NewString()[:8])
		var records []string
		for n := range 20 {
			at := time.Now().Add(-time.Minute).Add(time.Duration(n) * time.Second)
			records = append(records, fmt.Sprintf(`{"timeUnixNano":"%d","severityNumber":9,"traceId":"5b8efff798038103d269b633813fc60c","body":{"stringValue":"Failed password for otlp%d from 192.0.2.7 port 22 ssh2"}}`, at.UnixNano(), n))
		}
		var body bytes.Buffer
		z := gzip.NewWriter(&body)
		_, err := fmt.Fprintf(z, `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"sshd"}},{"key":"host.name","value":{"stringValue":%q}}]},"scopeLogs":[{"logRecords":[%s]}]}]}`, host, strings.Join(records, ","))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.stack.Bulk+"/v1/logs", &body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-Encoding", "gzip")
		req.Header.Set("Authorization", "Bearer "+w.stack.BulkKey)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)

		officer := w.stack.SignIn(t, "sikkerhet")
		purpose := searchContext(officer, "Leter etter linjer fra OpenTelemetry", "")
		query := searchapi.SearchRequest{Context: purpose.Id, Query: "host.name: " + host + " and event.dataset: sshd and event.outcome: failure", Limit: 50}
		running.Eventually(t, 30*time.Second, func() error {
			if found := search(officer, query); found.Total < 20 {
				return errors.New("not all of the lines are there yet")
			}
			return nil
		})
		require.EqualValues(t, 20, search(officer, query).Total)
	})
}
