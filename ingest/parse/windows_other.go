package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// eventlog reads what the event log says of itself: 1102 and 104 are the ones
// that matter, somebody cleared it.
func (w *winEvent) eventlog(ev *ecs.Event) {
	w.subject(ev)
	switch w.code {
	case "1100":
		w.title = "The event logging service has shut down"
		classify(ev, winProcessEnd, "logging-service-shutdown", ev.Event.Outcome)
	case "1102", "104":
		w.title = "The audit log was cleared"
		classify(ev, winIAMChange, "audit-log-cleared", ecs.OutcomeSuccess)
		if w.code == "104" {
			w.title = "The log file was cleared"
		}
		w.logonID(ev)
		if ev.User != nil && ev.User.ID == "" {
			ev.User.ID = w.sid
		}
	case "1104":
		w.title = "The security log is now full"
		classify(ev, winIAMAdmin, "logging-full", ev.Event.Outcome)
	case "1105":
		w.title = "Event log automatic backup"
		classify(ev, winIAMAdmin, "auditlog-archived", ev.Event.Outcome)
	case "1108":
		w.title = "The event logging service encountered an error"
		classify(ev, winIAMAdmin, "logging-processing-error", ev.Event.Outcome)
	}
}

// service is 4697 of the auditing and 7045 of the Service Control Manager.
func (w *winEvent) service(ev *ecs.Event) {
	name := w.val("ServiceName", "param1")
	if name != "" {
		ev.Service = &ecs.Service{Name: name}
	}
	kind := w.val("ServiceType")
	if word := winServiceTypes[strings.ToLower(kind)]; word != "" {
		kind = word
	}
	if ev.Service != nil {
		ev.Service.Type = kind
	}
	if w.code != "7045" {
		return
	}
	w.title = "A service was installed in the system"
	classify(ev, winBothChange, "service-installed", ecs.OutcomeSuccess)
	if w.sid != "" || w.userName != "" {
		ev.User = winUser(w.userName, w.userDomain, w.sid)
	}
}

var winServiceTypes = map[string]string{
	"0x1": "Kernel Driver", "0x2": "File System Driver", "0x8": "Recognizer Driver", "0x10": "Win32 Own Process",
	"0x20": "Win32 Share Process", "0x110": "Interactive Own Process", "0x120": "Interactive Share Process",
}

// terminal reads the sessions of Remote Desktop. The logon itself is 4624 of
// the auditing; 1149 says that somebody came as far as the logon.
func (w *winEvent) terminal(ev *ecs.Event) {
	name, domain := w.val("User"), ""
	if w.provider == winRemote {
		name, domain = w.val("Param1"), w.val("Param2")
	}
	ev.User, ev.Varde.Account = winUser(name, domain, ""), winAccount(name, domain, w.computer)
	ev.Source = party(w.val("Address", "Param3"))
	if ev.Source != nil && ev.Source.IP == "" {
		ev.Source = nil // LOCAL is the console
	}
	ev.Varde.Session = w.val("SessionID", "Session")
	outcome := ecs.OutcomeSuccess
	switch {
	case w.provider == winRemote && w.code == "1149":
		w.title = "Remote Desktop Services: User authentication succeeded"
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case w.provider == winRemote:
	case w.code == "21":
		w.title = "Remote Desktop Services: Session logon succeeded"
		classify(ev, kindSession, ecs.ActionSessionStart, outcome)
	case w.code == "22":
		w.title = "Remote Desktop Services: Shell start notification received"
		classify(ev, kind{[]string{"session"}, []string{"info"}}, "shell-start", outcome)
	case w.code == "23":
		w.title = "Remote Desktop Services: Session logoff succeeded"
		classify(ev, kindEnd, ecs.ActionSessionEnd, outcome)
	case w.code == "24":
		w.title = "Remote Desktop Services: Session has been disconnected"
		classify(ev, kindEnd, actionSessionDisconnected, outcome)
	case w.code == "25":
		w.title = "Remote Desktop Services: Session reconnection succeeded"
		classify(ev, kindSession, actionSessionReconnected, outcome)
	case w.code == "39", w.code == "40":
		classify(ev, kindEnd, actionSessionDisconnected, outcome)
	}
}

