package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	"varde.internal/services/identity"
	"varde.internal/services/register"
)

// Target is the installation that gets the demo region, in this process or in
// several.
type Target interface {
	// Deps is what the part named is given in that installation.
	Deps(part string) run.Deps
	Endpoint(part string) string
	Identity() identity.Config
}

// Seed puts the region into identity and register, waits until both have
// published it, and returns the API key of the source that anyone can try.
// What exists already is left as it is.
func Seed(ctx context.Context, in Target, r Region, plan Plan) (key string, err error) {
	deps := in.Deps("identity")
	people, err := identity.NewService(identity.Deps{Log: deps.Log, Clock: deps.Clock, Docs: deps.Docs, Audit: deps.Audit, Secret: deps.Secret}, in.Identity())
	if err != nil {
		return "", err
	}
	if err := people.Open(ctx); err != nil {
		return "", err
	}
	if _, err := people.Import(ctx, r.Organisation(plan)); err != nil {
		return "", err
	}
	deps = in.Deps("register")
	things, err := register.NewService(ctx, deps)
	if err != nil {
		return "", err
	}
	facts, err := r.Register(plan)
	if err != nil {
		return "", err
	}
	// The same at each start, because it is derived from the installation's keys.
	key = base64.RawURLEncoding.EncodeToString(deps.Secret("demo-source-key"))
	facts = append(facts, r.sources(plan, key)...)
	if _, err := things.Import(ctx, facts); err != nil {
		return "", err
	}
	return key, published(ctx, deps.Docs)
}

// Sources of the demo: the servers whose captured logs are replayed, and one to
// send one's own lines to.
const (
	sourceServers = "source/servers"
	sourceTry     = "source/try"
)

func (r Region) sources(plan Plan, key string) []topics.Fact {
	b := &builder{base: plan.Base}
	b.add(topics.KindSource, first, ref(first, sourceServers), servers(r))
	b.add(topics.KindSource, first, ref(first, sourceTry), topics.Source{
		Name: "Prøv selv", Kind: "bulk", TimeZone: zone, KeyHash: topics.HashAPIKey(key),
		Addresses: []string{"127.0.0.0/8", "::1"}, Responsible: identity.PersonID(first, "bj-marit"), SilentAfter: 30 * 24 * time.Hour,
	})
	return b.facts
}

const zone = "Europe/Oslo"

func servers(r Region) topics.Source {
	return topics.Source{Name: "Linux-tjenere", Kind: "file", TimeZone: zone,
		Responsible: identity.PersonID(tenant.ID(first), "bj-marit"), SilentAfter: 30 * 24 * time.Hour}
}

// published waits until nothing lies in an outbox: the register and the
// directory are on their topics before the first line is replayed.
func published(ctx context.Context, docs docstore.Backend) error {
	for {
		waiting := 0
		for _, name := range append(identity.Outboxes(), register.Outboxes()...) {
			pending, err := docs.Pending(ctx, name, 1)
			if err != nil {
				return fmt.Errorf("outbox of %s: %w", name, err)
			}
			waiting += len(pending)
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
