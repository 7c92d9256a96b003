package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/tenant"
)

// errDropped: the partition was removed while it was asked for.
var errDropped = errors.New("eventindex: the partition was dropped")

// partition is one file. Its handles come and go with use; what is known of
// its times stays.
type partition struct {
	name   string
	tenant tenant.ID
	path   string
	unsafe bool

	dropped bool          // under Index.mu
	gone    chan struct{} // where dropped: closed when its files are
	opening *opening      // under Index.mu, while it is being opened

	using sync.RWMutex // held for reading while used, for writing while closed
	write *sql.DB
	read  *sql.DB
	cols  *columns
	cache *blockCache

	waiting sync.Mutex
	calls   []*call // that wait for their turn

	writing    sync.Mutex // one writer at a time
	conn       *sql.Conn  // of write, with its statements
	statements map[string]*sql.Stmt
	*writer    // nil: to be read from the file

	known  sync.Mutex
	times  bounds
	loaded bool
	grown  int                               // by how many appends
	totals map[string][]eventindex.TermCount // of all events, by field: see termsOf
	bars   map[time.Duration][]count         // of all events, by grain
}

// writer is what the one that appends knows of the file.
type writer struct {
	next         counters
	tail         tail
	words        *memory[word]
	sets         *memory[string]
	combinations [homes]*memory[string]
}

// counters are the next numbers.
type counters struct {
	seq, word, set int64
	combination    [homes]int64
}

// bounds are the earliest and latest event times in nanoseconds, inclusive.
type bounds struct {
	first, last int64
	events      int
}

func (p *partition) isOpen() bool { return p.read != nil }

// Pages kept in memory by one connection, in KiB: partitions are many.
const (
	writerCache = 8 << 10
	readerCache = 2 << 10
)

func (p *partition) dsn(lock string, cache int) string {
	synchronous := "FULL"
	if p.unsafe {
		synchronous = "OFF"
	}
	q := url.Values{"_pragma": {
		"busy_timeout(10000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		"temp_store(MEMORY)", fmt.Sprintf("cache_size(-%d)", cache), "journal_size_limit(33554432)", "wal_autocheckpoint(4000)",
	}, "_txlock": {lock}}
	return (&url.URL{Scheme: "file", Path: p.path}).String() + "?" + q.Encode()
}

// openFiles is called with nobody using p.
func (p *partition) openFiles(ctx context.Context) (err error) {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	_ = f.Close()
	defer func() {
		if err != nil {
			_ = p.closeFiles()
		}
	}()
	if err := p.openReader(); err != nil {
		return err
	}
	if err := p.current(ctx); err != nil {
		return fmt.Errorf("eventindex: partition %s: %w", p.name, err)
	}
	p.cache = newBlockCache()
	p.writer = nil
	return nil
}

func (p *partition) openReader() error {
	db, err := sql.Open("sqlite", p.dsn("deferred", readerCache)+"&_pragma=query_only(1)")
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	p.read = db
	return nil
}

// openWriter is called under writing, or with nobody using p.
func (p *partition) openWriter() error {
	if p.write != nil {
		return nil
	}
	db, err := sql.Open("sqlite", p.dsn("immediate", writerCache))
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	db.SetMaxOpenConns(1)
	p.write = db
	return nil
}

// closeFiles is called with nobody using p.
func (p *partition) closeFiles() error {
	var errs []error
	for _, s := range p.statements {
		errs = append(errs, s.Close())
	}
	if p.conn != nil {
		errs = append(errs, p.conn.Close())
	}
	for _, db := range []*sql.DB{p.read, p.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	p.read, p.write, p.conn, p.statements, p.cache, p.writer = nil, nil, nil, nil, nil, nil
	p.known.Lock()
	clear(p.totals)
	clear(p.bars)
	p.known.Unlock()
	return errors.Join(errs...)
}

// bounds of p, read from the file once and kept up by append.
func (x *Index) bounds(ctx context.Context, p *partition) (bounds, error) {
	p.known.Lock()
	b, ok := p.times, p.loaded
	p.known.Unlock()
	if ok {
		return b, nil
	}
	err := x.use(ctx, p, func() error {
		p.writing.Lock() // no append between reading and keeping
		defer p.writing.Unlock()
		var err error
		b, err = p.loadBounds(ctx)
		return err
	})
	return b, err
}

func (p *partition) loadBounds(ctx context.Context) (bounds, error) {
	p.known.Lock()
	defer p.known.Unlock()
	if p.loaded {
		return p.times, nil
	}
	var b bounds
	err := p.read.QueryRowContext(ctx, `SELECT coalesce((SELECT min(t) FROM event), 0), coalesce((SELECT max(t) FROM event), 0),
		coalesce((SELECT sum(n) FROM rollup), 0)`).Scan(&b.first, &b.last, &b.events)
	if err != nil {
		return b, fmt.Errorf("eventindex: %w", err)
	}
	p.times, p.loaded = b, true
	return b, nil
}

// widen widens the bounds to events that are about to be committed: whoever
// sees them in the file finds them within.
func (p *partition) widen(first, last int64) {
	p.known.Lock()
	defer p.known.Unlock()
	if p.times.events == 0 {
		p.times.first, p.times.last = first, last
	}
	p.times.first, p.times.last = min(p.times.first, first), max(p.times.last, last)
}

// grow counts events that were committed.
func (p *partition) grow(events int) {
	p.known.Lock()
	defer p.known.Unlock()
	p.times.events += events
	p.grown++
	clear(p.totals)
	clear(p.bars)
}

// covers says whether all events of the file lie in from <= t < to.
func (p *partition) covers(from, to int64) bool {
	p.known.Lock()
	defer p.known.Unlock()
	return p.loaded && from <= p.times.first && to > p.times.last
}

func (p *partition) describe(b bounds) eventindex.Partition {
	out := eventindex.Partition{Name: p.name, Tenant: string(p.tenant), Events: b.events,
		First: time.Unix(0, b.first).UTC(), Last: time.Unix(0, b.last).UTC()}
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(p.path + end); err == nil {
			out.Bytes += info.Size()
		}
	}
	return out
}
