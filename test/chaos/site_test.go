package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"varde.internal/schemas/gen/registerapi"
	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// site is an installation whose processes are killed again and again and
// started anew each time, as a supervisor of services does.
type site struct {
	*running.Installation // what made the region: password, data folder, engines
	t                     *testing.T
	config                string // file
	logs                  string // folder of the files that are followed
	units                 []*unit
	log                   *os.File
}

// everything is the name of the one process of an embedded site.
const everything = "varde"

// newSite makes the demo region and a source for each stream, and stops.
func newSite(t *testing.T, set *running.Engines, streams []*stream) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "varde-chaos-")
	require.NoError(t, err)
	s := &site{t: t, Installation: &running.Installation{Data: filepath.Join(dir, "data"), Engines: set}, logs: filepath.Join(dir, "logs")}
	t.Cleanup(func() {
		s.Kill()
		require.NoError(t, os.RemoveAll(dir))
	})
	require.NoError(t, os.MkdirAll(s.logs, 0o755))
	if err := s.Launch(); err != nil {
		s.Report(t)
		require.NoError(t, err)
	}
	admin := s.SignIn(t, "admin")
	for _, m := range streams {
		var made registerapi.SourceCreated
		admin.Post("/api/register/v1/sources", registerapi.SourceCreate{Data: m.register()}, &made)
		m.key, m.source = made.ApiKey, made.Item.Id
		m.site = s
	}
	for _, m := range streams { // the collector knows each, and will from its next start on
		running.Eventually(t, time.Minute, func() error {
			_, err := running.Send(s.Bulk+"/v1/import", m.key, "application/x-ndjson", strings.NewReader("nothing"))
			if err == nil || !strings.Contains(err.Error(), "wrong-form") {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			return nil
		})
	}
	s.Stop(t)
	parts := s.configure(streams)
	s.log, err = os.OpenFile(filepath.Join(s.Data, "varde.log"), os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	names := []string{everything}
	if set != nil {
		names = parts
	}
	for _, name := range names {
		s.units = append(s.units, &unit{site: s, name: name})
	}
	return s
}

// port finds one that is free and that the system gives to no connection of
// its own: a process that is started again must get it again.
func port(t *testing.T) int {
	t.Helper()
	for range 1000 {
		n := 12000 + rand.IntN(18000) //nolint:gosec // any will do
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err == nil {
			require.NoError(t, l.Close())
			return n
		}
	}
	require.FailNow(t, "no free port")
	return 0
}

// configure writes the configuration: fixed addresses, the files that are
// followed, and an archive that writes, merges and compares within the test. It
// returns the parts that it gives addresses.
func (s *site) configure(streams []*stream) (parts []string) {
	c := map[string]any{"data": s.Data}
	parts = []string{"web", "collector"}
	if s.Engines != nil {
		text, err := os.ReadFile(s.ConfigFile())
		require.NoError(s.t, err)
		require.NoError(s.t, yaml.Unmarshal(text, &c))
		all, err := s.Endpoints()
		require.NoError(s.t, err)
		parts = slices.Sorted(maps.Keys(all))
	}
	at := func() string { return fmt.Sprintf("127.0.0.1:%d", port(s.t)) }
	listen, endpoints := map[string]string{}, map[string]string{}
	for _, name := range parts {
		listen[name] = at()
		endpoints[name] = "http://" + listen[name]
	}
	s.URL, s.Bulk, s.Syslog = endpoints["web"], endpoints["collector"], at()
	c["listen"], c["syslog"] = listen, map[string]any{"tcp": s.Syslog, "udp": ""}
	if s.Engines != nil {
		c["endpoints"] = endpoints
	}
	var files []map[string]string
	for _, m := range streams {
		if m.kind == "file" {
			files = append(files, map[string]string{"path": s.file(m), "source": m.source})
		}
	}
	c["logs"] = files
	c["archive"] = map[string]any{"batchSize": 4000, "maxWait": "2s", "quiet": "4s", "settle": "10s", "every": "3s"}
	text, err := yaml.Marshal(c)
	require.NoError(s.t, err)
	s.config = filepath.Join(s.Data, "chaos.yaml")
	require.NoError(s.t, os.WriteFile(s.config, text, 0o600))
	return parts
}

// file is where a stream of kind "file" is written.
func (s *site) file(m *stream) string { return filepath.Join(s.logs, m.name+".log") }

// start starts every unit; they are started again until stop.
func (s *site) start() {
	for _, u := range s.units {
		u.start()
	}
}

// stop ends every unit in order; each must end cleanly.
func (s *site) stop() {
	var g errgroup.Group
	for _, u := range s.units {
		g.Go(func() error {
			if err := u.stop(); err != nil {
				return fmt.Errorf("%s: %w", u.name, err)
			}
			return nil
		})
	}
	require.NoError(s.t, g.Wait())
}

// end kills what still runs, with a dump of its goroutines where the test failed.
func (s *site) end() {
	for _, u := range s.units {
		u.end(s.t.Failed())
	}
	if s.t.Failed() {
		s.t.Logf("warnings of the installation:\n%s", s.Warnings())
		if keep := os.Getenv("VARDE_CHAOS_KEEP"); keep != "" { // to look at
			s.t.Log(os.CopyFS(keep, os.DirFS(filepath.Dir(s.Data))))
		}
	}
}

// unit of that name.
func (s *site) unit(name string) *unit {
	i := slices.IndexFunc(s.units, func(u *unit) bool { return u.name == name })
	require.GreaterOrEqual(s.t, i, 0, name)
	return s.units[i]
}

// awaitReady waits until every part is ready.
func (s *site) awaitReady() {
	s.t.Helper()
	took := running.Eventually(s.t, 3*time.Minute, func() error {
		client := http.Client{Timeout: 10 * time.Second}
		res, err := client.Get(s.URL + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("web answers %d", res.StatusCode)
		}
		res, err = client.Get(s.Bulk + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("the collector answers %d", res.StatusCode)
		}
		return nil
	})
	s.t.Logf("ready after %s", took.Round(time.Millisecond))
}

// fell are the units that ended by themselves, and how often.
func (s *site) fell() map[string]int {
	out := map[string]int{}
	for _, u := range s.units {
		u.mu.Lock()
		if u.fell > 0 {
			out[u.name] = u.fell
		}
		u.mu.Unlock()
	}
	return out
}

// unit is one process of a site, started again whenever it ends.
type unit struct {
	site *site
	name string

	mu      sync.Mutex
	process *running.Process // nil between an end and the next start
	told    bool             // its end was asked for
	fell    int              // times that it ended by itself
	quit    context.CancelFunc
	over    chan struct{}
}

// start runs the unit until stop or end, again and again.
func (u *unit) start() {
	ctx, cancel := context.WithCancel(context.Background())
	u.quit, u.over = cancel, make(chan struct{})
	args := []string{"serve", "--config", u.site.config}
	if u.name != everything {
		args = append(args, u.name)
	}
	go func() {
		defer close(u.over)
		for ctx.Err() == nil {
			u.mu.Lock()
			p, err := running.StartProcess(args, nil, u.site.log, nil)
			if err == nil {
				u.process, u.told = p, false
			}
			u.mu.Unlock()
			if err != nil {
				continue
			}
			<-p.Ended()
			u.mu.Lock()
			if !u.told {
				u.fell++
			}
			u.process = nil
			u.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // as a supervisor, not at once
			}
		}
	}()
}

