package parse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// failedLogon is one 4625 in the shapes in which it can come. Every one must
// give the same event.
var failedLogon = map[string]string{
	"XML": winXML("4625", true, logonFields("Status", "0xc000006d", "SubStatus", "0xc000006a", "FailureReason", "%%2313")...),
	"forwarded XML": `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Security-Auditing"/>
<EventID>4625</EventID><Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime="2026-11-22T10:00:00.123456700Z"/><EventRecordID>4711</EventRecordID>
<Channel>Security</Channel><Computer>FIL01.bjorkvag.local</Computer></System><!-- a comment --><EventData><Data Name="TargetUserSid">S-1-5-21-1-2-3-1105</Data>
<Data Name="TargetUserName"><![CDATA[Kari]]></Data><Data Name="TargetDomainName">BJ&#216;RKV&#xC5;G</Data><Data Name="Status">0xc000006d</Data><Data Name="SubStatus">0xc000006a</Data>
<Data Name="LogonType">3</Data><Data Name="WorkstationName">PC-0117</Data><Data Name="IpAddress">192.0.2.7</Data><Data Name="IpPort">50611</Data></EventData>
<RenderingInfo Culture="nb-NO"><Message>Pålogging mislyktes.</Message><Level>Informasjon</Level><Task>Pålogging</Task><Keywords><Keyword>Mislykket overvåking</Keyword></Keywords></RenderingInfo></Event>`,
	"Winlogbeat 8": `{"@timestamp":"2026-11-22T10:00:00.1234567Z","event":{"code":"4625","kind":"event","provider":"Microsoft-Windows-Security-Auditing","action":"Logon","outcome":"failure"},
"host":{"name":"FIL01.bjorkvag.local"},"log":{"level":"information"},"message":"An account failed to log on.","winlog":{"channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing",
"provider_guid":"{54849625-5478-4994-A5BA-3E3B0328C30D}","event_id":"4625","record_id":4711,"computer_name":"FIL01.bjorkvag.local","keywords":["Audit Failure"],"opcode":"Info","task":"Logon",
"process":{"pid":712,"thread":{"id":99}},"api":"wineventlog","event_data":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":"3",
"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611"}}}`,
	"Winlogbeat 7 after its module": `{"@timestamp":"2026-11-22T10:00:00.1234567Z","event":{"code":4625,"provider":"Microsoft-Windows-Security-Auditing","action":"logon-failed","outcome":"failure","module":"security"},
"source":{"ip":"192.0.2.7","port":50611,"domain":"PC-0117"},"user":{"name":"Kari","domain":"BJØRKVÅG","id":"S-1-5-21-1-2-3-1105"},
"winlog":{"channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","event_id":4625,"record_id":4711,"computer_name":"FIL01.bjorkvag.local","keywords":["Audit Failure"],
"logon":{"type":"Network"},"event_data":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","Status":"0xc000006d","SubStatus":"0xc000006a"}}}`,
	"Winlogbeat 6": `{"@timestamp":"2026-11-22T10:00:00.1234567Z","event_id":4625,"log_name":"Security","source_name":"Microsoft-Windows-Security-Auditing","computer_name":"FIL01.bjorkvag.local",
"record_number":"4711","keywords":["Audit Failure"],"level":"Information","message":"x","beat":{"name":"b"},"event_data":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari",
"TargetDomainName":"BJØRKVÅG","LogonType":"3","Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611"}}`,
	"NXLog with the shipper's time": `{"EventTime":"2026-11-22 11:00:00","@timestamp":"2026-11-22T10:00:00.123Z","Hostname":"FIL01.bjorkvag.local","Keywords":-9218868437227405312,"EventType":"AUDIT_FAILURE","SeverityValue":4,"Severity":"ERROR",
"EventID":4625,"SourceName":"Microsoft-Windows-Security-Auditing","Version":0,"Task":12544,"OpcodeValue":0,"RecordNumber":4711,"ProcessID":712,"ThreadID":99,"Channel":"Security","Message":"m",
"Category":"Logon","TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":"3","Status":"0xc000006d","SubStatus":"0xc000006a",
"WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611","EventReceivedTime":"2026-11-22 11:00:02","SourceModuleName":"in","SourceModuleType":"im_msvistalog"}`,
	"NXLog with a zone": `{"EventTime":"2026-11-22T11:00:00.123456+01:00","Hostname":"FIL01.bjorkvag.local","Keywords":"9227875636482146304","EventType":"AUDIT_FAILURE","EventID":4625,
"SourceName":"Microsoft-Windows-Security-Auditing","RecordNumber":4711,"ExecutionProcessID":712,"Channel":"Security","TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG",
"LogonType":3,"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117","IpAddress":"::ffff:192.0.2.7","IpPort":50611}`,
	"evtx_dump": `{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing","Guid":"54849625-5478-4994-A5BA-3E3B0328C30D"}},"EventID":4625,
"Keywords":"0x8010000000000000","TimeCreated":{"#attributes":{"SystemTime":"2026-11-22T10:00:00.123456Z"}},"EventRecordID":4711,"Channel":"Security","Computer":"FIL01.bjorkvag.local","Security":null},
"EventData":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":3,"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117",
"IpAddress":"192.0.2.7","IpPort":"50611"}}}`,
	"evtx_dump with attributes apart": `{"Event":{"System":{"Provider_attributes":{"Name":"Microsoft-Windows-Security-Auditing"},"EventID":4625,"EventID_attributes":{"Qualifiers":0},"Keywords":"0x8010000000000000",
"TimeCreated_attributes":{"SystemTime":"2026-11-22T10:00:00.123456Z"},"EventRecordID":4711,"Channel":"Security","Computer":"FIL01.bjorkvag.local"},
"EventData":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":3,"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117",
"IpAddress":"192.0.2.7","IpPort":"50611"}}}`,
	"XML turned into JSON": `{"Event":{"@xmlns":"x","System":{"Provider":{"@Name":"Microsoft-Windows-Security-Auditing"},"EventID":{"@Qualifiers":"","#text":"4625"},"Keywords":"0x8010000000000000",
"TimeCreated":{"@SystemTime":"2026-11-22 10:00:00.123456"},"EventRecordID":"4711","Channel":"Security","Computer":"FIL01.bjorkvag.local"},"EventData":{"Data":[
{"@Name":"TargetUserSid","#text":"S-1-5-21-1-2-3-1105"},{"@Name":"TargetUserName","#text":"Kari"},{"@Name":"TargetDomainName","#text":"BJØRKVÅG"},{"@Name":"LogonType","#text":"3"},
{"@Name":"Status","#text":"0xc000006d"},{"@Name":"SubStatus","#text":"0xc000006a"},{"@Name":"WorkstationName","#text":"PC-0117"},{"@Name":"IpAddress","#text":"192.0.2.7"},{"@Name":"IpPort","#text":"50611"}]}}}`,
	"attributes as elements": `{"Event":{"System":{"Provider":{"Name":"Microsoft-Windows-Security-Auditing"},"EventID":"4625","Keywords":"0x8010000000000000","TimeCreated":{"SystemTime":"2026-11-22T10:00:00.123456Z"},
"EventRecordID":"4711","Channel":"Security","Computer":"FIL01.bjorkvag.local"},"EventData":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":"3",
"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611"}}}`,
	"Get-WinEvent": `{"Id":4625,"Version":0,"Level":0,"Task":12544,"Opcode":0,"Keywords":-9218868437227405312,"RecordId":4711,"ProviderName":"Microsoft-Windows-Security-Auditing","LogName":"Security","ProcessId":712,"ThreadId":99,
"MachineName":"FIL01.bjorkvag.local","UserId":null,"TimeCreated":"/Date(1795341600123)/","Message":"An account failed to log on.","KeywordsDisplayNames":["Audit Failure"],"Properties":[{"Value":{"BinaryLength":12,"Value":"S-1-0-0"}},
{"Value":"-"},{"Value":"-"},{"Value":0},{"Value":{"Value":"S-1-5-21-1-2-3-1105"}},{"Value":"Kari"},{"Value":"BJØRKVÅG"},{"Value":-1073741715},{"Value":"%%2313"},{"Value":-1073741718},{"Value":3},{"Value":"NtLmSsp "},
{"Value":"NTLM"},{"Value":"PC-0117"},{"Value":"-"},{"Value":"-"},{"Value":0},{"Value":0},{"Value":"-"},{"Value":"192.0.2.7"},{"Value":"50611"}]}`,
	"Velociraptor": `{"System":{"Provider":{"Name":"Microsoft-Windows-Security-Auditing"},"EventID":{"Value":4625},"Keywords":9227875636482146304,"TimeCreated":{"SystemTime":1795341600.123},"EventRecordID":4711,
"Channel":"Security","Computer":"FIL01.bjorkvag.local"},"EventData":{"TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":3,"Status":3221225581,"SubStatus":3221225578,
"WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611"},"Message":"m"}`,
	"Wazuh": `{"win":{"system":{"providerName":"Microsoft-Windows-Security-Auditing","eventID":"4625","keywords":"0x8010000000000000","systemTime":"2026-11-22T10:00:00.1234567Z","eventRecordID":"4711","channel":"Security",
"computer":"FIL01.bjorkvag.local","severityValue":"AUDIT_FAILURE","message":"\"An account failed to log on.\""},"eventdata":{"targetUserSid":"S-1-5-21-1-2-3-1105","targetUserName":"Kari","targetDomainName":"BJØRKVÅG",
"logonType":"3","status":"0xc000006d","subStatus":"0xc000006a","workstationName":"PC-0117","ipAddress":"192.0.2.7","ipPort":"50611"}}}`,
	"Log Analytics": `{"TimeGenerated":"2026-11-22T10:00:00.123Z","Computer":"FIL01.bjorkvag.local","EventSourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","Task":12544,"Level":"16","EventID":4625,
"Activity":"4625 - An account failed to log on.","EventRecordId":"4711","TargetUserSid":"S-1-5-21-1-2-3-1105","TargetUserName":"Kari","TargetDomainName":"BJØRKVÅG","LogonType":3,"LogonTypeName":"3 - Network",
"Status":"0xc000006d","SubStatus":"0xc000006a","WorkstationName":"PC-0117","IpAddress":"192.0.2.7","IpPort":"50611","Type":"SecurityEvent"}`,
}

