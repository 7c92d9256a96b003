// Package ecs is the form of a log event: Elastic Common Schema field names,
// and varde.* for what is ours. An Event marshals to nested JSON, which is
// also how it travels on the topic "events" and lies in the index.
package ecs

import "time"

// Version of the Elastic Common Schema whose names are used.
const Version = "8.17"

// Event is one log event. Times are UTC. Zero values are left out of JSON.
type Event struct {
	Timestamp   time.Time         `json:"@timestamp"`
	Message     string            `json:"message,omitempty"` // the text without its transport header
	Event       Meta              `json:"event"`
	User        *User             `json:"user,omitempty"`
	Source      *Endpoint         `json:"source,omitempty"`
	Destination *Endpoint         `json:"destination,omitempty"`
	Client      *Endpoint         `json:"client,omitempty"`
	Server      *Endpoint         `json:"server,omitempty"`
	Observer    *Observer         `json:"observer,omitempty"`
	Host        *Host             `json:"host,omitempty"`
	Process     *Process          `json:"process,omitempty"`
	Service     *Service          `json:"service,omitempty"`
	Log         *Log              `json:"log,omitempty"`
	Network     *Network          `json:"network,omitempty"`
	HTTP        *HTTP             `json:"http,omitempty"`
	URL         *URL              `json:"url,omitempty"`
	UserAgent   *UserAgent        `json:"user_agent,omitempty"`
	Group       *Group            `json:"group,omitempty"`
	Org         *Organization     `json:"organization,omitempty"`
	Cloud       *Cloud            `json:"cloud,omitempty"`
	Rule        *Rule             `json:"rule,omitempty"`
	Related     *Related          `json:"related,omitempty"`
	Error       *Error            `json:"error,omitempty"`
	File        *File             `json:"file,omitempty"`
	Winlog      *Winlog           `json:"winlog,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Varde       Varde             `json:"varde"`
}

// Meta is event.*. Outcome is success, failure or unknown.
type Meta struct {
	ID       string    `json:"id,omitempty"`
	Kind     string    `json:"kind,omitempty"`     // event, alert, state
	Category []string  `json:"category,omitempty"` // authentication, session, iam, process, configuration
	Type     []string  `json:"type,omitempty"`     // start, end, info, change, user, group, denied
	Action   string    `json:"action,omitempty"`   // see the Action constants
	Outcome  string    `json:"outcome,omitempty"`
	Dataset  string    `json:"dataset,omitempty"` // sshd, sudo, su, pam, shadow-utils, unparsed, …
	Module   string    `json:"module,omitempty"`
	Provider string    `json:"provider,omitempty"`
	Code     string    `json:"code,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Original string    `json:"original,omitempty"` // the line as received
	Hash     string    `json:"hash,omitempty"`     // SHA-256 of Original, hex
	Created  time.Time `json:"created,omitzero"`   // when a collector received it
	Ingested time.Time `json:"ingested,omitzero"`
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Duration int64     `json:"duration,omitempty"` // nanoseconds
	Severity int       `json:"severity,omitempty"`
	Timezone string    `json:"timezone,omitempty"`
}

// Actions that rules and searches rely on; parsers may add others.
const (
	ActionLogin          = "login" // an attempt, see Varde.Attempt
	ActionLogoff         = "logoff"
	ActionSessionStart   = "session-start"
	ActionSessionEnd     = "session-end"
	ActionAccountLocked  = "account-locked" // the control worked (C1)
	ActionAccountCreated = "account-created"
	ActionAccountChanged = "account-changed"
	ActionAccountDeleted = "account-deleted"
	ActionGroupMember    = "group-member-added"
	ActionGroupRemoved   = "group-member-removed"
	ActionPasswordChange = "password-changed"
	ActionPrivilege      = "privilege-use" // sudo, su: never a login
	ActionProbe          = "probe"         // a line about an attempt that does not decide one
)

// Outcomes of event.outcome.
const (
	OutcomeSuccess = "success"
	OutcomeFailure = "failure"
	OutcomeUnknown = "unknown"
)

