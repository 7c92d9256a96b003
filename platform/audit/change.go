package audit

import (
	"encoding/json"
	"strings"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

// Phases and results of a record.
const (
	PhaseIntent  = "intent"
	PhaseOutcome = "outcome"
	PhaseChange  = "change"

	ResultOK     = "ok"
	ResultDenied = "denied"
	ResultError  = "error"
)

// Change returns the message that records a change, for the outbox of the
// document that changed: the store writes both or neither. Object is kind:id;
// details hold ids, slugs and counts, and values of fields where the history
// needs them. The tenant is the document's. The service is the one that the
// action's noun belongs to; ChangeRecord sets it and the other fields freely.
func Change(actor topics.Actor, action, object string, details map[string]string) docstore.Outgoing {
	return ChangeRecord(topics.AuditRecord{Actor: actor, Action: action, Object: object, Details: details})
}

// ChangeRecord is Change with every field of the record. ID, Time, Service,
// Phase and Result are filled where empty. The store keeps the message with the
// id it has at the write, so that a relay that repeats it repeats the id.
func ChangeRecord(r topics.AuditRecord) docstore.Outgoing {
	if r.ID == "" {
		r.ID = id.New()
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.UTC()
	if r.Service == "" {
		r.Service = serviceOf(r.Action)
	}
	if r.Phase == "" {
		r.Phase = PhaseChange
	}
	if r.Result == "" {
		r.Result = ResultOK
	}
	return docstore.Outgoing{Topic: bus.TopicAudit, Message: message(r)}
}

func message(r topics.AuditRecord) bus.Message {
	// A record is strings, numbers and a time: encoding it cannot fail.
	value, _ := json.Marshal(r)
	return bus.Message{Tenant: r.Tenant, Key: r.ID, ID: r.ID, Type: topics.TypeAuditRecord, Version: 1, Value: value}
}

// owners says which service the nouns of actions belong to (platform/auth
// lists the actions by service).
var owners = map[string]string{
	"report": "deviation", "form": "deviation",
	"case": "cases", "evidence": "cases", "measure": "cases",
	"event":  "search",
	"source": "register", "register": "register", "window": "register", "vendor": "register",
	"agreement": "register", "vendor-person": "register", "system": "register",
	"directory": "identity", "account": "identity", "session": "identity", "tenant": "identity", "unit": "identity", "person": "identity",
}

func serviceOf(action string) string {
	noun, _, _ := strings.Cut(action, ".")
	if s, ok := owners[noun]; ok {
		return s
	}
	return noun
}
