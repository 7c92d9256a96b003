package parse

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// otlpOf is a document with one record; record holds JSON.
func otlpOf(resource, record string) []byte {
	return []byte(`{"resourceLogs":[{"resource":{"attributes":[` + resource + `]},"scopeLogs":[{"scope":{"name":"app.log"},"logRecords":[` + record + `]}]}]}`)
}

func attr(key, value string) string {
	k, _ := json.Marshal(key)
	v, _ := json.Marshal(value)
	return `{"key":` + string(k) + `,"value":{"stringValue":` + string(v) + `}}`
}

const otlpTime = `"timeUnixNano":"1795341600123456789"` // 2026-11-22T10:00:00.123456789Z

func readOTLPLine(t *testing.T, doc []byte) ecs.Event {
	t.Helper()
	s, err := NewStream(Options{Live: true})
	require.NoError(t, err)
	ev, err := s.Parse(doc, time.Date(2026, 11, 22, 10, 0, 5, 0, time.UTC))
	require.NoError(t, err)
	require.Equal(t, string(doc), ev.Event.Original)
	return ev
}

func TestARecordOfOTLPIsReadByItsProgram(t *testing.T) {
	t.Parallel()
	const refused = "Failed password for kari from 192.0.2.7 port 22 ssh2"
	host := attr("host.name", "arkiv01")
	for name, doc := range map[string][]byte{
		"a message, the program in the resource": otlpOf(host+","+attr("service.name", "sshd"), `{`+otlpTime+`,"body":{"stringValue":"`+refused+`"}}`),
		"the program in the record":              otlpOf(host+","+attr("service.name", "collector"), `{`+otlpTime+`,"body":{"stringValue":"`+refused+`"},"attributes":[`+attr("appname", "sshd")+`]}`),
		"a whole line":                           otlpOf("", `{`+otlpTime+`,"body":{"stringValue":"Nov 22 09:00:00 arkiv01 sshd[7]: `+refused+`"}}`),
		"an entry of the journal": otlpOf("", `{`+otlpTime+`,"body":{"kvlistValue":{"values":[`+attr("MESSAGE", refused)+`,`+attr("_COMM", "sshd")+`,`+
			attr("_HOSTNAME", "arkiv01")+`,{"key":"PRIORITY","value":{"intValue":"6"}},`+attr("__REALTIME_TIMESTAMP", "1795341600123456")+`]}}}`),
	} {
		ev := readOTLPLine(t, doc)
		require.Equal(t, "sshd", ev.Event.Dataset, name)
		require.True(t, ev.Varde.Attempt, name)
		require.Equal(t, ecs.OutcomeFailure, ev.Event.Outcome, name)
		require.Equal(t, "kari", ev.User.Name, name)
		require.Equal(t, "192.0.2.7", ev.Source.IP, name)
		require.Equal(t, "arkiv01", ev.Host.Name, name)
		require.Equal(t, time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC), ev.Timestamp, name)
	}
}

func TestWhatARecordOfOTLPSaysIsMappedToECS(t *testing.T) {
	t.Parallel()
	doc := otlpOf(attr("service.name", "sak")+","+attr("host.name", "app01")+","+attr("k8s.pod.name", "sak-1"),
		`{"observedTimeUnixNano":"1795341600000000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"Kunne ikke lagre"},"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","attributes":[`+
			attr("client.address", "192.0.2.7")+`,{"key":"client.port","value":{"intValue":"5022"}},`+attr("http.request.method", "POST")+`,{"key":"http.response.status_code","value":{"intValue":500}},`+
			attr("url.path", "/sak")+`,`+attr("user_agent.original", "Mozilla")+`,`+attr("exception.message", "borte")+`,`+attr("exception.type", "IOException")+`,{"key":"sak","value":{"kvlistValue":{"values":[`+attr("nr", "7")+`]}}},{"key":"flagg","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":1.5}]}}}]}`)
	ev := readOTLPLine(t, doc)
	require.Equal(t, "otlp", ev.Event.Dataset)
	require.Equal(t, "Kunne ikke lagre", ev.Message)
	require.Equal(t, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), ev.Timestamp)
	require.Equal(t, "error", ev.Log.Level)
	require.Equal(t, 17, ev.Event.Severity)
	require.Equal(t, ecs.Endpoint{IP: "192.0.2.7", Port: 5022}, *ev.Source)
	require.Equal(t, "POST", ev.HTTP.Request.Method)
	require.Equal(t, 500, ev.HTTP.Response.Status)
	require.Equal(t, "/sak", ev.URL.Path)
	require.Equal(t, "Mozilla", ev.UserAgent.Original)
	require.Equal(t, ecs.Error{Message: "borte", Code: "IOException"}, *ev.Error)
	require.Equal(t, "sak", ev.Service.Name)
	require.Equal(t, "app01", ev.Host.Name)
	require.Equal(t, map[string]string{"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174", "scope": "app.log",
		"k8s_pod_name": "sak-1", "sak_nr": "7", "flagg": "[true,1.5]"}, ev.Labels)
	require.False(t, ev.Varde.Attempt)
}

