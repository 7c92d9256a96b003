package parse

import (
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// windowsJSON reads Windows events in JSON: Winlogbeat 6 to 8, NXLog and other
// flat exports, Get-WinEvent, the tools that dump .evtx files, Velociraptor, and
// Wazuh. What a shipper concluded is not taken over; the event's own fields are.
var windowsJSON = jsonKind{
	name: "windows-json", module: "windows",
	knows: func(o object) bool { return winShapeOf(o) != nil },
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		shape := winShapeOf(o)
		if shape == nil {
			return &Error{ReasonFormat, "the object is no Windows event"}
		}
		ev.Message = ""
		w := s.winEvent()
		shape(w, o)
		return s.windows(w, now, ev)
	},
}

type winShape func(w *winEvent, o object)

// winShapeOf tells the shapes apart by names that only Windows events have.
func winShapeOf(o object) winShape {
	switch {
	case o.obj("winlog").ok():
		return (*winEvent).beat
	case o.obj("Event", "System").ok():
		return func(w *winEvent, o object) { w.dumped(o.obj("Event")) }
	case o.obj("System").ok() && (o.has("System", "EventID") || o.has("System", "EventRecordID")):
		return (*winEvent).dumped
	case o.obj("win", "system").ok():
		return func(w *winEvent, o object) { w.wazuh(o.obj("win")) }
	case o.obj("data", "win", "system").ok():
		return func(w *winEvent, o object) { w.wazuh(o.obj("data", "win")) }
	case winFlat(o):
		return (*winEvent).flat
	}
	return nil
}

// winFlat says whether an object without structure is a Windows event: a number
// of an event, and the log or the provider that it is of.
func winFlat(o object) bool {
	code := o.first("EventID", "EventId", "event_id", "Id")
	if digits, _, _ := strings.Cut(code, "."); digits == "" || !allDigits(digits) {
		return false
	}
	for _, name := range []string{"Channel", "LogName", "log_name", "ProviderName", "ProviderGuid", "EventSourceName", "source_name"} {
		if o.has(name) {
			return true
		}
	}
	return o.has("SourceName") && (o.has("RecordNumber") || o.has("EventType") || o.has("Hostname"))
}

// fields gathers the members of an object. The texts of an array stand one
// after the other; what has a structure of its own stays JSON.
func winFields(o object, each func(name, value string)) {
	if !o.ok() {
		return
	}
	in, _ := o.v.Object()
	in.Visit(func(key []byte, v *fastjson.Value) {
		switch v.Type() {
		case fastjson.TypeNull:
		case fastjson.TypeArray:
			var parts []string
			for _, item := range v.GetArray() {
				parts = append(parts, firstOf(textOf(item), jsonOf(item)))
			}
			each(string(key), strings.Join(parts, " "))
		case fastjson.TypeObject:
			if t := v.Get("#text"); t != nil {
				each(string(key), textOf(t))
				return
			}
			each(string(key), jsonOf(v))
		default:
			each(winName(key), textOf(v))
		}
	})
}

// winName is the name of a field; those that most events have are kept once.
func winName(key []byte) string {
	if name, ok := winNames[string(key)]; ok {
		return name
	}
	return string(key)
}

var winNames = winNamesOnce()

func winNamesOnce() map[string]string {
	names := map[string]string{}
	for _, list := range winProperties {
		for _, name := range list {
			names[name] = name
		}
	}
	for name := range winFlatNames {
		names[name] = name
	}
	for name := range winShipperNames {
		names[name] = name
	}
	return names
}

func jsonOf(v *fastjson.Value) string {
	if t := v.Type(); t != fastjson.TypeObject && t != fastjson.TypeArray {
		return ""
	}
	return readable(string(v.MarshalTo(nil)))
}

func (w *winEvent) add(list *[]winField, o object) {
	winFields(o, func(name, value string) { *list = append(*list, winField{name, value}) })
}

