package released

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds the present binary into dir.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "varde")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "varde.internal/cmd/varde")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// leftOut are files of a data folder that say nothing to a later version.
var leftOut = map[string]bool{"varde.log": true, "lock": true}

// Pack writes the folder dir as a tar.gz.
func Pack(dir, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zipped)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || leftOut[d.Name()] {
			return err
		}
		return pack(w, dir, path, d)
	})
	return errors.Join(err, w.Close(), zipped.Close(), out.Close())
}

func pack(w *tar.Writer, dir, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil || (!info.Mode().IsRegular() && !d.IsDir()) {
		return err
	}
	head, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	if head.Name, err = filepath.Rel(dir, path); err != nil {
		return err
	}
	head.Uname, head.Gname, head.Uid, head.Gid = "", "", 0, 0
	if err := w.WriteHeader(head); err != nil || d.IsDir() {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, in)
	return err
}

// Unpack puts what Pack wrote into the folder dir.
func Unpack(file, dir string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	for r := tar.NewReader(zipped); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(head.Name) {
			return fmt.Errorf("%s leads out of the folder", head.Name)
		}
		to := filepath.Join(dir, head.Name)
		if head.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(to, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := write(to, r); err != nil {
			return err
		}
	}
}

func write(to string, r io.Reader) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}
