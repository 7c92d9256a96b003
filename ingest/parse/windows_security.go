package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// security reads an event of the auditing.
func (w *winEvent) security(ev *ecs.Event) {
	m, known := winMeanings[w.code]
	w.title = m.title
	if known {
		outcome := ev.Event.Outcome
		classify(ev, m.kind, m.action, outcome)
		w.who(ev, m.who)
	} else {
		w.anybody(ev)
	}
	if w.code != "4688" && w.code != "4696" {
		w.by(ev)
	}
	w.from(ev)
	w.logonID(ev)
	if name := w.val("ServiceName"); name != "" {
		ev.Service = &ecs.Service{Name: name}
	}
	if read := winReaders[w.code]; read != nil {
		read(w, ev)
	}
	if u := ev.User; u != nil && u.Name == "" && u.ID == "" && u.Domain == "" && u.Target == nil && u.Effective == nil && u.Changes == nil {
		ev.User = nil
	}
}

// winReaders are of events that say more than their table row.
var winReaders = map[string]func(*winEvent, *ecs.Event){
	"4624": (*winEvent).logon, "4625": (*winEvent).logonFailed,
	"4634": (*winEvent).logoff, "4647": (*winEvent).logoff,
	"4648": (*winEvent).explicit, "4672": (*winEvent).privileges, "4688": (*winEvent).process, "4696": (*winEvent).process,
	"4697": (*winEvent).service, "4740": (*winEvent).locked,
	"4768": (*winEvent).kerberos, "4769": (*winEvent).kerberos, "4770": (*winEvent).kerberos, "4771": (*winEvent).kerberos,
	"4776": (*winEvent).ntlm, "4778": (*winEvent).station, "4779": (*winEvent).station, "4825": (*winEvent).station,
	"4781": (*winEvent).renamed, "4800": (*winEvent).logoff, "4801": (*winEvent).logoff,
	"5140": (*winEvent).share, "5145": (*winEvent).share,
	"5152": (*winEvent).filtered, "5156": (*winEvent).filtered, "5157": (*winEvent).filtered,
	"6272": (*winEvent).nps, "6273": (*winEvent).nps, "6274": (*winEvent).nps, "6275": (*winEvent).nps, "6276": (*winEvent).nps,
	"6277": (*winEvent).nps, "6278": (*winEvent).nps, "6279": (*winEvent).nps, "6280": (*winEvent).nps,
	"4698": (*winEvent).scheduled, "4699": (*winEvent).scheduled, "4700": (*winEvent).scheduled, "4701": (*winEvent).scheduled, "4702": (*winEvent).scheduled,
}

func (w *winEvent) who(ev *ecs.Event, who winWho) {
	switch who {
	case whoTarget:
		w.targetIsUser(ev)
	case whoSubject:
		w.subject(ev)
	case whoChange:
		w.subject(ev)
		isUser(ev).Target = w.target()
	case whoBecomes:
		w.subject(ev)
		isUser(ev).Effective = winUser(w.val("TargetUserName"), w.val("TargetDomainName"), w.val("TargetUserSid"))
	case whoGroup:
		w.subject(ev)
		w.group(ev)
	case whoNobody:
	}
}

// anybody reads an event that has no row: most have a subject, some a target.
func (w *winEvent) anybody(ev *ecs.Event) {
	switch {
	case w.val("SubjectUserName", "SubjectUserSid") != "":
		w.subject(ev)
		if w.val("TargetUserName") != "" {
			isUser(ev).Target = w.target()
		}
	case w.val("TargetUserName") != "":
		w.targetIsUser(ev)
	}
}

