package parse

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"varde.internal/schemas/ecs"
)

// notMapped are fields that say what the system itself knows of an event: no
// mapping sets them.
var notMapped = []string{"@timestamp", "event.original", "event.hash", "event.created", "event.ingested", "event.id", "event.kind", "event.dataset",
	"event.module", "event.category", "event.type", "event.start", "event.end", "event.timezone", "related", "varde", "log.syslog", "log.file", "log.offset"}

// MappedFields are the fields that a person may want to map to, the most used
// first; a mapping can set others of the event too, and any labels.NAME.
var MappedFields = []string{"user.name", "source.ip", "event.action", "event.outcome", "event.reason", "host.name", "service.name", "varde.station", "varde.session",
	"varde.method", "user.target.name", "group.name", "user.email", "user.full_name", "user.roles", "destination.ip", "message", "event.code", "url.original",
	"user_agent.original", "process.name", "file.path", "rule.name", "varde.repeat"}

// Fields of varde.* that a row may say.
var mappedVarde = set("varde.method", "varde.session", "varde.station", "varde.repeat")

// setterOf returns what sets the field of that ECS name.
func setterOf(name string) (func(ev *ecs.Event, value string), error) {
	switch name {
	case "user.name":
		return setLogin, nil
	case "user.target.name":
		return func(ev *ecs.Event, v string) {
			isTarget(ev).Name = v
			splitLogin(ev.User.Target)
		}, nil
	case "source.ip", "source.domain":
		return func(ev *ecs.Event, v string) { ev.Source = merged(ev.Source, party(v)) }, nil
	case "destination.ip", "destination.domain":
		return func(ev *ecs.Event, v string) { ev.Destination = merged(ev.Destination, party(v)) }, nil
	case "client.ip", "client.domain":
		return func(ev *ecs.Event, v string) { ev.Client = merged(ev.Client, party(v)) }, nil
	case "source.mac":
		return func(ev *ecs.Event, v string) {
			if m := mac(v); m != "" {
				ev.Source = merged(ev.Source, &ecs.Endpoint{MAC: m})
			}
		}, nil
	case "host.name":
		return setHost, nil
	case "url.original":
		return func(ev *ecs.Event, v string) { setURL(ev, v, "") }, nil
	}
	if key, ok := strings.CutPrefix(name, ecs.LabelPrefix); ok && key != "" {
		return func(ev *ecs.Event, v string) { label(ev, key, v) }, nil
	}
	for _, no := range notMapped {
		if (name == no || strings.HasPrefix(name, no+".")) && !mappedVarde[name] {
			return nil, fmt.Errorf("%s is not for a mapping to set", name)
		}
	}
	path, kind, ok := fieldPath(reflect.TypeFor[ecs.Event](), strings.Split(name, "."))
	if !ok {
		return nil, fmt.Errorf("there is no field %q; labels.%s can hold it", name, strings.ReplaceAll(name, ".", "_"))
	}
	return func(ev *ecs.Event, v string) { setPath(reflect.ValueOf(ev).Elem(), path, kind, v) }, nil
}

// merged puts what more says into e.
func merged(e, more *ecs.Endpoint) *ecs.Endpoint {
	if e == nil || more == nil {
		if e == nil {
			return more
		}
		return e
	}
	if e.IP == "" {
		e.IP = more.IP
	}
	if e.Port == 0 {
		e.Port = more.Port
	}
	if e.Domain == "" {
		e.Domain = more.Domain
	}
	if e.MAC == "" {
		e.MAC = more.MAC
	}
	return e
}

// fieldPath finds a field by the names of its JSON.
func fieldPath(t reflect.Type, names []string) (path []int, kind reflect.Kind, ok bool) {
	for _, name := range names {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return nil, 0, false
		}
		found := false
		for i := range t.NumField() {
			tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if tag == name {
				path, t, found = append(path, i), t.Field(i).Type, true
				break
			}
		}
		if !found {
			return nil, 0, false
		}
	}
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int64:
		return path, t.Kind(), true
	case reflect.Slice:
		return path, t.Kind(), t.Elem().Kind() == reflect.String
	}
	return nil, 0, false
}

func setPath(v reflect.Value, path []int, kind reflect.Kind, text string) {
	var number int64
	if kind == reflect.Int || kind == reflect.Int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return // a word in a column of numbers
		}
		number = n
	}
	for _, i := range path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	switch kind {
	case reflect.String:
		v.SetString(text)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.ValueOf(text)))
	default:
		v.SetInt(number)
	}
}
