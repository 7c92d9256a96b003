package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

// begin is the first of the days that are filled, a Monday.
var begin = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)

// source writes the lines of one day of a made-up region and reads them with
// the parsers that the collector has. The same day is always the same.
type source struct {
	r       *rand.Rand
	streams map[string]*parse.Stream
	tenant  string
	day     time.Time
	lines   []line // of a session that is in work
	raw     int64  // bytes of all lines so far
}

// line is one that is due.
type line struct {
	format string
	text   func(at time.Time) string
}

func newSource(tenant string, day int) (*source, error) {
	s := &source{r: rand.New(rand.NewPCG(7, uint64(day))), tenant: tenant, day: begin.AddDate(0, 0, day), streams: map[string]*parse.Stream{}}
	for _, format := range []string{"auto", "windows"} {
		stream, err := parse.NewStream(parse.Options{Live: true})
		if err != nil {
			return nil, err
		}
		s.streams[format] = stream
	}
	return s, nil
}

// curve is how busy an hour is: few at night, most before noon.
var curve = [24]float64{2, 2, 2, 2, 2, 3, 6, 12, 14, 13, 12, 11, 12, 11, 10, 8, 5, 4, 4, 3, 3, 3, 2, 2}

// clock spreads n events over the day by the curve, in order.
func (s *source) clock(n int) []time.Duration {
	total := 0.0
	for _, c := range curve {
		total += c
	}
	out := make([]time.Duration, 0, n)
	for hour, c := range curve {
		here := int(float64(n) * c / total)
		if hour == 23 {
			here = n - len(out)
		}
		for i := range here {
			at := time.Duration(hour)*time.Hour + time.Duration(float64(time.Hour)*float64(i)/float64(here))
			out = append(out, at.Truncate(time.Microsecond))
		}
	}
	return out
}

// zipf draws a number below n, small ones most.
func (s *source) zipf(n int) int {
	return min(n-1, int(math.Exp(s.r.Float64()*math.Log(float64(n)))))
}

func (s *source) user() string { return fmt.Sprintf("user%04d", s.zipf(4000)) }
func (s *source) inner() string {
	n := s.zipf(5000)
	return fmt.Sprintf("10.%d.%d.%d", 20+n/2500, n/100%25, 1+n%100)
}
func (s *source) outer() string {
	n := s.zipf(20000)
	return fmt.Sprintf("%d.%d.%d.%d", 45+n%7, n/250%250, 7+n%11, 1+n%250)
}
func (s *source) host() string { return fmt.Sprintf("srv-%02d", s.r.IntN(60)) }

func syslog(priority int, host, program string, pid int, text string) func(time.Time) string {
	return func(at time.Time) string {
		return fmt.Sprintf("<%d>%s %s %s[%d]: %s", priority, at.Format("2006-01-02T15:04:05.000000Z07:00"), host, program, pid, text)
	}
}

// session puts the lines of what happens next into s.lines.
func (s *source) session(kind string) {
	if kind == "windows" || kind == "mixed" && s.r.IntN(10) < 3 {
		s.windows()
		return
	}
	switch n := s.r.IntN(100); {
	case n < 45:
		s.login()
	case n < 75:
		s.guess()
	default:
		s.vpn()
	}
}

func (s *source) add(format string, text func(time.Time) string) {
	s.lines = append(s.lines, line{format: format, text: text})
}

