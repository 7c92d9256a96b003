package httpx

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/time/rate"

	"varde.internal/platform/problem"
)

var (
	errTooLarge = problem.New(problem.KindTooLarge, "too-large", "This is larger than what is taken here.")
	errTooMany  = problem.New(problem.KindTooMany, "too-many-requests", "Too many requests at once. Wait a moment.")
	errBusy     = problem.New(problem.KindUnavailable, "busy", "The service is busy. Try again in a moment.")
)

// limiter bounds how much runs at once, and how much one person asks for.
// Anonymous callers have no bound of their own here: their address is not
// known on purpose, and abuse must not shut honest reporters out (N7).
type limiter struct {
	running atomic.Int64
	most    int64
	rate    rate.Limit
	burst   int

	mu      sync.Mutex
	callers map[string]*caller
}

type caller struct {
	limit *rate.Limiter
	last  time.Time
}

// maxCallers bounds the table; idle callers are forgotten first.
const maxCallers = 10_000

func newLimiter(c Config) *limiter {
	return &limiter{most: int64(c.MaxRunning), rate: rate.Limit(c.Rate), burst: c.Burst, callers: map[string]*caller{}}
}

func (l *limiter) enter(r *request) (release func(), err error) {
	if r.subject != "" && !l.take(r.subject, time.Now()) {
		return nil, errTooMany
	}
	if l.running.Add(1) > l.most {
		l.running.Add(-1)
		return nil, errBusy
	}
	return func() { l.running.Add(-1) }, nil
}

func (l *limiter) take(subject string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[subject]
	if c == nil {
		if len(l.callers) >= maxCallers {
			for k, v := range l.callers {
				if now.Sub(v.last) > time.Minute {
					delete(l.callers, k)
				}
			}
		}
		c = &caller{limit: rate.NewLimiter(l.rate, l.burst)}
		l.callers[subject] = c
	}
	c.last = now
	return c.limit.AllowN(now, 1)
}

type streamKey struct{}

// readBody reads a JSON body up to the operation's limit and puts it back for
// the handler, or prepares the stream of another kind of body.
func (s *server) readBody(c *fiber.Ctx, op *Operation) ([]byte, error) {
	limit := s.cfg.BodyLimit
	if op.BodyLimit > 0 {
		limit = op.BodyLimit
	}
	if int64(c.Request().Header.ContentLength()) > limit {
		c.Context().SetConnectionClose()
		return nil, errTooLarge
	}
	in := c.Context().RequestBodyStream()
	if in == nil {
		in = eofReader{}
	}
	if op.Stream {
		c.Locals(streamKey{}, &limited{in: in, left: limit})
		return nil, nil
	}
	if c.Get(fiber.HeaderContentEncoding) != "" {
		c.Context().SetConnectionClose()
		return nil, problem.Invalid("The body must not be compressed.", problem.Field{Pointer: fiber.HeaderContentEncoding, Slug: "wrong-form", Detail: "This is not taken here."})
	}
	body, err := io.ReadAll(&limited{in: in, left: limit})
	if err != nil {
		c.Context().SetConnectionClose()
		var p *problem.Error
		if errors.As(err, &p) {
			return nil, p
		}
		return nil, problem.Invalid("The body ended before it was whole.").Because(err)
	}
	c.Request().SetBody(body)
	return body, nil
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

// limited fails with 413 where more than left bytes come.
type limited struct {
	in   io.Reader
	left int64
	end  bool
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.in.Read(p)
	l.left -= int64(n)
	l.end = errors.Is(err, io.EOF)
	if l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// drain reads what a handler left of a streamed body, so that the connection
// is at the next request; where much is left the connection closes instead.
func drain(c *fiber.Ctx) {
	l, ok := c.Locals(streamKey{}).(*limited)
	if !ok || l.end {
		return
	}
	_, err := io.CopyN(io.Discard, l.in, 256<<10)
	if !errors.Is(err, io.EOF) {
		c.Context().SetConnectionClose()
	}
}

// BodyReader is the body of an operation that does not take JSON. It fails
// with 413 past the operation's limit; it is valid inside the handler only.
func BodyReader(c *fiber.Ctx) io.Reader {
	if l, ok := c.Locals(streamKey{}).(*limited); ok {
		return l
	}
	return eofReader{}
}

// Parts reads a multipart/form-data body part by part, without files on disk
// and without holding it in memory.
func Parts(c *fiber.Ctx) (*multipart.Reader, error) {
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm || params["boundary"] == "" {
		return nil, problem.Invalid("The body must be multipart/form-data.", problem.Field{Pointer: fiber.HeaderContentType, Slug: "wrong-content-type", Detail: "The body must be multipart/form-data."})
	}
	return multipart.NewReader(BodyReader(c), params["boundary"]), nil
}
