package parse

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// winXML writes an event of the auditing as Windows renders it; fields are
// pairs of name and value.
func winXML(code string, failure bool, fields ...string) string {
	return winXMLOf(winSecurity, "Security", code, failure, fields...)
}

func winXMLOf(provider, channel, code string, failure bool, fields ...string) string {
	keywords := "0x8020000000000000"
	if failure {
		keywords = "0x8010000000000000"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s' Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/>`+
		`<EventID>%s</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>%s</Keywords>`+
		`<TimeCreated SystemTime='2026-11-22T10:00:00.1234567Z'/><EventRecordID>4711</EventRecordID><Correlation/>`+
		`<Execution ProcessID='712' ThreadID='99'/><Channel>%s</Channel><Computer>FIL01.bjorkvag.local</Computer><Security/></System><EventData>`,
		provider, code, keywords, channel)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, `<Data Name='%s'>%s</Data>`, fields[i], strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(fields[i+1]))
	}
	b.WriteString(`</EventData></Event>`)
	return b.String()
}

// logonFields are those of 4624 and 4625, with more or other ones after them.
func logonFields(more ...string) []string {
	over := map[string]string{}
	for i := 0; i+1 < len(more); i += 2 {
		over[more[i]] = more[i+1]
	}
	base := []string{"SubjectUserSid", "S-1-0-0", "SubjectUserName", "-", "SubjectDomainName", "-", "SubjectLogonId", "0x0",
		"TargetUserSid", "S-1-5-21-1-2-3-1105", "TargetUserName", "Kari", "TargetDomainName", "BJØRKVÅG", "TargetLogonId", "0x10FAC2",
		"LogonType", "3", "LogonProcessName", "NtLmSsp ", "AuthenticationPackageName", "NTLM", "WorkstationName", "PC-0117",
		"ProcessId", "0x1a0", "ProcessName", `C:\Windows\System32\svchost.exe`, "IpAddress", "::ffff:192.0.2.7", "IpPort", "50611"}
	for i := 0; i+1 < len(base); i += 2 {
		if v, ok := over[base[i]]; ok {
			base[i+1] = v
			delete(over, base[i])
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if v, ok := over[more[i]]; ok {
			base = append(base, more[i], v)
		}
	}
	return base
}

func TestALogonIsWhereCredentialsWereChecked_R36(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    string
		fields  []string
		attempt bool
		action  string
		outcome string
	}{
		"network":                  {"4624", nil, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"interactive":              {"4624", []string{"LogonType", "2"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"remote desktop":           {"4624", []string{"LogonType", "10"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"unlock":                   {"4624", []string{"LogonType", "7"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"batch":                    {"4624", []string{"LogonType", "4"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"a service's account":      {"4624", []string{"LogonType", "5"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"a machine's account":      {"4624", []string{"TargetUserName", "PC-0117$"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"a machine's own":          {"4624", []string{"TargetUserName", "FIL01$", "TargetUserSid", "S-1-5-18"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"the system's service":     {"4624", []string{"TargetUserName", "SYSTEM", "TargetUserSid", "S-1-5-18", "LogonType", "5"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"nobody":                   {"4624", []string{"TargetUserName", "ANONYMOUS LOGON", "TargetUserSid", "S-1-5-7"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"the window manager":       {"4624", []string{"TargetUserName", "DWM-2", "TargetUserSid", "S-1-5-90-0-2", "LogonType", "2"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"IIS' own":                 {"4624", []string{"TargetUserName", "IUSR", "TargetUserSid", "S-1-5-17", "LogonType", "5"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"a pool's own":             {"4624", []string{"TargetUserName", "DefaultAppPool", "TargetUserSid", "S-1-5-82-1-2", "LogonType", "5"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"the start of the machine": {"4624", []string{"LogonType", "0"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"a name taken along":       {"4624", []string{"LogonType", "9"}, false, ecs.ActionPrivilege, ecs.OutcomeSuccess},
		"the token with rights":    {"4624", []string{"LogonType", "2", "ElevatedToken", "%%1842", "TargetLinkedLogonId", "0x1f"}, true, ecs.ActionLogin, ecs.OutcomeSuccess},
		"its twin without":         {"4624", []string{"LogonType", "2", "ElevatedToken", "%%1843", "TargetLinkedLogonId", "0x1e"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"asked by NPS":             {"4624", []string{"LogonProcessName", "IAS"}, false, ecs.ActionSessionStart, ecs.OutcomeSuccess},
		"failed":                   {"4625", nil, true, ecs.ActionLogin, ecs.OutcomeFailure},
		"failed, asked by NPS":     {"4625", []string{"LogonProcessName", "IAS"}, false, ecs.ActionProbe, ecs.OutcomeFailure},
	} {
		ev := one(t, winXML(c.code, c.code == "4625", logonFields(c.fields...)...))
		require.Equal(t, c.attempt, ev.Varde.Attempt, name)
		require.Equal(t, c.action, ev.Event.Action, name)
		require.Equal(t, c.outcome, ev.Event.Outcome, name)
	}
}

func TestALogonThatIsWrittenTwiceIsOne_R36(t *testing.T) {
	t.Parallel()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	attempts := func(fields ...string) (n int) {
		for _, id := range []string{"0x1c998", "0x1c9de"} {
			ev, err := s.Parse([]byte(winXML("4624", false, logonFields(append(fields, "TargetLogonId", id)...)...)), reference)
			require.NoError(t, err)
			if ev.Varde.Attempt {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, attempts("LogonType", "2"))
	require.Equal(t, 1, attempts("LogonType", "2", "TargetUserName", "Ola", "TargetUserSid", "S-1-5-21-1-2-3-7"))
	require.Equal(t, 2, attempts("LogonType", "3"), "two shares at once are two logons")
}

// The corpora beside the clone are another project's: read, never copied.
func TestForeignWindowsEvents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "corpora")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpora beside the clone")
	}
	line, err := os.ReadFile(filepath.Join(dir, "crowdsec-hub", "windows-logs", "windows-logs.log"))
	require.NoError(t, err)
	ev := one(t, strings.TrimRight(string(line), "\r\n"))
	require.Equal(t, "4625", ev.Event.Code)
	require.Equal(t, "192.168.9.212", ev.Source.IP)
	require.Equal(t, &ecs.Account{Realm: "mydomain.test", Name: "testuser"}, ev.Varde.Account)
	require.True(t, ev.Varde.Attempt)

	files, err := filepath.Glob(filepath.Join(dir, "sigma", "events", "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(body)) {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			var want struct {
				Event struct {
					System struct {
						EventID  int
						Computer string
						Channel  string
					}
				}
			}
			require.NoError(t, json.Unmarshal([]byte(line), &want))
			ev := one(t, line)
			require.Equal(t, fmt.Sprint(want.Event.System.EventID), ev.Event.Code)
			require.Equal(t, want.Event.System.Computer, ev.Host.Name)
			require.Equal(t, want.Event.System.Channel, ev.Winlog.Channel)
			require.NotEmpty(t, ev.Winlog.EventData)
			require.NotEqual(t, DatasetUnparsed, ev.Event.Dataset)
		}
	}
}
