// Package graph reads the sign-in and directory audit logs of Microsoft Entra ID
// from Microsoft Graph, as an application (client credentials, RFC 6749
// section 4.4): paging, throttling and the renewal of tokens. It keeps nothing.
package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Addresses of Microsoft's public cloud.
const (
	DefaultLogin = "https://login.microsoftonline.com"
	DefaultAPI   = "https://graph.microsoft.com"
)

// Log is one of the logs.
type Log string

// The logs.
const (
	SignIns         Log = "signIns"
	DirectoryAudits Log = "directoryAudits"
)

// time is the field that tells when a record of the log is from.
func (l Log) time() string {
	if l == DirectoryAudits {
		return "activityDateTime"
	}
	return "createdDateTime"
}

// Known says whether there is such a log.
func (l Log) Known() bool { return l == SignIns || l == DirectoryAudits }

// Options of a Client.
type Options struct {
	Directory string // id or domain of the directory (Microsoft's "tenant")
	Client    string // id of the application
	// Secret gives the application's secret; it is asked for each token, so that
	// a new secret needs no restart.
	Secret     func() (string, error)
	Login, API string // empty: DefaultLogin, DefaultAPI
	HTTP       *http.Client
	Clock      func() time.Time
	// Page is how many records are asked for at once; 0: 1000, the most that is given.
	Page int
	// Longest is the longest wait that an answer of 429 or 503 may ask for before
	// Read gives up; 0: two minutes.
	Longest time.Duration
	// Pause is the first wait after an answer that names none; 0: a second. Each
	// further one is twice as long.
	Pause time.Duration
}

// Client reads the logs. Safe for concurrent use.
type Client struct {
	opt  Options
	host string

	mu    sync.Mutex
	token *oauth2.Token
}

// Errors of Read. Their words are for an operator; none holds a secret, a token
// or anything of a record.
var (
	ErrCredentials = errors.New("Microsoft does not accept the application's id or secret: the secret may have run out")
	ErrForbidden   = errors.New("the application may not read the log: it needs AuditLog.Read.All with an administrator's consent, and the directory a P1 licence for sign-ins")
	ErrThrottled   = errors.New("Microsoft Graph asks to wait for longer than this takes")
	ErrAway        = errors.New("Microsoft Graph does not answer")
	ErrAnswer      = errors.New("Microsoft Graph answers in a form that is not known")
)

// New returns a client. It does no I/O.
func New(o Options) (*Client, error) {
	if o.Login == "" {
		o.Login = DefaultLogin
	}
	if o.API == "" {
		o.API = DefaultAPI
	}
	if o.Page == 0 {
		o.Page = 1000
	}
	if o.Longest == 0 {
		o.Longest = 2 * time.Minute
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: time.Minute}
	}
	// A token goes nowhere but to the address that is configured.
	plain := *o.HTTP
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTP = &plain
	if o.Clock == nil {
		o.Clock = time.Now
	}
	at, err := url.Parse(o.API)
	if err != nil || at.Host == "" || o.Directory == "" || o.Client == "" || o.Secret == nil {
		return nil, errors.New("graph: directory, client and secret are needed, and an address")
	}
	return &Client{opt: o, host: at.Scheme + "://" + at.Host}, nil
}

// Read calls page with the records of a log from since up to, not including,
// until, page by page as the service gives them; each record is a JSON object
// on one line, as it was written. It ends at the first error, of the service
// (one of the Err variables) or of page.
func (c *Client) Read(ctx context.Context, log Log, since, until time.Time, page func(ctx context.Context, records [][]byte) error) error {
	const form = "2006-01-02T15:04:05.0000000Z"
	q := url.Values{}
	q.Set("$filter", fmt.Sprintf("%s ge %s and %s lt %s", log.time(), since.UTC().Format(form), log.time(), until.UTC().Format(form)))
	q.Set("$top", strconv.Itoa(c.opt.Page))
	next := strings.TrimSuffix(c.opt.API, "/") + "/v1.0/auditLogs/" + string(log) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	for next != "" {
		records, following, err := c.page(ctx, next)
		if err != nil {
			return err
		}
		if len(records) > 0 {
			if err := page(ctx, records); err != nil {
				return err
			}
		}
		if following != "" && !strings.HasPrefix(following, c.host+"/") {
			return fmt.Errorf("%w: the next page lies elsewhere", ErrAnswer)
		}
		if following == next {
			return fmt.Errorf("%w: a page is its own next one", ErrAnswer)
		}
		next = following
	}
	return nil
}

