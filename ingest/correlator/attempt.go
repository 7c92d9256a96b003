package correlator

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// Attempt is what the rules need of an event that decides a login, that locks
// an account, or that ends a session. It is also the form in which the look-back is kept, so its
// JSON names are short and stay as they are.
type Attempt struct {
	EventID    string    `json:"id"`
	Tenant     string    `json:"-"` // of the document it lies in
	Time       time.Time `json:"t"`
	Created    time.Time `json:"c,omitzero"` // receipt; orders lines of one second
	Path       string    `json:"f,omitempty"`
	Offset     int64     `json:"o,omitempty"`
	Source     string    `json:"s,omitempty"`
	Host       string    `json:"h,omitempty"`
	Programs   []string  `json:"p,omitempty"` // process, service, dataset, folded
	Realm      string    `json:"r,omitempty"` // folded
	User       string    `json:"u"`           // folded
	Spellings  []string  `json:"w,omitempty"` // other forms of the account, folded
	System     string    `json:"y,omitempty"` // system id, where the collector knew it
	Address    string    `json:"a,omitempty"`
	Station    string    `json:"n,omitempty"`
	Method     string    `json:"m,omitempty"`
	CertID     string    `json:"k,omitempty"`
	Key        string    `json:"q,omitempty"` // fingerprint
	Success    bool      `json:"ok,omitempty"`
	Lock       bool      `json:"l,omitempty"`  // not an attempt: the account was locked
	End        bool      `json:"e,omitempty"`  // not an attempt: a session ended
	Session    string    `json:"z,omitempty"`  // of the host: its id, or the process that wrote the line
	Count      int       `json:"x,omitempty"`  // 0 is 1
	Directory  bool      `json:"d,omitempty"`  // the directory's view of an attempt made elsewhere
	Web        string    `json:"wl,omitempty"` // which log of a web server said so: webAccess, webError
	Provenance string    `json:"v,omitempty"`
	Generation int       `json:"g,omitempty"`
	Original   string    `json:"l1,omitempty"`
	SHA256     string    `json:"h1,omitempty"`

	trace map[string]string
}

// maxOriginal bounds the copy of a line kept as evidence; the hash is of the
// whole line, which the index has.
const maxOriginal = 8 << 10

// fold gives the form in which names are compared: composed, lower case,
// without surrounding space. Ø and O with a stroke typed as two characters are one.
func fold(s string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
}

// attemptOf reads an event; ok is false for one that does not decide a login,
// lock an account, or end a session.
func attemptOf(e *ecs.Event) (a *Attempt, ok bool) {
	lock := e.Event.Action == ecs.ActionAccountLocked
	end := !e.Varde.Attempt && endsSession(e)
	if (!e.Varde.Attempt && !lock && !end) || e.Event.ID == "" {
		return nil, false
	}
	if e.Varde.Attempt && e.Event.Outcome != ecs.OutcomeSuccess && e.Event.Outcome != ecs.OutcomeFailure {
		return nil, false
	}
	a = &Attempt{
		EventID: e.Event.ID, Tenant: e.Varde.Tenant, Time: e.Timestamp.UTC(), Created: e.Event.Created.UTC(),
		Source: e.Varde.Source, System: e.Varde.System, Station: fold(e.Varde.Station), Method: e.Varde.Method,
		Success: e.Event.Outcome == ecs.OutcomeSuccess, Lock: lock && !e.Varde.Attempt, Count: max(1, e.Varde.Repeat),
		End: end, Session: sessionOf(e),
		Directory: directoryView(e), Web: webLog(e), Provenance: e.Varde.Provenance, Generation: e.Varde.Generation,
		Original: e.Event.Original, SHA256: e.Event.Hash,
	}
	if len(a.Original) > maxOriginal {
		a.Original = strings.ToValidUTF8(a.Original[:maxOriginal], "")
	}
	if e.Log != nil {
		a.Offset = e.Log.Offset
		if e.Log.File != nil {
			a.Path = e.Log.File.Path
		}
	}
	if e.Host != nil {
		a.Host = fold(e.Host.Name)
	}
	if e.Source != nil {
		a.Address = cmp.Or(e.Source.IP, fold(e.Source.Domain))
	}
	if e.Varde.Key != nil {
		a.CertID, a.Key = e.Varde.Key.CertID, e.Varde.Key.Fingerprint
	}
	a.programs(e)
	a.account(e)
	return a, a.User != ""
}

