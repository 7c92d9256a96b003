package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
)

var errNoMapping = problem.NotFound("mapping")

// Config is what the register is given by whoever starts it.
type Config struct {
	// CheckMapping says what is wrong with the text of a mapping, its samples
	// included. The register keeps mappings and refuses broken ones, but what one
	// means only the parsers know, which no service imports: cmd brings both
	// together. So every way to a source, also a script's, meets the same check.
	CheckMapping func(text string) []MappingFault
}

// MappingFault is one thing that is wrong with a mapping.
type MappingFault struct {
	Line int // of the text, from 1; 0 where it is not known
	Text string
}

// shownFaults bounds how many are told of at once.
const shownFaults = 20

// refuseMapping is the problem that tells of faults.
func refuseMapping(faults []MappingFault) error {
	fields := make([]problem.Field, 0, min(len(faults), shownFaults))
	for _, f := range faults[:min(len(faults), shownFaults)] {
		fields = append(fields, problem.Field{Pointer: "/data/mapping", Slug: "mapping-fault", Detail: fmt.Sprintf("Line %d: %s", f.Line, f.Text)})
	}
	return problem.Invalid("The mapping does not read, or a sample of it does not come out.", fields...)
}

// keepMapping turns a new mapping in a source into the id of the entity that
// keeps its text. It is written before the source that names it: one that is
// then refused leaves a mapping that nothing uses.
func (s *Service) keepMapping(ctx context.Context, entity string, d *registerapi.Source) error {
	if err := allowed(ctx, s, sources, entity, topics.Source{}); err != nil {
		return err
	}
	if d.Mapping == "" {
		if d.MappingId == "" {
			return nil
		}
		return s.exist(ctx, "/data/mappingId", topics.KindMapping, []string{d.MappingId})
	}
	t, p, err := caller(ctx)
	if err != nil {
		return err
	}
	if len(d.Mapping) > topics.MaxMapping {
		return problem.Invalid("The mapping is too large.", problem.Field{Pointer: "/data/mapping", Slug: "too-long", Detail: "At most 64 KiB."})
	}
	if faults := s.checkMapping(d.Mapping); len(faults) > 0 {
		return refuseMapping(faults)
	}
	now := s.clock()
	e := Entry{Kind: topics.KindMapping, Fact: topics.Fact{Kind: topics.KindMapping, ID: id.Of("mapping", string(t), d.Mapping), Tenant: string(t)}}
	// It holds for ever, also for a source that is recorded with an earlier time.
	if err := e.append(topics.Mapping{Text: d.Mapping}, time.Unix(0, 0), time.Time{}, now, p.Subject); err != nil {
		return err
	}
	_, err = s.entries.Insert(ctx, e.Fact.ID, e, s.published(e.Fact), s.changed(ctx, topics.KindMapping, e.Fact.ID, "create", nil))
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return err
	}
	d.MappingId, d.Mapping = e.Fact.ID, ""
	return nil
}

// Mapping gives the text of a mapping. Its samples may be lines that name
// people: who reads them is in the audit log first.
func (s *Service) Mapping(ctx context.Context, entity string) (out registerapi.Mapping, err error) {
	if err := allowed(ctx, s, sources, "", topics.Source{}); err != nil {
		return out, err
	}
	done, err := s.intent(ctx, "register.read", topics.KindMapping+":"+entity)
	if err != nil {
		return out, err
	}
	defer func() { done(1, err) }()
	f, err := s.fact(ctx, topics.KindMapping, entity)
	if errors.Is(err, errNotFound) || (err == nil && len(f.Versions) == 0) {
		return out, errNoMapping
	}
	if err != nil {
		return out, err
	}
	first := f.Versions[0]
	v, err := topics.Decode[topics.Mapping](first)
	if err != nil {
		return out, err
	}
	return registerapi.Mapping{Id: f.ID, Text: v.Text, RecordedAt: first.RecordedAt, RecordedBy: first.RecordedBy}, nil
}