// powershell reads what was run: 4103 and 4104.
func (w *winEvent) powershell(ev *ecs.Event) {
	switch w.code {
	case "4103":
		w.title = "PowerShell pipeline execution"
	case "4104":
		w.title = "Creating Scriptblock text"
	default:
		return
	}
	classify(ev, winProcessInfo, "powershell", ev.Event.Outcome)
	if path := w.val("Path"); path != "" {
		ev.File = &ecs.File{Path: path, Name: winBase(path)}
	}
	name := ""
	for line := range strings.Lines(w.raw("ContextInfo")) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok && (key == "User" || key == "Bruker") {
			name = value
		}
		if ok && key == "Host Application" {
			ev.Process = &ecs.Process{CommandLine: value}
		}
	}
	if ev.User = winUser(name, "", w.sid); name != "" {
		ev.Varde.Account = account(name)
	}
}

// winSSH reads OpenSSH for Windows, whose line is that of sshd.
func (s *Stream) winSSH(w *winEvent, ev *ecs.Event) error {
	m := message{program: w.val("process"), text: w.raw("payload")}
	if m.program == "" {
		m.program = "sshd"
	}
	m.pid = int(winNumber(w.pid))
	ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
	code, provider := ev.Event.Code, ev.Event.Provider
	ev.Event.Dataset = DatasetUnparsed
	err := s.meaning(&m, ev)
	ev.Event.Code, ev.Event.Provider = code, provider
	if ev.Event.Dataset == DatasetUnparsed {
		ev.Event.Dataset, ev.Event.Module = "windows", "windows"
	}
	return err
}

// sysmon reads the events of Sysmon: which process did what. What has no field
// of its own stays in winlog.event_data.
func (w *winEvent) sysmon(ev *ecs.Event) {
	name := w.val("User", "SourceUser")
	ev.User, ev.Varde.Account = winUser(name, "", ""), account(name)
	p := &ecs.Process{
		Executable: w.val("Image", "SourceImage"), PID: int(winNumber(w.val("ProcessId", "SourceProcessId"))),
		EntityID: w.val("ProcessGuid", "SourceProcessGUID", "SourceProcessGuid"), CommandLine: w.val("CommandLine"), WorkingDir: w.val("CurrentDirectory"),
	}
	p.Name = winBase(p.Executable)
	parent := ecs.ProcessParent{
		Executable: w.val("ParentImage"), PID: int(winNumber(w.val("ParentProcessId"))),
		EntityID: w.val("ParentProcessGuid"), CommandLine: w.val("ParentCommandLine"),
	}
	parent.Name = winBase(parent.Executable)
	if parent != (ecs.ProcessParent{}) {
		p.Parent = &parent
	}
	if *p != (ecs.Process{}) {
		ev.Process = p
	}
	row, ok := winSysmonEvents[w.code]
	if !ok {
		return
	}
	w.title = "Sysmon: " + row.title
	classify(ev, row.kind, row.action, ev.Event.Outcome)
	if path := w.val("TargetFilename", "ImageLoaded"); path != "" {
		ev.File = &ecs.File{Path: path, Name: winBase(path)}
		if i := strings.LastIndexByte(ev.File.Name, '.'); i >= 0 {
			ev.File.Extension = ev.File.Name[i+1:]
		}
	}
	switch w.code {
	case "3":
		w.sysmonConnection(ev)
	case "1", "6", "7", "15", "23", "24", "26", "29":
		w.hashes(ev)
	}
}

