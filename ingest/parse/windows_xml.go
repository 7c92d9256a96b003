package parse

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"varde.internal/schemas/ecs"
)

// ReasonXML is of an event whose XML breaks off or is none.
const ReasonXML = "invalid-xml"

// windowsXML reads one event as XML, as Windows renders and forwards it.
// Demanded by its name it reads JSON too.
var windowsXML = Format{
	Name:   "windows",
	Detect: isEventXML,
	Inner:  true,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		if jsonFormat.Detect(line) {
			s.kind = &windowsJSON
			return s.readJSON(line, now, ev)
		}
		w := s.winEvent()
		if err := w.readXML(line); err != nil {
			return err
		}
		if w.code == "" && w.provider == "" && w.channel == "" {
			return &Error{ReasonFormat, "the XML is no Windows event"}
		}
		return s.windows(w, now, ev)
	},
}

// eventLogText is the same under the name of the file: NewRecords makes XML of
// an event log.
var eventLogText = Format{Name: "evtx", Detect: func(string) bool { return false }, Read: windowsXML.Read}

// isEventXML looks at the beginning only. A copy from the event viewer has a
// hyphen before each element that can be folded.
func isEventXML(line string) bool {
	line = strings.TrimLeft(line, " \t\r\n-")
	if rest, ok := strings.CutPrefix(line, "<?xml"); ok {
		_, rest, ok = strings.Cut(rest, "?>")
		line = strings.TrimLeft(rest, " \t\r\n-")
		if !ok {
			return false
		}
	}
	rest, ok := strings.CutPrefix(line, "<Event")
	if !ok || rest == "" {
		return false
	}
	switch rest[0] {
	case ' ', '>', '\t', '\r', '\n':
		return true
	}
	return strings.HasPrefix(rest, "s>") || strings.HasPrefix(rest, "s ")
}

// xmlScan walks over XML without a document type: elements, attributes, text,
// CDATA, comments and instructions. Names lose their prefixes. It makes no
// copies but where characters are escaped.
type xmlScan struct {
	text  string
	pos   int
	name  string // of the element that begins or ends
	attrs []winField
	// empty says that the element ends at once.
	empty bool
}

type xmlToken uint8

const (
	xmlEnd xmlToken = iota // of the text
	xmlOpen
	xmlClose
	xmlText
)

var errXML = &Error{ReasonXML, "the XML of the event breaks off or is not well-formed"}

var errXMLSeveral = &Error{ReasonXML, "more than one event in one text"}

// next returns the next token; the text of an xmlText is value.
func (x *xmlScan) next() (token xmlToken, value string, err error) {
	for x.pos < len(x.text) {
		rest := x.text[x.pos:]
		if rest[0] != '<' {
			end := strings.IndexByte(rest, '<')
			if end < 0 {
				end = len(rest)
			}
			x.pos += end
			return xmlText, unescapeXML(rest[:end]), nil
		}
		switch {
		case strings.HasPrefix(rest, "</"):
			end := strings.IndexByte(rest, '>')
			if end < 0 {
				return xmlEnd, "", errXML
			}
			x.name = local(strings.TrimRight(rest[2:end], " \t\r\n"))
			x.pos += end + 1
			return xmlClose, "", nil
		case strings.HasPrefix(rest, "<![CDATA["):
			end := strings.Index(rest, "]]>")
			if end < 0 {
				return xmlEnd, "", errXML
			}
			x.pos += end + 3
			return xmlText, rest[len("<![CDATA["):end], nil
		case strings.HasPrefix(rest, "<!--"):
			if !x.skip(rest, "-->") {
				return xmlEnd, "", errXML
			}
		case strings.HasPrefix(rest, "<?"):
			if !x.skip(rest, "?>") {
				return xmlEnd, "", errXML
			}
		default:
			if !x.open(rest) {
				return xmlEnd, "", errXML
			}
			return xmlOpen, "", nil
		}
	}
	return xmlEnd, "", nil
}

func (x *xmlScan) skip(rest, mark string) bool {
	end := strings.Index(rest, mark)
	x.pos += end + len(mark)
	return end >= 0
}

// open reads <name a="b" c='d'>; document types and the like are refused.
func (x *xmlScan) open(rest string) bool {
	i := 1
	for i < len(rest) && !strings.ContainsRune(" \t\r\n/>", rune(rest[i])) {
		i++
	}
	if i == 1 || rest[1] == '!' {
		return false
	}
	x.name, x.attrs, x.empty = local(rest[1:i]), x.attrs[:0], false
	for {
		for i < len(rest) && (rest[i] == ' ' || rest[i] == '\t' || rest[i] == '\r' || rest[i] == '\n') {
			i++
		}
		if i == len(rest) {
			return false
		}
		if rest[i] == '>' {
			x.pos += i + 1
			return true
		}
		if rest[i] == '/' {
			x.empty = true
			i++
			continue
		}
		equals := strings.IndexByte(rest[i:], '=')
		if equals < 1 {
			return false
		}
		name := strings.TrimSpace(rest[i : i+equals])
		i += equals + 1
		for i < len(rest) && (rest[i] == ' ' || rest[i] == '\t') {
			i++
		}
		if i == len(rest) || (rest[i] != '"' && rest[i] != '\'') {
			return false
		}
		end := strings.IndexByte(rest[i+1:], rest[i])
		if end < 0 {
			return false
		}
		x.attrs = append(x.attrs, winField{local(name), unescapeXML(rest[i+1 : i+1+end])})
		i += end + 2
	}
}

