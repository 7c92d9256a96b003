package installation

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// AwaitReady returns nil when every part answers /readyz with 200, wherever it
// runs, or an error that names those that do not when ctx is done.
func (in *Installation) AwaitReady(ctx context.Context) error {
	return awaitReady(ctx, in.Endpoint, Names)
}

// AwaitParts is AwaitReady of the parts named (none: all) only.
func (in *Installation) AwaitParts(ctx context.Context, parts []string) error {
	if len(parts) == 0 {
		parts = Names
	}
	return awaitReady(ctx, in.Endpoint, parts)
}

func awaitReady(ctx context.Context, endpoint func(string) string, names []string) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var late []string
	for _, name := range names {
		base := endpoint(name)
		if base == "" {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for !isReady(ctx, base) {
				select {
				case <-ctx.Done():
					mu.Lock()
					late = append(late, name)
					mu.Unlock()
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}()
	}
	wg.Wait()
	if len(late) > 0 {
		return fmt.Errorf("%v: %w", late, ctx.Err())
	}
	return nil
}

func isReady(ctx context.Context, base string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}
