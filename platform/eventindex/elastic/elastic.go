// Package elastic keeps events in Elasticsearch 8, one index per partition,
// named PREFIX.TENANT.PARTITION. Retention is the deletion of an index. It
// needs no index life-cycle management, scripts, ingest pipelines or by-query
// operations.
//
// A document is the event as it travels, and beside it the object "search"
// with what is made for searching: the words of the message as package kql
// splits them, the labels, and the sum that tells a repeat from a conflict.
//
// The document's external version is its parser generation, so Elasticsearch
// itself decides which of two writers stays: one index operation stores,
// refuses a repeat (409) or replaces an older generation, whoever writes at the
// same time.
package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/tenant"
)

// Options of Open. The zero value is right.
type Options struct {
	// Prefix of index and template names; empty: varde-events.
	Prefix string
	// Refresh makes what was appended searchable when Append returns. It costs
	// much; without it events are found within a second. For tests.
	Refresh bool
	// Shards of a new partition; 0 = 1.
	Shards int
}

// Index implements eventindex.Index.
type Index struct {
	es  *elasticsearch.Client
	opt Options

	mu       sync.Mutex
	template bool // is installed
}

var _ eventindex.Index = (*Index)(nil)

// Open reads an address like https://user:password@host:9200; several hosts
// are separated by commas. It does no I/O: a cluster that is down is no error.
func Open(_ context.Context, rawURL string, options ...Options) (*Index, error) {
	x := &Index{}
	if len(options) > 0 {
		x.opt = options[0]
	}
	if x.opt.Prefix == "" {
		x.opt.Prefix = "varde-events"
	}
	if x.opt.Shards == 0 {
		x.opt.Shards = 1
	}
	first, rest, _ := strings.Cut(rawURL, ",")
	u, err := url.Parse(first)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("eventindex: the address of Elasticsearch begins with https:// or http://")
	}
	cfg := elasticsearch.Config{
		RetryOnStatus: []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
		MaxRetries:    4,
		RetryBackoff:  func(attempt int) time.Duration { return time.Duration(100<<attempt) * time.Millisecond },
	}
	if u.User != nil {
		cfg.Username = u.User.Username()
		cfg.Password, _ = u.User.Password()
		u.User = nil
	}
	cfg.Addresses = []string{u.Scheme + "://" + u.Host}
	for _, host := range strings.Split(rest, ",") {
		if host != "" {
			cfg.Addresses = append(cfg.Addresses, u.Scheme+"://"+host)
		}
	}
	if x.es, err = elasticsearch.NewClient(cfg); err != nil {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	return x, nil
}

// Close has nothing to close: connections end by themselves.
func (x *Index) Close() error { return nil }

// Ready asks the cluster's health, never the root page.
func (x *Index) Ready(ctx context.Context) error {
	var health struct {
		Status string `json:"status"`
	}
	if err := x.do(ctx, esapi.ClusterHealthRequest{}, &health); err != nil {
		return err
	}
	return nil
}

// name of a partition's index. Neither a tenant's nor a partition's name can
// be mistaken for another's: a tenant's holds no dot.
func (x *Index) name(t tenant.ID, partition string) string {
	return x.opt.Prefix + "." + string(t) + "." + partition
}

func (x *Index) pattern(t tenant.ID) []string { return []string{x.name(t, "*")} }

// responseError is an answer of Elasticsearch that is no success.
type responseError struct {
	status int
	kind   string
	reason string
}

func (e *responseError) Error() string {
	return fmt.Sprintf("eventindex: elasticsearch answered %d %s: %s", e.status, e.kind, e.reason)
}

func statusOf(err error) int {
	var r *responseError
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}

// do sends a request and decodes the answer into out (nil: ignored).
func (x *Index) do(ctx context.Context, req esapi.Request, out any) error {
	res, err := req.Do(ctx, x.es)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("eventindex: %w", ctx.Err())
		}
		return fmt.Errorf("eventindex: elasticsearch: %w", err)
	}
	defer func() {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}()
	if res.IsError() {
		return problemOf(res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("eventindex: answer of elasticsearch: %w", err)
	}
	return nil
}

func encode(v any) (*bytes.Reader, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	return bytes.NewReader(body), nil
}

// problemOf reads an error; a search's cause is that of its first failed shard.
func problemOf(res *esapi.Response) error {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	type cause struct {
		Type, Reason string
		Root         []struct{ Type, Reason string } `json:"root_cause"`
		Shards       []struct {
			Reason struct{ Type, Reason string }
		} `json:"failed_shards"`
	}
	var c cause
	if json.NewDecoder(res.Body).Decode(&body) == nil {
		_ = json.Unmarshal(body.Error, &c) // some errors are a plain text
	}
	e := &responseError{status: res.StatusCode, kind: c.Type, reason: c.Reason}
	switch {
	case len(c.Shards) > 0:
		e.kind, e.reason = c.Shards[0].Reason.Type, c.Shards[0].Reason.Reason
	case len(c.Root) > 0:
		e.kind, e.reason = c.Root[0].Type, c.Root[0].Reason
	}
	return e
}

func yes() *bool { b := true; return &b }

// Gaps implements eventindex.Index: what a search cannot get from every shard
// is an error here, never a smaller answer.
func (x *Index) Gaps(ctx context.Context) ([]eventindex.Gap, error) {
	_, err := tenant.From(ctx)
	return nil, err
}

// Mended implements eventindex.Index.
func (x *Index) Mended(ctx context.Context, _ string, _ time.Time) error {
	_, err := tenant.From(ctx)
	return err
}
