package auth

// Scope is how far a role reaches with an action.
type Scope int

// The scopes, widest last. Own means the caller's own thing: their report,
// the case they are responsible for or take part in.
const (
	ScopeNone Scope = iota
	ScopeOwn
	ScopeUnit   // the units of the grant and those below
	ScopeTenant // the whole tenant
	ScopeRegion // aggregates of several tenants
)

// Action is something one can ask permission for; "noun.verb".
type Action string

// The actions, by service.
const (
	ActionReportSubmit Action = "report.submit"
	ActionReportFollow Action = "report.follow"
	ActionReportReveal Action = "report.reveal" // the reporter's identity
	ActionFormRead     Action = "form.read"

	ActionCaseList     Action = "case.list"
	ActionCaseRead     Action = "case.read"
	ActionCaseCreate   Action = "case.create" // by hand: of a call, a letter, a tip
	ActionCaseHandle   Action = "case.handle" // decide, measures, dialogue, state
	ActionCaseAssign   Action = "case.assign"
	ActionCaseClose    Action = "case.close"
	ActionEvidenceRead Action = "evidence.read" // raw lines of a case
	ActionEvidencePin  Action = "evidence.pin"

	ActionEventSearch    Action = "event.search"
	ActionEventNames     Action = "event.names" // person fields and raw lines; needs a case too
	ActionHoldRead       Action = "hold.read"   // legal holds: what retention does not delete
	ActionHoldWrite      Action = "hold.write"  // placing and releasing them
	ActionSourceRead     Action = "source.read"
	ActionSourceWrite    Action = "source.write"
	ActionDeadLetterRead Action = "dead-letter.read" // their shape; the lines themselves need event.names and a case
	ActionReparse        Action = "reparse.run"      // replay or discard dead letters, read days again

	ActionRegisterRead  Action = "register.read"
	ActionRegisterWrite Action = "register.write"
	ActionWindowRequest Action = "window.request"
	ActionWindowApprove Action = "window.approve" // owner or delegate, never a vendor

	ActionAccountSelf    Action = "account.self"   // one's own session, password, second factor, absence
	ActionSessionManage  Action = "session.manage" // services only: sign-in, sign-out, tokens of sessions
	ActionDirectoryRead  Action = "directory.read" // units; persons as far as the scope reaches
	ActionDirectoryWrite Action = "directory.write"
	ActionAccountAdmin   Action = "account.admin"

	ActionAuditRead    Action = "audit.read"
	ActionAuditExport  Action = "audit.export"
	ActionAuditAppend  Action = "audit.append" // services only
	ActionHealthRead   Action = "health.read"  // the installation's own health
	ActionOverviewRead Action = "overview.read"
)
