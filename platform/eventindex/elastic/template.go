package elastic

import (
	"context"
	"fmt"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"varde.internal/schemas/ecs"
)

// templateVersion rises with every change of the mapping. Templates of older
// versions stay beside it with a lower priority, so that an older program that
// still runs does not take the newer one back.
const templateVersion = 2

// property of a mapping.
type property struct {
	Type            string              `json:"type,omitempty"`
	IgnoreAbove     int                 `json:"ignore_above,omitempty"`
	IgnoreMalformed *bool               `json:"ignore_malformed,omitempty"`
	Index           *bool               `json:"index,omitempty"`
	DocValues       *bool               `json:"doc_values,omitempty"`
	Norms           *bool               `json:"norms,omitempty"`
	Enabled         *bool               `json:"enabled,omitempty"`
	Analyzer        string              `json:"analyzer,omitempty"`
	Properties      map[string]property `json:"properties,omitempty"`
}

type mapping struct {
	Dynamic    bool                `json:"dynamic"`
	Source     *sourceFilter       `json:"_source,omitempty"`
	Properties map[string]property `json:"properties"`
}

type sourceFilter struct {
	Includes []string `json:"includes,omitempty"`
	Excludes []string `json:"excludes,omitempty"`
}

type template struct {
	Patterns []string       `json:"index_patterns"`
	Priority int            `json:"priority"`
	Version  int            `json:"version"`
	Template templateBody   `json:"template"`
	Meta     map[string]any `json:"_meta"`
}

type templateBody struct {
	Settings map[string]any `json:"settings"`
	Mappings mapping        `json:"mappings"`
}

// Fields of the object "search".
const (
	fieldText    = "search.text"    // the words of the message
	fieldMessage = "search.message" // whether there is a message
	fieldLabels  = "search.labels"  // key and value of each label
)

// labelMark stands between the key and the value of a label.
const labelMark = "\x00"

func propertyOf(f ecs.Field) property {
	switch f.Type {
	case ecs.IP:
		return property{Type: "ip", IgnoreMalformed: yes()}
	case ecs.Date:
		if f.Name == "@timestamp" {
			return property{Type: "date_nanos"}
		}
		return property{Type: "date_nanos", IgnoreMalformed: yes()}
	case ecs.Long:
		return property{Type: "long"}
	case ecs.Boolean:
		return property{Type: "boolean"}
	case ecs.Text:
		return property{Type: "text", Index: no(), Norms: no()}
	}
	return property{Type: "keyword", IgnoreAbove: ecs.MaxKeyword}
}

func no() *bool { b := false; return &b }

// mappings are made from the registry of fields: what it does not know is kept
// and not indexed.
func mappings() mapping {
	m := mapping{Properties: map[string]property{
		"labels": {Type: "object", Enabled: no()},
		"search": {Properties: map[string]property{
			"text":    {Type: "text", Analyzer: "whitespace", Norms: no()},
			"message": {Type: "boolean"},
			"labels":  {Type: "keyword"},
			"sum":     {Type: "keyword", Index: no(), DocValues: no()},
		}},
	}, Source: &sourceFilter{Excludes: []string{fieldText, fieldLabels}}}
	for _, f := range ecs.Fields() {
		put(m.Properties, strings.Split(f.Name, "."), propertyOf(f))
	}
	// Their keys come from outside and can hold anything.
	for _, name := range []string{"log.syslog.structured_data", "winlog.event_data", "winlog.user_data"} {
		put(m.Properties, strings.Split(name, "."), property{Type: "object", Enabled: no()})
	}
	return m
}

func put(into map[string]property, path []string, p property) {
	if len(path) == 1 {
		into[path[0]] = p
		return
	}
	inner := into[path[0]]
	if inner.Properties == nil {
		inner.Properties = map[string]property{}
	}
	put(inner.Properties, path[1:], p)
	into[path[0]] = inner
}

// install puts the template, and gives the partitions that exist the fields
// they lack, once per process.
func (x *Index) install(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.template {
		return nil
	}
	t := template{
		Patterns: []string{x.opt.Prefix + ".*"}, Priority: 500 + templateVersion, Version: templateVersion,
		Meta: map[string]any{"made_by": "varde", "ecs": ecs.Version},
		Template: templateBody{Mappings: mappings(), Settings: map[string]any{
			"number_of_shards": x.opt.Shards, "auto_expand_replicas": "0-1", "codec": "best_compression", "refresh_interval": "1s",
		}},
	}
	body, err := encode(t)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-v%d", x.opt.Prefix, templateVersion)
	if err := x.do(ctx, esapi.IndicesPutIndexTemplateRequest{Name: name, Body: body}, nil); err != nil {
		return fmt.Errorf("eventindex: template: %w", err)
	}
	grown := mappings()
	grown.Source = nil // cannot be changed
	if body, err = encode(grown); err != nil {
		return err
	}
	err = x.do(ctx, esapi.IndicesPutMappingRequest{Index: []string{x.opt.Prefix + ".*"}, Body: body, AllowNoIndices: yes(), IgnoreUnavailable: yes()}, nil)
	if err != nil && statusOf(err) != 404 {
		return fmt.Errorf("eventindex: mapping: %w", err)
	}
	x.template = true
	return nil
}
