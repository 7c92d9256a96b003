package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// stores are the service's collections.
type stores struct {
	records     docstore.Collection[entry]
	chunks      docstore.Collection[chunk]
	checkpoints docstore.Collection[signed]
}

func openStores(ctx context.Context, store docstore.Backend) (s stores, err error) {
	if s.records, err = docstore.Open[entry](ctx, store, recordsDefinition); err != nil {
		return s, err
	}
	if s.chunks, err = docstore.Open[chunk](ctx, store, chunksDefinition); err != nil {
		return s, err
	}
	s.checkpoints, err = docstore.Open[signed](ctx, store, checkpointsDefinition)
	return s, err
}

// Service is the use cases. Safe for concurrent use.
type Service struct {
	stores stores
	key    bundle.Key
	log    *slog.Logger
	clock  func() time.Time
	stepUp time.Duration

	mu      sync.Mutex
	logs    map[tenant.ID]*tenantLog
	waiting map[tenant.ID][]pendingEntry
	wake    chan struct{}
}

func newService(s stores, key bundle.Key, log *slog.Logger, clock func() time.Time, cfg Config) *Service {
	return &Service{
		stores: s, key: key, log: log, clock: clock, stepUp: cfg.StepUp,
		logs: map[tenant.ID]*tenantLog{}, waiting: map[tenant.ID][]pendingEntry{}, wake: make(chan struct{}, 1),
	}
}

// errOtherContent refuses a second record under an id.
var errOtherContent = problem.Conflict("record-exists", "There is another record with this id.")

// Record stores a record durably and returns; its place in the log follows
// within moments. The same record again is a no-op, another under its id a
// conflict. ctx carries the record's tenant.
func (s *Service) Record(ctx context.Context, r topics.AuditRecord) error {
	tid, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	if r.Tenant != string(tid) {
		return problem.Invalid("The record is another tenant's.", problem.Field{Pointer: "/tenant", Slug: "not-yours", Detail: "This is not the tenant that is acted for."})
	}
	if field := valid(r); field != "" {
		return problem.Invalid("The record is not whole.", problem.Field{Pointer: "/" + field, Slug: "missing", Detail: "This is missing or unknown."})
	}
	if r.Phase == audit.PhaseOutcome && r.Intent != "" {
		if err := s.fromIntent(ctx, &r); err != nil {
			return err
		}
	}
	e, err := newEntry(r, s.clock())
	if err != nil {
		return err
	}
	_, err = s.stores.records.Insert(ctx, r.ID, e)
	if errors.Is(err, docstore.ErrExists) {
		return s.again(ctx, r.ID, e)
	}
	if err != nil {
		return err
	}
	s.enqueue(tid, pendingEntry{id: r.ID, entry: e})
	return nil
}

// again decides about a record whose id is there already.
func (s *Service) again(ctx context.Context, id string, e entry) error {
	have, err := s.stores.records.Get(ctx, id)
	if err != nil {
		return err
	}
	if have.Value.Body == e.Body || have.Value.Erased {
		return nil
	}
	return errOtherContent
}

// fromIntent completes an outcome, so that it can be found by whom and what it
// was about. An intent that is unknown or erased leaves it as it is.
func (s *Service) fromIntent(ctx context.Context, r *topics.AuditRecord) error {
	d, err := s.stores.records.Get(ctx, r.Intent)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && d.Value.Erased) {
		if r.Action == "" {
			r.Action = "unknown"
		}
		return nil
	}
	if err != nil {
		return err
	}
	intent, err := d.Value.record()
	if err != nil {
		return err
	}
	r.Actor, r.Action, r.Object, r.CaseID = intent.Actor, intent.Action, intent.Object, intent.CaseID
	return nil
}

// own records what a person does with the log itself.
func (s *Service) own(ctx context.Context, p auth.Principal, action, purpose string, details map[string]string) error {
	return s.Record(ctx, topics.AuditRecord{
		ID: id.New(), Tenant: string(p.Tenant), Time: s.clock().UTC(), Service: "audit",
		Actor: audit.ActorOf(p), Action: action, Purpose: purpose,
		Phase: audit.PhaseIntent, Details: details,
	})
}

func (s *Service) enqueue(tid tenant.ID, p ...pendingEntry) {
	s.mu.Lock()
	s.waiting[tid] = append(s.waiting[tid], p...)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// maxAppend bounds the records of one chunk.
const maxAppend = 500

// take removes what waits for a tenant's log, at most maxAppend.
func (s *Service) take(tid tenant.ID) []pendingEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.waiting[tid]
	n := min(len(all), maxAppend)
	out := all[:n:n]
	if n == len(all) {
		delete(s.waiting, tid)
	} else {
		s.waiting[tid] = all[n:]
	}
	return out
}

func (s *Service) tenantsWaiting() []tenant.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]tenant.ID, 0, len(s.waiting))
	for t := range s.waiting {
		out = append(out, t)
	}
	return out
}

func (s *Service) logOf(tid tenant.ID) *tenantLog {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.logs[tid]
	if !ok {
		l = newTenantLog(tid, s.stores, s.clock)
		s.logs[tid] = l
	}
	return l
}

func (s *Service) allLogs() []*tenantLog {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*tenantLog, 0, len(s.logs))
	for _, l := range s.logs {
		out = append(out, l)
	}
	return out
}

// flush gives everything that waits in this process its place.
func (s *Service) flush(ctx context.Context) error {
	var errs []error
	for _, tid := range s.tenantsWaiting() {
		for {
			batch := s.take(tid)
			if len(batch) == 0 {
				break
			}
			if err := s.logOf(tid).append(tenant.With(ctx, tid), batch); err != nil {
				s.enqueueFirst(tid, batch)
				errs = append(errs, err)
				break
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Service) enqueueFirst(tid tenant.ID, batch []pendingEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[tid] = append(batch, s.waiting[tid]...)
}

// run appends what is recorded until ctx is done, and then what is left.
func (s *Service) run(ctx context.Context) {
	failures := 0
	var retry <-chan time.Time // set while the last flush failed: then the backoff decides, not new records
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			_ = s.flush(last) // what fails now is swept up at the next start
			return
		case <-s.wake:
			if retry != nil {
				continue
			}
		case <-retry:
		}
		err := s.flush(ctx)
		if err == nil {
			failures, retry = 0, nil
			continue
		}
		failures++
		retry = time.After(min(100*time.Millisecond<<min(failures, 6), 5*time.Second))
		if ctx.Err() == nil && (failures == 1 || failures%20 == 0) {
			s.log.WarnContext(ctx, "records wait for their place in the log", "tries", failures, "error", err)
		}
	}
}