func (s *source) login() {
	user, ip, host := s.user(), s.inner(), s.host()
	pid, port := 700+s.r.IntN(60000), 1024+s.r.IntN(64000)
	say := func(priority int, text string, args ...any) {
		s.add("auto", syslog(priority, host, "sshd", pid, fmt.Sprintf(text, args...)))
	}
	if s.r.IntN(3) == 0 {
		say(86, "Accepted publickey for %s from %s port %d ssh2: ED25519 SHA256:%043d", user, ip, port, s.zipf(4000))
	} else {
		for range s.r.IntN(2) {
			say(86, "Failed password for %s from %s port %d ssh2", user, ip, port)
		}
		say(86, "Accepted password for %s from %s port %d ssh2", user, ip, port)
	}
	say(86, "pam_unix(sshd:session): session opened for user %s(uid=%d) by %s(uid=0)", user, 1000+s.zipf(4000), user)
	say(86, "Received disconnect from %s port %d:11: disconnected by user", ip, port)
	say(86, "Disconnected from user %s %s port %d", user, ip, port)
	say(86, "pam_unix(sshd:session): session closed for user %s", user)
}

func (s *source) guess() {
	ip, host := s.outer(), s.host()
	for range 1 + s.r.IntN(4) {
		user := []string{"root", "admin", "test", "oracle", "ubuntu", "postgres", "user", "git"}[s.zipf(8)]
		if s.r.IntN(4) == 0 {
			user = fmt.Sprintf("%s%d", user, s.r.IntN(500))
		}
		pid, port := 700+s.r.IntN(60000), 1024+s.r.IntN(64000)
		say := func(text string, args ...any) {
			s.add("auto", syslog(86, host, "sshd", pid, fmt.Sprintf(text, args...)))
		}
		if user == "root" {
			say("Failed password for root from %s port %d ssh2", ip, port)
			say("Connection closed by authenticating user root %s port %d [preauth]", ip, port)
			continue
		}
		say("Invalid user %s from %s port %d", user, ip, port)
		say("Failed password for invalid user %s from %s port %d ssh2", user, ip, port)
		say("Connection closed by invalid user %s %s port %d [preauth]", user, ip, port)
	}
}

func (s *source) vpn() {
	user, ip, port := s.user(), s.outer(), 1024+s.r.IntN(64000)
	pid := 900 + s.r.IntN(4)
	say := func(priority int, text string, args ...any) {
		s.add("auto", syslog(priority, "vpn-01", "openvpn", pid, fmt.Sprintf(text, args...)))
	}
	say(29, "%s:%d TLS: Username/Password authentication succeeded for username '%s'", ip, port, user)
	say(29, "%s:%d [%s] Peer Connection Initiated with [AF_INET]%s:%d", ip, port, user, ip, port)
	say(29, "%s/%s:%d MULTI: Learn: 10.8.%d.%d -> %s/%s:%d", user, ip, port, s.r.IntN(8), 2+s.r.IntN(250), user, ip, port)
	if s.r.IntN(3) == 0 {
		say(28, "%s/%s:%d [%s] Inactivity timeout (--ping-restart), restarting", user, ip, port, user)
	}
}