// tries of one page.
const tries = 6

// page gets one page, and waits and repeats as the service asks.
func (c *Client) page(ctx context.Context, address string) (records [][]byte, next string, err error) {
	pause, renewed := c.opt.Pause, false
	for try := 1; ; try++ {
		token, terr := c.authorized(ctx)
		if terr != nil && !errors.Is(terr, ErrAway) {
			return nil, "", terr
		}
		again, wait := true, time.Duration(0)
		if err = terr; err == nil {
			records, next, again, wait, err = c.once(ctx, address, token)
		}
		switch {
		case err == nil || ctx.Err() != nil:
			return records, next, errors.Join(err, ctx.Err())
		case errors.Is(err, ErrCredentials) && !renewed: // the token ran out or was withdrawn
			renewed, wait = true, time.Nanosecond
			c.forget(token)
		case !again || try == tries:
			return nil, "", err
		case wait > c.opt.Longest:
			return nil, "", ErrThrottled
		}
		if wait == 0 {
			wait = pause
			pause *= 2
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, "", ctx.Err()
		case <-t.C:
		}
	}
}

// maxPage bounds the bytes of an answer.
const maxPage = 64 << 20

// once asks for a page one time. again says that asking again may help, after
// wait where that is said.
func (c *Client) once(ctx context.Context, address string, token *oauth2.Token) (records [][]byte, next string, again bool, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", false, 0, ErrAnswer
	}
	token.SetAuthHeader(req)
	req.Header.Set("Accept", "application/json;odata.metadata=none")
	res, err := c.opt.HTTP.Do(req)
	if err != nil {
		return nil, "", true, 0, ErrAway // its words repeat the address
	}
	defer res.Body.Close()
	switch code := res.StatusCode; {
	case code == http.StatusOK:
	case code == http.StatusUnauthorized:
		return nil, "", false, 0, ErrCredentials
	case code == http.StatusForbidden:
		return nil, "", false, 0, ErrForbidden
	case code == http.StatusTooManyRequests:
		return nil, "", true, c.retryAfter(res.Header), ErrThrottled
	case code >= 500:
		return nil, "", true, c.retryAfter(res.Header), fmt.Errorf("%w (status %d)", ErrAway, code)
	default:
		return nil, "", false, 0, fmt.Errorf("%w (status %d)", ErrAnswer, code)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	if err != nil {
		return nil, "", true, 0, ErrAway // the connection broke off
	}
	var answer struct {
		Value []json.RawMessage `json:"value"`
		Next  string            `json:"@odata.nextLink"`
	}
	if len(body) > maxPage || json.Unmarshal(body, &answer) != nil || answer.Value == nil {
		return nil, "", false, 0, ErrAnswer
	}
	for _, v := range answer.Value {
		var line bytes.Buffer
		if json.Compact(&line, v) == nil {
			records = append(records, line.Bytes())
		}
	}
	return records, answer.Next, false, 0, nil
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); 0: none.
func (c *Client) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return max(time.Duration(n)*time.Second, time.Nanosecond)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(c.opt.Clock()), time.Nanosecond)
	}
	return 0
}

// early is how long before its end a token is renewed.
const early = 2 * time.Minute

// authorized gives a token, a new one where there is none or it ends soon.
func (c *Client) authorized(ctx context.Context) (*oauth2.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != nil && c.opt.Clock().Add(early).Before(c.token.Expiry) {
		return c.token, nil
	}
	secret, err := c.opt.Secret()
	if err != nil || secret == "" {
		return nil, errors.New("the application's secret cannot be read")
	}
	cc := clientcredentials.Config{
		ClientID: c.opt.Client, ClientSecret: secret, AuthStyle: oauth2.AuthStyleInParams,
		TokenURL: strings.TrimSuffix(c.opt.Login, "/") + "/" + url.PathEscape(c.opt.Directory) + "/oauth2/v2.0/token",
		Scopes:   []string{strings.TrimSuffix(c.opt.API, "/") + "/.default"},
	}
	token, err := cc.Token(context.WithValue(ctx, oauth2.HTTPClient, c.opt.HTTP))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 && refused.Response.StatusCode != http.StatusTooManyRequests:
		return nil, ErrCredentials // its words repeat the answer
	case err != nil:
		return nil, ErrAway
	}
	if token.Expiry.IsZero() {
		token.Expiry = c.opt.Clock().Add(time.Hour)
	}
	c.token = token
	return token, nil
}

// forget makes the next request fetch a new token.
func (c *Client) forget(token *oauth2.Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = nil
	}
}
