package parse

import "varde.internal/schemas/ecs"

// winWho says whose names the fields of an event are.
type winWho uint8

const (
	whoNobody  winWho = iota
	whoTarget         // the target is the user: logons
	whoSubject        // the subject is the user
	whoChange         // the subject changes the target
	whoGroup          // the subject changes the group that the target fields name
	whoBecomes        // the subject uses the target's name: 4648, 4688
)

// winMeaning is what an event of the auditing is.
type winMeaning struct {
	kind   kind
	action string
	who    winWho
	title  string
}

// Kinds of Windows' events, as Elastic's mapping of the Security log has them.
var (
	winIAMAdmin     = kind{[]string{"iam"}, []string{"admin"}}
	winIAMChange    = kind{[]string{"iam"}, []string{"admin", "change"}}
	winBothChange   = kind{[]string{"iam", "configuration"}, []string{"admin", "change"}}
	winBothDelete   = kind{[]string{"iam", "configuration"}, []string{"admin", "deletion"}}
	winTaskAdd      = kind{[]string{"iam", "configuration"}, []string{"creation", "admin"}}
	winTaskDelete   = kind{[]string{"iam", "configuration"}, []string{"deletion", "admin"}}
	winTaskChange   = kind{[]string{"iam", "configuration"}, []string{"change", "admin"}}
	winConfAccess   = kind{[]string{"configuration"}, []string{"access"}}
	winConfAdd      = kind{[]string{"configuration"}, []string{"creation"}}
	winConfDelete   = kind{[]string{"configuration"}, []string{"deletion"}}
	winLogoff       = kind{[]string{"authentication"}, []string{"end"}}
	winReconnect    = kind{[]string{"authentication", "session"}, []string{"start"}}
	winDisconnect   = kind{[]string{"authentication", "session"}, []string{"end"}}
	winProcessStart = kind{[]string{"process"}, []string{"start"}}
	winProcessEnd   = kind{[]string{"process"}, []string{"end"}}
	winProcessInfo  = kind{[]string{"process"}, []string{"info"}}
	winComputerAdd  = kind{[]string{"iam"}, []string{"creation", "admin"}}
	winComputer     = kind{[]string{"iam"}, []string{"change", "admin"}}
	winComputerDel  = kind{[]string{"iam"}, []string{"deletion", "admin"}}
	winUserInfo     = kind{[]string{"iam"}, []string{"user", "info"}}
	winGroupInfo    = kind{[]string{"iam"}, []string{"group", "info"}}
	winSpecial      = kind{[]string{"iam"}, []string{"admin", "group"}}
	winShare        = kind{[]string{"network", "file"}, []string{"info", "access"}}
	winFile         = kind{[]string{"file"}, []string{"info", "access"}}
	winRegistry     = kind{[]string{"registry", "configuration"}, []string{"change"}}
	winDenied       = kind{[]string{"authentication"}, []string{"start", "denied"}}
)

