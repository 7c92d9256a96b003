package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"varde.internal/ingest/collector/http"
	"varde.internal/ingest/parse"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/schemas/ecs"
)

// Lines takes a body of lines, one event each: plain text, or JSON objects of
// which each is what a document of _bulk can be. When it returns without an
// error every line is durable, as an event or as a dead letter; after an error
// the same body again makes the same events of them (retried).
func (m sender) Lines(ctx context.Context, body []byte, objects bool) (http.Taken, error) {
	o := m.intake.open(m.source, "lines", ecs.ProvenanceAPIKey, parse.Options{Live: true})
	request := "lines"
	if objects {
		request = "objects"
	}
	try := m.retried.begin(m.source, request, body, m.deps.Clock())
	b := m.request(ctx)
	lines := parse.NewLines(bytes.NewReader(body), m.cfg.MaxLine)
	var l parse.Line
	for number := 1; ; number++ {
		var err error
		if l, err = lines.Next(l); err != nil {
			break // the end: memory gives no other error
		}
		text := bytes.Clone(l.Text)
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		one := line{id: try.id(number), raw: text}
		switch {
		case l.Piece || l.Rest:
			one.reason, one.detail = ReasonTooLong, "a piece of a line that is too long"
		case objects && len(parse.Split(text)) == 1:
			one = o.document(one)
		}
		m.intake.add(&b, &o, one, try.received)
		b.relieve(m.cfg.MaxBatch)
	}
	n, err := m.taken(ctx, &b)
	m.quotas.pay(m.source, n.Events+n.Dead)
	if err != nil {
		m.retried.fail(try)
	}
	return n, err
}

// taken makes a batch durable and counts it.
func (m sender) taken(ctx context.Context, b *batch) (http.Taken, error) {
	if err := m.intake.publish(ctx, b); err != nil {
		m.metrics.refused.WithLabelValues("bulk", "bus").Inc()
		return http.Taken{}, problem.Unavailable("The lines could not be made durable. Send them again in a moment.", err)
	}
	return http.Taken{Events: b.made.events, Dead: b.made.dead}, nil
}

// Piece is a part of a file that is imported: the first line of a body of
// POST /v1/import. Its records follow, each a line.
type Piece struct {
	// Source, where it is given, must be the id or the name of the one that the
	// key belongs to.
	Source string `json:"source,omitempty"`
	// File is what the events have as log.file.path: the name of the log, not of
	// one rotated or packed copy, for an event must say the same each time it comes.
	File string `json:"file"`
	// Generation names what the file holds, whatever its path is: with a
	// record's number and text it makes the id.
	Generation string `json:"generation"`
	// Reference resolves times without a year: none of the piece is more than a
	// day later, or a year earlier. Zero: the receipt.
	Reference time.Time `json:"reference,omitzero"`
	// Resume and Before carry what the piece before left behind: the state that
	// was answered to it, and its last lines, at most parse.Recalled bytes.
	Resume parse.State `json:"resume,omitzero"`
	Before []byte      `json:"before,omitempty"`
}

// PieceRecord is one record of a file as parse.Records cuts it.
type PieceRecord struct {
	Number int64  `json:"number"`         // of the record in its file, from 0
	Text   []byte `json:"text,omitempty"` // in base64, because a log need not be UTF-8
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// pieceSlug is what generations and reasons look like.
var pieceSlug = regexp.MustCompile(`^[0-9a-z-]{1,64}$`)

func (p Piece) validate(s Source) error {
	wrong := func(pointer, detail string) error {
		return problem.Invalid("The first line does not say of which file this is.", problem.Field{Pointer: pointer, Slug: "wrong-form", Detail: detail})
	}
	switch {
	case p.Source != "" && p.Source != s.ID && p.Source != s.Name:
		return wrong("/source", "The key belongs to another source.")
	case p.File == "" || len(p.File) > 4096:
		return wrong("/file", "The path of the file is needed, at most 4096 bytes.")
	case !pieceSlug.MatchString(p.Generation):
		return wrong("/generation", "Small letters, digits and hyphens are needed.")
	case len(p.Before) > parse.Recalled:
		return wrong("/before", "This is more than 64 KiB.")
	}
	return nil
}

// Import takes a piece of a file: a Piece and its records, a JSON object a
// line. When it returns without an error every record is durable; a second time
// gives the same ids. The state is for the file's next piece.
func (m sender) Import(ctx context.Context, body []byte) (http.Taken, error) {
	first, rest := cutLine(body)
	var p Piece
	if err := json.Unmarshal(first, &p); err != nil {
		return http.Taken{}, problem.Invalid("The first line does not say of which file this is.", problem.Field{Pointer: "/1", Slug: "wrong-form", Detail: "A JSON object is needed."})
	}
	if err := p.validate(m.source); err != nil {
		return http.Taken{}, err
	}
	var records []PieceRecord
	for number := 2; len(rest) > 0; number++ {
		var text []byte
		if text, rest = cutLine(rest); len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var r PieceRecord
		if err := json.Unmarshal(text, &r); err != nil || (r.Reason != "" && !pieceSlug.MatchString(r.Reason)) || len(r.Detail) > 1024 {
			return http.Taken{}, problem.Invalid("A line is no record of a file.", problem.Field{Pointer: fmt.Sprintf("/%d", number), Slug: "wrong-form", Detail: "A number and a text in base64 are needed."})
		}
		records = append(records, r)
	}
	// The ids follow from the file; what the receipt decides stays the same too.
	try := m.retried.begin(m.source, "import", body, m.deps.Clock())
	b := m.request(ctx)
	state := m.intake.piece(&b, m.source, p, records, m.cfg.MaxLine, try.received)
	n, err := m.taken(ctx, &b)
	if err != nil {
		m.retried.fail(try)
	}
	n.Resume = state
	return n, err
}

// piece parses the records of a piece.
func (i *intake) piece(b *batch, s Source, p Piece, records []PieceRecord, max int, now time.Time) parse.State {
	o := i.open(s, "import", ecs.ProvenanceImport, parse.Options{Resume: p.Resume})
	o.reference = p.Reference
	at := now
	if !p.Reference.IsZero() {
		at = p.Reference
	}
	o.stream.Recall(p.Before, true, at)
	for _, r := range records {
		if r.Reason == "" && len(bytes.TrimRight(r.Text, "\r")) == 0 {
			continue
		}
		one := line{id: importID(s, p.Generation, r), raw: r.Text, reason: r.Reason, detail: r.Detail}
		if o.path = p.File; numbered(r.Text) {
			o.path = "" // whatever file it lies in, it is the same event
		}
		if len(one.raw) > max {
			one.raw, one.reason, one.detail = one.raw[:max], ReasonTooLong, "the record is larger than a line may be; this is its beginning"
		}
		i.add(b, &o, one, now)
		b.relieve(i.most)
	}
	return o.stream.State()
}

// importID is the id of a record of an imported file. An event of Windows that
// has its number is named by its text alone: an event log that was exported
// again begins elsewhere.
func importID(s Source, generation string, r PieceRecord) string {
	if numbered(r.Text) {
		return id.Of("import", s.Tenant, s.ID, string(r.Text))
	}
	return placed(uint64(max(r.Number, 0)), id.Of("import", s.Tenant, s.ID, generation, fmt.Sprint(r.Number), string(r.Text)))
}

// numbered says whether a record is an event of Windows with its number.
func numbered(text []byte) bool { return bytes.Contains(text, []byte("</EventRecordID>")) }
