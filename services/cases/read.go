package cases

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// View is a case as a caller may see it.
type View struct {
	ID       string
	Tenant   string
	Version  int64
	Case     Case
	Now      time.Time
	Caller   auth.Principal
	Blockers []topics.Reason
	Allowed  []string
	Involved bool
	Raw      bool // the caller may see person fields and raw lines
	Findings []StoredFinding
	Links    []Link
}

// Row is a case in a list.
type Row struct {
	ID     string
	Tenant string
	Case   Case
}

// reading records a read before its result is returned, and its outcome.
func (s *Service) reading(ctx context.Context, p auth.Principal, action, object, caseID string) (done func(counts map[string]int), err error) {
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{
		Actor: audit.ActorOf(p), Action: action, Object: object, CaseID: caseID, Purpose: "case-handling",
	})
	if err != nil {
		return nil, err
	}
	return func(counts map[string]int) { s.audit.Outcome(ctx, intent, audit.ResultOK, counts) }, nil
}

// mayHandle says whether the caller may handle the case, apart from N3.
func (s *Service) mayHandle(p auth.Principal, tid string, c *Case) bool {
	return auth.Allow(p, auth.ActionCaseHandle, c.Object(tenant.ID(tid)))
}

// Get returns the case whole; the read is recorded first.
func (s *Service) Get(ctx context.Context, caseID string) (View, error) {
	doc, p, _, err := s.loadPart(ctx, caseID)
	if err != nil {
		return View{}, err
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseRead), "case:"+caseID, caseID)
	if err != nil {
		return View{}, err
	}
	v, err := s.view(ctx, doc, p)
	if err == nil {
		done(map[string]int{"cases": 1, "findings": len(v.Findings)})
	}
	return v, err
}

// view collects what belongs to a case the caller was let in to. After a
// change no read is recorded: the change itself is.
func (s *Service) view(ctx context.Context, doc docstore.Doc[Case], p auth.Principal) (View, error) {
	c := doc.Value
	object := c.Object(tenant.ID(doc.Tenant))
	involved := s.involved(doc.Tenant, &c)
	v := View{
		ID: doc.ID, Tenant: doc.Tenant, Version: doc.Version, Case: c, Now: s.clock().UTC(), Caller: p,
		Blockers: c.Blockers(p.Subject, involved, false), Involved: involved.Is(&c, p.Subject),
		Raw: auth.Allow(p, auth.ActionEvidenceRead, object),
	}
	v.Allowed = s.allowed(p, object, &v)
	part := partOf(p, doc.Tenant, &c)
	if part != PartWhole {
		// Also after a change that took the caller's part away: then nothing but what a task shows.
		v.Case = c.only(part, p.Subject)
		return v, nil
	}
	if c.Source == SourceFinding {
		page, err := s.findings.Find(ctx, docstore.Eq{Field: "caseId", Value: doc.ID},
			docstore.FindOptions{Limit: 200, Sort: []docstore.Sort{{Field: "first"}}})
		if err != nil {
			return View{}, err
		}
		for _, d := range page.Docs {
			v.Findings = append(v.Findings, d.Value)
		}
	}
	var err error
	v.Links, err = s.links(ctx, doc, p)
	return v, err
}

// allowed lists what the caller may do with the case as it now is.
func (s *Service) allowed(p auth.Principal, object auth.Object, v *View) []string {
	may := func(a auth.Action) bool { return auth.Allow(p, a, object) }
	c := &v.Case
	list := []string{}
	add := func(word string, ok bool) {
		if ok {
			list = append(list, word)
		}
	}
	handle := may(auth.ActionCaseHandle) && !v.Involved && c.MergedInto == ""
	add("acknowledge", handle && (c.Open && !c.Seen() || !c.Open && !c.AnsweredAfter.IsZero()))
	add("assign", may(auth.ActionCaseAssign) && !v.Involved && c.Open)
	add("assess", handle && c.Open)
	add("decide", handle && c.Open)
	add("measure", handle && c.Open)
	add("settle", c.Open && (handle || c.OwnsMeasure(p.Subject)))
	add("check-effect", c.State == StateEffectCheck && (handle || c.EffectChecker == p.Subject) && !v.Involved && !c.OwnsMeasure(p.Subject))
	add("message", handle && c.Report != nil)
	add("link", handle)
	add("close", may(auth.ActionCaseClose) && c.Open && len(v.Blockers) == 0)
	add("reopen", handle && !c.Open)
	add("reject", may(auth.ActionCaseClose) && handle && c.Open && len(c.RejectBlockers()) == 0)
	add("pin", may(auth.ActionEvidencePin) && !v.Involved)
	add("read-evidence", v.Raw)
	return list
}

