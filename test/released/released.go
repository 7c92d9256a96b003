// Package released keeps small data folders as released versions wrote them,
// and proves that the present one still opens them (N6). They lie in
// test/data/released/NNNN-DATE: data.tar.gz, the folder with its keys (made for
// this, they protect nothing), and expected.json, what must be found in it.
package released

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"varde.internal/platform/audit/bundle"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/gen/webapi"
)

// Folder is where the released data folders lie, seen from this package.
const Folder = "../data/released"

// Expected is what a data folder holds, read through the interface's own routes.
type Expected struct {
	Version    string   `json:"version"` // of the source that wrote it
	Officer    string   `json:"officer"` // account that reads it
	Password   string   `json:"password"`
	Cases      []string `json:"cases"`  // numbers, sorted
	Events     int      `json:"events"` // of the tenant
	Systems    []string `json:"systems"`
	Vendors    []string `json:"vendors"`
	Agreements int      `json:"agreements"`
	Checkpoint string   `json:"checkpoint"` // of the audit log: a later log begins with it
	AuditKey   string   `json:"auditKey"`
	// Report is a receipt: the report behind it must still be found.
	Report struct {
		Tenant string `json:"tenant"`
		Code   string `json:"code"`
	} `json:"report"`
}

// Running is a started installation.
type Running struct {
	URL    string
	cmd    *exec.Cmd
	ended  chan error
	output *lines
}

// Start runs `varde COMMAND` with its data in dir on free ports, and waits for
// its line ready. Ports that the command would take by default are freed by the
// configuration file given.
func Start(ctx context.Context, binary, command, dir, config string) (*Running, error) {
	r := &Running{ended: make(chan error, 1), output: &lines{found: make(chan string, 1)}}
	r.cmd = exec.Command(binary, command, "--data", dir, "--config", config) //nolint:noctx // stopped in order
	r.cmd.Stdout, r.cmd.Stderr = r.output, io.Discard
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { r.ended <- r.cmd.Wait() }()
	select {
	case r.URL = <-r.output.found:
		return r, nil
	case err := <-r.ended:
		return nil, fmt.Errorf("ended before it was ready: %w", err)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), r.cmd.Process.Kill())
	}
}

// Config makes every address a free one.
const Config = `listen: { web: "127.0.0.1:0", collector: "127.0.0.1:0" }
syslog: { tcp: "127.0.0.1:0", udp: "127.0.0.1:0" }
retention: { events: { standard: 0 } } # a folder is older than any period one day
log: error
`

// Stop is Ctrl-C.
func (r *Running) Stop() error {
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case err := <-r.ended:
		return err
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("did not stop in 30 s"), r.cmd.Process.Kill())
	}
}

// lines finds the line ready in what the command prints.
type lines struct {
	text  []byte
	found chan string
	done  bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	for !l.done {
		line, rest, whole := bytes.Cut(l.text, []byte("\n"))
		if !whole {
			break
		}
		l.text = rest
		if url, ok := strings.CutPrefix(string(line), "ready "); ok {
			l.done = true
			l.found <- strings.TrimSpace(url)
		}
	}
	return len(p), nil
}

// Person is somebody at the front door; the zero csrf is a visitor.
type Person struct {
	base, csrf string
	http       *http.Client
}

// Visit is a browser that is not signed in.
func (r *Running) Visit() *Person {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &Person{base: r.URL, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// SignIn signs in, again and again while parts are starting.
func (r *Running) SignIn(ctx context.Context, name, password string) (*Person, error) {
	p := r.Visit()
	var session webapi.Session
	err := Await(ctx, func() error {
		return p.Call(ctx, "POST", "/api/web/v1/session", webapi.SignIn{Name: name, Password: password}, &session)
	})
	p.csrf = session.Csrf
	return p, err
}

// Await calls check until it succeeds or ctx is done.
func Await(ctx context.Context, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Call sends body as JSON, nothing where it is nil, and reads the answer into out.
func (p *Person) Call(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Origin", p.base)
	if p.csrf != "" {
		req.Header.Set("Varde-Csrf", p.csrf)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
	return json.Unmarshal(answer, out)
}

// Read reads all that Expected has of the installation itself.
func (p *Person) Read(ctx context.Context) (e Expected, err error) {
	var cases casesapi.CaseList
	if err := p.Call(ctx, "POST", "/api/cases/v1/cases/search", casesapi.CaseSearch{Limit: 200}, &cases); err != nil {
		return e, err
	}
	for _, c := range cases.Items {
		e.Cases = append(e.Cases, c.Number)
	}
	var view searchapi.Context
	if err := p.Call(ctx, "POST", "/api/search/v1/contexts", searchapi.NewContext{Purpose: "Eldre datamapper skal kunne leses"}, &view); err != nil {
		return e, err
	}
	var found searchapi.SearchResult
	if err := p.Call(ctx, "POST", "/api/search/v1/search", searchapi.SearchRequest{Context: view.Id, Limit: 1}, &found); err != nil {
		return e, err
	}
	e.Events = found.Total
	var systems registerapi.SystemPage
	if err := p.Call(ctx, "GET", "/api/register/v1/systems?limit=200", nil, &systems); err != nil {
		return e, err
	}
	for _, s := range systems.Items {
		e.Systems = append(e.Systems, s.Data.Name)
	}
	var vendors registerapi.VendorPage
	if err := p.Call(ctx, "GET", "/api/register/v1/vendors?limit=200", nil, &vendors); err != nil {
		return e, err
	}
	for _, v := range vendors.Items {
		e.Vendors = append(e.Vendors, v.Data.Name)
	}
	var agreements registerapi.AgreementPage
	if err := p.Call(ctx, "GET", "/api/register/v1/agreements?limit=200&ended=true", nil, &agreements); err != nil {
		return e, err
	}
	e.Agreements = len(agreements.Items)
	slices.Sort(e.Cases)
	slices.Sort(e.Systems)
	slices.Sort(e.Vendors)
	return e, nil
}

// Audit exports the whole audit log, as `varde verify` takes it.
func (p *Person) Audit(ctx context.Context, password string) (b bundle.Bundle, err error) {
	step := map[string]string{"action": "audit.export", "password": password}
	if err := p.Call(ctx, "POST", "/api/identity/v1/me/step-up", step, new(any)); err != nil {
		return b, err
	}
	err = p.Call(ctx, "POST", "/api/audit/v1/export", map[string]any{"purpose": "Eldre datamapper skal kunne leses"}, &b)
	return b, err
}
