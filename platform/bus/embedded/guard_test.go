package embedded_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
)

func host(t *testing.T, b *embedded.Broker) string {
	t.Helper()
	u, err := url.Parse(b.URL())
	require.NoError(t, err)
	return u.Host
}

// request is the head of a Kafka request that says it is length bytes long.
func request(length uint32, key, version uint16) []byte {
	head := binary.BigEndian.AppendUint32(nil, length)
	head = binary.BigEndian.AppendUint16(head, key)
	head = binary.BigEndian.AppendUint16(head, version)
	return binary.BigEndian.AppendUint32(head, 1) // correlation id
}

// turnedAway sends what and says whether the broker closed the connection
// without an answer.
func turnedAway(t *testing.T, address string, what []byte) bool {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = c.Write(what)
	require.NoError(t, err)
	n, err := c.Read(make([]byte, 1))
	return n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// Anyone on this machine can connect: it must cost next to nothing, and must
// not end the process. Not parallel: it counts what the process allocates.
func TestAStrangerMakesTheBrokerNeitherAllocateNorEnd(t *testing.T) {
	broker := start(t, embedded.Options{Dir: t.TempDir()})
	address := host(t, broker)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := (&http.Client{Timeout: 30 * time.Second}).Get("http://" + address + "/")
	require.ErrorIs(t, err, io.EOF, "the length that an HTTP request begins with is 1.1 GB")
	for name, what := range map[string][]byte{
		"length of 2 GB":               request(1<<31, 18, 3),
		"length of 1 MB":               request(1<<20, 18, 3),
		"no room for a head":           request(4, 18, 3),
		"a kind that there is not":     request(20, 999, 0),
		"producing without a password": request(200, 0, 9),
		"TLS":                          []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	} {
		require.True(t, turnedAway(t, address, what), name)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "bytes allocated")

	b := open(t, broker)
	require.NoError(t, b.EnsureTopics(t.Context(), topic("big")))
	require.NoError(t, b.Publish(t.Context(), "big", bus.Message{ID: "1", Value: []byte(strings.Repeat("x", bus.DefaultMaxMessage))}))
	require.Len(t, read(t, b, "big"), 1, "who has the password sends as much as ever")
}

// The first of two rounds succeeds without the password.
func TestHalfAPasswordIsNone(t *testing.T) {
	t.Parallel()
	address := host(t, start(t, embedded.Options{Dir: t.TempDir()}))
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	send := func(key, version uint16, body []byte) (code uint16) {
		head := request(uint32(8+2+len(body)), key, version)
		_, err := c.Write(append(append(head, 0xff, 0xff), body...)) // no client id
		require.NoError(t, err)
		size := make([]byte, 4)
		_, err = io.ReadFull(c, size)
		require.NoError(t, err)
		answer := make([]byte, binary.BigEndian.Uint32(size))
		_, err = io.ReadFull(c, answer)
		require.NoError(t, err)
		return binary.BigEndian.Uint16(answer[4:])
	}
	text := func(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }
	first := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	require.Zero(t, send(17, 1, text("SCRAM-SHA-256")))
	require.Zero(t, send(36, 1, first("n,,n=varde,r=0123456789abcdef")))
	_, err = c.Write(request(1<<20, 0, 9))
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
