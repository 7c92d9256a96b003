package running

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// senders keep their connections, as shippers do.
var senders = http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

// Send posts a body to the collector with the key of a source. Nil: it was
// answered with 200, and the answer is returned.
func Send(url, key, mediaType string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Authorization", "ApiKey "+key)
	res, err := senders.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", url, res.StatusCode, text)
	}
	return text, err
}
