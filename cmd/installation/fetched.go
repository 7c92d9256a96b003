package installation

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"varde.internal/ingest/collector"
	"varde.internal/platform/config"
)

// Topic is a topic of another Kafka, whose messages are lines of a source of
// the register (docs/formats.md, Collector).
type Topic struct {
	// Brokers is an address as that of bus; where it holds a password, it can
	// stand in a file instead.
	Brokers     config.Secret `yaml:"brokers,omitempty"`
	BrokersFile string        `yaml:"brokersFile,omitempty"`
	Topic       string        `yaml:"topic"`
	Group       string        `yaml:"group,omitempty"`  // of the offsets; empty: varde
	Source      string        `yaml:"source"`           // id in the register
	Format      string        `yaml:"format,omitempty"` // line (default), json, ecs
}

// Directory is a directory of Microsoft Entra ID whose sign-in and audit logs
// are polled from Microsoft Graph.
type Directory struct {
	Source     string        `yaml:"source"`    // id in the register
	Directory  string        `yaml:"directory"` // its id or domain (Microsoft's "tenant")
	Client     string        `yaml:"client"`    // id of the application
	Secret     config.Secret `yaml:"secret,omitempty"`
	SecretFile string        `yaml:"secretFile,omitempty"` // read for each token
	Logs       []string      `yaml:"logs,omitempty"`       // signIns, directoryAudits; empty: both
	Every      time.Duration `yaml:"every,omitempty"`      // 0: five minutes
	Overlap    time.Duration `yaml:"overlap,omitempty"`    // 0: two hours
	Since      time.Duration `yaml:"since,omitempty"`      // of the first poll; 0: a day
	Login      string        `yaml:"login,omitempty"`      // of another cloud than the public one
	API        string        `yaml:"api,omitempty"`
}

// topic is t for the collector. A file that cannot be read is an error that
// does not name it.
func (t Topic) topic() (collector.Topic, error) {
	out := collector.Topic{Brokers: t.Brokers, Topic: t.Topic, Group: t.Group, Source: t.Source, Format: t.Format}
	if out.Group == "" {
		out.Group = collector.DefaultGroup
	}
	if out.Format == "" {
		out.Format = collector.FormatLine
	}
	if t.BrokersFile == "" {
		return out, nil
	}
	if !t.Brokers.Empty() {
		return out, errors.New("one of brokers and brokersFile is needed, not both")
	}
	text, err := os.ReadFile(t.BrokersFile)
	if err != nil {
		return out, fmt.Errorf("brokersFile: %w", err)
	}
	out.Brokers = config.Secret(strings.TrimSpace(string(text)))
	return out, nil
}

// graph is d for the collector.
func (d Directory) graph() collector.Graph {
	out := collector.DefaultGraph()
	out.Source, out.Directory, out.Client, out.Secret, out.SecretFile, out.Login, out.API = d.Source, d.Directory, d.Client, d.Secret, d.SecretFile, d.Login, d.API
	if len(d.Logs) > 0 {
		out.Logs = d.Logs
	}
	if d.Every != 0 {
		out.Every = d.Every
	}
	if d.Overlap != 0 {
		out.Overlap = d.Overlap
	}
	if d.Since != 0 {
		out.Since = d.Since
	}
	out.Since = max(out.Since, out.Overlap)
	return out
}

// fetched checks what the collector fetches. Files with secrets are not read:
// only the collector's process has them.
func (c Config) fetched() error {
	check := collector.Default()
	for _, t := range c.Kafka {
		if t.BrokersFile != "" && t.Brokers.Empty() {
			t.Brokers, t.BrokersFile = "kafka://in-a-file", ""
		}
		topic, err := t.topic()
		if err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		check.Topics = append(check.Topics, topic)
	}
	for _, d := range c.Graph {
		check.Graphs = append(check.Graphs, d.graph())
	}
	return check.Validate()
}

// revealFetched puts the secrets of lists into a plain configuration.
func (c Config) revealFetched(plain map[string]any) {
	each := func(key, name string, secret func(int) config.Secret) {
		list, _ := plain[key].([]any)
		for i, one := range list {
			if m, ok := one.(map[string]any); ok && !secret(i).Empty() {
				m[name] = secret(i).Reveal()
			}
		}
	}
	each("kafka", "brokers", func(i int) config.Secret { return c.Kafka[i].Brokers })
	each("graph", "secret", func(i int) config.Secret { return c.Graph[i].Secret })
}
