package installation

import (
	"fmt"
	"time"

	"varde.internal/ingest/archive"
	"varde.internal/ingest/collector"
	"varde.internal/ingest/correlator"
	"varde.internal/ingest/indexer"
	"varde.internal/ingest/parse"
	"varde.internal/ingest/reparse"
	"varde.internal/ingest/sources"
	"varde.internal/platform/backup"
	"varde.internal/platform/bus"
	"varde.internal/platform/config"
	"varde.internal/platform/run"
	"varde.internal/services/audit"
	"varde.internal/services/cases"
	"varde.internal/services/deviation"
	"varde.internal/services/identity"
	"varde.internal/services/register"
	"varde.internal/services/search"
	"varde.internal/services/web"
	"varde.internal/ui"
)

// build makes one part. Constructors do no I/O; audit's configuration reads whether
// the data folder was restored.
func (in *Installation) build(name string) (part run.Part, err error) {
	deps := in.Deps(name)
	if name == "web" && !in.cfg.Heartbeat.URL.Empty() {
		in.heart = newHeart(in.cfg.Heartbeat, in.AwaitReady, deps.Log)
		deps.Metrics.MustRegister(in.heart.last)
	}
	switch name {
	case "audit":
		c, err := in.audit()
		if err != nil {
			return nil, err
		}
		return audit.New(deps, c)
	case "identity":
		return identity.New(deps, in.Identity())
	case "cases":
		return cases.New(deps, cases.Default())
	case "register":
		return register.New(deps, register.Config{CheckMapping: mappingFaults})
	case "deviation":
		return deviation.New(deps, deviation.Default())
	case "search":
		return search.New(deps, search.Default())
	case "collector":
		deps.Bus = heldBus{deps.Bus, in.watch}
		c, err := in.fetching(in.collector())
		if err != nil {
			return nil, err
		}
		m, err := collector.New(deps, c)
		in.syslog = m
		return m, err
	case "indexer":
		if in.retention, err = indexer.NewRetention(deps, in.cfg.Retention.indexer()); err != nil {
			return nil, err
		}
		deps.Bus = heldReader{deps.Bus, in.watch}
		return indexer.New(deps, indexer.Default())
	case archive.Name:
		deps.Bus = heldReader{deps.Bus, in.watch}
		return archive.New(deps, in.cfg.Archive)
	case "correlator":
		return correlator.New(deps, correlator.Default())
	case sources.Name:
		c := sources.Default()
		c.SilentAfter = in.cfg.Sources.SilentAfter
		return sources.New(deps, c)
	case reparse.Name:
		deps.Bus = heldAgain{heldReader{deps.Bus, in.watch}}
		return reparse.New(deps, in.reparse())
	case "web":
		return web.New(deps, in.web())
	}
	return nil, fmt.Errorf("there is no part %q", name)
}

// mappingFaults is the register's check of a mapping: by the parsers.
func mappingFaults(text string) (faults []register.MappingFault) {
	for _, f := range parse.Faults(parse.CheckMapping(text)) {
		faults = append(faults, register.MappingFault{Line: f.Line, Text: f.Text})
	}
	return faults
}

// audit tells the audit log of the restoration that the data folder comes from:
// whoever kept a later checkpoint then sees why it does not fit. The log takes
// it once, at whichever start is the first.
func (in *Installation) audit() (audit.Config, error) {
	c := audit.Default()
	c.Retention = time.Duration(in.cfg.Retention.Audit) * day
	if in.cfg.Data == "" {
		return c, nil
	}
	restored, ok, err := backup.ReadRestored(in.cfg.Data)
	if ok {
		c.Restored = restored.Name()
	}
	return c, err
}

// Identity is identity's configuration, with the secrets that the other parts
// show for their tokens.
func (in *Installation) Identity() identity.Config {
	c := identity.Default()
	c.ClientSecret = func(service string) config.Secret { return config.Secret(in.serviceSecret(service)) }
	return c
}

func (in *Installation) web() web.Config {
	c := web.Default()
	c.Public, c.UI, c.TrustedProxies = in.cfg.Public, ui.FS(), in.cfg.TrustedProxies
	for _, a := range in.cfg.DemoAccounts {
		c.DemoAccounts = append(c.DemoAccounts, web.DemoAccount(a))
	}
	return c
}

func (in *Installation) collector() collector.Config {
	c := collector.Default()
	c.SyslogTCP, c.SyslogUDP = in.cfg.Syslog.TCP, in.cfg.Syslog.UDP
	c.SyslogTLS = collector.TLS(in.cfg.Syslog.TLS)
	c.Quota = collector.Quota{PerSecond: in.cfg.Sources.PerSecond, Burst: in.cfg.Sources.Burst}
	for _, f := range in.cfg.Logs {
		c.Files = append(c.Files, collector.File(f))
	}
	return c
}

// fetching adds what the collector fetches by itself, with its secrets.
func (in *Installation) fetching(c collector.Config) (collector.Config, error) {
	for i, t := range in.cfg.Kafka {
		topic, err := t.topic()
		if err != nil {
			return c, fmt.Errorf("kafka[%d]: %w", i, err)
		}
		c.Topics = append(c.Topics, topic)
	}
	for _, d := range in.cfg.Graph {
		c.Graphs = append(c.Graphs, d.graph())
	}
	return c, nil
}

// reparse keeps dead letters for as long as their topic does, and reads lines
// with what the collector reads them with.
func (in *Installation) reparse() reparse.Config {
	c := reparse.Default()
	c.Collector = in.collector()
	if days := in.cfg.Retention.Topics[bus.TopicEventsFailed]; days > 0 {
		c.Keep = time.Duration(days) * day
	}
	return c
}

// SyslogTCP is where the collector takes syslog lines over TCP.
func (in *Installation) SyslogTCP() string {
	if in.syslog != nil {
		return in.syslog.SyslogTCP()
	}
	return in.cfg.Syslog.TCP
}
