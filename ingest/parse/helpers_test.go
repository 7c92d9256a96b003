package parse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// reference is "now" in the tables.
var reference = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func oslo(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Oslo")
	require.NoError(t, err)
	return loc
}

func one(t testing.TB, line string) ecs.Event {
	t.Helper()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	ev, err := s.Parse([]byte(line), reference)
	require.NoError(t, err)
	require.Equal(t, line, ev.Event.Original)
	return ev
}

// want is what a table says of an event; the zero value of each field is
// checked too, so that nothing appears that the line does not say.
type want struct {
	dataset, action, outcome  string
	user, target, ip, domain  string
	port                      int
	attempt                   bool
	repeat                    int
	method, reason            string
	certID, serial, keyFP, ca string
}

func got(ev ecs.Event) want {
	w := want{dataset: ev.Event.Dataset, action: ev.Event.Action, outcome: ev.Event.Outcome, attempt: ev.Varde.Attempt,
		repeat: ev.Varde.Repeat, method: ev.Varde.Method, reason: ev.Event.Reason}
	if ev.User != nil {
		w.user = ev.User.Name
		if ev.User.Target != nil {
			w.target = ev.User.Target.Name
		}
	}
	if ev.Source != nil {
		w.ip, w.domain, w.port = ev.Source.IP, ev.Source.Domain, ev.Source.Port
	}
	if k := ev.Varde.Key; k != nil {
		w.certID, w.serial, w.keyFP, w.ca = k.CertID, k.CertSerial, k.Fingerprint, k.CA
	}
	return w
}

// table runs lines whose messages follow the given header.
func table(t *testing.T, header string, cases map[string]want) {
	t.Helper()
	for message, w := range cases {
		t.Run(message, func(t *testing.T) {
			require.Equal(t, w, got(one(t, header+message)))
		})
	}
}
