// Package run is the life of a part: what it is given, how it is started,
// asked whether it is ready, and stopped. `varde serve` runs any set of parts
// in one process; each has its own Fiber application and its own address.
package run

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
)

// Deps is what a part is given. A part uses what it needs and owns none of it:
// it closes nothing here.
type Deps struct {
	Log      *slog.Logger
	Clock    func() time.Time
	Metrics  prometheus.Registerer
	Bus      bus.Bus
	Docs     docstore.Store
	Events   eventindex.Index
	Blobs    blob.Bucket
	Verifier auth.Verifier
	Tokens   auth.TokenSource
	Audit    audit.Client
	// Secret derives this part's key for a use ("reporter-identity",
	// "topic-keys", …) from the installation's keys: 32 bytes, the same at each start.
	Secret func(use string) []byte
	// Endpoint gives the base URL of another service's API.
	Endpoint func(service string) string
}

// Part is a service or an ingest worker. New… constructors do no I/O.
type Part interface {
	// Name is the word used with `varde serve NAME`, as token audience and in metrics.
	Name() string
	// App has the part's routes, nil where it has none.
	App() *fiber.App
	// Run does the background work until ctx is done: declares collections,
	// consumes topics, relays outboxes. It waits for engines that are down.
	Run(ctx context.Context) error
	// Ready says whether the part can do its work now; the error is for operators.
	Ready(ctx context.Context) error
}
