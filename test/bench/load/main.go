// Command load offers log lines to a running collector at a fixed rate, open
// loop: the next line is due by the clock, whether or not the last was taken.
// Lines are numbered in the user name, so that they can be counted afterwards.
//
//	go run ./test/bench/load -syslog 127.0.0.1:5514 -bulk http://127.0.0.1:9280 -key KEY -rate 5000 -for 5m
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

type counts struct {
	offered, accepted, refused, failed atomic.Int64
	mu                                 sync.Mutex
	latencies                          []time.Duration // of _bulk answers
}

func main() {
	syslog := flag.String("syslog", "", "TCP address of the collector; takes half of the lines where -bulk is given too")
	bulk := flag.String("bulk", "", "base URL of the collector's _bulk")
	key := flag.String("key", "", "API key of a source")
	rate := flag.Int("rate", 5000, "lines per second, in all")
	lasts := flag.Duration("for", 5*time.Minute, "how long")
	batch := flag.Int("batch", 500, "lines per _bulk request")
	flag.Parse()
	if err := run(*syslog, *bulk, *key, *rate, *lasts, *batch); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(syslog, bulk, key string, rate int, lasts time.Duration, batch int) error {
	if syslog == "" && bulk == "" {
		return fmt.Errorf("name -syslog, -bulk, or both")
	}
	ways := 0
	for _, w := range []string{syslog, bulk} {
		if w != "" {
			ways++
		}
	}
	var c counts
	var wg sync.WaitGroup
	began := time.Now()
	if syslog != "" {
		wg.Add(1)
		go func() { defer wg.Done(); overSyslog(&c, syslog, rate/ways, lasts) }()
	}
	if bulk != "" {
		wg.Add(1)
		go func() { defer wg.Done(); overBulk(&c, bulk, key, rate/ways, lasts, batch) }()
	}
	wg.Wait()
	took := time.Since(began)
	slices.Sort(c.latencies)
	out := map[string]any{
		"seconds": took.Seconds(), "offered": c.offered.Load(), "accepted": c.accepted.Load(),
		"refused": c.refused.Load(), "failed": c.failed.Load(),
		"perSecond": float64(c.accepted.Load()) / took.Seconds(),
	}
	if n := len(c.latencies); n > 0 {
		out["bulkP50ms"] = c.latencies[n/2].Milliseconds()
		out["bulkP99ms"] = c.latencies[n*99/100].Milliseconds()
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// pace calls send with the lines due since the last call, every 10 ms.
func pace(rate int, lasts time.Duration, send func(first, n int)) {
	began := time.Now()
	sent := 0
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		elapsed := min(time.Since(began), lasts)
		if due := int(float64(rate) * elapsed.Seconds()); due > sent {
			send(sent, due-sent)
			sent = due
		}
		if elapsed == lasts {
			tick.Stop()
			return
		}
	}
}

func line(way string, n int) string {
	now := time.Now()
	return fmt.Sprintf("%s lastgenerator sshd[%d]: Failed password for invalid user %s-%d from 192.0.2.%d port %d ssh2",
		now.Format("2006-01-02T15:04:05.000000-07:00"), 1000+n%30000, way, n, n%254+1, 1024+n%60000)
}

func overSyslog(c *counts, address string, rate int, lasts time.Duration) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		c.failed.Add(1)
		return
	}
	defer conn.Close()
	w := bufio.NewWriterSize(conn, 1<<16)
	pace(rate, lasts, func(first, n int) {
		for i := first; i < first+n; i++ {
			c.offered.Add(1)
			if _, err := fmt.Fprintf(w, "<38>%s\n", line("tcp", i)); err != nil {
				c.failed.Add(1)
				continue
			}
			c.accepted.Add(1)
		}
		if err := w.Flush(); err != nil {
			c.failed.Add(int64(n))
		}
	})
}

func overBulk(c *counts, base, key string, rate int, lasts time.Duration, batch int) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	var wg sync.WaitGroup
	var body bytes.Buffer
	held := 0
	flush := func() {
		if held == 0 {
			return
		}
		payload, n := bytes.Clone(body.Bytes()), held
		body.Reset()
		held = 0
		wg.Add(1)
		go func() { defer wg.Done(); post(c, client, base, key, payload, n) }()
	}
	pace(rate, lasts, func(first, n int) {
		for i := first; i < first+n; i++ {
			text, _ := json.Marshal(map[string]string{"message": line("bulk", i)})
			body.WriteString("{\"create\":{}}\n")
			body.Write(text)
			body.WriteByte('\n')
			c.offered.Add(1)
			if held++; held == batch {
				flush()
			}
		}
	})
	flush()
	wg.Wait()
}

func post(c *counts, client *http.Client, base, key string, payload []byte, n int) {
	req, err := http.NewRequest(http.MethodPost, base+"/varde/_bulk", bytes.NewReader(payload))
	if err != nil {
		c.failed.Add(int64(n))
		return
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "ApiKey "+key)
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		c.failed.Add(int64(n))
		return
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	c.mu.Lock()
	c.latencies = append(c.latencies, time.Since(began))
	c.mu.Unlock()
	switch {
	case res.StatusCode < 300:
		c.accepted.Add(int64(n))
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		c.refused.Add(int64(n))
	default:
		c.failed.Add(int64(n))
	}
}
