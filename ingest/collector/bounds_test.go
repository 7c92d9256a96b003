package collector

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/run"
)

// scales takes lines for durable, and remembers the largest batch of them.
type scales struct {
	bus.Bus
	mu    sync.Mutex
	most  int
	taken map[string]bool // by id
}

func (s *scales) Publish(ctx context.Context, topic string, msgs ...bus.Message) error {
	if topic != bus.TopicEvents && topic != bus.TopicEventsFailed {
		return s.Bus.Publish(ctx, topic, msgs...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, len(msgs))
	for _, m := range msgs {
		s.taken[m.ID] = true
	}
	return nil
}

func (s *scales) weighed() (taken, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken), s.most
}

// A line of 1 MiB that holds thousands of events is published piece by piece,
// whichever way it came.
func TestALineOfManyEventsIsNoBatchWithoutABound(t *testing.T) {
	t.Parallel()
	const objects = 20_000
	line := strings.Repeat(`{"n":1234}`, objects)
	require.Less(t, len(line), 1<<20)
	var path string
	for way, send := range map[string]func(r *rig){
		"tcp": func(r *rig) {
			c := dial(t, "tcp", r.SyslogTCP())
			_, err := c.Write([]byte(line + "\n"))
			require.NoError(t, err)
			require.NoError(t, c.Close())
		},
		"lines": func(r *rig) {
			s, err := r.Sender("secret-key")
			require.NoError(t, err)
			n, err := s.Lines(t.Context(), []byte(line), false)
			require.NoError(t, err)
			require.Equal(t, objects, n.Events)
		},
		"_bulk": func(r *rig) {
			s, err := r.Sender("secret-key")
			require.NoError(t, err)
			half := strings.Repeat(`{"n":1234}`, objects/2)
			for _, id := range []string{"a", "b"} {
				items, err := s.Bulk(t.Context(), "x", []byte(`{"index":{"_id":"`+id+"\"}}\n"+doc(map[string]any{"message": half})+"\n"))
				require.NoError(t, err)
				require.Equal(t, 201, items[0].Status)
			}
		},
		"file": func(*rig) { require.NoError(t, os.WriteFile(path, []byte(line+"\n"), 0o600)) },
	} {
		s := &scales{taken: map[string]bool{}}
		path = filepath.Join(t.TempDir(), "app.log")
		r := newRig(t, func(c *Config, d *run.Deps) {
			s.Bus, d.Bus = d.Bus, s
			c.Files = []File{{Path: path, Source: "file"}}
		})
		send(r)
		await.True(t, func() bool { taken, _ := s.weighed(); return taken >= objects }, "%s", way)
		_, most := s.weighed()
		require.LessOrEqual(t, most, 500, way)
		r.stop()
	}
}

// When the bus goes away in the middle of such a line, what comes after it is
// not gathered either.
func TestALineOfManyEventsStopsWithTheBus(t *testing.T) {
	t.Parallel()
	broken := &failing{}
	r := newRig(t, func(_ *Config, d *run.Deps) { broken.Bus, d.Bus = d.Bus, broken })
	s, err := r.Sender("secret-key")
	require.NoError(t, err)
	line := []byte(strings.Repeat(`{"n":1}`, 5000))
	broken.left.Store(3)
	_, err = s.Lines(t.Context(), line, false)
	require.Error(t, err)
	require.Zero(t, broken.left.Load(), "not tried again for each piece")
	r.await(1000, 0)
	began := time.Now()
	n, err := s.Lines(t.Context(), line, false)
	require.NoError(t, err)
	require.Equal(t, 5000, n.Events)
	events, _ := r.await(6000, 0)
	ids := map[string]bool{}
	for _, e := range events {
		ids[e.Event.ID] = true
	}
	require.Len(t, ids, 5000)
	require.Less(t, time.Since(began), time.Minute)
}
