package installation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"varde.internal/platform/backup"
	"varde.internal/platform/bus"
	"varde.internal/platform/config"
)

func real() Config {
	c := Default("/srv/varde")
	c.Bus, c.Documents, c.Events, c.Files = "kafka://varde:hemmelig@kafka", "mongodb://varde:hemmelig@mongo/varde", "https://varde:hemmelig@elastic:9200", "s3://filer"
	return c
}

func TestWhatIsWrongIsNamedByItsKey(t *testing.T) {
	t.Parallel()
	require.NoError(t, Default("/srv/varde").Validate())
	require.NoError(t, real().Validate())
	for key, spoil := range map[string]func(*Config){
		"data":                func(c *Config) { c.Data = "" },
		"bus":                 func(c *Config) { c.Bus = "http://varde:hemmelig@kafka" },
		"documents":           func(c *Config) { c.Documents = "postgres://varde:hemmelig@x" },
		"events":              func(c *Config) { c.Events = "://varde:hemmelig@x" },
		"files":               func(c *Config) { c.Files = "varde:hemmelig" },
		"listen.web":          func(c *Config) { c.Listen["web"] = "8400" },
		"listen":              func(c *Config) { c.Listen["kitchen"] = "127.0.0.1:1" },
		"endpoints.cases":     func(c *Config) { c.Endpoints = map[string]string{"cases": "cases"} },
		"endpoints":           func(c *Config) { c.Endpoints = map[string]string{"kitchen": "http://x"} },
		"public":              func(c *Config) { c.Public = "varde.example" },
		`listen: there is no`: func(c *Config) { c.Listen["Cases"] = "127.0.0.1:1" },

		"retention.events.standard": func(c *Config) { c.Retention.Events["standard"] = -1 },
		"retention.events.long":     func(c *Config) { c.Retention.Events["long"] = 1e6 },
		"retention.floor":           func(c *Config) { c.Retention.Floor = -1 },
		"retention.tenants.bo.events.standard": func(c *Config) {
			c.Retention.Tenants = map[string]TenantRetention{"bo": {Events: map[string]int{"standard": -1}}}
		},
		"retention.topics.events":  func(c *Config) { c.Retention.Topics["events"] = 1 },
		"retention.topics.reports": func(c *Config) { c.Retention.Topics["reports"] = 0 },
		`no topic "register"`:      func(c *Config) { c.Retention.Topics["register"] = 7 },
		"retention.audit":          func(c *Config) { c.Retention.Audit = -1 },
		"disk.every":               func(c *Config) { c.Disk.Every = 0 },
		"heartbeat.url":            func(c *Config) { c.Heartbeat.URL = "http://watcher.example/hemmelig" },
		"heartbeat.method":         func(c *Config) { c.Heartbeat.Method = "PUT" },
		"heartbeat.every":          func(c *Config) { c.Heartbeat.Every = 0 },
		"kafka[0]: brokers":        func(c *Config) { c.Kafka = []Topic{{Topic: "logg", Source: "01"}} },
		"parameter sasl": func(c *Config) {
			c.Kafka = []Topic{{Brokers: "kafka://varde:hemmelig@x?sasl=y", Topic: "logg", Source: "01"}}
		},
		"not both": func(c *Config) {
			c.Kafka = []Topic{{Brokers: "kafka://x", BrokersFile: "y", Topic: "logg", Source: "01"}}
		},
		"graph[0]": func(c *Config) { c.Graph = []Directory{{Source: "01", Directory: "d", Client: "c"}} },
		"logs: must be": func(c *Config) {
			c.Graph = []Directory{{Source: "01", Directory: "d", Client: "c", Secret: "hemmelig", Logs: []string{"x"}}}
		},
	} {
		c := Default("/srv/varde")
		spoil(&c)
		err := c.Validate()
		require.ErrorContains(t, err, key)
		require.NotContains(t, err.Error(), "hemmelig", "a URL is never repeated: it can hold a password")
	}
	c := real()
	c.Data, c.Keys = "", "/var/lib/varde/keys"
	require.NoError(t, c.Validate(), "with real engines and keys elsewhere there is no data folder")
}

func TestPartsApartNeedRealEnginesAndTheOthersAddresses(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckParts(Default("/x"), nil))
	require.NoError(t, CheckParts(Default("/x"), Names))
	require.ErrorContains(t, CheckParts(Default("/x"), []string{"cases"}), "real engines")
	require.ErrorContains(t, CheckParts(Default("/x"), []string{"kitchen"}), `"kitchen"`)
	c := real()
	require.ErrorContains(t, CheckParts(c, []string{"cases"}), "endpoints.identity")
	c.Endpoints = map[string]string{}
	for _, name := range []string{"audit", "identity", "register", "deviation", "search", "sources", "reparse", "web"} {
		c.Endpoints[name] = "http://" + name
	}
	require.NoError(t, CheckParts(c, []string{"cases"}))
	c.Files = ""
	require.ErrorContains(t, CheckParts(c, []string{"cases"}), "real engines", "one embedded engine is enough to refuse")
}

