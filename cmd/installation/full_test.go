package installation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/cmd/demo"
	"varde.internal/platform/disk"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/gen/webapi"
)

// whole is an installation of every part in this process, with the demo's
// region, on a disk whose free space the test decides.
type whole struct {
	*Installation
	t    *testing.T
	free *atomic.Uint64 // bytes
	key  string         // of a source
}

const gib = 1 << 30

func startWhole(t *testing.T, set func(*Config)) *whole {
	t.Helper()
	w := &whole{t: t, free: &atomic.Uint64{}}
	w.free.Store(50 * gib)
	c := Default(t.TempDir())
	c.Listen, c.Log = map[string]string{"web": "127.0.0.1:0"}, "error"
	c.Syslog = Syslog{TCP: "127.0.0.1:0"}
	c.Disk.Every = 10 * time.Millisecond
	c.measure = func(string) (disk.Space, error) {
		return disk.Space{Free: w.free.Load(), Size: 100 * gib, Device: 1}, nil
	}
	if set != nil {
		set(&c)
	}
	ctx, stop := context.WithCancel(context.Background())
	in, err := Open(ctx, c, nil, t.Output())
	require.NoError(t, err)
	w.Installation = in
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	wait, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	require.NoError(t, in.AwaitReady(wait))
	region, err := demo.LoadRegion()
	require.NoError(t, err)
	captures, err := demo.LoadCaptures(demo.Captures())
	require.NoError(t, err)
	plan, err := demo.LoadPlan(c.Data, region, captures, time.Now())
	require.NoError(t, err)
	w.key, err = demo.Seed(wait, in, region, plan)
	require.NoError(t, err)
	return w
}

func (w *whole) call(method, address, key, body string) (status int, answer string) {
	w.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "ApiKey "+key)
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return res.StatusCode, string(text)
}

func (w *whole) bulk(word string) int {
	w.t.Helper()
	status, _ := w.call("POST", w.Endpoint("collector")+"/_bulk", w.key, fmt.Sprintf("{\"index\":{}}\n{\"message\":%q}\n", word))
	return status
}

// found counts the events with the word, whoever's they are.
func (w *whole) found(word string) int {
	w.t.Helper()
	q, err := kql.Parse(word, kql.Options{})
	require.NoError(w.t, err)
	total := 0
	for _, t := range []tenant.ID{"bjorkvag", "varderegionen"} {
		hits, err := w.engines.events.Search(tenant.With(w.t.Context(), t), q, eventindex.Range{}, eventindex.Page{Limit: 10})
		require.NoError(w.t, err)
		total += hits.Total
	}
	return total
}

func (w *whole) eventually(what string, ok func() bool) {
	w.t.Helper()
	// Not require.Eventually: its condition runs beside the test, which must not fail there.
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		require.True(w.t, time.Now().Before(deadline), "%s", what)
	}
}

// Lines wait with their senders while the disk is nearly full; people go on
// reporting; and when there is room the lines come in by themselves.
func TestLinesWaitWhileTheDiskIsFullAndPeopleGoOnReporting_N4(t *testing.T) {
	t.Parallel()
	w := startWhole(t, nil)
	collector := w.Endpoint("collector")
	w.eventually("the source is known to the collector", func() bool { return w.bulk("foran") == http.StatusCreated || w.bulk("foran") == http.StatusOK })
	w.eventually("it is searchable", func() bool { return w.found("foran") > 0 })

	w.free.Store(4 * gib)
	w.eventually("the collector warns", func() bool {
		status, answer := w.call("GET", collector+"/readyz", "", "")
		return status == http.StatusOK && strings.Contains(answer, "only 4.0 GiB of 100.0 GiB are free for bus")
	})
	require.Less(t, w.bulk("advart"), 300)
	administrator := w.signIn("admin@bjorkvag.example")
	shown := func() webapi.PartHealth {
		var health webapi.Health
		administrator("GET", "/api/web/v1/health", "", &health)
		i := slices.IndexFunc(health.Parts, func(p webapi.PartHealth) bool { return p.Name == "collector" })
		return health.Parts[i]
	}
	require.Equal(t, webapi.PartHealth{Name: "collector", Ready: true, Reachable: true, Detail: "disk: only 4.0 GiB of 100.0 GiB are free for bus"}, shown())

	w.free.Store(gib - 1)
	w.eventually("the collector says so", func() bool {
		status, answer := w.call("GET", collector+"/readyz", "", "")
		return status == http.StatusServiceUnavailable && strings.Contains(answer, `"engine":"disk"`)
	})
	full := shown()
	require.False(t, full.Ready)
	require.Equal(t, "disk", full.Engine)
	_, metrics := w.call("GET", collector+"/metrics", "", "")
	require.Contains(t, metrics, `varde_disk_level{folder="bus"} 2`)
	require.Contains(t, metrics, `varde_disk_free_bytes{folder="events"}`)
	require.Equal(t, http.StatusServiceUnavailable, w.bulk("avvist"), "the sender is told to come again")
	conn, err := net.Dial("tcp", w.SyslogTCP())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "<13>1 %s host prog - - - ventet\n", time.Now().UTC().Format(time.RFC3339))
	require.NoError(t, err)

	status, answer := w.call("POST", w.Endpoint("deviation")+"/v1/public/reports", "",
		`{"tenant":"bjorkvag","submissionId":"0123456789abcdef012345","formType":"general","formVersion":1,"answers":{
			"whatHappened":"Disken er nesten full","happened":"happened","ongoing":"no","category":"misdelivery","about":"no","personalData":"no","seen":"no","services":"no"}}`)
	require.Equal(t, http.StatusCreated, status, answer)
	for _, part := range Names {
		if part != "collector" {
			status, answer := w.call("GET", w.Endpoint(part)+"/readyz", "", "")
			require.Equal(t, http.StatusOK, status, "%s: %s", part, answer)
		}
	}
	require.Zero(t, w.found("ventet"))

	w.free.Store(gib / 4) // the last of it: what was taken in is not worked through either
	w.eventually("the indexer says so", func() bool {
		status, answer := w.call("GET", w.Endpoint("indexer")+"/readyz", "", "")
		return status == http.StatusServiceUnavailable && strings.Contains(answer, `"engine":"disk"`)
	})

	w.free.Store(50 * gib)
	w.eventually("the line over TCP comes in by itself", func() bool { return w.found("ventet") == 1 })
	w.eventually("every part is ready", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return w.AwaitReady(ctx) == nil
	})
	require.Less(t, w.bulk("etterpå"), 300)
	require.Zero(t, w.found("avvist"))
}

