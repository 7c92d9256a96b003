package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// entraAudit reads the directory's audit log, from Graph
// (auditLogs/directoryAudits), diagnostic settings (AuditLogs) and Log Analytics.
var entraAudit = jsonKind{
	name:   "entra.audit",
	module: "azure",
	knows: func(o object) bool {
		switch o.first("category", "Category") {
		case "AuditLogs":
			return true
		}
		return o.has("activityDateTime") && (o.has("activityDisplayName") || o.has("initiatedBy")) ||
			o.is("AuditLogs", "Type") && o.has("OperationName")
	},
	read: readEntraAudit,
}

func readEntraAudit(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	p := o.inner("properties")
	if !p.ok() {
		p = o
	}
	at := p.first("activityDateTime", "ActivityDateTime")
	if at == "" {
		at = o.first("time", "TimeGenerated")
	}
	if err := s.setTime(ev, at, now); err != nil {
		return err
	}
	ev.Event.Provider = "entra"
	ev.Cloud = &ecs.Cloud{Provider: "azure"}
	ev.Observer = &ecs.Observer{Vendor: "Microsoft", Product: "Entra ID", Type: "idp"}
	ev.Org = organization(o.first("tenantId", "TenantId", "AADTenantId"))
	label(ev, "correlation_id", either(p.first("correlationId", "CorrelationId"), o.str("correlationId")))
	label(ev, "record_id", p.first("id", "Id"))
	label(ev, "category", p.first("category", "Category"))
	by := p.inner("initiatedBy")
	if !by.ok() {
		by = p.inner("InitiatedBy")
	}
	entraActor(by, ev)
	activity := p.first("activityDisplayName", "ActivityDisplayName")
	if activity == "" {
		activity = o.first("operationName", "OperationName")
	}
	ev.Event.Code = activity
	ev.Message = activity
	result := either(p.first("result", "Result"), o.first("resultSignature", "ResultSignature"))
	ev.Event.Reason = word(p.first("resultReason", "ResultReason", "ResultDescription"))
	targets := p.list("targetResources")
	if targets == nil {
		targets = p.list("TargetResources")
	}
	outcome := ecs.OutcomeUnknown
	switch strings.ToLower(result) {
	case "success":
		outcome = ecs.OutcomeSuccess
	case "failure", "clienterror", "servererror":
		outcome = ecs.OutcomeFailure
	}
	directoryChange(activity, outcome, ev)
	entraTargets(targets, ev)
	return nil
}

// entraActor: a person with a name, or an application.
func entraActor(by object, ev *ecs.Event) {
	if u := by.obj("user"); u.ok() {
		setMail(ev, u.str("userPrincipalName"))
		if id := u.str("id"); id != "" {
			isUser(ev).ID = id
		}
		if n := u.str("displayName"); n != "" {
			isUser(ev).FullName = n
		}
		ev.Source = party(u.str("ipAddress"))
		if ev.User != nil {
			return
		}
	}
	if a := by.obj("app"); a.ok() {
		if name := a.str("displayName"); name != "" {
			setUser(ev, name)
		}
		if id := either(a.str("servicePrincipalId"), a.str("appId")); id != "" {
			isUser(ev).ID = id
		}
	}
}

// directoryChange says what an activity of a Microsoft directory means; the
// names of Entra and of Microsoft 365 (with a full stop at the end) are one.
func directoryChange(activity, outcome string, ev *ecs.Event) {
	k, action := kindIAMChange, strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(activity, ".")), " ", "-")
	switch strings.ToLower(strings.TrimSuffix(activity, ".")) {
	case "add user", "invite external user", "add external user", "restore user", "create user":
		k, action = kindAdd, ecs.ActionAccountCreated
	case "delete user", "hard delete user", "hard deleted user", "delete external user":
		k, action = kindDelete, ecs.ActionAccountDeleted
	case "update user", "disable account", "enable account", "update stsrefreshtokenvalidfrom timestamp", "set force change user password", "change user license":
		k, action = kindChange, ecs.ActionAccountChanged
	case "reset user password", "change user password", "reset password (by admin)", "reset password (self-service)", "change password (self-service)", "reset password":
		k, action = kindChange, ecs.ActionPasswordChange
	case "add member to group", "add owner to group":
		k, action = kindGroup, ecs.ActionGroupMember
	case "remove member from group", "remove owner from group":
		k, action = kindGroup, ecs.ActionGroupRemoved
	case "add member to role", "add eligible member to role", "add scoped member to role", "add member to role completed (pim activation)",
		"add member to role in pim completed (permanent)", "add member to role in pim completed (timebound)", "add eligible member to role in pim completed (permanent)",
		"add eligible member to role in pim completed (timebound)":
		k, action = kindGroup, ecs.ActionGroupMember
	case "remove member from role", "remove eligible member from role", "remove scoped member from role", "remove member from role (pim deactivate)":
		k, action = kindGroup, ecs.ActionGroupRemoved
	case "add group", "create group":
		k, action = kindGroupAdd, "group-created"
	case "delete group":
		k, action = kindGroupDel, "group-deleted"
	case "update group":
		k, action = kindGroup, "group-changed"
	case "blocked from self-service password reset", "self-service password reset flow activity progress", "verify password", "user started password reset":
		k = kindIAM
	}
	classify(ev, k, action, outcome)
}

// entraTargets: whom it was about, and which group or role. The name of a role
// or group stands in the properties that changed, as JSON inside a text.
func entraTargets(targets []object, ev *ecs.Event) {
	for _, t := range targets {
		switch kind := strings.ToLower(t.str("type")); kind {
		case "user", "serviceprincipal", "":
			if ev.User != nil && ev.User.Target != nil {
				break
			}
			name := t.str("userPrincipalName")
			if name == "" && kind != "user" {
				name = t.str("displayName")
			}
			if name == "" && t.str("id") == "" {
				break
			}
			u := isTarget(ev)
			u.Name, u.ID = name, t.str("id")
			splitLogin(u)
			if isMail(name) {
				u.Email = name
			}
			if n := t.str("displayName"); n != name {
				u.FullName = n
			}
		case "group", "role", "directoryrole":
			if ev.Group == nil {
				ev.Group = &ecs.Group{}
			}
			ev.Group.ID = t.str("id")
			if n := t.str("displayName"); n != "" {
				ev.Group.Name = n
			}
		}
		for _, c := range t.list("modifiedProperties") {
			name, value := c.str("displayName"), strings.Trim(either(word(strings.Trim(c.str("newValue"), `"`)), c.str("oldValue")), `"[]`)
			if value == "" {
				continue
			}
			switch name {
			case "Role.DisplayName", "Group.DisplayName":
				if ev.Group == nil {
					ev.Group = &ecs.Group{}
				}
				ev.Group.Name = value
			case "Role.ObjectID", "Group.ObjectID":
				if ev.Group == nil {
					ev.Group = &ecs.Group{}
				}
				ev.Group.ID = value
			}
		}
	}
	if g := ev.Group; g != nil {
		label(ev, "group", either(g.Name, g.ID))
	}
}
