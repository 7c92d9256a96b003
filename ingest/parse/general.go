package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// general gathers the fields that CEF, LEEF and key=value name alike.
type general struct {
	src, dst, srcPort, dstPort, srcHost, dstHost, srcMAC  string
	srcUser, dstUser, srcUserID, dstUserID, domain, login string
	time, timeFormat, start, end                          string
	action, outcome, reason, category, name, message      string
	host, hostIP, app, transport, url, method, agent      string
	process, session, severity, level, group, code        string
	labels                                                [12][2]string // cs1…cs6, cn1…: name, value
	v6                                                    [5][2]string
}

// add takes one pair.
func (g *general) add(key, value string) {
	if value == "" {
		return
	}
	if p := g.field(key); p != nil {
		if *p == "" {
			*p = value
		}
		return
	}
	g.custom(key, value)
}

func (g *general) field(key string) *string {
	switch key {
	case "src", "srcip", "src_ip", "source_ip", "sourceIP", "sourceAddress", "client_ip", "clientip", "clientIp", "clientIP", "remote_ip", "remoteip", "remote_addr", "ip", "ip_address", "ipaddress", "ipAddress", "addr", "remote", "client", "rhost", "saddr", "identSrc":
		return &g.src
	case "dst", "dstip", "dst_ip", "dest_ip", "destinationAddress", "destination_ip", "server_ip":
		return &g.dst
	case "spt", "srcPort", "srcport", "src_port", "sourcePort", "client_port", "remote_port":
		return &g.srcPort
	case "dpt", "dstPort", "dstport", "dst_port", "destinationPort":
		return &g.dstPort
	case "shost", "sourceHostName", "srcHost", "identHostName", "workstation", "client_host", "machine":
		return &g.srcHost
	case "dhost", "destinationHostName", "dstHost":
		return &g.dstHost
	case "smac", "srcMAC", "srcmac", "sourceMacAddress":
		return &g.srcMAC
	case "suser", "sourceUserName":
		return &g.srcUser
	case "duser", "destinationUserName":
		return &g.dstUser
	case "suid", "sourceUserId":
		return &g.srcUserID
	case "duid", "destinationUserId", "user_id", "userid", "userId", "uid":
		return &g.dstUserID
	case "usrName", "user", "username", "userName", "user_name", "usr", "account", "accountName", "login", "acct", "bruker", "brukernavn":
		return &g.login
	case "sntdom", "dntdom", "domain", "realm":
		return &g.domain
	case "rt", "deviceReceiptTime", "devTime", "time", "ts", "timestamp", "@timestamp", "t", "datetime", "eventTime", "tid", "tidspunkt":
		return &g.time
	case "devTimeFormat":
		return &g.timeFormat
	case "start", "startTime":
		return &g.start
	case "end", "endTime":
		return &g.end
	case "act", "deviceAction", "action", "handling":
		return &g.action
	case "outcome", "eventOutcome", "result", "res", "status", "success", "utfall", "resultat":
		return &g.outcome
	case "reason", "failureReason", "error", "err", "cause":
		return &g.reason
	case "cat", "deviceEventCategory", "category", "type", "event_type", "eventType":
		return &g.category
	case "name", "event", "eventName", "event_name", "hendelse":
		return &g.name
	case "msg", "message":
		return &g.message
	case "dvchost", "deviceHostName", "host", "hostname", "server", "maskin":
		return &g.host
	case "dvc", "deviceAddress":
		return &g.hostIP
	case "app", "applicationProtocol", "application", "service", "svc":
		return &g.app
	case "proto", "transportProtocol", "protocol":
		return &g.transport
	case "request", "url", "uri":
		return &g.url
	case "requestMethod", "method":
		return &g.method
	case "requestClientApplication", "user_agent", "userAgent", "useragent":
		return &g.agent
	case "sproc", "sourceProcessName", "process":
		return &g.process
	case "session", "session_id", "sessionId", "sid", "sessionid":
		return &g.session
	case "sev", "severity":
		return &g.severity
	case "level", "lvl":
		return &g.level
	case "group", "grp", "gruppe":
		return &g.group
	case "code", "event_id", "eventId", "externalId":
		return &g.code
	}
	return nil
}

// custom takes cs1 with cs1Label, c6a2 with its label and the like.
func (g *general) custom(key, value string) {
	base, isLabel := strings.CutSuffix(key, "Label")
	which := 1
	if isLabel {
		which = 0
	}
	if len(base) == 3 && (strings.HasPrefix(base, "cs") || strings.HasPrefix(base, "cn")) && base[2] >= '1' && base[2] <= '6' {
		i := int(base[2] - '1')
		if base[1] == 'n' {
			i += 6
		}
		g.labels[i][which] = value
		return
	}
	if len(base) == 4 && strings.HasPrefix(base, "c6a") && base[3] >= '0' && base[3] <= '4' {
		g.v6[base[3]-'0'][which] = value
	}
}

