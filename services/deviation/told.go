package deviation

import (
	"context"
	"encoding/json"
	"errors"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// errOld ends an update by a message that tells nothing new.
var errOld = errors.New("deviation: known already")

// HandleCases takes a batch of the cases topic into the follow-up view. What
// cannot be read is logged and left: it would never become readable.
func (s *Service) HandleCases(ctx context.Context, batch []bus.Message) error {
	for _, m := range batch {
		if !tenant.ID(m.Tenant).Valid() {
			continue
		}
		mctx := tenant.With(ctx, tenant.ID(m.Tenant))
		var err error
		switch m.Type {
		case topics.TypeCaseChanged:
			var c topics.CaseChanged
			if json.Unmarshal(m.Value, &c) != nil || c.Tenant != m.Tenant {
				s.unreadable(ctx, m)
				continue
			}
			err = s.takeChange(mctx, c)
		case topics.TypeCaseMessage:
			var c topics.CaseMessage
			if json.Unmarshal(m.Value, &c) != nil || c.Tenant != m.Tenant || c.ID == "" {
				s.unreadable(ctx, m)
				continue
			}
			err = s.takeMessage(mctx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) unreadable(ctx context.Context, m bus.Message) {
	s.log.ErrorContext(ctx, "message cannot be read", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "type", m.Type)
}

// takeChange writes what the case came to. Messages of a case come in order;
// one that is older than what is known is a repeat (see Report.takes).
func (s *Service) takeChange(ctx context.Context, c topics.CaseChanged) error {
	for _, reportID := range c.ReportIDs {
		_, err := s.reports.Update(ctx, reportID, func(r *Report, _ *docstore.Outbox) error {
			if !r.takes(c) {
				return errOld
			}
			if c.Sequence > 0 {
				r.CaseID, r.CaseSequence = c.CaseID, c.Sequence
			}
			if c.Changed.After(r.Changed) {
				r.Changed = c.Changed // it never goes back, as clocks may
			}
			r.State, r.CaseNumber, r.Told, r.Measures = c.State, c.Number, c.Outcome, c.Measures
			return nil
		})
		// A report that is not here belongs to another installation's data.
		if err != nil && !errors.Is(err, errOld) && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
	}
	return nil
}

// takeMessage adds what the handler wrote.
func (s *Service) takeMessage(ctx context.Context, c topics.CaseMessage) error {
	kind := MessagePlain
	if c.Question {
		kind = MessageQuestion
	}
	sequence := 0
	_, err := s.reports.Update(ctx, c.ReportID, func(r *Report, _ *docstore.Outbox) error {
		var fresh bool
		if sequence, fresh = r.place(c.ID); fresh {
			r.Asked = c.Question
		}
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.messages.Insert(ctx, c.ID, Message{ReportID: c.ReportID, Sequence: sequence, From: FromHandler, Kind: kind, Text: c.Text, Sent: c.Sent})
	if errors.Is(err, docstore.ErrExists) {
		return nil
	}
	return err
}
