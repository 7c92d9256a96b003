package httpx_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/httpx"
)

// A client's spare connection is closed, not answered; half a request is.
func TestAnUnusedConnectionEndsWithoutAnAnswer(t *testing.T) {
	app, err := httpx.New(httpx.Config{Name: "test", Contract: httpx.NoContract})
	require.NoError(t, err)
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString("here") })
	app.Server().ReadTimeout, app.Server().IdleTimeout = 100*time.Millisecond, 100*time.Millisecond
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = app.Listener(ln) }()
	t.Cleanup(func() { _ = app.Shutdown() })

	for sent, want := range map[string]string{
		"":                              "",
		"GET / HTTP/1.1\r\nHost: x\r\n": "HTTP/1.1 4",
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, sent)
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, string(got))
		} else {
			require.Contains(t, string(got), want)
		}
	}
}
