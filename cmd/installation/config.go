// Package installation turns a configuration into running parts: it opens the
// engines (embedded, or real ones by URL), loads the keys, and gives each part
// what it needs. It is the only place that knows all parts.
package installation

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"varde.internal/ingest/archive"
	"varde.internal/platform/config"
	"varde.internal/platform/disk"
)

// Names of the parts, in the order they are started.
var Names = []string{"audit", "identity", "register", "deviation", "cases", "search", "collector", "indexer", "archive", "correlator", "sources", "reparse", "web"}

// Config of an installation. Every process of it has the same one; which parts
// run is said on the command line. Empty engine URLs mean the embedded engine
// in Data, which only `varde serve` with every part can use.
type Config struct {
	// Data is the folder of the embedded engines, and of the keys unless Keys
	// names another.
	Data string `yaml:"data" env:"DATA"`
	// Public is the address people use. Empty: the address that web listens on.
	Public string `yaml:"public" env:"PUBLIC"`
	// TrustedProxies are the networks of the proxies in front of web: their word
	// is taken for the address that a request came from.
	TrustedProxies []string `yaml:"trustedProxies,omitempty" env:"TRUSTED_PROXIES"`

	Bus       config.Secret `yaml:"bus" env:"BUS"`             // kafka://…
	Documents config.Secret `yaml:"documents" env:"DOCUMENTS"` // mongodb://… or sqlite://…
	Events    config.Secret `yaml:"events" env:"EVENTS"`       // http(s)://… of Elasticsearch
	Files     config.Secret `yaml:"files" env:"FILES"`         // s3://… or file://…
	Keys      string        `yaml:"keys" env:"KEYS"`

	// Listen gives parts their addresses; what is not named listens on a free
	// port of 127.0.0.1. Endpoints says where the others are, when they run in
	// other processes.
	Listen    map[string]string `yaml:"listen" env:"LISTEN"`
	Endpoints map[string]string `yaml:"endpoints" env:"ENDPOINTS"`
	Syslog    Syslog            `yaml:"syslog" envPrefix:"SYSLOG_"`
	// Logs are files that the collector follows, each for a source of the register.
	Logs []LogFile `yaml:"logs,omitempty" env:"-"`
	// Kafka are topics of other Kafkas, and Graph directories of Entra ID, that
	// the collector fetches lines from.
	Kafka []Topic     `yaml:"kafka,omitempty" env:"-"`
	Graph []Directory `yaml:"graph,omitempty" env:"-"`

	Sources Sources `yaml:"sources" envPrefix:"SOURCES_"`

	Log       string      `yaml:"log" env:"LOG"`   // debug, info, warn, error
	OTLP      string      `yaml:"otlp" env:"OTLP"` // OTLP/HTTP endpoint for traces; empty: none are sent
	Retention Retention   `yaml:"retention" envPrefix:"RETENTION_"`
	Disk      disk.Config `yaml:"disk" envPrefix:"DISK_"`
	// Archive says how long events may lie on the topic alone, and how often the
	// archive keeps house.
	Archive   archive.Config `yaml:"archive" envPrefix:"ARCHIVE_"`
	Heartbeat Heartbeat      `yaml:"heartbeat" envPrefix:"HEARTBEAT_"`
	// DemoAccounts are offered on the sign-in page; `varde demo` sets them.
	DemoAccounts []DemoAccount `yaml:"demoAccounts,omitempty" env:"-"`

	measure func(path string) (disk.Space, error) // of the disk; nil but in tests
}

// LogFile is a file, or a pattern of files, and the id of the source it belongs to.
type LogFile struct {
	Path   string `yaml:"path"`
	Source string `yaml:"source"`
}

// DemoAccount is an account of the demo region.
type DemoAccount struct {
	Name     string `yaml:"name"`
	Password string `yaml:"password"`
	Role     string `yaml:"role"`
}

