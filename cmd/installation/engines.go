package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/mongo"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/elastic"
	embeddedindex "varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/keyring"
)

// engines are what the parts of one process stand on, and how to close them.
type engines struct {
	bus    bus.Bus
	docs   docstore.Store
	events eventindex.Index
	blobs  blob.Bucket
	close  []func() error // in the order opened
}

// openEngines opens each engine by its URL, or the embedded one. Real engines
// that are down do not fail here: parts wait for them and say so in /readyz.
func openEngines(ctx context.Context, c Config, keys *keyring.Keyring, log *slog.Logger) (e *engines, err error) {
	e = &engines{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	busURL := c.Bus.Reveal()
	if busURL == "" {
		broker, err := embedded.Start(embedded.Options{Dir: c.in("bus"), Log: log})
		if errors.Is(err, embedded.ErrInUse) {
			return e, fmt.Errorf("another process has the data folder %s open: stop it, or name another folder with --data", c.Data)
		}
		if err != nil {
			return e, fmt.Errorf("embedded bus: %w", err)
		}
		e.close = append(e.close, broker.Close)
		busURL = broker.URL()
	}
	b, err := kafka.Open(busURL, kafka.Options{Log: log})
	if err != nil {
		return e, fmt.Errorf("bus: %w", err)
	}
	e.bus = b
	e.close = append(e.close, b.Close)

	documents := c.Documents.Reveal()
	switch {
	case documents == "":
		e.docs, err = sqlite.Open(ctx, "sqlite://"+c.in("documents", "varde.sqlite"))
	case strings.HasPrefix(documents, "sqlite:"):
		e.docs, err = sqlite.Open(ctx, documents)
	default:
		e.docs, err = mongo.Open(ctx, documents)
	}
	if err != nil {
		return e, fmt.Errorf("documents: %w", err)
	}
	e.close = append(e.close, e.docs.Close)

	if url := c.Events.Reveal(); url != "" {
		e.events, err = elastic.Open(ctx, url)
	} else {
		e.events, err = embeddedindex.Open(ctx, c.in("events"), embeddedindex.Options{SetAside: func(tenant, partition, file string, cause error) {
			log.Error("a damaged file of the event index was set aside; the archive fills its place, and the file is kept for you to look at or remove",
				"tenant", tenant, "partition", partition, "file", file, "error", cause)
		}})
	}
	if err != nil {
		return e, fmt.Errorf("events: %w", err)
	}
	e.close = append(e.close, e.events.Close)

	files := c.Files.Reveal()
	if files == "" {
		files = "file://" + c.in("files")
	}
	identities, err := keys.Files()
	if err != nil {
		return e, fmt.Errorf("keys of files: %w", err)
	}
	if e.blobs, err = blob.Open(ctx, files, identities...); err != nil {
		return e, fmt.Errorf("files: %w", err)
	}
	e.close = append(e.close, e.blobs.Close)
	return e, nil
}

// Close closes in the reverse order of opening.
func (e *engines) Close() error {
	var errs []error
	for i := len(e.close) - 1; i >= 0; i-- {
		errs = append(errs, e.close[i]())
	}
	e.close = nil
	return errors.Join(errs...)
}
