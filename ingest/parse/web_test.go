package parse

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func accessed(outcome, user, ip string) want {
	return want{dataset: "web-access", action: actionRequest, outcome: outcome, user: user, ip: ip}
}

func webRefused(dataset, user, ip, reason string) want {
	return want{dataset: dataset, action: ecs.ActionLogin, outcome: ecs.OutcomeFailure, user: user, ip: ip, attempt: true, method: "password", reason: reason}
}

func (w want) at(port int) want { w.port = port; return w }

func TestWebAccess_R36(t *testing.T) {
	t.Parallel()
	const at = "[22/Nov/2026:10:00:00 +0100] "
	table(t, "", map[string]want{
		`192.0.2.7 - - ` + at + `"GET / HTTP/1.1" 200 803`:                                                               accessed("success", "", "192.0.2.7"),
		`192.0.2.7 - kari ` + at + `"GET /sak?id=1 HTTP/1.1" 200 803 "-" "curl/8"`:                                       accessed("success", "kari", "192.0.2.7"),
		`192.0.2.7 - kari ` + at + `"GET /sak HTTP/1.1" 401 803 "-" "curl/8"`:                                            webRefused("web-access", "kari", "192.0.2.7", ""),
		`192.0.2.7 - kari ` + at + `"GET /sak HTTP/1.1" 407 803 "-" "curl/8"`:                                            webRefused("web-access", "kari", "192.0.2.7", ""),
		`192.0.2.7 - - ` + at + `"GET /sak HTTP/1.1" 401 803 "-" "curl/8"`:                                               accessed("failure", "", "192.0.2.7"),
		`192.0.2.7 - "" ` + at + `"GET /sak HTTP/1.1" 401 803 "-" "curl/8"`:                                              accessed("failure", "", "192.0.2.7"),
		`192.0.2.7 - kari ` + at + `"GET /sak HTTP/1.1" 403 803 "-" "curl/8"`:                                            accessed("failure", "kari", "192.0.2.7"),
		`2001:db8::7 - kari ` + at + `"GET / HTTP/2.0" 304 - "-" "-"`:                                                    accessed("success", "kari", "2001:db8::7"),
		`host.example - - ` + at + `"GET / HTTP/1.1" 200 1`:                                                              accessed("success", "", "").host("host.example"),
		`www.bo.example:443 192.0.2.7 - kari ` + at + `"GET / HTTP/1.1" 401 1 "-" "x"`:                                   webRefused("web-access", "kari", "192.0.2.7", ""),
		`- - - ` + at + `"GET / HTTP/1.1" 200 1`:                                                                         accessed("success", "", ""),
		`unknown - - ` + at + `"GET / HTTP/1.1" 200 1`:                                                                   accessed("success", "", ""),
		`192.0.2.7 - - ` + at + `"\x16\x03\x01" 400 157 "-" "-"`:                                                         accessed("failure", "", "192.0.2.7"),
		`192.0.2.7 - - ` + at + `"-" 408 - "-" "-"`:                                                                      accessed("failure", "", "192.0.2.7"),
		`192.0.2.7 - bj\xC3\xB8rn ` + at + `"GET / HTTP/1.1" 401 1 "-" "-"`:                                              webRefused("web-access", "bjørn", "192.0.2.7", ""),
		`192.0.2.7 - BO\x5Ckari ` + at + `"GET / HTTP/1.1" 401 1 "-" "-"`:                                                webRefused("web-access", `BO\kari`, "192.0.2.7", ""),
		`192.0.2.7 - x [22/Nov/2026:09:00:00 +0100] \x22GET / HTTP/1.1\x22 200 ` + at + `"GET / HTTP/1.1" 401 1 "-" "-"`: webRefused("web-access", `x [22/Nov/2026:09:00:00 +0100] "GET / HTTP/1.1" 200`, "192.0.2.7", ""),
		`192.0.2.7 - x [22/Nov/2026:09:00:00 +0100] \"GET / HTTP/1.1\" 200 ` + at + `"GET / HTTP/1.1" 401 1 "-" "-"`:     webRefused("web-access", `x [22/Nov/2026:09:00:00 +0100] "GET / HTTP/1.1" 200`, "192.0.2.7", ""),

		// Behind a proxy of the house its word counts; otherwise nobody's does.
		`10.0.0.5 - kari ` + at + `"GET / HTTP/1.1" 401 1 "-" "x" "198.51.100.9"`:                        webRefused("web-access", "kari", "198.51.100.9", ""),
		`10.0.0.5 - kari ` + at + `"GET / HTTP/1.1" 401 1 "-" "x" "203.0.113.1, 198.51.100.9, 10.0.0.6"`: webRefused("web-access", "kari", "198.51.100.9", ""),
		`192.0.2.7 - kari ` + at + `"GET / HTTP/1.1" 401 1 "-" "x" "203.0.113.1"`:                        webRefused("web-access", "kari", "192.0.2.7", ""),
		`10.0.0.5 - - ` + at + `"GET / HTTP/1.1" 200 1 "-" "x" "-"`:                                      accessed("success", "", "10.0.0.5"),
		`10.0.0.5 - - ` + at + `"GET / HTTP/1.1" 200 1 "-" "x" "unknown"`:                                accessed("success", "", "10.0.0.5"),
		`198.51.100.9, 10.0.0.6 - kari ` + at + `"GET / HTTP/1.1" 200 1 "-" "x"`:                         accessed("success", "kari", "198.51.100.9"),

		`192.0.2.7 - kari ` + at + `"GET / HTTP/1.1" 401 17 "-" "x" 12 "fag@docker" "http://10.0.0.2:80" 3ms`: webRefused("traefik", "kari", "192.0.2.7", ""),
	})
	table(t, "Nov 22 10:00:00 web01 nginx[7]: ", map[string]want{
		`192.0.2.7 - kari ` + at + `"GET / HTTP/1.1" 401 1 "-" "-"`:                                                                              webRefused("nginx", "kari", "192.0.2.7", ""),
		`2026/11/22 10:00:00 [error] 7#7: *1 user "kari": password mismatch, client: 192.0.2.7, server: _, request: "GET / HTTP/1.1", host: "a"`: webRefused("nginx", "kari", "192.0.2.7", "incorrect-password"),
		"starting": {dataset: "nginx"},
	})
	ev := one(t, `www.bo.example:443 192.0.2.7 - - `+at+`"GET /sak?id=1 HTTP/1.1" 200 803 "https://a.example/" "curl/8"`)
	require.Equal(t, &ecs.URL{Original: "/sak?id=1", Domain: "www.bo.example", Port: 443, Path: "/sak", Query: "id=1"}, ev.URL)
	require.Equal(t, &ecs.HTTP{Version: "1.1", Request: &ecs.HTTPRequest{Method: "GET", Referrer: "https://a.example/"}, Response: &ecs.HTTPResponse{Status: 200, Body: &ecs.HTTPBody{Bytes: 803}}}, ev.HTTP)
	require.Equal(t, "curl/8", ev.UserAgent.Original)
	require.Equal(t, "2026-11-22T09:00:00Z", ev.Timestamp.Format("2006-01-02T15:04:05Z07:00"))
	for line, reason := range map[string]string{
		`192.0.2.7 - - [31/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 803`: ReasonTimestamp,
		`192.0.2.7 - - [22/Nov/1926:10:00:00 +0100] "GET / HTTP/1.1" 200 803`: ReasonTimeRange,
	} {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		_, err = s.Parse([]byte(line), reference)
		require.ErrorContains(t, err, reason)
	}
}

