package parse

// entraClass is what a sign-in code means for the login.
type entraClass int

const (
	entraRefused   entraClass = iota // the login failed for another reason than its password
	entraPassword                    // the password, or the name, was wrong
	entraInterrupt                   // something more is asked for; nothing is decided yet
	entraLock                        // the account is locked after too many tries
)

type entraReason struct {
	kind  entraClass
	slug  string // event.reason
	words string
}

// entraReasons are the codes that a directory really shows (Microsoft Entra
// authentication and authorization error codes, AADSTS). A code that is not
// here and not 0 is a refusal with the words of the record.
var entraReasons = map[string]entraReason{
	"50126":   {entraPassword, "invalid-credentials", "Wrong user name or password"},
	"50056":   {entraPassword, "no-password", "The account has no password in the directory"},
	"50034":   {entraPassword, "invalid-user", "The account does not exist in the directory"},
	"50064":   {entraPassword, "invalid-credentials", "Wrong user name or password"},
	"51004":   {entraPassword, "invalid-user", "The account does not exist in the directory"},
	"81016":   {entraPassword, "invalid-credentials", "Seamless single sign-on: invalid credentials"},
	"80012":   {entraRefused, "outside-hours", "Logon outside of allowed hours"},
	"80014":   {entraRefused, "timeout", "Pass-through authentication took too long"},
	"80007":   {entraPassword, "invalid-credentials", "Pass-through agent: wrong password"},
	"50053":   {entraLock, "account-locked", "The account is locked, or the address is blocked, after too many tries"},
	"50057":   {entraRefused, "account-disabled", "The account is disabled"},
	"50055":   {entraInterrupt, "password-expired", "The password has expired"},
	"50144":   {entraInterrupt, "password-expired", "The password in Active Directory has expired"},
	"50142":   {entraInterrupt, "password-change-required", "A new password is required"},
	"50133":   {entraInterrupt, "password-changed", "The session ended because the password was changed"},
	"50173":   {entraInterrupt, "session-revoked", "The session was revoked, a new login is required"},
	"50074":   {entraInterrupt, "mfa-required", "A second factor is asked for"},
	"50076":   {entraInterrupt, "mfa-required", "A second factor is asked for"},
	"50079":   {entraInterrupt, "mfa-enrolment-required", "A second factor has to be enrolled"},
	"50072":   {entraInterrupt, "mfa-enrolment-required", "A second factor has to be enrolled"},
	"50078":   {entraInterrupt, "mfa-expired", "The second factor has to be shown again"},
	"500121":  {entraRefused, "mfa-failed", "The second factor was denied or not given"},
	"50158":   {entraInterrupt, "external-challenge", "An external check is asked for"},
	"50125":   {entraInterrupt, "registration-required", "Reset of the password or registration is asked for"},
	"50127":   {entraInterrupt, "app-required", "A broker app has to be installed"},
	"50129":   {entraInterrupt, "device-registration-required", "The device is not registered"},
	"50097":   {entraInterrupt, "device-authentication-required", "The device has to identify itself"},
	"50058":   {entraInterrupt, "no-session", "There is no session for a silent login"},
	"50059":   {entraInterrupt, "no-tenant", "No tenant was named"},
	"50140":   {entraInterrupt, "keep-me-signed-in", "The question whether to stay signed in"},
	"50143":   {entraInterrupt, "session-mismatch", "The session is of another tenant"},
	"50199":   {entraInterrupt, "confirmation-required", "The user is asked to confirm the app"},
	"50203":   {entraInterrupt, "registration-required", "An authenticator app has to be registered"},
	"50206":   {entraInterrupt, "consent-required", "Consent is asked for"},
	"50207":   {entraInterrupt, "consent-required", "Consent is asked for"},
	"51006":   {entraInterrupt, "forced-login", "Integrated Windows authentication is asked for"},
	"65001":   {entraInterrupt, "consent-required", "Consent is asked for"},
	"65004":   {entraRefused, "consent-declined", "The user declined to consent"},
	"16000":   {entraInterrupt, "choose-account", "One of several accounts has to be chosen"},
	"16001":   {entraInterrupt, "choose-account", "The chosen account is not signed in"},
	"16003":   {entraInterrupt, "choose-account", "The account is not in the tenant"},
	"50089":   {entraInterrupt, "flow-expired", "The login took too long"},
	"70043":   {entraInterrupt, "token-expired", "The refresh token is too old"},
	"70044":   {entraInterrupt, "token-expired", "The session is too old"},
	"70046":   {entraInterrupt, "token-expired", "The session is too old"},
	"700082":  {entraInterrupt, "token-expired", "The refresh token was not used for long"},
	"700084":  {entraInterrupt, "token-expired", "The refresh token of a page has expired"},
	"700003":  {entraRefused, "device-deleted", "The device was deleted"},
	"70008":   {entraInterrupt, "token-expired", "The token has expired"},
	"70016":   {entraInterrupt, "authorization-pending", "The device code was not entered yet"},
	"81010":   {entraInterrupt, "single-sign-on-unavailable", "Seamless single sign-on did not work, a password is asked for"},
	"81012":   {entraRefused, "other-account", "The account is not the one of the device"},
	"9002341": {entraInterrupt, "confirmation-required", "The user is asked to allow single sign-on"},
	"53000":   {entraRefused, "device-not-compliant", "Conditional access: the device is not compliant"},
	"53001":   {entraRefused, "device-not-joined", "Conditional access: the device is not joined to a domain"},
	"53002":   {entraRefused, "app-not-approved", "Conditional access: the app is not approved"},
	"53003":   {entraRefused, "blocked-by-policy", "Conditional access blocks the login"},
	"53004":   {entraRefused, "registration-blocked", "Registration of a second factor is blocked because of risk"},
	"53009":   {entraRefused, "app-not-protected", "Conditional access: the app has no protection policy"},
	"53011":   {entraRefused, "blocked-by-risk", "The login is blocked because of risk in the home tenant"},
	"530032":  {entraRefused, "blocked-by-policy", "A security policy blocks the login"},
	"530034":  {entraRefused, "blocked-by-policy", "A security policy blocks the partner's login"},
	"530035":  {entraRefused, "blocked-by-policy", "Security defaults block the login"},
	"50131":   {entraRefused, "blocked-by-policy", "Conditional access or location blocks the login"},
	"50105":   {entraRefused, "not-assigned", "The user is not assigned to the app"},
	"50020":   {entraRefused, "not-in-tenant", "The account is not in the tenant"},
	"50177":   {entraRefused, "not-in-tenant", "The account is not in the tenant"},
	"90072":   {entraRefused, "not-in-tenant", "The account is not in the tenant"},
	"90094":   {entraInterrupt, "admin-consent-required", "An administrator has to consent"},
	"90095":   {entraInterrupt, "admin-consent-required", "An administrator has to consent"},
	"50155":   {entraRefused, "device-authentication-failed", "The device could not identify itself"},
	"50132":   {entraInterrupt, "session-revoked", "The session is not valid any more"},
	"500011":  {entraRefused, "unknown-resource", "The resource is not in the tenant"},
	"700016":  {entraRefused, "unknown-app", "The app is not in the tenant"},
	"7000215": {entraPassword, "invalid-client-secret", "The app's secret is wrong"},
	"7000222": {entraRefused, "client-secret-expired", "The app's secret has expired"},
	"700027":  {entraPassword, "invalid-client-certificate", "The app's signed assertion is not valid"},
	"7000112": {entraRefused, "app-disabled", "The app is disabled"},
	"500133":  {entraRefused, "assertion-expired", "The assertion is outside of its time"},
	"90025":   {entraInterrupt, "try-again", "The service asks for another try"},
	"90033":   {entraInterrupt, "try-again", "The service is not available for the moment"},
	"50196":   {entraRefused, "client-loop", "The client asks again and again"},
	"1002016": {entraRefused, "old-tls", "The client's version of TLS is too old"},
}
