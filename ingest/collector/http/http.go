// Package http answers the collector's HTTP interface: the part of
// Elasticsearch's that its clients need to send lines (_bulk, and the questions
// they ask before). The contract is schemas/openapi/collector.yaml.
package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/collectorapi"
)

// version of Elasticsearch whose _bulk this is; clients refuse an unknown one.
const version = "8.17.0"

// Collector is what takes the lines.
type Collector interface {
	// Sender finds the source that an API key belongs to.
	Sender(key string) (Sender, error)
	// Reserve takes n bytes of what may be in work at once; done gives them back.
	Reserve(n int64) (done func(), err error)
	// MaxBulk is the largest unpacked body, in bytes.
	MaxBulk() int64
	Ready(ctx context.Context) error
}

// Sender is a source with a key.
type Sender interface {
	// Bulk takes the body of a _bulk request to an index ("" where the address
	// names none). After it returns, items with status 201 are durable.
	Bulk(ctx context.Context, index string, body []byte) ([]Item, error)
	// Lines takes lines of plain text, or of JSON objects.
	Lines(ctx context.Context, body []byte, objects bool) (Taken, error)
	// Owes says after how long a source that came faster than its quota may come
	// again; 0 is now. Imports are not bound.
	Owes() (again time.Duration)
	// Import takes a piece of a file.
	Import(ctx context.Context, body []byte) (Taken, error)
	// Logs takes an export of logs by OTLP in an encoding of package otlp.
	Logs(ctx context.Context, body []byte, encoding string) (Taken, error)
}

// Item is what became of one document.
type Item struct {
	Operation string // index, create, delete, update
	Index     string
	ID        string
	Status    int // 201 durable, 400 not taken
	Reason    string
}

// Routes adds the handlers.
func Routes(app *fiber.App, m Collector) {
	h := handlers{m}
	app.Get("/", h.root)
	app.Get("/_license", h.license)
	app.Get("/_xpack", h.xpack)
	app.Get("/_cluster/health", h.health)
	for _, path := range []string{"/_index_template/:name", "/_component_template/:name", "/_template/:name", "/_ilm/policy/:name"} {
		app.Get(path, h.exists)
		app.Put(path, h.acknowledged)
	}
	app.Post("/_bulk", h.bulk)
	app.Put("/_bulk", h.bulk)
	app.Post("/:index/_bulk", h.bulk)
	app.Put("/:index/_bulk", h.bulk)
	app.Post("/v1/lines", h.lines)
	app.Post("/v1/import", h.imported)
	app.Post("/v1/logs", h.logs)
}

type handlers struct{ m Collector }

// answer marks what goes to a client of Elasticsearch, which asks for it.
func answer(c *fiber.Ctx, body any) error {
	c.Set("X-Elastic-Product", "Elasticsearch")
	return c.JSON(body)
}

// sender is whose API key the request has.
func (h handlers) sender(c *fiber.Ctx) (Sender, error) {
	scheme, given, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	key := strings.TrimSpace(given)
	decoded, err := base64.StdEncoding.DecodeString(key)
	switch {
	case strings.EqualFold(scheme, "ApiKey"):
		if s, err := h.m.Sender(key); err == nil {
			return s, nil
		}
		if _, secret, ok := strings.Cut(string(decoded), ":"); err == nil && ok {
			return h.m.Sender(secret)
		}
		return h.m.Sender(key)
	case strings.EqualFold(scheme, "Bearer"): // what exporters of OpenTelemetry send
		return h.m.Sender(key)
	case strings.EqualFold(scheme, "Basic") && err == nil:
		_, secret, _ := strings.Cut(string(decoded), ":")
		return h.m.Sender(secret)
	}
	return h.m.Sender("")
}