func TestWebErrors_R36(t *testing.T) {
	t.Parallel()
	httpError := want{dataset: "nginx", action: "http-error", ip: "192.0.2.7"}
	table(t, "2026/11/22 10:00:00 [error] 19258#19258: *17 ", map[string]want{
		`user "kari" was not found in "/etc/htpasswd", client: 192.0.2.7, server: _, request: "GET / HTTP/1.1", host: "a"`:      webRefused("nginx", "kari", "192.0.2.7", "invalid-user"),
		`user "kari": password mismatch, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1", host: "a"`:                    webRefused("nginx", "kari", "192.0.2.7", "incorrect-password"),
		`user "kari": password mismatch, client: 2001:db8::7, server: a, request: "GET / HTTP/1.1", host: "a", referrer: "x"`:   webRefused("nginx", "kari", "2001:db8::7", "incorrect-password"),
		`no user/password was provided for basic authentication, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1"`:       httpError,
		`open() "/x" failed (2: No such file or directory), client: 192.0.2.7, server: , request: "GET /x HTTP/2.0", host: "a"`: httpError,
		`connect() failed (111: Connection refused) while connecting to upstream`:                                               {dataset: "nginx", action: "http-error"},
		// Names and referrers that try to be the end of the line.
		`user "x": password mismatch, client: 10.6.6.6, server: a, request: "GET / HTTP/1.1", host: "a": password mismatch, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1", host: "a"`: webRefused("nginx", `x": password mismatch, client: 10.6.6.6, server: a, request: "GET / HTTP/1.1", host: "a`, "192.0.2.7", "incorrect-password"),
		`user "kari": password mismatch, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1", host: "a", referrer: "x, client: 10.6.6.6, server: b"`:                                        webRefused("nginx", "kari", "", "incorrect-password"),
	})
	table(t, "[Sun Nov 22 10:00:00.123456 2026] [auth_basic:error] [pid 10:tid 140120579262208] [client 192.0.2.7:50229] ", map[string]want{
		`AH01618: user kari not found: /sak`:                                                          webRefused("apache", "kari", "192.0.2.7", "invalid-user").at(50229),
		`AH01617: user kari: authentication failure for "/sak": Password Mismatch`:                    webRefused("apache", "kari", "192.0.2.7", "incorrect-password").at(50229),
		`AH01617: user kari: authentication failure for "/sak": Password Mismatch, referer: http://x`: webRefused("apache", "kari", "192.0.2.7", "incorrect-password").at(50229),
		"AH01790: user `kari' in realm `sak' not found: /":                                            webRefused("apache", "kari", "192.0.2.7", "invalid-user").at(50229),
		"AH01792: user kari: password mismatch: /":                                                    webRefused("apache", "kari", "192.0.2.7", "incorrect-password").at(50229),
		`AH01695: auth_ldap authenticate: user kari authentication failed; URI /sak [ldap_simple_bind() to check user credentials failed][Invalid credentials]`: webRefused("apache", "kari", "192.0.2.7", "incorrect-password").at(50229),
		`AH01695: auth_ldap authenticate: user kari authentication failed; URI /sak [User not found][No such object]`:                                           webRefused("apache", "kari", "192.0.2.7", "invalid-user").at(50229),
		`AH01618: user x not found: /y not found: /sak`:       webRefused("apache", "x not found: /y", "192.0.2.7", "invalid-user").at(50229),
		`AH01614: client used wrong authentication scheme: /`: {dataset: "apache", action: "http-error", ip: "192.0.2.7", port: 50229},
	})
	table(t, "", map[string]want{
		`[Sun Nov 22 10:00:00 2026] [error] [client 192.0.2.7] user kari: authentication failure for "/": Password Mismatch`:                      webRefused("apache", "kari", "192.0.2.7", "incorrect-password"),
		`[Sun Nov 22 10:00:00 2026] [error] [client 2001:db8::7] user kari not found: /`:                                                          webRefused("apache", "kari", "2001:db8::7", "invalid-user"),
		`[Sun Nov 22 10:00:00.1 2026] [auth_basic:error] [pid 10] [client 2001:db8::7:50229] AH01618: user kari not found: /`:                     webRefused("apache", "kari", "2001:db8::7", "invalid-user").at(50229),
		`[Sun Nov 22 10:00:00.1 2026] [auth_basic:error] [pid 10] [client [2001:db8::7]:50229] AH01618: user kari not found: /`:                   webRefused("apache", "kari", "2001:db8::7", "invalid-user").at(50229),
		`[Sun Nov 22 10:00:00.1 2026] [ssl:info] [pid 1:tid 2] (70014)End of file found: [client 192.0.2.7:17036] AH02006: SSL handshake stopped`: {dataset: "apache", action: "http-error", ip: "192.0.2.7", port: 17036},
		`[Sun Nov 22 10:00:00.1 2026] [mpm_event:notice] [pid 1:tid 2] AH00489: Apache/2.4.58 configured -- resuming normal operations`:           {dataset: "apache", action: "http-error"},
		`Nov 22 10:00:00 web01 httpd[7]: [auth_basic:error] [pid 10:tid 14] [client 192.0.2.7:50229] AH01618: user kari not found: /`:             webRefused("apache", "kari", "192.0.2.7", "invalid-user").at(50229),
	})
}

