package graph_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/graph"
	"varde.internal/ingest/graph/graphtest"
	"varde.internal/platform/await"
)

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func client(t *testing.T, s *graphtest.Server, change func(*graph.Options)) *graph.Client {
	t.Helper()
	o := graph.Options{Directory: graphtest.Directory, Client: graphtest.ClientID, Secret: func() (string, error) { return graphtest.Secret, nil },
		Login: s.URL, API: s.URL, HTTP: s.Client(), Pause: time.Millisecond}
	if change != nil {
		change(&o)
	}
	c, err := graph.New(o)
	require.NoError(t, err)
	return c
}

func read(ctx context.Context, c *graph.Client) (records []string, err error) {
	err = c.Read(ctx, graph.SignIns, day, day.Add(time.Hour), func(_ context.Context, page [][]byte) error {
		for _, r := range page {
			records = append(records, string(r))
		}
		return nil
	})
	return records, err
}

func fill(s *graphtest.Server, n int) {
	for i := range n {
		s.Add("signIns", graphtest.SignIn(fmt.Sprintf("s%d", i), day.Add(time.Duration(i)*time.Minute), "ola@bjorkvag.example", "192.0.2.7", 0))
	}
}

func TestEveryPageIsRead(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	fill(s, 61) // the last is of the next hour
	records, err := read(t.Context(), client(t, s, nil))
	require.NoError(t, err)
	require.Len(t, records, 60)
	require.Equal(t, 20, s.Asked())
	require.Equal(t, 1, s.Issued())
	for _, r := range records {
		require.NotContains(t, r, "\n")
	}
}

// Tokens that run out in the middle, waits that are asked for, and connections
// that break off lose nothing and give nothing twice.
func TestReadingGoesOnThroughThrottlingAndOutages(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	fill(s, 30)
	s.TokensLast(4)
	s.Say(graphtest.Answer{Status: 429, RetryAfter: "0"}, graphtest.Answer{}, graphtest.Answer{Status: 503, RetryAfter: day.Format(http.TimeFormat)}, graphtest.Answer{Status: 504})
	records, err := read(t.Context(), client(t, s, nil))
	require.NoError(t, err)
	require.Len(t, records, 30)
	seen := map[string]bool{}
	for _, r := range records {
		seen[r] = true
	}
	require.Len(t, seen, 30)
	require.Greater(t, s.Issued(), 2)
}

func TestWhatCannotBeReadIsSaidInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []graphtest.Answer
		change  func(*graph.Options)
		want    error
	}{
		"secret":      {nil, func(o *graph.Options) { o.Secret = func() (string, error) { return "wrong-secret", nil } }, graph.ErrCredentials},
		"rights":      {[]graphtest.Answer{{Status: 403}}, nil, graph.ErrForbidden},
		"wait":        {[]graphtest.Answer{{Status: 429, RetryAfter: "86400"}}, nil, graph.ErrThrottled},
		"away":        {make([]graphtest.Answer, 40), nil, graph.ErrAway},
		"failing":     {[]graphtest.Answer{{Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}}, nil, graph.ErrAway},
		"not found":   {[]graphtest.Answer{{Status: 404}}, nil, graph.ErrAnswer},
		"no such log": {nil, func(o *graph.Options) { o.Page = 5000 }, graph.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := graphtest.Start(t)
			fill(s, 1)
			s.Say(c.answers...)
			_, err := read(t.Context(), client(t, s, c.change))
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), "secret-")
			require.NotContains(t, err.Error(), "wrong-secret")
			require.NotContains(t, err.Error(), s.URL)
		})
	}
	s := graphtest.Start(t)
	_, err := read(t.Context(), client(t, s, func(o *graph.Options) { o.Secret = func() (string, error) { return "", errors.New("/etc/secret: no") } }))
	require.ErrorContains(t, err, "cannot be read")
}

// A token is sent nowhere but to the address that is configured.
func TestTheNextPageMustLieAtTheSameAddress(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	fill(s, 9)
	c := client(t, s, func(o *graph.Options) {
		o.HTTP = &http.Client{Transport: rewrite{s.Client().Transport, func(body string) string {
			return strings.ReplaceAll(body, `nextLink":"`+s.URL, `nextLink":"http://elsewhere.example`)
		}}}
	})
	_, err := read(t.Context(), c)
	require.ErrorIs(t, err, graph.ErrAnswer)
}

func TestReadingEndsWithItsContextAndItsReader(t *testing.T) {
	t.Parallel()
	s := graphtest.Start(t)
	fill(s, 9)
	ctx, cancel := context.WithCancel(t.Context())
	s.Say(graphtest.Answer{Status: 503, RetryAfter: "60"})
	c, ended := client(t, s, nil), make(chan error, 1)
	go func() {
		_, err := read(ctx, c)
		ended <- err
	}()
	await.True(t, func() bool { return s.Asked() == 1 })
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	full := errors.New("full")
	err := client(t, s, nil).Read(t.Context(), graph.SignIns, day, day.Add(time.Hour), func(context.Context, [][]byte) error { return full })
	require.ErrorIs(t, err, full)
}
