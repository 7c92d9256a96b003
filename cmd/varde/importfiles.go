package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"varde.internal/ingest/parse"
)

// logFile is a file to import.
type logFile struct {
	path string
	name string // as the events have it: without folder and what rotation and packing add,
	// so that an event says the same wherever its file lies
	// found says that it was not named but lies in a folder: it may be no log.
	found bool
}

// findLogs lists the files of the arguments, in a fixed order. The error is of
// an argument that is not there.
func findLogs(args []string) (list []logFile, err error) {
	var errs []error
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case arg == "-":
			list = append(list, logFile{path: arg, name: "-"})
		case err != nil:
			errs = append(errs, err)
		case info.IsDir():
			errs = append(errs, filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				if hidden := strings.HasPrefix(entry.Name(), ".") && path != arg; hidden || !entry.Type().IsRegular() {
					if hidden && entry.IsDir() {
						return filepath.SkipDir
					}
					return nil
				}
				list = append(list, logFile{path: path, name: logName(entry.Name()), found: true})
				return nil
			}))
		default:
			list = append(list, logFile{path: arg, name: logName(filepath.Base(arg))})
		}
	}
	return list, errors.Join(errs...)
}

// rotated is what logrotate adds to a name.
var rotated = regexp.MustCompile(`(\.[0-9]{1,4}|-[0-9]{8}(-?[0-9]{2,10})?)$`)

// logName is the name of the log that a file is a copy of.
func logName(path string) string {
	name := filepath.ToSlash(path)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	if cut := rotated.ReplaceAllString(name, ""); cut != "" && !strings.HasSuffix(cut, "/") {
		return cut
	}
	return name
}

// maxFirst bounds what of a first line tells files apart.
const maxFirst = 4 << 10

// head is the beginning of the file, unpacked.
func (s *lineSource) head() ([]byte, error) {
	in, err := s.reader()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(in, maxFirst))
}

// generation names what the file holds by its first line.
func (s *lineSource) generation() (string, error) {
	head, err := s.head()
	if err != nil {
		return "", err
	}
	first, _, _ := bytes.Cut(head, []byte{'\n'})
	sum := sha256.Sum256(bytes.TrimSuffix(first, []byte{'\r'}))
	return hex.EncodeToString(sum[:16]), nil
}

// noLog says why a file of a folder is passed over, "" where it is a log.
func (s *lineSource) noLog() (string, error) {
	head, err := s.head()
	switch {
	case err != nil:
		return "", err
	case len(head) == 0:
		return "empty", nil
	case bytes.HasPrefix(head, []byte("ElfFile\x00")), !bytes.Contains(head, []byte{0}):
		return "", nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "", nil // UTF-16
	case len(head) > 3 && ((head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0) || (head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0)):
		return "", nil // UTF-16 without its mark
	}
	return "binary", nil
}

// recordsOf cuts the file into events of at most max bytes from its beginning.
func (s *lineSource) recordsOf(max int) (*parse.Records, error) {
	in, err := s.reader()
	if err != nil {
		return nil, err
	}
	return parse.NewRecords(in, max)
}

// changed is when the file was last written to: no line of it is later.
func (s *lineSource) changed() time.Time {
	info, err := s.file.Stat()
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}

// percent is how much of the file has been read.
func (s *lineSource) percent() int {
	at, err := s.file.Seek(0, io.SeekCurrent)
	info, unknown := s.file.Stat()
	if err != nil || unknown != nil || info.Size() == 0 {
		return 0
	}
	return int(at * 100 / info.Size())
}