// take gives the running process, and notes that its end will be asked for.
func (u *unit) take(told bool) *running.Process {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.process != nil {
		u.told = u.told || told
	}
	return u.process
}

// kill is kill -9; false where nothing ran.
func (u *unit) kill() bool {
	p := u.take(true)
	if p == nil {
		return false
	}
	p.Kill()
	return true
}

// pause makes the process stand still for a while.
func (u *unit) pause(d time.Duration) {
	if p := u.take(false); p != nil {
		_ = p.Signal(syscall.SIGSTOP)
		time.Sleep(d)
		_ = p.Signal(syscall.SIGCONT)
	}
}

// restart ends the process in order; it comes again by itself.
func (u *unit) restart() error {
	if p := u.take(true); p != nil {
		return p.End(syscall.SIGTERM)
	}
	return nil
}

// stop ends the unit for good, in order.
func (u *unit) stop() error {
	u.quit()
	var err error
	if p := u.take(true); p != nil {
		err = p.End(syscall.SIGTERM)
	}
	if err == nil {
		<-u.over
	}
	return err
}

// end ends the unit however it stands.
func (u *unit) end(dump bool) {
	if u.quit == nil {
		return
	}
	u.quit()
	if p := u.take(true); p != nil {
		_ = p.Signal(syscall.SIGCONT)
		if dump {
			p.Dump()
		}
		p.Kill()
	}
	<-u.over
}

// launchEngines starts real engines, or skips the test where one cannot be had.
func launchEngines(t *testing.T) *running.Engines {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	set, err := running.LaunchEngines(ctx)
	var missing running.MissingEngine
	if errors.As(err, &missing) {
		engines.Missing(t, missing.Kind, missing.Err)
	}
	require.NoError(t, err)
	t.Cleanup(set.Discard)
	t.Logf("engines: %v", slices.Collect(maps.Keys(set.Of)))
	return set
}
