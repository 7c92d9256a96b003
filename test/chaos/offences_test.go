package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/test/running"
)

// offences are logins among the events that must become findings: a vendor's
// outside every window (C4), and passwords guessed at (C1), one for each.
type offences struct {
	began time.Time
	total int    // of each kind
	name  string // what the accounts that are guessed at begin with
}

// run commits them, spread over what the streams send, each until it is
// acknowledged.
func (o *offences) run(ctx context.Context, s *site, streams []*stream) error {
	o.began = time.Now().Truncate(time.Microsecond)
	all := 0
	for _, m := range streams {
		all += m.total
	}
	for n := 1; n <= o.total; n++ {
		for sent(streams) < all*n/(o.total+1) {
			if !pause(ctx, 20*time.Millisecond) {
				return ctx.Err()
			}
		}
		docs := append(o.guesses(n), running.VendorLogin(time.Now(), 45000+n))
		for s.SendBulk(docs...) != nil {
			if !pause(ctx, 100*time.Millisecond) {
				return ctx.Err()
			}
		}
	}
	return nil
}

// guesses are five failures on one account. They lie some minutes back, so that
// the rule does not have to wait for a lock that may follow.
func (o *offences) guesses(n int) (docs []running.Doc) {
	for i := range 5 {
		at := time.Now().Add(-3*time.Minute + time.Duration(i)*time.Second)
		docs = append(docs, running.Doc{ID: fmt.Sprintf("%s-%d-%d", o.name, n, i), Line: fmt.Sprintf(
			"%s arkiv01 sshd[%d]: Failed password for %s-%d from 192.0.2.77 port %d ssh2",
			at.UTC().Format("2006-01-02T15:04:05.000000Z"), 50000+n, o.name, n, 50000+i)})
	}
	return docs
}

// found counts the findings about each offence.
func (o *offences) found(officer *running.Browser) (logins, guesses map[string]int, err error) {
	logins, guesses = map[string]int{}, map[string]int{}
	var list casesapi.CaseList
	request := casesapi.CaseSearch{Sources: []casesapi.Source{casesapi.SourceFinding}, Limit: 200}
	if a, err := officer.Try("POST", "/api/cases/v1/cases/search", request, &list); err != nil || a.Status >= 300 {
		return nil, nil, fmt.Errorf("%d %s %w", a.Status, a.Body, err)
	}
	for _, c := range list.Items {
		var one casesapi.Case
		if a, err := officer.Try("GET", "/api/cases/v1/cases/"+c.Id, nil, &one); err != nil || a.Status >= 300 {
			return nil, nil, fmt.Errorf("%d %s %w", a.Status, a.Body, err)
		}
		for _, f := range one.Findings {
			switch {
			case f.Rule == "C4" && c.Vendor.Name == "Nordlys Fagsystemer AS" && !f.Time.Before(o.began):
				logins[f.Time.Format(time.RFC3339Nano)]++
			case f.Rule == "C1" && strings.Contains(fmt.Sprint(f), o.name):
				guesses[strings.Join(f.Accounts, " ")]++
			}
		}
	}
	return logins, guesses, nil
}

// require waits for a finding about each, and fails where one comes twice.
func (o *offences) require(t *testing.T, officer *running.Browser) {
	t.Helper()
	took := running.Eventually(t, 2*time.Minute, func() error {
		logins, guesses, err := o.found(officer)
		if err == nil && (len(logins) < o.total || len(guesses) < o.total) {
			err = fmt.Errorf("findings about %d and %d of %d offences of each kind", len(logins), len(guesses), o.total)
		}
		return err
	})
	logins, guesses, err := o.found(officer)
	require.NoError(t, err)
	require.Len(t, logins, o.total)
	require.Len(t, guesses, o.total)
	for _, times := range []map[string]int{logins, guesses} {
		for of, n := range times {
			require.Equal(t, 1, n, "findings about %s", of)
		}
	}
	t.Logf("%d findings of C4 and of C1, the last after %s", o.total, took.Round(time.Millisecond))
}

// requireProof exports the audit log and has the binary prove it.
func (s *site) requireProof(officer *running.Browser) {
	s.t.Helper()
	officer.Post("/api/identity/v1/me/step-up", identityapi.StepUpRequest{Action: "audit.export", Password: s.Password}, nil)
	a := officer.Call("POST", "/api/audit/v1/export", auditapi.NewExport{Purpose: "Telling etter omstart"}, nil)
	officer.Must(http.StatusOK, a)
	var bundle struct {
		PublicKey string            `json:"publicKey"`
		Entries   []json.RawMessage `json:"entries"`
	}
	require.NoError(s.t, json.Unmarshal(a.Body, &bundle))
	require.NotEmpty(s.t, bundle.Entries)
	file := filepath.Join(s.t.TempDir(), "audit.json")
	require.NoError(s.t, os.WriteFile(file, a.Body, 0o600))
	path, err := running.Program()
	require.NoError(s.t, err)
	out, err := exec.CommandContext(s.t.Context(), path, "verify", file, "--key", bundle.PublicKey).CombinedOutput()
	require.NoError(s.t, err, "%s", out)
	s.t.Logf("the audit log proves its %d entries", len(bundle.Entries))
}