// winMeanings of Microsoft-Windows-Security-Auditing. Actions that other logs
// know too have their names (package ecs); the others Elastic's.
var winMeanings = map[string]winMeaning{
	"4608": {kind{[]string{"host"}, []string{"start"}}, "system-started", whoNobody, "Windows is starting up"},
	"4609": {kind{[]string{"host"}, []string{"end"}}, "system-stopped", whoNobody, "Windows is shutting down"},
	"4610": {winConfAccess, "authentication-package-loaded", whoNobody, "An authentication package has been loaded by the Local Security Authority"},
	"4611": {kindConfig, "trusted-logon-process-registered", whoSubject, "A trusted logon process has been registered"},
	"4614": {winConfAccess, "notification-package-loaded", whoNobody, "A notification package has been loaded"},
	"4616": {kindConfig, "system-time-changed", whoSubject, "The system time was changed"},
	"4622": {winConfAccess, "security-package-loaded", whoNobody, "A security package has been loaded"},
	"4624": {kindLogin, ecs.ActionLogin, whoTarget, "An account was successfully logged on"},
	"4625": {kindLogin, ecs.ActionLogin, whoTarget, "An account failed to log on"},
	"4627": {winGroupInfo, "group-membership-info", whoTarget, "Group membership information"},
	"4634": {winLogoff, ecs.ActionLogoff, whoTarget, "An account was logged off"},
	"4647": {winLogoff, ecs.ActionLogoff, whoTarget, "User initiated logoff"},
	"4648": {kindLogin, ecs.ActionPrivilege, whoBecomes, "A logon was attempted using explicit credentials"},
	"4656": {winFile, "object-handle-requested", whoSubject, "A handle to an object was requested"},
	"4657": {winRegistry, "registry-value-modified", whoSubject, "A registry value was modified"},
	"4658": {winFile, "object-handle-closed", whoSubject, "The handle to an object was closed"},
	"4660": {kind{[]string{"file"}, []string{"deletion"}}, "object-deleted", whoSubject, "An object was deleted"},
	"4661": {winFile, "object-handle-requested", whoSubject, "A handle to an object was requested"},
	"4662": {winBothChange, "object-operation-performed", whoSubject, "An operation was performed on an object"},
	"4663": {winFile, "object-accessed", whoSubject, "An attempt was made to access an object"},
	"4670": {winBothChange, "permissions-changed", whoSubject, "Permissions on an object were changed"},
	"4672": {winIAMAdmin, ecs.ActionPrivilege, whoSubject, "Special privileges assigned to new logon"},
	"4673": {winIAMAdmin, ecs.ActionPrivilege, whoSubject, "A privileged service was called"},
	"4674": {winIAMAdmin, ecs.ActionPrivilege, whoSubject, "An operation was attempted on a privileged object"},
	"4675": {winUserInfo, "sids-filtered", whoTarget, "SIDs were filtered"},
	"4688": {winProcessStart, "created-process", whoBecomes, "A new process has been created"},
	"4689": {winProcessEnd, "exited-process", whoSubject, "A process has exited"},
	"4696": {winProcessInfo, "token-assigned", whoBecomes, "A primary token was assigned to process"},
	"4697": {winBothChange, "service-installed", whoSubject, "A service was installed in the system"},
	"4698": {winTaskAdd, "scheduled-task-created", whoSubject, "A scheduled task was created"},
	"4699": {winTaskDelete, "scheduled-task-deleted", whoSubject, "A scheduled task was deleted"},
	"4700": {winTaskChange, "scheduled-task-enabled", whoSubject, "A scheduled task was enabled"},
	"4701": {winTaskChange, "scheduled-task-disabled", whoSubject, "A scheduled task was disabled"},
	"4702": {winTaskChange, "scheduled-task-updated", whoSubject, "A scheduled task was updated"},
	"4704": {winBothChange, "user-right-assigned", whoSubject, "A user right was assigned"},
	"4705": {winBothChange, "user-right-removed", whoSubject, "A user right was removed"},
	"4706": {winConfAdd, "domain-trust-added", whoSubject, "A new trust was created to a domain"},
	"4707": {winConfDelete, "domain-trust-removed", whoSubject, "A trust to a domain was removed"},
	"4713": {kindConfig, "kerberos-policy-changed", whoSubject, "Kerberos policy was changed"},
	"4714": {kindConfig, "encrypted-data-recovery-policy-changed", whoSubject, "Encrypted data recovery policy was changed"},
	"4715": {kindConfig, "object-audit-policy-changed", whoSubject, "The audit policy on an object was changed"},
	"4716": {kindConfig, "trusted-domain-information-changed", whoSubject, "Trusted domain information was modified"},
	"4717": {winBothChange, "system-security-access-granted", whoSubject, "System security access was granted to an account"},
	"4718": {winBothDelete, "system-security-access-removed", whoSubject, "System security access was removed from an account"},
	"4719": {winBothChange, "changed-audit-config", whoSubject, "System audit policy was changed"},
	"4720": {kindAdd, ecs.ActionAccountCreated, whoChange, "A user account was created"},
	"4722": {kindChange, actionAccountEnabled, whoChange, "A user account was enabled"},
	"4723": {kindChange, ecs.ActionPasswordChange, whoChange, "An attempt was made to change an account's password"},
	"4724": {kindChange, actionPasswordReset, whoChange, "An attempt was made to reset an account's password"},
	"4725": {kindDelete, actionAccountDisabled, whoChange, "A user account was disabled"},
	"4726": {kindDelete, ecs.ActionAccountDeleted, whoChange, "A user account was deleted"},
	"4727": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-enabled global group was created"},
	"4728": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-enabled global group"},
	"4729": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-enabled global group"},
	"4730": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-enabled global group was deleted"},
	"4731": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-enabled local group was created"},
	"4732": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-enabled local group"},
	"4733": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-enabled local group"},
	"4734": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-enabled local group was deleted"},
	"4735": {kindGroup, actionGroupChanged, whoGroup, "A security-enabled local group was changed"},
	"4737": {kindGroup, actionGroupChanged, whoGroup, "A security-enabled global group was changed"},
	"4738": {kindChange, ecs.ActionAccountChanged, whoChange, "A user account was changed"},
	"4739": {kindConfig, "domain-policy-changed", whoSubject, "Domain policy was changed"},
	"4740": {kindChange, ecs.ActionAccountLocked, whoChange, "A user account was locked out"},
	"4741": {winComputerAdd, "added-computer-account", whoChange, "A computer account was created"},
	"4742": {winComputer, "changed-computer-account", whoChange, "A computer account was changed"},
	"4743": {winComputerDel, "deleted-computer-account", whoChange, "A computer account was deleted"},
	"4744": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-disabled local group was created"},
	"4745": {kindGroup, actionGroupChanged, whoGroup, "A security-disabled local group was changed"},
	"4746": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-disabled local group"},
	"4747": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-disabled local group"},
	"4748": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-disabled local group was deleted"},
	"4749": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-disabled global group was created"},
	"4750": {kindGroup, actionGroupChanged, whoGroup, "A security-disabled global group was changed"},
	"4751": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-disabled global group"},
	"4752": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-disabled global group"},
	"4753": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-disabled global group was deleted"},
	"4754": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-enabled universal group was created"},
	"4755": {kindGroup, actionGroupChanged, whoGroup, "A security-enabled universal group was changed"},
	"4756": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-enabled universal group"},
	"4757": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-enabled universal group"},
	"4758": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-enabled universal group was deleted"},
	"4759": {kindGroupAdd, actionGroupCreated, whoGroup, "A security-disabled universal group was created"},
	"4760": {kindGroup, actionGroupChanged, whoGroup, "A security-disabled universal group was changed"},
	"4761": {kindGroup, ecs.ActionGroupMember, whoGroup, "A member was added to a security-disabled universal group"},
	"4762": {kindGroup, ecs.ActionGroupRemoved, whoGroup, "A member was removed from a security-disabled universal group"},
	"4763": {kindGroupDel, actionGroupDeleted, whoGroup, "A security-disabled universal group was deleted"},
	"4764": {kindGroup, actionGroupChanged, whoGroup, "A group's type was changed"},
	"4765": {kindChange, "sid-history-added", whoChange, "SID History was added to an account"},
	"4766": {kindChange, "sid-history-added", whoChange, "An attempt to add SID History to an account failed"},
	"4767": {kindChange, actionAccountUnlocked, whoChange, "A user account was unlocked"},
	"4768": {kindLogin, ecs.ActionLogin, whoTarget, "A Kerberos authentication ticket (TGT) was requested"},
	"4769": {kindLogin, "kerberos-service-ticket-requested", whoTarget, "A Kerberos service ticket was requested"},
	"4770": {kindLogin, "kerberos-service-ticket-renewed", whoTarget, "A Kerberos service ticket was renewed"},
	"4771": {kindLogin, ecs.ActionLogin, whoTarget, "Kerberos pre-authentication failed"},
	"4776": {kindLogin, ecs.ActionLogin, whoTarget, "The computer attempted to validate the credentials for an account"},
	"4778": {winReconnect, actionSessionReconnected, whoNobody, "A session was reconnected to a Window Station"},
	"4779": {winDisconnect, actionSessionDisconnected, whoNobody, "A session was disconnected from a Window Station"},
	"4781": {kindChange, actionAccountRenamed, whoChange, "The name of an account was changed"},
	"4782": {kindChange, "password-hash-accessed", whoChange, "The password hash of an account was accessed"},
	"4793": {winUserInfo, "password-policy-checked", whoSubject, "The Password Policy Checking API was called"},
	"4794": {kindChange, "dsrm-password-set", whoSubject, "An attempt was made to set the Directory Services Restore Mode administrator password"},
	"4797": {winUserInfo, "query-existence-of-blank-password", whoChange, "An attempt was made to query the existence of a blank password for an account"},
	"4798": {winUserInfo, "group-membership-enumerated", whoChange, "A user's local group membership was enumerated"},
	"4799": {winGroupInfo, "user-member-enumerated", whoGroup, "A security-enabled local group membership was enumerated"},
	"4800": {kind{[]string{"session"}, []string{"info"}}, "session-locked", whoTarget, "The workstation was locked"},
	"4801": {kind{[]string{"session"}, []string{"info"}}, "session-unlocked", whoTarget, "The workstation was unlocked"},
	"4817": {winBothChange, "object-audit-changed", whoSubject, "Auditing settings on object were changed"},
	"4825": {winDenied, "rdp-access-denied", whoNobody, "A user was denied the access to Remote Desktop"},
	"4886": {kindIAM, "certificate-requested", whoNobody, "Certificate Services received a certificate request"},
	"4887": {kindIAM, "certificate-issued", whoNobody, "Certificate Services approved a certificate request and issued a certificate"},
	"4902": {kind{[]string{"iam", "configuration"}, []string{"admin", "creation"}}, "user-audit-policy-created", whoNobody, "The Per-user audit policy table was created"},
	"4904": {winBothChange, "security-event-source-added", whoSubject, "An attempt was made to register a security event source"},
	"4905": {winBothDelete, "security-event-source-removed", whoSubject, "An attempt was made to unregister a security event source"},
	"4906": {winBothChange, "crash-on-audit-changed", whoNobody, "The CrashOnAuditFail value has changed"},
	"4907": {winBothChange, "audit-setting-changed", whoSubject, "Auditing settings on object were changed"},
	"4908": {winBothChange, "special-group-table-changed", whoNobody, "Special Groups Logon table modified"},
	"4912": {winBothChange, "per-user-audit-policy-changed", whoSubject, "Per User Audit Policy was changed"},
	"4964": {winSpecial, ecs.ActionPrivilege, whoTarget, "Special groups have been assigned to a new logon"},
	"5136": {winBothChange, "directory-service-object-modified", whoSubject, "A directory service object was modified"},
	"5137": {kind{[]string{"iam", "configuration"}, []string{"admin", "creation"}}, "directory-service-object-created", whoSubject, "A directory service object was created"},
	"5138": {winBothChange, "directory-service-object-undeleted", whoSubject, "A directory service object was undeleted"},
	"5139": {winBothChange, "directory-service-object-moved", whoSubject, "A directory service object was moved"},
	"5141": {winBothDelete, "directory-service-object-deleted", whoSubject, "A directory service object was deleted"},
	"5140": {winShare, "network-share-object-accessed", whoSubject, "A network share object was accessed"},
	"5142": {kind{[]string{"configuration"}, []string{"creation"}}, "network-share-object-added", whoSubject, "A network share object was added"},
	"5143": {kindConfig, "network-share-object-modified", whoSubject, "A network share object was modified"},
	"5144": {winConfDelete, "network-share-object-deleted", whoSubject, "A network share object was deleted"},
	"5145": {winShare, "network-share-object-access-checked", whoSubject, "A network share object was checked to see whether client can be granted desired access"},
	"5152": {kindFlowDenied, actionConnectionDenied, whoNobody, "The Windows Filtering Platform blocked a packet"},
	"5156": {kind{[]string{"network"}, []string{"connection", "allowed"}}, actionConnectionOpened, whoNobody, "The Windows Filtering Platform has permitted a connection"},
	"5157": {kindFlowDenied, actionConnectionDenied, whoNobody, "The Windows Filtering Platform has blocked a connection"},
	"5379": {winUserInfo, "credential-manager-credentials-were-read", whoSubject, "Credential Manager credentials were read"},
	"5380": {winUserInfo, "vault-credential-find", whoSubject, "Vault find credential"},
	"5381": {winUserInfo, "vault-credentials-were-read", whoSubject, "Vault credentials were read"},
	"5382": {winUserInfo, "vault-credentials-were-read", whoSubject, "Vault credentials were read"},
	"6272": {kindLogin, ecs.ActionLogin, whoSubject, "Network Policy Server granted access to a user"},
	"6273": {kindLogin, ecs.ActionLogin, whoSubject, "Network Policy Server denied access to a user"},
	"6274": {kindProbe, ecs.ActionProbe, whoSubject, "Network Policy Server discarded the request for a user"},
	"6275": {kindProbe, ecs.ActionProbe, whoSubject, "Network Policy Server discarded the accounting request for a user"},
	"6276": {kindProbe, "nps-quarantined", whoSubject, "Network Policy Server quarantined a user"},
	"6277": {kindProbe, "nps-probation", whoSubject, "Network Policy Server granted access to a user but put it on probation"},
	"6278": {kindProbe, "nps-full-access", whoSubject, "Network Policy Server granted full access to a user because the host met the defined health policy"},
	"6279": {kindChange, ecs.ActionAccountLocked, whoSubject, "Network Policy Server locked the user account due to repeated failed authentication attempts"},
	"6280": {kindChange, actionAccountUnlocked, whoSubject, "Network Policy Server unlocked the user account"},
}

// Actions of directories beside those of package ecs.
const (
	actionAccountEnabled      = "account-enabled"
	actionAccountDisabled     = "account-disabled"
	actionAccountUnlocked     = "account-unlocked"
	actionAccountRenamed      = "account-renamed"
	actionPasswordReset       = "password-reset"
	actionGroupCreated        = "group-created"
	actionGroupChanged        = "group-changed"
	actionGroupDeleted        = "group-deleted"
	actionSessionReconnected  = "session-reconnected"
	actionSessionDisconnected = "session-disconnected"
)
