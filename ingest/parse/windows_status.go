package parse

import "strings"

// Reasons of failed logins in event.reason, as the other parsers say them.
const (
	reasonNoUser   = "invalid-user"
	reasonPassword = "incorrect-password"
	reasonDenied   = "not-allowed"
	reasonDisabled = "account-disabled"
	reasonExpired  = "account-expired"
	reasonLocked   = "account-locked"
	reasonOldPass  = "password-expired"
	reasonNewPass  = "password-must-change"
	reasonHours    = "outside-hours"
	reasonStation  = "station-not-allowed"
	reasonClock    = "clock-skew"
	reasonServer   = "no-logon-server"
	reasonInternal = "internal-error"
)

// winStatus is a code of a failed logon: a slug, and what it says in words.
type winStatus struct{ reason, text string }

// method of a failure: a password was judged where the code says so.
func (s winStatus) method() string {
	if s.reason == reasonPassword || s.reason == reasonNoUser {
		return "password"
	}
	return ""
}

// winStatuses are NTSTATUS values ([MS-ERREF] 2.3) that failed logons have.
var winStatuses = map[uint32]winStatus{
	0xC0000064: {reasonNoUser, "User name does not exist"},
	0xC000006A: {reasonPassword, "User name is correct but the password is wrong"},
	0xC000006D: {reasonPassword, "Bad user name or authentication information"},
	0xC000006E: {reasonDenied, "Account restriction prevents the logon"},
	0xC000006F: {reasonHours, "Logon outside the hours allowed for the account"},
	0xC0000070: {reasonStation, "Logon from a workstation that the account may not use"},
	0xC0000071: {reasonOldPass, "The password has expired"},
	0xC0000072: {reasonDisabled, "The account is disabled"},
	0xC00000DC: {reasonInternal, "The SAM server was in the wrong state"},
	0xC0000133: {reasonClock, "The clocks of the domain controller and the computer are too far apart"},
	0xC000015B: {reasonDenied, "The logon type has not been granted to the account on this computer"},
	0xC000018C: {reasonServer, "The trust between the primary and the trusted domain failed"},
	0xC000018D: {reasonServer, "The trust between the computer and its domain failed"},
	0xC0000192: {reasonServer, "The Netlogon service was not started"},
	0xC0000193: {reasonExpired, "The account has expired"},
	0xC0000199: {reasonDenied, "A computer's account cannot be used to log on this way"},
	0xC0000224: {reasonNewPass, "The password must be changed at the next logon"},
	0xC0000225: {reasonInternal, "Windows itself failed, not the user"},
	0xC0000234: {reasonLocked, "The account is locked out"},
	0xC000005E: {reasonServer, "No logon server was available"},
	0xC0000022: {reasonDenied, "Access was denied"},
	0xC000009A: {reasonInternal, "Not enough resources"},
	0xC0000388: {reasonDenied, "A downgrade of the authentication was detected"},
	0xC00002EE: {reasonInternal, "An error occurred during the logon"},
	0xC0000413: {reasonDenied, "The computer is protected by an authentication firewall"},
	0xC000041A: {reasonInternal, "The certificate could not be checked"},
	0xC0000380: {reasonPassword, "The smart card's PIN is wrong"},
	0xC0000381: {reasonLocked, "The smart card is blocked"},
}

func winStatusOf(code string) winStatus { return winStatuses[uint32(winNumber(code))] } //nolint:gosec // 32 bits

// winStatusText is a code in words; one that is not known stays as it is, and 0 is nothing.
func winStatusText(code string) string {
	if winNumber(code) == 0 && strings.HasPrefix(code, "0x") {
		return ""
	}
	return firstOf(winStatusOf(code).text, code)
}

