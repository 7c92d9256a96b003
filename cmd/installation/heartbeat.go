package installation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"varde.internal/platform/config"
)

// Heartbeat tells a watcher outside that all is well, as long as it is: the
// watcher calls somebody when nothing comes any more (a dead man's switch, N4).
// It is off without a URL. Nothing is sent but the request itself.
type Heartbeat struct {
	// URL often has the watcher's token in it, so it is treated as a secret.
	URL    config.Secret `yaml:"url" env:"URL"`
	Method string        `yaml:"method" env:"METHOD"` // GET or POST, without a body
	Every  time.Duration `yaml:"every" env:"EVERY"`
}

func defaultHeartbeat() Heartbeat { return Heartbeat{Method: http.MethodGet, Every: time.Minute} }

func (h Heartbeat) validate() error {
	var errs []error
	if h.Method != http.MethodGet && h.Method != http.MethodPost {
		errs = append(errs, errors.New("heartbeat.method: must be GET or POST"))
	}
	if h.Every < time.Second {
		errs = append(errs, errors.New("heartbeat.every: must be a second or more"))
	}
	if !h.URL.Empty() {
		// Neither the URL nor the parser's error is repeated: it can hold a token.
		u, err := url.Parse(h.URL.Reveal())
		if err != nil || u.Host == "" || (u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
			errs = append(errs, errors.New("heartbeat.url: must begin with https://, or with http:// on this machine"))
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// heart sends the heartbeat.
type heart struct {
	cfg   Heartbeat
	ready func(context.Context) error
	log   *slog.Logger
	http  *http.Client
	last  prometheus.Gauge
}

func newHeart(cfg Heartbeat, ready func(context.Context) error, log *slog.Logger) *heart {
	return &heart{cfg: cfg, ready: ready, log: log,
		http: &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		last: prometheus.NewGauge(prometheus.GaugeOpts{Name: "varde_heartbeat_last_success_timestamp_seconds", Help: "When the watcher outside last took the heartbeat."}),
	}
}

// run beats until ctx is done. What goes wrong is logged when it begins and
// when it ends.
func (h *heart) run(ctx context.Context) error {
	tick := time.NewTicker(h.cfg.Every)
	defer tick.Stop()
	failing := false
	for {
		err := h.beat(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop
		case err != nil && !failing:
			h.log.Warn("the heartbeat is not sent", "err", err)
		case err == nil && failing:
			h.log.Info("the heartbeat is sent again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// beat sends one if every part is ready.
func (h *heart) beat(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, min(h.cfg.Every, 10*time.Second))
	defer cancel()
	if err := h.ready(limited); err != nil {
		return fmt.Errorf("not every part is ready: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, h.cfg.Method, h.cfg.URL.Reveal(), nil)
	if err != nil {
		return errors.New("the URL cannot be asked")
	}
	req.Header.Set("User-Agent", "varde")
	res, err := h.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the watcher answered with status %d", res.StatusCode)
	}
	h.last.SetToCurrentTime()
	return nil
}
