package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// entraSignIn reads sign-ins of Entra ID (Azure AD): as Graph gives them
// (auditLogs/signIns), as diagnostic settings write them (SignInLogs,
// NonInteractiveUserSignInLogs, ServicePrincipalSignInLogs,
// ManagedIdentitySignInLogs, ADFSSignInLogs) and as Log Analytics exports them.
//
// A record whose code says that something more is asked for (a second factor,
// consent, a new password) decides nothing: the record that follows does. What
// renews a token in the background is no login, unless a password was tried.
var entraSignIn = jsonKind{
	name:   "entra.signin",
	module: "azure",
	knows: func(o object) bool {
		if c := o.first("category", "Category"); c != "" {
			return strings.HasSuffix(c, "SignInLogs") || strings.HasSuffix(c, "SigninLogs")
		}
		if o.has("createdDateTime") {
			return o.has("status", "errorCode") && (o.has("userPrincipalName") || o.has("servicePrincipalId") || o.has("userId"))
		}
		switch o.str("Type") {
		case "SigninLogs", "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs":
			return true
		}
		return o.has("CreatedDateTime") && o.has("ResultType")
	},
	read: readEntraSignIn,
}

func readEntraSignIn(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	p := o.inner("properties")
	if !p.ok() {
		p = o
	}
	at := p.first("createdDateTime", "CreatedDateTime")
	if at == "" {
		at = o.first("time", "TimeGenerated")
	}
	if err := s.setTime(ev, at, now); err != nil {
		return err
	}
	category := o.first("category", "Category", "Type")
	ev.Event.Provider = "entra"
	label(ev, "category", category)
	label(ev, "correlation_id", either(p.first("correlationId", "CorrelationId"), o.str("correlationId")))
	label(ev, "record_id", p.first("id", "Id"))
	ev.Org = organization(either(o.first("tenantId", "TenantId"), p.first("resourceTenantId", "ResourceTenantId", "homeTenantId")))
	ev.Cloud = &ecs.Cloud{Provider: "azure"}
	ev.Observer = &ecs.Observer{Vendor: "Microsoft", Product: "Entra ID", Type: "idp"}
	principal := entraWho(o, p, ev)
	ev.Source = party(either(p.first("ipAddress", "IPAddress"), o.first("callerIpAddress", "CallerIpAddress")))
	entraPlace(o, p, ev)
	if app := p.first("appDisplayName", "AppDisplayName"); app != "" {
		ev.Service = &ecs.Service{Name: app}
	}
	if ua := p.first("userAgent", "UserAgent"); ua != "" {
		ev.UserAgent = &ecs.UserAgent{Original: ua}
	}
	label(ev, "client_app", p.first("clientAppUsed", "ClientAppUsed"))
	label(ev, "resource", p.first("resourceDisplayName", "ResourceDisplayName"))
	label(ev, "authentication_requirement", p.first("authenticationRequirement", "AuthenticationRequirement"))
	label(ev, "conditional_access", p.first("conditionalAccessStatus", "ConditionalAccessStatus"))
	label(ev, "risk_level", word(p.first("riskLevelDuringSignIn", "RiskLevelDuringSignIn")))
	label(ev, "risk_state", word(p.first("riskState", "RiskState")))
	entraDevice(p, ev)
	code, words := entraStatus(o, p)
	ev.Event.Code = code
	ev.Message = entraMessage(category, code, words)
	decideEntra(entraDecision{code: code, words: words, principal: principal, interactive: interactive(category, p), method: entraMethod(p, ev)}, ev)
	return nil
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func organization(id string) *ecs.Organization {
	if word(id) == "" {
		return nil
	}
	return &ecs.Organization{ID: id}
}

// entraWho sets the user, or the application that signs in by itself
// (principal is true then).
func entraWho(o, p object, ev *ecs.Event) (principal bool) {
	if name := p.first("userPrincipalName", "UserPrincipalName"); name != "" {
		setMail(ev, name)
	}
	if id := p.first("userId", "UserId"); word(id) != "" && !strings.HasPrefix(id, "00000000-0000-0000") {
		isUser(ev).ID = id
	}
	if ev.User != nil {
		ev.User.FullName = p.first("userDisplayName", "UserDisplayName")
		if ev.User.FullName == "" && ev.User.Name != "" {
			ev.User.FullName = o.first("identity", "Identity")
		}
		return false
	}
	name := p.first("servicePrincipalName", "ServicePrincipalName")
	if name == "" {
		name = p.first("appDisplayName", "AppDisplayName")
	}
	if id := p.first("servicePrincipalId", "ServicePrincipalId"); word(id) != "" {
		isUser(ev).ID = id
		ev.User.Name = name
		ev.Varde.Account = account(either(name, id))
		return true
	}
	return false
}

func entraPlace(o, p object, ev *ecs.Event) {
	if ev.Source == nil {
		return
	}
	geo := &ecs.Geo{}
	if l := p.inner("location"); l.ok() {
		geo.Country, geo.City, geo.Region = l.str("countryOrRegion"), l.str("city"), l.str("state")
	} else if l := p.inner("LocationDetails"); l.ok() {
		geo.Country, geo.City, geo.Region = l.str("countryOrRegion"), l.str("city"), l.str("state")
	} else {
		geo.Country = either(p.first("location", "Location"), o.first("location", "Location"))
	}
	if *geo != (ecs.Geo{}) && len(geo.Country) <= 2 {
		ev.Source.Geo = geo
	}
}

func entraDevice(p object, ev *ecs.Event) {
	d := p.inner("deviceDetail")
	if !d.ok() {
		d = p.inner("DeviceDetail")
	}
	if !d.ok() {
		return
	}
	if name := d.str("displayName"); name != "" {
		ev.Varde.Station = name
	}
	label(ev, "device_id", d.str("deviceId"))
	label(ev, "operating_system", d.str("operatingSystem"))
	label(ev, "browser", d.str("browser"))
	label(ev, "device_trust", d.str("trustType"))
}

// entraStatus finds the code and its words.
func entraStatus(o, p object) (code, words string) {
	st := p.inner("status")
	if !st.ok() {
		st = p.inner("Status")
	}
	code = st.str("errorCode")
	words = st.str("failureReason")
	if code == "" {
		code = either(p.first("resultType", "ResultType"), o.first("resultType", "ResultType"))
	}
	if words == "" {
		words = either(o.first("resultDescription", "ResultDescription"), p.first("ResultDescription"))
	}
	if strings.HasPrefix(words, "Other") {
		words = ""
	}
	if code == "Success" {
		code = "0"
	}
	return code, words
}

func entraMessage(category, code, words string) string {
	text := "Sign-in"
	if category != "" {
		text = category
	}
	if w, ok := entraWords(code); ok {
		words = w
	}
	if code != "" && code != "0" {
		text += " " + code
	}
	if words != "" {
		text += ": " + words
	}
	return text
}

// interactive says whether a person was there.
func interactive(category string, p object) bool {
	switch category {
	case "NonInteractiveUserSignInLogs", "AADNonInteractiveUserSignInLogs":
		return false
	}
	for _, name := range [...]string{"isInteractive", "IsInteractive"} {
		if p.has(name) {
			return p.yes(name)
		}
	}
	for _, t := range p.texts("signInEventTypes") {
		if t == "nonInteractiveUser" {
			return false
		}
	}
	return true
}

// entraMethod names the first step's method, and labels the second's.
func entraMethod(p object, ev *ecs.Event) string {
	steps := p.list("authenticationDetails")
	if steps == nil {
		steps = p.list("AuthenticationDetails")
	}
	method := ""
	for i, s := range steps {
		name := s.str("authenticationMethod")
		if i == 0 {
			method = entraMethodName(name)
			if method == "claim" {
				label(ev, "first_factor", "claim")
			}
			continue
		}
		if s.is("Primary authentication", "authenticationStepRequirement") || name == "" {
			continue
		}
		label(ev, "second_factor", entraMethodName(name))
	}
	mfa := p.inner("mfaDetail")
	if !mfa.ok() {
		mfa = p.inner("MfaDetail")
	}
	if m := mfa.str("authMethod"); m != "" && ev.Labels["second_factor"] == "" {
		label(ev, "second_factor", entraMethodName(m))
	}
	return method
}

func entraMethodName(name string) string {
	switch lower := strings.ToLower(name); {
	case strings.Contains(lower, "passwordless"), strings.Contains(lower, "passkey"), strings.Contains(lower, "fido"), strings.Contains(lower, "hello for business"):
		return "publickey"
	case strings.HasPrefix(lower, "password"):
		return "password"
	case strings.HasPrefix(lower, "previously satisfied"):
		return "claim"
	case strings.Contains(lower, "certificate"):
		return "certificate"
	default:
		return strings.ReplaceAll(lower, " ", "-")
	}
}

// entraDecision is what is known before it is said what a record means.
type entraDecision struct {
	code, words, method    string
	principal, interactive bool
}

func decideEntra(d entraDecision, ev *ecs.Event) {
	reason, known := entraReasons[d.code]
	if known {
		ev.Event.Reason = reason.slug
	} else if d.code != "0" {
		ev.Event.Reason = d.words
	}
	switch {
	case d.code == "":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case d.code == "0" && !d.principal && !d.interactive:
		classify(ev, kindProbe, "token-refresh", ecs.OutcomeSuccess)
	case d.code == "0":
		attempt(ev, ecs.OutcomeSuccess, d.method)
	case known && reason.kind == entraLock:
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeFailure)
		ev.Event.Category = []string{"authentication", "iam"}
	case known && reason.kind == entraInterrupt:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		ev.Varde.Method = d.method
	case !d.principal && !d.interactive && (!known || reason.kind != entraPassword):
		classify(ev, kindProbe, "token-refresh", ecs.OutcomeFailure)
	default:
		method := d.method
		if known && reason.kind == entraPassword {
			method = "password"
		}
		attempt(ev, ecs.OutcomeFailure, method)
	}
}

// entraWords are the words of a code.
func entraWords(code string) (string, bool) {
	r, ok := entraReasons[code]
	return r.words, ok
}
