package docstoretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/systemscope"
)

// Publisher is a bus that remembers, and fails when told to. It stands for the
// broker only: what is under test is the store and its relay.
type Publisher struct {
	mu   sync.Mutex
	ids  []string
	fail func(topic string, m bus.Message) error
}

// Publish implements bus.Publisher: messages before a failing one count as sent.
func (p *Publisher) Publish(_ context.Context, topic string, msgs ...bus.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range msgs {
		if p.fail != nil {
			if err := p.fail(topic, m); err != nil {
				return err
			}
		}
		p.ids = append(p.ids, m.ID)
	}
	return nil
}

func (p *Publisher) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.ids...)
}

// relaying runs a relay until stop is called.
func relaying(t *testing.T, s docstore.Store, name string, p bus.Publisher, opt docstore.RelayOptions) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	done := make(chan error, 1)
	go func() { done <- docstore.Relay(ctx, s, name, p, opt) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); require.NoError(t, <-done) }) }
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.True(t, ok, what)
}

func outbox(t *testing.T, s docstore.Store, caps Caps) {
	t.Run("order and clearing", func(t *testing.T) { order(t, s, caps) })
	t.Run("crash between publish and clear", func(t *testing.T) { crash(t, s) })
	t.Run("an orderly stop clears what has left", func(t *testing.T) { stops(t, s) })
	t.Run("a refused message holds up its document only", func(t *testing.T) { poison(t, s) })
	t.Run("wakes at once", func(t *testing.T) { wakes(t, s) })
	t.Run("one relay at a time", func(t *testing.T) { leased(t, s) })
}

