package installation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/collector"
	"varde.internal/ingest/indexer"
	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/disk"
	"varde.internal/platform/keyring"
	"varde.internal/platform/obs"
	"varde.internal/platform/run"
)

// Installation is the parts of one process with all they stand on.
type Installation struct {
	cfg         Config
	log         *slog.Logger
	keys        *keyring.Keyring
	engines     *engines
	group       *run.Group
	watch       *disk.Watch
	syslog      *collector.Module  // where it runs here
	retention   *indexer.Retention // where the indexer runs here
	heart       *heart             // where web runs here and it is on
	revocations *auth.Revocations
	endpoints   map[string]string
	stopTracing func(context.Context) error
}

// unasked are parts that no other part asks anything.
var unasked = []string{"collector", "indexer", "archive", "correlator"}

// CheckParts says whether the parts named can run with the configuration: an
// embedded engine lives inside one process, so it needs every part there.
func CheckParts(c Config, names []string) error {
	for _, n := range names {
		if !slices.Contains(Names, n) {
			return fmt.Errorf("there is no part %q; parts are %s", n, strings.Join(Names, ", "))
		}
	}
	if len(names) == 0 {
		return nil
	}
	if c.embedded() && len(names) < len(Names) {
		return errors.New("parts in separate processes need real engines: set bus, documents, events and files, or run `varde serve` without names")
	}
	var errs []error
	for _, n := range Names {
		if !slices.Contains(names, n) && c.Endpoints[n] == "" && !slices.Contains(unasked, n) {
			errs = append(errs, fmt.Errorf("endpoints.%s: where that part runs is needed", n))
		}
	}
	return errors.Join(errs...)
}

// Open opens the engines, builds the parts named (none: all) and binds their
// addresses; Run starts them. Logs go to w as JSON lines.
func Open(ctx context.Context, c Config, names []string, w io.Writer) (in *Installation, err error) {
	if len(names) == 0 {
		names = Names
	}
	in, err = OpenEngines(ctx, c, w)
	if err != nil {
		return in, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.Close())
		}
	}()
	in.revocations = auth.NewRevocations(in.log, time.Now)
	in.group = run.NewGroup(in.log, 0)
	in.group.Gate = func() error {
		if !in.revocations.CaughtUp() {
			return errors.New("revoked tokens are not known yet")
		}
		return nil
	}
	in.group.Notice = in.notice
	// Every address is bound before any part is built: parts are told where the
	// others are.
	listeners, err := in.bind(ctx, names)
	if err != nil {
		return in, err
	}
	for _, name := range Names {
		ln, ok := listeners[name]
		if !ok {
			continue
		}
		part, err := in.build(name)
		if err != nil {
			return in, fmt.Errorf("%s: %w", name, err)
		}
		in.group.Add(part, ln)
	}
	if in.retention != nil {
		in.group.Add(in.retention, nil)
	}
	return in, nil
}

func (in *Installation) bind(ctx context.Context, names []string) (listeners map[string]net.Listener, err error) {
	listeners = map[string]net.Listener{}
	defer func() {
		if err != nil {
			for _, ln := range listeners {
				_ = ln.Close()
			}
		}
	}()
	var lc net.ListenConfig
	for _, name := range names {
		address := in.cfg.Listen[name]
		if address == "" {
			address = "127.0.0.1:0"
		}
		ln, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return listeners, taken("listen."+name, address, err)
		}
		listeners[name] = ln
		in.endpoints[name] = "http://" + ln.Addr().String()
	}
	if listeners["collector"] == nil {
		return listeners, nil
	}
	return listeners, in.cfg.Syslog.free(ctx)
}

// free says whether the addresses of syslog can be listened on: the collector
// itself binds them later, and would try again and again where one is taken.
func (s Syslog) free(ctx context.Context) error {
	var lc net.ListenConfig
	for key, address := range map[string]string{"syslog.tcp": s.TCP, "syslog.tls.listen": s.TLS.Listen} {
		if address == "" {
			continue
		}
		ln, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return taken(key, address, err)
		}
		_ = ln.Close()
	}
	if s.UDP == "" {
		return nil
	}
	ln, err := lc.ListenPacket(ctx, "udp", s.UDP)
	if err != nil {
		return taken("syslog.udp", s.UDP, err)
	}
	return ln.Close()
}

