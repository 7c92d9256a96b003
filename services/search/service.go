package search

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/id"
	"varde.internal/platform/kql"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// CaseAccess is what the cases service says of a case: whether it is open and
// who may read it.
type CaseAccess struct {
	Number string
	Open   bool
	Object auth.Object
}

// Cases looks cases up. A case that is not there is a problem of kind not found.
type Cases interface {
	Access(ctx context.Context, caseID string) (CaseAccess, error)
}

// Service is the use cases. Every method takes a context with a tenant and a caller.
type Service struct {
	contexts docstore.Collection[Context]
	views    docstore.Collection[View]
	holds    docstore.Collection[Hold]
	events   eventindex.Index
	cases    Cases
	audit    audit.Client
	log      *slog.Logger
	clock    func() time.Time
	zone     *time.Location
	life     time.Duration // of a context
	viewKey  []byte
}

// Problems.
var (
	errForbidden = problem.Forbidden("not-allowed", "Your role does not allow this.")
	errNames     = problem.Forbidden("names-hidden", "This asks about persons. Start the search from a case to see names, if your role allows it.")
	errExpired   = problem.Refused("context-expired", "The search was started long ago. State the purpose again.")
)

func (s *Service) caller(ctx context.Context) (auth.Principal, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, auth.ErrNoToken
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return p, err
	}
	if !auth.Allow(p, auth.ActionEventSearch, auth.Object{Tenant: tid}) {
		return p, errForbidden
	}
	return p, nil
}

// Started is a context with what it shows now.
type Started struct {
	ID string
	Context
	Names Names
}

// Start begins a context. A case that is not there, or that the caller may not
// read, is not found.
func (s *Service) Start(ctx context.Context, purpose, caseID string) (Started, error) {
	p, err := s.caller(ctx)
	if err != nil {
		return Started{}, err
	}
	now := s.clock().UTC()
	c := Context{Subject: p.Subject, Purpose: purpose, CaseID: caseID, Created: now, Expires: now.Add(s.life)}
	if caseID != "" {
		access, err := s.access(ctx, p, caseID)
		if err != nil {
			return Started{}, err
		}
		c.CaseNumber = access.Number
	}
	doc, err := s.contexts.Insert(ctx, id.New(), c)
	if err != nil {
		return Started{}, err
	}
	return s.started(ctx, p, doc)
}

// Context gives one's own context.
func (s *Service) Context(ctx context.Context, contextID string) (Started, error) {
	used, err := s.use(ctx, contextID)
	if err != nil {
		return Started{}, err
	}
	return Started{ID: used.id, Context: used.Context, Names: used.names}, nil
}

func (s *Service) started(ctx context.Context, p auth.Principal, doc docstore.Doc[Context]) (Started, error) {
	names, err := s.names(ctx, p, doc.Value)
	return Started{ID: doc.ID, Context: doc.Value, Names: names}, err
}

// access asks for a case that p may read.
func (s *Service) access(ctx context.Context, p auth.Principal, caseID string) (CaseAccess, error) {
	access, err := s.cases.Access(ctx, caseID)
	if err != nil {
		return access, err
	}
	if !auth.Allow(p, auth.ActionCaseRead, access.Object) {
		return access, problem.NotFound("case")
	}
	return access, nil
}

// names decides anew with each use: a role can be taken away and a case closed
// while a search goes on.
func (s *Service) names(ctx context.Context, p auth.Principal, c Context) (Names, error) {
	if c.CaseID == "" {
		return Names{Reason: ReasonNoCase}, nil
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return Names{}, err
	}
	if !auth.Allow(p, auth.ActionEventNames, auth.Object{Tenant: tid}) {
		return Names{Reason: ReasonRole}, nil
	}
	access, err := s.access(ctx, p, c.CaseID)
	var missing *problem.Error
	if errors.As(err, &missing) && missing.Kind == problem.KindNotFound {
		return Names{Reason: ReasonRole}, nil
	}
	if err != nil {
		return Names{}, err
	}
	if !access.Open {
		return Names{Reason: ReasonCaseClosed}, nil
	}
	return Names{Shown: true}, nil
}

// using is a context in use by its owner.
type using struct {
	id string
	Context
	principal auth.Principal
	names     Names
}

// use takes up one's own context; another's is not found.
func (s *Service) use(ctx context.Context, contextID string) (using, error) {
	p, err := s.caller(ctx)
	if err != nil {
		return using{}, err
	}
	doc, err := s.contexts.Get(ctx, contextID)
	if errors.Is(err, docstore.ErrNotFound) || err == nil && doc.Value.Subject != p.Subject {
		return using{}, problem.NotFound("context")
	}
	if err != nil {
		return using{}, err
	}
	if !s.clock().Before(doc.Value.Expires) {
		return using{}, errExpired
	}
	names, err := s.names(ctx, p, doc.Value)
	if err != nil {
		return using{}, err
	}
	return using{id: doc.ID, Context: doc.Value, principal: p, names: names}, nil
}

