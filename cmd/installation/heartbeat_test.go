package installation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/config"
)

// lines is a log that is written and read at once.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The watcher outside hears of us as long as all is well, and only then.
func TestTheHeartBeatsWhileEveryPartIsReady_N4(t *testing.T) {
	t.Parallel()
	var beats, status atomic.Int64
	status.Store(http.StatusOK)
	seen := make(chan *http.Request, 1)
	watcher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 0 {
			t.Errorf("a heartbeat has no body: %q", body)
		}
		beats.Add(1)
		select {
		case seen <- r:
		default:
		}
		w.WriteHeader(int(status.Load()))
	}))
	defer watcher.Close()
	var down atomic.Bool
	ready := func(context.Context) error {
		if down.Load() {
			return errors.New("[cases]: context deadline exceeded")
		}
		return nil
	}
	var log lines
	cfg := Heartbeat{URL: config.Secret(watcher.URL + "/ping/hemmelig"), Method: "POST", Every: 5 * time.Millisecond}
	h := newHeart(cfg, ready, slog.New(slog.NewTextHandler(&log, nil)))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	r := <-seen
	require.Equal(t, "POST", r.Method)
	require.Equal(t, "/ping/hemmelig", r.URL.Path)
	require.Equal(t, "varde", r.UserAgent())

	down.Store(true)
	said := func(text string) func() bool { return func() bool { return strings.Contains(log.String(), text) } }
	await.True(t, said("not every part is ready: [cases]"))
	silent := beats.Load()
	time.Sleep(50 * time.Millisecond)
	require.Equal(t, silent, beats.Load())
	down.Store(false)
	await.True(t, said("sent again"))
	require.Greater(t, beats.Load(), silent)

	status.Store(http.StatusFound) // not followed: it could lead anywhere
	await.True(t, said("status 302"))
	watcher.CloseClientConnections()
	stop()
	require.NoError(t, <-ended)
	require.Equal(t, 2, strings.Count(log.String(), "is not sent"), "once for each time it stops: %s", log.String())
	require.NotContains(t, log.String(), "hemmelig")

	watcher.Close()
	err := h.beat(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hemmelig")
}
