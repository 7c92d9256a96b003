package collector

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the collector. The label source is an id of the register, whose
// number is bounded by it; nothing a sender writes becomes a label.
type metrics struct {
	received, parsed, unparsed, dead, refused, unmapped, quota *prometheus.CounterVec
	publish                                                    prometheus.Histogram
	skew                                                       *prometheus.GaugeVec
	last                                                       *prometheus.GaugeVec
	topicLag, polled, through                                  *prometheus.GaugeVec
	pollFailed                                                 *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "varde_collector_" + name, Help: help}, labels))
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "varde_collector_" + name, Help: help}, labels))
	}
	return &metrics{
		topicLag:   gauges("topic_lag", "Messages of another Kafka's topic that are not taken yet.", "source", "topic", "partition"),
		polled:     gauges("poll_last_success_seconds", "When a poll last reached its end, Unix time.", "source", "log"),
		through:    gauges("poll_through_seconds", "The time before which a polled log has been read, Unix time.", "source", "log"),
		pollFailed: counter("poll_failures_total", "Polls that ended early.", "source", "log"),
		received:   counter("lines_received_total", "Lines received.", "source", "way"),
		parsed:     counter("lines_parsed_total", "Events published that a parser knew.", "source"),
		unparsed:   counter("lines_unparsed_total", "Events published that no parser knew.", "source"),
		dead:       counter("lines_dead_total", "Lines that could not become an event.", "source", "reason"),
		refused:    counter("lines_refused_total", "Lines or requests refused before acceptance.", "way", "reason"),
		unmapped:   counter("lines_unmapped_total", "Lines of shared sources that mapped to no tenant.", "source"),
		quota:      counter("quota_total", "Times a source came faster than its quota, by what was done: slowed, refused, dropped.", "source", "how"),
		publish: register(r, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "varde_collector_publish_seconds", Help: "Time until a batch was durable on the bus.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
		})),
		skew: register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "varde_collector_clock_skew_seconds", Help: "Receipt minus event time of the last live line with a sane time.",
		}, []string{"source"})),
		last: register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "varde_collector_last_line_seconds", Help: "When the last line of a source was received, Unix time.",
		}, []string{"source"})),
	}
}

// counts are the metrics of one origin's lines: finding them by their labels
// for every line costs more than counting.
type counts struct {
	received, parsed, unparsed prometheus.Counter
	last, skew                 gauge
}

// gauge is one that does not appear before it has a value.
type gauge func() prometheus.Gauge

// Set sets it.
func (g gauge) Set(v float64) { g().Set(v) }

func (m *metrics) of(source, way string) *counts {
	return &counts{
		received: m.received.WithLabelValues(source, way), parsed: m.parsed.WithLabelValues(source), unparsed: m.unparsed.WithLabelValues(source),
		last: sync.OnceValue(func() prometheus.Gauge { return m.last.WithLabelValues(source) }),
		skew: sync.OnceValue(func() prometheus.Gauge { return m.skew.WithLabelValues(source) }),
	}
}

// register adds a collector, or returns the equal one that another part of the
// process added before. A nil registry keeps none.
func register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if r == nil {
		return c
	}
	var before prometheus.AlreadyRegisteredError
	if err := r.Register(c); errors.As(err, &before) {
		if old, ok := before.ExistingCollector.(C); ok {
			return old
		}
	}
	return c
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
