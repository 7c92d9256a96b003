// Command make writes the data folder of the present version for
// test/data/released: a demo region with its replayed logs, a report with an
// answer, and an audit log, stopped cleanly.
//
//	go run ./test/released/make test/data/released/0002-2027-01-31
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/test/released"
)

const (
	tenant   = "bjorkvag"
	officer  = "sikkerhet@bjorkvag.example"
	password = "fyr-paa-varden-2026" // of every account of the demo
)

func main() {
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := run(ctx, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1) //nolint:gocritic // the process ends
	}
}

func run(ctx context.Context, to string) error {
	if to == "" {
		return errors.New("name the folder to write")
	}
	if _, err := os.Stat(to); err == nil {
		return errors.New("that folder is there already: what was released is never changed")
	}
	work, err := os.MkdirTemp("", "varde-released-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	binary, err := released.Build(ctx, work)
	if err != nil {
		return err
	}
	config := filepath.Join(work, "varde.yaml")
	if err := os.WriteFile(config, []byte(released.Config), 0o600); err != nil {
		return err
	}
	data := filepath.Join(work, "data")
	r, err := released.Start(ctx, binary, "demo", data, config)
	if err != nil {
		return err
	}
	expected, err := fill(ctx, r)
	if err = errors.Join(err, r.Stop()); err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return err
	}
	expected.Version = strings.TrimSpace(string(version))
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(expected, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "expected.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return released.Pack(data, filepath.Join(to, "data.tar.gz"))
}

// fill makes what the folder is to hold, and says what that is.
func fill(ctx context.Context, r *released.Running) (e released.Expected, err error) {
	reader, err := r.SignIn(ctx, officer, password)
	if err != nil {
		return e, err
	}
	receipt, err := report(ctx, r)
	if err != nil {
		return e, err
	}
	// Four findings and the report, and no event left on its way.
	for before := -1; ; {
		if e, err = reader.Read(ctx); err != nil {
			return e, err
		}
		if len(e.Cases) >= 5 && e.Events == before {
			break
		}
		before = e.Events
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-time.After(3 * time.Second):
		}
	}
	if err := work(ctx, r); err != nil {
		return e, err
	}
	b, err := reader.Audit(ctx, password)
	if err != nil {
		return e, err
	}
	e.Officer, e.Password, e.Checkpoint, e.AuditKey = officer, password, b.Checkpoint, b.PublicKey
	e.Report.Tenant, e.Report.Code = tenant, receipt.Code
	return e, nil
}

func report(ctx context.Context, r *released.Running) (receipt deviationapi.Receipt, err error) {
	secret := make([]byte, 24)
	_, _ = rand.Read(secret)
	err = r.Visit().Call(ctx, "POST", "/api/deviation/v1/public/reports", deviationapi.NewReport{
		Tenant: tenant, SubmissionId: base64.RawURLEncoding.EncodeToString(secret), FormType: "general", FormVersion: 1,
		Answers: map[string]any{
			"whatHappened": "En utskrift med adresser lå igjen på skriveren i gangen.", "happened": "happened",
			"ongoing": "no", "category": "misdelivery", "about": "no", "personalData": "no", "seen": "no", "services": "no",
		},
	}, &receipt)
	return receipt, err
}

// work lets the manager take a case and decide.
func work(ctx context.Context, r *released.Running) error {
	manager, err := r.SignIn(ctx, "leder@bjorkvag.example", password)
	if err != nil {
		return err
	}
	var queue casesapi.Queue
	if err := manager.Call(ctx, "GET", "/api/cases/v1/queue", nil, &queue); err != nil {
		return err
	}
	if len(queue.Items) == 0 {
		return errors.New("the manager's queue is empty")
	}
	return manager.Call(ctx, "POST", "/api/cases/v1/cases/"+queue.Items[0].Id+"/acknowledge", nil, new(any))
}
