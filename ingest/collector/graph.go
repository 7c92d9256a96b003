package collector

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"varde.internal/ingest/graph"
	"varde.internal/ingest/parse"
	"varde.internal/platform/config"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// Graph is a directory of Microsoft Entra ID whose logs are polled.
type Graph struct {
	Source    string // id of the source
	Directory string // id or domain of the directory
	Client    string // id of the application
	// Secret of the application, or a file with it, which is read for each token.
	Secret     config.Secret
	SecretFile string
	Logs       []string      // of graph.Log
	Every      time.Duration // between two polls
	// Overlap is how far before the end of the last poll the next one begins:
	// Microsoft adds records late.
	Overlap time.Duration
	// Since is how far back the first poll reaches.
	Since      time.Duration
	Login, API string // addresses of another cloud than Microsoft's public one

	client *http.Client // of a test; nil: http's
	pause  time.Duration
}

// DefaultGraph polls both logs every five minutes.
func DefaultGraph() Graph {
	return Graph{Logs: []string{string(graph.SignIns), string(graph.DirectoryAudits)}, Every: 5 * time.Minute, Overlap: 2 * time.Hour, Since: 24 * time.Hour}
}

func (g Graph) validate() error {
	var errs []error
	if g.Source == "" || g.Directory == "" || g.Client == "" {
		errs = append(errs, errors.New("source, directory and client are needed"))
	}
	if g.Secret.Empty() == (g.SecretFile == "") {
		errs = append(errs, errors.New("one of secret and secretFile is needed"))
	}
	if len(g.Logs) == 0 {
		errs = append(errs, errors.New("logs: at least one is needed"))
	}
	for _, l := range g.Logs {
		if !graph.Log(l).Known() {
			errs = append(errs, fmt.Errorf("logs: must be %s or %s", graph.SignIns, graph.DirectoryAudits))
		}
	}
	if g.Every <= 0 || g.Overlap < 0 || g.Since < g.Overlap || g.Since > 30*24*time.Hour || g.Overlap > 7*24*time.Hour {
		errs = append(errs, errors.New("every must be positive, overlap at most 168h, and since between overlap and 720h"))
	}
	return errors.Join(errs...)
}

func (g Graph) secret() (string, error) {
	if g.SecretFile == "" {
		return g.Secret.Reveal(), nil
	}
	text, err := os.ReadFile(g.SecretFile)
	return strings.TrimSpace(string(text)), err
}

// Poll is how far a log has been read, and how it goes: what the sources page
// can show. One per source and log, of the source's tenant.
type Poll struct {
	Source string `json:"source"`
	Log    string `json:"log"`
	// Through is the time before which everything was read that was there then.
	Through time.Time `json:"through"`
	// Polled is when a poll last reached its end.
	Polled time.Time `json:"polled,omitzero"`
	// Failing is since when none does, and Error why, in plain words.
	Failing time.Time `json:"failing,omitzero"`
	Error   string    `json:"error,omitempty"`
}

var pollsDefinition = docstore.Definition{Name: "collector_polls", Version: 1, Indexes: []docstore.Index{{Fields: []string{"source"}}}}

// pollWindow is how much of a log is read before the place is kept: a kill in the
// middle of a long first poll does not begin it anew.
const pollWindow = time.Hour

// mostKnown bounds the ids of records that are remembered as read.
const mostKnown = 200_000

// poller polls one log of one directory.
type poller struct {
	*Module
	g      Graph
	log    graph.Log
	client *graph.Client
	docs   docstore.Collection[Poll]
	seen   stateOf
	holder string
	known  map[string]time.Time // ids of records that are durable, and when they were read
}

