package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	format       = 1
	manifestFile = "manifest.json"
	configFile   = "config"
	dataFolder   = "data"

	kindDatabase = "sqlite"
	kindFile     = "file"
)

// ErrDamaged is returned for a backup that is not as it was written.
var ErrDamaged = errors.New("backup: not as it was written")

// Manifest says what a backup holds. It is a JSON file in the backup's folder.
type Manifest struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"` // when it began: what was acknowledged before is in it
	Took    string    `json:"took"`
	Frozen  string    `json:"frozen"` // how long writers of documents waited
	Keys    string    `json:"keys"`   // "apart"
	Files   []File    `json:"files"`  // sorted by path
}

// File of a backup.
type File struct {
	Path   string `json:"path"` // with slashes, below the backup's folder
	Kind   string `json:"kind"` // "sqlite" or "file"
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m *Manifest) describe(ctx context.Context, dir string, kinds map[string]string) error {
	err := walk(dir, func(path string, isDir bool) error {
		if err := ctx.Err(); err != nil || isDir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(rel), Kind: kindFile}
		if k, ok := kinds[f.Path]; ok {
			f.Kind = k
		}
		f.Size, f.SHA256, err = sum(path)
		m.Files = append(m.Files, f)
		return err
	})
	slices.SortFunc(m.Files, func(a, b File) int {
		switch {
		case a.Path < b.Path:
			return -1
		default:
			return 1
		}
	})
	return err
}

func sum(path string) (size int64, hash string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// write puts the manifest on the disk after everything it names.
func (m *Manifest) write(dir string) error {
	flush()
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	tmp := filepath.Join(dir, manifestFile+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, filepath.Join(dir, manifestFile))
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	flush()
	return nil
}

// Verify reads a whole backup and compares it with its manifest: every file is
// there with its hash, and no other.
func Verify(ctx context.Context, dir string) (Manifest, error) {
	raw, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%w: there is no manifest, so it was not finished", ErrDamaged)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrDamaged, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("backup: format %d; this program knows %d", m.Format, format)
	}
	var found Manifest
	if err := found.describe(ctx, dir, nil); err != nil {
		return m, err
	}
	have := map[string]File{}
	for _, f := range found.Files {
		have[f.Path] = f
	}
	delete(have, manifestFile)
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return m, fmt.Errorf("%w: the manifest names %q", ErrDamaged, f.Path)
		}
		is, ok := have[f.Path]
		if !ok {
			return m, fmt.Errorf("%w: %s is missing", ErrDamaged, f.Path)
		}
		if is.SHA256 != f.SHA256 || is.Size != f.Size {
			return m, fmt.Errorf("%w: %s has other content", ErrDamaged, f.Path)
		}
		delete(have, f.Path)
	}
	for path := range have {
		return m, fmt.Errorf("%w: %s is not in the manifest", ErrDamaged, path)
	}
	return m, nil
}
