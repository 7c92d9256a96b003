package collector

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

// datagram is one received packet.
type datagram struct {
	from     netip.Addr
	raw      []byte
	received time.Time
}

// Datagrams wait here while the bus is slow; more are lost, and counted: UDP
// cannot hold its sender back.
const (
	waitingDatagrams = 20_000
	waitingBytes     = 32 << 20
)

// listenUDP takes datagrams (RFC 5426) until ctx is done.
func (m *Module) listenUDP(ctx context.Context, conn *net.UDPConn) error {
	_ = conn.SetReadBuffer(4 << 20)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	queue := make(chan datagram, waitingDatagrams)
	var waiting atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.drainUDP(ctx, queue, &waiting)
	}()
	defer func() {
		close(queue)
		<-done
	}()
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP answer to nobody
		}
		if waiting.Load() < waitingBytes {
			select {
			case queue <- datagram{from.Addr().Unmap(), append([]byte(nil), buf[:n]...), m.deps.Clock()}:
				waiting.Add(int64(n))
				continue
			default:
			}
		}
		m.metrics.refused.WithLabelValues("udp", "queue-full").Inc()
	}
}

// senders of datagrams whose parsers are kept; beyond, all are forgotten.
const maxSenders = 10_000

func (m *Module) drainUDP(ctx context.Context, queue <-chan datagram, waiting *atomic.Int64) {
	origins := map[netip.Addr]*origin{}
	var since time.Time
	persist := context.WithoutCancel(ctx)
	b := batch{}
	b.spill = func(b *batch) error { m.flushUDP(ctx, persist, b); return nil }
	tick := time.NewTicker(gather)
	defer tick.Stop()
	for {
		select {
		case d, open := <-queue:
			if !open {
				m.flushUDP(ctx, persist, &b)
				return
			}
			waiting.Add(-int64(len(d.raw)))
			if b.len() == 0 {
				since = time.Now()
			}
			m.addDatagram(&b, origins, d)
			if b.full(m.cfg.MaxBatch) || time.Since(since) > gather {
				m.flushUDP(ctx, persist, &b)
			}
		case <-tick.C:
			m.flushUDP(ctx, persist, &b)
		}
	}
}

func (m *Module) flushUDP(ctx, persist context.Context, b *batch) {
	wait, cancel := context.WithTimeout(persist, m.grace(ctx))
	defer cancel()
	if err := m.intake.persist(wait, b); err != nil {
		m.deps.Log.Error("datagrams were lost with the bus", "lines", b.len())
		*b = batch{spill: b.spill}
	}
}

// addDatagram finds the sender's source anew for each datagram: the register
// changes, and a table of sources is small.
func (m *Module) addDatagram(b *batch, origins map[netip.Addr]*origin, d datagram) {
	src, _, ok := m.sources.byAddress(d.from)
	if !ok {
		m.metrics.refused.WithLabelValues("udp", "unknown-sender").Inc()
		return
	}
	if m.quotas.drop(src) {
		m.metrics.refused.WithLabelValues("udp", "quota").Inc()
		return
	}
	o := origins[d.from]
	if o == nil {
		if len(origins) >= maxSenders {
			clear(origins)
		}
		opened := m.intake.open(src, "udp", ecs.ProvenanceUDP, parse.Options{Live: true})
		o = &opened
		origins[d.from] = o
	}
	m.intake.renew(o, src)
	raw := d.raw
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == 0) {
		raw = raw[:len(raw)-1]
	}
	if len(raw) > 0 {
		m.intake.add(b, o, line{raw: raw}, d.received)
	}
}
