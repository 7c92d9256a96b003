package auth

// policy is the one table of what people may do: role × action → how far.
// What is not in it is refused. Sources: R15–R23 for the roles, R41 for who
// sees sensitive data, N3 is checked by services/cases on the object.
//
// Reading notes:
//   - Everyone may handle a case that is routed to them (ScopeOwn): a delegate
//     may have no role of their own (R23b). A case is own to its handler alone;
//     what a task in it opens (a measure, the effect check) services/cases
//     judges (R41). The administrator may not: that role sees no case content.
//   - The auditor reads everything and changes nothing (R23).
//   - The regional coordinator sees aggregates only (R21).
//   - Opening an access window is the owner's, the day-to-day responsible's or
//     the controller's to approve (R16, R25), never the one's who checks it
//     afterwards.
var policy = map[Role]map[Action]Scope{
	RoleEmployee: {
		ActionReportSubmit:  ScopeTenant,
		ActionReportFollow:  ScopeOwn,
		ActionFormRead:      ScopeTenant,
		ActionCaseList:      ScopeOwn,
		ActionCaseRead:      ScopeOwn,
		ActionCaseHandle:    ScopeOwn,
		ActionCaseAssign:    ScopeOwn,
		ActionCaseClose:     ScopeOwn,
		ActionEvidenceRead:  ScopeOwn,
		ActionDirectoryRead: ScopeOwn,
	},
	RoleSuperuser: {
		ActionCaseList:      ScopeUnit,
		ActionCaseRead:      ScopeUnit,
		ActionCaseHandle:    ScopeUnit,
		ActionRegisterRead:  ScopeTenant,
		ActionDirectoryRead: ScopeTenant,
	},
	RoleResponsible: {
		ActionCaseList:      ScopeUnit,
		ActionCaseRead:      ScopeUnit,
		ActionCaseCreate:    ScopeTenant,
		ActionCaseHandle:    ScopeUnit,
		ActionCaseAssign:    ScopeUnit,
		ActionCaseClose:     ScopeUnit,
		ActionEvidenceRead:  ScopeUnit,
		ActionEvidencePin:   ScopeUnit,
		ActionEventSearch:   ScopeTenant,
		ActionRegisterRead:  ScopeTenant,
		ActionRegisterWrite: ScopeUnit,
		ActionWindowRequest: ScopeTenant,
		ActionWindowApprove: ScopeUnit,
		ActionDirectoryRead: ScopeTenant,
		ActionOverviewRead:  ScopeUnit,
	},
	RoleSystemOwner: {
		ActionRegisterRead:  ScopeTenant,
		ActionRegisterWrite: ScopeOwn,
		ActionWindowRequest: ScopeTenant,
		ActionWindowApprove: ScopeOwn,
		ActionDirectoryRead: ScopeTenant,
		ActionOverviewRead:  ScopeOwn,
	},
	RoleSystemAdministrator: {
		ActionEventSearch:   ScopeTenant,
		ActionSourceRead:    ScopeTenant,
		ActionRegisterRead:  ScopeTenant,
		ActionRegisterWrite: ScopeOwn,
		ActionWindowRequest: ScopeTenant,
		ActionDirectoryRead: ScopeTenant,
	},
	RoleSecurityOfficer: {
		ActionReportReveal:   ScopeTenant,
		ActionCaseList:       ScopeTenant,
		ActionCaseRead:       ScopeTenant,
		ActionCaseCreate:     ScopeTenant,
		ActionCaseHandle:     ScopeTenant,
		ActionCaseAssign:     ScopeTenant,
		ActionCaseClose:      ScopeTenant,
		ActionEvidenceRead:   ScopeTenant,
		ActionEvidencePin:    ScopeTenant,
		ActionEventSearch:    ScopeTenant,
		ActionEventNames:     ScopeTenant,
		ActionSourceRead:     ScopeTenant,
		ActionDeadLetterRead: ScopeTenant,
		ActionReparse:        ScopeTenant,
		ActionRegisterRead:   ScopeTenant,
		ActionRegisterWrite:  ScopeTenant,
		ActionWindowRequest:  ScopeTenant,
		ActionDirectoryRead:  ScopeTenant,
		ActionAuditRead:      ScopeTenant,
		ActionAuditExport:    ScopeTenant,
		ActionHealthRead:     ScopeTenant,
		ActionOverviewRead:   ScopeTenant,
		ActionHoldRead:       ScopeTenant,
		ActionHoldWrite:      ScopeTenant,
	},
	RoleController: {
		ActionReportReveal:  ScopeTenant,
		ActionCaseList:      ScopeTenant,
		ActionCaseRead:      ScopeTenant,
		ActionCaseCreate:    ScopeTenant,
		ActionCaseHandle:    ScopeTenant,
		ActionCaseAssign:    ScopeTenant,
		ActionCaseClose:     ScopeTenant,
		ActionEvidenceRead:  ScopeTenant,
		ActionRegisterRead:  ScopeTenant,
		ActionWindowRequest: ScopeTenant,
		ActionWindowApprove: ScopeTenant,
		ActionDirectoryRead: ScopeTenant,
		ActionAuditRead:     ScopeTenant,
		ActionOverviewRead:  ScopeTenant,
		ActionHoldRead:      ScopeTenant,
	},
	RoleOperationsManager: {
		ActionEventSearch:    ScopeTenant,
		ActionSourceRead:     ScopeTenant,
		ActionSourceWrite:    ScopeTenant,
		ActionDeadLetterRead: ScopeTenant,
		ActionReparse:        ScopeTenant,
		ActionRegisterRead:   ScopeTenant,
		ActionRegisterWrite:  ScopeTenant,
		ActionWindowRequest:  ScopeTenant,
		ActionDirectoryRead:  ScopeTenant,
		ActionHealthRead:     ScopeTenant,
	},
	RoleHostOperator: {
		ActionEventSearch:    ScopeTenant,
		ActionSourceRead:     ScopeTenant,
		ActionSourceWrite:    ScopeTenant,
		ActionDeadLetterRead: ScopeTenant,
		ActionReparse:        ScopeTenant,
		ActionRegisterRead:   ScopeTenant,
		ActionWindowRequest:  ScopeTenant,
		ActionDirectoryRead:  ScopeTenant,
		ActionHealthRead:     ScopeTenant,
	},
	RoleRegionalCoordinator: {
		ActionOverviewRead: ScopeRegion,
	},
	RoleAuditor: {
		ActionFormRead:       ScopeTenant,
		ActionCaseList:       ScopeTenant,
		ActionCaseRead:       ScopeTenant,
		ActionEvidenceRead:   ScopeTenant,
		ActionEventSearch:    ScopeTenant,
		ActionEventNames:     ScopeTenant,
		ActionSourceRead:     ScopeTenant,
		ActionDeadLetterRead: ScopeTenant,
		ActionRegisterRead:   ScopeTenant,
		ActionDirectoryRead:  ScopeTenant,
		ActionAuditRead:      ScopeTenant,
		ActionAuditExport:    ScopeTenant,
		ActionHealthRead:     ScopeTenant,
		ActionOverviewRead:   ScopeTenant,
		ActionHoldRead:       ScopeTenant,
	},
	RoleAdministrator: {
		ActionReportSubmit:   ScopeTenant,
		ActionReportFollow:   ScopeOwn,
		ActionFormRead:       ScopeTenant,
		ActionSourceRead:     ScopeTenant,
		ActionSourceWrite:    ScopeTenant,
		ActionDeadLetterRead: ScopeTenant,
		ActionReparse:        ScopeTenant,
		ActionRegisterRead:   ScopeTenant,
		ActionDirectoryRead:  ScopeTenant,
		ActionDirectoryWrite: ScopeTenant,
		ActionAccountAdmin:   ScopeTenant,
		ActionHealthRead:     ScopeTenant,
		ActionHoldRead:       ScopeTenant,
		ActionHoldWrite:      ScopeTenant,
	},
}

