package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// wireguardProgram reads the kernel's WireGuard messages (dynamic debug). A
// handshake comes every two minutes while there is traffic; the first after the
// keys of the last one are gone (540 s, "Zeroing out all keys") is a login, the
// others are renewals. Peers have numbers, no names: labels.peer.
var wireguardProgram = program{
	name:   "wireguard",
	module: "wireguard",
	knows: func(m *message) bool {
		if m.program == "kernel" {
			return strings.HasPrefix(afterKernelClock(m.text), "wireguard: ")
		}
		return m.program == "wireguard"
	},
	read:  readWireGuard,
	alone: func(text string) bool { return strings.HasPrefix(afterKernelClock(text), "wireguard: ") },
}

// afterKernelClock passes over "[12345.678901] ".
func afterKernelClock(text string) string {
	if strings.HasPrefix(text, "[") {
		if clock, rest, ok := strings.Cut(text[1:], "] "); ok && strings.Trim(clock, " .0123456789") == "" {
			return rest
		}
	}
	return text
}

const wireguardLifetime = 540 * time.Second

func readWireGuard(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "wireguard", Type: "vpn"}
	ev.Network = &ecs.Network{Protocol: "wireguard", Transport: "udp"}
	text := strings.TrimPrefix(afterKernelClock(m.text), "wireguard: ")
	device, text, ok := strings.Cut(text, ": ")
	if !ok {
		return
	}
	ev.Observer = &ecs.Observer{Type: "vpn", Product: "WireGuard", Ingress: boundary(device, "")}
	head, peer, isPeer := strings.Cut(text, " peer ")
	if isPeer {
		id, rest, _ := strings.Cut(peer, " ")
		label(ev, "peer", strings.Trim(id, ","))
		if at, _, ok := strings.Cut(strings.TrimPrefix(rest, "("), ")"); ok && strings.HasPrefix(rest, "(") {
			ev.Source = party(strings.TrimSuffix(at, "%"))
		}
	}
	key := "wg\x00" + m.host + "\x00" + device + "\x00" + ev.Labels["peer"]
	switch {
	case head == "Receiving handshake initiation from":
		_, renewed := m.stream.notes.get(key, m.at, wireguardLifetime)
		m.stream.notes.put(key, "", m.at)
		if renewed {
			classify(ev, kindProbe, "handshake-renewed", ecs.OutcomeSuccess)
			return
		}
		attempt(ev, ecs.OutcomeSuccess, "publickey")
	case strings.HasPrefix(text, "Invalid handshake initiation from "):
		ev.Source = party(strings.TrimPrefix(text, "Invalid handshake initiation from "))
		attempt(ev, ecs.OutcomeFailure, "publickey")
	case strings.HasPrefix(text, "Invalid MAC of handshake, dropping packet from "):
		ev.Source = party(strings.TrimPrefix(text, "Invalid MAC of handshake, dropping packet from "))
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	case strings.HasPrefix(text, "Zeroing out all keys for peer "), strings.HasPrefix(text, "Zeroing out keys for peer "):
		m.stream.notes.drop(key)
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	case strings.HasPrefix(text, "Handshake for peer ") && strings.Contains(text, "did not complete"):
		classify(ev, kindConnect, "handshake-timeout", ecs.OutcomeFailure)
	default:
		classify(ev, kindInfoSession, "", "")
	}
}
