package parse

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func TestCEF_R36(t *testing.T) {
	t.Parallel()
	ok := login("cef", "success", "kari", "192.0.2.7").by("")
	bad := login("cef", "failure", "kari", "192.0.2.7").by("")
	table(t, "", map[string]want{
		`CEF:0|Acme|Gate|1.0|100|User login|3|src=192.0.2.7 spt=5022 duser=kari outcome=success rt=1795341600000`:                                  ok.at(5022),
		`CEF:0|Acme|Gate|1.0|101|User login|3|src=192.0.2.7 suser=kari outcome=failure reason=bad password`:                                        bad.why("bad password"),
		`CEF:0|Acme|Gate|1.0|101|Login failed|High|src=192.0.2.7 suser=kari`:                                                                       bad,
		`CEF:0|Acme|Gate|1.0|101|Logon|3|src=192.0.2.7 suser=svc duser=kari act=allowed`:                                                           ok,
		`CEF:0|Acme|Gate|1.0|102|User logout|3|src=192.0.2.7 suser=kari`:                                                                           {dataset: "cef", action: ecs.ActionLogoff, user: "kari", ip: "192.0.2.7"},
		`CEF:0|Acme|Gate|1.0|103|Port scan|8|src=192.0.2.7 dst=10.0.0.1 act=blocked`:                                                               {dataset: "cef", action: "port-scan", outcome: "failure", ip: "192.0.2.7"},
		`CEF:0|Acme|Gate|1.0|101|Login failed|3|src=- shost=n/a suser=kari`:                                                                        {dataset: "cef", action: ecs.ActionLogin, outcome: "failure", user: "kari", attempt: true},
		`CEF:0|Acme|Gate|1.0|101|Login failed|3|c6a2=2001:db8::7 c6a2Label=Source IPv6 Address suser=kari`:                                         login("cef", "failure", "kari", "2001:db8::7").by(""),
		`CEF:0|Acme|Gate|1.0|101|Login failed|3|msg=x src\=10.6.6.6 src=192.0.2.7 suser=BO\\kari`:                                                  bad,
		`CEF:0|Ac\|me|Ga\\te|1.0|101|Login failed|3|suser=a\=b c src=192.0.2.7`:                                                                    login("cef", "failure", "a=b c", "192.0.2.7").by(""),
		`Nov 22 10:00:00 gate01 CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=kari`:                                                   bad,
		`<134>Nov 22 10:00:00 CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=kari`:                                                     bad,
		`<134>CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=kari`:                                                                     bad,
		`<134>1 2026-11-22T10:00:00Z gate01 acme 7 - - CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=kari`:                            bad,
		`2026-11-22T10:00:00Z gate01 CEF: 0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=kari`:                                             bad,
		`Nov 22 10:00:00 a sshd[7]: Failed password for invalid user CEF:0|a|b|c|d|Login|3|suser=root outcome=success from 192.0.2.7 port 22 ssh2`: failed("CEF:0|a|b|c|d|Login|3|suser=root outcome=success", "192.0.2.7", 22, "password").invalid(),
	})
	ev := one(t, `CEF:0|Ac\|me|Ga\\te|1.0|101|Login failed|Very-High|cs1=b c cs1Label=Policy Name request=https://a.example/x?y=1 requestMethod=GET rt=Nov 22 2026 10:00:00.123 CET`)
	require.Equal(t, &ecs.Observer{Vendor: "Ac|me", Product: `Ga\te`, Version: "1.0"}, ev.Observer)
	require.Equal(t, "101", ev.Event.Code)
	require.Equal(t, 10, ev.Event.Severity)
	require.Equal(t, "b c", ev.Labels["policy_name"])
	require.Equal(t, "/x", ev.URL.Path)
	for line, reason := range map[string]string{`CEF:0|a|b|c`: ReasonHeader, `CEF:0|a|b|c|d|e|3|rt=tomorrow`: ReasonTimestamp} {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		_, err = s.Parse([]byte(line), reference)
		require.ErrorContains(t, err, reason)
	}
}

