package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"varde.internal/cmd/installation"
	"varde.internal/ingest/collector"
	"varde.internal/ingest/parse"
)

// importFlags are the flags of `varde import`.
type importFlags struct {
	settings
	source, url, keyFile string
	wait                 time.Duration
}

// importCommand is `varde import`: files into an installation.
func importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [flags] FILE|FOLDER…",
		Short: "Bring log files into an installation",
		Long: `Import reads log files and sends them to an installation, as events of one source
of its register. It reads what varde parse reads: lines, JSON also over several
lines or in arrays, Windows events as XML or .evtx; packed with gzip or zstd or
not; "-" is standard input. Of a folder it reads every file, those below too; what
is no log (other binary files) is passed over and named.

With --url the events go to the collector of a running installation, from any
machine, with the API key of the source. It waits and sends again while the
collector is busy or away. Without --url they go straight to the engines of the
configuration, which must be stopped where they are the embedded ones, and
--source says whose they are.

What was imported already is not doubled, also from another folder, rotated
(auth.log.1) or packed since: an event is known by the first line of its file, its
place in the file and its text; an event of Windows by its text alone. An import
that was stopped is done again from the beginning.

Times without a year are of the year that the file's last change and the order of
its lines say, times without a zone are in the zone of the source.

Progress goes to standard error, what was done as JSON to standard output. Exit
codes: 0 done, also where records became dead letters; 1 the installation could
not take it; 2 a file cannot be read, or a flag, the key or the source is wrong.`,
		Example: `  varde import --url https://logs.example.no --key-file key /mnt/archive
  varde import --source dc01 --data /srv/varde Security.evtx
  zstdcat auth.log.zst | varde import --url http://127.0.0.1:9280 --key-file key -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
	cmd.Flags().StringVar(&f.settings.file, "config", "", "YAML file with the configuration (see varde config verify)")
	cmd.Flags().StringVar(&f.data, "data", "", "folder of the embedded engines and the keys (default "+dataFolder()+")")
	cmd.Flags().StringVar(&f.source, "source", "", "id or name of the source in the register; with --url the key's, and nothing is sent where it is another")
	cmd.Flags().StringVar(&f.url, "url", "", "address of the collector of a running installation")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "file with the source's API key")
	cmd.Flags().DurationVar(&f.wait, "wait", 10*time.Minute, "how long to go on trying while the collector is busy or away")
	return cmd
}

// imported is the summary for scripts.
type imported struct {
	Files   []importedFile `json:"files"`
	Records int64          `json:"records"`
	Events  int64          `json:"events"`
	Dead    int64          `json:"dead"`
}

// importedFile is what became of one file.
type importedFile struct {
	File    string `json:"file"`
	Records int64  `json:"records"` // that were sent
	Events  int64  `json:"events"`
	Dead    int64  `json:"dead"` // letters: damaged, or breaking their format
	Skipped string `json:"skipped,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (f *importFlags) run(cmd *cobra.Command, args []string) error {
	files, err := findLogs(args)
	if err != nil {
		return exitError{2, err}
	}
	to, done, err := f.open(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer done() //nolint:errcheck // what was sent is durable by now
	i := importRun{to: to, source: f.source, progress: cmd.ErrOrStderr(), said: time.Now()}
	var all imported
	var failed error
	for _, file := range files {
		one, err := i.file(cmd.Context(), file, cmd.InOrStdin())
		if err != nil {
			one.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", file.path, err))
		}
		all.Files = append(all.Files, one)
		all.Records, all.Events, all.Dead = all.Records+one.Records, all.Events+one.Events, all.Dead+one.Dead
		if err != nil && !errors.As(err, new(unreadable)) {
			break // the others would meet the same
		}
	}
	if err := printJSON(cmd, all); err != nil {
		return err
	}
	if failed != nil && errors.As(failed, new(unreadable)) {
		return exitError{2, failed}
	}
	return failed
}

// unreadable is a file's own error: the others can still be read.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// taker takes the body of POST /v1/import.
type taker interface {
	take(ctx context.Context, body []byte) (taken, error)
}