// reading records the intent to read; nothing may be returned before it. The
// function it gives records the outcome: counts, or nil after a failure.
func (s *Service) reading(ctx context.Context, c using, action, object string, details map[string]string) (func(map[string]int), error) {
	shown := "hidden"
	if c.names.Shown {
		shown = "shown"
	}
	if details == nil {
		details = map[string]string{}
	}
	details["names"], details["context"] = shown, c.id
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{
		Time: s.clock().UTC(), Service: Name, Actor: audit.ActorOf(c.principal), Action: action, Object: object, Purpose: c.Purpose, CaseID: c.CaseID, Details: details,
	})
	if err != nil {
		return nil, err
	}
	return func(counts map[string]int) {
		result := audit.ResultOK
		if counts == nil {
			result = audit.ResultError
		}
		s.audit.Outcome(ctx, intent, result, counts)
	}, nil
}

// Asked is what one searches for.
type Asked struct {
	Context string
	Query   string
	eventindex.Range
}

func (a Asked) details() map[string]string {
	d := map[string]string{"query": a.Query}
	if !a.From.IsZero() {
		d["from"] = a.From.UTC().Format(time.RFC3339)
	}
	if !a.To.IsZero() {
		d["to"] = a.To.UTC().Format(time.RFC3339)
	}
	return d
}

// begin reads the query, applies the names rule and records the intent.
func (s *Service) begin(ctx context.Context, a Asked, action string) (using, kql.Query, func(map[string]int), error) {
	c, err := s.use(ctx, a.Context)
	if err != nil {
		return c, kql.Query{}, nil, err
	}
	if !a.From.IsZero() && !a.To.IsZero() && !a.From.Before(a.To) {
		return c, kql.Query{}, nil, problem.Invalid("The range ends before it begins.", problem.Field{Pointer: "/to", Slug: "before-from", Detail: "This must be later than from."})
	}
	q, err := s.parse(a.Query)
	if err != nil {
		return c, q, nil, syntaxProblem(a.Query, err)
	}
	if fields := personFields(q); len(fields) > 0 && !c.names.Shown {
		return c, q, nil, errNames.With("field", fields[0]).With("reason", c.names.Reason)
	}
	done, err := s.reading(ctx, c, action, "context:"+c.id, a.details())
	return c, q, done, err
}

func (s *Service) parse(text string) (kql.Query, error) {
	return kql.Parse(text, kql.Options{Now: s.clock(), Location: s.zone})
}

// Found is a page of events.
type Found struct {
	Rows  []Row
	Next  string
	Total int
	Exact bool
	Names bool
	Gaps  []eventindex.Range
}

// Search gives a page, newest first unless the page says otherwise.
func (s *Service) Search(ctx context.Context, a Asked, page eventindex.Page) (Found, error) {
	c, q, done, err := s.begin(ctx, a, string(auth.ActionEventSearch))
	if err != nil {
		return Found{}, err
	}
	hits, err := s.events.Search(ctx, q, a.Range, page)
	if err != nil {
		done(nil)
		return Found{}, indexProblem(err)
	}
	out := Found{Next: hits.Next, Total: hits.Total, Exact: hits.Exact, Names: c.names.Shown}
	if out.Rows, err = rows(hits.Events, c.names); err == nil {
		out.Gaps, err = s.gaps(ctx, a.Range)
	}
	if err != nil {
		done(nil)
		return Found{}, err
	}
	done(map[string]int{"events": len(out.Rows), "total": hits.Total})
	return out, nil
}

