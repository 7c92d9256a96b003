package running

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
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

// VendorLogin is what sshd on the archive's host of the demo writes when Nordlys comes in
// with a certificate of a person on its access list.
func VendorLogin(at time.Time, port int) Doc {
	return Doc{ID: uuid.NewString(), Line: fmt.Sprintf("%s arkiv01 sshd[%d]: Accepted publickey for nordlys-drift from 192.0.2.44 port %d ssh2: "+
		"ED25519-CERT SHA256:TGR+D8LPNGFQ5wpp4YCMq73vf0Pi8kijn/xrozgfzyQ ID ida.strand@nordlys.example (serial 1) "+
		"CA ED25519 SHA256:+wCzT3hS2v/Y5mlnPGl5aCrWJe+wL0HEcgTYW5pEuD0", at.Format("2006-01-02T15:04:05.000000Z07:00"), port, port)}
}
