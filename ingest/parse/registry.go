package parse

import (
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// Format reads one kind of line into an event. Read fills ev, whose original is
// already kept, or returns an *Error; a format of free text hands the message to
// Stream.meaning.
type Format struct {
	Name string
	// Begins are the bytes that such a line can begin with; "" is any. It spares
	// most lines most questions.
	Begins string
	Detect func(line string) bool
	Read   func(s *Stream, line string, now time.Time, ev *ecs.Event) error
	// Inner says that such a text also stands as the message of a syslog line or
	// a journal entry whose program has no parser of its own.
	Inner bool
}

// formats in the order in which they are tried.
var formats []Format

// program reads the messages of one program. knows must not look further than
// the fixed beginning of a message: what follows may be written by an attacker.
type program struct {
	name   string
	module string // event.module; "" is system
	knows  func(m *message) bool
	read   func(m *message, ev *ecs.Event)
	// alone says whether a text without host and tag is this program's: what
	// stands in a file that it writes itself, with or without a time before it.
	// nil: it writes none.
	alone func(text string) bool
}

var programs []program

// writers are those of the programs that write files of their own.
var writers []*program

// jsonKinds in the order in which they are tried.
var jsonKinds []jsonKind

// Filled here and not where they are declared, because the formats refer back
// to the stream and the compiler would see a cycle.
func init() {
	formats = []Format{
		jsonFormat,
		windowsXML,
		eventLogText,
		iis,
		iisBare, // before rfc3164: it begins with a time too
		rfc5424,
		vsftpdLine, // before rfc3164: it begins with a time too
		rfc3164,
		access,
		nginxError,
		apacheError,
		haproxyLine,
		audit,
		written, // before the general forms
		cef,
		leef,
		keyValue,
		plain,
	}
	programs = []program{
		pamProgram,
		sshdProgram,
		sudoProgram,
		suProgram,
		shadowProgram,
		logindProgram,
		webProgram,
		haproxyProgram,
		auditProgram,
		loginProgram,
		cronProgram,
		polkitProgram,
		dropbearProgram,
		ftpProgram,
		dovecotProgram,
		postfixProgram,
		krb5Program,
		sssdProgram,
	}
	formats = slices.Concat(networkFormats(), signInFormats(), formats)
	for i := range formats {
		f := &formats[i]
		for c := range beginning {
			if f.Begins == "" || strings.IndexByte(f.Begins, byte(c)) >= 0 {
				beginning[c] = append(beginning[c], f)
			}
		}
	}
	programs = slices.Concat(tagPrograms(), programs, networkPrograms())
	for i := range programs {
		if programs[i].alone != nil {
			writers = append(writers, &programs[i])
		}
	}
	jsonKinds = append(jsonKinds, windowsJSON, otlpKind, ecsKind)
	jsonKinds = append(jsonKinds, signInKinds()...)
	jsonKinds = append(jsonKinds, journalKind, caddyKind, traefikKind, shippedKind)
}

func detect(line string) Format {
	if line == "" {
		return plain
	}
	for _, f := range beginning[line[0]] {
		if f.Detect(line) {
			return *f
		}
	}
	return plain
}

// beginning are the formats that a line can be of, by its first byte, in order.
var beginning [256][]*Format

// inner reads a message that is itself a line of a format: JSON, CEF. The time
// of the header stands where the format finds none.
func (s *Stream) inner(m *message, ev *ecs.Event) error {
	for i := range formats {
		if f := &formats[i]; f.Inner && f.Detect(m.text) {
			return f.Read(s, m.text, s.now, ev)
		}
	}
	return nil
}

// message is what a header leaves over for the parser of a program.
type message struct {
	program string // base name, as logged: sshd, sshd-session, sudo
	module  string // old PAM writes its module into the tag: sshd(pam_unix)
	pid     int
	text    string

	stream *Stream // what came before
	host   string
	at     time.Time
}

// plain is a line without any header that we know: kept as it is. With the
// format of a program it is that program's bare message (sshd -e, a journal's
// message field).
var plain = Format{
	Name:   "plain",
	Detect: func(string) bool { return true },
	Read: func(s *Stream, line string, _ time.Time, ev *ecs.Event) error {
		ev.Message = line
		if s.program == "" {
			ev.Varde.Parser = "plain"
			if p := s.writerOf(line); p != "" {
				m := message{program: p, text: line}
				return s.meaning(&m, ev)
			}
			return nil
		}
		m := message{text: line}
		return s.meaning(&m, ev)
	},
}

// HasHeader says whether a text begins as a whole log line does, with a header
// that a format knows.
func HasHeader(text string) bool { return detect(text).Name != plain.Name }

// KnownDocument says whether a JSON object is an event by itself (a Windows
// event, a sign-in), and no wrapping that a shipper put around a line.
func KnownDocument(doc []byte) bool {
	p := documents.Get()
	defer documents.Put(p)
	v, err := p.ParseBytes(doc)
	if err != nil || v.Type() != fastjson.TypeObject {
		return false
	}
	for i := range jsonKinds {
		if k := &jsonKinds[i]; k.name != shippedName && k.knows(object{v}) {
			return true
		}
	}
	return false
}

// shippedName is of the kind that only says what is inside.
const shippedName = "shipped"

var documents fastjson.ParserPool
