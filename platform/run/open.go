package run

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
)

// Between attempts to open a store that is away: first firstOpen, doubling up
// to lastOpen.
const (
	firstOpen = 100 * time.Millisecond
	lastOpen  = 5 * time.Second
)

// Open calls open until it succeeds, with a pause after each failure: a store
// that is away when a part starts comes back. It reports false where ctx ended
// first.
func Open(ctx context.Context, log *slog.Logger, part string, open func(ctx context.Context) error) bool {
	for pause := firstOpen; ; pause = min(2*pause, lastOpen) {
		err := open(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		log.WarnContext(ctx, "part waits for the document store", "part", part, "after", pause, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

var errStarting = problem.Unavailable("The service is starting. Try again in a moment.", nil)

// Opened is what a part can make only when its store is there (its use cases),
// while its routes answer from the start. The zero value is not open. Safe for
// concurrent use.
type Opened[T any] struct{ value atomic.Pointer[T] }

// Open makes the value as Open does, and gives it; nil where ctx ended first.
func (o *Opened[T]) Open(ctx context.Context, log *slog.Logger, part string, open func(ctx context.Context) (*T, error)) *T {
	Open(ctx, log, part, func(ctx context.Context) error {
		v, err := open(ctx)
		if err == nil {
			o.value.Store(v)
		}
		return err
	})
	return o.value.Load()
}

// Get gives the value, or a problem of kind unavailable while it is not open.
func (o *Opened[T]) Get() (*T, error) {
	if v := o.value.Load(); v != nil {
		return v, nil
	}
	return nil, errStarting
}

// Ready says whether it is open.
func (o *Opened[T]) Ready() error {
	if o.value.Load() == nil {
		return httpx.NotReady(string(Documents), errors.New("the document store is not open yet"))
	}
	return nil
}

// Engine is the name of an engine in /readyz and on the health page.
type Engine string

// The engines that Deps has.
const (
	Documents Engine = "documents"
	Kafka     Engine = "kafka"
	Events    Engine = "events"
	Files     Engine = "files"
)

// Ready asks the engines that a part uses, in their order. The error of the
// first that is away names it (httpx.NotReady).
func (d Deps) Ready(ctx context.Context, engines ...Engine) error {
	for _, e := range engines {
		var err error
		switch e {
		case Documents:
			err = d.Docs.Ready(ctx)
		case Kafka:
			err = d.Bus.Ready(ctx)
		case Events:
			err = d.Events.Ready(ctx)
		case Files:
			err = d.Blobs.Ready(ctx)
		}
		if err != nil {
			return httpx.NotReady(string(e), err)
		}
	}
	return nil
}