// endsSession reports whether the event ends a session that sessionOf names.
func endsSession(e *ecs.Event) bool {
	return (e.Event.Action == ecs.ActionSessionEnd || e.Event.Action == ecs.ActionLogoff) && sessionOf(e) != ""
}

// sessionOf names the session within its host. sshd gives none, but one process
// of it writes that a login was accepted and that its session was closed.
func sessionOf(e *ecs.Event) string {
	switch {
	case e.Varde.Session != "":
		return e.Varde.Session
	case e.Process != nil && e.Process.PID > 0:
		return "pid " + strconv.Itoa(e.Process.PID)
	}
	return ""
}

func (a *Attempt) programs(e *ecs.Event) {
	add := func(name string) {
		name = strings.TrimSuffix(fold(name), "-session") // sshd-session is sshd's child
		if name != "" && !slices.Contains(a.Programs, name) {
			a.Programs = append(a.Programs, name)
		}
	}
	if e.Process != nil {
		add(e.Process.Name)
	}
	if e.Service != nil {
		add(e.Service.Name)
	}
	add(e.Event.Dataset)
}

// account gathers the spellings under which the register may know the account.
func (a *Attempt) account(e *ecs.Event) {
	user := e.User
	if a.Lock && user != nil && user.Target != nil {
		user = user.Target // who was locked, not who did it
	}
	if acc := e.Varde.Account; acc != nil && !(a.Lock && e.User != nil && e.User.Target != nil) {
		a.Realm, a.User = fold(acc.Realm), fold(acc.Name)
	}
	if user == nil {
		return
	}
	name, domain := fold(user.Name), fold(user.Domain)
	if a.User == "" {
		a.User, a.Realm = name, domain
	}
	for _, s := range []string{name, fold(user.Email)} {
		a.spelt(s)
	}
	if domain != "" {
		a.spelt(domain + `\` + name)
		a.spelt(name + "@" + domain)
	}
	if a.Realm != "" {
		a.spelt(a.Realm + `\` + a.User)
		a.spelt(a.User + "@" + a.Realm)
	}
}

func (a *Attempt) spelt(s string) {
	if s != "" && s != a.User && !slices.Contains(a.Spellings, s) {
		a.Spellings = append(a.Spellings, s)
	}
}

// directoryView reports whether the event is what the directory saw of a login
// that an endpoint decides and reports too ("Attempts").
func directoryView(e *ecs.Event) bool {
	switch e.Event.Code {
	case "4768", "4771", "4776":
		return true
	}
	switch e.Event.Dataset {
	case "radius", "freeradius", "openldap", "slapd", "kerberos", "krb5kdc":
		return true
	}
	return false
}

// The logs of a web server, which both tell of a refused password.
const (
	webAccess = "a"
	webError  = "e"
)

// webLog says which log of a web server an event is from; an access log alone
// has the status that was answered.
func webLog(e *ecs.Event) string {
	switch {
	case e.Event.Module != "web":
		return ""
	case e.HTTP != nil && e.HTTP.Response != nil && e.HTTP.Response.Status > 0:
		return webAccess
	}
	return webError
}

// password reports whether a failure counts for thresholds: a client offers
// each of its keys in turn, so keys do not.
func (a *Attempt) password() bool {
	switch a.Method {
	case "publickey", "certificate", "hostbased", "gssapi", "none":
		return false
	}
	return true
}

func (a *Attempt) failure() bool { return !a.Success && !a.Lock && !a.End }

func (a *Attempt) repeats() int { return max(1, a.Count) }

// compare is the one order of attempts: by event time, and within one second by
// receipt and place in the file, because most lines have whole seconds only. It
// rests on what travels in the event, so that every order of arrival gives it.
func compare(a, b *Attempt) int {
	return cmp.Or(
		a.Time.Compare(b.Time),
		a.Created.Compare(b.Created),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Offset, b.Offset),
		cmp.Compare(a.EventID, b.EventID),
	)
}

func evidenceOf(a *Attempt) topics.Evidence {
	outcome := ecs.OutcomeFailure
	switch {
	case a.Lock:
		outcome = ecs.OutcomeUnknown
	case a.Success:
		outcome = ecs.OutcomeSuccess
	}
	return topics.Evidence{
		EventID: a.EventID, Time: a.Time, Original: a.Original, SHA256: a.SHA256, Host: a.Host,
		Account: a.accountName(), Address: a.Address, Outcome: outcome, Provenance: a.Provenance,
	}
}

func (a *Attempt) accountName() string {
	if a.Realm != "" {
		return a.Realm + `\` + a.User
	}
	return a.User
}
