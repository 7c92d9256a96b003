package installation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"varde.internal/ingest/indexer"
	"varde.internal/platform/bus"
)

// Retention says for how many days what is stored is kept; 0 is for ever. It is
// the written rule of what is deleted when (R39, R63), and the controller's.
type Retention struct {
	// Events is by retention class of the source ("standard" where it names none).
	Events map[string]int `yaml:"events" env:"EVENTS"`
	// Floor is the least for every class, where a regime asks for it.
	Floor int `yaml:"floor" env:"FLOOR"`
	// Tenants have their own periods for the classes they name, and their own floor.
	Tenants map[string]TenantRetention `yaml:"tenants,omitempty" env:"-"`
	// Topics is by topic of the bus; a topic is a buffer and never kept for ever.
	Topics map[string]int `yaml:"topics" env:"TOPICS"`
	// Audit is for the content of audit records; their proof stays.
	Audit int `yaml:"audit" env:"AUDIT"`
}

// TenantRetention is what a tenant has of its own.
type TenantRetention struct {
	Events map[string]int `yaml:"events"`
	Floor  int            `yaml:"floor,omitempty"`
}

func defaultRetention() Retention {
	r := Retention{Events: maps.Clone(indexer.DefaultRetention().Days), Topics: map[string]int{}}
	for _, t := range topicConfigs {
		if adjustable(t) {
			r.Topics[t.Name] = int(t.Retention / day)
		}
	}
	return r
}

// adjustable is a topic whose retention is a setting. The audit topic's is the
// audit service's own.
func adjustable(t bus.TopicConfig) bool { return !t.Compacted && t.Name != bus.TopicAudit }

// leastEvents is how many days of events the bus keeps at least: a correlator
// that starts replays its longest window from there, and an index that was away
// is filled from there.
const leastEvents = 2

// longest a topic is kept, in days: the embedded broker reads it at every start.
const longestTopic = 90

func (r Retention) validate() error {
	errs := []error{prefixed("retention", r.indexer().Validate())}
	for _, name := range slices.Sorted(maps.Keys(r.Topics)) {
		known := slices.ContainsFunc(topicConfigs, func(t bus.TopicConfig) bool { return t.Name == name && adjustable(t) })
		least := 1
		if name == bus.TopicEvents {
			least = leastEvents
		}
		switch days := r.Topics[name]; {
		case !known:
			errs = append(errs, fmt.Errorf("retention.topics: there is no topic %q whose retention can be set", name))
		case days < least || days > longestTopic:
			errs = append(errs, fmt.Errorf("retention.topics.%s: days must be between %d and %d", name, least, longestTopic))
		}
	}
	if r.Audit < 0 || r.Audit > 36525 {
		errs = append(errs, errors.New("retention.audit: days must be between 0 (for ever) and 36525"))
	}
	return errors.Join(errs...)
}

// prefixed puts the key before each of joined errors.
func prefixed(key string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // one that wraps a joined one is not taken apart
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, prefixed(key, e))
		}
		return errors.Join(out...)
	}
	return fmt.Errorf("%s.%w", key, err)
}

// indexer is what the deletion of events goes by.
func (r Retention) indexer() indexer.RetentionConfig {
	c := indexer.DefaultRetention()
	c.Days, c.Floor = r.Events, r.Floor
	c.Tenants = map[string]indexer.Periods{}
	for name, t := range r.Tenants {
		c.Tenants[name] = indexer.Periods{Days: t.Events, Floor: t.Floor}
	}
	return c
}

// topics declares every topic with its retention as configured.
func (r Retention) topics() []bus.TopicConfig {
	all := slices.Clone(topicConfigs)
	for i, t := range all {
		if days := r.Topics[t.Name]; days > 0 && adjustable(t) {
			all[i].Retention = time.Duration(days) * day
		}
	}
	return all
}
