package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// m365 reads the unified audit log of Microsoft 365: as the Management Activity
// API gives it, and as Search-UnifiedAuditLog and the portal export it (the
// record as a text under AuditData, in JSON or in a column of CSV).
var m365 = jsonKind{
	name:   "m365.audit",
	module: "o365",
	knows: func(o object) bool {
		return o.has("CreationTime") && o.has("Operation") && (o.has("Workload") || o.has("RecordType")) || o.has("AuditData")
	},
	read: readM365,
}

func readM365(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	p := o
	if o.has("AuditData") {
		if p = o.inner("AuditData"); !p.ok() {
			return nil
		}
	}
	if err := s.setTime(ev, p.str("CreationTime"), now); err != nil {
		return err
	}
	operation := p.str("Operation")
	ev.Event.Provider, ev.Event.Code = p.str("Workload"), operation
	ev.Cloud = &ecs.Cloud{Provider: "azure"}
	ev.Observer = &ecs.Observer{Vendor: "Microsoft", Product: "Microsoft 365", Type: "idp"}
	ev.Org = organization(p.str("OrganizationId"))
	if w := p.str("Workload"); w != "" {
		ev.Service = &ecs.Service{Name: w}
	}
	label(ev, "record_id", p.str("Id"))
	label(ev, "record_type", p.str("RecordType"))
	m365Who(p, ev)
	for _, name := range [...]string{"ClientIP", "ActorIpAddress", "ClientIPAddress"} {
		if e := party(p.str(name)); e != nil && e.IP != "" {
			ev.Source = e
			break
		}
	}
	m365Extended(p, ev)
	ev.Message = operation
	if object := word(p.str("ObjectId")); object != "" && object != "Not Available" {
		label(ev, "object", object)
	}
	result := p.str("ResultStatus")
	switch operation {
	case "UserLoggedIn", "UserLoginFailed", "PasswordLogonInitialAuthUsingPassword", "PasswordLogonInitialAuthUsingADFSFederatedToken":
		m365Login(p, operation, ev)
	case "MailboxLogin":
		classify(ev, kindSession, ecs.ActionSessionStart, m365Outcome(result))
	case "UserLoggedOff":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	default:
		m365Other(p, operation, result, ev)
	}
	return nil
}

func m365Who(p object, ev *ecs.Event) {
	name := p.str("UserId")
	if name == "Not Available" || name == "Unknown" || name == "" {
		name = ""
	}
	key := p.str("UserKey")
	if isGUID(name) {
		key, name = name, ""
	}
	setMail(ev, name)
	if isGUID(key) && !strings.HasPrefix(key, "00000000-0000") {
		isUser(ev).ID = key
	}
	if name != "" && ev.User.ID == "" {
		for _, a := range p.list("Actor") {
			if id := a.str("ID"); isGUID(id) {
				ev.User.ID = id
				break
			}
		}
	}
}

func isGUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

func m365Extended(p object, ev *ecs.Event) {
	for _, x := range p.list("ExtendedProperties") {
		switch x.str("Name") {
		case "UserAgent":
			if ua := word(x.str("Value")); ua != "" {
				ev.UserAgent = &ecs.UserAgent{Original: ua}
			}
		case "RequestType":
			label(ev, "request_type", x.str("Value"))
		}
	}
	for _, x := range p.list("DeviceProperties") {
		switch x.str("Name") {
		case "DisplayName":
			ev.Varde.Station = x.str("Value")
		case "OS":
			label(ev, "operating_system", x.str("Value"))
		case "SessionId":
			ev.Varde.Session = x.str("Value")
		}
	}
}

// m365Login: ErrorNumber is the directory's code; records without it name the
// error in LogonError.
func m365Login(p object, operation string, ev *ecs.Event) {
	code := p.str("ErrorNumber")
	if code == "" {
		code = m365Errors[p.str("LogonError")]
	}
	if code == "" && operation != "UserLoginFailed" {
		code = "0"
	}
	if operation == "UserLoggedIn" {
		code = "0"
	}
	if code == "0" && operation == "UserLoginFailed" {
		code = ""
	}
	words := p.str("LogonError")
	label(ev, "logon_error", words)
	if code == "" {
		ev.Event.Reason = words
		attempt(ev, ecs.OutcomeFailure, "")
		return
	}
	if code != "0" {
		ev.Event.Code = code
		label(ev, "operation", operation)
	}
	decideEntra(entraDecision{code: code, words: words, interactive: true}, ev)
}