// Syslog are the collector's addresses; empty: that one is off.
type Syslog struct {
	TCP string `yaml:"tcp" env:"TCP"`
	UDP string `yaml:"udp" env:"UDP"`
	TLS struct {
		Listen      string `yaml:"listen" env:"LISTEN"`
		Certificate string `yaml:"certificate" env:"CERTIFICATE"` // PEM files
		Key         string `yaml:"key" env:"KEY"`
		Clients     string `yaml:"clients" env:"CLIENTS"`
	} `yaml:"tls" envPrefix:"TLS_"`
}

// Default is an installation in one process on embedded engines in the folder data.
func Default(data string) Config {
	return Config{
		Data:      data,
		Listen:    map[string]string{"web": "127.0.0.1:8400", "collector": "127.0.0.1:9280"},
		Syslog:    Syslog{TCP: "127.0.0.1:5514", UDP: "127.0.0.1:5514"},
		Sources:   defaultSources(),
		Log:       "info",
		Retention: defaultRetention(), Disk: disk.Default(), Archive: archive.Default(), Heartbeat: defaultHeartbeat(),
	}
}

// Validate names everything that is wrong, joined.
func (c Config) Validate() error {
	var errs []error
	if c.Data == "" && (c.embedded() || c.Keys == "") {
		errs = append(errs, errors.New("data: a folder is needed for embedded engines and keys"))
	}
	for name, v := range map[string]struct {
		url     string
		schemes []string
	}{
		"bus":       {c.Bus.Reveal(), []string{"kafka"}},
		"documents": {c.Documents.Reveal(), []string{"mongodb", "mongodb+srv", "sqlite"}},
		"events":    {c.Events.Reveal(), []string{"http", "https"}},
		"files":     {c.Files.Reveal(), []string{"s3", "file"}},
	} {
		if v.url == "" {
			continue
		}
		// The error of url.Parse repeats the URL, which can hold a password.
		scheme, _, found := strings.Cut(v.url, "://")
		if !found || !slices.Contains(v.schemes, scheme) {
			errs = append(errs, fmt.Errorf("%s: the URL must begin with one of %s", name, strings.Join(v.schemes, "://, ")+"://"))
		}
	}
	for part, addr := range c.Listen {
		if !slices.Contains(Names, part) {
			errs = append(errs, fmt.Errorf("listen: there is no part %q", part))
		} else if _, _, err := net.SplitHostPort(addr); err != nil {
			errs = append(errs, fmt.Errorf("listen.%s: %w", part, err))
		}
	}
	for part, base := range c.Endpoints {
		if !slices.Contains(Names, part) {
			errs = append(errs, fmt.Errorf("endpoints: there is no part %q", part))
		} else if u, err := url.Parse(base); err != nil || u.Host == "" {
			errs = append(errs, fmt.Errorf("endpoints.%s: not an http(s) address", part))
		}
	}
	if c.Public != "" {
		if u, err := url.Parse(c.Public); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			errs = append(errs, errors.New("public: not an http(s) address"))
		}
	}
	if err := c.fetched(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.Retention.validate(), prefixed("disk", c.Disk.Validate()), c.Archive.Validate(), c.Heartbeat.validate(), c.Sources.validate())
	return errors.Join(errs...)
}

// embedded reports whether any engine is the embedded one.
func (c Config) embedded() bool {
	return c.Bus.Reveal() == "" || c.Documents.Reveal() == "" || c.Events.Reveal() == "" || c.Files.Reveal() == ""
}

// in returns a path inside the data folder.
func (c Config) in(name ...string) string {
	return filepath.Join(append([]string{c.Data}, name...)...)
}

// Plain is c for a configuration file: with the engines' URLs as they are,
// which encoding c itself would redact.
func (c Config) Plain() (map[string]any, error) {
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	for name, url := range map[string]config.Secret{"bus": c.Bus, "documents": c.Documents, "events": c.Events, "files": c.Files} {
		plain[name] = url.Reveal()
	}
	c.revealFetched(plain)
	if beat, ok := plain["heartbeat"].(map[string]any); ok {
		beat["url"] = c.Heartbeat.URL.Reveal()
	}
	return plain, nil
}