// taken is the answer to it.
type taken struct {
	Events int64       `json:"events"`
	Dead   int64       `json:"dead"`
	Resume parse.State `json:"resume"`
}

// open finds where to send to.
func (f *importFlags) open(ctx context.Context, log io.Writer) (taker, func() error, error) {
	if f.url != "" {
		if f.keyFile == "" || f.data != "" || f.settings.file != "" {
			return nil, nil, exitError{2, errors.New("--url needs --key-file, and neither --data nor --config")}
		}
		key, err := os.ReadFile(f.keyFile)
		if err != nil {
			return nil, nil, exitError{2, err}
		}
		to, err := newRemote(f.url, firstLine(key), f.wait, log)
		if err != nil {
			return nil, nil, exitError{2, err}
		}
		return to, func() error { return nil }, nil
	}
	if f.source == "" {
		return nil, nil, exitError{2, errors.New("--source is needed, or --url with --key-file")}
	}
	c, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(c.Data); err != nil && c.Bus.Reveal() == "" {
		return nil, nil, exitError{2, fmt.Errorf("there is no installation in the data folder: %w", plainError(err))}
	}
	in, err := installation.OpenEngines(ctx, c, log)
	if err != nil {
		return nil, nil, err
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	to, err := collector.OpenImporter(wait, in.Deps("collector"), collector.Default(), f.source)
	if errors.Is(err, collector.ErrNoSource) {
		err = exitError{2, err}
	}
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return local{to}, func() error { return errors.Join(to.Close(), in.Close()) }, nil
}

// local takes pieces in this process.
type local struct{ importer *collector.Importer }

func (l local) take(ctx context.Context, body []byte) (taken, error) {
	n, err := l.importer.Import(ctx, body)
	return taken{Events: int64(n.Events), Dead: int64(n.Dead), Resume: n.Resume}, err
}

// importRun sends files, one after the other.
type importRun struct {
	to       taker
	source   string
	progress io.Writer
	said     time.Time
}

// file sends one file.
func (i *importRun) file(ctx context.Context, f logFile, stdin io.Reader) (importedFile, error) {
	done := importedFile{File: f.path}
	src, err := openLines(f.path, stdin)
	if err != nil {
		return done, unreadable{err}
	}
	defer src.close()
	if f.found {
		if done.Skipped, err = src.noLog(); err != nil || done.Skipped != "" {
			return done, wrapUnreadable(err)
		}
	}
	p, err := newPieces(src, f.name, i.source)
	if err != nil {
		return done, unreadable{err}
	}
	for {
		body, n, err := p.next()
		if errors.Is(err, io.EOF) {
			i.say(done, 100, true)
			return done, nil
		}
		if err != nil {
			return done, unreadable{err}
		}
		answer, err := i.to.take(ctx, body)
		if err != nil {
			return done, err
		}
		p.resume = answer.Resume
		done.Records, done.Events, done.Dead = done.Records+n, done.Events+answer.Events, done.Dead+answer.Dead
		i.say(done, src.percent(), false)
	}
}

func wrapUnreadable(err error) error {
	if err == nil {
		return nil
	}
	return unreadable{err}
}

// say tells of the progress, every other second and at the end of a file.
func (i *importRun) say(f importedFile, percent int, end bool) {
	if now := time.Now(); end || now.Sub(i.said) > 2*time.Second {
		i.said = now
		fmt.Fprintf(i.progress, "%s: %d %%, %d records, %d dead letters\n", f.File, percent, f.Records, f.Dead)
	}
}

// A piece is sent when it has one of these.
const (
	pieceBytes   = 2 << 20
	pieceRecords = 5000
	// pieceSpan keeps times that name no year apart from those of another.
	pieceSpan = 300 * 24 * time.Hour
)

// pieces cuts a file into the bodies of POST /v1/import.
type pieces struct {
	head    collector.Piece
	resume  parse.State
	records *parse.Records
	stream  *parse.Stream // finds the years; nil where every record names its own
	readAt  time.Time

	number int64
	held   []collector.PieceRecord
	bytes  int
	first  time.Time // of those that are held
	last   time.Time
	before []byte
	ended  error
}

func newPieces(src *lineSource, name, source string) (*pieces, error) {
	generation, err := src.generation()
	if err != nil {
		return nil, err
	}
	p := &pieces{head: collector.Piece{Source: source, File: name, Generation: generation}, readAt: src.changed()}
	if p.records, err = src.recordsOf(collector.Default().MaxLine); err != nil {
		return nil, err
	}
	if p.records.Whole() {
		return p, nil
	}
	in, err := src.reader()
	if err != nil {
		return nil, err
	}
	// What cannot be read in the first pass is met again in the second.
	years, _ := parse.Scan(in, time.UTC, p.readAt)
	if p.stream, err = parse.NewStream(parse.Options{Years: years}); err != nil {
		return nil, err
	}
	p.records, err = src.recordsOf(collector.Default().MaxLine)
	return p, err
}

// next returns the next piece and how many records it has, io.EOF at the end.
// The error of a file that breaks off comes after what could be read.
func (p *pieces) next() (body []byte, n int64, err error) {
	for p.ended == nil {
		rec, err := p.records.Next()
		if err != nil {
			p.ended = err
			break
		}
		at := p.at(rec)
		if body, n = p.full(at); body != nil {
			p.hold(rec, at)
			return body, n, nil
		}
		p.hold(rec, at)
	}
	if len(p.held) == 0 {
		return nil, 0, p.ended
	}
	body, n = p.body()
	return body, n, nil
}

// at is when a record was written, as far as it can be known here.
func (p *pieces) at(rec parse.Record) time.Time {
	if p.stream == nil || rec.Reason != "" {
		return p.last
	}
	ev, err := p.stream.Parse(rec.Text, p.readAt)
	if err != nil {
		return p.last
	}
	return ev.Timestamp
}

func (p *pieces) hold(rec parse.Record, at time.Time) {
	p.held = append(p.held, collector.PieceRecord{Number: p.number, Text: append([]byte(nil), rec.Text...), Reason: rec.Reason, Detail: rec.Detail})
	p.number++
	p.bytes += len(rec.Text)
	if at.IsZero() {
		return
	}
	if p.first.IsZero() || at.Before(p.first) {
		p.first = at
	}
	if p.last.IsZero() || at.After(p.last) {
		p.last = at
	}
}

// full returns what is held where a record of that time is not to be with it.
func (p *pieces) full(at time.Time) (body []byte, n int64) {
	apart := !p.first.IsZero() && !at.IsZero() && (at.Sub(p.first) > pieceSpan || p.last.Sub(at) > pieceSpan)
	if len(p.held) > 0 && (apart || p.bytes >= pieceBytes || len(p.held) >= pieceRecords) {
		return p.body()
	}
	return nil, 0
}

// body encodes what is held and empties it.
func (p *pieces) body() ([]byte, int64) {
	p.head.Resume, p.head.Before = p.resume, p.before
	if p.head.Reference = p.last; p.last.IsZero() && p.stream != nil {
		p.head.Reference = p.readAt
	}
	out, _ := json.Marshal(p.head) // strings, times and bytes always marshal
	for _, r := range p.held {
		text, _ := json.Marshal(r)
		out = append(append(out, '\n'), text...)
	}
	n := int64(len(p.held))
	p.remember()
	p.held, p.bytes, p.first, p.last = p.held[:0], 0, time.Time{}, time.Time{}
	return out, n
}

// remember keeps the last lines for the piece that follows.
func (p *pieces) remember() {
	if p.stream == nil {
		return // nothing spans such records
	}
	begin, size := len(p.held), 0
	for begin > 0 && size+len(p.held[begin-1].Text)+1 <= parse.Recalled {
		begin--
		size += len(p.held[begin].Text) + 1
	}
	p.before = p.before[:0]
	for _, r := range p.held[begin:] {
		if r.Reason == "" {
			p.before = append(append(p.before, r.Text...), '\n')
		}
	}
}