// winFailureReasons are the messages that FailureReason of 4625 refers to.
var winFailureReasons = map[string]string{
	"2304": "An error occurred during logon",
	"2305": "The specified user account has expired",
	"2306": "The NetLogon component is not active",
	"2307": "Account locked out",
	"2308": "The user has not been granted the requested logon type at this machine",
	"2309": "The specified account's password has expired",
	"2310": "Account currently disabled",
	"2311": "Account logon time restriction violation",
	"2312": "User not allowed to logon at this computer",
	"2313": "Unknown user name or bad password",
	"2314": "Domain SID inconsistent",
	"2315": "Smartcard logon is required and was not used",
}

// winKerberos are results of the KDC (RFC 4120 7.5.9).
var winKerberos = map[int64]winStatus{
	0x1: {reasonExpired, "KDC_ERR_NAME_EXP"}, 0x2: {reasonExpired, "KDC_ERR_SERVICE_EXP"}, 0x3: {reasonInternal, "KDC_ERR_BAD_PVNO"},
	0x4: {reasonInternal, "KDC_ERR_C_OLD_MAST_KVNO"}, 0x5: {reasonInternal, "KDC_ERR_S_OLD_MAST_KVNO"},
	0x6: {reasonNoUser, "KDC_ERR_C_PRINCIPAL_UNKNOWN"}, 0x7: {"invalid-service", "KDC_ERR_S_PRINCIPAL_UNKNOWN"},
	0x8: {reasonInternal, "KDC_ERR_PRINCIPAL_NOT_UNIQUE"}, 0x9: {reasonInternal, "KDC_ERR_NULL_KEY"}, 0xA: {reasonDenied, "KDC_ERR_CANNOT_POSTDATE"},
	0xB: {reasonDenied, "KDC_ERR_NEVER_VALID"}, 0xC: {reasonDenied, "KDC_ERR_POLICY"}, 0xD: {reasonDenied, "KDC_ERR_BADOPTION"},
	0xE: {"encryption-not-supported", "KDC_ERR_ETYPE_NOTSUPP"}, 0xF: {reasonInternal, "KDC_ERR_SUMTYPE_NOSUPP"},
	0x10: {reasonDenied, "KDC_ERR_PADATA_TYPE_NOSUPP"}, 0x11: {reasonInternal, "KDC_ERR_TRTYPE_NO_SUPP"},
	0x12: {reasonDisabled, "KDC_ERR_CLIENT_REVOKED"}, 0x13: {"service-revoked", "KDC_ERR_SERVICE_REVOKED"}, 0x14: {reasonDenied, "KDC_ERR_TGT_REVOKED"},
	0x15: {reasonDenied, "KDC_ERR_CLIENT_NOTYET"}, 0x16: {reasonDenied, "KDC_ERR_SERVICE_NOTYET"}, 0x17: {reasonOldPass, "KDC_ERR_KEY_EXPIRED"},
	0x18: {reasonPassword, "KDC_ERR_PREAUTH_FAILED"}, 0x19: {"preauthentication-required", "KDC_ERR_PREAUTH_REQUIRED"},
	0x1A: {reasonInternal, "KDC_ERR_SERVER_NOMATCH"}, 0x1B: {reasonDenied, "KDC_ERR_MUST_USE_USER2USER"}, 0x1D: {reasonServer, "KDC_ERR_SVC_UNAVAILABLE"},
	0x1F: {reasonInternal, "KRB_AP_ERR_BAD_INTEGRITY"}, 0x20: {"ticket-expired", "KRB_AP_ERR_TKT_EXPIRED"}, 0x21: {reasonDenied, "KRB_AP_ERR_TKT_NYV"},
	0x22: {"replayed", "KRB_AP_ERR_REPEAT"}, 0x23: {reasonInternal, "KRB_AP_ERR_NOT_US"}, 0x24: {reasonInternal, "KRB_AP_ERR_BADMATCH"},
	0x25: {reasonClock, "KRB_AP_ERR_SKEW"}, 0x26: {reasonInternal, "KRB_AP_ERR_BADADDR"}, 0x27: {reasonInternal, "KRB_AP_ERR_BADVERSION"},
	0x28: {reasonInternal, "KRB_AP_ERR_MSG_TYPE"}, 0x29: {reasonInternal, "KRB_AP_ERR_MODIFIED"}, 0x3C: {reasonInternal, "KRB_ERR_GENERIC"},
	0x3D: {reasonInternal, "KRB_ERR_FIELD_TOOLONG"}, 0x3E: {"certificate-not-trusted", "KDC_ERR_CLIENT_NOT_TRUSTED"},
	0x3F: {"certificate-not-trusted", "KDC_ERR_KDC_NOT_TRUSTED"}, 0x40: {"certificate-not-trusted", "KDC_ERR_INVALID_SIG"},
	0x41: {reasonDenied, "KDC_ERR_KEY_TOO_WEAK"}, 0x42: {reasonInternal, "KRB_AP_ERR_USER_TO_USER_REQUIRED"},
	0x43: {reasonDenied, "KRB_AP_ERR_NO_TGT"}, 0x44: {reasonDenied, "KDC_ERR_WRONG_REALM"},
}

