package running

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Installation is one running installation of the demo region.
type Installation struct {
	URL      string
	Password string // of every demo account
	Syslog   string // TCP address of the collector
	Bulk     string // base URL of the collector
	BulkKey  string
	Data     string        // folder
	Ready    time.Duration // from the start to the line ready

	Engines *Engines // nil: embedded, everything in one process

	process *Process // nil: stopped
}

// Start runs `varde demo` on embedded engines with its data in dir, for one
// test alone.
func Start(t *testing.T, dir string) *Installation {
	t.Helper()
	s := &Installation{Data: dir}
	t.Cleanup(func() {
		if t.Failed() {
			s.Report(t)
		}
		s.Kill()
	})
	require.NoError(t, s.Launch())
	return s
}

// Report shows what the installation said, and ends it with a dump of its
// goroutines.
func (s *Installation) Report(t *testing.T) {
	t.Logf("warnings of the installation:\n%s", s.Warnings())
	if s.process == nil {
		return
	}
	t.Logf("printed: %q", s.process.Printed())
	s.process.Dump()
	s.process = nil
}

// Warnings are the last lines of the installation's log that are more than
// information.
func (s *Installation) Warnings() string { return Warnings(filepath.Join(s.Data, "varde.log")) }

// Warnings are the last lines of a log file that are more than information;
// what is no line of a log, such as a dump, is left out.
func Warnings(file string) string {
	text, _ := os.ReadFile(file)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "{") && !strings.Contains(line, `"level":"INFO"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// allowReady is how long an installation may take to be ready.
const allowReady = 180 * time.Second

// Launch starts the demo on free ports and waits for what it prints when ready.
// It may be called again after Stop or Kill.
func (s *Installation) Launch() error {
	args := []string{"demo", "--data", s.Data, "--listen", "127.0.0.1:0"}
	var env []string
	if s.Engines != nil {
		args, env = append(args, "--distributed"), s.Engines.Env()
	}
	began := time.Now()
	ready := make(chan struct{})
	p, err := StartProcess(args, env, os.Stderr, func(line string) {
		if s.read(line) {
			close(ready)
		}
	})
	if err != nil {
		return err
	}
	s.process = p
	select {
	case <-ready:
		s.Ready = time.Since(began)
		return nil
	case <-p.Ended():
		return fmt.Errorf("the installation ended before the line ready: %q", p.Printed())
	case <-time.After(allowReady):
		return fmt.Errorf("no line ready in %s: %q", allowReady, p.Printed())
	}
}

var printed = map[string]*regexp.Regexp{
	"url":      regexp.MustCompile(`^ready (http://\S+)`),
	"password": regexp.MustCompile(`password for all: (\S+)\)`),
	"syslog":   regexp.MustCompile(`syslog tcp (\S+)`),
	"bulk":     regexp.MustCompile(`_bulk at (http://\S+) with API key (\S+)`),
	"end":      regexp.MustCompile(`^Ctrl-C stops`),
}

// read takes what a line of the demo says; last is true at its last line.
func (s *Installation) read(line string) (last bool) {
	for name, into := range map[string][]*string{
		"url": {&s.URL}, "password": {&s.Password}, "syslog": {&s.Syslog}, "bulk": {&s.Bulk, &s.BulkKey},
	} {
		if m := printed[name].FindStringSubmatch(line); m != nil {
			for i := range into {
				*into[i] = m[i+1]
			}
		}
	}
	return printed["end"].MatchString(line)
}

// Running says whether it was started and not ended since.
func (s *Installation) Running() bool { return s.process != nil }

// Signal sends a signal to the process that was started.
func (s *Installation) Signal(sig syscall.Signal) error { return s.process.Signal(sig) }

// Stop is Ctrl-C; it fails the test where the process does not end cleanly.
func (s *Installation) Stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.End(syscall.SIGINT))
}

// End sends a signal to the process and waits for its end, which must be clean.
func (s *Installation) End(sig syscall.Signal) error {
	err := s.process.End(sig)
	if err == nil {
		s.process = nil
	}
	return err
}

// Kill is kill -9 of the process; parts in processes of their own end by
// themselves then.
func (s *Installation) Kill() {
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// ConfigFile is the configuration that a distributed installation wrote for
// its parts.
func (s *Installation) ConfigFile() string { return filepath.Join(s.Data, "varde.yaml") }

// Endpoints are where the parts of a distributed installation listen.
func (s *Installation) Endpoints() (map[string]string, error) {
	text, err := os.ReadFile(s.ConfigFile())
	if err != nil {
		return nil, err
	}
	var c struct {
		Endpoints map[string]string `yaml:"endpoints"`
	}
	return c.Endpoints, yaml.Unmarshal(text, &c)
}

// Eventually calls check until it returns nil, for at most the time given, and
// tells how long it took.
func Eventually(t *testing.T, within time.Duration, check func() error) time.Duration {
	t.Helper()
	began := time.Now()
	var err error
	for time.Since(began) < within {
		if err = check(); err == nil {
			return time.Since(began)
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.FailNow(t, fmt.Sprintf("not within %s", within), "%v", err)
	return 0
}

// Doc is a line to be sent with an id of the client's own.
type Doc struct{ ID, Line string }

// SendBulk sends lines as Elasticsearch clients do. Nil: all of them are durable.
func (s *Installation) SendBulk(docs ...Doc) error {
	return SendBulk(s.Bulk, s.BulkKey, docs...)
}

// SendBulk sends lines to the _bulk of a collector. Nil: all of them are durable.
func SendBulk(base, key string, docs ...Doc) error {
	var body strings.Builder
	out := json.NewEncoder(&body)
	for _, d := range docs {
		meta := map[string]string{"_index": "lines"}
		if d.ID != "" {
			meta["_id"] = d.ID
		}
		if err := errors.Join(out.Encode(map[string]any{"index": meta}), out.Encode(map[string]string{"message": d.Line})); err != nil {
			return err
		}
	}
	text, err := Send(base+"/_bulk", key, "application/x-ndjson", strings.NewReader(body.String()))
	if err != nil {
		return err
	}
	var answer struct{ Errors bool }
	if err := json.Unmarshal(text, &answer); err != nil || answer.Errors {
		return fmt.Errorf("_bulk: %s", text)
	}
	return nil
}
