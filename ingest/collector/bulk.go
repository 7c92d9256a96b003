package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"varde.internal/ingest/collector/http"
	"varde.internal/ingest/parse"
	"varde.internal/platform/problem"
	"varde.internal/schemas/ecs"
)

// Errors of what sends lines over HTTP where nothing of the request was taken.
var (
	errBusy   = problem.New(problem.KindTooMany, "too-many-lines", "More is being received than can be taken at once. Send it again in a moment.")
	errNoKey  = problem.New(problem.KindUnauthenticated, "unknown-api-key", "This needs the API key of a source, as ApiKey or as the password of Basic.")
	errLoaded = problem.New(problem.KindUnavailable, "register-not-read", "The register has not been read yet. Try again in a moment.")
)

// sender is a source that sends by _bulk.
type sender struct {
	*Module
	source Source
}

// Owes says after how long the source may come again.
func (m sender) Owes() time.Duration { return m.quotas.owes(m.source) }

// Sender finds the source that an API key belongs to.
func (m *Module) Sender(key string) (http.Sender, error) {
	if !m.knows() {
		return nil, errLoaded
	}
	s, ok := m.sources.byKey(key)
	if key == "" || !ok {
		m.metrics.refused.WithLabelValues("bulk", "unknown-key").Inc()
		return nil, errNoKey
	}
	return sender{m, s}, nil
}

// Reserve takes n bytes of what may be in work at once; done gives them back.
func (m *Module) Reserve(n int64) (done func(), err error) {
	if m.inFlight.Add(n) > m.cfg.MaxInFlight {
		m.inFlight.Add(-n)
		m.metrics.refused.WithLabelValues("bulk", "busy").Inc()
		return nil, errBusy
	}
	return sync.OnceFunc(func() { m.inFlight.Add(-n) }), nil
}

// Bulk takes the body of a _bulk request: newline-delimited JSON, an action line
// and (but for delete) a document after it. When it returns without an error
// every item with status 201 is durable, as an event or as a dead letter.
// index is that of the address, "" where it names none. Where it returns that
// the lines could not be made durable, some of them may be: the same body again
// makes the same events of them (retried). Where a line is no action, what stands
// before it can be durable too.
func (m sender) Bulk(ctx context.Context, index string, body []byte) ([]http.Item, error) {
	o := m.intake.open(m.source, "bulk", ecs.ProvenanceAPIKey, parse.Options{Live: true})
	try := m.retried.begin(m.source, "_bulk/"+index, body, m.deps.Clock())
	b := m.request(ctx)
	var items []http.Item
	var actions bulkActions
	rest := body
	for number := 1; len(rest) > 0; number++ {
		var action []byte
		if action, rest = cutLine(rest); len(bytes.TrimSpace(action)) == 0 {
			continue
		}
		item, id, err := actions.read(action, index)
		if err != nil {
			m.retried.fail(try)
			return nil, problem.Invalid("The body is not newline-delimited actions and documents.",
				problem.Field{Pointer: fmt.Sprintf("/%d", number), Slug: "not-an-action", Detail: "This line is not the action of a document."})
		}
		if item.Operation == "delete" {
			item.Status, item.Reason = 400, "events are not deleted here"
			items = append(items, item)
			continue
		}
		var doc []byte
		doc, rest = cutLine(rest)
		number++
		if id != "" {
			id = clientID(m.source, id)
		} else {
			id = try.id(number)
		}
		m.document(&b, &o, &item, line{id: id, raw: doc}, try.received)
		items = append(items, item)
		b.relieve(m.cfg.MaxBatch)
	}
	m.quotas.pay(m.source, len(items))
	if err := m.intake.publish(ctx, &b); err != nil {
		m.retried.fail(try)
		m.metrics.refused.WithLabelValues("bulk", "bus").Inc()
		return nil, problem.Unavailable("The lines could not be made durable. Send them again in a moment.", err)
	}
	return items, nil
}

// request is a batch of one request, which is published as it fills.
func (m *Module) request(ctx context.Context) batch {
	return batch{spill: func(b *batch) error { return m.intake.publish(ctx, b) }}
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), rest
}

// bulkActions remembers the last action: a shipper that gives its documents no
// ids writes the same one before each.
type bulkActions struct {
	text []byte
	item http.Item
}

func (a *bulkActions) read(text []byte, index string) (http.Item, string, error) {
	if a.text != nil && bytes.Equal(a.text, text) {
		return a.item, "", nil
	}
	item, id, err := bulkAction(text, index)
	if err == nil && id == "" {
		a.text, a.item = text, item
	}
	return item, id, err
}

// bulkAction reads {"index":{"_index":"x","_id":"y"}}.
func bulkAction(text []byte, index string) (item http.Item, id string, err error) {
	var action map[string]struct {
		Index string `json:"_index"`
		ID    string `json:"_id"`
	}
	if err := json.Unmarshal(text, &action); err != nil || len(action) != 1 {
		return http.Item{}, "", fmt.Errorf("collector: bulk action: %w", err)
	}
	for name, meta := range action {
		switch name {
		case "index", "create", "update", "delete":
		default:
			return http.Item{}, "", fmt.Errorf("collector: no such action")
		}
		item = http.Item{Operation: name, Index: meta.Index, Status: 201}
		if item.Index == "" {
			item.Index = index
		}
		return item, meta.ID, nil
	}
	return http.Item{}, "", nil
}

