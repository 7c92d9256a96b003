package collector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

// How long lines of a connection are held to be published together.
const gather = 20 * time.Millisecond

// window is how many bytes of a connection the system takes before the
// collector does. What lies there is lost with the machine or the process, and
// its sender believes it sent.
const window = 128 << 10

// narrow is a listener whose connections have that window.
type narrow struct{ net.Listener }

// Accept implements net.Listener.
func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(window)
	}
	return conn, err
}

// listenTCP takes connections until ctx is done, and gives each to serve.
func (m *Module) listenTCP(ctx context.Context, l net.Listener, way string, serve func(context.Context, net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, m.cfg.MaxConnections)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			m.deps.Log.Warn("a syslog connection could not be accepted", "err", err)
			time.Sleep(50 * time.Millisecond) // out of descriptors: others must close first
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			m.metrics.refused.WithLabelValues(way, "too-many-connections").Inc()
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			serve(ctx, conn)
		})
	}
}

// remote is the address of the other end.
func remote(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// serveTCP finds the sender by its address and reads its messages.
func (m *Module) serveTCP(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	from := remote(conn.RemoteAddr())
	m.serve(ctx, conn, func() (Source, bool, bool) { return m.sources.byAddress(from) }, "tcp", ecs.ProvenanceTCP)
}

// finder looks a sender up in the register as it is now. registered is false
// where it is nobody's that the register names; ok is false where it is refused.
type finder func() (src Source, registered, ok bool)

// serve reads the messages of one connection. While a batch is being
// published nothing is read, so that a sender is held back by TCP itself.
// The sender is looked up again when the register has changed: what follows is
// taken as the register says by then, or the connection ends.
func (m *Module) serve(ctx context.Context, conn net.Conn, find finder, way, provenance string) {
	generation := m.sources.generation()
	src, registered, ok := find()
	if !ok {
		m.metrics.refused.WithLabelValues(way, "unknown-sender").Inc()
		return
	}
	if !registered {
		m.deps.Log.Info("syslog from a sender that is not in the register", "way", way)
	}
	o := m.intake.open(src, way, provenance, parse.Options{Live: true})
	in := newFrames(conn, m.cfg.MaxLine, m.cfg.Stall)
	// Told to stop, the collector says so to the sender and reads what that had
	// sent until then; all that was read is published.
	stop := context.AfterFunc(ctx, in.last)
	defer stop()
	persist := context.WithoutCancel(ctx)
	b := batch{spill: func(b *batch) error {
		wait, cancel := context.WithTimeout(persist, m.grace(ctx))
		defer cancel()
		return m.intake.persist(wait, b)
	}}
	lines := 0 // since the quota was last charged
	for {
		frame, err := in.next(b.len() > 0)
		if now := m.sources.generation(); now != generation {
			generation = now
			if src, _, ok = find(); ok {
				m.intake.renew(&o, src)
			} else { // what came before is published, this and the rest is not taken
				m.metrics.refused.WithLabelValues(way, "unknown-sender").Inc()
				frame.raw, frame.reason, err = nil, "", errWithdrawn
			}
		}
		if len(frame.raw) > 0 || frame.reason != "" {
			m.intake.add(&b, &o, line{raw: frame.raw, reason: frame.reason, detail: frame.detail}, m.deps.Clock())
			lines++
		}
		pause := errors.Is(err, errPause)
		if b.full(m.cfg.MaxBatch) || err != nil {
			if perr := b.spill(&b); perr != nil {
				m.deps.Log.Error("lines of a syslog connection were lost with the bus", "source", src.ID, "lines", b.len())
				return
			}
		}
		if err != nil && !pause {
			return
		}
		if b.len() == 0 { // what was read is durable: only what follows waits
			m.quotas.hold(ctx, o.source, lines)
			lines = 0
		}
	}
}

// grace is how long unpublished lines may wait for the bus: as long as it
// takes, and a few seconds once the collector is told to stop.
func (m *Module) grace(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 5 * time.Second
	}
	return 24 * time.Hour
}

// errWithdrawn says that the register no longer knows a sender.
var errWithdrawn = errors.New("the register has no such source any more")

// errPause says that nothing came for a while.
var errPause = errors.New("pause")

// frames cuts a stream of syslog into messages (RFC 6587): each is counted
// ("123 <…") or ends with a newline or NUL, decided anew per message.
type frames struct {
	conn  net.Conn
	in    *bufio.Reader
	max   int
	stall time.Duration
	buf   []byte
	mu    sync.Mutex
	end   time.Time // of all reading; zero: it goes on
	begun time.Time // of the message that is half there
	left  int       // of a counted message that is too long: bytes still to come
	rest  bool      // the rest of a line that was too long
}

func newFrames(conn net.Conn, max int, stall time.Duration) *frames {
	return &frames{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), max: max, stall: stall}
}

// frame is one message; with a reason it is a dead letter as it is. raw is
// valid until the next call.
type frame struct {
	raw            []byte
	reason, detail string
}

// lastWords is how long a sender has to notice that no more is taken.
const lastWords = time.Second

// last tells the sender that no more is taken, and lets reading end soon: what a
// sender has written before it notices would otherwise be lost, for nothing in
// syslog tells it.
func (f *frames) last() {
	if half, ok := f.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end = time.Now().Add(lastWords)
	_ = f.conn.SetReadDeadline(f.end)
}

