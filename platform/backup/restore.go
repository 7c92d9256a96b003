package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// restoredFile is put into a restored data folder, so that what follows (the
// audit log's next checkpoint, an inspector) can tell a restored installation
// from a tampered one.
const restoredFile = "restored.json"

// Restored is the content of restored.json in a restored data folder.
type Restored struct {
	Backup   string    `json:"backup"`   // Manifest.ID
	Created  time.Time `json:"created"`  // when the backup began
	Restored time.Time `json:"restored"` // when it was restored
}

// Name names this restoration and no other.
func (r Restored) Name() string {
	return r.Backup + " at " + r.Restored.UTC().Format(time.RFC3339Nano)
}

// ReadRestored says which restoration the data folder comes from; ok is false
// where it was never restored.
func ReadRestored(data string) (r Restored, ok bool, err error) {
	raw, err := os.ReadFile(filepath.Join(data, restoredFile))
	if errors.Is(err, os.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("backup: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, false, fmt.Errorf("backup: %s: %w", restoredFile, err)
	}
	return r, true, nil
}

// Target is where a backup goes.
type Target struct {
	// Data becomes the data folder; it must be empty or absent.
	Data string
	// Config, when not empty, is where the configuration file goes, if the
	// backup has one; nothing may be there.
	Config string
}

// Restore verifies the backup in dir and puts it in place, whole or not at all.
// The keys come from their own place: keyring.Import, or copied to their folder,
// before or after this.
//
// What was acknowledged after the backup began is lost. What happens on the
// next start by itself: outboxes are published again, consumers go on from
// their offsets, sources send again from the position that was stored; repeats
// are recognised by their ids.
func Restore(ctx context.Context, dir string, to Target) (Manifest, error) {
	if err := targetFree(to); err != nil {
		return Manifest{}, err
	}
	m, err := Verify(ctx, dir)
	if err != nil {
		return m, err
	}
	target := filepath.Clean(to.Data)
	partial := target + ".partial"
	if err := os.RemoveAll(partial); err != nil { // of an earlier attempt
		return m, fmt.Errorf("backup: %w", err)
	}
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if err := fill(ctx, dir, partial, m); err != nil {
		return m, errors.Join(err, os.RemoveAll(partial))
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("backup: %w", err) // it was empty a moment ago
	}
	if err := os.Rename(partial, target); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if has(m, configFile) && to.Config != "" {
		if err := copyFile(filepath.Join(dir, configFile), to.Config); err != nil {
			return m, fmt.Errorf("backup: configuration: %w", err)
		}
	}
	flush()
	return m, nil
}

func targetFree(to Target) error {
	entries, err := os.ReadDir(to.Data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s", ErrNotEmpty, to.Data)
	}
	if to.Config != "" {
		if _, err := os.Stat(to.Config); err == nil {
			return fmt.Errorf("%w: %s is there already", ErrNotEmpty, to.Config)
		}
	}
	return nil
}

func fill(ctx context.Context, dir, partial string, m Manifest) error {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, ok := strings.CutPrefix(f.Path, dataFolder+"/")
		if !ok {
			continue
		}
		to := filepath.Join(partial, filepath.FromSlash(rel))
		if err := copyFile(filepath.Join(dir, filepath.FromSlash(f.Path)), to); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		// Read back: what was verified and what was copied are two readings.
		if _, hash, err := sum(to); err != nil || hash != f.SHA256 {
			return errors.Join(fmt.Errorf("%w: %s changed while it was restored", ErrDamaged, f.Path), err)
		}
	}
	raw, err := json.MarshalIndent(Restored{Backup: m.ID, Created: m.Created, Restored: time.Now().UTC()}, "", "  ")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.WriteFile(filepath.Join(partial, restoredFile), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	flush()
	return nil
}

func has(m Manifest, path string) bool {
	for _, f := range m.Files {
		if f.Path == path {
			return true
		}
	}
	return false
}
