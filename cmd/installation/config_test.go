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
	for _, name := range []string{"audit", "identity", "register", "deviation", "search", "web"} {
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
	c.DemoAccounts = []DemoAccount{{Name: "a@b.example", Password: "x", Title: "Ansatt"}}
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
	require.Equal(t, 3, strings.Count(string(text), "hemmelig"))
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
