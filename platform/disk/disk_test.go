package disk_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/disk"
)

func limit(t *testing.T, text string) (l disk.Limit) {
	t.Helper()
	require.NoError(t, l.UnmarshalText([]byte(text)))
	return l
}

func TestALimitIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"5GiB", "500MiB", "3TiB", "7KiB", "12B", "0", "5%", "0.5%"} {
		require.Equal(t, text, limit(t, text).String())
	}
	require.Equal(t, "1GiB", limit(t, "1024 MiB").String())
	for _, text := range []string{"5", "5GB", "-1GiB", "-1%", "100%", "NaN%", "1e9GiB", "99999999999GiB", "GiB", "%"} {
		require.Error(t, new(disk.Limit).UnmarshalText([]byte(text)), text)
	}
}

// Two folders on one disk and one on another fill up and are emptied again.
func TestIntakeStopsBeforeADiskIsFullAndGoesOnByItself_N4(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	var data, elsewhere atomic.Uint64
	data.Store(50 * gib)
	elsewhere.Store(50 * gib)
	var log bytes.Buffer
	w := disk.New(disk.Config{Warn: limit(t, "10%"), Stop: limit(t, "4GiB"), Every: time.Hour},
		map[string]string{"bus": "/a", "documents": "/b", "events": "/c"}, slog.New(slog.NewTextHandler(&log, nil)),
		func(path string) (disk.Space, error) {
			if path == "/c" {
				return disk.Space{Free: elsewhere.Load(), Size: 100 * gib, Device: 2}, nil
			}
			return disk.Space{Free: data.Load(), Size: 100 * gib, Device: 1}, nil
		})
	require.NoError(t, w.Room(), "before the first look nothing is known against it")
	for _, step := range []struct {
		free       uint64 // of the disk of two folders, in GiB
		level      disk.Level
		room, rest bool
		said       string
	}{
		{50, disk.Enough, true, true, ""},
		{9, disk.Low, true, true, "filling up"},
		{10, disk.Low, true, true, ""}, // not to and fro
		{3, disk.Full, false, true, "no log lines are taken in"},
		{4, disk.Full, false, true, ""},
		{1, disk.Last, false, false, "not made searchable"},
		{3, disk.Full, false, true, "no log lines are taken in"},
		{5, disk.Low, true, true, "filling up"},
		{12, disk.Enough, true, true, "room on the disk again"},
	} {
		data.Store(step.free * gib)
		log.Reset()
		w.Look()
		folders := w.Folders()
		require.Equal(t, []disk.Level{step.level, step.level, disk.Enough}, []disk.Level{folders[0].Level, folders[1].Level, folders[2].Level}, "%d", step.free)
		require.Equal(t, step.level == disk.Enough, w.Ample() == nil, "%d", step.free)
		require.Equal(t, step.room, w.Room() == nil, "%d", step.free)
		require.Equal(t, step.rest, w.Rest() == nil, "%d", step.free)
		if step.said == "" {
			require.Empty(t, log.String(), "%d", step.free)
			continue
		}
		require.Contains(t, log.String(), step.said)
		require.Contains(t, log.String(), "folders=bus,documents")
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "one line for one disk")
	}
	elsewhere.Store(1)
	w.Look()
	var none *disk.NoRoomError
	require.ErrorAs(t, w.Room(), &none)
	require.Equal(t, "events", none.Folder.Name)

	registry := prometheus.NewRegistry()
	registry.MustRegister(w)
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, 3)
	for _, f := range families {
		require.Len(t, f.Metric, 3, f.GetName())
	}
	require.EqualValues(t, 3, families[1].Metric[2].GetGauge().GetValue(), families[1].GetName())
}

func TestAFolderThatCannotBeMeasuredStaysAsItWas(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	w := disk.New(disk.Config{Stop: limit(t, "1GiB"), Every: time.Hour}, map[string]string{"bus": "/a"}, slog.New(slog.DiscardHandler),
		func(string) (disk.Space, error) {
			if broken.Load() {
				return disk.Space{}, errors.New("gone")
			}
			return disk.Space{Free: 1, Size: 2}, nil
		})
	w.Look()
	require.Error(t, w.Room())
	broken.Store(true)
	w.Look()
	require.Error(t, w.Room())
}

func TestTheRealDiskIsMeasured(t *testing.T) {
	t.Parallel()
	s, err := disk.Measure(filepath.Join(t.TempDir(), "not", "yet"))
	require.NoError(t, err)
	require.Positive(t, s.Free)
	require.Less(t, s.Free, s.Size)

	// A limit above what any disk has stops at the first look.
	cfg := disk.Default()
	cfg.Stop = limit(t, "99.99%")
	w := disk.New(cfg, map[string]string{"data": t.TempDir()}, slog.New(slog.DiscardHandler), nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	await.True(t, func() bool { return w.Room() != nil })
	stop()
	require.NoError(t, <-ended)
}