func (w *winEvent) sysmonConnection(ev *ecs.Event) {
	end := func(ip, port, host string) *ecs.Endpoint {
		e := partyPort(w.val(ip), w.val(port))
		if name := w.val(host); name != "" {
			if e == nil {
				e = &ecs.Endpoint{}
			}
			e.Domain = name
		}
		return e
	}
	ev.Source = end("SourceIp", "SourcePort", "SourceHostname")
	ev.Destination = end("DestinationIp", "DestinationPort", "DestinationHostname")
	ev.Network = &ecs.Network{Transport: w.val("Protocol"), Protocol: w.val("DestinationPortName"), Direction: "ingress"}
	if w.val("Initiated") == "true" {
		ev.Network.Direction = "egress"
	}
	ev.Network.Type = "ipv4"
	if w.val("SourceIsIpv6") == "true" || w.val("DestinationIsIpv6") == "true" {
		ev.Network.Type = "ipv6"
	}
}

// hashes are related.hash, in lower case and without the algorithm's name.
func (w *winEvent) hashes(ev *ecs.Event) {
	for part := range strings.SplitSeq(w.val("Hashes", "Hash"), ",") {
		_, hash, ok := strings.Cut(part, "=")
		if !ok || strings.Trim(hash, "0") == "" {
			continue
		}
		if ev.Related == nil {
			ev.Related = &ecs.Related{}
		}
		ev.Related.Hash = append(ev.Related.Hash, strings.ToLower(hash))
	}
}

var winSysmonEvents = map[string]winMeaning{
	"1":   {winProcessStart, "created-process", whoNobody, "Process Create"},
	"2":   {kind{[]string{"file"}, []string{"change"}}, "file-time-changed", whoNobody, "File creation time changed"},
	"3":   {kind{[]string{"network"}, []string{"start", "connection", "protocol"}}, actionConnectionOpened, whoNobody, "Network connection"},
	"4":   {winProcessInfo, "sysmon-state-changed", whoNobody, "Sysmon service state changed"},
	"5":   {winProcessEnd, "exited-process", whoNobody, "Process terminated"},
	"6":   {kind{[]string{"driver"}, []string{"start"}}, "driver-loaded", whoNobody, "Driver loaded"},
	"7":   {kind{[]string{"process"}, []string{"change"}}, "image-loaded", whoNobody, "Image loaded"},
	"8":   {kind{[]string{"process"}, []string{"change"}}, "remote-thread-created", whoNobody, "CreateRemoteThread detected"},
	"9":   {kind{[]string{"process"}, []string{"access"}}, "raw-disk-read", whoNobody, "RawAccessRead detected"},
	"10":  {kind{[]string{"process"}, []string{"access"}}, "process-accessed", whoNobody, "Process accessed"},
	"11":  {kind{[]string{"file"}, []string{"creation"}}, "file-created", whoNobody, "File created"},
	"12":  {winRegistry, "registry-key-changed", whoNobody, "Registry object added or deleted"},
	"13":  {winRegistry, "registry-value-set", whoNobody, "Registry value set"},
	"14":  {winRegistry, "registry-renamed", whoNobody, "Registry object renamed"},
	"15":  {winFile, "file-stream-created", whoNobody, "File stream created"},
	"16":  {kindConfig, "sysmon-config-changed", whoNobody, "Sysmon config state changed"},
	"17":  {kind{[]string{"file"}, []string{"creation"}}, "pipe-created", whoNobody, "Pipe created"},
	"18":  {winFile, "pipe-connected", whoNobody, "Pipe connected"},
	"22":  {kind{[]string{"network"}, []string{"connection", "protocol", "info"}}, "dns-query", whoNobody, "Dns query"},
	"23":  {kind{[]string{"file"}, []string{"deletion"}}, "file-deleted", whoNobody, "File Delete archived"},
	"25":  {kind{[]string{"process"}, []string{"change"}}, "process-tampering", whoNobody, "Process Tampering"},
	"26":  {kind{[]string{"file"}, []string{"deletion"}}, "file-deleted", whoNobody, "File Delete logged"},
	"255": {winProcessInfo, "sysmon-error", whoNobody, "Error"},
}
