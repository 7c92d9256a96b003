package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// networkPrograms are VPN gateways, RADIUS servers, firewalls and routers, in
// the order in which they are tried.
func networkPrograms() []program {
	return []program{
		openvpnProgram, fortigateProgram, radiusProgram, keycloakProgram, paloaltoProgram,
		ipsecProgram, wireguardProgram, sonicwallProgram, sophosProgram, checkpointProgram, mikrotikProgram,
	}
}

// tagPrograms know their messages under tags that other programs have too
// (sshd, audit), and so stand before them.
func tagPrograms() []program { return []program{juniperProgram, pfsenseProgram} }

// networkFormats have headers of their own. They stand before syslog's, so each
// of them knows its lines by more than a client can write into another's.
func networkFormats() []Format {
	return []Format{ciscoFormat, radiusDetail, npsXML, npsCSV, npsIAS, m365CSV}
}

// signInFormats are texts of sign-in services and applications, each with a
// beginning that no header of syslog has.
func signInFormats() []Format {
	return []Format{autheliaText, vaultwarden, gitea, grafana}
}

// signInKinds are the events of cloud and sign-in services in JSON, in the
// order in which they are tried: the ones that are sure of theirs first.
func signInKinds() []jsonKind {
	return []jsonKind{
		entraSignIn, entraAudit, m365, okta, cloudtrail, googleWorkspace, keycloakJSON, authentikLog, autheliaJSON, nextcloud, gitlab, oidcEvent,
	}
}

// writerOf names the program that writes such texts without host and tag into
// a file of its own, or "".
func (s *Stream) writerOf(text string) string {
	if s.program != "" {
		return ""
	}
	for _, p := range writers {
		if p.alone(text) {
			return p.name
		}
	}
	return ""
}

// written is a line without any header that a program wrote into a file of its
// own: plain finds out which.
var written = Format{
	Name: "written",
	Detect: func(line string) bool {
		for i := range programs {
			if p := &programs[i]; p.alone != nil && p.alone(line) {
				return true
			}
		}
		return false
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error { return plain.Read(s, line, now, ev) },
}

// memory keeps, for a short while, what earlier lines of a stream said about
// something: which peer's password was refused, whose request came through a
// tunnel. It is lost with the stream; then a login whose lines stand on both
// sides of a restart may count twice.
type memory struct{ notes map[string]note }

type note struct {
	at   time.Time
	text string
}

// The memory's bounds: one gateway has some thousand peers at most.
const (
	maxNotes = 8192
	maxAge   = 10 * time.Minute
)

// put notes text under key at a time.
func (m *memory) put(key, text string, at time.Time) {
	if m.notes == nil {
		m.notes = map[string]note{}
	}
	if len(m.notes) >= maxNotes {
		for k, n := range m.notes {
			if at.Sub(n.at).Abs() > maxAge {
				delete(m.notes, k)
			}
		}
		if len(m.notes) >= maxNotes {
			clear(m.notes)
		}
	}
	m.notes[key] = note{at, text}
}

// get returns what was noted under key at most within before or after at.
func (m *memory) get(key string, at time.Time, within time.Duration) (string, bool) {
	n, ok := m.notes[key]
	if !ok || at.Sub(n.at).Abs() > within {
		return "", false
	}
	return n.text, true
}

func (m *memory) drop(key string) { delete(m.notes, key) }

// echo says that another kind of line (code) has already decided the login that
// key names: equipment tells one login in several messages, and each kind of
// them once per login. The first of them counts.
func (s *Stream) echo(key, code string, at time.Time, within time.Duration) bool {
	first, ok := s.notes.get(key, at, within)
	if ok && !hasWord(first, code) {
		s.notes.notes[key] = note{s.notes.notes[key].at, first + " " + code}
		return true
	}
	s.notes.put(key, code, at)
	return false
}

func hasWord(list, word string) bool {
	for rest := list; rest != ""; {
		var w string
		w, rest, _ = strings.Cut(rest, " ")
		if w == word {
			return true
		}
	}
	return false
}

// attemptOnce is attempt for equipment whose messages repeat one another: key
// names the login, code the kind of message.
func (m *message) attemptOnce(ev *ecs.Event, key, code, outcome, method string) {
	attempt(ev, outcome, method)
	if m.stream.echo(m.host+"\x00"+outcome+"\x00"+key, code, m.at, echoWithin) {
		ev.Event.Action, ev.Varde.Attempt, ev.Varde.Method = ecs.ActionProbe, false, ""
		ev.Event.Type = kindProbe.types
	}
}

// echoWithin is how long the messages about one login may take: a second factor
// is between them at times.
const echoWithin = 30 * time.Second