func (s *source) windows() {
	user, station, ip := s.user(), fmt.Sprintf("PC-%04d", s.zipf(3000)), s.inner()
	controller := fmt.Sprintf("DC%02d.region.example", 1+s.r.IntN(4))
	record := s.r.IntN(1 << 30)
	write := func(id int, action, outcome string, data map[string]string) {
		record++
		n := record
		s.add("windows", func(at time.Time) string {
			body, err := json.Marshal(map[string]any{
				"@timestamp": at.Format("2006-01-02T15:04:05.000Z"), "message": texts[id],
				"event": map[string]any{"code": fmt.Sprint(id), "kind": "event", "provider": "Microsoft-Windows-Security-Auditing", "action": action, "outcome": outcome},
				"host":  map[string]any{"name": controller}, "log": map[string]any{"level": "information"},
				"agent": map[string]any{"type": "winlogbeat", "version": "8.17.0", "ephemeral_id": "6a1c7c2f-1cf4-4bd4-9ff4-0b4b5f0f1e21", "id": "0d4c1be3-cf0f-4ac1-8c0c-4cf0bfa5a0d1", "name": controller},
				"ecs":   map[string]any{"version": "8.0.0"},
				"winlog": map[string]any{"channel": "Security", "event_id": fmt.Sprint(id), "record_id": n, "computer_name": controller, "api": "wineventlog",
					"provider_name": "Microsoft-Windows-Security-Auditing", "provider_guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}", "keywords": []string{"Audit " + outcome},
					"opcode": "Info", "task": action, "process": map[string]any{"pid": 664, "thread": map[string]any{"id": 700 + n%64}}, "event_data": data},
			})
			if err != nil { // only maps of strings and numbers
				panic(err)
			}
			return string(body)
		})
	}
	logon := map[string]string{"TargetUserName": user, "TargetDomainName": "REGION", "TargetUserSid": fmt.Sprintf("S-1-5-21-1004336348-1177238915-682003330-%d", 1000+s.zipf(4000)),
		"LogonType": "3", "WorkstationName": station, "IpAddress": ip, "IpPort": fmt.Sprint(1024 + s.r.IntN(64000)), "LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos",
		"SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0", "TargetLogonId": fmt.Sprintf("0x%x", s.r.IntN(1<<30)), "LogonGuid": "{00000000-0000-0000-0000-000000000000}",
		"ProcessId": "0x0", "ProcessName": "-", "KeyLength": "0", "TransmittedServices": "-", "LmPackageName": "-"}
	if s.r.IntN(6) == 0 {
		logon["Status"], logon["SubStatus"], logon["FailureReason"] = "0xc000006d", "0xc000006a", "%%2313"
		write(4625, "logon-failed", "failure", logon)
		return
	}
	write(4624, "logged-in", "success", logon)
	write(4634, "logged-out", "success", map[string]string{"TargetUserName": user, "TargetDomainName": "REGION", "TargetUserSid": logon["TargetUserSid"], "TargetLogonId": logon["TargetLogonId"], "LogonType": "3"})
}

// texts are what Windows says, shortened.
var texts = map[int]string{
	4624: "An account was successfully logged on. The logon type field indicates the kind of logon that occurred.",
	4625: "An account failed to log on. Unknown user name or bad password.",
	4634: "An account was logged off.",
}

// fill calls put with the n events of a day, some at a time.
func (s *source) fill(kind string, n int, put func([]ecs.Event) error) error {
	batch := make([]ecs.Event, 0, 1000)
	for _, at := range s.clock(n) {
		for len(s.lines) == 0 {
			s.session(kind)
		}
		l := s.lines[0]
		s.lines = s.lines[1:]
		e, err := s.event(l, s.day.Add(at))
		if err != nil {
			return err
		}
		if batch = append(batch, e); len(batch) == cap(batch) {
			if err := put(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return put(batch)
}

func (s *source) event(l line, at time.Time) (ecs.Event, error) {
	text := l.text(at)
	s.raw += int64(len(text)) + 1
	received := at.Add(time.Duration(2+s.r.IntN(400)) * time.Millisecond).Truncate(time.Millisecond)
	e, err := s.streams[l.format].Parse([]byte(text), received)
	if err != nil {
		return e, fmt.Errorf("%s: %w", text, err)
	}
	e.Event.ID, e.Event.Created = s.id(received), received
	e.Varde.Tenant, e.Varde.Source, e.Varde.Provenance = s.tenant, "source-"+l.format, "tcp-tls"
	e.Varde.Partition = s.tenant + ".standard." + s.day.Format("2006-01-02")
	e.Varde.SkewMS = received.Sub(e.Timestamp).Milliseconds()
	return e, nil
}

// id is as the collector makes it: the time of receipt, and what is random.
func (s *source) id(received time.Time) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	var out [26]byte
	at := uint64(received.UnixMilli())
	for i := 9; i >= 0; i-- {
		out[i] = alphabet[at&31]
		at >>= 5
	}
	for i := 10; i < 26; i++ {
		out[i] = alphabet[s.r.IntN(32)]
	}
	return string(out[:])
}