func TestAnEventIsTheSameInEveryShape(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, line := range failedLogon {
		ev := one(t, line)
		require.Equal(t, "4625", ev.Event.Code, name)
		require.Equal(t, "windows-security", ev.Event.Dataset, name)
		require.Equal(t, winSecurity, ev.Event.Provider, name)
		require.Equal(t, ecs.ActionLogin, ev.Event.Action, name)
		require.Equal(t, []string{"authentication"}, ev.Event.Category, name)
		require.Equal(t, []string{"start"}, ev.Event.Type, name)
		require.Equal(t, ecs.OutcomeFailure, ev.Event.Outcome, name)
		require.Equal(t, "incorrect-password", ev.Event.Reason, name)
		require.True(t, ev.Varde.Attempt, name)
		require.Equal(t, "password", ev.Varde.Method, name)
		require.Equal(t, &ecs.Account{Realm: "bjørkvåg", Name: "kari"}, ev.Varde.Account, name)
		require.Equal(t, &ecs.User{Name: "Kari", Domain: "BJØRKVÅG", ID: "S-1-5-21-1-2-3-1105"}, ev.User, name)
		require.Equal(t, &ecs.Endpoint{IP: "192.0.2.7", Port: 50611, Domain: "PC-0117"}, ev.Source, name)
		require.Equal(t, "PC-0117", ev.Varde.Station, name)
		require.Equal(t, "FIL01.bjorkvag.local", ev.Host.Name, name)
		require.Less(t, ev.Timestamp.Sub(at).Abs(), time.Second, name)
		require.Equal(t, "4711", ev.Winlog.RecordID, name)
		require.Equal(t, "Security", ev.Winlog.Channel, name)
		require.Equal(t, "Network", ev.Winlog.Logon.Type, name)
		require.Equal(t, "User name is correct but the password is wrong", ev.Winlog.Logon.Failure.SubStatus, name)
		require.NotEmpty(t, ev.Message, name)
		require.NotEmpty(t, ev.Winlog.EventData, name)
		require.Contains(t, ev.Related.User, "Kari", name)
		require.Contains(t, ev.Related.IP, "192.0.2.7", name)
	}
}