// document adds one document to the batch.
func (m *Module) document(b *batch, o *origin, item *http.Item, l line, now time.Time) {
	switch {
	case item.Operation == "update":
		item.Status, item.Reason = 400, "events are not updated here"
		return
	case len(l.raw) > m.cfg.MaxLine:
		// Too large for one dead letter: the sender keeps it and is told.
		item.Status, item.Reason = 400, "the document is larger than a line may be"
		return
	default:
		l = o.document(l)
	}
	before := b.made.dead
	m.intake.add(b, o, l, now)
	switch {
	case l.reason != "":
		item.Status, item.Reason = 400, "the document is not a JSON object; it is kept as a dead letter"
	case b.made.dead > before:
		item.Reason = "" // kept as a dead letter: sending it again would not help
	}
	item.ID = b.last
}

// shipped are the fields in which shippers send a line: rsyslog's templates,
// Beats and Fluent Bit in ECS, Logstash.
type shipped struct {
	Timestamp string          `json:"@timestamp"`
	Reported  string          `json:"timereported"`
	Message   string          `json:"message"`
	RawMsg    string          `json:"rawmsg"`
	Event     json.RawMessage `json:"event"`
	Host      json.RawMessage `json:"host"`
	Hostname  string          `json:"hostname"`
	FromHost  string          `json:"fromhost"`
	Program   string          `json:"programname"`
	AppName   string          `json:"app-name"`
	SyslogTag string          `json:"syslogtag"`
	ProcID    string          `json:"procid"`
	Process   json.RawMessage `json:"process"`
}

// document finds what to parse of a document.
func (o *origin) document(l line) line {
	if o.source.Mapping != nil {
		return rowOf(o.source.Mapping, l)
	}
	return readDocument(l)
}

// readDocument finds the line in a document. A document that is an event by
// itself (Winlogbeat's) is kept whole. Where it holds the whole line (rawmsg,
// event.original, or a message that has its header) that line is what is kept;
// where the header came apart, the document is.
func readDocument(l line) line {
	if parse.KnownDocument(l.raw) {
		return l
	}
	var d shipped
	if err := json.Unmarshal(l.raw, &d); err != nil {
		// A field of another type is not ours to refuse: only a non-object is.
		var object map[string]json.RawMessage
		if json.Unmarshal(l.raw, &object) != nil {
			l.reason, l.detail = ReasonDocument, "the document is not a JSON object"
			return l
		}
		d = lenient(object)
	}
	var event struct {
		Original string `json:"original"`
	}
	optional(d.Event, &event)
	if d.RawMsg == "" && event.Original == "" && parse.HasHeader(d.Message) {
		l.raw = []byte(d.Message)
		return l
	}
	g := d.given()
	for _, whole := range []string{d.RawMsg, event.Original, d.Message} {
		if whole != "" && (parse.HasHeader(whole) || (whole != d.Message) || (g.Program == "" && g.Host == "" && g.Time.IsZero())) {
			l.raw = []byte(whole)
			return l
		}
	}
	l.given = &g
	return l
}

// optional reads a part of a document that may not be there or be something else.
func optional(text json.RawMessage, into any) {
	if len(text) > 0 {
		_ = json.Unmarshal(text, into)
	}
}

// lenient reads the fields that have the expected type.
func lenient(object map[string]json.RawMessage) shipped {
	text := func(name string) (s string) {
		optional(object[name], &s)
		return s
	}
	return shipped{Timestamp: text("@timestamp"), Reported: text("timereported"), Message: text("message"), RawMsg: text("rawmsg"),
		Event: object["event"], Host: object["host"], Hostname: text("hostname"), FromHost: text("fromhost"), Program: text("programname"),
		AppName: text("app-name"), SyslogTag: text("syslogtag"), ProcID: text("procid"), Process: object["process"]}
}

func (d shipped) given() parse.Given {
	g := parse.Given{Text: d.Message, Program: first(d.Program, d.AppName)}
	for _, at := range []string{d.Reported, d.Timestamp} {
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
			g.Time = t
			break
		}
	}
	var host struct {
		Name     string `json:"name"`
		Hostname string `json:"hostname"`
	}
	var plain string
	optional(d.Host, &plain)
	optional(d.Host, &host)
	g.Host = first(plain, host.Name, host.Hostname, d.Hostname, d.FromHost)
	var process struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	}
	optional(d.Process, &process)
	if process.Name != "" && g.Program == "" {
		g.Program = process.Name
	}
	g.PID = process.PID
	if tag, pid, ok := strings.Cut(strings.TrimSuffix(d.SyslogTag, ":"), "["); tag != "" {
		if g.Program == "" {
			g.Program = tag
		}
		if ok && g.PID == 0 {
			_, _ = fmt.Sscanf(pid, "%d", &g.PID)
		}
	}
	if g.PID == 0 && d.ProcID != "" {
		_, _ = fmt.Sscanf(d.ProcID, "%d", &g.PID)
	}
	g.Text = strings.TrimPrefix(g.Text, " ") // rsyslog's msg keeps the space after the tag
	return g
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