func TestLEEF_R36(t *testing.T) {
	t.Parallel()
	bad := login("leef", "failure", "kari", "192.0.2.7").by("")
	table(t, "", map[string]want{
		"LEEF:1.0|Acme|Gate|1.0|LoginFailed|src=192.0.2.7\tusrName=kari\tdevTime=Nov 22 2026 10:00:00":                                                       bad,
		"LEEF:2.0|Acme|Gate|1.0|LoginFailed|^|src=192.0.2.7^usrName=kari":                                                                                    bad,
		"LEEF:2.0|Acme|Gate|1.0|LoginFailed|x5E|src=192.0.2.7^usrName=kari":                                                                                  bad,
		"LEEF:2.0|Acme|Gate|1.0|LoginFailed|0x7C|src=192.0.2.7|usrName=kari":                                                                                 bad,
		"LEEF:2.0|Acme|Gate|1.0|LoginFailed||src=192.0.2.7\tusrName=kari":                                                                                    bad,
		"LEEF:2.0|Acme|Gate|1.0|LoginFailed|src=192.0.2.7\tusrName=kari":                                                                                     bad,
		"Nov 22 10:00:00 gate01 LEEF:1.0|Acme|Gate|1.0|LoginFailed|src=192.0.2.7#011usrName=kari#011srcPort=-":                                               bad,
		"LEEF:1.0|Acme|Gate|1.0|4624|cat=Login\tresult=success\tsrc=192.0.2.7\tusrName=kari\tdevTimeFormat=yyyy-MM-dd HH:mm:ss\tdevTime=2026-11-22 10:00:00": login("leef", "success", "kari", "192.0.2.7").by(""),
		"LEEF:1.0|Acme|Gate|1.0|LoginFailed|src=N/A\tusrName=kari":                                                                                           {dataset: "leef", action: ecs.ActionLogin, outcome: "failure", user: "kari", attempt: true},
	})
	require.Equal(t, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), one(t, "LEEF:1.0|Acme|Gate|1.0|x|devTime=Nov 22 2026 10:00:00").Timestamp)
}

func TestKeyValue_R36(t *testing.T) {
	t.Parallel()
	ok := login("key-value", "success", "kari", "192.0.2.7").by("")
	table(t, "", map[string]want{
		`time="2026-11-22T10:00:00Z" level=info msg="user logged in" user=kari ip=192.0.2.7:5022 result=ok`: ok.at(5022),
		`time="2026-11-22T10:00:00Z" level=warn msg="login failed" user="kari" ip=[2001:db8::7]:5022`:       login("key-value", "failure", "kari", "2001:db8::7").by("").at(5022),
		`tid=2026-11-22T10:00:00Z hendelse=innlogging bruker=kari ip=192.0.2.7 resultat=mislykket`:          login("key-value", "failure", "kari", "192.0.2.7").by(""),
		`time="2026-11-22T10:00:00Z" level=info msg="cache warmed" took=3`:                                  {dataset: "key-value", action: "cache-warmed"},
		`time="2026-11-22T10:00:00Z" level=warn msg="login failed" user="x ip=10.6.6.6" ip=192.0.2.7`:       login("key-value", "failure", "x ip=10.6.6.6", "192.0.2.7").by(""),
		`a=b c=d`: {dataset: DatasetUnparsed},
		`Nov 22 10:00:00 app01 fagapp[7]: ts=2026-11-22T10:00:00Z level=info msg="login ok" user=kari addr=192.0.2.7`: ok,
	})
}