func TestTheServersOwnZoneHoldsWhereTheHeaderHasNone(t *testing.T) {
	t.Parallel()
	const line = `192.0.2.7 - kari [22/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 1`
	require.Equal(t, "09:00", one(t, "Nov 22 10:00:00 web01 nginx[7]: "+line).Timestamp.Format("15:04"))
	require.Equal(t, "10:00", one(t, "2026-11-22T10:00:00Z web01 nginx[7]: "+line).Timestamp.Format("15:04"))
	require.Equal(t, "UTC", one(t, "Nov 22 10:00:00 web01 nginx[7]: starting").Event.Timezone)
}

// Times inside a line say nothing about the years of the lines' headers.
func TestTimesInsideLinesDoNotMoveTheYears(t *testing.T) {
	t.Parallel()
	const text = "Nov 21 10:00:00 a sshd[1]: x\ntype=LOGIN msg=audit(1623151234.567:1): pid=1 uid=0\ntype=LOGIN msg=audit(1364475353.159:2): pid=1 uid=0\nNov 22 10:00:00 a sshd[1]: x\n"
	years, err := Scan(strings.NewReader(text), nil, reference)
	require.NoError(t, err)
	s, err := NewStream(Options{Years: years})
	require.NoError(t, err)
	var last string
	for line := range strings.Lines(text) {
		ev, err := s.Parse([]byte(strings.TrimRight(line, "\n")), reference)
		require.NoError(t, err)
		last = ev.Timestamp.Format("2006-01-02")
	}
	require.Equal(t, "2026-11-22", last)
}