// links are the neighbouring incidents and the cases linked by hand, those
// that the caller may see.
func (s *Service) links(ctx context.Context, doc docstore.Doc[Case], p auth.Principal) ([]Link, error) {
	var all []Link
	if doc.Value.GroupID != "" {
		group, err := s.groups.Get(ctx, doc.Value.GroupID)
		if err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return nil, err
		}
		earlier, later := group.Value.Neighbours(doc.ID)
		for kind, to := range map[string]string{LinkEarlier: earlier, LinkLater: later} {
			if to != "" {
				all = append(all, Link{CaseID: to, Kind: kind})
			}
		}
	}
	all = append(all, doc.Value.linked()...)
	seen := []Link{}
	for _, l := range all {
		other, err := s.cases.Get(ctx, l.CaseID)
		if errors.Is(err, docstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if auth.Allow(p, auth.ActionCaseRead, other.Value.Object(tenant.ID(doc.Tenant))) {
			l.Number = other.Value.Number
			seen = append(seen, l)
		}
	}
	slices.SortFunc(seen, func(a, b Link) int { return strings.Compare(a.Kind+a.Number, b.Kind+b.Number) })
	return seen, nil
}

// Access says, to another part of Varde, where the case belongs.
func (s *Service) Access(ctx context.Context, caseID string) (Row, error) {
	doc, p, err := s.load(ctx, caseID, auth.ActionCaseRead)
	if err != nil {
		return Row{}, err
	}
	if !p.Service {
		return Row{}, ErrForbidden
	}
	return Row{doc.ID, doc.Tenant, doc.Value}, nil
}

// sectionFilter is Case.Section as a filter, for the moment now.
func sectionFilter(section string, now time.Time) (docstore.Filter, error) {
	week := now.Add(7 * 24 * time.Hour)
	overdue := docstore.Range{Field: "dueAt", Lt: now}
	waiting := docstore.Exists{Field: "waitingFor"}
	fresh := docstore.In{Field: "state"}
	for _, st := range undecided {
		fresh.Values = append(fresh.Values, string(st))
	}
	answered := docstore.Exists{Field: "answeredAfter"}
	soon := docstore.Range{Field: "dueAt", Lt: week}
	not := func(f docstore.Filter) docstore.Filter { return docstore.Not{Filter: f} }
	switch section {
	case SectionOverdue:
		return overdue, nil
	case SectionWaiting:
		return docstore.And{not(overdue), waiting}, nil
	case SectionNew:
		return docstore.And{not(overdue), not(waiting), docstore.Or{fresh, answered}}, nil
	case SectionThisWeek:
		return docstore.And{not(overdue), not(waiting), not(fresh), not(answered), soon}, nil
	case SectionLater:
		return docstore.And{not(overdue), not(waiting), not(fresh), not(answered), not(soon)}, nil
	}
	return nil, problem.Invalid("There is no such section.", problem.Field{Pointer: "section", Slug: "not-a-choice", Detail: "This is none of the sections."})
}

// QueuePage is a page of a person's queue.
type QueuePage struct {
	Rows   []Row
	Next   string
	Counts map[string]int
	Now    time.Time
}

// Queue lists the open cases that the caller takes part in, and those they
// closed that the reporter wrote to since, section by section in the order of
// Sections, by what is due first within each.
func (s *Service) Queue(ctx context.Context, section string, limit int, after string) (QueuePage, error) {
	p, err := caller(ctx)
	if err != nil {
		return QueuePage{}, err
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseList), "queue:own", "")
	if err != nil {
		return QueuePage{}, err
	}
	now := s.clock().UTC()
	mine := docstore.And{docstore.Eq{Field: "owners", Value: p.Subject}, docstore.Or{
		docstore.Eq{Field: "open", Value: true},
		docstore.And{docstore.Exists{Field: "answeredAfter"}, docstore.Eq{Field: "handlerId", Value: p.Subject}},
	}}
	page := QueuePage{Counts: map[string]int{}, Now: now}
	for _, name := range Sections {
		f, err := sectionFilter(name, now)
		if err != nil {
			return page, err
		}
		if page.Counts[name], err = s.cases.Count(ctx, append(slices.Clone(mine), f)); err != nil {
			return page, err
		}
	}
	page.Rows, page.Next, err = s.queueRows(ctx, mine, section, now, limit, after)
	if err == nil {
		done(map[string]int{"cases": len(page.Rows)})
	}
	return page, err
}