// What is older than its period is deleted, and the tenant's audit log has it:
// with the real services, tokens and contracts.
func TestTheInstallationDeletesWhatIsOverAndRecordsIt_R39(t *testing.T) {
	t.Parallel()
	w := startWhole(t, func(c *Config) {
		c.Retention.Tenants = map[string]TenantRetention{"bjorkvag": {Events: map[string]int{"standard": 30}}}
	})
	ctx := tenant.With(t.Context(), "bjorkvag")
	day := func(ago int) ecs.Event {
		at := time.Now().UTC().AddDate(0, 0, -ago)
		return ecs.Event{Timestamp: at, Message: "gammel", Event: ecs.Meta{ID: fmt.Sprint("e", ago)},
			Varde: ecs.Varde{Tenant: "bjorkvag", Partition: "bjorkvag.standard." + at.Format("2006-01-02")}}
	}
	_, err := w.engines.events.Append(ctx, []ecs.Event{day(40), day(20), day(0)})
	require.NoError(t, err)
	w.eventually("the pass gets through", func() bool {
		done, err := w.retention.Pass(t.Context())
		require.NoError(t, err)
		return done
	})
	require.Equal(t, 2, w.found("gammel"))
	status, metrics := w.call("GET", w.Endpoint("indexer")+"/metrics", "", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, metrics, `varde_retention_events_deleted_total{tenant="bjorkvag"} 1`)

	auditor := w.signIn("revisor@bjorkvag.example")
	audited := func(search string) []auditapi.Record {
		var list auditapi.RecordList
		auditor("POST", "/api/audit/v1/records/search", search, &list)
		return list.Items
	}
	records := audited(`{"action":"event.expire","phase":"intent"}`)
	require.Len(t, records, 1)
	require.Equal(t, "indexer", records[0].Service)
	require.Equal(t, "partition:"+day(40).Varde.Partition, records[0].Object)
	require.Equal(t, "30", records[0].Details["days"])
	require.Equal(t, auditapi.Counts{"events": 1}, records[0].Counts)
	outcomes := audited(fmt.Sprintf(`{"intent":%q}`, records[0].Id))
	require.Len(t, outcomes, 1)
	require.Equal(t, "ok", outcomes[0].Result)
}

// signIn signs in at the front door, and gives how to call as that person.
func (w *whole) signIn(name string) func(method, path, body string, out any) {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	client := &http.Client{Jar: jar}
	csrf := ""
	call := func(method, path, body string, out any) {
		w.t.Helper()
		req, err := http.NewRequest(method, w.Public()+path, strings.NewReader(body))
		require.NoError(w.t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", w.Public())
		req.Header.Set("Varde-Csrf", csrf)
		res, err := client.Do(req)
		require.NoError(w.t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(w.t, err)
		require.Equal(w.t, 2, res.StatusCode/100, "%s", text)
		require.NoError(w.t, json.Unmarshal(text, out))
	}
	var session webapi.Session
	call("POST", "/api/web/v1/session", fmt.Sprintf(`{"name":%q,"password":%q}`, name, demo.Password), &session)
	csrf = session.Csrf
	return call
}
