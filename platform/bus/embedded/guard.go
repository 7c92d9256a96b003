package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a request may measure. kfake allocates what the first four bytes of a
// request say before it looks at anything else, the password included: "GET "
// of a stray HTTP request would be 1.1 GB.
const (
	// maxBefore is for a connection that has not proved the password: SCRAM
	// messages and questions for versions are some hundred bytes.
	maxBefore = 64 << 10
	// maxAfter is well above the largest batch that our adapter sends.
	maxAfter = 64 << 20
)

// Requests by their key, in the protocol's numbers.
const (
	keySASLHandshake    = 17
	keyAPIVersions      = 18
	keySASLAuthenticate = 36
)

// scramRounds is how many successful answers to SaslAuthenticate prove the
// password with SCRAM.
const scramRounds = 2

// guard closes connections that would make kfake allocate without bounds, or
// end the process: kfake trusts the length of a request, and panics on one
// whose kind it does not know. Anyone on this machine can connect.
type guard struct {
	net.Listener
	log *slog.Logger
	// open is true for a broker without a password, in tests.
	open    bool
	refused atomic.Bool // said once: whoever scans ports would fill the log
}

// Accept implements net.Listener.
func (g *guard) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guarded{Conn: c, in: bufio.NewReaderSize(c, 4096), guard: g, proved: g.open}, nil
}

// guarded is a connection whose requests are looked at before kfake reads them.
type guarded struct {
	net.Conn
	in    *bufio.Reader
	guard *guard
	left  int // bytes of the present request that kfake has not read yet

	mu     sync.Mutex
	proved bool // it knows the password
	rounds int
	asked  []question // before it is proved: what is not answered yet, oldest first
}

// question is a request that an answer belongs to: kfake answers in order.
type question struct{ key, version int16 }

var errNoRequest = errors.New("embedded broker: not a request of the protocol")

// Read implements net.Conn. kfake reads one request after the other.
func (c *guarded) Read(p []byte) (int, error) {
	if c.left == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	n, err := c.in.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// begin looks at the head of the next request: length, kind and version.
func (c *guarded) begin() error {
	head, err := c.in.Peek(8)
	if err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head)
	asked := question{int16(binary.BigEndian.Uint16(head[4:])), int16(binary.BigEndian.Uint16(head[6:]))} //nolint:gosec // the protocol's signed numbers
	if !c.takes(length, asked) {
		if !c.guard.refused.Swap(true) {
			c.guard.log.Warn("something that is not Varde connected to the embedded broker and was turned away; further ones are not mentioned")
		}
		_ = c.Close()
		return errNoRequest
	}
	c.left = 4 + int(length)
	return nil
}

func (c *guarded) takes(length uint32, q question) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Eight bytes are kind, version and correlation id, which every request has.
	if length < 8 || length > maxAfter || kmsg.RequestForKey(q.key) == nil {
		return false
	}
	if c.proved {
		return true
	}
	switch q.key {
	case keySASLHandshake:
		c.rounds = 0 // the proof begins anew
	case keyAPIVersions, keySASLAuthenticate:
	default:
		return false // kfake would refuse it too, but after reading it
	}
	c.asked = append(c.asked, q)
	return length <= maxBefore
}

// Write implements net.Conn. kfake writes one whole answer at a time.
func (c *guarded) Write(p []byte) (int, error) {
	c.answered(p)
	return c.Conn.Write(p)
}

// answered counts the rounds of SCRAM that succeeded, before the client can
// know of it and go on.
func (c *guarded) answered(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proved || len(c.asked) == 0 {
		return
	}
	q := c.asked[0]
	c.asked = c.asked[1:]
	code := 8 // behind length and correlation id
	if q.version >= 2 {
		code = 9 // and behind the tags of a flexible header
	}
	if q.key != keySASLAuthenticate || len(p) < code+2 || binary.BigEndian.Uint16(p[code:]) != 0 {
		return
	}
	c.rounds++
	c.proved = c.rounds == scramRounds
}