func TestJournal_R36(t *testing.T) {
	t.Parallel()
	const head = `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"arkiv01","PRIORITY":"6","_PID":"77","_COMM":"sshd","SYSLOG_IDENTIFIER":"sshd",`
	table(t, "", map[string]want{
		head + `"MESSAGE":"Failed password for kari from 192.0.2.7 port 22 ssh2"}`: failed("kari", "192.0.2.7", 22, "password"),
		head + `"MESSAGE":[70,97,105,108,101,100,32,112,97,115,115,119,111,114,100,32,102,111,114,32,98,106,195,184,114,110,32,102,114,111,109,32,49,57,50,46,48,46,50,46,55,32,112,111,114,116,32,50,50,32,115,115,104,50]}`: failed("bjørn", "192.0.2.7", 22, "password"),
		head + `"MESSAGE":["Failed password for kari from 192.0.2.7 port 22 ssh2","x"]}`: failed("kari", "192.0.2.7", 22, "password"),
		head + `"MESSAGE":null}`: {dataset: "sshd"},
		`{"__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"a","_COMM":"su","MESSAGE":"(to root) kari on pts/0"}`: {dataset: "su", action: ecs.ActionPrivilege, outcome: "success", user: "kari", target: "root"},
		`{"__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"a","_TRANSPORT":"audit","_AUDIT_TYPE_NAME":"USER_LOGIN","_COMM":"sshd","MESSAGE":"USER_LOGIN pid=1 uid=0 auid=1000 ses=3 msg='op=login acct=\"kari\" exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=success'"}`: login("auditd", "success", "kari", "192.0.2.7").by(""),
		`{"__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"a","SYSLOG_IDENTIFIER":"cooking","MESSAGE":"pot"}`: {dataset: DatasetUnparsed},
		`{"__REALTIME_TIMESTAMP":"1795341600123456","_HOSTNAME":"a","SYSLOG_IDENTIFIER":"caddy","MESSAGE":"{\"level\":\"info\",\"ts\":1795341600.5,\"logger\":\"http.log.access\",\"msg\":\"handled request\",\"request\":{\"remote_ip\":\"192.0.2.7\",\"proto\":\"HTTP/2.0\",\"method\":\"GET\",\"host\":\"a\",\"uri\":\"/\"},\"user_id\":\"kari\",\"status\":401}"}`: webRefused("caddy", "kari", "192.0.2.7", ""),
		`{"MESSAGE":"Failed password for kari from 192.0.2.7 port 22 ssh2","_HOSTNAME":"a","SYSLOG_IDENTIFIER":"sshd","_PID":"7","@timestamp":"2026-11-22T10:00:00Z"}`:                                                                                                                                                                                                 failed("kari", "192.0.2.7", 22, "password"),
	})
	ev := one(t, head+`"MESSAGE":"Failed password for kari from 192.0.2.7 port 22 ssh2"}`)
	require.Equal(t, "2026-11-22T10:00:00.123456Z", ev.Timestamp.Format(time.RFC3339Nano))
	require.Equal(t, "arkiv01", ev.Host.Name)
	require.Equal(t, 77, ev.Process.PID)
	require.Equal(t, "informational", ev.Log.Level)
	require.Equal(t, "Failed password for kari from 192.0.2.7 port 22 ssh2", ev.Message)
}

func TestShippedLines_R36(t *testing.T) {
	t.Parallel()
	const text = "Failed password for kari from 192.0.2.7 port 22 ssh2"
	f := failed("kari", "192.0.2.7", 22, "password")
	for line, host := range map[string]string{
		`{"@timestamp":"2026-11-22T10:00:00Z","message":"` + text + `","host":{"name":"arkiv01"},"process":{"name":"sshd","pid":7}}`:  "arkiv01",
		`{"@timestamp":"2026-11-22T10:00:00Z","message":"Nov 22 10:00:00 arkiv01 sshd[7]: ` + text + `","host":{"name":"forwarder"}}`: "arkiv01",
		`{"rawmsg":"<38>Nov 22 10:00:00 arkiv01 sshd[7]: ` + text + `"}`:                                                              "arkiv01",
		`{"timereported":"2026-11-22T10:00:00+01:00","hostname":"arkiv01","syslogtag":"sshd[7]:","message":" ` + text + `"}`:          "arkiv01",
		`{"log":"Nov 22 10:00:00 arkiv01 sshd[7]: ` + text + `\n","stream":"stdout","time":"2026-11-22T10:00:00Z"}`:                   "arkiv01",
		`{"message":"x","event":{"original":"Nov 22 10:00:00 arkiv01 sshd[7]: ` + text + `"}}`:                                        "arkiv01",
	} {
		ev := one(t, line)
		require.Equal(t, f, got(ev), line)
		require.Equal(t, host, ev.Host.Name, line)
		require.Equal(t, 7, ev.Process.PID, line)
	}
	table(t, "", map[string]want{
		`{"message":"hello"}`: {dataset: DatasetUnparsed},
		`{"message":"{\"message\":\"{\\\"message\\\":\\\"x\\\"}\"}"}`:                                         {dataset: DatasetUnparsed},
		`{"message":"192.0.2.7 - kari [22/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 401 1","host":"web01"}`: webRefused("web-access", "kari", "192.0.2.7", ""),
	})
}