func TestWhatLooksLikeAWindowsLogonIsNone(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"4625 of another provider":      winXMLOf("EventSystem", "Application", "4625", false, "param1", "86400"),
		"4624 of an application":        winXMLOf("Someone", "Application", "4624", false, logonFields()...),
		"4625 of another, in JSON":      `{"EventID":4625,"SourceName":"EventSystem","Channel":"Application","TargetUserName":"kari","LogonType":3}`,
		"4625 of another, Winlogbeat":   `{"winlog":{"event_id":"4625","provider_name":"EventSystem","channel":"Application","event_data":{"TargetUserName":"kari"}}}`,
		"the name of a field in a text": `{"app":"x","text":"{\"winlog\":{\"event_id\":4624}}"}`,
		"an account that was built in":  winXML("4624", false, logonFields("TargetUserSid", "S-1-5-7")...),
	} {
		require.False(t, one(t, line).Varde.Attempt, name)
	}
	// What a user writes cannot end the field that it stands in.
	ev := one(t, winXML("4625", true, logonFields("TargetUserName", `x</Data><Data Name='IpAddress'>10.9.9.9`, "IpAddress", "192.0.2.7")...))
	require.Equal(t, "192.0.2.7", ev.Source.IP)
	require.Equal(t, `x</Data><Data Name='IpAddress'>10.9.9.9`, ev.User.Name)
	// A second field of a name changes nothing.
	ev = one(t, winXML("4625", true, append(logonFields(), "IpAddress", "10.9.9.9")...))
	require.Equal(t, "192.0.2.7", ev.Source.IP)
	require.Equal(t, "::ffff:192.0.2.7", ev.Winlog.EventData["IpAddress"])
}

