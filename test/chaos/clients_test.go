package chaos

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// overSyslog sends as a syslog daemon does over plain TCP: it knows what it has
// written, never what was taken. When a connection breaks it goes on in a new
// one with the first line that it has not written. What it may be sure of is
// what ranges is checked against.
func (m *stream) overSyslog(ctx context.Context, pace time.Duration) error {
	next := 1
	for next <= m.total {
		conn, err := net.DialTimeout("tcp", m.site.Syslog, 5*time.Second)
		if err != nil {
			m.retries.Add(1)
			if !pause(ctx, 100*time.Millisecond) {
				return fmt.Errorf("%s: line %d: %w", m.name, next, ctx.Err())
			}
			continue
		}
		var sent sentOver
		sent, next = m.overOne(ctx, conn.(*net.TCPConn), next, pace)
		m.ranges = append(m.ranges, sent)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// overOne sends over one connection until it breaks or all is sent.
func (m *stream) overOne(ctx context.Context, conn *net.TCPConn, first int, pace time.Duration) (sentOver, int) {
	defer conn.Close()
	_ = conn.SetWriteBuffer(64 << 10) // what a kill may cost
	var closed atomic.Bool
	gone := make(chan error, 1)
	go func() { // the collector never says anything: whatever comes is the end
		_, err := io.Copy(io.Discard, conn)
		closed.Store(true)
		gone <- err
	}()
	sent := sentOver{first: first, last: first - 1}
	next := first
	for next <= m.total && !closed.Load() && ctx.Err() == nil {
		last := min(m.total, next+m.rng.IntN(200))
		if m.await(ctx, last) != nil {
			break
		}
		for _, line := range m.lines(next, last) {
			message := "<13>" + line
			if m.rng.IntN(2) == 0 { // both framings of RFC 6587
				message = fmt.Sprintf("%d %s", len(message), message)
			} else {
				message += "\n"
			}
			_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := io.WriteString(conn, message); err != nil {
				return sent, next
			}
			sent.last = next
			m.done.Store(int64(next))
			next++
		}
		if pace > 0 {
			pause(ctx, pace)
		}
	}
	if closed.Load() || ctx.Err() != nil {
		return sent, next
	}
	_ = conn.CloseWrite()
	select {
	case err := <-gone:
		sent.whole = err == nil
	case <-ctx.Done():
	}
	return sent, next
}

// keptRotated is how many rotated files stay beside the one that is written.
const keptRotated = 12

// beginFile writes the first line. A log that was rotated before the collector
// looked at it for the first time is not the collector's to read.
func (m *stream) beginFile() error {
	m.done.Store(1)
	return os.WriteFile(m.site.file(m), []byte(m.lines(1, 1)[0]+"\n"), 0o644)
}

// intoFile goes on with a log as a daemon does, rotated now and then by renaming.
func (m *stream) intoFile(ctx context.Context, pace time.Duration) error {
	path := m.site.file(m)
	for next := 2; next <= m.total; {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		end := min(m.total, next+max(200, m.total/12)+m.rng.IntN(400))
		for next <= end {
			last := min(end, next+m.rng.IntN(300))
			if err := m.await(ctx, last); err != nil {
				return err
			}
			if _, err := io.WriteString(f, strings.Join(m.lines(next, last), "\n")+"\n"); err != nil {
				return err
			}
			next = last + 1
			m.done.Store(int64(last))
			if !pause(ctx, pace+time.Millisecond) {
				return ctx.Err()
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
		if next <= m.total {
			if err := m.rotate(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// rotate renames PATH to PATH.1, PATH.1 to PATH.2 and so on.
func (m *stream) rotate(path string) error {
	m.rotated++
	old, err := filepath.Glob(path + ".*")
	if err != nil {
		return err
	}
	for n := keptRotated; n > 0; n-- {
		from := fmt.Sprintf("%s.%d", path, n)
		if !slices.Contains(old, from) {
			continue
		}
		if n == keptRotated {
			err = os.Remove(from)
		} else {
			err = os.Rename(from, fmt.Sprintf("%s.%d", path, n+1))
		}
		if err != nil {
			return err
		}
	}
	return os.Rename(path, path+".1")
}