// pollGraph polls the logs of a directory until ctx is done. Of several
// collectors one polls at a time, by a lease; two would double nothing.
func (m *Module) pollGraph(ctx context.Context, g Graph, log graph.Log) error {
	client, err := graph.New(graph.Options{Directory: g.Directory, Client: g.Client, Secret: g.secret, Login: g.Login, API: g.API, HTTP: g.client, Clock: m.deps.Clock, Pause: g.pause})
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	p := &poller{Module: m, g: g, log: log, client: client, seen: m.state("Microsoft Graph " + string(log)), holder: id.New(), known: map[string]time.Time{}}
	err = m.retry(ctx, "the places of polls", func() (err error) {
		p.docs, err = docstore.Open[Poll](ctx, m.deps.Docs, pollsDefinition)
		return err
	})
	if err != nil {
		return nil //nolint:nilerr // told to stop
	}
	lease := "collector-poll/" + g.Source + "/" + string(log)
	defer func() { _ = m.deps.Docs.Release(context.WithoutCancel(ctx), lease, p.holder) }()
	tick := time.NewTicker(g.Every)
	defer tick.Stop()
	for {
		// Held for three polls, so that the one that polled goes on doing so.
		mine, err := m.deps.Docs.Lease(ctx, lease, p.holder, 3*g.Every)
		switch {
		case err != nil && ctx.Err() == nil:
			p.seen.failed(errors.New("the document store does not answer"))
		case mine:
			p.poll(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// poll reads what is new, window by window. What goes wrong is told, and the
// next poll goes on from the last whole window.
func (p *poller) poll(ctx context.Context) {
	src, ok := p.sources.byID(p.g.Source)
	if !ok {
		p.failed(ctx, Source{}, fmt.Errorf("the register has no source %s", p.g.Source))
		return
	}
	now := p.deps.Clock()
	at, err := p.load(ctx, src, now)
	if err != nil {
		p.failed(ctx, src, errors.New("the document store does not answer"))
		return
	}
	p.forget(now)
	o := p.intake.open(src, "graph", ecs.ProvenancePoll, parse.Options{})
	for from := at.Through.Add(-p.g.Overlap); from.Before(now); {
		to := from.Add(pollWindow)
		if to.After(now) {
			to = now
		}
		err := p.client.Read(ctx, p.log, from, to, func(ctx context.Context, records [][]byte) error {
			return p.take(ctx, src, &o, records)
		})
		if err == nil && to.After(at.Through) {
			at.Through = to
			err = p.save(ctx, src, at)
		}
		if err != nil {
			p.failed(ctx, src, err)
			return
		}
		from = to
	}
	at.Polled, at.Failing, at.Error = now, time.Time{}, ""
	if err := p.save(ctx, src, at); err != nil {
		p.failed(ctx, src, err)
		return
	}
	p.seen.fine()
	p.metrics.polled.WithLabelValues(src.ID, string(p.log)).Set(seconds(now))
	p.metrics.through.WithLabelValues(src.ID, string(p.log)).Set(seconds(at.Through))
}

// take makes the records of a page durable that are not known to be.
func (p *poller) take(ctx context.Context, src Source, o *origin, records [][]byte) error {
	now := p.deps.Clock()
	b := p.request(ctx)
	var fresh []string
	for _, raw := range records {
		name := recordID(src, p.log, raw)
		if _, ok := p.known[name]; ok {
			continue
		}
		one := line{id: name, raw: raw}
		if len(raw) > p.cfg.MaxLine {
			one.raw, one.reason, one.detail = raw[:p.cfg.MaxLine], ReasonTooLong, "the record is larger than a line may be; this is its beginning"
		}
		p.intake.event(&b, o, one, now)
		b.relieve(p.cfg.MaxBatch)
		fresh = append(fresh, name)
	}
	if err := p.intake.publish(ctx, &b); err != nil {
		return errBusAway
	}
	for _, name := range fresh {
		if len(p.known) < mostKnown {
			p.known[name] = now
		}
	}
	return nil
}

var errBusAway = errors.New("the bus does not take lines")

// recordID is the id of a record: what the service calls it, so that the
// overlap, a repeat and a second collector double nothing.
func recordID(src Source, log graph.Log, raw []byte) string {
	var record struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &record) != nil || record.ID == "" {
		sum := sha256.Sum256(raw)
		record.ID = "sum " + string(sum[:])
	}
	return id.Of("graph", src.Tenant, src.ID, string(log), record.ID)
}

// forget drops what no overlap reaches any more.
func (p *poller) forget(now time.Time) {
	for name, at := range p.known {
		if now.Sub(at) > p.g.Overlap+2*pollWindow {
			delete(p.known, name)
		}
	}
}

func (p *poller) key(src Source) string { return id.Of("poll", src.ID, string(p.log)) }

// load gives the place, or that of a first poll.
func (p *poller) load(ctx context.Context, src Source, now time.Time) (Poll, error) {
	doc, err := p.docs.Get(tenant.With(ctx, tenant.ID(src.Tenant)), p.key(src))
	if errors.Is(err, docstore.ErrNotFound) {
		return Poll{Source: src.ID, Log: string(p.log), Through: now.Add(p.g.Overlap - p.g.Since)}, nil
	}
	return doc.Value, err
}

// save keeps a place. It never goes back: another collector may have been faster.
func (p *poller) save(ctx context.Context, src Source, at Poll) error {
	ctx = tenant.With(ctx, tenant.ID(src.Tenant))
	_, err := p.docs.Update(ctx, p.key(src), func(v *Poll, _ *docstore.Outbox) error {
		through := v.Through
		*v = at
		if through.After(at.Through) {
			v.Through = through
		}
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		_, err = p.docs.Insert(ctx, p.key(src), at)
	}
	if err != nil {
		return errors.New("the document store does not answer")
	}
	return nil
}

// failed tells what went wrong, to the operator and to the sources page.
func (p *poller) failed(ctx context.Context, src Source, why error) {
	if ctx.Err() != nil {
		return
	}
	p.seen.failed(why)
	p.metrics.pollFailed.WithLabelValues(p.g.Source, string(p.log)).Inc()
	if src.ID == "" {
		return
	}
	now := p.deps.Clock()
	at, err := p.load(ctx, src, now)
	if err != nil {
		return
	}
	if at.Error = why.Error(); at.Failing.IsZero() {
		at.Failing = now
	}
	_ = p.save(ctx, src, at) // told above already
}
