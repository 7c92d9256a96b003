package ecs

import "slices"

// Actions lists the words of event.action that the parsers give, the usual ones
// first: what search proposes, and what the interface has its words for.
// Mappings, and vendors' own names of activities, add others.
func Actions() []string { return slices.Clone(actions) }

var actions = []string{
	"login", "logoff", "session-start", "session-end", "account-locked", "account-created", "account-changed",
	"account-deleted", "account-enabled", "account-disabled", "account-unlocked", "account-renamed",
	"group-member-added", "group-member-removed", "group-created", "group-changed", "group-deleted",
	"password-changed", "password-reset", "privilege-use", "probe", "session-reconnected",
	"session-disconnected", "configuration-changed", "connection-opened", "connection-closed",
	"connection-denied",

	"accounting", "added-computer-account", "address-assigned", "address-blocked", "attack-noticed",
	"audit-log-cleared", "audit-setting-changed", "auditlog-archived", "authentication-package-loaded",
	"authorization", "certificate-issued", "certificate-requested", "changed-audit-config",
	"changed-computer-account", "command", "command-continued", "connection-error", "connection-refused",
	"crash-on-audit-changed", "created-process", "credential-manager-credentials-were-read", "cron-command",
	"crontab-changed", "deleted-computer-account", "directory-service-object-created",
	"directory-service-object-deleted", "directory-service-object-modified", "directory-service-object-moved",
	"directory-service-object-undeleted", "dns-query", "domain-policy-changed", "domain-trust-added",
	"domain-trust-removed", "driver-loaded", "dsrm-password-set", "encrypted-data-recovery-policy-changed",
	"exited-process", "file-created", "file-deleted", "file-stream-created", "file-time-changed", "ftp-command", "ftp-transfer",
	"group-membership-enumerated", "group-membership-info", "handshake-renewed", "handshake-timeout",
	"http-error", "http-request", "image-loaded", "inactivity-timeout", "kerberos-policy-changed",
	"kerberos-service-ticket-renewed", "kerberos-service-ticket-requested", "log-header", "logging-full",
	"logging-processing-error", "logging-service-shutdown", "login-disabled",
	"network-share-object-access-checked", "network-share-object-accessed", "network-share-object-added",
	"network-share-object-deleted", "network-share-object-modified", "notification-package-loaded",
	"nps-full-access", "nps-probation", "nps-quarantined", "object-accessed", "object-audit-changed",
	"object-audit-policy-changed", "object-deleted", "object-handle-closed", "object-handle-requested",
	"object-operation-performed", "options-pushed", "password-hash-accessed", "password-policy-checked",
	"per-user-audit-policy-changed", "permissions-changed", "pipe-connected", "pipe-created", "powershell",
	"process-accessed", "process-tampering", "query-existence-of-blank-password", "quiet-mode-on",
	"raw-disk-read", "rdp-access-denied", "registry-key-changed", "registry-renamed", "registry-value-modified",
	"registry-value-set", "remote-thread-created", "scheduled-task-created", "scheduled-task-deleted",
	"scheduled-task-disabled", "scheduled-task-enabled", "scheduled-task-updated",
	"security-event-source-added", "security-event-source-removed", "security-package-loaded",
	"service-installed", "service-ticket", "session-assigned", "session-locked", "session-refused",
	"session-replicated", "session-unlocked",
	"shell-start", "sid-history-added", "sids-filtered", "special-group-table-changed", "sysmon-config-changed",
	"sysmon-error", "sysmon-state-changed", "system-security-access-granted", "system-security-access-removed",
	"system-started", "system-stopped", "system-time-changed", "token-assigned", "token-refresh",
	"trusted-domain-information-changed", "trusted-logon-process-registered", "tunnel-down", "tunnel-up",
	"user-audit-policy-created", "user-mapped", "user-member-enumerated", "user-right-assigned",
	"user-right-removed", "user-unmapped", "vault-credential-find", "vault-credentials-were-read",
}
