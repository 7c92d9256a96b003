package audit

import (
	"slices"

	"varde.internal/platform/auth"
	"varde.internal/schemas/topics"
)

// ActorOf is a caller as records name it: the id, and each role once.
func ActorOf(p auth.Principal) topics.Actor {
	a := topics.Actor{Type: "person", ID: p.Subject}
	if p.Service {
		a.Type = "service"
	}
	for _, g := range p.Grants {
		if !slices.Contains(a.Roles, string(g.Role)) {
			a.Roles = append(a.Roles, string(g.Role))
		}
	}
	return a
}