// An application that names an event of its own, an account and an outcome says
// that a login was decided.
func TestAnEventOfOTLPDecidesALogin(t *testing.T) {
	t.Parallel()
	record := func(outcome string) string {
		return `{` + otlpTime + `,"eventName":"user.login","body":{"stringValue":"pålogging"},"attributes":[` + attr("user.name", `BØ\kari`) + `,` + attr("client.address", "[2001:db8::7]:22") + outcome + `]}`
	}
	ev := readOTLPLine(t, otlpOf("", record(`,`+attr("event.outcome", "failure"))))
	require.True(t, ev.Varde.Attempt)
	require.Equal(t, ecs.ActionLogin, ev.Event.Action)
	require.Equal(t, ecs.OutcomeFailure, ev.Event.Outcome)
	require.Equal(t, ecs.Account{Realm: "bø", Name: "kari"}, *ev.Varde.Account)
	require.Equal(t, "2001:db8::7", ev.Source.IP)
	ev = readOTLPLine(t, otlpOf("", record("")))
	require.False(t, ev.Varde.Attempt)
	require.Equal(t, ecs.ActionProbe, ev.Event.Action)
}

// Whatever stands where a value belongs, the record is kept.
func TestOddRecordsOfOTLPAreKept(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 80) + `{"stringValue":"x"}` + strings.Repeat(`]}}`, 80)
	for name, record := range map[string]string{
		"empty": `{}`, "no body": `{"severityNumber":99}`, "null": `{"body":null,"attributes":null}`, "bytes": `{"body":{"bytesValue":"AAE="}}`,
		"deep": `{"body":` + deep + `,"attributes":[{"key":"x","value":` + deep + `}]}`, "ids": `{"traceId":"zz","spanId":"0000000000000000"}`,
		"not a number":    `{"body":{"kvlistValue":{"values":[{"key":"n","value":{"doubleValue":"NaN"}},{"value":{}}]}}}`,
		"inside a record": `{"body":{"stringValue":"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"{}\"}}]}]}]}"}}`,
	} {
		ev := readOTLPLine(t, otlpOf("", record))
		require.Equal(t, "otlp", ev.Event.Dataset, name)
		require.Empty(t, ev.Labels["trace_id"]+ev.Labels["span_id"], name)
		_, err := json.Marshal(ev)
		require.NoError(t, err)
		require.True(t, json.Valid(ev.AppendJSON(nil)), name)
	}
	s, err := NewStream(Options{Format: "otlp"})
	require.NoError(t, err)
	_, err = s.Parse([]byte(`{"resourceLogs":[]}`), time.Now())
	require.ErrorContains(t, err, ReasonFormat)
	_, err = s.Parse(otlpOf("", `{"timeUnixNano":"x"}`), time.Now())
	require.ErrorContains(t, err, ReasonTimestamp)
}

func FuzzOTLP(f *testing.F) {
	f.Add(otlpOf(attr("service.name", "sshd"), `{`+otlpTime+`,"body":{"stringValue":"Failed password for kari from 192.0.2.7 port 22 ssh2"}}`))
	f.Add(otlpOf("", `{"body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}},"traceId":"5b8efff798038103d269b633813fc60c"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := NewStream(Options{Format: "otlp"})
		require.NoError(t, err)
		ev, err := s.Parse(doc, time.Unix(1_800_000_000, 0))
		if err == nil {
			require.True(t, json.Valid(ev.AppendJSON(nil)))
		}
	})
}

func BenchmarkOTLP(b *testing.B) {
	doc := otlpOf(attr("service.name", "sshd")+","+attr("host.name", "arkiv01"), `{`+otlpTime+`,"severityNumber":9,"body":{"stringValue":"Failed password for kari from 192.0.2.7 port 22 ssh2"},"attributes":[`+attr("appname", "sshd")+`]}`)
	s, err := NewStream(Options{})
	require.NoError(b, err)
	b.SetBytes(int64(len(doc)))
	now := time.Now()
	for b.Loop() {
		if _, err := s.Parse(doc, now); err != nil {
			b.Fatal(err)
		}
	}
}
