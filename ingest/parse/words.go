package parse

import (
	"strings"
	"unicode"

	"varde.internal/schemas/ecs"
)

// Words by which formats without a fixed vocabulary say what happened, in lower
// case. They are looked for as whole words or, where they are long, as parts.
var (
	wordsLogoff  = []string{"logout", "logoff", "log off", "log out", "logged out", "logged off", "sign-out", "signout", "sign out", "signed out", "utlogging", "utlogget", "avlogging", "logget ut", "logget av"}
	wordsLogin   = []string{"login", "logon", "log on", "log in", "logged in", "logged on", "sign-in", "signin", "sign in", "signed in", "authenticat", "innlogging", "innlogget", "pålogging", "pålogget", "logget inn", "logget på", "user_auth"}
	wordsFailure = []string{"unsuccessful", "fail", "denied", "deny", "invalid", "reject", "incorrect", "bad password", "wrong", "block", "refused", "unauthorized", "not authorized", "disabled", "locked", "error", "mislykket", "mislyktes", "feil", "avvist", "nektet", "ugyldig", "sperret"}
	wordsSuccess = []string{"success", "succeed", "accept", "allow", "granted", "permit", "passed", "vellykket", "suksess", "lyktes", "godkjent", "innvilget"}
)

func anyWord(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// outcomeOf reads a word that stands in a field for the outcome. "" is unknown.
func outcomeOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "":
		return ""
	case "ok", "true", "yes", "ja", "pass", "1", "s", "y", "j":
		return ecs.OutcomeSuccess
	case "false", "no", "nei", "nok", "ko", "0", "n", "f":
		return ecs.OutcomeFailure
	case "unknown", "ukjent":
		return ecs.OutcomeUnknown
	}
	switch {
	case anyWord(s, wordsFailure):
		return ecs.OutcomeFailure
	case anyWord(s, wordsSuccess), strings.HasSuffix(s, " ok"), strings.HasPrefix(s, "ok "):
		return ecs.OutcomeSuccess
	}
	return ""
}

// actionOf reads what an event's name says: a login, a logoff, or "".
func actionOf(s string) string {
	s = strings.ToLower(s)
	switch {
	case anyWord(s, wordsLogoff):
		return ecs.ActionLogoff
	case anyWord(s, wordsLogin):
		return ecs.ActionLogin
	}
	return ""
}

// slug makes an action of an event's name: "User Logon" is user-logon.
func slug(s string) string {
	var out strings.Builder
	dash := false
	for _, r := range strings.ToLower(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if dash && out.Len() > 0 {
				out.WriteByte('-')
			}
			dash = false
			out.WriteRune(r)
		default:
			dash = true
		}
		if out.Len() >= 64 {
			break
		}
	}
	return out.String()
}

// spoken sets action, outcome and attempt of an event of a general format: what
// its name says it is, and how its fields say it ended. A login is an attempt
// where it names an account and an outcome.
func spoken(ev *ecs.Event, name, outcome string) {
	action := actionOf(name)
	switch {
	case action == ecs.ActionLogin && outcome != "" && outcome != ecs.OutcomeUnknown && ev.User != nil:
		attempt(ev, outcome, "")
	case action == ecs.ActionLogin:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case action == ecs.ActionLogoff:
		classify(ev, kindEnd, ecs.ActionLogoff, outcome)
	default:
		classify(ev, kindInfo, slug(name), outcome)
	}
}
