package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// summary is what an event says, in one line; what it does not say is left
// out, so that nothing can appear that the line does not hold.
func summary(ev ecs.Event) string {
	var b strings.Builder
	add := func(name string, value any) {
		if s := fmt.Sprint(value); s != "" && s != "0" && s != "[]" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			if strings.ContainsAny(s, " =") {
				s = fmt.Sprintf("%q", s)
			}
			b.WriteString(name + "=" + s)
		}
	}
	add("set", ev.Event.Dataset)
	add("cat", strings.Join(ev.Event.Category, "+"))
	add("type", strings.Join(ev.Event.Type, "+"))
	add("action", ev.Event.Action)
	add("outcome", ev.Event.Outcome)
	if ev.Varde.Attempt {
		add("attempt", "yes")
	}
	add("method", ev.Varde.Method)
	add("code", ev.Event.Code)
	add("reason", ev.Event.Reason)
	person(add, "user", ev.User)
	if ev.User != nil {
		person(add, "target", ev.User.Target)
	}
	if g := ev.Group; g != nil {
		add("group", g.Name)
		add("group.id", g.ID)
	}
	place(add, "from", ev.Source)
	place(add, "to", ev.Destination)
	if ev.Host != nil {
		add("host", ev.Host.Name)
	}
	if o := ev.Observer; o != nil {
		add("observer", o.Name)
	}
	add("session", ev.Varde.Session)
	add("duration", time.Duration(ev.Event.Duration))
	if ev.Event.Duration == 0 {
		s := strings.TrimSuffix(b.String(), " duration=0s")
		return s
	}
	return b.String()
}

func person(add func(string, any), as string, u *ecs.User) {
	if u == nil {
		return
	}
	add(as, u.Name)
	add(as+".domain", u.Domain)
	add(as+".email", u.Email)
	add(as+".id", u.ID)
	add(as+".full", u.FullName)
}

func place(add func(string, any), as string, e *ecs.Endpoint) {
	if e == nil {
		return
	}
	add(as, e.IP)
	add(as+".port", e.Port)
	add(as+".domain", e.Domain)
	add(as+".mac", e.MAC)
	if e.NAT != nil {
		add(as+".nat", e.NAT.IP)
		add(as+".nat.port", e.NAT.Port)
	}
	if e.Geo != nil {
		add(as+".geo", e.Geo.Country+e.Geo.CountryName+"/"+e.Geo.City)
	}
}

// told is a line and what its event says.
type told struct{ line, says string }

// tells runs the lines of one source in order, because a login is told by
// several of them.
func tells(t *testing.T, lines []told) {
	t.Helper()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	for _, l := range lines {
		ev, err := s.Parse([]byte(l.line), reference)
		require.NoError(t, err, l.line)
		require.Equal(t, l.says, summary(ev), l.line)
		require.Equal(t, l.line, ev.Event.Original)
	}
}