// root tells what Elasticsearch's clients ask first. It needs no key: they ask
// without one too, and it says nothing of the installation.
func (h handlers) root(c *fiber.Ctx) error {
	return answer(c, fiber.Map{
		"name": "varde", "cluster_name": "varde", "cluster_uuid": "varde-collector-000000",
		"version": fiber.Map{"number": version, "build_flavor": "default", "build_type": "tar", "lucene_version": "9.12.0",
			"build_hash": "varde", "build_date": "2024-12-11T12:08:05Z", "build_snapshot": false,
			"minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
		"tagline": "You Know, for Search",
	})
}

func (h handlers) license(c *fiber.Ctx) error {
	return answer(c, fiber.Map{"license": fiber.Map{"status": "active", "type": "basic", "mode": "basic", "uid": "varde"}})
}

func (h handlers) xpack(c *fiber.Ctx) error {
	return answer(c, fiber.Map{"license": fiber.Map{"status": "active", "type": "basic", "mode": "basic", "uid": "varde"}, "features": fiber.Map{}})
}

func (h handlers) health(c *fiber.Ctx) error {
	status := "green"
	if h.m.Ready(c.UserContext()) != nil {
		status = "red"
	}
	return answer(c, fiber.Map{"cluster_name": "varde", "status": status, "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1})
}

// exists says of every template that it is there, so that none is sent: the
// events' form is ours.
func (h handlers) exists(c *fiber.Ctx) error { return answer(c, fiber.Map{}) }

func (h handlers) acknowledged(c *fiber.Ctx) error {
	if _, err := h.sender(c); err != nil {
		return err
	}
	return answer(c, fiber.Map{"acknowledged": true})
}

func (h handlers) bulk(c *fiber.Ctx) error {
	began := time.Now()
	return h.receive(c, func(s Sender, body []byte) error {
		items, err := s.Bulk(c.UserContext(), c.Params("index"), body)
		if err != nil {
			return err
		}
		return answer(c, bulkAnswer(items, time.Since(began)))
	})
}

// receive is take for a sender that has not come faster than its quota.
func (h handlers) receive(c *fiber.Ctx, use func(s Sender, body []byte) error) error {
	s, err := h.sender(c)
	if err != nil {
		return h.unknown(c, err)
	}
	if again := s.Owes(); again > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(again.Seconds())))
		return errQuota
	}
	return h.take(c, s, use)
}

func (h handlers) unknown(c *fiber.Ctx, err error) error {
	c.Set(fiber.HeaderWWWAuthenticate, `ApiKey, Basic realm="varde"`)
	return err
}

// take reads the body within what may be in work at once, and gives it to use.
func (h handlers) take(c *fiber.Ctx, s Sender, use func(s Sender, body []byte) error) error {
	// The body's length is not known where it is packed or chunked; then the
	// most that it may be is reserved until it has been read.
	length := int64(c.Request().Header.ContentLength())
	packed := c.Get(fiber.HeaderContentEncoding) != ""
	if length < 0 || packed {
		length = h.m.MaxBulk()
	}
	done, err := h.m.Reserve(length)
	if err != nil {
		c.Set(fiber.HeaderRetryAfter, "1")
		return err
	}
	defer done()
	body, err := read(c, h.m.MaxBulk())
	if err != nil {
		return err
	}
	return use(s, body)
}

func bulkAnswer(items []Item, took time.Duration) collectorapi.BulkAnswer {
	out := collectorapi.BulkAnswer{Took: int(took.Milliseconds()), Items: make([]map[string]collectorapi.BulkItem, 0, len(items))}
	for _, i := range items {
		item := collectorapi.BulkItem{Index: i.Index, Id: i.ID, Status: i.Status}
		if i.Status < 300 {
			item.Result = "created"
		} else {
			out.Errors = true
			item.Error = &collectorapi.BulkError{Type: "document_parsing_exception", Reason: i.Reason}
		}
		out.Items = append(out.Items, map[string]collectorapi.BulkItem{i.Operation: item})
	}
	return out
}

var (
	errQuota    = problem.New(problem.KindTooMany, "source-quota", "The source sends more than it may. Send this again later.")
	errTooLarge = problem.New(problem.KindTooLarge, "too-large", "This is larger than what is taken here.")
	errEmpty    = problem.Invalid("The body is empty.", problem.Field{Pointer: "/", Slug: "required", Detail: "Lines are needed here."})
	errPacking  = problem.Invalid("The body is packed in a way that is not taken here.",
		problem.Field{Pointer: fiber.HeaderContentEncoding, Slug: "wrong-form", Detail: "Only gzip is taken."})
)

// read reads the body, unpacked, up to max bytes.
func read(c *fiber.Ctx, max int64) ([]byte, error) {
	in := httpx.BodyReader(c)
	switch strings.ToLower(c.Get(fiber.HeaderContentEncoding)) {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, errPacking.Because(err)
		}
		in = z
	default:
		return nil, errPacking
	}
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(in, max+1))
	var known *problem.Error
	switch {
	case errors.As(err, &known):
		return nil, known
	case err != nil:
		return nil, problem.Invalid("The body ended before it was whole.").Because(err)
	case n > max:
		return nil, errTooLarge
	case n == 0:
		return nil, errEmpty
	}
	return body.Bytes(), nil
}
