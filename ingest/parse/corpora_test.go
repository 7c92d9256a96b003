package parse

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// assertion is a line of a parser.assert: the n-th event of a parser has a value.
var assertion = regexp.MustCompile(`^results\["s01-parse"\]\["[^"]+"\]\[(\d+)\]\.Evt\.Meta\["([a-z_]+)"\] == ("(?:[^"\\]|\\.)*")$`)

// asserted takes out of an event what another project's assertion names.
var asserted = map[string]func(ev ecs.Event) string{
	"source_ip":       func(ev ecs.Event) string { return Flat(ev)["source.ip"] },
	"http_status":     func(ev ecs.Event) string { return Flat(ev)["http.response.status_code"] },
	"http_verb":       func(ev ecs.Event) string { return Flat(ev)["http.request.method"] },
	"http_path":       func(ev ecs.Event) string { return Flat(ev)["url.original"] },
	"http_user_agent": func(ev ecs.Event) string { return Flat(ev)["user_agent.original"] },
	"username":        func(ev ecs.Event) string { return Flat(ev)["user.name"] },
	"target_user":     func(ev ecs.Event) string { return Flat(ev)["user.name"] },
	"target_fqdn":     func(ev ecs.Event) string { return Flat(ev)["url.domain"] },
}

// The corpora beside the clone are another project's: read, never copied. Their
// opinion is a second one; where it differs for a reason the reason stands here.
func TestForeignLogsSayWhatTheirAuthorsExpect(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "corpora", "crowdsec-hub")
	manifest, err := os.Open(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Skip("no corpora beside the clone")
	}
	defer manifest.Close()
	attempts := map[string]int{}
	compared := 0
	for lines := bufio.NewScanner(manifest); lines.Scan(); {
		var c struct {
			Case   string
			Logs   []string
			Assert *string `json:"parser_assert"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		var events []ecs.Event
		s, err := NewStream(Options{})
		require.NoError(t, err)
		for _, name := range c.Logs {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			for line := range strings.Lines(string(raw)) {
				if line = strings.TrimRight(line, "\r\n"); line == "" {
					continue
				}
				ev, err := s.Parse([]byte(line), reference)
				require.NoError(t, err, c.Case)
				require.NotEqual(t, DatasetUnparsed, ev.Event.Dataset, "%s: %s", c.Case, line)
				events = append(events, ev)
				if ev.Varde.Attempt {
					attempts[c.Case]++
				}
			}
		}
		if c.Assert == nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, *c.Assert))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			m := assertion.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil || asserted[m[2]] == nil {
				continue
			}
			n, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			want, err := strconv.Unquote(m[3])
			require.NoError(t, err)
			if want == "-" {
				want = "" // theirs keeps the word for nothing
			}
			if n < len(events) && !(m[2] == "target_fqdn" && want == "") {
				require.Equal(t, want, asserted[m[2]](events[n]), "%s, event %d, %s", c.Case, n, m[2])
				compared++
			}
		}
	}
	require.Greater(t, compared, 60)
	for name, n := range map[string]int{"nginx-http-generic-bf": 22, "apache2-logs": 1, "opnsense-sshd": 0, "sshd-impossible-travel": 2} {
		require.Equal(t, n, attempts[name], name)
	}
}
