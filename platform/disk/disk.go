// Package disk watches the free space of the folders that data lies in, so that
// intake stops in good order before a disk is full and goes on by itself when
// there is room again (N4).
//
// There are three limits. Below Warn operators are told. Below Stop nothing new
// is taken in from machines (Room): log lines wait with their senders, while
// what was taken in is worked through and people go on reporting. Below half of
// Stop also what grows by itself waits (Rest), so that the last of the disk is
// kept for people's reports.
package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of the watch. Limits are of the space that is free.
type Config struct {
	Warn  Limit         `yaml:"warn" env:"WARN"`
	Stop  Limit         `yaml:"stop" env:"STOP"`
	Every time.Duration `yaml:"every" env:"EVERY"`
}

// Default warns below 5 GiB and stops intake below 1 GiB.
func Default() Config {
	return Config{Warn: Bytes(5 << 30), Stop: Bytes(1 << 30), Every: 5 * time.Second}
}

// Validate implements config.Validator.
func (c Config) Validate() error {
	if c.Every <= 0 {
		return errors.New("every: must be positive")
	}
	return nil
}

// Level of a folder.
type Level int

// The levels, by how much is free.
const (
	Enough Level = iota
	Low          // below Warn
	Full         // below Stop
	Last         // below half of Stop
)

// String is the level's name in logs.
func (l Level) String() string { return [...]string{"enough", "low", "full", "last"}[l] }

// Folder is how a folder stands.
type Folder struct {
	Name       string // bus, documents, events, files
	Free, Size uint64 // bytes of its file system; Free is what we may use
	Level      Level
}

// Space is what a file system has, in bytes. Device tells file systems apart.
type Space struct {
	Free, Size, Device uint64
}

// Watch looks at folders. Safe for concurrent use.
type Watch struct {
	cfg     Config
	folders map[string]string
	log     *slog.Logger
	measure func(path string) (Space, error)

	mu    sync.Mutex
	state map[string]Folder
}

// New watches folders, given by name; those that do not exist yet count by
// their nearest parent. Measure is nil but in tests.
func New(cfg Config, folders map[string]string, log *slog.Logger, measure func(path string) (Space, error)) *Watch {
	if measure == nil {
		measure = Measure
	}
	return &Watch{cfg: cfg, folders: maps.Clone(folders), log: log, measure: measure, state: map[string]Folder{}}
}

// Measure asks the file system that path is on.
func Measure(path string) (Space, error) {
	for {
		var fs syscall.Statfs_t
		err := syscall.Statfs(path, &fs)
		if errors.Is(err, syscall.ENOENT) && filepath.Dir(path) != path {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return Space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
		}
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil {
			return Space{}, &os.PathError{Op: "stat", Path: path, Err: err}
		}
		unit := uint64(fs.Bsize)                                                                  //nolint:gosec,unconvert // signed here, not everywhere
		return Space{Free: fs.Bavail * unit, Size: fs.Blocks * unit, Device: uint64(st.Dev)}, nil //nolint:gosec,unconvert // as above
	}
}

// Run looks until ctx is done.
func (w *Watch) Run(ctx context.Context) error {
	if len(w.folders) == 0 {
		return nil
	}
	tick := time.NewTicker(w.cfg.Every)
	defer tick.Stop()
	for {
		w.Look()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Look measures every folder once and tells of what changed, once per file system.
func (w *Watch) Look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := map[uint64][]Folder{}
	for _, name := range slices.Sorted(maps.Keys(w.folders)) {
		space, err := w.measure(w.folders[name])
		before := w.state[name]
		if err != nil {
			w.log.Warn("the free space of a data folder cannot be told", "folder", name, "err", err)
			continue
		}
		now := Folder{Name: name, Free: space.Free, Size: space.Size, Level: w.level(space, before.Level)}
		w.state[name] = now
		if now.Level != before.Level {
			changed[space.Device] = append(changed[space.Device], now)
		}
	}
	for _, folders := range changed {
		w.tell(folders)
	}
}

// level is by the limits; a level that was reached is left only a tenth above
// its limit, so that it does not change to and fro.
func (w *Watch) level(s Space, before Level) Level {
	warn, stop := w.cfg.Warn.of(s.Size), w.cfg.Stop.of(s.Size)
	switch {
	case below(s.Free, stop/2, before >= Last):
		return Last
	case below(s.Free, stop, before >= Full):
		return Full
	case below(s.Free, warn, before >= Low):
		return Low
	}
	return Enough
}

func below(free, limit uint64, already bool) bool {
	if already {
		limit += limit / 10
	}
	return free < limit
}

func (w *Watch) tell(folders []Folder) {
	names := make([]string, len(folders))
	worst := folders[0]
	for i, f := range folders {
		names[i] = f.Name
		if f.Level > worst.Level {
			worst = f
		}
	}
	level, text := slog.LevelInfo, "there is room on the disk again: intake goes on"
	switch worst.Level {
	case Low:
		level, text = slog.LevelWarn, "the disk is filling up"
	case Full:
		level, text = slog.LevelError, "the disk is nearly full: no log lines are taken in until there is room"
	case Last:
		level, text = slog.LevelError, "the disk is nearly full: log lines are not made searchable either until there is room"
	case Enough:
	}
	w.log.Log(context.Background(), level, text, "folders", strings.Join(names, ","), "free", about(worst.Free), "size", about(worst.Size),
		"warn", w.cfg.Warn.String(), "stop", w.cfg.Stop.String())
}

// NoRoomError says which folder has no room.
type NoRoomError struct{ Folder Folder }

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("disk: only %s of %s are free for %s", about(e.Folder.Free), about(e.Folder.Size), e.Folder.Name)
}

// Ample is nil where every folder has more than Warn, else a *NoRoomError.
func (w *Watch) Ample() error { return w.above(Low) }

// Room is nil where machines' data may be taken in, else a *NoRoomError.
func (w *Watch) Room() error { return w.above(Full) }

// Rest is nil where what was taken in may be worked through, else a *NoRoomError.
func (w *Watch) Rest() error { return w.above(Last) }

func (w *Watch) above(l Level) error {
	for _, f := range w.Folders() {
		if f.Level >= l {
			return &NoRoomError{f}
		}
	}
	return nil
}

// Folders are all by name, as they stood at the last look.
func (w *Watch) Folders() []Folder {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Folder, 0, len(w.state))
	for _, name := range slices.Sorted(maps.Keys(w.state)) {
		out = append(out, w.state[name])
	}
	return out
}

var (
	free  = prometheus.NewDesc("varde_disk_free_bytes", "Free space for a data folder.", []string{"folder"}, nil)
	size  = prometheus.NewDesc("varde_disk_size_bytes", "Size of the file system that a data folder is on.", []string{"folder"}, nil)
	level = prometheus.NewDesc("varde_disk_level", "0 enough, 1 below the warning, 2 no intake, 3 no indexing either.", []string{"folder"}, nil)
)

// Describe implements prometheus.Collector.
func (w *Watch) Describe(out chan<- *prometheus.Desc) {
	out <- free
	out <- size
	out <- level
}

// Collect implements prometheus.Collector.
func (w *Watch) Collect(out chan<- prometheus.Metric) {
	for _, f := range w.Folders() {
		out <- prometheus.MustNewConstMetric(free, prometheus.GaugeValue, float64(f.Free), f.Name)
		out <- prometheus.MustNewConstMetric(size, prometheus.GaugeValue, float64(f.Size), f.Name)
		out <- prometheus.MustNewConstMetric(level, prometheus.GaugeValue, float64(f.Level), f.Name)
	}
}
