package ecs

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheRegistryIsInOrderAndUnambiguous(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for i, f := range Fields() {
		if i > 0 && Fields()[i-1].Name >= f.Name {
			t.Errorf("%s is out of order", f.Name)
		}
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if other, ok := seen[name]; ok {
				t.Errorf("%s means both %s and %s", name, other, f.Name)
			}
			seen[name] = f.Name
		}
		if f.Raw && !f.Person {
			t.Errorf("%s is raw text and so can hold a name", f.Name)
		}
		if strings.HasPrefix(f.Name, "user.") && !f.Person {
			t.Errorf("%s points to a person", f.Name)
		}
	}
}

// fill sets every field of a struct to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if depth == 4 { // a user's target has a target
			return
		}
		depth++
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
		depth--
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.String:
		v.SetString("10.0.0.1")
	case reflect.Slice:
		v.Set(reflect.ValueOf([]string{"10.0.0.1", "10.0.0.2"}))
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Map:
	}
}

var depth int

// TestTheRegistryReadsWhatTheEventSays compares each field with the event's JSON.
func TestTheRegistryReadsWhatTheEventSays(t *testing.T) {
	var e Event
	fill(reflect.ValueOf(&e).Elem())
	body, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var nested map[string]any
	if err := json.Unmarshal(body, &nested); err != nil {
		t.Fatal(err)
	}
	for _, f := range Fields() {
		var at any = nested
		for _, part := range strings.Split(f.Name, ".") {
			inner, ok := at.(map[string]any)
			if !ok {
				t.Fatalf("the event has no %s", f.Name)
			}
			at = inner[part]
		}
		values := f.Values(&e)
		if len(values) == 0 || at == nil {
			t.Fatalf("%s: %v in the event, %v in the registry", f.Name, at, values)
		}
		switch f.Type {
		case Keyword, IP, Text:
			want := []any{at}
			if list, ok := at.([]any); ok {
				want = list
				if !f.Many {
					t.Errorf("%s has several values", f.Name)
				}
			}
			for i, w := range want {
				if values[i].Text != w {
					t.Errorf("%s: %v, want %v", f.Name, values[i].Text, w)
				}
			}
		case Long:
			if float64(values[0].Number) != at {
				t.Errorf("%s: %v, want %v", f.Name, values[0].Number, at)
			}
		case Date:
			if time.Unix(0, values[0].Number).UTC().Format(time.RFC3339Nano) != at {
				t.Errorf("%s: %v, want %v", f.Name, values[0].Number, at)
			}
		case Boolean:
			if values[0].Number != 1 || at != true {
				t.Errorf("%s: %v, want %v", f.Name, values[0].Number, at)
			}
		}
	}
	if got := (&Event{}); slices.ContainsFunc(Fields(), func(f Field) bool { return len(f.Values(got)) > 0 }) {
		t.Error("an empty event has values")
	}
}

func TestValuesThatCannotBeSearchedAreLeftOut(t *testing.T) {
	t.Parallel()
	user, _ := Lookup("bruker")
	if user.Name != "user.name" {
		t.Fatal(user.Name)
	}
	for value, want := range map[string]int{"": 0, "kari": 1, strings.Repeat("å", MaxKeyword): 1, strings.Repeat("å", MaxKeyword+1): 0,
		strings.Repeat("🙂", MaxKeyword/2): 1, strings.Repeat("🙂", MaxKeyword/2+1): 0} {
		if got := len(user.Values(&Event{User: &User{Name: value}})); got != want {
			t.Errorf("%d bytes: %d values, want %d", len(value), got, want)
		}
	}
	if got := user.Values(&Event{User: &User{Name: "a\xff\xfe"}})[0].Text; got != "a\uFFFD\uFFFD" {
		t.Errorf("%q", got)
	}
	ip, _ := Lookup("source.ip")
	for value, want := range map[string]string{"::ffff:10.0.0.1": "10.0.0.1", "FE80::0001": "fe80::1", "fe80::1%eth0": "", "010.0.0.1": "", "x": ""} {
		got := ip.Values(&Event{Source: &Endpoint{IP: value}})
		if (want == "") != (len(got) == 0) || want != "" && got[0].Text != want {
			t.Errorf("%s: %v, want %q", value, got, want)
		}
	}
	label, ok := Lookup("labels.any.thing")
	if !ok || !label.Person {
		t.Error("labels can hold anything")
	}
	if _, ok := Lookup("labels." + strings.Repeat("x", 300)); ok {
		t.Error("a key that long is no field")
	}
}
