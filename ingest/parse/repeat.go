package parse

import (
	"bytes"
	"strconv"
	"strings"
	"time"

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

// Recalled is how many bytes before a position Recall wants at most.
const Recalled = 64 << 10

// Recall reads the lines that stand before the one that the stream resumes at,
// so that what spans lines (a message that the next line repeats, a password
// that two lines refuse) is known again and a second reading gives the same
// events. text ends where the stream begins; whole says that it begins with a
// line, else its first piece is passed over. Times stay as Options.Resume says.
func (s *Stream) Recall(text []byte, whole bool, now time.Time) {
	if !whole {
		_, after, ok := bytes.Cut(text, []byte{'\n'})
		if !ok {
			return
		}
		text = after
	}
	clock, columns := s.clock, s.columns
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSuffix(line, []byte{'\n'}); len(bytes.TrimRight(line, "\r")) > 0 {
			_, _ = s.Parse(line, now) // it was read before: only what it leaves behind matters
		}
	}
	s.clock = clock
	if columns != nil {
		s.columns = columns
	}
}