func TestOneRefusedPasswordInTwoLogsOfAWebServerIsOneAttempt_R36(t *testing.T) {
	t.Parallel()
	w := stream(t,
		`2026/11/22 09:00:00 [error] 7#7: *1 user "kari": password mismatch, client: 192.0.2.7, server: _, request: "GET / HTTP/1.1", host: "a"`,
		`192.0.2.7 - kari [22/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 401 1 "-" "-"`,
		`192.0.2.7 - kari [22/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 401 1 "-" "-"`,
		`192.0.2.8 - kari [22/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 401 1 "-" "-"`)
	attempts := make([]bool, len(w))
	for i := range w {
		attempts[i] = w[i].attempt
	}
	require.Equal(t, []bool{true, false, true, true}, attempts)
}

func TestHAProxy(t *testing.T) {
	t.Parallel()
	const line = `192.0.2.7:33318 [22/Nov/2026:10:00:00.655] fag~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {a.example|"x"} {} "GET /index.html HTTP/1.1"`
	ok := want{dataset: "haproxy", action: actionRequest, outcome: "success", ip: "192.0.2.7", port: 33318}
	table(t, "Nov 22 10:00:00 lb01 haproxy[7]: ", map[string]want{
		line: ok,
		`2001:db8::7:33318 [22/Nov/2026:10:00:00.655] fag fag/<NOSRV> -1/-1/-1/-1/0 503 212 - - SC-- 0/0/0/0/0 0/0 "<BADREQ>"`: {dataset: "haproxy", action: actionRequest, outcome: "failure", ip: "2001:db8::7", port: 33318},
		`192.0.2.7:33319 [22/Nov/2026:10:00:00.655] db db/pg1 0/0/5007 212 -- 0/0/0/0/3 0/0`:                                   {dataset: "haproxy", action: actionConnectionClosed, ip: "192.0.2.7", port: 33319},
		`192.0.2.7:33319 [22/Nov/2026:10:00:00.655] fag/1: SSL handshake failure`:                                              {dataset: "haproxy", action: "connection-error", ip: "192.0.2.7", port: 33319},
		`Server static/srv1 is DOWN.`: {dataset: "haproxy"},
	})
	ev := one(t, line)
	require.Equal(t, ok, got(ev))
	require.Equal(t, "/index.html", ev.URL.Path)
	require.Equal(t, "2026-11-22T10:00:00.655Z", ev.Timestamp.Format("2006-01-02T15:04:05.999Z07:00"))
}

const iisHeader = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"