// What a demo writes for its processes is what they read.
func TestPlainIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	c := real()
	c.Public, c.Log, c.OTLP = "https://varde.example.no", "debug", "http://127.0.0.1:4318"
	c.Endpoints = map[string]string{"cases": "http://127.0.0.1:8401"}
	c.Logs = []LogFile{{Path: "/var/log/auth.log", Source: "01"}}
	c.Retention.Tenants = map[string]TenantRetention{"bo": {Events: map[string]int{"long": 365}, Floor: 92}}
	c.Heartbeat.URL = "https://watcher.example/hemmelig"
	c.Kafka = []Topic{{Brokers: "kafka://varde:hemmelig@andre", Topic: "logg", Source: "01", Group: "g", Format: "json"}, {BrokersFile: "/run/secrets/kafka", Topic: "logg", Source: "01"}}
	c.Graph = []Directory{{Source: "01", Directory: "d", Client: "c", Secret: "hemmelig", Every: time.Minute}, {Source: "01", Directory: "d", Client: "c", SecretFile: "/run/secrets/entra", Logs: []string{"signIns"}}}
	require.NoError(t, c.Disk.Stop.UnmarshalText([]byte("5%")))
	c.DemoAccounts = []DemoAccount{{Name: "a@b.example", Password: "x", Role: "employee"}}
	plain, err := c.Plain()
	require.NoError(t, err)
	text, err := yaml.Marshal(plain)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "varde.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	got := Default("elsewhere")
	require.NoError(t, config.Load(&got, config.Source{File: file}))
	require.Equal(t, c, got)

	redacted, err := yaml.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(redacted), "hemmelig")
	require.Equal(t, 6, strings.Count(string(text), "hemmelig"))
}

// The forms that docs/operations.md shows.
func TestRetentionDiskAndHeartbeatAreRead_R39_N4(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "varde.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
retention:
  events: { long: 365 }
  floor: 92
  tenants: { bjorkvag: { events: { standard: 180 } } }
  topics: { reports: 3 }
disk: { warn: 10%, stop: 2GiB }
heartbeat: { url: "https://watcher.example/x", every: 5m }
`), 0o600))
	c := Default("/srv/varde")
	require.NoError(t, config.Load(&c, config.Source{File: file, Environ: []string{"VARDE_DISK_STOP=3GiB", "VARDE_HEARTBEAT_METHOD=POST", "VARDE_RETENTION_AUDIT=3650"}}))
	require.Equal(t, map[string]int{"standard": 90, "long": 365}, c.Retention.Events, "beside the default")
	require.Equal(t, 92, c.Retention.Floor)
	require.Equal(t, 180, c.Retention.indexer().Tenants["bjorkvag"].Days["standard"])
	require.Equal(t, 3650, c.Retention.Audit)
	require.Equal(t, "10%", c.Disk.Warn.String())
	require.Equal(t, "3GiB", c.Disk.Stop.String())
	require.Equal(t, "POST", c.Heartbeat.Method)
	require.Equal(t, 5*time.Minute, c.Heartbeat.Every)
	for _, topic := range c.Retention.topics() {
		switch topic.Name {
		case bus.TopicReports:
			require.Equal(t, 3*day, topic.Retention)
		case bus.TopicCases:
			require.Equal(t, 7*day, topic.Retention)
		case bus.TopicRegister:
			require.True(t, topic.Compacted)
		}
	}
	c = Default("/srv/varde")
	require.NoError(t, config.Load(&c, config.Source{Environ: []string{"VARDE_RETENTION_EVENTS=standard:30,long:60", "VARDE_RETENTION_TOPICS=events:4"}}))
	require.Equal(t, map[string]int{"standard": 30, "long": 60}, c.Retention.Events)
	require.Equal(t, map[string]int{"events": 4}, c.Retention.Topics)
}

// Only what lies on this machine's disk is watched.
func TestTheDisksOfDataFoldersAreWatched_N4(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"bus": "/srv/varde/bus", "documents": "/srv/varde/documents", "events": "/srv/varde/events", "files": "/srv/varde/files"},
		Default("/srv/varde").folders())
	require.Empty(t, real().folders())
	c := real()
	c.Files, c.Documents = "file:///srv/files", "sqlite:///srv/docs/varde.sqlite"
	require.Equal(t, map[string]string{"files": "/srv/files", "documents": "/srv/docs"}, c.folders())
}

// The chart's configuration file, as charts/charts_test.go renders it, is one
// that every deployment of the chart starts with.
func TestTheChartsConfigurationIsRead(t *testing.T) {
	t.Parallel()
	c := Default("")
	require.NoError(t, config.Load(&c, config.Source{File: "../../charts/rendered/varde.yaml"}))
	for _, name := range Names {
		require.NotEmpty(t, c.Listen[name], name)
		require.NotEmpty(t, c.Endpoints[name], name)
		require.NoError(t, CheckParts(c, []string{name}))
	}
	require.Len(t, c.Listen, len(Names))
}

// The audit log is told of the restoration that a data folder comes from, by
// the same name at every start, so that it records it once (N5, R41).
func TestTheAuditLogIsToldOfARestoration_N5(t *testing.T) {
	t.Parallel()
	in := &Installation{cfg: Default(filepath.Join(t.TempDir(), "data"))}
	c, err := in.audit()
	require.NoError(t, err)
	require.Empty(t, c.Restored)

	running := filepath.Join(t.TempDir(), "running")
	require.NoError(t, os.MkdirAll(running, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(running, "demo.json"), []byte("{}"), 0o600))
	copied := filepath.Join(t.TempDir(), "backup")
	m, err := backup.Create(t.Context(), backup.Source{Data: running}, copied)
	require.NoError(t, err)
	_, err = backup.Restore(t.Context(), copied, backup.Target{Data: in.cfg.Data})
	require.NoError(t, err)
	first, err := in.audit()
	require.NoError(t, err)
	require.Contains(t, first.Restored, m.ID)
	time.Sleep(time.Millisecond)
	again, err := in.audit()
	require.NoError(t, err)
	require.Equal(t, first.Restored, again.Restored)

	// Another restoration of the same backup is another one.
	other := &Installation{cfg: Default(filepath.Join(t.TempDir(), "other"))}
	_, err = backup.Restore(t.Context(), copied, backup.Target{Data: other.cfg.Data})
	require.NoError(t, err)
	next, err := other.audit()
	require.NoError(t, err)
	require.NotEqual(t, first.Restored, next.Restored)
}
