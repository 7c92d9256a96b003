package parse

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const radiusDetailFile = `Sun Nov 22 10:00:00 2026
	Packet-Type = Access-Reject
	User-Name = "KOMMUNE\\\\kari"
	NAS-IP-Address = 10.0.0.9
	NAS-Port = 13
	Calling-Station-Id = "02-00-00-AB-00-01"
	Reply-Message = "No"
	Timestamp = 1795341600

Sun Nov 22 10:00:01 2026
	Acct-Session-Id = "a1"
	Acct-Status-Type = Start
	User-Name = "ola"
	NAS-Identifier = "vpn01"
	Calling-Station-Id = "192.0.2.7"
	Framed-IP-Address = 10.8.0.6

Sun Nov 22 10:10:01 2026
	Acct-Session-Id = "a1"
	Acct-Status-Type = Stop
	User-Name = "ola"
	NAS-Identifier = "vpn01"
	Acct-Session-Time = 600
	Acct-Terminate-Cause = User-Request
`

func TestRADIUSDetailFilesAreCutIntoRecords(t *testing.T) {
	t.Parallel()
	records, err := NewRecords(strings.NewReader(radiusDetailFile), 1<<20)
	require.NoError(t, err)
	s, err := NewStream(Options{})
	require.NoError(t, err)
	var says []string
	for {
		r, err := records.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		ev, err := s.Parse(r.Text, reference)
		require.NoError(t, err)
		require.Equal(t, string(r.Text), ev.Event.Original)
		says = append(says, ev.Timestamp.Format("15:04:05 ")+summary(ev))
	}
	require.Equal(t, []string{
		"10:00:00 set=freeradius cat=authentication type=start action=login outcome=failure attempt=yes code=Access-Reject reason=No user=kari user.domain=KOMMUNE from.mac=02-00-00-AB-00-01 observer=10.0.0.9",
		"10:00:01 set=freeradius cat=session type=start action=session-start outcome=success code=Start user=ola from=192.0.2.7 from.nat=10.8.0.6 observer=vpn01 session=a1",
		"10:10:01 set=freeradius cat=session type=end action=session-end outcome=success code=Stop reason=User-Request user=ola observer=vpn01 session=a1 duration=10m0s",
	}, says)
}