// until sets when the next reading ends, which is not after all reading does;
// zero is never.
func (f *frames) until(deadline time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.end.IsZero() && (deadline.IsZero() || deadline.After(f.end)) {
		deadline = f.end
	}
	return f.conn.SetReadDeadline(deadline)
}

// over says whether all reading has ended.
func (f *frames) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.end.IsZero() && !time.Now().Before(f.end)
}

// maxCounted bounds what a counted message may claim.
const maxCounted = 64 << 20

// next returns the next message. With held it returns errPause when nothing
// comes for a moment, so that what is held can be published. After an error
// other than errPause the connection is over; the frame with it is its last.
func (f *frames) next(held bool) (frame, error) {
	if f.begun.IsZero() {
		f.buf = f.buf[:0]
	}
	for {
		if err := f.wait(held); err != nil {
			return f.ended(err)
		}
		if f.begun.IsZero() {
			f.begun = time.Now()
		}
		if f.left > 0 {
			return f.counted(f.left, true)
		}
		if n, digits, ok := f.count(); ok {
			_, _ = f.in.Discard(digits)
			return f.counted(n, false)
		}
		if done, out := f.delimited(); done {
			return out, nil
		}
	}
}

// wait returns when there is something to read.
func (f *frames) wait(held bool) error {
	if f.in.Buffered() > 0 {
		return nil
	}
	deadline := time.Time{}
	switch {
	case held:
		deadline = time.Now().Add(gather)
	case !f.begun.IsZero():
		deadline = f.begun.Add(f.stall)
	}
	if err := f.until(deadline); err != nil {
		return err
	}
	_, err := f.in.Peek(1)
	if held && errors.Is(err, os.ErrDeadlineExceeded) && !f.over() {
		return errPause
	}
	return err
}

// count sees whether a counted message begins here. "1 2026-…" is a message
// without a priority, so what follows the number must be '<'.
func (f *frames) count() (n, digits int, ok bool) {
	if len(f.buf) > 0 || f.rest {
		return 0, 0, false
	}
	if c, _ := f.in.Peek(1); c[0] < '1' || c[0] > '9' {
		return 0, 0, false
	}
	head, _ := f.in.Peek(min(12, f.in.Buffered()))
	if bytes.IndexByte(head, '<') < 0 && len(head) < 12 && bytes.IndexByte(head, '\n') < 0 {
		_ = f.until(f.begun.Add(f.stall))
		head, _ = f.in.Peek(12) // the count may come in a packet of its own
	}
	space := bytes.IndexByte(head, ' ')
	if space < 1 || space+1 >= len(head) || head[space+1] != '<' {
		return 0, 0, false
	}
	n, err := strconv.Atoi(string(head[:space]))
	return n, space + 1, err == nil && n > 0
}

// counted reads a message of n bytes; one that is too long in pieces.
func (f *frames) counted(n int, rest bool) (frame, error) {
	if n > maxCounted {
		return frame{reason: ReasonTooLong, detail: "a counted message claims more than 64 MiB"}, io.ErrUnexpectedEOF
	}
	take := min(n, f.max)
	_ = f.until(time.Now().Add(f.stall))
	f.buf = append(f.buf[:0], make([]byte, take)...)
	got, err := io.ReadFull(f.in, f.buf)
	if err != nil {
		return frame{raw: f.buf[:got], reason: ReasonIncomplete, detail: "the connection ended inside a counted message"}, err
	}
	f.left, f.begun = n-take, time.Time{}
	if f.left > 0 || rest {
		return frame{raw: f.buf, reason: ReasonTooLong, detail: "a piece of a message that is too long"}, nil
	}
	return frame{raw: bytes.TrimRight(f.buf, "\n\x00")}, nil
}

// delimited takes what there is of a message that ends with a newline or NUL.
func (f *frames) delimited() (done bool, out frame) {
	chunk, _ := f.in.Peek(f.in.Buffered())
	end := bytes.IndexAny(chunk, "\n\x00")
	room := f.max - len(f.buf)
	if end >= 0 && end <= room {
		f.buf = append(f.buf, chunk[:end]...)
		_, _ = f.in.Discard(end + 1)
		out = frame{raw: f.buf}
		if f.rest {
			out.reason, out.detail = ReasonTooLong, "the end of a line that is too long"
		}
		f.rest, f.begun = false, time.Time{}
		return true, out
	}
	take := min(len(chunk), room)
	f.buf = append(f.buf, chunk[:take]...)
	_, _ = f.in.Discard(take)
	if take < len(chunk) {
		f.rest, f.begun = true, time.Time{}
		return true, frame{raw: f.buf, reason: ReasonTooLong, detail: "a piece of a line that is too long"}
	}
	return false, frame{}
}

// ended gives what was read of a message when its connection ended: after the
// last newline a whole line may stand, but one that stalled is broken off.
func (f *frames) ended(err error) (frame, error) {
	if errors.Is(err, errPause) || len(f.buf) == 0 || f.begun.IsZero() {
		return frame{}, err
	}
	if errors.Is(err, io.EOF) && !f.rest {
		return frame{raw: f.buf}, err
	}
	return frame{raw: f.buf, reason: ReasonIncomplete, detail: "the connection stopped inside a line"}, err
}