func order(t *testing.T, s docstore.Store, caps Caps) {
	ctx := in(t.Context(), "nordvik")
	def := definition("outbox")
	c, err := docstore.Open[Sample](ctx, s, def)
	require.NoError(t, err)
	p := &Publisher{}
	relaying(t, s, def.Name, p, docstore.RelayOptions{Batch: 3})
	docs, each := 5, 12
	if caps.Slow {
		docs, each = 3, 5
	}
	var wg sync.WaitGroup
	for d := range docs {
		id := fmt.Sprintf("d%d", d)
		wg.Go(func() {
			_, err := c.Insert(ctx, id, Sample{}, message(id+"-00a"), message(id+"-00b"))
			if err != nil {
				t.Errorf("insert: %v", err)
			}
			for i := 1; i < each; i++ {
				_, err := c.Update(ctx, id, func(v *Sample, out *docstore.Outbox) error {
					v.Rank++
					out.Publish([]string{bus.TopicCases, bus.TopicAudit}[i%2], message(fmt.Sprintf("%s-%02d", id, i)).Message)
					return nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all sent", func() bool { return len(p.sent()) == docs*(each+1) })
	last := map[string]string{}
	for _, id := range p.sent() {
		doc, _, _ := strings.Cut(id, "-")
		require.Greater(t, id, last[doc], "in the order of the document")
		last[doc] = id
	}
	for d := range docs {
		id := fmt.Sprintf("d%d", d)
		got, err := c.Get(ctx, id)
		require.NoError(t, err)
		require.EqualValues(t, each, got.Version, "the relay does not touch the version")
		eventually(t, "the outbox is empty", func() bool { return c.Delete(ctx, id) == nil })
	}
	require.Len(t, p.sent(), docs*(each+1), "sent once where nothing failed")
}

// crash is a process that dies after Publish: the broker has the message, the
// store does not know, and the lease stays until it runs out. The next process
// sends it again.
func crash(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	def := definition("crash")
	c, err := docstore.Open[Sample](ctx, s, def)
	require.NoError(t, err)
	require.NoError(t, second(c.Insert(ctx, "x", Sample{}, message("m1"), message("m2"))))

	dead, die := context.WithCancel(t.Context())
	p := &Publisher{}
	before := &dying{Publisher: p, die: die}
	require.NoError(t, docstore.Relay(dead, cutOff{s, dead}, def.Name, before, docstore.RelayOptions{Lease: time.Second}))
	require.Equal(t, []string{"m1", "m2"}, p.sent())
	require.ErrorIs(t, c.Delete(ctx, "x"), docstore.ErrPending)
	_, err = c.Update(ctx, "x", func(_ *Sample, out *docstore.Outbox) error {
		out.Messages = append(out.Messages, message("m3"))
		return nil
	})
	require.NoError(t, err)

	relaying(t, s, def.Name, p, docstore.RelayOptions{})
	eventually(t, "cleared", func() bool { return c.Delete(ctx, "x") == nil })
	require.Equal(t, []string{"m1", "m2", "m1", "m2", "m3"}, p.sent())
}

// stops is an orderly stop right after Publish: what has left is cleared, and
// leaves no second time.
func stops(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	def := definition("stops")
	c, err := docstore.Open[Sample](ctx, s, def)
	require.NoError(t, err)
	require.NoError(t, second(c.Insert(ctx, "x", Sample{}, message("m1"), message("m2"))))

	running, stop := context.WithCancel(t.Context())
	p := &Publisher{}
	require.NoError(t, docstore.Relay(running, s, def.Name, &dying{Publisher: p, die: stop}, docstore.RelayOptions{Lease: time.Hour, Grace: time.Minute}))
	require.NoError(t, c.Delete(ctx, "x"), "cleared before Relay returned")

	require.NoError(t, second(c.Insert(ctx, "y", Sample{}, message("m3"))))
	relaying(t, s, def.Name, p, docstore.RelayOptions{})
	eventually(t, "the next relay begins at once: the lease was given back", func() bool { return c.Delete(ctx, "y") == nil })
	require.Equal(t, []string{"m1", "m2", "m3"}, p.sent())
}

// cutOff is the store of a process that writes nothing more once dead is done.
type cutOff struct {
	docstore.Store
	dead context.Context
}

func (c cutOff) ClearPending(ctx context.Context, collection, tenant, id string, last int64) error {
	if err := c.dead.Err(); err != nil {
		return err
	}
	return c.Store.ClearPending(ctx, collection, tenant, id, last)
}

func (c cutOff) Release(ctx context.Context, name, holder string) error {
	if err := c.dead.Err(); err != nil {
		return err
	}
	return c.Store.Release(ctx, name, holder)
}

type dying struct {
	*Publisher
	die func()
}

func (d *dying) Publish(ctx context.Context, topic string, msgs ...bus.Message) error {
	err := d.Publisher.Publish(ctx, topic, msgs...)
	d.die()
	return err
}

func poison(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	def := definition("poison")
	c, err := docstore.Open[Sample](ctx, s, def)
	require.NoError(t, err)
	var mu sync.Mutex
	refuse := true
	p := &Publisher{fail: func(_ string, m bus.Message) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case refuse && m.ID == "bad":
			return errors.New("not now")
		case refuse && strings.HasPrefix(m.ID, "huge"):
			return fmt.Errorf("refused: %w", bus.ErrTooLarge)
		}
		return nil
	}}
	require.NoError(t, second(c.Insert(ctx, "a", Sample{}, message("bad"), message("after"))))
	for i := range 5 { // as many as make it a broker that is away, were they not too large
		require.NoError(t, second(c.Insert(ctx, fmt.Sprintf("a%d", i), Sample{}, message(fmt.Sprint("huge", i)))))
	}
	for i := range 4 {
		require.NoError(t, second(c.Insert(ctx, fmt.Sprintf("b%d", i), Sample{}, message(fmt.Sprint("ok", i)))))
	}
	relaying(t, s, def.Name, p, docstore.RelayOptions{Poll: 10 * time.Millisecond})
	for i := range 4 {
		eventually(t, "others leave", func() bool { return c.Delete(ctx, fmt.Sprintf("b%d", i)) == nil })
	}
	require.NotContains(t, p.sent(), "after")
	mu.Lock()
	refuse = false
	mu.Unlock()
	eventually(t, "it leaves when the broker takes it", func() bool { return c.Delete(ctx, "a") == nil })
	sent := p.sent()
	require.Equal(t, slices.Index(sent, "bad")+1, slices.Index(sent, "after"), "%v", sent)
}

func wakes(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	def := definition("wakes")
	c, err := docstore.Open[Sample](ctx, s, def)
	require.NoError(t, err)
	p := &Publisher{}
	relaying(t, s, def.Name, p, docstore.RelayOptions{Poll: time.Hour})
	time.Sleep(50 * time.Millisecond) // it has looked once and sleeps
	_, err = c.Insert(systemscopeless(ctx), "x", Sample{}, message("m"))
	require.NoError(t, err)
	eventually(t, "sent without a poll", func() bool { return len(p.sent()) == 1 })
}

// systemscopeless proves that the writer's scope is its tenant's while the
// relay, which has none, still sees the message.
func systemscopeless(ctx context.Context) context.Context { return in(ctx, "sorvik") }

func leased(t *testing.T, s docstore.Store) {
	ctx := t.Context()
	name := fresh("lease")
	ok, err := s.Lease(ctx, name, "one", time.Hour)
	require.NoError(t, err)
	require.True(t, ok)
	for range 2 {
		ok, err = s.Lease(ctx, name, "two", time.Hour)
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, s.Release(ctx, name, "two"), "not its own")
	}
	ok, err = s.Lease(ctx, name, "one", 20*time.Millisecond)
	require.NoError(t, err)
	require.True(t, ok, "renewed")
	eventually(t, "taken after it ran out", func() bool {
		ok, err := s.Lease(ctx, name, "two", time.Hour)
		require.NoError(t, err)
		return ok
	})
	require.NoError(t, s.Release(ctx, name, "two"))
	ok, err = s.Lease(ctx, name, "three", time.Hour)
	require.NoError(t, err)
	require.True(t, ok, "free after release")
}

// processes has two stores over the same data, with a relay each.
func processes(t *testing.T, a, b docstore.Store, caps Caps) {
	ctx := in(t.Context(), "nordvik")
	def := definition("shared")
	ca, err := docstore.Open[Sample](ctx, a, def)
	require.NoError(t, err)
	cb, err := docstore.Open[Sample](ctx, b, def)
	require.NoError(t, err)
	p := &Publisher{}
	// A lease and a grace that a stall of this machine cannot run out: "once" holds
	// within them.
	lasting := docstore.RelayOptions{Lease: time.Minute, Grace: time.Minute}
	stopB := relaying(t, b, def.Name, p, lasting)
	require.NoError(t, second(ca.Insert(ctx, "x", Sample{}, message("x-00"))))
	eventually(t, "the other process's relay polls", func() bool { return len(p.sent()) == 1 })
	relaying(t, a, def.Name, p, lasting)
	n := 20
	if caps.Slow {
		n = 6
	}
	for i := 1; i <= n; i++ {
		c := []docstore.Collection[Sample]{ca, cb}[i%2]
		_, err := c.Update(ctx, "x", func(v *Sample, out *docstore.Outbox) error {
			v.Rank++
			out.Messages = append(out.Messages, message(fmt.Sprintf("x-%02d", i)))
			return nil
		})
		require.NoError(t, err)
		if i == n/2 {
			stopB() // an orderly stop hands over at once
		}
	}
	eventually(t, "all sent", func() bool { return len(p.sent()) == n+1 })
	for i, id := range p.sent() {
		require.Equal(t, fmt.Sprintf("x-%02d", i), id, "in order and once, though two relays ran")
	}
	d, err := cb.Get(ctx, "x")
	require.NoError(t, err)
	require.EqualValues(t, n, d.Value.Rank)
}

// Two versions of one document type, as two releases of the program have them.
type firstForm struct {
	Owner string `json:"owner"`
}
type thirdForm struct {
	Owners []string `json:"owners"`
	Open   bool     `json:"open"`
}

func upgrades(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	name := fresh("forms")
	old, err := docstore.Open[firstForm](ctx, s, docstore.Definition{Name: name})
	require.NoError(t, err)
	require.NoError(t, second(old.Insert(ctx, "x", firstForm{Owner: "o"})))
	require.NoError(t, second(old.Insert(ctx, "y", firstForm{Owner: "p"})))

	steps := map[int]func(json.RawMessage) (json.RawMessage, error){
		1: func(raw json.RawMessage) (json.RawMessage, error) {
			var v firstForm
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, err
			}
			return json.Marshal(map[string]any{"owners": []string{v.Owner}})
		},
		2: func(raw json.RawMessage) (json.RawMessage, error) {
			var v thirdForm
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, err
			}
			v.Open = true
			return json.Marshal(v)
		},
	}
	def := docstore.Definition{Name: name, Version: 3, Upgrades: steps, Indexes: []docstore.Index{{Fields: []string{"open"}}}}
	now, err := docstore.Open[thirdForm](ctx, s, def)
	require.NoError(t, err)
	d, err := now.Get(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, thirdForm{Owners: []string{"o"}, Open: true}, d.Value)
	require.EqualValues(t, 1, d.Version)
	page, err := now.Find(ctx, nil, docstore.FindOptions{})
	require.NoError(t, err)
	require.Len(t, page.Docs, 2)
	require.Equal(t, []string{"p"}, page.Docs[1].Value.Owners)

	_, err = now.Update(ctx, "x", func(v *thirdForm, _ *docstore.Outbox) error { v.Owners = append(v.Owners, "q"); return nil })
	require.NoError(t, err)
	require.ErrorIs(t, second(old.Get(ctx, "x")), docstore.ErrNewer, "an old program does not damage it")
	n, err := now.Count(ctx, docstore.Eq{Field: "open", Value: true})
	require.NoError(t, err)
	require.Equal(t, 1, n, "filters see the stored form")

	changed, err := docstore.UpgradeAll(systemscope.Enter(t.Context(), "test"), now)
	require.NoError(t, err)
	require.Equal(t, 1, changed)
	n, err = now.Count(ctx, docstore.Eq{Field: "open", Value: true})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	changed, err = docstore.UpgradeAll(ctx, now)
	require.NoError(t, err)
	require.Zero(t, changed)
	gap, err := docstore.Open[thirdForm](ctx, s, docstore.Definition{Name: name, Version: 4, Upgrades: steps})
	require.NoError(t, err)
	require.Error(t, second(gap.Get(ctx, "x")), "a missing step is no silent loss")
}