// beat is Winlogbeat 7 and 8, also after Elastic's own module has moved fields
// of the event to their places in ECS.
func (w *winEvent) beat(o object) {
	l := o.obj("winlog")
	w.code = firstOf(l.str("event_id"), o.str("event", "code"))
	w.provider = firstOf(l.str("provider_name"), o.str("event", "provider"))
	w.guid, w.channel, w.record = l.str("provider_guid"), l.str("channel"), l.str("record_id")
	w.computer = firstOf(l.str("computer_name"), o.str("host", "name"), o.str("host", "hostname"))
	w.version, w.task, w.opcode = l.str("version"), l.str("task"), l.str("opcode")
	w.keywordNames = l.texts("keywords")
	if k := l.str("keywords"); k != "" {
		w.keywords = k
	}
	w.levelName = firstOf(o.str("log", "level"), l.str("level"))
	w.activity, w.related = l.str("activity_id"), l.str("related_activity_id")
	w.pid, w.thread = l.str("process", "pid"), l.str("process", "thread", "id")
	w.sid, w.userName = l.str("user", "identifier"), l.str("user", "name")
	w.userDomain, w.kind = l.str("user", "domain"), l.str("user", "type")
	w.message, w.outcome = o.str("message"), o.str("event", "outcome")
	w.time = firstOf(o.str("@timestamp"), l.str("time_created"), o.str("event", "created"))
	w.add(&w.data, l.obj("event_data"))
	w.add(&w.user, l.obj("user_data"))
	w.moved(o)
}

// moved finds what Elastic's module took out of the event's fields.
func (w *winEvent) moved(o object) {
	put := func(name string, path ...string) {
		if v := o.str(path...); v != "" {
			w.extra = append(w.extra, winField{name, v})
		}
	}
	if kind := o.str("winlog", "logon", "type"); kind != "" {
		for number, word := range winLogonTypes {
			if word == kind {
				w.extra = append(w.extra, winField{"LogonType", number})
			}
		}
	}
	if w.provider == winSysmon {
		w.movedSysmon(o, put)
		return
	}
	put("IpAddress", "source", "ip")
	put("IpPort", "source", "port")
	put("WorkstationName", "source", "domain")
	if w.code == "4688" {
		put("NewProcessName", "process", "executable")
		put("NewProcessId", "process", "pid")
		put("CommandLine", "process", "command_line")
		put("ParentProcessName", "process", "parent", "executable")
		put("ProcessId", "process", "parent", "pid")
		return
	}
	put("ProcessName", "process", "executable")
	put("ProcessId", "process", "pid")
}

