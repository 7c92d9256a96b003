package e2e

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/keyring"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/test/running"
)

// Two reporters with marks go the whole way; afterwards every store is decoded
// by its own reader. Nowhere does a record tie the signed-in reporter to the
// report, and nothing that the anonymous one brought along is kept.
func TestAMarkedReporterIsNowhere(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		s := w.stack
		named := markedNamed(t, s)
		anonymous := markedAnonymous(t, s) // last: nobody else may be at its case after what it wrote
		time.Sleep(2 * time.Second)        // for what is still on its way
		stores := decode(t, s)

		// Positive controls: the reading finds what has to be there.
		contains := func(store, mark string) bool {
			for _, r := range stores[store] {
				if strings.Contains(r, mark) {
					return true
				}
			}
			return false
		}
		for _, store := range []string{"documents", "messages"} {
			require.True(t, contains(store, named.words), store)
			require.True(t, contains(store, named.person), store)
			require.True(t, contains(store, anonymous.words), store)
		}
		require.True(t, contains("events", "nordlys-drift"))
		require.True(t, contains("files", "\xff\xd8\xff"))
		require.True(t, contains("log", `"part":"deviation"`))
		require.Equal(t, named.person, sealedReporter(t, s, stores["documents"], named.report))

		require.NotEmpty(t, namedWithin(stores, named.ofReport(), named.wrote), "times of what the signed-in reporter wrote are found")
		require.Empty(t, namedWithin(stores, anonymous.ofReport(), anonymous.wrote), "what the anonymous reporter wrote is dated by the hour")
		for store, records := range stores {
			for _, r := range records {
				for _, mark := range anonymous.marks {
					require.NotContains(t, r, mark, store)
				}
				if !containsAny(r, named.ofReport()) {
					continue
				}
				for _, mark := range []string{named.person, "Kari Bakken", "ansatt@"} {
					require.NotContains(t, r, mark, "%s: who reported stands beside the report", store)
				}
			}
		}
	})
}

func containsAny(text string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(text, m) {
			return true
		}
	}
	return false
}

// timestamp as all stores and messages of ours write one.
var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`)

// namedWithin are the records about a report that hold a time of the minute
// after a moment at which nobody but its reporter did anything, other than the
// full hour.
func namedWithin(stores map[string][]string, about []string, from time.Time) (records []string) {
	for store, all := range stores {
		for _, r := range all {
			// What a person read before can be logged a moment later.
			if !containsAny(r, about) || strings.Contains(r, `"action":"case.read"`) || strings.Contains(r, `"action": "case.read"`) {
				continue
			}
			for _, text := range timestamp.FindAllString(r, -1) {
				at, err := time.Parse(time.RFC3339, text)
				if err != nil || at.Equal(at.Truncate(time.Hour)) {
					continue
				}
				if at.After(from) && at.Before(from.Add(time.Minute)) {
					records = append(records, store+": "+text+" in "+r)
				}
			}
		}
	}
	return records
}

// markedReport is what is known of a report that went the whole way.
type markedReport struct {
	wrote                         time.Time // the moment before the reporter's last act
	words, report, caseID, number string
	person                        string
	marks                         []string // must be nowhere
}

// ofReport are the words by which a record is about the report.
func (m markedReport) ofReport() []string { return []string{m.words, m.report, m.caseID, m.number} }

func markedAnonymous(t *testing.T, s *running.Installation) markedReport {
	t.Helper()
	mark := uuid.NewString()
	b := s.Visitor(t)
	b.Headers = []string{"User-Agent", "Nettleser-" + mark, "X-Forwarded-For", "203.0.113.77", "Accept-Language", "nb,x-" + mark, "Referer", b.Base + "/?" + mark}
	words := "Anonymt " + uuid.NewString()
	receipt, _ := reportWithPhoto(t, b, words)
	c := caseOfReport(t, s.SignIn(t, "leder"), words)
	followUp(t, b, receipt.Code)
	wrote := time.Now()
	b.Post("/api/deviation/v1/public/follow-up/messages",
		deviationapi.MessageByCode{Tenant: "bjorkvag", Code: receipt.Code, MessageId: uuid.NewString(), Text: "Mer om saken"}, nil)
	return markedReport{wrote: wrote, words: words, report: receipt.ReportId, caseID: c.Summary.Id, number: c.Summary.Number,
		marks: []string{mark, "203.0.113.77", place, receipt.Code, strings.ReplaceAll(receipt.Code, "-", "")}}
}

func markedNamed(t *testing.T, s *running.Installation) markedReport {
	t.Helper()
	b, manager := s.SignIn(t, "ansatt"), s.SignIn(t, "leder")
	var me identityapi.Me
	b.Get("/api/identity/v1/me", &me)
	words := "Innlogget " + uuid.NewString()
	var receipt deviationapi.Receipt
	b.Post("/api/deviation/v1/reports", newReport(t, b, words), &receipt)
	c := caseOfReport(t, manager, words)
	at := "/api/cases/v1/cases/" + c.Summary.Id
	manager.Post(at+"/acknowledge", nil, nil)
	manager.Post(at+"/messages", casesapi.NewMessage{MessageId: uuid.NewString(), Text: "Takk", Question: true}, nil)
	manager.Get(at+"/candidates", nil)
	wrote := time.Now().Add(-time.Second) // whose times are kept by the second
	b.Post("/api/deviation/v1/reports/"+receipt.ReportId+"/messages", deviationapi.NewMessage{MessageId: uuid.NewString(), Text: "Vær så god"}, nil)
	b.Get("/api/deviation/v1/reports/"+receipt.ReportId, nil)
	b.Must(http.StatusOK, b.Call("GET", "/api/deviation/v1/reports", nil, nil))
	return markedReport{wrote: wrote, words: words, report: receipt.ReportId, caseID: c.Summary.Id, number: c.Summary.Number, person: me.Id}
}

// sealedIdentity is the field of a report's document, in JSON of any store.
var sealedIdentity = regexp.MustCompile(`"identity":\s*"([A-Za-z0-9+/=]+)"`)

// sealedReporter opens the identity in the report's document with the key that
// the deviation service alone derives: the link is there, encrypted.
func sealedReporter(t *testing.T, s *running.Installation, documents []string, report string) string {
	t.Helper()
	keys, err := keyring.Open(filepath.Join(s.Data, "keys"))
	require.NoError(t, err)
	block, err := aes.NewCipher(keys.Secret("part/deviation/reporter-identity"))
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	for _, d := range documents {
		m := sealedIdentity.FindStringSubmatch(d)
		if m == nil || !strings.Contains(d, report) {
			continue
		}
		sealed, err := base64.StdEncoding.DecodeString(m[1])
		require.NoError(t, err)
		n := aead.NonceSize()
		require.Greater(t, len(sealed), n)
		plain, err := aead.Open(nil, sealed[:n], sealed[n:], []byte("bjorkvag\x00"+report))
		require.NoError(t, err)
		var who struct {
			Person string `json:"person"`
		}
		require.NoError(t, json.Unmarshal(plain, &who))
		return who.Person
	}
	require.Fail(t, "no document holds the sealed identity")
	return ""
}
