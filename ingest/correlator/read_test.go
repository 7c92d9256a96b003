package correlator

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/schemas/ecs"
)

// The quick way and the whole event give the same attempt.
func TestWhatIsReadOfAnEventIsWhatTheWholeSays(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{`a "quoted" \ name`, "Ærfugl\n\t\u2028", "\x00", "😀"}))
	r := &reader{}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) string { return text.Draw(rt, name) }
		maybe := func(name string) bool { return rapid.Bool().Draw(rt, "with "+name) }
		e := ecs.Event{
			Timestamp: time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "time"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns")).UTC(), Message: draw("message"),
			Event: ecs.Meta{ID: draw("id"), Action: rapid.SampledFrom([]string{ecs.ActionLogin, ecs.ActionAccountLocked, ecs.ActionSessionEnd, ecs.ActionLogoff}).Draw(rt, "action"),
				Outcome: rapid.SampledFrom([]string{"", ecs.OutcomeSuccess, ecs.OutcomeFailure}).Draw(rt, "outcome"), Dataset: draw("dataset"), Code: draw("code"),
				Original: draw("line"), Hash: draw("hash"), Category: []string{"authentication"}},
			Varde: ecs.Varde{Tenant: boe, Source: draw("source"), Provenance: draw("provenance"), Generation: rapid.IntRange(0, 9).Draw(rt, "generation"),
				Attempt: maybe("attempt"), Repeat: rapid.IntRange(0, 99).Draw(rt, "repeat"), Method: draw("method"), Session: draw("session"),
				System: draw("system"), Station: draw("station"), SkewMS: -7},
			Labels: map[string]string{"x": draw("label")},
		}
		if maybe("created") {
			e.Event.Created = e.Timestamp.In(time.FixedZone("", 3600))
		}
		if maybe("key") {
			e.Varde.Key = &ecs.Key{Fingerprint: draw("fingerprint"), CertID: draw("cert"), CA: draw("ca")}
		}
		if maybe("account") {
			e.Varde.Account = &ecs.Account{Realm: draw("realm"), Name: draw("name")}
		}
		if maybe("user") {
			e.User = &ecs.User{Name: draw("user"), Domain: draw("domain"), Email: draw("email"), Roles: []string{"x"}}
			if maybe("target") {
				e.User.Target = &ecs.User{Name: draw("target")}
			}
		}
		if maybe("source") {
			e.Source = &ecs.Endpoint{IP: draw("ip"), Domain: draw("from"), Port: 7}
		}
		if maybe("host") {
			e.Host = &ecs.Host{Name: draw("host"), IP: []string{"192.0.2.1"}}
		}
		if maybe("process") {
			e.Process = &ecs.Process{Name: draw("process"), PID: rapid.IntRange(0, 1<<22).Draw(rt, "pid")}
		}
		if maybe("service") {
			e.Service = &ecs.Service{Name: draw("service")}
		}
		if maybe("log") {
			e.Log = &ecs.Log{Offset: rapid.Int64Range(0, 1<<40).Draw(rt, "offset")}
			if maybe("file") {
				e.Log.File = &ecs.LogFile{Path: draw("path")}
			}
		}
		raw, err := json.Marshal(e)
		require.NoError(rt, err)
		var whole ecs.Event
		require.NoError(rt, json.Unmarshal(raw, &whole))
		quick, err := r.event(raw)
		require.NoError(rt, err)
		require.Equal(rt, whole.Timestamp, quick.Timestamp)
		require.Equal(rt, whole.Varde.Source, quick.Varde.Source)
		require.Equal(rt, whole.Varde.Tenant, quick.Varde.Tenant)
		want, wanted := attemptOf(&whole)
		got, ok := attemptOf(quick)
		require.Equal(rt, wanted, ok)
		require.Equal(rt, want, got)
	})
}

func TestWhatIsNoEventIsAnErrorInBothWays(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `[]`, `7`, `{"varde":7}`, `{"varde":{"attempt":"yes"}}`, `{"@timestamp":"yesterday"}`, `{"user":{"name":["x"]}}`,
		`{"log":{"offset":1.5}}`, `{"event":{"id":7}}`, `{"process":{"pid":"7"}}`,
	} {
		var whole ecs.Event
		require.Error(t, json.Unmarshal([]byte(text), &whole), text)
		_, err := (&reader{}).event([]byte(text))
		require.Error(t, err, text)
	}
	e, err := (&reader{}).event([]byte(`{"varde":null,"event":{"id":null}}`))
	require.NoError(t, err)
	require.Empty(t, e.Event.ID)
}

func BenchmarkReading(b *testing.B) {
	w := newWorld(b)
	e := tried(w, 1, "user000001")
	e.Message = e.Event.Original
	e.Related = &ecs.Related{IP: []string{"192.0.2.7"}, User: []string{"user000001"}, Hosts: []string{"ark01"}}
	e.Log.Syslog = &ecs.LogSyslog{Priority: 86, Hostname: "ark01", Appname: "sshd", ProcID: "1001"}
	raw, err := json.Marshal(e)
	if err != nil {
		b.Fatal(err)
	}
	for _, whole := range []bool{true, false} {
		b.Run(fmt.Sprintf("whole=%t", whole), func(b *testing.B) {
			r := &reader{whole: whole}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.event(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
