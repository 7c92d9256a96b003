package parse

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// winSaid is what a table row says of an event; its zero value is checked too.
type winSaid struct {
	action, outcome, reason string
	category, types         string
	user, target, effective string // DOMAIN\name
	group, changes, service string
	source, station         string
	process, session        string
	attempt                 bool
	method                  string
}

func whole(u *ecs.User) string {
	if u == nil {
		return ""
	}
	if u.Domain == "" {
		return u.Name
	}
	return u.Domain + `\` + u.Name
}

func saidOf(ev ecs.Event) winSaid {
	s := winSaid{action: ev.Event.Action, outcome: ev.Event.Outcome, reason: ev.Event.Reason, category: strings.Join(ev.Event.Category, ","),
		types: strings.Join(ev.Event.Type, ","), attempt: ev.Varde.Attempt, method: ev.Varde.Method, station: ev.Varde.Station, session: ev.Varde.Session}
	if ev.User != nil {
		s.user, s.target, s.effective = whole(ev.User), whole(ev.User.Target), whole(ev.User.Effective)
		s.changes = whole(ev.User.Changes)
	}
	if ev.Group != nil {
		s.group = ev.Group.Name
	}
	if ev.Service != nil {
		s.service = ev.Service.Name
	}
	if ev.Source != nil {
		s.source = ev.Source.IP + ev.Source.MAC
	}
	if ev.Process != nil {
		s.process = ev.Process.Name
	}
	return s
}

func subject(more ...string) []string {
	return append([]string{"SubjectUserSid", "S-1-5-21-1-2-3-500", "SubjectUserName", "admin", "SubjectDomainName", "BO", "SubjectLogonId", "0x1F"}, more...)
}

func changing(more ...string) []string {
	return subject(append([]string{"TargetUserName", "kari", "TargetDomainName", "BO", "TargetSid", "S-1-5-21-1-2-3-1105"}, more...)...)
}

func grouping(member string) []string {
	return subject("MemberName", member, "MemberSid", "S-1-5-21-1-2-3-1105", "TargetUserName", "Domain Admins", "TargetDomainName", "BO", "TargetSid", "S-1-5-21-1-2-3-512")
}

func TestWindowsEventsSayWhoDidWhat(t *testing.T) {
	t.Parallel()
	iam := func(action, types string) winSaid {
		return winSaid{action: action, outcome: "success", category: "iam", types: types, user: `BO\admin`, target: `BO\kari`}
	}
	member := func(action string) winSaid {
		return winSaid{action: action, outcome: "success", category: "iam", types: "group,change", user: `BO\admin`, target: `bo.local\Nordmann, Kari`, group: "Domain Admins"}
	}
	const dn = `CN=Nordmann\, Kari,OU=Ansatte,DC=bo,DC=local`
	kdc := func(more ...string) []string {
		return append([]string{"TargetUserName", "Kari@BO.LOCAL", "TargetSid", "S-1-5-21-1-2-3-1105", "ServiceName", "krbtgt/BO.LOCAL", "IpAddress", "::ffff:192.0.2.7", "IpPort", "50611"}, more...)
	}
	login := winSaid{action: ecs.ActionLogin, outcome: "success", category: "authentication", types: "start", attempt: true}
	with := func(s winSaid, change func(s *winSaid)) winSaid { change(&s); return s }
	for name, c := range map[string]struct {
		line string
		want winSaid
	}{
		"4634": {winXML("4634", false, "TargetUserName", "kari", "TargetDomainName", "BO", "TargetLogonId", "0x1F", "LogonType", "3"),
			winSaid{action: ecs.ActionLogoff, outcome: "success", category: "authentication", types: "end", user: `BO\kari`, session: "0x1f"}},
		"4647": {winXML("4647", false, "TargetUserName", "kari", "TargetDomainName", "BO", "TargetLogonId", "0x1F"),
			winSaid{action: ecs.ActionLogoff, outcome: "success", category: "authentication", types: "end", user: `BO\kari`, session: "0x1f"}},
		"4648": {winXML("4648", false, subject("TargetUserName", "kari", "TargetDomainName", "BO", "TargetServerName", "arkiv01", "ProcessName", `C:\Windows\System32\runas.exe`, "IpAddress", "-", "IpPort", "-")...),
			winSaid{action: ecs.ActionPrivilege, outcome: "success", category: "authentication", types: "start", user: `BO\admin`, target: `BO\kari`, effective: `BO\kari`, process: "runas.exe"}},
		"4672": {winXML("4672", false, subject("PrivilegeList", "SeSecurityPrivilege")...),
			winSaid{action: ecs.ActionPrivilege, outcome: "success", category: "iam", types: "admin", user: `BO\admin`, session: "0x1f"}},
		"4688": {winXML("4688", false, subject("NewProcessId", "0x10", "NewProcessName", `C:\Windows\cmd.exe`, "ProcessId", "0x20", "CommandLine", "cmd /c dir", "TargetUserName", "-", "TargetDomainName", "-", "ParentProcessName", `C:\Windows\explorer.exe`)...),
			winSaid{action: "created-process", outcome: "success", category: "process", types: "start", user: `BO\admin`, process: "cmd.exe"}},
		"4697": {winXML("4697", false, subject("ServiceName", "spool", "ServiceType", "0x10")...),
			winSaid{action: "service-installed", outcome: "success", category: "iam,configuration", types: "admin,change", user: `BO\admin`, service: "spool"}},
		"4698":           {winXML("4698", false, subject("TaskName", `\x`)...), winSaid{action: "scheduled-task-created", outcome: "success", category: "iam,configuration", types: "creation,admin", user: `BO\admin`}},
		"4719":           {winXML("4719", false, subject()...), winSaid{action: "changed-audit-config", outcome: "success", category: "iam,configuration", types: "admin,change", user: `BO\admin`}},
		"4720":           {winXML("4720", false, changing()...), iam(ecs.ActionAccountCreated, "user,creation")},
		"4722":           {winXML("4722", false, changing()...), iam(actionAccountEnabled, "user,change")},
		"4723":           {winXML("4723", false, changing()...), iam(ecs.ActionPasswordChange, "user,change")},
		"4723, refused":  {winXML("4723", true, changing()...), with(iam(ecs.ActionPasswordChange, "user,change"), func(s *winSaid) { s.outcome = "failure" })},
		"4724":           {winXML("4724", false, changing()...), iam(actionPasswordReset, "user,change")},
		"4725":           {winXML("4725", false, changing()...), iam(actionAccountDisabled, "user,deletion")},
		"4726":           {winXML("4726", false, changing()...), iam(ecs.ActionAccountDeleted, "user,deletion")},
		"4728":           {winXML("4728", false, grouping(dn)...), member(ecs.ActionGroupMember)},
		"4729":           {winXML("4729", false, grouping(dn)...), member(ecs.ActionGroupRemoved)},
		"4732":           {winXML("4732", false, grouping(dn)...), member(ecs.ActionGroupMember)},
		"4733":           {winXML("4733", false, grouping(dn)...), member(ecs.ActionGroupRemoved)},
		"4756":           {winXML("4756", false, grouping(dn)...), member(ecs.ActionGroupMember)},
		"4757":           {winXML("4757", false, grouping(dn)...), member(ecs.ActionGroupRemoved)},
		"4732 by number": {winXML("4732", false, grouping("-")...), with(member(ecs.ActionGroupMember), func(s *winSaid) { s.target = "" })},
		"4738":           {winXML("4738", false, changing()...), iam(ecs.ActionAccountChanged, "user,change")},
		"4740": {winXML("4740", false, "TargetUserName", "kari", "TargetDomainName", "PC-0117", "TargetSid", "S-1-5-21-1-2-3-1105", "SubjectUserName", "DC01$", "SubjectDomainName", "BO", "SubjectUserSid", "S-1-5-18"),
			winSaid{action: ecs.ActionAccountLocked, outcome: "success", category: "iam", types: "user,change", user: `BO\DC01$`, target: `BO\kari`, station: "PC-0117"}},
		"4740 of a computer's own account": {winXML("4740", false, "TargetUserName", "kari", "TargetDomainName", "PC-0117", "SubjectUserName", "FIL01$", "SubjectDomainName", "WORKGROUP"),
			winSaid{action: ecs.ActionAccountLocked, outcome: "success", category: "iam", types: "user,change", user: `WORKGROUP\FIL01$`, target: `FIL01\kari`, station: "PC-0117"}},
		"4767": {winXML("4767", false, changing()...), iam(actionAccountUnlocked, "user,change")},
		"4781": {winXML("4781", false, subject("OldTargetUserName", "kari", "NewTargetUserName", "kari2", "TargetDomainName", "BO", "TargetSid", "S-1-5-21-1-2-3-1105")...),
			with(iam(actionAccountRenamed, "user,change"), func(s *winSaid) { s.changes = "kari2" })},
		"4768": {winXML("4768", false, kdc("Status", "0x0")...), with(login, func(s *winSaid) { s.user, s.source, s.service = `BO.LOCAL\Kari`, "192.0.2.7", "krbtgt/BO.LOCAL" })},
		"4768, no such user": {winXML("4768", true, kdc("Status", "0x6")...), with(login, func(s *winSaid) {
			s.user, s.source, s.service, s.outcome, s.reason, s.method = `BO.LOCAL\Kari`, "192.0.2.7", "krbtgt/BO.LOCAL", "failure", "invalid-user", "password"
		})},
		"4768 by certificate": {winXML("4768", false, kdc("Status", "0x0", "CertIssuerName", "BO-CA", "CertSerialNumber", "1F", "CertThumbprint", "AB")...), with(login, func(s *winSaid) {
			s.user, s.source, s.service, s.method = `BO.LOCAL\Kari`, "192.0.2.7", "krbtgt/BO.LOCAL", "certificate"
		})},
		"4769": {winXML("4769", false, kdc("Status", "0x0", "ServiceName", "FIL01$")...), winSaid{action: "kerberos-service-ticket-requested", outcome: "success", category: "authentication", types: "start",
			user: `BO.LOCAL\Kari`, source: "192.0.2.7", service: "krbtgt/BO.LOCAL"}},
		"4771": {winXML("4771", true, kdc("Status", "0x18")...), with(login, func(s *winSaid) {
			s.user, s.source, s.service, s.outcome, s.reason, s.method = `BO.LOCAL\Kari`, "192.0.2.7", "krbtgt/BO.LOCAL", "failure", "incorrect-password", "password"
		})},
		"4771, first to be asked": {winXML("4771", true, kdc("Status", "0x19")...), winSaid{action: ecs.ActionProbe, outcome: "unknown", reason: "preauthentication-required", category: "authentication", types: "info",
			user: `BO.LOCAL\Kari`, source: "192.0.2.7", service: "krbtgt/BO.LOCAL"}},
		"4776": {winXML("4776", false, "TargetUserName", "kari", "Workstation", `\\PC-0117`, "Status", "0x0"), with(login, func(s *winSaid) { s.user, s.station = "kari", "PC-0117" })},
		"4776, locked": {winXML("4776", true, "TargetUserName", "kari", "Workstation", "PC-0117", "Status", "0xc0000234"), with(login, func(s *winSaid) {
			s.user, s.station, s.outcome, s.reason = "kari", "PC-0117", "failure", "account-locked"
		})},
		"4778": {winXML("4778", false, "AccountName", "kari", "AccountDomain", "BO", "LogonID", "0x1F", "ClientName", "PC-0117", "ClientAddress", "192.0.2.7"),
			winSaid{action: actionSessionReconnected, outcome: "success", category: "authentication,session", types: "start", user: `BO\kari`, source: "192.0.2.7", station: "PC-0117", session: "0x1f"}},
		"4779 at the console": {winXML("4779", false, "AccountName", "kari", "AccountDomain", "BO", "LogonID", "0x1F", "ClientName", "Unknown", "ClientAddress", "LOCAL"),
			winSaid{action: actionSessionDisconnected, outcome: "success", category: "authentication,session", types: "end", user: `BO\kari`, session: "0x1f"}},
		"4616": {winXML("4616", false, subject("ProcessName", `C:\x\w32tm.exe`)...), winSaid{action: "system-time-changed", outcome: "success", category: "configuration", types: "change", user: `BO\admin`, process: "w32tm.exe"}},
		"4798": {winXML("4798", false, changing("CallerProcessName", `C:\x\net1.exe`)...), with(iam("group-membership-enumerated", "user,info"), func(s *winSaid) { s.process = "net1.exe" })},
		"4964": {winXML("4964", false, subject("TargetUserName", "kari", "TargetDomainName", "BO")...), winSaid{action: ecs.ActionPrivilege, outcome: "success", category: "iam", types: "admin,group", user: `BO\kari`}},
		"5140": {winXML("5140", false, subject("IpAddress", "192.0.2.7", "IpPort", "50611", "ShareName", `\\*\C$`)...), winSaid{action: "network-share-object-accessed", outcome: "success", category: "network,file", types: "info,access", user: `BO\admin`, source: "192.0.2.7"}},
		"6272": {winXML("6272", false, "SubjectUserName", `BO\kari`, "FullyQualifiedSubjectUserName", `BO\kari`, "CallingStationID", "aa-bb-cc-dd-ee-0f", "NASIPv4Address", "10.0.0.5", "ClientName", "ap-1", "ClientIPAddress", "10.0.0.5", "EAPType", "Microsoft: Secured password (EAP-MSCHAP v2)", "AccountSessionIdentifier", "36"),
			with(login, func(s *winSaid) {
				s.user, s.source, s.station, s.session = `BO\kari`, "AA-BB-CC-DD-EE-0F", "AA-BB-CC-DD-EE-0F", "36"
			})},
		"6273": {winXML("6273", true, "SubjectUserName", "kari", "SubjectDomainName", "BO", "CallingStationID", "203.0.113.9", "NASIPv4Address", "-", "ReasonCode", "16"),
			with(login, func(s *winSaid) {
				s.user, s.source, s.outcome, s.reason, s.method = `BO\kari`, "203.0.113.9", "failure", "incorrect-password", "password"
			})},
		"6278":                   {winXML("6278", false, "SubjectUserName", "kari", "SubjectDomainName", "BO"), winSaid{action: "nps-full-access", outcome: "success", category: "authentication", types: "info", user: `BO\kari`}},
		"an event without a row": {winXML("4703", false, changing()...), winSaid{outcome: "success", user: `BO\admin`, target: `BO\kari`}},
	} {
		require.Equal(t, c.want, saidOf(one(t, c.line)), name)
	}
}

// Every event that the issue names has a row, and nothing in it is left out.
func TestEveryNamedEventHasARow(t *testing.T) {
	t.Parallel()
	for _, code := range strings.Fields("4624 4625 4634 4647 4648 4672 4688 4719 4720 4722 4723 4724 4725 4726 4728 4732 4738 4740 4756 4767 4768 4769 4770 4771 4776 " +
		"4778 4779 4781 4616 4697 4698 4699 4702 4713 4729 4733 4757 4765 4766 4782 4797 4798 4799 4964 5140 5145 6272 6273 6274 6275 6276 6277 6278") {
		m, ok := winMeanings[code]
		require.True(t, ok, code)
		require.NotEmpty(t, m.action, code)
		require.NotEmpty(t, m.kind.category, code)
		require.NotEmpty(t, m.title, code)
	}
	for code := range winReaders {
		require.Contains(t, winMeanings, code)
	}
}

func TestOtherLogsOfWindows(t *testing.T) {
	t.Parallel()
	user := func(provider, channel, code string, fields ...string) string {
		x := winXMLOf(provider, channel, code, false)
		var b strings.Builder
		for i := 0; i+1 < len(fields); i += 2 {
			b.WriteString("<" + fields[i] + ">" + fields[i+1] + "</" + fields[i] + ">")
		}
		x = strings.Replace(x, "0x8020000000000000", "0x1000000000000000", 1)
		return strings.Replace(x, "<EventData></EventData>", `<UserData><EventXML xmlns="Event_NS">`+b.String()+"</EventXML></UserData>", 1)
	}
	plainOf := func(x string) string { return strings.Replace(x, "0x8020000000000000", "0x8000000000000000", 1) }
	for name, c := range map[string]struct {
		line, dataset string
		want          winSaid
	}{
		"1102": {user(winEventlog, "Security", "1102", "SubjectUserSid", "S-1-5-21-1-2-3-500", "SubjectUserName", "admin", "SubjectDomainName", "BO"), "windows-security",
			winSaid{action: "audit-log-cleared", outcome: "success", category: "iam", types: "admin,change", user: `BO\admin`}},
		"104": {user(winEventlog, "System", "104", "SubjectUserName", "admin", "SubjectDomainName", "BO", "Channel", "Application"), "windows-system",
			winSaid{action: "audit-log-cleared", outcome: "success", category: "iam", types: "admin,change", user: `BO\admin`}},
		"a session begins": {user(winSessions, winSessions+"/Operational", "21", "User", `BO\kari`, "SessionID", "2", "Address", "192.0.2.7"), "windows-terminalservices",
			winSaid{action: ecs.ActionSessionStart, outcome: "success", category: "session", types: "start", user: `BO\kari`, source: "192.0.2.7", session: "2"}},
		"a session at the console": {user(winSessions, winSessions+"/Operational", "21", "User", `BO\kari`, "SessionID", "1", "Address", "LOCAL"), "windows-terminalservices",
			winSaid{action: ecs.ActionSessionStart, outcome: "success", category: "session", types: "start", user: `BO\kari`, session: "1"}},
		"its shell": {user(winSessions, winSessions+"/Operational", "22", "User", `BO\kari`, "SessionID", "2", "Address", "192.0.2.7"), "windows-terminalservices",
			winSaid{action: "shell-start", outcome: "success", category: "session", types: "info", user: `BO\kari`, source: "192.0.2.7", session: "2"}},
		"it ends": {user(winSessions, winSessions+"/Operational", "23", "User", `BO\kari`, "SessionID", "2"), "windows-terminalservices",
			winSaid{action: ecs.ActionSessionEnd, outcome: "success", category: "session", types: "end", user: `BO\kari`, session: "2"}},
		"it is left": {user(winSessions, winSessions+"/Operational", "24", "User", `BO\kari`, "SessionID", "2", "Address", "192.0.2.7"), "windows-terminalservices",
			winSaid{action: actionSessionDisconnected, outcome: "success", category: "session", types: "end", user: `BO\kari`, source: "192.0.2.7", session: "2"}},
		"it is taken up": {user(winSessions, winSessions+"/Operational", "25", "User", `BO\kari`, "SessionID", "2", "Address", "192.0.2.7"), "windows-terminalservices",
			winSaid{action: actionSessionReconnected, outcome: "success", category: "session", types: "start", user: `BO\kari`, source: "192.0.2.7", session: "2"}},
		"somebody asks for a session": {user(winRemote, winRemote+"/Operational", "1149", "Param1", "kari", "Param2", "BO", "Param3", "192.0.2.7"), "windows-terminalservices",
			winSaid{action: ecs.ActionProbe, outcome: "unknown", category: "authentication", types: "info", user: `BO\kari`, source: "192.0.2.7"}},
		"7045": {plainOf(winXMLOf(winServices, "System", "7045", false, "ServiceName", "x", "ImagePath", "cmd", "ServiceType", "user mode service", "AccountName", "LocalSystem")), "windows-system",
			winSaid{action: "service-installed", outcome: "success", category: "iam,configuration", types: "admin,change", service: "x"}},
		"OpenSSH": {plainOf(winXMLOf(winOpenSSH, "OpenSSH/Operational", "4", false, "process", "sshd", "payload", "Failed password for invalid user kari from 192.0.2.7 port 50611 ssh2")), "sshd",
			winSaid{action: ecs.ActionLogin, outcome: "failure", reason: "invalid-user", category: "authentication", types: "start", user: "kari", service: "sshd", source: "192.0.2.7", process: "sshd", attempt: true, method: "password"}},
		"PowerShell": {plainOf(winXMLOf(winPowerShell, winPowerShell+"/Operational", "4104", false, "MessageNumber", "1", "ScriptBlockText", "Get-ADUser", "Path", `C:\x.ps1`)), "windows-powershell",
			winSaid{action: "powershell", category: "process", types: "info"}},
		"PowerShell, who": {plainOf(winXMLOf(winPowerShell, winPowerShell+"/Operational", "4103", false, "ContextInfo", "   Severity = Informational\n        User = BO\\kari\n", "Payload", "x")), "windows-powershell",
			winSaid{action: "powershell", category: "process", types: "info", user: `BO\kari`}},
		"Sysmon 1": {plainOf(winXMLOf(winSysmon, winSysmon+"/Operational", "1", false, "ProcessGuid", "{1}", "ProcessId", "16", "Image", `C:\x\cmd.exe`, "CommandLine", "cmd", "User", `BO\kari`, "ParentImage", `C:\e.exe`, "Hashes", "MD5=AB,SHA256=CD")), "windows-sysmon",
			winSaid{action: "created-process", category: "process", types: "start", user: `BO\kari`, process: "cmd.exe"}},
		"Sysmon 3": {plainOf(winXMLOf(winSysmon, winSysmon+"/Operational", "3", false, "Image", `C:\x\cmd.exe`, "User", `BO\kari`, "Protocol", "tcp", "Initiated", "true", "SourceIp", "192.0.2.7", "SourcePort", "1", "DestinationIp", "10.0.0.1", "DestinationPort", "445")), "windows-sysmon",
			winSaid{action: actionConnectionOpened, category: "network", types: "start,connection,protocol", user: `BO\kari`, process: "cmd.exe", source: "192.0.2.7"}},
		"Sysmon, one without a row": {plainOf(winXMLOf(winSysmon, winSysmon+"/Operational", "99", false, "Image", `C:\x\cmd.exe`)), "windows-sysmon", winSaid{process: "cmd.exe"}},
		"any other":                 {plainOf(winXMLOf("Someone", "Application", "99", false, "a", "b")), "windows", winSaid{}},
	} {
		ev := one(t, c.line)
		require.Equal(t, c.want, saidOf(ev), name)
		require.Equal(t, c.dataset, ev.Event.Dataset, name)
		require.NotEmpty(t, ev.Message, name)
		require.NotEmpty(t, ev.Event.Code, name)
	}
}

func TestRealmsOfWindowsAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user, domain string
		account      ecs.Account
		name, realm  string
	}{
		"NetBIOS":                  {"Kari", "BØ", ecs.Account{Realm: "bø", Name: "kari"}, "Kari", "BØ"},
		"DNS":                      {"Kari", "bo.example.", ecs.Account{Realm: "bo.example", Name: "kari"}, "Kari", "bo.example."},
		"user@REALM":               {"Kari@BO.EXAMPLE", "BO.EXAMPLE", ecs.Account{Realm: "bo.example", Name: "kari"}, "Kari", "BO.EXAMPLE"},
		"user@realm of a computer": {"kari@bo.example", "FIL01", ecs.Account{Realm: "bo.example", Name: "kari"}, "kari", "FIL01"},
		"user@realm alone":         {"kari@bo.example", "-", ecs.Account{Realm: "bo.example", Name: "kari"}, "kari", "bo.example"},
		"domain in the name":       {`BO\kari`, "", ecs.Account{Realm: "bo", Name: "kari"}, "kari", "BO"},
		"this computer":            {"kari", ".", ecs.Account{Realm: "fil01", Name: "kari"}, "kari", "."},
		"a machine":                {"PC-0117$", "BO", ecs.Account{Realm: "bo", Name: "pc-0117$"}, "PC-0117$", "BO"},
		"no domain":                {"kari", "-", ecs.Account{Name: "kari"}, "kari", ""},
	} {
		ev := one(t, winXML("4624", false, logonFields("TargetUserName", c.user, "TargetDomainName", c.domain)...))
		require.Equal(t, &c.account, ev.Varde.Account, name)
		require.Equal(t, c.name, ev.User.Name, name)
		require.Equal(t, c.realm, ev.User.Domain, name)
	}
}

// Whatever the text: no panic, and of Windows' events JSON that can be read again.
func FuzzWindows(f *testing.F) {
	for _, line := range failedLogon {
		f.Add(line)
	}
	f.Add(winXML("6273", true, grouping(`CN=a\,b,DC=c`)...))
	f.Fuzz(func(t *testing.T, line string) {
		s, err := NewStream(Options{Format: "windows"})
		require.NoError(t, err)
		ev, err := s.Parse([]byte(line), reference)
		if err != nil {
			var broken *Error
			require.ErrorAs(t, err, &broken)
			return
		}
		body, err := json.Marshal(ev)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(body, &ecs.Event{}))
		if ev.Varde.Attempt {
			require.Contains(t, []string{ecs.OutcomeSuccess, ecs.OutcomeFailure}, ev.Event.Outcome)
		}
	})
}