// User is user.*; Target is who was changed or switched to, Effective who one became.
type User struct {
	Name      string   `json:"name,omitempty"`
	ID        string   `json:"id,omitempty"`
	Domain    string   `json:"domain,omitempty"`
	Email     string   `json:"email,omitempty"`
	FullName  string   `json:"full_name,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	Target    *User    `json:"target,omitempty"`
	Effective *User    `json:"effective,omitempty"`
	Changes   *User    `json:"changes,omitempty"` // what of the target changed: its new name
	Group     *Group   `json:"group,omitempty"`   // which the target joined or left
}

// Endpoint is source.* or destination.*. IP is canonical text (IPv4-mapped
// IPv6 addresses become IPv4); what is not an address goes to Domain.
type Endpoint struct {
	IP     string `json:"ip,omitempty"`
	Port   int    `json:"port,omitempty"`
	Domain string `json:"domain,omitempty"`
	MAC    string `json:"mac,omitempty"`
	// NAT is the address on the other side of a translation: what a VPN client
	// got inside, what a firewall made of an inner address.
	NAT   *NAT  `json:"nat,omitempty"`
	Geo   *Geo  `json:"geo,omitempty"` // only where the log itself says it
	Bytes int64 `json:"bytes,omitempty"`
}

// Host is the machine that logged.
type Host struct {
	Name string   `json:"name,omitempty"`
	IP   []string `json:"ip,omitempty"`
}

// Process is process.*.
type Process struct {
	Name        string `json:"name,omitempty"`
	PID         int    `json:"pid,omitempty"`
	CommandLine string `json:"command_line,omitempty"`
	WorkingDir  string `json:"working_directory,omitempty"`
	TTY         string `json:"tty,omitempty"`
	// Executable is the path; EntityID names the process once and for all, where
	// the log does (Sysmon's ProcessGuid).
	Executable string         `json:"executable,omitempty"`
	EntityID   string         `json:"entity_id,omitempty"`
	Parent     *ProcessParent `json:"parent,omitempty"`
}

// ProcessParent is process.parent.*.
type ProcessParent struct {
	Name        string `json:"name,omitempty"`
	PID         int    `json:"pid,omitempty"`
	CommandLine string `json:"command_line,omitempty"`
	Executable  string `json:"executable,omitempty"`
	EntityID    string `json:"entity_id,omitempty"`
}

// Service is service.*.
type Service struct {
	Name string `json:"name,omitempty"`
	Type string `json:"type,omitempty"`
}

// Log is log.*.
type Log struct {
	Level  string     `json:"level,omitempty"`
	File   *LogFile   `json:"file,omitempty"`
	Offset int64      `json:"offset,omitempty"`
	Syslog *LogSyslog `json:"syslog,omitempty"`
}

// LogFile is log.file.*.
type LogFile struct {
	Path string `json:"path,omitempty"`
}

// LogSyslog is log.syslog.*.
type LogSyslog struct {
	Priority int    `json:"priority,omitempty"`
	Facility *Coded `json:"facility,omitempty"`
	Severity *Coded `json:"severity,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	Appname  string `json:"appname,omitempty"`
	ProcID   string `json:"procid,omitempty"`
	MsgID    string `json:"msgid,omitempty"`
	Version  string `json:"version,omitempty"`
	// Structured data, element id → parameter → value.
	StructuredData map[string]map[string]string `json:"structured_data,omitempty"`
}

// Coded is a number with its name.
type Coded struct {
	Code int    `json:"code"`
	Name string `json:"name,omitempty"`
}

// Network is network.*.
type Network struct {
	Protocol    string `json:"protocol,omitempty"`
	Transport   string `json:"transport,omitempty"`
	Type        string `json:"type,omitempty"`        // ipv4, ipv6, ipsec
	Application string `json:"application,omitempty"` // as a firewall names it
	Direction   string `json:"direction,omitempty"`   // inbound, outbound, internal
	Bytes       int64  `json:"bytes,omitempty"`
}

// Related gathers values for pivots.
type Related struct {
	IP    []string `json:"ip,omitempty"`
	User  []string `json:"user,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
	Hash  []string `json:"hash,omitempty"`
}

// Error is error.*.
type Error struct {
	Message string `json:"message,omitempty"`
	Code    string `json:"code,omitempty"`
}

// Varde is varde.*: what the system itself knows of the event.
type Varde struct {
	Tenant     string `json:"tenant,omitempty"`
	Source     string `json:"source,omitempty"`     // id of the source in the register
	Partition  string `json:"partition,omitempty"`  // storage partition, decided at collection
	Provenance string `json:"provenance,omitempty"` // see the Provenance constants
	Parser     string `json:"parser,omitempty"`
	// Generation is the parser's, or one more than that of the reading which a
	// later reading of the same line replaces: a higher one replaces.
	Generation int `json:"generation,omitempty"`
	// Attempt is true on the one event that decides a login, whatever number
	// of lines the daemon wrote; Repeat says it stands for so many (0 = 1).
	Attempt bool `json:"attempt,omitempty"`
	Repeat  int  `json:"repeat,omitempty"`
	// Method of authentication: password, publickey, certificate,
	// keyboard-interactive, hostbased, gssapi, none.
	Method  string   `json:"method,omitempty"`
	Key     *Key     `json:"key,omitempty"`
	Session string   `json:"session,omitempty"`
	Account *Account `json:"account,omitempty"` // canonical, for joins
	Vendor  string   `json:"vendor,omitempty"`
	System  string   `json:"system,omitempty"`
	Station string   `json:"station,omitempty"`
	// SkewMS is receipt minus event time, when a sane value could be had.
	SkewMS int64 `json:"skew_ms,omitempty"`
}

// Key is the key or certificate of a login.
type Key struct {
	Type        string `json:"type,omitempty"`        // ED25519, RSA, ED25519-CERT
	Fingerprint string `json:"fingerprint,omitempty"` // SHA256:…
	CertID      string `json:"cert_id,omitempty"`     // key id inside the certificate
	CertSerial  string `json:"cert_serial,omitempty"`
	CAType      string `json:"ca_type,omitempty"`
	CA          string `json:"ca,omitempty"` // fingerprint of the signing key
}

// Account is realm + name, folded to lower case: `BØ\kari`, `kari@bo.example`
// and `KARI` are one when the register says so.
type Account struct {
	Realm string `json:"realm,omitempty"`
	Name  string `json:"name,omitempty"`
}

// How a line came, strongest first. Plain UDP can be forged: alone it never
// gives a high severity.
const (
	ProvenanceClientCert = "client-certificate"
	ProvenanceAPIKey     = "api-key"
	ProvenanceFile       = "file"
	ProvenanceImport     = "import"
	ProvenanceTopic      = "topic" // of another Kafka
	ProvenancePoll       = "poll"  // asked of the service that wrote it
	ProvenanceTCP        = "tcp"
	ProvenanceUDP        = "udp"
)