// everyone is what each signed-in person may do, whatever their roles: also
// the one who must change an assigned password and has no role until then.
var everyone = map[Action]Scope{ActionAccountSelf: ScopeOwn}

// servicePolicy is what a part of Varde may ask another part for over HTTP, by
// the name it runs under. A service acts in the tenant it names.
var servicePolicy = map[string][]Action{
	"web":        {ActionSessionManage, ActionHealthRead},
	"identity":   {ActionAuditAppend},
	"register":   {ActionAuditAppend, ActionDirectoryRead},
	"deviation":  {ActionAuditAppend, ActionDirectoryRead, ActionRegisterRead, ActionCaseRead},
	"cases":      {ActionAuditAppend, ActionDirectoryRead, ActionRegisterRead, ActionReportFollow, ActionEventSearch, ActionEventNames, ActionEvidencePin},
	"search":     {ActionAuditAppend, ActionDirectoryRead, ActionRegisterRead, ActionCaseRead, ActionEvidencePin},
	"audit":      {ActionDirectoryRead},
	"collector":  {ActionAuditAppend, ActionRegisterRead},
	"indexer":    {ActionAuditAppend, ActionHoldRead},
	"correlator": {ActionAuditAppend, ActionRegisterRead},
	"sources":    {ActionAuditAppend, ActionRegisterRead},
	"reparse":    {ActionAuditAppend, ActionCaseRead, ActionHoldRead},
}
