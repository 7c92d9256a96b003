package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

const (
	audience = "audit"
	// intentTimeout bounds how long a read waits for the audit service, both
	// attempts together.
	intentTimeout  = 4 * time.Second
	attemptTimeout = 2 * time.Second
	outcomeTimeout = time.Second
	busTimeout     = 10 * time.Second
	headerTenant   = "Varde-Tenant" // as platform/httpx reads it
)

// ClientConfig is what NewClient needs; Log, Clock and HTTP have defaults.
type ClientConfig struct {
	Service  string // the caller's name, in every record
	Endpoint func(service string) string
	Tokens   auth.TokenSource
	Bus      bus.Publisher // takes outcomes while the audit service is away
	Log      *slog.Logger
	Clock    func() time.Time
	HTTP     *http.Client
}

// NewClient returns the Client of a service. It does no I/O yet.
func NewClient(c ClientConfig) Client {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.HTTP == nil {
		// A transport of its own: many reads at once share kept connections.
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		c.HTTP = &http.Client{Transport: t}
	}
	return &client{c}
}

type client struct{ ClientConfig }

// Intent implements Client. It tries twice under one id, so that an answer
// lost on the way does not record a read twice.
func (c *client) Intent(ctx context.Context, r topics.AuditRecord) (string, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return "", err
	}
	if r.Tenant == "" {
		r.Tenant = string(tid)
	}
	if r.Tenant != string(tid) {
		return "", fmt.Errorf("audit: the record's tenant is not the context's")
	}
	if r.ID == "" {
		r.ID = id.New()
	}
	r.Phase = PhaseIntent
	c.fill(&r)
	ctx, cancel := context.WithTimeout(ctx, intentTimeout)
	defer cancel()
	for range 2 {
		if err = c.post(ctx, "/v1/intents", r, attemptTimeout); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return "", problem.Unavailable("What is read is recorded first, and the record cannot be written now. Try again in a moment.", err)
	}
	return r.ID, nil
}

// Outcome implements Client. It outlives ctx: the read it tells of is over.
func (c *client) Outcome(ctx context.Context, intent, result string, counts map[string]int) {
	tid, err := tenant.From(ctx)
	if err != nil {
		c.Log.ErrorContext(ctx, "audit outcome without a tenant", "intent", intent)
		return
	}
	r := topics.AuditRecord{
		ID: id.Of("audit-outcome", string(tid), intent), Tenant: string(tid), Phase: PhaseOutcome,
		Intent: intent, Result: result, Counts: counts, Actor: topics.Actor{Type: "service", ID: c.Service},
	}
	c.fill(&r)
	ctx = context.WithoutCancel(ctx)
	sent := c.post(ctx, "/v1/outcomes", r, outcomeTimeout)
	if sent == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, busTimeout)
	go func() {
		defer cancel()
		if err := c.Bus.Publish(ctx, bus.TopicAudit, message(r)); err != nil {
			c.Log.ErrorContext(ctx, "audit outcome could not be recorded", "intent", intent, "http", sent.Error(), "error", err.Error())
		}
	}()
}

func (c *client) fill(r *topics.AuditRecord) {
	r.Service = c.Service
	if r.Time.IsZero() {
		r.Time = c.Clock()
	}
	r.Time = r.Time.UTC()
}

func (c *client) post(ctx context.Context, path string, r topics.AuditRecord, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	token, err := c.Tokens.Token(ctx, audience)
	if err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint(audience)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(headerTenant, r.Tenant)
	for name, value := range bus.TraceOf(ctx) {
		req.Header.Set(name, value)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("audit: status %d: %s", resp.StatusCode, slugOf(answer))
	}
	return nil
}

// slugOf keeps of a problem only what may be logged.
func slugOf(answer []byte) string {
	var p struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(answer, &p)
	return p.Type
}
