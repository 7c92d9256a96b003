package parse

import (
	"strconv"
	"strings"

	"varde.internal/schemas/ecs"
)

// said is the last message of a sender: what "last message repeated N times"
// speaks of.
type said struct {
	program, module, text string
	pid                   int
}

const (
	// maxSenders bounds how many hosts of one stream are remembered; beyond, all
	// are forgotten and a count without a message stays one.
	maxSenders = 1024
	// maxSaid bounds a message that is remembered, in bytes.
	maxSaid = 8 << 10
)

// remember keeps a message for a repetition that may follow.
func (s *Stream) remember(m *message) {
	if len(m.text) > maxSaid {
		delete(s.last, m.host)
		return
	}
	if s.last == nil || len(s.last) >= maxSenders {
		s.last = map[string]said{}
	}
	s.last[m.host] = said{m.program, m.module, m.text, m.pid}
}

// again makes of "last message repeated N times" (BSD's syslogd, sysklogd, old
// rsyslog) the message that it speaks of, the one before it of the same host. n
// is 0 for every other message, and where nothing is remembered.
func (s *Stream) again(m *message, ev *ecs.Event) (n int, err error) {
	switch m.program {
	case "", "syslogd", "syslog", "rsyslogd":
	default:
		return 0, nil
	}
	text := m.text
	// Where the sender writes no host, the first word was taken for one.
	noHost := false
	switch {
	case m.host == "last" && strings.HasPrefix(text, "message repeated "):
		text, noHost = "last "+text, true
	case m.host == "---":
		noHost = true
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "--- "), "last message repeated ")
	if !ok {
		return 0, nil
	}
	rest = strings.TrimSuffix(rest, " ---")
	digits, ok := strings.CutSuffix(rest, " times")
	if !ok {
		digits, ok = strings.CutSuffix(rest, " time")
	}
	if !ok || !allDigits(digits) {
		return 0, nil
	}
	if n, err = strconv.Atoi(digits); err != nil || n < 1 || n > maxRepeat {
		return 0, &Error{ReasonRepeat, "the number of repetitions is not between 1 and 1000000"}
	}
	if noHost {
		m.host, ev.Host = "", nil
	}
	before, known := s.last[m.host]
	if !known {
		return 0, nil
	}
	m.program, m.module, m.pid, m.text = before.program, before.module, before.pid, before.text
	ev.Process = nil
	if m.program != "" {
		ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
	}
	return n, nil
}
