package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// cloudtrail reads AWS CloudTrail: ConsoleLogin decides a login, changes of IAM
// are accounts and rights, the rest is kept with its name.
var cloudtrail = jsonKind{
	name:   "aws.cloudtrail",
	module: "aws",
	knows: func(o object) bool {
		return o.has("eventSource") && o.has("eventName") && o.has("eventTime") && o.has("userIdentity")
	},
	read: readCloudTrail,
}

func readCloudTrail(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	if err := s.setTime(ev, o.str("eventTime"), now); err != nil {
		return err
	}
	name := o.str("eventName")
	ev.Event.Provider, ev.Event.Code, ev.Message = o.str("eventSource"), name, name
	ev.Cloud = &ecs.Cloud{Provider: "aws", Region: o.str("awsRegion")}
	if id := either(o.str("recipientAccountId"), o.str("userIdentity", "accountId")); id != "" {
		ev.Cloud.Account = &ecs.CloudAccount{ID: id}
	}
	ev.Observer = &ecs.Observer{Vendor: "AWS", Product: "CloudTrail", Type: "idp"}
	label(ev, "record_id", o.str("eventID"))
	label(ev, "identity_type", o.str("userIdentity", "type"))
	awsWho(o.obj("userIdentity"), ev)
	ev.Source = party(o.str("sourceIPAddress"))
	if ua := o.str("userAgent"); ua != "" {
		ev.UserAgent = &ecs.UserAgent{Original: ua}
	}
	ev.Event.Reason = either(o.str("errorMessage"), o.str("errorCode"))
	outcome := decides(!o.has("errorCode") && !o.has("errorMessage"))
	target := either(o.str("requestParameters", "userName"), o.str("requestParameters", "roleName"))
	switch name {
	case "ConsoleLogin":
		result := o.str("responseElements", "ConsoleLogin")
		attempt(ev, decides(result == "Success"), "password")
		if o.str("userIdentity", "type") != "IAMUser" && o.str("userIdentity", "type") != "Root" {
			ev.Varde.Method = ""
		}
		if mfa := o.str("additionalEventData", "MFAUsed"); mfa != "" {
			label(ev, "mfa", strings.ToLower(mfa))
		}
	case "CreateUser":
		classify(ev, kindAdd, ecs.ActionAccountCreated, outcome)
		setTarget(ev, target, o.str("responseElements", "user", "userId"))
	case "DeleteUser":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, outcome)
		setTarget(ev, target, "")
	case "CreateLoginProfile", "UpdateLoginProfile", "ChangePassword":
		classify(ev, kindChange, ecs.ActionPasswordChange, outcome)
		setTarget(ev, target, "")
	case "CreateAccessKey", "UpdateUser", "DeactivateMFADevice", "EnableMFADevice", "DeleteAccessKey", "UpdateAccessKey", "DeleteLoginProfile":
		classify(ev, kindChange, ecs.ActionAccountChanged, outcome)
		setTarget(ev, target, "")
	case "AddUserToGroup", "AttachUserPolicy", "PutUserPolicy":
		classify(ev, kindGroup, ecs.ActionGroupMember, outcome)
		awsGroup(o, target, ev)
	case "RemoveUserFromGroup", "DetachUserPolicy", "DeleteUserPolicy":
		classify(ev, kindGroup, ecs.ActionGroupRemoved, outcome)
		awsGroup(o, target, ev)
	case "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "SwitchRole":
		classify(ev, kindSession, ecs.ActionSessionStart, outcome)
		label(ev, "role", o.str("requestParameters", "roleArn"))
	default:
		classify(ev, kindInfo, name, outcome)
	}
	return nil
}

func awsGroup(o object, target string, ev *ecs.Event) {
	setTarget(ev, target, "")
	name := either(o.str("requestParameters", "groupName"), either(o.str("requestParameters", "policyArn"), o.str("requestParameters", "policyName")))
	ev.Group = &ecs.Group{Name: name}
	label(ev, "group", name)
}

// awsWho: a user of IAM, the root account, or a session of a role, whose name
// stands behind the role in its ARN.
func awsWho(u object, ev *ecs.Event) {
	name := u.str("userName")
	switch u.str("type") {
	case "Root":
		name = either(name, "root")
	case "AssumedRole":
		if arn := u.str("arn"); strings.Contains(arn, "/") {
			name = arn[strings.LastIndexByte(arn, '/')+1:]
		}
	case "AWSService":
		name = u.str("invokedBy")
	}
	if name == "HIDDEN_DUE_TO_SECURITY_REASONS" {
		name, ev.Event.Reason = "", reasonInvalidUser
	}
	setMail(ev, name)
	if id := u.str("principalId"); id != "" {
		isUser(ev).ID = id
	}
}
