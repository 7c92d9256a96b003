package ecs

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func same(t *testing.T, e *Event) {
	t.Helper()
	var out bytes.Buffer
	reflected := json.NewEncoder(&out)
	reflected.SetEscapeHTML(false)
	if err := reflected.Encode(e); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(out.String(), "\n")
	if got := e.AppendJSON(nil); string(got) != want {
		t.Fatalf("AppendJSON writes\n%s\nand encoding/json\n%s\n(go run ./ecs/generate in schemas)", got, want)
	}
}

// TestTheEncoderWritesWhatJSONDoes fails where a field was added and the encoder
// not made anew.
func TestTheEncoderWritesWhatJSONDoes(t *testing.T) {
	var full Event
	fill(reflect.ValueOf(&full).Elem())
	full.Labels = map[string]string{"b": "2", "a": "<1>", "": ""}
	full.Log.Syslog.StructuredData = map[string]map[string]string{"x": {"b": "1", "a": ""}, "nil": nil}
	same(t, &full)
	same(t, &Event{})
	same(t, &Event{Timestamp: time.Date(2026, 11, 22, 1, 2, 3, 0, time.FixedZone("", 3600)), User: &User{}, Labels: map[string]string{}})
}

func FuzzEncodedText(f *testing.F) {
	for _, s := range []string{"", "kari", "\x00\x1f\"\\/<>&", "ø\u2028\u2029\ufffd", "\xff\xfe\xc3", "a\nb\tc\r\b\f\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		same(t, &Event{Message: s, Labels: map[string]string{s: s}, Related: &Related{User: []string{s, "", s}}})
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	e := Event{Timestamp: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), Message: "Failed password for kari from 192.0.2.7 port 22 ssh2",
		User: &User{Name: "kari"}, Source: &Endpoint{IP: "192.0.2.7", Port: 22}, Host: &Host{Name: "arkiv01"}, Process: &Process{Name: "sshd", PID: 7},
		Related: &Related{IP: []string{"192.0.2.7"}, User: []string{"kari"}, Hosts: []string{"arkiv01"}}}
	e.Event.Category = []string{"authentication"}
	buf := e.AppendJSON(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
}