func TestWebServersAsJSON_R36(t *testing.T) {
	t.Parallel()
	table(t, "", map[string]want{
		`{"level":"info","ts":1795341600.52,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"5022","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"a.example","uri":"/x?y=1","headers":{"User-Agent":["curl/8"]}},"user_id":"kari","size":10,"status":401}`:                                                      webRefused("caddy", "kari", "192.0.2.7", "").at(5022),
		`{"level":"info","ts":1795341600.52,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.5","client_ip":"198.51.100.9","proto":"HTTP/2.0","method":"GET","host":"a.example","uri":"/"},"user_id":"","status":200}`:                                                                                                                                {dataset: "caddy", action: actionRequest, outcome: "success", ip: "198.51.100.9"},
		`{"ClientAddr":"192.0.2.7:5022","ClientHost":"192.0.2.7","ClientPort":"5022","ClientUsername":"kari","DownstreamContentSize":17,"DownstreamStatus":401,"RequestAddr":"a.example","RequestHost":"a.example","RequestMethod":"GET","RequestPath":"/x","RequestProtocol":"HTTP/1.1","StartUTC":"2026-11-22T10:00:00.123Z","level":"info","msg":"","time":"2026-11-22T10:00:00Z"}`: webRefused("traefik", "kari", "192.0.2.7", "").at(5022),
		`{"ClientAddr":"192.0.2.7:5022","ClientHost":"192.0.2.7","ClientPort":"5022","ClientUsername":"-","DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/x","StartUTC":"2026-11-22T10:00:00.123Z"}`:                                                                                                                                                                      {dataset: "traefik", action: actionRequest, outcome: "success", ip: "192.0.2.7", port: 5022},
	})
}

// Whatever a value holds: the fields beside it stay what they are.
func FuzzCEF(f *testing.F) {
	for _, s := range []string{"kari", "x src=10.6.6.6", `\`, `a\=b`, "a|b", "\n", "x outcome=success"} {
		f.Add(s)
	}
	escape := strings.NewReplacer(`\`, `\\`, "=", `\=`, "\n", `\n`, "\r", `\r`)
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsAny(name, "\x00") || !json.Valid([]byte(`"`+strings.NewReplacer(`\`, "", `"`, "", "\n", "", "\r", "", "\t", "").Replace(name)+`"`)) {
			return
		}
		ev := one(t, `CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 suser=`+escape.Replace(name)+` outcome=failure`)
		require.Equal(t, "192.0.2.7", ev.Source.IP)
		require.Equal(t, "failure", ev.Event.Outcome)
		require.True(t, ev.Varde.Attempt)
	})
}

func FuzzLEEFAndKeyValue(f *testing.F) {
	f.Add("LEEF:2.0|a|b|c|d|^|src=1^usrName=x")
	f.Add("LEEF:1.0|a|b|c|d|src=1\tusrName=x")
	f.Add(`time=1 level=x msg="y" user=z`)
	f.Add(`a="`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, format := range []string{"auto", "leef", "key-value", "cef"} {
			s, err := NewStream(Options{Format: format})
			require.NoError(t, err)
			ev, err := s.Parse([]byte(line), reference)
			if err == nil && ev.Varde.Attempt && (format == "leef" || format == "key-value") {
				require.NotNil(t, ev.User)
			}
		}
	})
}