// group sets the group of the target fields and the member who joined or left.
func (w *winEvent) group(ev *ecs.Event) {
	name := w.val("TargetUserName")
	g := &ecs.Group{Name: name, Domain: w.val("TargetDomainName"), ID: w.val("TargetSid", "TargetUserSid")}
	if *g != (ecs.Group{}) {
		ev.Group = g
	}
	label(ev, "group", name)
	member, sid := w.val("MemberName"), w.val("MemberSid")
	if member == "" && sid == "" {
		return
	}
	cn, domain := distinguished(member)
	isUser(ev).Target = &ecs.User{Name: cn, Domain: domain, ID: sid, Group: ev.Group}
}

// distinguished takes the common name and the DNS domain from a distinguished
// name; what is none is a name already.
func distinguished(dn string) (name, domain string) {
	if len(dn) < 3 || !strings.EqualFold(dn[:3], "CN=") {
		if d, n, ok := strings.Cut(dn, `\`); ok {
			return n, d
		}
		return dn, ""
	}
	var part []byte
	var domains []string
	add := func() {
		key, value, _ := strings.Cut(string(part), "=")
		switch key = strings.TrimSpace(key); {
		case strings.EqualFold(key, "CN") && name == "":
			name = value
		case strings.EqualFold(key, "DC"):
			domains = append(domains, value)
		}
		part = part[:0]
	}
	for i := 0; i < len(dn); i++ {
		switch {
		case dn[i] == '\\' && i+1 < len(dn): // an escaped comma belongs to the name
			i++
			part = append(part, dn[i])
		case dn[i] == ',':
			add()
		default:
			part = append(part, dn[i])
		}
	}
	add()
	return name, strings.Join(domains, ".")
}

// logonID sets the session in which the event happened.
func (w *winEvent) logonID(ev *ecs.Event) {
	if id := w.val("SubjectLogonId", "LogonID"); id != "" {
		ev.Winlog.Logon = &ecs.WinlogLogon{ID: id}
	}
	kind := w.val("LogonType")
	digits, _, _ := strings.Cut(kind, " ")
	if word := winLogonTypes[digits]; word != "" {
		kind = word
	}
	if kind != "" {
		if ev.Winlog.Logon == nil {
			ev.Winlog.Logon = &ecs.WinlogLogon{}
		}
		ev.Winlog.Logon.Type = kind
	}
}

func (w *winEvent) session(ev *ecs.Event, id string) {
	if id = strings.ToLower(id); id == "" || winNumber(id) == 0 {
		return
	}
	ev.Varde.Session = id
	if ev.Winlog.Logon == nil {
		ev.Winlog.Logon = &ecs.WinlogLogon{}
	}
	ev.Winlog.Logon.ID = id
}

// logon is 4624. It decides a login where credentials of an account were
// checked: not where Windows starts its own accounts, not for a name that is
// only taken along to other computers (NewCredentials), not for the second
// token of an administrator's logon, and not where NPS asked, which decides
// itself (6272, 6273).
func (w *winEvent) logon(ev *ecs.Event) {
	ev.Event.Outcome = ecs.OutcomeSuccess
	w.session(ev, w.val("TargetLogonId"))
	switch {
	case w.val("LogonType") == "9":
		ev.Event.Action = ecs.ActionPrivilege
		isUser(ev).Effective = winUser(w.val("TargetOutboundUserName"), w.val("TargetOutboundDomainName"), "")
	case w.builtIn(), w.secondToken(), w.val("LogonProcessName") == "IAS":
		ev.Event.Action = ecs.ActionSessionStart
	default:
		ev.Varde.Attempt = true
		if w.val("LogonProcessName") == "Schannel" {
			ev.Varde.Method = "certificate"
		}
	}
}

// builtIn says whether it is one of Windows' own accounts, which have no password.
func (w *winEvent) builtIn() bool {
	sid, kind := w.val("TargetUserSid", "TargetSid"), w.val("LogonType")
	if kind == "0" || sid == "S-1-5-7" {
		return true
	}
	// IIS, services' and pools' own names, window manager, font driver, sshd's helpers
	for _, p := range []string{"S-1-5-17", "S-1-5-80-", "S-1-5-82-", "S-1-5-90-", "S-1-5-96-", "S-1-5-111-"} {
		if strings.HasPrefix(sid, p) {
			return true
		}
	}
	switch sid {
	case "S-1-5-18", "S-1-5-19", "S-1-5-20":
		return kind == "5" || kind == "" // a computer's own logon over the network has this SID too
	case "":
		switch strings.ToUpper(w.val("TargetUserName")) {
		case "SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE":
			return strings.HasPrefix(strings.ToUpper(w.val("TargetDomainName")), "NT")
		case "ANONYMOUS LOGON":
			return true
		}
	}
	return false
}

// secondToken says whether it is the token without rights that Windows makes
// beside an administrator's: one logon, two events.
func (w *winEvent) secondToken() bool {
	if winNumber(w.val("TargetLinkedLogonId")) == 0 {
		return false
	}
	elevated := w.val("ElevatedToken")
	return elevated == "%%1843" || elevated == "No"
}

// winLogon is the last logon of a stream.
type winLogon struct {
	host, sid, name, kind, pid string
	at                         time.Time
}

// twin takes away the attempt of the second event that Windows before 10 writes
// of one logon of an administrator: it names no token and no twin, but follows
// with the same time, to 100 ns, of the same account, kind and process.
func (s *Stream) twin(w *winEvent, ev *ecs.Event) {
	if w.code != "4624" || !ev.Varde.Attempt || w.val("ElevatedToken") != "" {
		return
	}
	now := winLogon{
		w.computer, w.val("TargetUserSid"), w.val("TargetUserName"), w.val("LogonType"), w.val("ProcessId"), ev.Timestamp,
	}
	switch now.kind {
	case "2", "7", "10", "11":
	default:
		return
	}
	if now == s.logon && now.pid != "" {
		ev.Varde.Attempt, ev.Event.Action = false, ecs.ActionSessionStart
	}
	s.logon = now
}

// logonFailed is 4625.
func (w *winEvent) logonFailed(ev *ecs.Event) {
	ev.Event.Outcome = ecs.OutcomeFailure
	status, sub := w.val("Status"), w.val("SubStatus")
	code := sub
	if winNumber(code) == 0 {
		code = status
	}
	st := winStatusOf(code)
	ev.Event.Reason, ev.Varde.Method = st.reason, st.method()
	if ev.Winlog.Logon == nil {
		ev.Winlog.Logon = &ecs.WinlogLogon{}
	}
	reason := w.val("FailureReason")
	if strings.HasPrefix(reason, "%%") {
		reason = firstOf(winFailureReasons[strings.TrimPrefix(reason, "%%")], reason)
	}
	ev.Winlog.Logon.Failure = &ecs.WinlogFailure{Reason: reason, Status: winStatusText(status), SubStatus: winStatusText(sub)}
	if w.val("LogonProcessName") == "IAS" {
		ev.Event.Action = ecs.ActionProbe
		return
	}
	ev.Varde.Attempt = true
}

func (w *winEvent) logoff(ev *ecs.Event) { w.session(ev, w.val("TargetLogonId")) }

// explicit is 4648: on behalf of whom is the target; whether that succeeded is
// for the other computer to say.
func (w *winEvent) explicit(ev *ecs.Event) {
	if u := isUser(ev); u.Effective != nil {
		target := *u.Effective
		u.Target = &target
	}
	if server := strings.TrimPrefix(w.val("TargetServerName"), `\\`); server != "" && !strings.EqualFold(server, "localhost") {
		ev.Destination = party(server)
	}
}

func (w *winEvent) privileges(ev *ecs.Event) { w.session(ev, w.val("SubjectLogonId")) }

// process is 4688: the process is the new one, its parent the one that asked.
func (w *winEvent) process(ev *ecs.Event) {
	path := w.val("NewProcessName", "TargetProcessName")
	p := &ecs.Process{
		Name: winBase(path), Executable: path, CommandLine: w.val("CommandLine"),
		PID: int(winNumber(w.val("NewProcessId", "TargetProcessId"))),
	}
	parent := ecs.ProcessParent{
		Executable: w.val("ParentProcessName", "ProcessName"), PID: int(winNumber(w.val("ProcessId"))),
	}
	parent.Name = winBase(parent.Executable)
	if parent != (ecs.ProcessParent{}) {
		p.Parent = &parent
	}
	ev.Process = p
}

// locked is 4740. Its field TargetDomainName holds the computer from which the
// failures came; the account is of the domain that the subject names, or of the
// computer itself where that is in none.
func (w *winEvent) locked(ev *ecs.Event) {
	ev.Event.Outcome = ecs.OutcomeSuccess
	domain := w.val("SubjectDomainName")
	if strings.EqualFold(domain, "WORKGROUP") {
		domain, _, _ = strings.Cut(w.computer, ".")
	}
	if u := isUser(ev); u.Target != nil {
		u.Target.Domain = domain
	}
	ev.Varde.Account = winAccount(w.val("TargetUserName"), domain, w.computer)
	if caller := party(strings.TrimPrefix(w.val("TargetDomainName"), `\\`)); caller != nil {
		ev.Source, ev.Varde.Station = caller, caller.Domain
	}
}

// kerberos is 4768 to 4771. A ticket for a service (4769) follows a login; a
// client that is told to authenticate first (0x19) has not tried yet.
func (w *winEvent) kerberos(ev *ecs.Event) {
	status := w.val("Status", "FailureCode", "ResultCode")
	code := winNumber(status)
	ev.Event.Outcome = decides(code == 0 && w.code != "4771")
	if code != 0 {
		st := winKerberos[code]
		ev.Event.Reason, ev.Varde.Method = st.reason, st.method()
		ev.Winlog.Logon = &ecs.WinlogLogon{Failure: &ecs.WinlogFailure{Status: firstOf(st.text, status)}}
	}
	if thumb := w.val("CertThumbprint"); thumb != "" || w.val("CertSerialNumber") != "" {
		ev.Varde.Method = "certificate"
		ev.Varde.Key = &ecs.Key{Type: "X509", Fingerprint: thumb, CertSerial: w.val("CertSerialNumber"), CertID: w.val("CertIssuerName")}
	}
	if _, realm, ok := strings.Cut(w.val("ServiceName"), "/"); ok && ev.Varde.Account != nil && ev.Varde.Account.Realm == "" {
		ev.Varde.Account.Realm = strings.ToLower(realm) // krbtgt/REALM
	}
	if w.code == "4768" || w.code == "4771" {
		if code == 0x19 {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
			return
		}
		ev.Varde.Attempt = true
	}
}

// ntlm is 4776: the directory's view, or the local accounts' database.
func (w *winEvent) ntlm(ev *ecs.Event) {
	status := w.val("Status", "ErrorCode")
	ev.Event.Outcome = decides(winNumber(status) == 0)
	if winNumber(status) != 0 {
		st := winStatusOf(status)
		ev.Event.Reason, ev.Varde.Method = st.reason, st.method()
		ev.Winlog.Logon = &ecs.WinlogLogon{Failure: &ecs.WinlogFailure{Status: winStatusText(status)}}
	}
	ev.Varde.Attempt = true
}

// station is 4778 and 4779: a remote desktop that is taken up again or left.
func (w *winEvent) station(ev *ecs.Event) {
	name, domain := w.val("AccountName", "TargetUserName"), w.val("AccountDomain", "TargetDomainName")
	ev.User = winUser(name, domain, "")
	ev.Varde.Account = winAccount(name, domain, w.computer)
	w.session(ev, w.val("LogonID", "LogonId"))
}

func (w *winEvent) renamed(ev *ecs.Event) {
	u := isUser(ev)
	old, name := w.val("OldTargetUserName"), w.val("NewTargetUserName")
	u.Target = winUser(old, w.val("TargetDomainName"), w.val("TargetSid"))
	if name != "" {
		u.Changes = &ecs.User{Name: name}
	}
}

func (w *winEvent) share(ev *ecs.Event) {
	name, folder, share := w.val("RelativeTargetName"), w.val("ShareLocalPath"), w.val("ShareName")
	f := ecs.File{Name: name, Directory: folder}
	if name != "" && folder != "" {
		f.Path = folder + `\` + name
	}
	if name != "" && share != "" {
		f.TargetPath = share + `\` + name
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		f.Extension = name[i+1:]
	}
	if f != (ecs.File{}) {
		ev.File = &f
	}
}

func (w *winEvent) filtered(ev *ecs.Event) {
	ev.Source = partyPort(w.val("SourceAddress"), w.val("SourcePort"))
	ev.Destination = partyPort(w.val("DestAddress"), w.val("DestPort"))
	ev.Network = &ecs.Network{Transport: winProtocols[w.val("Protocol")]}
	switch w.val("Direction") {
	case "%%14592":
		ev.Network.Direction = "inbound"
	case "%%14593":
		ev.Network.Direction = "outbound"
	}
	if path := w.val("Application"); path != "" {
		ev.Process = &ecs.Process{Name: winBase(path), Executable: path, PID: int(winNumber(w.val("ProcessID", "ProcessId")))}
	}
}

var winProtocols = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}

func (w *winEvent) scheduled(ev *ecs.Event) { label(ev, "task", w.val("TaskName")) }

// nps is 6272 to 6280: the RADIUS server says who came in through which
// equipment. The address of the equipment is not the user's.
func (w *winEvent) nps(ev *ecs.Event) {
	ev.Event.Dataset = "nps"
	ev.Source, ev.Varde.Station = nil, ""
	if name := w.val("SubjectUserName"); name == "" {
		full := w.val("FullyQualifiedSubjectUserName")
		ev.User, ev.Varde.Account = winUser(full, "", w.val("SubjectUserSid")), account(full)
	} else if strings.Contains(name, `\`) {
		ev.User, ev.Varde.Account = winUser(name, "", w.val("SubjectUserSid")), account(name)
	}
	if station := w.val("CallingStationID"); mac(station) != "" {
		ev.Source = &ecs.Endpoint{MAC: mac(station)}
		ev.Varde.Station = mac(station)
	} else {
		ev.Source = party(station)
	}
	o := &ecs.Observer{Name: w.val("NASIdentifier", "ClientName"), Type: "radius"}
	if nas := party(w.val("NASIPv4Address", "NASIPv6Address", "ClientIPAddress")); nas != nil && nas.IP != "" {
		o.IP = []string{nas.IP}
	}
	ev.Observer = o
	if name := w.val("NetworkPolicyName"); name != "" {
		ev.Rule = &ecs.Rule{Name: name}
	}
	switch w.code {
	case "6272":
		ev.Event.Outcome, ev.Varde.Attempt = ecs.OutcomeSuccess, true
	case "6273":
		ev.Event.Outcome, ev.Varde.Attempt = ecs.OutcomeFailure, true
		ev.Event.Reason = winNPSReasons[w.val("ReasonCode")]
		ev.Winlog.Logon = &ecs.WinlogLogon{Failure: &ecs.WinlogFailure{Reason: w.val("Reason"), Status: w.val("ReasonCode")}}
	case "6274", "6275":
		ev.Event.Outcome = ecs.OutcomeUnknown
		ev.Event.Reason = winNPSReasons[w.val("ReasonCode")]
	}
	if method := w.val("EAPType", "AuthenticationType"); strings.Contains(method, "certificate") || strings.HasPrefix(method, "EAP-TLS") {
		ev.Varde.Method = "certificate"
	} else if ev.Event.Reason == reasonPassword || ev.Event.Reason == reasonNoUser {
		ev.Varde.Method = "password"
	}
	ev.Varde.Session = w.val("AccountSessionIdentifier")
}
