// Command index fills an event index with made-up but real-looking events of
// some days, read by the parsers that the collector has, and prints how long
// searches take and what an event costs on the disk.
//
//	go run ./test/bench/index -dir FOLDER -events 10000000 -days 30
//	go run ./test/bench/index -dir FOLDER -measure        # once filled
//	go run ./test/bench/index -elastic http://127.0.0.1:9200 -events 1000000 -days 3
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/elastic"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

const owner = "bench"

type options struct {
	dir, elastic, kind          string
	events, days, writers, runs int
	measure                     bool
	only                        string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "folder of the embedded index")
	flag.StringVar(&o.elastic, "elastic", "", "base URL of an Elasticsearch, in place of a folder")
	flag.StringVar(&o.kind, "kind", "mixed", "which lines: mixed, unix (sshd and VPN), windows")
	flag.IntVar(&o.events, "events", 10_000_000, "how many events")
	flag.IntVar(&o.days, "days", 30, "in how many days")
	flag.IntVar(&o.writers, "writers", 2, "days that are filled at once")
	flag.IntVar(&o.runs, "runs", 20, "times that each question is asked, each time about something else")
	flag.BoolVar(&o.measure, "measure", false, "only ask: the index is filled already")
	flag.StringVar(&o.only, "only", "", "ask only questions whose name holds this")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "index:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	var x eventindex.Index
	var err error
	switch {
	case o.elastic != "":
		x, err = elastic.Open(ctx, o.elastic, elastic.Options{Prefix: "varde-bench"})
	case o.dir != "":
		x, err = embedded.Open(ctx, o.dir, embedded.Options{})
	default:
		return fmt.Errorf("name -dir or -elastic")
	}
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }()
	if !o.measure {
		if err := fill(ctx, x, o); err != nil {
			return err
		}
	}
	return measure(tenant.With(ctx, owner), x, o)
}

// cpu of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load is what the machine has to do, its own part included.
func load() string {
	var one, five, fifteen string
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &one, &five, &fifteen)
	}
	return one
}

func fill(ctx context.Context, x eventindex.Index, o options) error {
	began, used := time.Now(), cpu()
	var raw, stored atomic.Int64
	work, ctx := errgroup.WithContext(tenant.With(ctx, owner))
	work.SetLimit(o.writers)
	for day := range o.days {
		n := o.events*(day+1)/o.days - o.events*day/o.days
		work.Go(func() error {
			s, err := newSource(owner, day)
			if err != nil {
				return err
			}
			err = s.fill(o.kind, n, func(batch []ecs.Event) error {
				results, err := x.Append(ctx, batch)
				for i, r := range results {
					if r.Status != eventindex.Stored && r.Status != eventindex.Duplicate {
						return fmt.Errorf("not stored: %s: %s", r.Reason, batch[i].Event.Original)
					}
				}
				stored.Add(int64(len(results)))
				return err
			})
			raw.Add(s.raw)
			fmt.Fprintf(os.Stderr, "day %d of %d, %d events, %.0f s\n", day+1, o.days, stored.Load(), time.Since(began).Seconds())
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	n := float64(stored.Load())
	fmt.Printf("filled: %.0f events in %.0f s, %.1f µs of CPU each with making and parsing them, load %s\n",
		n, time.Since(began).Seconds(), float64((cpu()-used).Microseconds())/n, load())
	fmt.Printf("raw: %.0f bytes an event\n", float64(raw.Load())/n)
	return nil
}