func FuzzJournal(f *testing.F) {
	f.Add("sshd", "Failed password for kari from 192.0.2.7 port 22 ssh2")
	f.Add("caddy", `{"message":"x"}`)
	f.Fuzz(func(t *testing.T, program, text string) {
		line, err := json.Marshal(map[string]any{"__REALTIME_TIMESTAMP": "1795341600123456", "_HOSTNAME": "a", "SYSLOG_IDENTIFIER": program, "MESSAGE": text})
		require.NoError(t, err)
		bytes := make([]int, len(text))
		for i := range bytes {
			bytes[i] = int(text[i])
		}
		array, err := json.Marshal(map[string]any{"__REALTIME_TIMESTAMP": "1795341600123456", "_HOSTNAME": "a", "SYSLOG_IDENTIFIER": program, "MESSAGE": bytes})
		require.NoError(t, err)
		s, err := NewStream(Options{})
		require.NoError(t, err)
		first, err1 := s.Parse(line, reference)
		s, err = NewStream(Options{})
		require.NoError(t, err)
		second, err2 := s.Parse(array, reference)
		require.Equal(t, err1 == nil, err2 == nil)
		if json.Valid([]byte(`"x"`)) && strings.ToValidUTF8(text, "") == text && err1 == nil {
			require.Equal(t, got(first), got(second))
		}
	})
}

func BenchmarkCEF(b *testing.B) {
	benchmark(b, `<134>Nov 22 10:00:00 gate01 CEF:0|Acme|Gate|1.0|101|Login failed|3|src=192.0.2.7 spt=5022 suser=kari outcome=failure reason=bad password rt=1795341600000 cs1=x cs1Label=Policy`)
}

func BenchmarkLEEF(b *testing.B) {
	benchmark(b, "LEEF:1.0|Acme|Gate|1.0|LoginFailed|src=192.0.2.7\tusrName=kari\tdevTime=Nov 22 2026 10:00:00")
}

func BenchmarkKeyValue(b *testing.B) {
	benchmark(b, `time="2026-11-22T10:00:00Z" level=info msg="user logged in" user=kari ip=192.0.2.7:5022 result=ok`)
}

func BenchmarkJournal(b *testing.B) {
	benchmark(b, `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1795341600123456","__MONOTONIC_TIMESTAMP":"1234567","_BOOT_ID":"0123456789abcdef0123456789abcdef","_TRANSPORT":"syslog","PRIORITY":"6","SYSLOG_FACILITY":"4","SYSLOG_IDENTIFIER":"sshd","SYSLOG_PID":"77","_HOSTNAME":"arkiv01","_MACHINE_ID":"0123456789abcdef0123456789abcdef","_PID":"77","_UID":"0","_GID":"0","_COMM":"sshd","_EXE":"/usr/sbin/sshd","_CMDLINE":"sshd: kari [priv]","_SYSTEMD_CGROUP":"/system.slice/ssh.service","_SYSTEMD_UNIT":"ssh.service","MESSAGE":"Failed password for kari from 192.0.2.7 port 22 ssh2"}`)
}

func BenchmarkCaddy(b *testing.B) {
	benchmark(b, `{"level":"info","ts":1795341600.52,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"5022","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"a.example","uri":"/x?y=1","headers":{"User-Agent":["curl/8"],"Accept":["*/*"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"a.example"}},"user_id":"kari","duration":0.0009,"size":10,"status":200,"resp_headers":{"Server":["Caddy"],"Content-Type":["text/html; charset=utf-8"]}}`)
}

func BenchmarkTraefik(b *testing.B) {
	benchmark(b, `{"ClientAddr":"192.0.2.7:5022","ClientHost":"192.0.2.7","ClientPort":"5022","ClientUsername":"kari","DownstreamContentSize":17,"DownstreamStatus":200,"Duration":1000,"RequestAddr":"a.example","RequestHost":"a.example","RequestMethod":"GET","RequestPath":"/x","RequestProtocol":"HTTP/1.1","RouterName":"a@docker","StartUTC":"2026-11-22T10:00:00.123Z","level":"info","msg":"","time":"2026-11-22T10:00:00Z"}`)
}

// A shipper's time stands where the text that it wraps has none.
func TestTheWrappingsTimeStandsWhereTheTextHasNone(t *testing.T) {
	t.Parallel()
	ev := one(t, `{"@timestamp":"2026-11-20T09:00:06.357Z","message":"user=kari action=login result=ok src=192.0.2.7","host":{"name":"app01"}}`)
	require.Equal(t, "2026-11-20T09:00:06.357Z", ev.Timestamp.Format("2006-01-02T15:04:05.000Z07:00"))
}
