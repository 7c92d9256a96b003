package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// krb5Program reads MIT Kerberos' key distribution centre: the directory's view
// of a password.
//
//	AS_REQ (8 etypes {…}) 192.0.2.7: ISSUE: authtime 1795341600, etypes {…}, kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE
//	AS_REQ (8 etypes {…}) 192.0.2.7: PREAUTH_FAILED: kari@BO.EXAMPLE for krbtgt/…, Preauthentication failed
var krb5Program = program{
	name:  "krb5kdc",
	knows: func(m *message) bool { return m.program == "krb5kdc" },
	read:  readKrb5,
}

func readKrb5(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "krb5kdc", Type: "kerberos"}
	ev.Network = &ecs.Network{Protocol: "kerberos"}
	request, rest, _ := strings.Cut(m.text, " ")
	if request != "AS_REQ" && request != "TGS_REQ" {
		return
	}
	if strings.HasPrefix(rest, "(") {
		_, rest, _ = strings.Cut(rest, "}) ")
	}
	client, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return
	}
	ev.Source = party(client)
	status, rest, _ := strings.Cut(rest, ": ")
	if status == "ISSUE" {
		if i := strings.Index(rest, "}, "); i >= 0 {
			rest = rest[i+len("}, "):]
		}
	}
	who, service, _ := cutLast(rest, " for ")
	service, why, _ := strings.Cut(service, ", ")
	setLogin(ev, who)
	label(ev, "service_principal", service)
	ev.Event.Code = status
	if request == "TGS_REQ" {
		classify(ev, kindProbe, "service-ticket", decides(status == "ISSUE"))
		return
	}
	switch status {
	case "ISSUE":
		attempt(ev, ecs.OutcomeSuccess, "password")
	case "NEEDED_PREAUTH", "NEED_PREAUTH", "MORE_PREAUTH_DATA_REQUIRED":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	default:
		attempt(ev, ecs.OutcomeFailure, "password")
		ev.Event.Reason = krb5Reason(status, why)
	}
}

func krb5Reason(status, why string) string {
	switch status {
	case "PREAUTH_FAILED", "DECRYPT_CLIENT_KEY", "BAD_ENCRYPTION_TYPE":
		return "incorrect-password"
	case "CLIENT_NOT_FOUND", "CLIENT_UNKNOWN":
		return reasonInvalidUser
	case "LOCKED_OUT", "CLIENT LOCKED OUT":
		return "account-locked"
	case "CLIENT EXPIRED", "CLIENT_EXPIRED":
		return "account-expired"
	case "CLIENT KEY EXPIRED", "CLIENT_KEY_EXPIRED", "REQUIRED PWCHANGE":
		return "password-expired"
	}
	return strings.ToLower(strings.ReplaceAll(why, " ", "-"))
}

// sssdProgram reads SSSD and its helpers, which look at passwords for PAM: PAM's
// own line decides.
var sssdProgram = program{
	name: "sssd",
	knows: func(m *message) bool {
		return m.program == "krb5_child" || m.program == "ldap_child" || m.program == "sssd" || strings.HasPrefix(m.program, "sssd_") || strings.HasPrefix(m.program, "[sssd[")
	},
	read: func(m *message, ev *ecs.Event) {
		ev.Service = &ecs.Service{Name: "sssd"}
		switch strings.TrimSuffix(m.text, ".") {
		case "Preauthentication failed", "Decrypt integrity check failed", "Password incorrect":
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
			ev.Event.Reason = "incorrect-password"
		case "Client's credentials have been revoked":
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
			ev.Event.Reason = "account-locked"
		}
	},
}