// readGeneral fills the event from what was gathered; name is what the format
// calls the event.
func (s *Stream) readGeneral(g *general, name string, now time.Time, ev *ecs.Event) error {
	for _, at := range [...]string{g.time, g.start, g.end} {
		if at == "" {
			continue
		}
		if err := s.generalTime(at, g.timeFormat, now, ev); err != nil {
			return err
		}
		break
	}
	for i := range g.v6 {
		switch label := strings.ToLower(g.v6[i][0]); {
		case strings.HasPrefix(label, "source") && g.src == "":
			g.src = g.v6[i][1]
		case strings.HasPrefix(label, "dest") && g.dst == "":
			g.dst = g.v6[i][1]
		}
	}
	ev.Source, ev.Destination = generalParty(g.src, g.srcHost, g.srcPort), generalParty(g.dst, g.dstHost, g.dstPort)
	if m := mac(g.srcMAC); m != "" {
		if ev.Source == nil {
			ev.Source = &ecs.Endpoint{}
		}
		ev.Source.MAC = m
	}
	if ev.Host == nil {
		setHost(ev, g.host)
	}
	if ip, ok := address(g.hostIP); ok && ev.Observer != nil {
		ev.Observer.IP = []string{ip}
	}
	g.who(name, ev)
	g.what(ev)
	if g.category != "" && actionOf(name) == "" && actionOf(g.category) != "" {
		name = g.category
	}
	if actionOf(name) == "" && actionOf(g.action) != "" {
		name = g.action
	}
	spoken(ev, name, g.result(name))
	return nil
}

func generalParty(ip, host, port string) *ecs.Endpoint {
	e := partyPort(ip, port)
	if e == nil {
		return partyPort(host, port)
	}
	if h := party(host); h != nil && e.Domain == "" {
		e.Domain = h.Domain
	}
	return e
}

// who sets the account: of a login whom it is for, else who acted on whom.
func (g *general) who(name string, ev *ecs.Event) {
	actor, target, actorID := g.srcUser, g.dstUser, g.srcUserID
	login := actionOf(name) != "" || actionOf(g.category) != "" || actionOf(g.action) != ""
	switch {
	case g.login != "":
		actor, target, actorID = g.login, "", g.dstUserID
	case actor == "" || login && target != "":
		actor, target, actorID = target, "", g.dstUserID
		if actorID == "" {
			actorID = g.srcUserID
		}
	}
	setLogin(ev, actor)
	if actorID != "" {
		isUser(ev).ID = actorID
	}
	if ev.User != nil && ev.User.Domain == "" && g.domain != "" {
		ev.User.Domain = g.domain
		if a := ev.Varde.Account; a != nil && a.Realm == "" {
			a.Realm = strings.ToLower(g.domain)
		}
	}
	setTarget(ev, target, "")
}

func (g *general) what(ev *ecs.Event) {
	ev.Event.Reason = g.reason
	if ev.Event.Code == "" {
		ev.Event.Code = g.code
	}
	ev.Varde.Session = g.session
	if g.app != "" || g.transport != "" {
		ev.Network = &ecs.Network{Protocol: strings.ToLower(g.app), Transport: strings.ToLower(g.transport)}
	}
	if g.url != "" {
		setURL(ev, g.url, "")
	}
	if isMethod(g.method) {
		ev.HTTP = &ecs.HTTP{Request: &ecs.HTTPRequest{Method: g.method}}
	}
	if g.agent != "" {
		ev.UserAgent = &ecs.UserAgent{Original: g.agent}
	}
	if g.process != "" {
		process(ev).Name = g.process
	}
	if g.group != "" {
		ev.Group = &ecs.Group{Name: g.group}
	}
	setLevel(ev, strings.ToLower(g.level))
	if ev.Event.Severity == 0 {
		ev.Event.Severity = cefSeverity(g.severity)
	}
	for i := range g.labels {
		if g.labels[i][1] == "" {
			continue
		}
		name := slug(g.labels[i][0])
		if name == "" {
			continue
		}
		label(ev, strings.ReplaceAll(name, "-", "_"), g.labels[i][1])
	}
	label(ev, "category", g.category)
	label(ev, "device_action", g.action)
}

// result is the outcome that the fields tell; a name that says it goes before
// an action such as "allowed", which may be the firewall's.
func (g *general) result(name string) string {
	if o := outcomeOf(g.outcome); o != "" {
		return o
	}
	said := actionOf(name) != ""
	if o := outcomeOf(name); said && o != "" {
		return o
	}
	if o := outcomeOf(g.action); o != "" {
		return o
	}
	if !said {
		return ""
	}
	if g.reason != "" {
		return outcomeOf(g.reason)
	}
	return outcomeOf(g.message)
}

// generalTime reads a time as these formats have it: milliseconds since 1970,
// "Nov 22 2026 10:00:00.123 CET", RFC 3339, or as devTimeFormat says.
func (s *Stream) generalTime(text, format string, now time.Time, ev *ecs.Event) error {
	st, ok := generalStamp(text, format)
	if !ok {
		return &Error{ReasonTimestamp, "the time of the event is of no known form"}
	}
	t, assumed, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp = t
	if assumed {
		ev.Event.Timezone = s.clock.zone.String()
	}
	return nil
}

func generalStamp(text, format string) (stamp, bool) {
	text = strings.TrimSpace(text)
	if format != "" {
		p, err := newPattern(format)
		if err != nil {
			return stamp{}, false
		}
		return p.read(text)
	}
	if digits := strings.TrimPrefix(text, "-"); allDigits(strings.ReplaceAll(digits, ".", "")) {
		t, ok := instantOf(text)
		return stamp{full: t}, ok
	}
	st, rest, found, err := readStamp(text)
	if err != nil || !found {
		return stamp{}, false
	}
	switch rest = strings.TrimSpace(rest); {
	case rest == "":
	case rest == "UTC" || rest == "GMT" || rest == "Z":
		if st.full.IsZero() {
			if st.year == 0 {
				return stamp{}, false
			}
			st.full = st.wall()
		}
	case isAbbreviation(rest):
		st.zone = rest
	default:
		offset, more, ok := offsetOf(rest)
		if !ok || more != "" || st.year == 0 {
			return stamp{}, false
		}
		st.full = st.wall().Add(-offset)
	}
	return st, true
}
