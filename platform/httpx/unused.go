package httpx

import (
	"net"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// closeUnused lets a connection on which nothing was ever sent end without a
// word when its time is up, as connections do that carried a request before.
// fasthttp answers it with an error, and clients keep spare connections: the
// answer to no request would be taken for that to the next one.
func closeUnused(app *fiber.App) {
	server := app.Server()
	answer := server.ErrorHandler
	server.ErrorHandler = func(c *fasthttp.RequestCtx, err error) {
		// In the middle of a request the error comes wrapped.
		if unused, ok := err.(net.Error); ok && unused.Timeout() { //nolint:errorlint // see above
			_ = c.Conn().Close()
			return
		}
		answer(c, err)
	}
}