func TestTheTimeOfAFlatExport(t *testing.T) {
	t.Parallel()
	const head = `{"EventID":4634,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing",`
	for members, want := range map[string]string{
		`"EventTime":"2026-11-22 10:00:00"`:                                                  "2026-11-22T09:00:00Z", // of the source's zone
		`"EventTime":"2026-07-22 10:00:00"`:                                                  "2026-07-22T08:00:00Z",
		`"EventTime":"2026-11-22 10:00:00","@timestamp":"2026-11-22T18:00:02.5Z"`:            "2026-11-22T18:00:00Z", // eight hours behind
		`"EventTime":"2026-11-22 10:00:00","@timestamp":"2026-11-25T18:07:09Z"`:              "2026-11-22T09:00:00Z", // shipped days later
		`"EventTime":"2026-11-22T10:00:00.123456-05:00","@timestamp":"2026-11-25T18:07:09Z"`: "2026-11-22T15:00:00.123456Z",
		`"@timestamp":"2026-11-22T18:00:02.5Z"`:                                              "2026-11-22T18:00:02.5Z",
		`"TimeCreated":"/Date(1795341600123)/"`:                                              "2026-11-22T10:00:00.123Z",
		`"TimeCreated":"2026-11-22T10:00:00.1234567Z","@timestamp":"2026-11-25T18:07:09Z"`:   "2026-11-22T10:00:00.1234567Z",
	} {
		s, err := NewStream(Options{Zone: oslo(t)})
		require.NoError(t, err)
		ev, err := s.Parse([]byte(head+members+"}"), reference)
		require.NoError(t, err, members)
		require.Equal(t, want, ev.Timestamp.Format(time.RFC3339Nano), members)
	}
}

func TestBrokenWindowsEventsSayWhy(t *testing.T) {
	t.Parallel()
	for line, reason := range map[string]string{
		`<Event><System>`:                                        ReasonXML,
		`<Event><System></Event></System>`:                       ReasonXML,
		`<Event x=1></Event>`:                                    ReasonXML,
		`<Event><System><EventID>1</EventID></System></Event> x`: ReasonXML,
		`<Events><Event><System><EventID>1</EventID></System></Event><Event></Event></Events>`: ReasonXML,
		`<Event></Event><x></x>`:                                                               ReasonXML,
		`<?xml version="1.0"?><Event></Event>`:                                                 ReasonFormat,
		`<Event><System><EventID>1</EventID></System><EventData><Data>`:                        ReasonXML,
		`<Event><System><EventID>1</EventID><TimeCreated SystemTime="soon"/></System></Event>`: ReasonTimestamp,
		`{"winlog":{"event_id":1},"@timestamp":"soon"}`:                                        ReasonTimestamp,
		`{"EventID":1,"Channel":"x","EventTime":"2026-13-01 00:00:00"}`:                        ReasonTimestamp,
	} {
		s, err := NewStream(Options{})
		require.NoError(t, err)
		_, err = s.Parse([]byte(line), reference)
		var broken *Error
		require.ErrorAs(t, err, &broken, line)
		require.Equal(t, reason, broken.Reason, line)
	}
}
