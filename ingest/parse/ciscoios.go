package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// readIOS reads routers and switches: SEC_LOGIN decides a login (login
// on-success log, login on-failure log), SSH's own message is its echo.
func readIOS(m *message, facility, mnemonic string, ev *ecs.Event) {
	switch facility {
	case "SEC_LOGIN":
		iosLogin(m, mnemonic, ev)
	case "SSH":
		iosSSH(m, mnemonic, ev)
	case "SYS":
		iosSystem(m, mnemonic, ev)
	case "PARSER":
		iosCommand(m, ev)
	case "SEC":
		iosACL(m, ev)
	case "AUTHPRIV", "DAEMON", "SYSTEM":
		nexusPAM(m, ev)
	case "DOT1X", "AUTHMGR", "MAB":
		iosPort(m, mnemonic, ev)
	default:
		classify(ev, kindInfo, strings.ToLower(mnemonic), "")
	}
}

// iosLogin: "Login failed [user: U] [Source: I] [localport: 22] [Reason: R] at …".
// The user's bracket is closed by the last "] [Source: ".
func iosLogin(m *message, mnemonic string, ev *ecs.Event) {
	_, rest, ok := strings.Cut(m.text, "[user: ")
	user, tail, found := lastCut(rest, "] [Source: ")
	if !found {
		user, tail, found = strings.Cut(rest, "] [Source:")
	}
	if ok && found {
		setLogin(ev, strings.TrimSuffix(user, " "))
		from, after, _ := strings.Cut(tail, "]")
		ev.Source = party(from)
		if _, port, ok := strings.Cut(after, "[localport: "); ok {
			port, _, _ = strings.Cut(port, "]")
			if n := portOf(port); n > 0 {
				ev.Destination = &ecs.Endpoint{Port: n}
			}
		}
		if _, reason, ok := strings.Cut(after, "[Reason: "); ok {
			ev.Event.Reason, _, _ = strings.Cut(reason, "]")
		}
	}
	switch mnemonic {
	case "LOGIN_SUCCESS":
		m.iosDecide(ev, "SEC_LOGIN", ecs.OutcomeSuccess)
	case "LOGIN_FAILED":
		m.iosDecide(ev, "SEC_LOGIN", ecs.OutcomeFailure)
	case "QUIET_MODE_ON":
		classify(ev, kindFlowDenied, "quiet-mode-on", ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, strings.ReplaceAll(strings.ToLower(mnemonic), "_", "-"), "")
	}
}

func (m *message) iosDecide(ev *ecs.Event, code, outcome string) {
	key := ""
	if ev.User != nil {
		key = ev.User.Name
	}
	if ev.Source != nil {
		key += " " + ev.Source.IP
	}
	m.attemptOnce(ev, key, code, outcome, "password")
}

// iosSSH: "User 'U' authentication for SSH2 Session from I (tty = 0) using
// crypto cipher 'C', hmac 'H' Succeeded".
func iosSSH(m *message, mnemonic string, ev *ecs.Event) {
	ev.Network = &ecs.Network{Protocol: "ssh", Transport: "tcp"}
	head, tail, ok := lastCut(m.text, " Session from ")
	if !ok {
		head, tail, ok = lastCut(m.text, " session from ")
	}
	if !ok {
		classify(ev, kindInfo, strings.ToLower(mnemonic), "")
		return
	}
	from, rest, _ := strings.Cut(tail, " ")
	ev.Source = party(from)
	switch mnemonic {
	case "SSH2_USERAUTH", "SSH_USERAUTH":
		user := strings.TrimPrefix(head, "User '")
		if i := strings.LastIndex(user, "' authentication for "); i >= 0 {
			setLogin(ev, user[:i])
		}
		m.iosDecide(ev, "SSH", decides(strings.HasSuffix(strings.TrimRight(rest, " "), "Succeeded")))
	case "SSH2_CLOSE", "SSH_CLOSE":
		if _, user, ok := strings.Cut(rest, "for user '"); ok {
			user, _, _ = lastCut(user, "' using ")
			setLogin(ev, user)
		}
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	default:
		classify(ev, kindConnect, actionConnectionOpened, "")
	}
}