func TestIIS_R36(t *testing.T) {
	t.Parallel()
	header := want{dataset: "iis", action: "log-header"}
	ok := want{dataset: "iis", action: actionRequest, outcome: "success", user: "kari", ip: "192.0.2.7"}
	lines := []string{
		"#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", "#Date: 2026-11-22 10:00:00", iisHeader,
		`2026-11-22 10:00:00 10.0.0.1 GET /sak id=1 443 BO\kari 192.0.2.7 Mozilla/5.0+(X) - 200 0 0 15`,
		`2026-11-22 10:00:01 10.0.0.1 GET /sak - 443 - 192.0.2.7 Mozilla/5.0+(X) - 401 2 5 15`,
		`2026-11-22 10:00:02 10.0.0.1 GET /sak - 443 - 192.0.2.7 Mozilla/5.0+(X) - 401 1 2148074254 15`,
		`2026-11-22 10:00:03 10.0.0.1 GET /sak - 443 kari 192.0.2.7 Mozilla/5.0+(X) - 401 1 1326 15`,
		`2026-11-22 10:00:04 10.0.0.1 GET /sak - 443 - 192.0.2.7 Mozilla/5.0+(X) - 401 1 2148074252 15`,
		`2026-11-22 10:00:05 10.0.0.1 GET /sak - 443 - - Mozilla/5.0+(X) - 200 0 0 15`,
		"#Fields: date time c-ip cs-username sc-status",
		"2026-11-22 10:00:06 2001:db8::7 kari 200",
		"Nov 22 10:00:00 a sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2",
	}
	require.Equal(t, []want{header, header, header, header, ok,
		{dataset: "iis", action: actionRequest, outcome: "failure", ip: "192.0.2.7"},
		{dataset: "iis", action: actionRequest, outcome: "failure", ip: "192.0.2.7"},
		webRefused("iis", "kari", "192.0.2.7", "incorrect-password"),
		webRefused("iis", "", "192.0.2.7", "incorrect-password"),
		{dataset: "iis", action: actionRequest, outcome: "success"},
		header,
		{dataset: "iis", action: actionRequest, outcome: "success", user: "kari", ip: "2001:db8::7"},
		failed("root", "192.0.2.7", 22, "password"),
	}, stream(t, lines...))

	// What the header said survives a stop, and nothing else is taken for a row.
	s, err := NewStream(Options{})
	require.NoError(t, err)
	_, err = s.Parse([]byte(iisHeader), reference)
	require.NoError(t, err)
	resumed, err := NewStream(Options{Resume: s.State()})
	require.NoError(t, err)
	ev, err := resumed.Parse([]byte(lines[4]), reference)
	require.NoError(t, err)
	require.Equal(t, ok, got(ev))
	require.Equal(t, "BO", ev.User.Domain)
	require.Equal(t, &ecs.Endpoint{IP: "10.0.0.1", Port: 443}, ev.Destination)
	require.Equal(t, "Mozilla/5.0 (X)", ev.UserAgent.Original)

	// Without a header the columns are found by what stands in them.
	for _, line := range []string{
		`2026-11-22 09:00:00 10.0.0.1 GET /x q=1 443 BO\kari 192.0.2.7 Mozilla/5.0+(X) - 401 1 1326 12`,
		`2026-11-22 09:00:00 10.0.0.1 GET /x q=1 443 BO\kari 192.0.2.7 Mozilla/5.0+(X) 401 1 1326 12`,
		`2026-11-22 09:00:00 W3SVC1 WEB-01 10.0.0.1 POST /x - 443 BO\kari 192.0.2.7 HTTP/1.1 Mozilla/5.0+(X) - - intranett 401 1 1326 1 2 12`,
		`2026-11-22 09:00:00 web-01 10.0.0.1 GET /x - 443 BO\kari 192.0.2.7 - - 401 1 1326 12 -`,
	} {
		ev := one(t, line)
		require.Equal(t, "iis", ev.Event.Dataset, line)
		require.Equal(t, want{dataset: "iis", action: "login", outcome: "failure", user: "kari", ip: "192.0.2.7", attempt: true, method: ev.Varde.Method, reason: "incorrect-password"}, got(ev), line)
		require.Equal(t, "10.0.0.1", ev.Destination.IP)
		require.Equal(t, "2026-11-22T09:00:00Z", ev.Timestamp.Format(time.RFC3339))
	}
	for _, line := range []string{
		`2026-11-22 09:00:00 host01 program: GET /x - 443 kari 192.0.2.7 x 401 1 1326 12`,
		`2026-11-22 09:00:00 10.0.0.1 GET /x q=1 443 kari not-an-address x - 200 0 0 1`,
	} {
		require.NotEqual(t, "iis", one(t, line).Event.Dataset, line)
	}
}