// winLogonTypes in the words of SECURITY_LOGON_TYPE.
var winLogonTypes = map[string]string{
	"0": "System", "2": "Interactive", "3": "Network", "4": "Batch", "5": "Service", "7": "Unlock", "8": "NetworkCleartext",
	"9": "NewCredentials", "10": "RemoteInteractive", "11": "CachedInteractive", "12": "CachedRemoteInteractive", "13": "CachedUnlock",
}

// winNPSReasons are IAS reason codes.
var winNPSReasons = map[string]string{
	"7": reasonNoUser, "8": reasonNoUser, "16": reasonPassword, "22": reasonDenied, "23": reasonInternal, "32": reasonDenied,
	"33": reasonNewPass, "34": reasonDisabled, "35": reasonExpired, "36": reasonLocked, "37": reasonHours, "48": reasonDenied,
	"49": reasonDenied, "65": reasonDenied, "66": reasonDenied, "69": reasonDenied, "262": "certificate-not-trusted",
	"265": "certificate-not-trusted", "266": "certificate-not-trusted", "295": "certificate-not-trusted",
}

// winTasks are the subcategories of the auditing, by the number of the task.
var winTasks = map[string]string{
	"12288": "Security State Change", "12289": "Security System Extension", "12290": "System Integrity", "12292": "Other System Events",
	"12544": "Logon", "12545": "Logoff", "12546": "Account Lockout", "12548": "Special Logon", "12551": "Other Logon/Logoff Events",
	"12552": "Network Policy Server", "12553": "User / Device Claims", "12554": "Group Membership",
	"12800": "File System", "12801": "Registry", "12802": "Kernel Object", "12803": "SAM", "12804": "Other Object Access Events",
	"12805": "Certification Services", "12806": "Application Generated", "12807": "Handle Manipulation", "12808": "File Share",
	"12809": "Filtering Platform Packet Drop", "12810": "Filtering Platform Connection", "12811": "Detailed File Share", "12812": "Removable Storage",
	"13056": "Sensitive Privilege Use", "13057": "Non Sensitive Privilege Use", "13058": "Other Privilege Use Events",
	"13312": "Process Creation", "13313": "Process Termination", "13314": "DPAPI Activity", "13315": "RPC Events", "13316": "Plug and Play Events",
	"13317": "Token Right Adjusted Events", "13568": "Audit Policy Change", "13569": "Authentication Policy Change", "13570": "Authorization Policy Change",
	"13571": "MPSSVC Rule-Level Policy Change", "13572": "Filtering Platform Policy Change", "13573": "Other Policy Change Events",
	"13824": "User Account Management", "13825": "Computer Account Management", "13826": "Security Group Management",
	"13827": "Distribution Group Management", "13828": "Application Group Management", "13829": "Other Account Management Events",
	"14080": "Directory Service Access", "14081": "Directory Service Changes", "14082": "Directory Service Replication",
	"14336": "Credential Validation", "14337": "Kerberos Service Ticket Operations", "14338": "Other Account Logon Events",
	"14339": "Kerberos Authentication Service",
}