// iosSystem: "User U has exited tty session 2(I)", "Configured from console by
// U on vty0 (I)".
func iosSystem(m *message, mnemonic string, ev *ecs.Event) {
	switch mnemonic {
	case "LOGOUT":
		user, rest, ok := lastCut(strings.TrimPrefix(m.text, "User "), " has exited tty session ")
		if ok {
			setLogin(ev, user)
			if _, from, ok := strings.Cut(rest, "("); ok {
				ev.Source = party(strings.TrimRight(from, ") "))
			}
		}
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case "CONFIG_I", "CONFIG":
		if _, by, ok := strings.Cut(m.text, " by "); ok {
			user, on, _ := lastCut(by, " on ")
			setLogin(ev, strings.TrimSuffix(user, " "))
			if _, from, ok := strings.Cut(on, "("); ok {
				ev.Source = party(strings.TrimRight(from, ") "))
			}
		}
		classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, strings.ReplaceAll(strings.ToLower(mnemonic), "_", "-"), "")
	}
}

// iosCommand: "User:U  logged command:C".
func iosCommand(m *message, ev *ecs.Event) {
	if user, command, ok := strings.Cut(strings.TrimPrefix(m.text, "User:"), "  logged command:"); ok {
		setLogin(ev, user)
		ev.Process = &ecs.Process{CommandLine: command}
	}
	classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
}

// iosACL: "list N denied tcp A(P) -> B(Q), 1 packet".
func iosACL(m *message, ev *ecs.Event) {
	w := strings.Fields(strings.TrimPrefix(m.text, "list "))
	classify(ev, kindInfo, "", "")
	at := 0
	for at < len(w) && w[at] != "->" {
		at++
	}
	if len(w) < 5 || at == len(w) || at+1 == len(w) || at < 4 {
		return
	}
	ev.Rule = &ecs.Rule{Name: w[0]}
	ev.Network = &ecs.Network{Transport: w[2]}
	ev.Source, _ = aclEnd(w[3])
	ev.Destination, _ = aclEnd(strings.TrimSuffix(w[at+1], ","))
	if w[1] == "permitted" {
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
		return
	}
	classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
}

// nexusPAM: NX-OS passes the messages of its PAM and sshd on: "pam_aaa:
// Authentication failed for user U from I - sshd[1]".
func nexusPAM(m *message, ev *ecs.Event) {
	text := strings.TrimPrefix(m.text, "pam_aaa:")
	head, from, ok := lastCut(text, " from ")
	if !ok {
		classify(ev, kindInfo, "", "")
		return
	}
	from, _, _ = strings.Cut(from, " ")
	switch {
	case strings.HasPrefix(head, "Authentication failed"):
		if _, user, ok := strings.Cut(head, " for user "); ok {
			setLogin(ev, user)
		}
		ev.Source = party(from)
		m.iosDecide(ev, "PAM", ecs.OutcomeFailure)
	case strings.HasPrefix(head, "error: PAM: Authentication failure for "):
		user, _ := validity(strings.TrimPrefix(head, "error: PAM: Authentication failure for "))
		setLogin(ev, user)
		ev.Source = party(from)
		m.iosDecide(ev, "SSHD", ecs.OutcomeFailure)
	default:
		classify(ev, kindInfo, "", "")
	}
}

// iosPort: "Authentication failed for client (0050.56ab.cdef) on Interface Gi1/0/1 …".
func iosPort(m *message, mnemonic string, ev *ecs.Event) {
	_, rest, ok := strings.Cut(m.text, "client (")
	client, rest, _ := strings.Cut(rest, ")")
	if hw := mac(client); ok && hw != "" {
		ev.Source = &ecs.Endpoint{MAC: hw}
	}
	if _, iface, ok := strings.Cut(rest, "nterface "); ok {
		iface, _, _ = strings.Cut(iface, " ")
		ev.Observer.Ingress = boundary(iface, "")
	}
	switch {
	case strings.HasSuffix(mnemonic, "FAIL") && strings.HasPrefix(m.text, "Authentication"):
		attempt(ev, ecs.OutcomeFailure, "")
	case mnemonic == "SUCCESS" && strings.HasPrefix(m.text, "Authentication"):
		attempt(ev, ecs.OutcomeSuccess, "")
	default:
		classify(ev, kindProbe, ecs.ActionProbe, decides(mnemonic == "SUCCESS"))
	}
}
