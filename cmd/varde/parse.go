package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // machines without a zone database parse --tz too

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"varde.internal/ingest/parse"
)

// maxParsedLine bounds a line of `varde parse`; a longer one breaks.
const maxParsedLine = 16 << 20

// parseOptions are the flags of `varde parse`.
type parseOptions struct {
	format, now, zone string
	mapping           string
}

// parseCommand is `varde parse`: raw lines in, one ECS event as JSON per line out.
func parseCommand() *cobra.Command {
	var o parseOptions
	cmd := &cobra.Command{
		Use:   "parse [flags] FILE…",
		Short: "Turn raw log lines into ECS events, one JSON object per line",
		Long: `Parse reads raw log lines and writes one ECS event per line to standard output,
as JSON with nested fields. It also reads event logs of Windows (.evtx), their
XML, and JSON over several lines or in arrays. event.original holds the line; varde.attempt is true
on the one event that decides a login, and varde.repeat says for how many a line
stands. A line that no parser knows comes out with event.dataset "unparsed"; a
line that breaks its format goes to standard error as JSON with the reason.
Empty lines are passed over. FILE may be gzip or zstd, or in UTF-16; "-" is standard input.

Times without a year are resolved against --now and the order of the lines in
their file, times without a zone are taken to be in --tz. Formats: ` + strings.Join(parse.Formats(), ", ") + `.

Exit codes: 0 done, also where lines broke; 2 a file cannot be read, or a flag
is wrong.`,
		Example: `  varde parse /var/log/auth.log
  varde parse --tz Europe/Oslo --now 2026-01-03T12:00:00Z auth.log.1.gz | jq 'select(.varde.attempt)'
  journalctl -o json -u ssh | varde parse -
  varde parse --mapping websak.yaml innlogginger.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
				return exitError{2, err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runParse(o, args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "auto", "format of the lines, or auto")
	cmd.Flags().StringVar(&o.mapping, "mapping", "", "file that says how the lines of a line-of-business system become events (see varde mapping)")
	cmd.Flags().StringVar(&o.now, "now", "", "when the lines were read, RFC 3339 (default: now)")
	cmd.Flags().StringVar(&o.zone, "tz", "UTC", "time zone of times that name none, such as Europe/Oslo")
	return cmd
}

func runParse(o parseOptions, files []string, stdin io.Reader, stdout, stderr io.Writer) error {
	now := time.Now()
	if o.now != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, o.now); err != nil {
			return exitError{2, fmt.Errorf("--now: %w", err)}
		}
	}
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return exitError{2, fmt.Errorf("--tz: %w", err)}
	}
	if _, err := parse.NewStream(parse.Options{Format: o.format}); err != nil {
		return exitError{2, fmt.Errorf("--format: %w", err)}
	}
	var mapping *parse.Mapping
	if o.mapping != "" {
		if mapping, err = readMapping(o.mapping); err != nil {
			return exitError{2, fmt.Errorf("--mapping: %w", err)}
		}
	}
	out := bufio.NewWriterSize(stdout, 64<<10)
	broken := bufio.NewWriterSize(stderr, 64<<10)
	run := parseRun{options: parse.Options{Format: o.format, Mapping: mapping, Zone: zone}, now: now, out: out, broken: broken}
	// A file that cannot be read does not keep the others from being read.
	var unread error
	for _, name := range files {
		if err := run.file(name, stdin); err != nil {
			unread = errors.Join(unread, fmt.Errorf("%s: %w", name, err))
		}
	}
	if err := errors.Join(out.Flush(), broken.Flush()); err != nil {
		return err
	}
	if unread != nil {
		return exitError{2, unread}
	}
	return nil
}

type parseRun struct {
	options     parse.Options
	now         time.Time
	out, broken *bufio.Writer
	event       []byte // the JSON of the last one
}

// file parses one file in two passes: the first finds its years.
func (r *parseRun) file(name string, stdin io.Reader) error {
	src, err := openLines(name, stdin)
	if err != nil {
		return err
	}
	defer src.close()
	o := r.options
	records, err := src.records()
	if err != nil {
		return err
	}
	if !records.Whole() {
		first, err := src.reader()
		if err != nil {
			return err
		}
		// What cannot be read in the first pass is met again in the second.
		o.Years, _ = parse.Scan(first, o.Zone, r.now)
		if records, err = src.records(); err != nil {
			return err
		}
	}
	stream, err := parse.NewStream(o)
	if err != nil {
		return err
	}
	return r.records(name, stream, records)
}

// brokenLine is what goes to standard error.
type brokenLine struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail,omitempty"`
	Original string `json:"original"`
	Encoding string `json:"encoding,omitempty"`
}

func (r *parseRun) records(name string, stream *parse.Stream, records *parse.Records) error {
	for {
		rec, err := records.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.record(name, stream, rec); err != nil {
			return err
		}
	}
}

func (r *parseRun) record(name string, stream *parse.Stream, rec parse.Record) error {
	why := &parse.Error{Reason: rec.Reason, Detail: rec.Detail}
	if rec.Reason == "" {
		ev, err := stream.Parse(rec.Text, r.now)
		if err == nil {
			r.event = append(ev.AppendJSON(r.event[:0]), '\n')
			_, err := r.out.Write(r.event)
			return err
		}
		if !errors.As(err, &why) {
			return err
		}
	}
	text, encoded := parse.Original(rec.Text)
	b := brokenLine{File: name, Line: rec.Number, Reason: why.Reason, Detail: why.Detail, Original: text}
	if encoded {
		b.Encoding = "iso-8859-1"
	}
	return writeJSON(r.broken, b)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// lineSource is a file that can be read twice.
type lineSource struct {
	file *os.File
	temp bool
}

// openLines opens a file; what cannot be read twice (standard input, a pipe) is
// copied to a temporary file first.
func openLines(name string, stdin io.Reader) (*lineSource, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, plainError(err)
		}
		info, err := f.Stat()
		if err != nil || info.IsDir() || info.Mode().IsRegular() {
			if err == nil && info.IsDir() {
				err = errors.New("is a folder")
			}
			if err != nil {
				f.Close()
				return nil, plainError(err)
			}
			return &lineSource{file: f}, nil
		}
		defer f.Close()
		in = f
	}
	temp, err := os.CreateTemp("", "varde-parse-*")
	if err != nil {
		return nil, err
	}
	s := &lineSource{file: temp, temp: true}
	if _, err := io.Copy(temp, in); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// plainError leaves the path out: the caller says it already.
func plainError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// reader reads the file from its beginning, unpacked where it is gzip or zstd.
func (s *lineSource) reader() (io.Reader, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(s.file, 64<<10)
	magic, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1)) // one has nothing to close
	}
	return in, nil
}

// records cuts the file into events from its beginning.
func (s *lineSource) records() (*parse.Records, error) {
	in, err := s.reader()
	if err != nil {
		return nil, err
	}
	return parse.NewRecords(in, maxParsedLine)
}

func (s *lineSource) close() {
	s.file.Close()
	if s.temp {
		_ = os.Remove(s.file.Name())
	}
}