// taken names the setting whose address cannot be had.
func taken(key, address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: another process listens on %s already", key, address)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// OpenEngines opens the engines and the keys without any part: what a command
// beside the running parts needs. Where the parts are is said by Endpoints.
func OpenEngines(ctx context.Context, c Config, w io.Writer) (in *Installation, err error) {
	observed := obs.Default()
	observed.Level, observed.OTLP = c.Log, c.OTLP
	if err := observed.Validate(); err != nil {
		return nil, err
	}
	in = &Installation{cfg: c, log: obs.NewLogger(w, observed), endpoints: map[string]string{}}
	in.watch = disk.New(c.Disk, c.folders(), in.log, c.measure)
	in.watch.Look() // a disk that is full already takes nothing in from the start
	defer func() {
		if err != nil {
			err = errors.Join(err, in.Close())
		}
	}()
	if in.stopTracing, err = obs.StartTracing(ctx, observed, "varde"); err != nil {
		return in, err
	}
	folder := c.Keys
	if folder == "" {
		folder = c.in("keys")
	}
	if in.keys, err = keyring.Open(folder); err != nil {
		return in, fmt.Errorf("keys: %w", err)
	}
	if in.engines, err = openEngines(ctx, c, in.keys, in.log); err != nil {
		return in, err
	}
	return in, nil
}

// Run runs the parts until ctx is done, then stops them and closes the engines.
func (in *Installation) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	background, bg := errgroup.WithContext(work)
	background.Go(func() error { return in.ensureTopics(bg) })
	background.Go(func() error { return in.revocations.Run(bg, in.engines.bus) })
	background.Go(func() error { return in.watch.Run(bg) })
	if in.heart != nil {
		background.Go(func() error { return in.heart.run(bg) })
	}
	err := in.group.Run(ctx)
	cancel()
	if berr := background.Wait(); berr != nil && !errors.Is(berr, context.Canceled) {
		err = errors.Join(err, berr)
	}
	return errors.Join(err, in.Close())
}

// ensureTopics declares the topics as soon as the broker answers.
func (in *Installation) ensureTopics(ctx context.Context) error {
	for {
		err := in.engines.bus.EnsureTopics(ctx, in.cfg.Retention.topics()...)
		if err == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // declared, or being stopped
		}
		in.log.Warn("topics could not be declared; trying again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
	}
}

// Close closes the engines; Run does it at its end.
func (in *Installation) Close() error {
	var errs []error
	if in.engines != nil {
		errs = append(errs, in.engines.Close())
	}
	if in.stopTracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		errs = append(errs, in.stopTracing(ctx))
	}
	return errors.Join(errs...)
}

// Public is the address people use.
func (in *Installation) Public() string {
	if in.cfg.Public != "" {
		return in.cfg.Public
	}
	if e := in.Endpoint("web"); e != "" {
		return e
	}
	return "(no web in this process)"
}

// Endpoint gives the base URL of a part: in this process, or as configured.
func (in *Installation) Endpoint(part string) string {
	if e := in.endpoints[part]; e != "" {
		return e
	}
	return in.cfg.Endpoints[part]
}

// Deps is what one part is given: its own metrics, its own keys, a verifier
// for tokens meant for it.
func (in *Installation) Deps(name string) run.Deps {
	registry := obs.NewRegistry()
	registry.MustRegister(in.watch)
	client := &http.Client{Timeout: 15 * time.Second}
	identity := in.Endpoint("identity")
	keys := &auth.RemoteKeys{URL: identity + "/v1/jwks.json", HTTP: client}
	tokens := auth.NewTokenSource(identity, name, in.serviceSecret(name), client, time.Now)
	log := in.log.With("part", name)
	return run.Deps{
		Log: log, Clock: time.Now, Metrics: registry,
		Bus: in.engines.bus, Docs: in.engines.docs, Events: in.engines.events, Blobs: in.engines.blobs,
		Verifier: auth.NewVerifier(auth.VerifierConfig{Audience: name, Keys: keys, Revocations: in.revocations}),
		Tokens:   tokens,
		Audit:    audit.NewClient(audit.ClientConfig{Service: name, Endpoint: in.Endpoint, Tokens: tokens, Bus: in.engines.bus, Log: log}),
		Secret:   in.secret(name),
		Endpoint: in.Endpoint,
	}
}
