package installation

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"

	"varde.internal/platform/bus"
	"varde.internal/platform/disk"
	"varde.internal/platform/httpx"
)

// folders are where this machine's disk holds data, by what they are: of the
// embedded engines, and of those given as a folder or file.
func (c Config) folders() map[string]string {
	out := map[string]string{}
	for name, engine := range map[string]string{"bus": c.Bus.Reveal(), "documents": c.Documents.Reveal(), "events": c.Events.Reveal(), "files": c.Files.Reveal()} {
		switch u, err := url.Parse(engine); {
		case engine == "":
			out[name] = c.in(name)
		case err != nil:
		case u.Scheme == "file":
			out[name] = filepath.FromSlash(u.Path)
		case strings.HasPrefix(u.Scheme, "sqlite"):
			out[name] = filepath.Dir(filepath.FromSlash(u.Path))
		}
	}
	return out
}

// notice tells with the collector, which is the first that will wait, that the
// disk is filling up; and what it cannot fetch.
func (in *Installation) notice(part string) string {
	if part != "collector" {
		return ""
	}
	var notices []string
	if err := in.watch.Ample(); err != nil {
		notices = append(notices, err.Error())
	}
	if in.syslog != nil {
		if n := in.syslog.Notice(); n != "" {
			notices = append(notices, n)
		}
	}
	return strings.Join(notices, "; ")
}

// heldBus takes no events while there is no room on the disk (N4): whoever
// sends them is held back as while the bus is away, and goes on by itself.
type heldBus struct {
	bus.Bus
	watch *disk.Watch
}

// Publish implements bus.Publisher.
func (b heldBus) Publish(ctx context.Context, topic string, messages ...bus.Message) error {
	if err := b.watch.Room(); err != nil {
		return err
	}
	return b.Bus.Publish(ctx, topic, messages...)
}

// Ready implements bus.Bus.
func (b heldBus) Ready(ctx context.Context) error {
	if err := b.watch.Room(); err != nil {
		return httpx.NotReady("disk", err)
	}
	return b.Bus.Ready(ctx)
}

// heldReader works through no events while the last of the disk is left, so
// that people can go on reporting: the batches come again.
type heldReader struct {
	bus.Bus
	watch *disk.Watch
}

// Consume implements bus.Bus.
func (b heldReader) Consume(ctx context.Context, topic, group string, opt bus.ConsumeOptions, h bus.Handler) error {
	return b.Bus.Consume(ctx, topic, group, opt, func(ctx context.Context, batch []bus.Message) error {
		if err := b.watch.Rest(); err != nil {
			return err
		}
		return h(ctx, batch)
	})
}

// Ready implements bus.Bus.
func (b heldReader) Ready(ctx context.Context) error {
	if err := b.watch.Rest(); err != nil {
		return httpx.NotReady("disk", err)
	}
	return b.Bus.Ready(ctx)
}

// heldAgain reads as heldReader does, and publishes no events while the
// collector takes none: what is to be read again can wait.
type heldAgain struct{ heldReader }

// Publish implements bus.Publisher.
func (b heldAgain) Publish(ctx context.Context, topic string, messages ...bus.Message) error {
	if topic == bus.TopicEvents {
		if err := b.watch.Room(); err != nil {
			return err
		}
	}
	return b.heldReader.Publish(ctx, topic, messages...)
}