func TestIISFTP_R36(t *testing.T) {
	t.Parallel()
	header := "#Fields: date time c-ip cs-username s-ip s-port cs-method cs-uri-stem sc-status sc-win32-status sc-substatus x-session x-fullpath"
	events := stream(t, header,
		`2026-11-22 09:00:00 192.0.2.7 kari 10.0.0.1 21 PASS *** 230 0 0 8124db49 /`,
		`2026-11-22 09:00:01 192.0.2.7 root 10.0.0.1 21 PASS *** 530 1326 41 8124db49 -`)
	require.Equal(t, []want{
		{dataset: "iis", action: "login", outcome: "success", user: "kari", ip: "192.0.2.7", attempt: true, method: "password"},
		{dataset: "iis", action: "login", outcome: "failure", user: "root", ip: "192.0.2.7", attempt: true, method: "password"},
	}, events[1:])
}

// Whatever a client calls itself and asks for: the address is the server's.
func FuzzWebAccessAddress(f *testing.F) {
	for _, s := range []string{"kari", `x" 200 1`, `x [22/Nov/2026:09:00:00 +0100] "GET / HTTP/1.1" 200`, "10.6.6.6 - -", `\`, "-", " "} {
		f.Add(s, s, s)
	}
	escape := func(s string) string {
		var out strings.Builder
		const hex = "0123456789ABCDEF"
		for i := 0; i < len(s); i++ {
			if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
				out.WriteString(`\x`)
				out.WriteByte(hex[c>>4])
				out.WriteByte(hex[c&15])
			} else {
				out.WriteByte(c)
			}
		}
		return out.String()
	}
	f.Fuzz(func(t *testing.T, user, request, agent string) {
		if user == "" || strings.TrimSpace(user) != user {
			return
		}
		ev := one(t, "192.0.2.7 - "+escape(user)+` [22/Nov/2026:10:00:00 +0100] "`+escape(request)+`" 401 17 "-" "`+escape(agent)+`"`)
		require.Equal(t, "192.0.2.7", ev.Source.IP)
		require.Equal(t, 401, ev.HTTP.Response.Status)
		if user != "-" {
			require.True(t, ev.Varde.Attempt)
			require.Equal(t, readable(user), ev.User.Name)
		}
	})
}

func FuzzWebErrors(f *testing.F) {
	f.Add("kari", "http://a")
	f.Add(`x": password mismatch, client: 10.6.6.6, server: `, "y")
	f.Add("x", `", client: 10.6.6.6, server: `)
	f.Fuzz(func(t *testing.T, user, referrer string) {
		if strings.ContainsAny(user+referrer, "\n\r\x00") || !utf8.ValidString(user) || !utf8.ValidString(referrer) {
			return
		}
		ev := one(t, `2026/11/22 10:00:00 [error] 1#1: *1 user "`+user+`": password mismatch, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1", host: "a", referrer: "`+referrer+`"`)
		if strings.Contains(user, ", client: ") && strings.Contains(user+referrer, "referrer: ") {
			return // nobody can say
		}
		if ev.Source != nil {
			require.Equal(t, "192.0.2.7", ev.Source.IP)
		}
	})
}

func BenchmarkWebAccess(b *testing.B) {
	benchmark(b, `192.0.2.7 - kari [22/Nov/2026:10:00:00 +0100] "GET /sak?id=1 HTTP/1.1" 200 803 "https://a.example/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"`)
}

func BenchmarkNginxError(b *testing.B) {
	benchmark(b, `2026/11/22 10:00:00 [error] 7#7: *1 user "kari": password mismatch, client: 192.0.2.7, server: _, request: "GET / HTTP/1.1", host: "a"`)
}

func BenchmarkApacheError(b *testing.B) {
	benchmark(b, `[Sun Nov 22 10:00:00.123456 2026] [auth_basic:error] [pid 10:tid 140120579262208] [client 192.0.2.7:50229] AH01618: user kari not found: /sak`)
}

func BenchmarkIIS(b *testing.B) {
	benchmark(b, iisHeader, `2026-11-22 10:00:00 10.0.0.1 GET /sak id=1 443 BO\kari 192.0.2.7 Mozilla/5.0+(X) - 200 0 0 15`)
}

func BenchmarkHAProxy(b *testing.B) {
	benchmark(b, `Nov 22 10:00:00 lb01 haproxy[7]: 192.0.2.7:33318 [22/Nov/2026:10:00:00.655] fag~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"`)
}