func (w *winEvent) movedSysmon(o object, put func(name string, path ...string)) {
	put("Image", "process", "executable")
	put("ProcessId", "process", "pid")
	put("ProcessGuid", "process", "entity_id")
	put("CommandLine", "process", "command_line")
	put("CurrentDirectory", "process", "working_directory")
	put("ParentImage", "process", "parent", "executable")
	put("ParentProcessId", "process", "parent", "pid")
	put("ParentProcessGuid", "process", "parent", "entity_id")
	put("ParentCommandLine", "process", "parent", "command_line")
	put("SourceIp", "source", "ip")
	put("SourcePort", "source", "port")
	put("SourceHostname", "source", "domain")
	put("DestinationIp", "destination", "ip")
	put("DestinationPort", "destination", "port")
	put("DestinationHostname", "destination", "domain")
	put("Protocol", "network", "transport")
	put("TargetFilename", "file", "path")
	if name := o.str("user", "name"); name != "" {
		if domain := o.str("user", "domain"); domain != "" {
			name = domain + `\` + name
		}
		w.extra = append(w.extra, winField{"User", name})
	}
}

// dumped is the event's XML as JSON. Attributes stand under #attributes, under
// NAME_attributes beside their element, with an @ before their names, or as if
// they were elements.
func (w *winEvent) dumped(o object) {
	sys := o.obj("System")
	attr := func(element, name string) string {
		if in := sys.obj(element); in.ok() {
			if v := firstOf(in.str("#attributes", name), in.str(name)); v != "" {
				return v
			}
			if v := in.str("@" + name); v != "" {
				return v
			}
		}
		return sys.str(element+"_attributes", name)
	}
	text := func(element string) string {
		return firstOf(sys.str(element), sys.str(element, "#text"), sys.str(element, "Value"), sys.str(element, "text"))
	}
	w.code = text("EventID")
	w.provider = firstOf(attr("Provider", "Name"), sys.str("Provider"))
	w.guid, w.version, w.level = attr("Provider", "Guid"), text("Version"), text("Level")
	w.task, w.opcode, w.keywords = text("Task"), text("Opcode"), text("Keywords")
	w.time = firstOf(attr("TimeCreated", "SystemTime"), sys.str("TimeCreated"))
	w.record, w.channel, w.computer = text("EventRecordID"), text("Channel"), text("Computer")
	w.activity, w.related = attr("Correlation", "ActivityID"), attr("Correlation", "RelatedActivityID")
	w.pid, w.thread = attr("Execution", "ProcessID"), attr("Execution", "ThreadID")
	w.sid = attr("Security", "UserID")
	w.message = firstOf(o.str("Message"), o.str("RenderingInfo", "Message"))
	w.dumpedData(o.at("EventData"))
	user := o.obj("UserData")
	winFields(user, func(name, value string) {
		if inner := user.obj(name); inner.ok() {
			w.add(&w.user, inner)
			return
		}
		w.user = append(w.user, winField{name, value})
	})
	w.user = withoutAttributes(w.user)
}

func withoutAttributes(fields []winField) []winField {
	kept := fields[:0]
	for _, f := range fields {
		if !strings.HasPrefix(f.name, "#") && !strings.HasPrefix(f.name, "@") && !strings.HasSuffix(f.name, "_attributes") {
			kept = append(kept, f)
		}
	}
	return kept
}

// dumpedData reads EventData: an object of names, or Data elements in a list
// with their names as attributes, or without names at all.
func (w *winEvent) dumpedData(v *fastjson.Value) {
	o := object{v}
	if !o.ok() {
		return
	}
	data := o.at("Data")
	if data == nil {
		w.add(&w.data, o)
		w.data = withoutAttributes(w.data)
		return
	}
	items := []*fastjson.Value{data}
	if data.Type() == fastjson.TypeArray {
		items = data.GetArray()
	} else if list := data.Get("#text"); list != nil && list.Type() == fastjson.TypeArray {
		items = list.GetArray()
	}
	unnamed := 0
	for _, item := range items {
		in := object{item}
		if !in.ok() {
			unnamed++
			w.data = append(w.data, winField{"param" + strconv.Itoa(unnamed), textOf(item)})
			continue
		}
		name := firstOf(in.str("@Name"), in.str("#attributes", "Name"), in.str("Name"))
		if name == "" {
			unnamed++
			name = "param" + strconv.Itoa(unnamed)
		}
		w.data = append(w.data, winField{name, firstOf(in.str("#text"), in.str("text"), in.str("Value"))})
	}
	winFields(o, func(name, value string) {
		if name != "Data" {
			w.data = append(w.data, winField{name, value})
		}
	})
	w.data = withoutAttributes(w.data)
}

// wazuh is the agent's form: names begin with a small letter.
func (w *winEvent) wazuh(o object) {
	sys := o.obj("system")
	w.code, w.provider, w.guid = sys.str("eventID"), sys.str("providerName"), sys.str("providerGuid")
	w.version, w.level, w.task, w.opcode = sys.str("version"), sys.str("level"), sys.str("task"), sys.str("opcode")
	w.keywords, w.time, w.record = sys.str("keywords"), sys.str("systemTime"), sys.str("eventRecordID")
	w.channel, w.computer = sys.str("channel"), sys.str("computer")
	w.pid, w.thread = sys.str("processID"), sys.str("threadID")
	w.message, w.outcome = strings.Trim(sys.str("message"), `"`), sys.str("severityValue")
	capital := func(name, value string) {
		if name != "" && name[0] >= 'a' && name[0] <= 'z' {
			name = string(name[0]-'a'+'A') + name[1:]
		}
		w.data = append(w.data, winField{name, value})
	}
	winFields(o.obj("eventdata"), capital)
	for _, part := range []object{o.obj("userData"), o.obj("logFileCleared")} {
		winFields(part, capital)
	}
}

// flat is NXLog, Get-WinEvent, Log Analytics, Winlogbeat 6 and the like: every
// member that is not of the system is a field of the event.
func (w *winEvent) flat(o object) {
	winFields(o, func(name, value string) {
		if set := winFlatNames[name]; set != nil {
			set(w, value)
			return
		}
		if !winShipperNames[name] {
			w.data = append(w.data, winField{name, value})
		}
	})
	if digits, _, ok := strings.Cut(w.code, "."); ok {
		w.code = digits
	}
	w.keywordNames = o.texts("KeywordsDisplayNames")
	if list := o.texts("keywords"); list != nil {
		w.keywords, w.keywordNames = "", list
	}
	for _, part := range []string{"event_data", "EventData"} {
		if in := o.inner(part); in.ok() {
			w.data = w.data[:0]
			w.add(&w.data, in)
		}
	}
	if o.has("LogName") && o.has("ProviderName") { // Get-WinEvent: what is left are properties of its own
		w.pid, w.data = o.str("ProcessId"), w.data[:0]
		var names []string
		if w.provider == winSecurity {
			names = winProperties[w.code]
		}
		for i, v := range o.list("Properties") {
			name := "param" + strconv.Itoa(i+1)
			if i < len(names) {
				name = names[i]
			}
			w.data = append(w.data, winField{name, firstOf(v.str("Value"), v.str("Value", "Value"))})
		}
	}
	if in := o.obj("user_data"); in.ok() {
		w.add(&w.user, in)
	}
	if in := o.obj("user"); in.ok() {
		w.sid, w.userName, w.userDomain, w.kind = in.str("identifier"), in.str("name"), in.str("domain"), in.str("type")
	}
	if in := o.obj("UserId"); in.ok() {
		w.sid = in.str("Value")
	}
	w.whenFlat(o)
}

// winProperties are the names of the fields in their order, for Get-WinEvent,
// which leaves the names out.
var winProperties = map[string][]string{
	"4624": strings.Fields("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId TargetUserSid TargetUserName TargetDomainName TargetLogonId " +
		"LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName " +
		"IpAddress IpPort ImpersonationLevel RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken"),
	"4625": strings.Fields("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId TargetUserSid TargetUserName TargetDomainName Status FailureReason " +
		"SubStatus LogonType LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort"),
	"4634": strings.Fields("TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType"),
	"4648": strings.Fields("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId LogonGuid TargetUserName TargetDomainName TargetLogonGuid " +
		"TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort"),
	"4740": strings.Fields("TargetUserName TargetDomainName TargetSid SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"),
	"4768": strings.Fields("TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort " +
		"CertIssuerName CertSerialNumber CertThumbprint"),
	"4771": strings.Fields("TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint"),
	"4776": strings.Fields("PackageName TargetUserName Workstation Status"),
}

// whenFlat chooses among the times of a flat export: the event's, not the shipper's.
func (w *winEvent) whenFlat(o object) {
	w.near = o.str("@timestamp")
	for _, name := range []string{"TimeCreated", "EventTimeUTC", "EventTime", "TimeGenerated", "SystemTime", "UtcTime"} {
		v := o.str(name)
		if v == "" {
			continue
		}
		if ms, ok := strings.CutPrefix(v, "/Date("); ok { // of ConvertTo-Json
			if end := strings.IndexAny(ms, "+-)"); end > 0 {
				w.time = ms[:end]
				return
			}
		}
		if _, ok := instantOf(v); ok && (allDigits(v) || winZoned(v) || name == "EventTimeUTC" || name == "UtcTime") {
			w.time = v
			return
		}
		if _, _, found, err := readStamp(v); found && err == nil {
			w.local = v
			return
		}
		if w.near == "" {
			w.time = v // cannot be read, and nothing stands in its place
		}
	}
}

// winZoned says whether a time says its zone.
func winZoned(v string) bool {
	st, _, found, err := readStamp(v)
	return found && err == nil && !st.full.IsZero()
}

// winFlatNames are the members of flat exports that are not the event's own fields.
var winFlatNames = map[string]func(w *winEvent, v string){
	"EventID": setCode, "EventId": setCode, "event_id": setCode, "Id": setCode,
	"SourceName": setProvider, "ProviderName": setProvider, "EventSourceName": setProvider, "source_name": setProvider,
	"ProviderGuid": setGUID, "provider_guid": setGUID, "ProviderId": setGUID,
	"Channel": setChannel, "LogName": setChannel, "log_name": setChannel,
	"Hostname": setComputer, "MachineName": setComputer, "Computer": setComputer, "computer_name": setComputer, "ComputerName": setComputer,
	"RecordNumber": setRecord, "record_number": setRecord, "RecordId": setRecord, "EventRecordID": setRecord, "EventRecordId": setRecord,
	"Version": func(w *winEvent, v string) { w.version = v }, "version": func(w *winEvent, v string) { w.version = v },
	"Task": func(w *winEvent, v string) { w.task = v }, "task": func(w *winEvent, v string) { w.taskName = v },
	"Category": func(w *winEvent, v string) { w.taskName = v }, "TaskDisplayName": func(w *winEvent, v string) { w.taskName = v },
	"OpcodeValue": func(w *winEvent, v string) { w.opcode = v }, "Opcode": func(w *winEvent, v string) { w.opcodeName = v },
	"opcode": func(w *winEvent, v string) { w.opcodeName = v }, "OpcodeDisplayName": func(w *winEvent, v string) { w.opcodeName = v },
	"Keywords": func(w *winEvent, v string) { w.keywords = v },
	"Level":    func(w *winEvent, v string) { w.level = v }, "level": func(w *winEvent, v string) { w.levelName = v },
	"LevelDisplayName": func(w *winEvent, v string) { w.levelName = v }, "Severity": func(w *winEvent, v string) { w.levelName = v },
	"EventType": func(w *winEvent, v string) { w.outcome = v },
	"Message":   setMessage, "message": setMessage,
	"ThreadID": setThread, "ThreadId": setThread, "thread_id": setThread, "ExecutionThreadID": setThread,
	"ProcessID": setPID, "process_id": setPID, "ExecutionProcessID": setPID,
	"ActivityID": setActivity, "ActivityId": setActivity, "activity_id": setActivity,
	"RelatedActivityID": setRelated, "RelatedActivityId": setRelated, "related_activity_id": setRelated,
	"UserID": setSID, "AccountName": setAccountName, "Domain": func(w *winEvent, v string) { w.userDomain = v },
	"AccountType": func(w *winEvent, v string) { w.kind = v },
}

func setCode(w *winEvent, v string)     { w.code = firstOf(w.code, v) }
func setProvider(w *winEvent, v string) { w.provider = firstOf(w.provider, v) }
func setGUID(w *winEvent, v string)     { w.guid = v }
func setChannel(w *winEvent, v string)  { w.channel = v }
func setComputer(w *winEvent, v string) { w.computer = firstOf(w.computer, v) }
func setRecord(w *winEvent, v string)   { w.record = v }
func setMessage(w *winEvent, v string)  { w.message = v }
func setThread(w *winEvent, v string)   { w.thread = v }
func setPID(w *winEvent, v string)      { w.pid = v }
func setActivity(w *winEvent, v string) { w.activity = v }
func setRelated(w *winEvent, v string)  { w.related = v }
func setSID(w *winEvent, v string)      { w.sid = v }

// setAccountName: NXLog names the writer of the event so, but 4778 and 7045
// have a field of their own with that name.
func setAccountName(w *winEvent, v string) {
	w.userName = v
	w.data = append(w.data, winField{"AccountName", v})
}

// winShipperNames are what shippers add: not of the event, and in the original.
var winShipperNames = map[string]bool{
	"@timestamp": true, "@version": true, "host": true, "port": true, "tags": true, "type": true, "EventTime": true, "EventTimeUTC": true,
	"EventReceivedTime": true, "SourceModuleName": true, "SourceModuleType": true, "SeverityValue": true, "TimeCreated": true,
	"TimeGenerated": true, "beat": true, "agent": true, "ecs": true, "input": true, "event_data": true, "EventData": true, "user_data": true,
	"user": true, "UserId": true, "keywords": true, "KeywordsDisplayNames": true, "Properties": true, "Bookmark": true, "MatchedQueryIds": true,
	"ContainerLog": true, "Qualifiers": true, "RelatedActivityId": true, "LogonTypeName": true, "_index": true, "_id": true, "_type": true,
	"TenantId": true, "SourceSystem": true, "MG": true, "ManagementGroupName": true, "SourceComputerId": true, "EventOriginId": true, "Type": true,
	"ERROR_EVT_UNRESOLVED": true, "path": true,
}