func rows(events []ecs.Event, names Names) ([]Row, error) {
	out := make([]Row, len(events))
	for i := range events {
		var err error
		if out[i], err = row(&events[i], names, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// gaps lists the times within a range of which something is missing now. It is
// asked after the search: the search may have been what met the damage.
func (s *Service) gaps(ctx context.Context, r eventindex.Range) ([]eventindex.Range, error) {
	all, err := s.events.Gaps(ctx)
	if err != nil {
		return nil, indexProblem(err)
	}
	var out []eventindex.Range
	for _, g := range all {
		_, of, ok := eventindex.Period(g.Partition)
		if ok && of.Meets(r) && !slices.Contains(out, of) {
			out = append(out, of)
		}
		if !ok { // a name of old: it could be anywhere
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b eventindex.Range) int { return a.From.Compare(b.From) })
	return out, nil
}

// Bars is a histogram. Gaps are the times of which something is missing now.
type Bars struct {
	Every   time.Duration
	Buckets []eventindex.Bucket
	Gaps    []eventindex.Range
}

// Histogram counts per interval; 0 chooses one.
func (s *Service) Histogram(ctx context.Context, a Asked, every time.Duration, zone string) (Bars, error) {
	loc := s.zone
	if zone != "" {
		var err error
		if loc, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return Bars{}, problem.Invalid("There is no such time zone.", problem.Field{Pointer: "/timezone", Slug: "not-a-choice", Detail: "This is no time zone's name."})
		}
	}
	_, q, done, err := s.begin(ctx, a, "event.histogram")
	if err != nil {
		return Bars{}, err
	}
	if every == 0 {
		every = interval(a.Range)
	}
	out := Bars{Every: every}
	if out.Buckets, err = s.events.Histogram(ctx, q, a.Range, every, loc); err != nil {
		done(nil)
		return Bars{}, indexProblem(err)
	}
	if out.Gaps, err = s.gaps(ctx, a.Range); err != nil {
		done(nil)
		return Bars{}, err
	}
	done(map[string]int{"buckets": len(out.Buckets)})
	return out, nil
}

// Terms gives a facet for each field.
func (s *Service) Terms(ctx context.Context, a Asked, fields []string, n int) ([]Facet, error) {
	known := make([]ecs.Field, len(fields))
	for i, name := range fields {
		f, ok := ecs.Lookup(name)
		if !ok || !eventindex.Countable(f) {
			return nil, problem.Invalid("The values of a field cannot be counted.", problem.Field{Pointer: "/fields", Slug: "not-a-choice", Detail: "One of these is unknown, or holds text, times or values that never repeat."})
		}
		known[i] = f
	}
	c, q, done, err := s.begin(ctx, a, "event.terms")
	if err != nil {
		return nil, err
	}
	var out []Facet
	for _, f := range known {
		facet := Facet{Field: f.Name, Values: []eventindex.TermCount{}}
		if f.Person && !c.names.Shown {
			facet.Hidden = HiddenNames
			out = append(out, facet)
			continue
		}
		if facet.Values, err = s.events.Terms(ctx, q, a.Range, f.Name, n); err != nil {
			done(nil)
			return nil, indexProblem(err)
		}
		if !c.names.Shown {
			facet = facet.withoutSmall()
		}
		out = append(out, facet)
	}
	done(map[string]int{"facets": len(out)})
	return out, nil
}

// Detail is one event. Original is empty where names are hidden.
type Detail struct {
	Row
	Names    bool
	Original string
	SHA256   string
	Event    *ecs.Event
}

// Event reads one event.
func (s *Service) Event(ctx context.Context, contextID, eventID string) (Detail, error) {
	c, err := s.use(ctx, contextID)
	if err != nil {
		return Detail{}, err
	}
	done, err := s.reading(ctx, c, "event.read", "event:"+eventID, nil)
	if err != nil {
		return Detail{}, err
	}
	e, err := s.events.Get(ctx, eventID)
	if err != nil {
		done(nil)
		return Detail{}, indexProblem(err)
	}
	r, err := row(&e, c.names, true)
	if err != nil {
		done(nil)
		return Detail{}, err
	}
	d := Detail{Row: r, Names: c.names.Shown, SHA256: hashOf(&e), Event: &e}
	if c.names.Shown {
		d.Original = e.Event.Original
	}
	done(map[string]int{"events": 1})
	return d, nil
}

func hashOf(e *ecs.Event) string {
	if e.Event.Hash != "" {
		return e.Event.Hash
	}
	sum := sha256.Sum256([]byte(e.Event.Original))
	return hex.EncodeToString(sum[:])
}

// Around gives what the same host logged before and after an event.
func (s *Service) Around(ctx context.Context, contextID, eventID string, before, after int) ([]Row, Names, error) {
	c, err := s.use(ctx, contextID)
	if err != nil {
		return nil, Names{}, err
	}
	done, err := s.reading(ctx, c, "event.around", "event:"+eventID, nil)
	if err != nil {
		return nil, Names{}, err
	}
	events, err := s.events.Around(ctx, eventID, before, after)
	if err != nil {
		done(nil)
		return nil, Names{}, indexProblem(err)
	}
	out, err := rows(events, c.names)
	if err != nil {
		done(nil)
		return nil, Names{}, err
	}
	done(map[string]int{"events": len(out)})
	return out, c.names, nil
}

// Evidence gives an event whole to another part of Varde, which has checked
// the person's right and records the read.
func (s *Service) Evidence(ctx context.Context, eventID, named string) (*ecs.Event, Row, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return nil, Row{}, auth.ErrNoToken
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return nil, Row{}, problem.Invalid("The tenant is missing.", problem.Field{Pointer: "Varde-Tenant", Slug: "missing", Detail: "This is needed."})
	}
	if !p.Service || named != string(tid) || !auth.Allow(p, auth.ActionEvidencePin, auth.Object{Tenant: tid}) {
		return nil, Row{}, errForbidden
	}
	e, err := s.events.Get(ctx, eventID)
	if err != nil {
		return nil, Row{}, indexProblem(err)
	}
	r, err := row(&e, Names{Shown: true}, true)
	return &e, r, err
}