// m365Errors are the names of codes, where the number is left out.
var m365Errors = map[string]string{
	"InvalidUserNameOrPassword":                             "50126",
	"IdsLocked":                                             "50053",
	"UserDisabled":                                          "50057",
	"UserAccountNotFound":                                   "50034",
	"UserStrongAuthClientAuthNRequired":                     "50076",
	"UserStrongAuthClientAuthNRequiredInterrupt":            "50074",
	"UserStrongAuthEnrollmentRequired":                      "50079",
	"UserStrongAuthEnrollmentRequiredInterrupt":             "50072",
	"UserStrongAuthExpired":                                 "50078",
	"AuthenticationFailedSasError":                          "500121",
	"InvalidPasswordExpiredPassword":                        "50055",
	"InvalidPasswordExpiredOnPremPassword":                  "50144",
	"BlockedByConditionalAccess":                            "53003",
	"DeviceNotCompliant":                                    "53000",
	"DeviceNotDomainJoined":                                 "53001",
	"KmsiInterrupt":                                         "50140",
	"CmsiInterrupt":                                         "50199",
	"UserInformationNotProvided":                            "50058",
	"SsoArtifactInvalidOrExpired":                           "50133",
	"SsoArtifactRevoked":                                    "50173",
	"SsoUserAccountNotFoundInResourceTenant":                "16003",
	"EntitlementGrantsNotFound":                             "50105",
	"PasswordResetRegistrationRequiredInterrupt":            "50125",
	"DeviceAuthenticationRequired":                          "50097",
	"ExternalSecurityChallenge":                             "50158",
	"FlowTokenExpired":                                      "50089",
	"InvalidReplyTo":                                        "50011",
	"UserUnauthorized":                                      "50020",
	"ConditionalAccessFailed":                               "50131",
	"PassThroughUserMfaError":                               "50074",
	"ProofUpBlockedDueToRisk":                               "53004",
	"OnPremisePasswordValidationAccountLogonInvalidHours":   "80012",
	"OnPremisePasswordValidatorErrorOccurredOnPrem":         "80007",
	"OnPremisePasswordValidationEncounteredWebException":    "80007",
	"DesktopSsoAuthenticationPackageNotSupported":           "81010",
	"OnPremisePasswordValidationTimeSkew":                   "80014",
	"AdminConsentRequired":                                  "90094",
	"AuthorizationPending":                                  "70016",
	"InvalidExternalSecurityChallengeConfiguration":         "50158",
	"StrongAuthenticationRegistrationRequired":              "50079",
	"UserStrongAuthEnrollmentRequiredInterruptNoMethodsYet": "50079",
}

func m365Outcome(result string) string {
	switch strings.ToLower(result) {
	case "success", "succeeded", "true", "partiallysucceeded":
		return ecs.OutcomeSuccess
	case "failed", "failure", "false":
		return ecs.OutcomeFailure
	}
	return ecs.OutcomeUnknown
}

// m365Other: changes of the directory, and everything else with the operation
// as its action.
func m365Other(p object, operation, result string, ev *ecs.Event) {
	outcome := m365Outcome(result)
	if p.str("Workload") != "AzureActiveDirectory" {
		classify(ev, kindInfo, operation, outcome)
		switch {
		case p.str("Workload") == "Exchange" && (strings.HasPrefix(operation, "New-") || strings.HasPrefix(operation, "Set-") ||
			strings.HasPrefix(operation, "Add-") || strings.HasPrefix(operation, "Remove-")):
			classify(ev, kindConfig, operation, outcome)
		case strings.HasPrefix(operation, "File"):
			classify(ev, kind{[]string{"file"}, []string{"access"}}, operation, outcome)
		}
		return
	}
	directoryChange(operation, outcome, ev)
	changed := word(p.str("ObjectId"))
	if changed != "" && changed != "Not Available" && !strings.HasPrefix(operation, "Add group") {
		u := isTarget(ev)
		u.Name = changed
		if isGUID(changed) {
			u.Name, u.ID = "", changed
		}
		splitLogin(u)
	}
	for _, c := range p.list("ModifiedProperties") {
		switch c.str("Name") {
		case "Role.DisplayName", "Group.DisplayName":
			name := strings.TrimSpace(either(c.str("NewValue"), c.str("OldValue")))
			ev.Group = &ecs.Group{Name: name}
			label(ev, "group", name)
		}
	}
}

// m365CSV reads a line of an exported table whose last columns hold the record
// as JSON, its quotes doubled. The header line names the columns.
var m365CSV = Format{
	Name: "m365-csv",
	Detect: func(line string) bool {
		// No blank stands before the first comma, as it does in any header of syslog.
		comma := strings.IndexByte(line[:min(len(line), 100)], ',')
		return comma > 0 && (line[0] == '"' || strings.IndexByte(line[:comma], ' ') < 0) &&
			strings.Contains(line, `"{""`) && strings.Contains(line, `""CreationTime"":`)
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		_, rest, ok := strings.Cut(line, `"{""`)
		if !ok {
			return &Error{ReasonFormat, "there is no column with a JSON record"}
		}
		rest = `{""` + rest
		end := -1
		for i := 0; i < len(rest); i++ {
			if rest[i] == '"' {
				if i+1 < len(rest) && rest[i+1] == '"' {
					i++
					continue
				}
				end = i
				break
			}
		}
		if end < 0 {
			return &Error{ReasonFormat, "the column with the JSON record does not end"}
		}
		return s.readJSON(strings.ReplaceAll(rest[:end], `""`, `"`), now, ev)
	},
}