func local(name string) string {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

func (x *xmlScan) attr(name string) string {
	for i := range x.attrs {
		if x.attrs[i].name == name {
			return x.attrs[i].value
		}
	}
	return ""
}

// unescapeXML replaces the five entities and character references; another
// ampersand stays.
func unescapeXML(s string) string {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for ; i >= 0; i = strings.IndexByte(s, '&') {
		b = append(b, s[:i]...)
		s = s[i:]
		end := strings.IndexByte(s[:min(len(s), 12)], ';')
		r, ok := rune(0), false
		if end > 1 {
			r, ok = entity(s[1:end])
		}
		if !ok {
			b, s = append(b, '&'), s[1:]
			continue
		}
		b, s = utf8.AppendRune(b, r), s[end+1:]
	}
	return string(append(b, s...))
}

func entity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if strings.HasPrefix(digits, "x") || strings.HasPrefix(digits, "X") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// maxXMLDepth bounds elements within elements.
const maxXMLDepth = 64

// readXML fills the event from its XML.
func (w *winEvent) readXML(text string) error {
	x := xmlScan{text: text, attrs: make([]winField, 0, 8)}
	var path [maxXMLDepth]string
	depth, unnamed := 0, 0
	value, more := "", []byte(nil)
	var field string // the name of an open Data
	begun := false
	for {
		token, text, err := x.next()
		if err != nil {
			return err
		}
		switch token {
		case xmlEnd:
			if depth > 0 || !begun {
				return errXML
			}
			return nil
		case xmlText:
			if depth == 0 && strings.Trim(text, "- \t\r\n") != "" {
				return errXML // what stands beside an event is not part of one
			}
			switch {
			case value == "":
				value = text
			case len(more) == 0:
				more = append(append(more, value...), text...)
			default:
				more = append(more, text...)
			}
			continue
		case xmlOpen:
			if depth == maxXMLDepth {
				return errXML
			}
			path[depth] = x.name
			depth++
			value, more = "", more[:0]
			if x.name == "Event" && path[0] == "Events" {
				depth, path[0] = 1, "Event"
			}
			if path[0] != "Event" && path[0] != "Events" {
				return errXML
			}
			if depth == 1 && x.name == "Event" {
				if begun {
					return errXMLSeveral
				}
				begun = true
			}
			if depth == 3 && path[1] == "System" {
				w.systemAttributes(&x)
			}
			if depth == 3 && path[1] == "EventData" && x.name == "Data" {
				if field = x.attr("Name"); field == "" {
					unnamed++
					field = "param" + strconv.Itoa(unnamed)
				}
			}
			if !x.empty {
				continue
			}
		case xmlClose:
		}
		if depth == 0 {
			if x.name == "Events" {
				continue
			}
			return errXML
		}
		if path[depth-1] != x.name {
			return errXML
		}
		if len(more) > 0 {
			value = string(more)
		}
		w.element(path[:depth], field, value)
		depth--
		value, more = "", more[:0]
	}
}

// element takes the text of an element that ends.
func (w *winEvent) element(path []string, field, value string) {
	if len(path) < 3 {
		return
	}
	name := path[len(path)-1]
	switch path[1] {
	case "System":
		w.systemText(name, strings.TrimSpace(value))
	case "EventData":
		switch {
		case len(path) == 3 && name == "Data":
			w.data = append(w.data, winField{field, value})
		case len(path) == 3:
			w.data = append(w.data, winField{name, value})
		}
	case "UserData":
		if value = strings.TrimSpace(value); value != "" {
			w.user = append(w.user, winField{name, value})
		}
	case "RenderingInfo":
		w.rendered(name, strings.TrimSpace(value))
	}
}

func (w *winEvent) systemAttributes(x *xmlScan) {
	switch x.name {
	case "Provider":
		w.provider, w.guid = x.attr("Name"), x.attr("Guid")
		if w.provider == "" {
			w.provider = x.attr("EventSourceName")
		}
	case "TimeCreated":
		w.time = x.attr("SystemTime")
	case "Correlation":
		w.activity, w.related = x.attr("ActivityID"), x.attr("RelatedActivityID")
	case "Execution":
		w.pid, w.thread = x.attr("ProcessID"), x.attr("ThreadID")
	case "Security":
		w.sid = x.attr("UserID")
	}
}

func (w *winEvent) systemText(name, value string) {
	switch name {
	case "EventID":
		w.code = value
	case "Version":
		w.version = value
	case "Level":
		w.level = value
	case "Task":
		w.task = value
	case "Opcode":
		w.opcode = value
	case "Keywords":
		w.keywords = value
	case "EventRecordID":
		w.record = value
	case "Channel":
		w.channel = value
	case "Computer":
		w.computer = value
	}
}

func (w *winEvent) rendered(name, value string) {
	switch name {
	case "Message":
		w.message = value
	case "Level":
		w.levelName = value
	case "Task":
		w.taskName = value
	case "Opcode":
		w.opcodeName = value
	case "Keyword":
		w.keywordNames = append(w.keywordNames, value)
	}
}