// queueRows pages through the sections; the cursor is the section and the
// cursor within it.
func (s *Service) queueRows(ctx context.Context, mine docstore.And, section string, now time.Time, limit int, after string) ([]Row, string, error) {
	sections, from := Sections, 0
	if section != "" {
		sections = []string{section}
	}
	if name, rest, ok := strings.Cut(after, "~"); ok {
		if from = slices.Index(sections, name); from < 0 {
			return nil, "", problem.Invalid("The page is not one of this list.", problem.Field{Pointer: "after", Slug: "wrong-form", Detail: "This is no page of this list."})
		}
		after = rest
	}
	rows := []Row{}
	for i := from; i < len(sections); i++ {
		f, err := sectionFilter(sections[i], now)
		if err != nil {
			return nil, "", err
		}
		found, err := s.cases.Find(ctx, append(slices.Clone(mine), f), docstore.FindOptions{
			Limit: limit - len(rows), After: after, Sort: []docstore.Sort{{Field: "dueAt"}, {Field: "rank", Desc: true}},
		})
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, rowsOf(found)...)
		after = found.Next
		if after != "" {
			return rows, sections[i] + "~" + after, nil
		}
		if len(rows) >= limit && i+1 < len(sections) {
			return rows, sections[i+1] + "~", nil
		}
	}
	return rows, "", nil
}

func rowsOf(page docstore.Page[Case]) []Row {
	rows := make([]Row, 0, len(page.Docs))
	for _, d := range page.Docs {
		rows = append(rows, Row{d.ID, d.Tenant, d.Value})
	}
	return rows
}

// Search filters cases.
type Search struct {
	Text                                              string
	States, Severities, Sources, Families, Categories []string
	Open                                              bool
	SystemID, UnitID, VendorID, HandlerID             string
	From, To                                          time.Time
	Sort                                              string // newest (default), due, severity
	Limit                                             int
	After                                             string
}

// Search lists the cases the caller may see.
func (s *Service) Search(ctx context.Context, q Search) ([]Row, string, error) {
	p, err := caller(ctx)
	if err != nil {
		return nil, "", err
	}
	reach, ok := auth.Reach(p, auth.ActionCaseList)
	if !ok {
		return nil, "", ErrForbidden
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseList), "cases:search", "")
	if err != nil {
		return nil, "", err
	}
	sort := []docstore.Sort{{Field: "created", Desc: true}}
	switch q.Sort {
	case "due":
		sort = []docstore.Sort{{Field: "dueAt"}}
	case "severity":
		sort = []docstore.Sort{{Field: "rank", Desc: true}, {Field: "created", Desc: true}}
	}
	page, err := s.cases.Find(ctx, append(q.filter(), within(reach, p.Subject)...), docstore.FindOptions{Sort: sort, Limit: q.Limit, After: q.After})
	if err != nil {
		return nil, "", err
	}
	done(map[string]int{"cases": len(page.Docs)})
	return rowsOf(page), page.Next, nil
}

// within keeps a list to what the caller reaches.
func within(reach auth.ReachOf, subject string) docstore.And {
	if reach.Tenant {
		return nil
	}
	own := docstore.Or{docstore.Eq{Field: "owners", Value: subject}}
	if len(reach.Units) > 0 {
		in := docstore.In{Field: "reachUnit"}
		for _, u := range reach.Units {
			in.Values = append(in.Values, u)
		}
		own = append(own, in)
	}
	return docstore.And{own}
}

func (q Search) filter() docstore.And {
	f := docstore.And{}
	in := func(field string, values []string) {
		if len(values) == 0 {
			return
		}
		one := docstore.In{Field: field}
		for _, v := range values {
			one.Values = append(one.Values, v)
		}
		f = append(f, one)
	}
	eq := func(field, value string) {
		if value != "" {
			f = append(f, docstore.Eq{Field: field, Value: value})
		}
	}
	for _, word := range wordsIn(q.Text) {
		f = append(f, docstore.Prefix{Field: "words", Value: word})
	}
	in("state", q.States)
	in("severity", q.Severities)
	in("source", q.Sources)
	in("family", q.Families)
	in("category", q.Categories)
	if q.Open {
		f = append(f, docstore.Eq{Field: "open", Value: true})
	} else if len(q.States) == 0 {
		f = append(f, docstore.Not{Filter: docstore.Eq{Field: "state", Value: string(StateMerged)}})
	}
	eq("systemId", q.SystemID)
	eq("unitId", q.UnitID)
	eq("vendorId", q.VendorID)
	eq("handlerId", q.HandlerID)
	if !q.From.IsZero() || !q.To.IsZero() {
		r := docstore.Range{Field: "created"}
		if !q.From.IsZero() {
			r.Gte = q.From
		}
		if !q.To.IsZero() {
			r.Lt = q.To
		}
		f = append(f, r)
	}
	return f
}

// wordsIn are the words looked for; a case number stays whole.
func wordsIn(text string) []string {
	var words []string
	for _, part := range strings.Fields(strings.ToLower(text)) {
		if caseNumber(part) {
			words = append(words, part)
			continue
		}
		words = append(words, wordsOf(part)...)
	}
	return words
}

// caseNumber reports whether a word looks like the beginning of PREFIX-YEAR-NNNN.
func caseNumber(word string) bool {
	prefix, rest, ok := strings.Cut(word, "-")
	return ok && prefix != "" && strings.Trim(rest, "0123456789-") == ""
}
