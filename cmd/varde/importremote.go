package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// remote is the collector of a running installation.
type remote struct {
	url  string
	key  string
	wait time.Duration // how long to go on trying
	log  io.Writer
	http *http.Client
	met  bool // it has answered
	// pause before the first repetition; it doubles up to half a minute.
	pause time.Duration
}

func newRemote(address, key string, wait time.Duration, log io.Writer) (*remote, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return nil, errors.New("--url: an address such as https://logs.example.no is needed")
	case key == "":
		return nil, errors.New("--key-file: there is no key in the file")
	}
	return &remote{url: u.JoinPath("v1", "import").String(), key: key, wait: wait, log: log, pause: time.Second,
		http: &http.Client{Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// again is an answer after which the same is sent once more.
type again struct {
	error
	after time.Duration // as the collector asked
}

// take sends a piece until it is durable. What the collector is busy for, or
// away, is sent again for as long as wait says; a collector that never answered
// is taken to be the wrong address.
func (r *remote) take(ctx context.Context, body []byte) (taken, error) {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // the level exists
	if _, err := z.Write(body); err != nil {
		return taken{}, err
	}
	if err := z.Close(); err != nil {
		return taken{}, err
	}
	began, pause := time.Now(), r.pause
	for {
		answer, err := r.once(ctx, packed.Bytes())
		var repeat again
		if err == nil || !errors.As(err, &repeat) || ctx.Err() != nil {
			return answer, err
		}
		if time.Since(began) > r.wait {
			return taken{}, fmt.Errorf("gave up after %s: %w", r.wait, err)
		}
		fmt.Fprintf(r.log, "waiting for the collector: %v\n", err)
		select {
		case <-ctx.Done():
			return taken{}, ctx.Err()
		case <-time.After(max(pause, min(repeat.after, time.Minute))):
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func (r *remote) once(ctx context.Context, packed []byte) (taken, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(packed))
	if err != nil {
		return taken{}, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("Authorization", "ApiKey "+r.key)
	res, err := r.http.Do(req)
	if err != nil {
		if r.met {
			return taken{}, again{error: err}
		}
		return taken{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return taken{}, again{error: err}
	}
	if res.StatusCode == http.StatusOK {
		var answer taken
		if err := json.Unmarshal(text, &answer); err != nil {
			return taken{}, fmt.Errorf("this does not answer as a collector does: %w", err)
		}
		r.met = true
		return answer, nil
	}
	return taken{}, r.refused(res, text)
}

// refused is the error of an answer other than 200.
func (r *remote) refused(res *http.Response, text []byte) error {
	var problem struct {
		Detail string `json:"detail"`
		Fields []struct {
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	err := errors.New(res.Status)
	if json.Unmarshal(text, &problem) == nil && problem.Detail != "" {
		err = fmt.Errorf("%s: %s", res.Status, problem.Detail)
		for _, f := range problem.Fields {
			err = fmt.Errorf("%w %s", err, f.Detail)
		}
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return again{error: err, after: time.Duration(after) * time.Second}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return exitError{2, err}
	}
	return err
}
