// Package embedded runs a Kafka broker inside this process: franz-go's kfake
// with a data folder. The parts reach it over loopback with the same adapter
// as a real broker (platform/bus/kafka).
//
// What kfake does on its own is not safe for a folder that must survive
// kill -9, so three things are done here instead. Retention: kfake can empty a
// partition, and an empty partition forgets its offsets at the next start;
// ours keeps the last record. Compaction: kfake deletes a log before it writes
// the compacted one; ours works on a copy before the broker starts, and swaps
// the folders. And the password is ours to keep, not kfake's. Connections are
// looked at before kfake reads from them (guard.go, docs/adr/0006).
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	user         = "varde"
	segmentBytes = 16 << 20
	// never is a period that kfake's own retention and compaction do not live
	// to see: ten years in milliseconds.
	never = "315360000000"
)

// Options of Start.
type Options struct {
	// Dir keeps everything; created with mode 0700. Empty: in memory and
	// without a password, for tests.
	Dir string
	// Port on 127.0.0.1; 0 takes the one of the last start, or a free one.
	Port int
	Log  *slog.Logger
	// Retention is how often expired messages are deleted; 0 = 10 minutes.
	Retention time.Duration
	// CompactAbove is the size in bytes from which a partition of a compacted
	// topic is compacted at start; 0 = 8 MiB.
	CompactAbove int64
}

// Broker is a running broker.
type Broker struct {
	cluster  *kfake.Cluster
	hostport string
	secret   string
	log      *slog.Logger
	stop     context.CancelFunc
	done     sync.WaitGroup
	lock     *os.File
	closed   sync.Once
}

// Start opens the broker's folder and listens on loopback. It fails when
// another process has the folder open.
func Start(opt Options) (*Broker, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.Retention <= 0 {
		opt.Retention = 10 * time.Minute
	}
	if opt.CompactAbove <= 0 {
		opt.CompactAbove = 8 << 20
	}
	b := &Broker{log: opt.Log.With("component", "embedded-broker")}
	opts := []kfake.Opt{
		kfake.NumBrokers(1), kfake.ClusterID("varde"), kfake.WithLogger(brokerLog{b.log}),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms": never, "log.segment.bytes": strconv.Itoa(segmentBytes),
			"offsets.retention.minutes": "525600",
		}),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address) //nolint:noctx // kfake gives none
			if err != nil {
				return nil, err
			}
			return &guard{Listener: l, log: b.log, open: opt.Dir == ""}, nil
		}),
	}
	secret := ""
	if opt.Dir != "" {
		if err := b.prepare(&opt, &secret); err != nil {
			b.unlock()
			return nil, err
		}
		opts = append(opts, kfake.DataDir(dataDir(opt.Dir)), kfake.SyncWrites(),
			kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", user, secret))
	}
	cluster, err := kfake.NewCluster(append(opts, kfake.Ports(opt.Port))...)
	if err != nil {
		b.unlock()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	b.cluster, b.secret, b.hostport = cluster, secret, cluster.ListenAddrs()[0]
	if opt.Dir != "" {
		if err := rememberPort(opt.Dir, b.hostport); err != nil {
			_ = b.Close()
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.done.Go(func() { b.retain(ctx, opt.Retention) })
	return b, nil
}

// URL is the address for kafka.Open. It holds the password: never log it.
func (b *Broker) URL() string { return address(b.hostport, b.secret) }

// Close stops the broker and flushes its folder.
func (b *Broker) Close() error {
	b.closed.Do(func() {
		if b.stop != nil {
			b.stop()
		}
		b.done.Wait()
		b.cluster.Close()
		b.unlock()
	})
	return nil
}

func dataDir(dir string) string { return filepath.Join(dir, "kafka") }

// prepare makes the folder, takes its lock, and finds the port and the
// installation's secret.
func (b *Broker) prepare(opt *Options, secret *string) error {
	dir, port := opt.Dir, &opt.Port
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if err := b.takeLock(filepath.Join(dir, "lock")); err != nil {
		return err
	}
	if *port == 0 {
		if text, err := os.ReadFile(filepath.Join(dir, "port")); err == nil {
			if p, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && isFree(p) {
				*port = p
			}
		}
	}
	var err error
	if *secret, err = installationSecret(filepath.Join(dir, "secret")); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if err := compact(dir, opt.CompactAbove, b.log); err != nil {
		return fmt.Errorf("embedded broker: compaction: %w", err)
	}
	// kfake prefers what it stored over what it is told.
	if err := os.Remove(filepath.Join(dataDir(dir), "sasl.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("embedded broker: %w", err)
	}
	return nil
}

// installationSecret reads the password, made at random at the first start.
func installationSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil && len(text) == 64 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var b [32]byte
	_, _ = rand.Read(b[:])
	s := hex.EncodeToString(b[:])
	return s, writeSynced(file, []byte(s))
}

func rememberPort(dir, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(dir, "port"), []byte(port))
}

func isFree(port int) bool {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// writeSynced replaces file in one step.
func writeSynced(file string, content []byte) error {
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

func address(hostport, secret string) string {
	u := url.URL{Scheme: "kafka", Host: hostport}
	if secret != "" {
		u.User = url.UserPassword(user, secret)
		u.RawQuery = "sasl=scram-sha-256"
	}
	return u.String()
}

// brokerLog passes kfake's warnings on.
type brokerLog struct{ log *slog.Logger }

func (l brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("kfake", "detail", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("kfake", "detail", fmt.Sprintf(format, args...))
	}
}
