// Package topics holds the messages that travel between the parts. The JSON
// Schema of each lies beside this file and is generated from it (`go tool task
// generate`); a consumer ignores fields it does not know, and a field is never
// given a new meaning.
package topics

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Message types, sent as the header "type".
const (
	TypeEvent            = "event"             // ecs.Event on events
	TypeDeadLetter       = "dead-letter"       // on events.failed
	TypeFact             = "fact"              // on register and directory
	TypeFindingRaised    = "finding.raised"    // on findings
	TypeFindingWithdrawn = "finding.withdrawn" // on findings
	TypeReport           = "report.submitted"  // on reports
	TypeReportMessage    = "report.message"    // on reports: dialogue from the reporter
	TypeCaseChanged      = "case.changed"      // on cases
	TypeCaseMessage      = "case.message"      // on cases: dialogue to the reporter
	TypeAuditRecord      = "audit.record"      // on audit
	TypeRevocation       = "revocation"        // on revocations
	TypeIntakeReport     = "intake.report"     // on intake
)

// DeadLetter is a received line that could not become an event, whole, with
// the reason; it can be replayed.
type DeadLetter struct {
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`
	Source   string    `json:"source"`
	Stage    string    `json:"stage"`  // collect, parse, index
	Reason   string    `json:"reason"` // a slug: line-too-long, invalid-encoding, conflicting-id, …
	Detail   string    `json:"detail,omitempty"`
	Received time.Time `json:"received"`
	Raw      []byte    `json:"raw"` // base64 in JSON
	// How it came, so that a replay reads it as it was read: see ecs.Varde's
	// Provenance, whether it came as it was written (a socket), the file it is of
	// and where in it, the time that its file's years were resolved by, and
	// whether it is a document of _bulk that its line is found in.
	Provenance string    `json:"provenance,omitempty"`
	Live       bool      `json:"live,omitempty"`
	Path       string    `json:"path,omitempty"`
	Offset     int64     `json:"offset,omitempty"`
	Reference  time.Time `json:"reference,omitzero"`
	Document   bool      `json:"document,omitempty"`
}

// Fact is one entity of the register or the directory with its full validity
// history, so that compaction loses nothing. Versions are ordered by
// RecordedAt; a later recorded one covers an earlier where their validity
// overlaps. Read it with package history of schemas/topics (At, AsKnownAt).
type Fact struct {
	Kind     string    `json:"kind"` // see the Kind constants
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`
	Versions []Version `json:"versions"`
}

// Version of an entity: Data holds from ValidFrom to ValidTo (exclusive; zero
// is open), as recorded at RecordedAt. Deleted true means that the entity does
// not exist in that time.
type Version struct {
	ValidFrom  time.Time       `json:"validFrom"`
	ValidTo    time.Time       `json:"validTo,omitzero"`
	RecordedAt time.Time       `json:"recordedAt"`
	RecordedBy string          `json:"recordedBy,omitempty"` // subject id
	Deleted    bool            `json:"deleted,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"` // the Go type of Kind
}

// Kinds of facts. The first eight come from services/register, the rest from
// services/identity.
const (
	KindVendor       = "vendor"        // Vendor
	KindAgreement    = "agreement"     // Agreement
	KindVendorPerson = "vendor-person" // VendorPerson: a row of a vendor's access list
	KindAccessWindow = "access-window" // AccessWindow
	KindSystem       = "system"        // System
	KindAccount      = "account"       // Account
	KindSource       = "source"        // Source
	KindMapping      = "mapping"       // Mapping: what a Source's MappingID names

	KindTenant = "tenant" // Tenant
	KindUnit   = "unit"   // Unit
	KindPerson = "person" // Person
)

// Vendor is a supplier (leverandør).
type Vendor struct {
	Name      string   `json:"name"`
	OrgNumber string   `json:"orgNumber,omitempty"`
	Networks  []string `json:"networks,omitempty"` // cleared CIDR ranges the vendor works from
	Contact   string   `json:"contact,omitempty"`
}

// Agreement is a data-processor agreement (databehandleravtale, R60, R61). It
// is valid from the version's ValidFrom to its ValidTo. One without all four
// annexes is valid, and shown as a weakness.
type Agreement struct {
	VendorID string   `json:"vendorId"`
	Title    string   `json:"title"`
	Signed   bool     `json:"signed"`
	Systems  []string `json:"systems,omitempty"` // empty: all systems of the tenant
	Annexes  []string `json:"annexes,omitempty"` // see the Annex constants
	Checked  []string `json:"checked,omitempty"` // points of R29 that were checked
}

// The four annexes of R61.
const (
	AnnexSecurityDescription   = "security-description"
	AnnexVulnerabilityAnalysis = "vulnerability-analysis"
	AnnexPersonalData          = "personal-data-per-form"
	AnnexConfigurationMap      = "configuration-map"
)

// VendorPerson is one of a vendor's people on its access list (tilgangsliste, R26).
type VendorPerson struct {
	VendorID        string   `json:"vendorId"`
	Name            string   `json:"name"`
	Accounts        []string `json:"accounts,omitempty"` // ids of KindAccount
	KeyFingerprints []string `json:"keyFingerprints,omitempty"`
	CertIDs         []string `json:"certIds,omitempty"`
	Networks        []string `json:"networks,omitempty"` // CIDR or single addresses
}

// AccessWindow is an approved time in which a vendor may log in (tilgangsvindu).
// The slot From–To is fixed; with Duration the slot is the time within which
// it may begin, and it ends Duration after first use. A window counts from
// ApprovedAt (zero: not approved) until RevokedAt.
type AccessWindow struct {
	VendorID   string        `json:"vendorId"`
	Systems    []string      `json:"systems"`
	Persons    []string      `json:"persons,omitempty"` // empty: all on the access list
	From       time.Time     `json:"from"`
	To         time.Time     `json:"to"`
	Duration   time.Duration `json:"duration,omitempty"` // nanoseconds
	Reason     string        `json:"reason,omitempty"`
	ApprovedBy string        `json:"approvedBy,omitempty"`
	ApprovedAt time.Time     `json:"approvedAt,omitzero"`
	RevokedAt  time.Time     `json:"revokedAt,omitzero"`
	Emergency  bool          `json:"emergency,omitempty"`
}

// System is a digital resource with its responsible people (R15–R18).
type System struct {
	Name          string   `json:"name"`
	UnitID        string   `json:"unitId"`
	Owner         string   `json:"owner,omitempty"`         // person id; may be a vendor's id by mistake (trap 1)
	Administrator string   `json:"administrator,omitempty"` // person id
	Responsible   string   `json:"responsible,omitempty"`   // day-to-day responsible, person id
	Hosts         []string `json:"hosts,omitempty"`         // host names that log for it
	Services      []string `json:"services,omitempty"`      // programs that log for it; empty: all on its hosts
	Vendors       []string `json:"vendors,omitempty"`
	Zone          string   `json:"zone,omitempty"` // secured, internal, open
	PersonalData  bool     `json:"personalData,omitempty"`
	// PublicForm says whether the form that everybody can open names the system:
	// shown or hidden; empty: by its zone, see InPublicForm.
	PublicForm string `json:"publicForm,omitempty"`
}

// Values of System.PublicForm.
const (
	PublicFormShown  = "shown"
	PublicFormHidden = "hidden"
)

// zoneSecured is the zone whose systems the public form does not name unless
// somebody says so.
const zoneSecured = "secured"

// InPublicForm reports whether the form that everybody can open names the
// system. Where nobody decided, those of the secured zone are left out: a list
// of them is a map for whoever wants in.
func (s System) InPublicForm() bool {
	return s.PublicForm == PublicFormShown || s.PublicForm == "" && s.Zone != zoneSecured
}

// Account is a login name in a realm; it belongs to a person of the
// municipality or of a vendor.
type Account struct {
	Realm    string   `json:"realm,omitempty"` // empty: local to the systems listed
	Name     string   `json:"name"`
	Aliases  []string `json:"aliases,omitempty"` // other spellings: BØ\kari, kari@bo.example
	Systems  []string `json:"systems,omitempty"` // empty: every system of the tenant
	PersonID string   `json:"personId,omitempty"`
	VendorID string   `json:"vendorId,omitempty"` // set: a vendor account
	Flags    []string `json:"flags,omitempty"`    // dual-login, guest, shared
}

// Source of log lines: who owns it and how its lines map to tenants.
type Source struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`             // file, syslog, bulk, import
	Format    string   `json:"format,omitempty"` // parser, empty: auto
	TimeZone  string   `json:"timeZone,omitempty"`
	KeyHash   string   `json:"keyHash,omitempty"` // SHA-256 of the API key, hex
	Addresses []string `json:"addresses,omitempty"`
	// Certificates of the sender: a fingerprint as CertificateFingerprint
	// writes it, or a name in a certificate that a trusted authority signed.
	Certificates []string          `json:"certificates,omitempty"`
	Shared       bool              `json:"shared,omitempty"`
	Realms       map[string]string `json:"realms,omitempty"` // account realm → tenant, for shared sources
	HostTenants  map[string]string `json:"hostTenants,omitempty"`
	Retention    string            `json:"retention,omitempty"` // retention class
	// SilentAfter is the longest silence that is expected of it; after it the
	// source is a finding (C20). Zero: the installation's default.
	SilentAfter time.Duration `json:"silentAfter,omitempty"`
	Irregular   bool          `json:"irregular,omitempty"` // no rhythm is expected
	Responsible string        `json:"responsible,omitempty"`
	// MaxPerSecond and MaxBurst are its quota in lines; what comes faster is
	// slowed. Zero: the installation's default.
	MaxPerSecond int `json:"maxPerSecond,omitempty"`
	MaxBurst     int `json:"maxBurst,omitempty"`
	// MappingID names the Mapping that reads the lines, in place of Format.
	MappingID string `json:"mappingId,omitempty"`
}

// IntakeReport is what a collector says of itself every minute: that it takes
// lines, and whose it slowed since it last said so. Its absence means that
// nothing was taken, so that no source is held to have been silent then (C20).
// It is no tenant's, and names nobody.
type IntakeReport struct {
	Collector string         `json:"collector"` // of one run of one process
	Time      time.Time      `json:"time"`
	Sources   []SourceIntake `json:"sources,omitempty"`
}

// SourceIntake is how a source that came faster than its quota was slowed.
type SourceIntake struct {
	Tenant  string `json:"tenant"` // that owns it
	Source  string `json:"source"`
	Slowed  int64  `json:"slowed,omitempty"`  // milliseconds that its connections were read no further
	Refused int64  `json:"refused,omitempty"` // requests that were told to come again later
	Dropped int64  `json:"dropped,omitempty"` // datagrams that were lost
}

// Mapping says how the lines of a Source become events. Its id is made of its
// text, so that it never changes: another text is another mapping, and the
// history of the Source says which one it had when. It is apart from the Source
// because each message about that holds the whole history.
type Mapping struct {
	Text string `json:"text"` // YAML, as docs/formats.md describes it
}

// MaxMapping bounds the text of a Mapping, in bytes.
const MaxMapping = 64 << 10

// RetentionStandard is the retention class of a Source that names none.
const RetentionStandard = "standard"

// HashAPIKey gives a Source's KeyHash: SHA-256 of the key, hex. A key has 256
// random bits, so a slow hash would add nothing.
func HashAPIKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// CertificateFingerprint of a certificate's DER form, as RFC 5425, section
// 4.2.2, writes it: "sha-256:" and upper-case octets with colons between.
func CertificateFingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	octets := make([]string, len(sum))
	for i, b := range sum {
		octets[i] = fmt.Sprintf("%02X", b)
	}
	return "sha-256:" + strings.Join(octets, ":")
}

// Tenant is a municipality or the IT host.
type Tenant struct {
	Name       string         `json:"name"`
	OrgNumber  string         `json:"orgNumber,omitempty"`
	CasePrefix string         `json:"casePrefix"` // two letters, as in BØ-2026-0042
	Host       bool           `json:"host,omitempty"`
	HostedBy   string         `json:"hostedBy,omitempty"`
	Neighbour  string         `json:"neighbour,omitempty"` // fallback for N3
	Titles     map[int]string `json:"titles,omitempty"`    // what levels 1–3 are called here (R75)
}

// Unit of an organisation. Level is 1 for the top, 2 and 3 below it (R22);
// units under a level 3 unit have level 4 and no signing manager.
type Unit struct {
	Name    string `json:"name"`
	Parent  string `json:"parent,omitempty"`
	Level   int    `json:"level"`
	Manager string `json:"manager,omitempty"` // person id; empty: vacant (R23b)
}

// Person of a municipality. Absences make routing pass to the delegate.
type Person struct {
	Name     string      `json:"name"`
	Email    string      `json:"email,omitempty"`
	UnitID   string      `json:"unitId,omitempty"`
	Title    string      `json:"title,omitempty"`
	Roles    []RoleGrant `json:"roles,omitempty"`
	Delegate string      `json:"delegate,omitempty"`
	Absences []Period    `json:"absences,omitempty"`
	Left     bool        `json:"left,omitempty"`
}

// RoleGrant gives a role over a unit (and those below), or over the tenant
// where UnitID is empty. Role names: platform/auth.
type RoleGrant struct {
	Role   string `json:"role"`
	UnitID string `json:"unitId,omitempty"`
}

// Period is half-open; a zero To is open.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// Finding is what the correlator decided. ID is rule + group + triggering
// event. A withdrawn one has the same ID, type finding.withdrawn, and Reason.
type Finding struct {
	ID       string            `json:"id"`
	Tenant   string            `json:"tenant"`
	Rule     string            `json:"rule"`   // C4, or a Sigma rule's id
	Family   string            `json:"family"` // see the Family constants
	Group    map[string]string `json:"group"`  // vendor+system, or account
	Severity string            `json:"severity"`
	Time     time.Time         `json:"time"`  // of the triggering event
	First    time.Time         `json:"first"` // event times of the evidence
	Last     time.Time         `json:"last"`
	Decided  time.Time         `json:"decided"`
	Reason   Reason            `json:"reason"`

	SystemID    string     `json:"systemId,omitempty"`
	VendorID    string     `json:"vendorId,omitempty"`
	Persons     []string   `json:"persons,omitempty"` // vendor-person or person ids that acted
	Accounts    []string   `json:"accounts,omitempty"`
	Addresses   []string   `json:"addresses,omitempty"`
	Hosts       []string   `json:"hosts,omitempty"`
	WindowID    string     `json:"windowId,omitempty"`
	AgreementID string     `json:"agreementId,omitempty"`
	Evidence    []Evidence `json:"evidence"`
	// Explained says why a withdrawn finding no longer holds.
	Explained *Reason `json:"explained,omitempty"`
}

// Reason is a slug with parameters; the interface has its sentence.
type Reason struct {
	Slug   string            `json:"slug"` // outside-window, not-on-access-list, agreement-expired, …
	Params map[string]string `json:"params,omitempty"`
}

// Evidence is a log line that a finding or a case rests on.
type Evidence struct {
	EventID    string    `json:"eventId"`
	Time       time.Time `json:"time"`
	Original   string    `json:"original"`
	SHA256     string    `json:"sha256"` // hex, of Original
	Host       string    `json:"host,omitempty"`
	Account    string    `json:"account,omitempty"`
	Address    string    `json:"address,omitempty"`
	Outcome    string    `json:"outcome,omitempty"`
	Provenance string    `json:"provenance,omitempty"`
}

// Families group findings into incidents ("How the detections decide").
const (
	FamilyVendorAccess   = "vendor-access"   // C4 C6 C7 C23
	FamilyForeignAccount = "foreign-account" // C5
	FamilyAccountUse     = "account-use"     // C2 C3 C11 C13–C16
	FamilyGuessing       = "guessing"        // C1
	FamilyLifeCycle      = "life-cycle"      // C8 C9
	FamilyRights         = "rights"          // C10 C17
	FamilyFeeds          = "feeds"           // C20
	FamilyCalendar       = "calendar"        // C12 C18 C19 C21 C22
)

// Severities, weakest first.
const (
	SeverityLow      = "low"
	SeverityMedium   = "medium"
	SeverityHigh     = "high"
	SeverityCritical = "critical"
)

// Report is a deviation as the case handler may see it: never the reporter's
// identity. Submitted is coarse (the hour) when Anonymous.
type Report struct {
	ID          string          `json:"id"`
	Tenant      string          `json:"tenant"`
	FormType    string          `json:"formType"`
	FormVersion int             `json:"formVersion"`
	Kind        string          `json:"kind"`     // event, breach, weakness (R3)
	Category    string          `json:"category"` // R6
	Severity    string          `json:"severity"` // from the guided questions
	Summary     string          `json:"summary"`
	Answers     json.RawMessage `json:"answers"` // as the form's schema
	SystemID    string          `json:"systemId,omitempty"`
	UnitID      string          `json:"unitId,omitempty"` // reporter's unit, or the one chosen
	Anonymous   bool            `json:"anonymous"`
	Reporter    string          `json:"reporter"` // pseudonym per report
	// ReporterExclusion is an HMAC of the reporter's person id under the
	// tenant's key, so that N3 can be checked without knowing the person.
	ReporterExclusion string       `json:"reporterExclusion,omitempty"`
	PassLine          bool         `json:"passLine,omitempty"` // about the manager: past the line of command (N1)
	Ongoing           bool         `json:"ongoing,omitempty"`
	Occurred          time.Time    `json:"occurred,omitzero"`
	Submitted         time.Time    `json:"submitted"`
	Attachments       []Attachment `json:"attachments,omitempty"`
}

// Attachment of a report; the bytes lie in the blob store under BlobKey.
type Attachment struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"` // of the stored bytes, hex
	BlobKey   string `json:"blobKey"`
}

// ReportMessage is what the reporter writes later.
type ReportMessage struct {
	ID       string    `json:"id"`
	ReportID string    `json:"reportId"`
	Tenant   string    `json:"tenant"`
	Text     string    `json:"text"`
	Sent     time.Time `json:"sent"`
	Kind     string    `json:"kind,omitempty"` // empty: a message; measure-proposal (R14)
}

// CaseChanged tells what the reporter and other parts may know of a case.
type CaseChanged struct {
	CaseID    string   `json:"caseId"`
	Number    string   `json:"number"` // BØ-2026-0042
	Tenant    string   `json:"tenant"`
	ReportIDs []string `json:"reportIds,omitempty"`
	// Sequence grows with every change of the case and says which of two
	// messages is later, whatever the clocks of their writers; 0 in messages
	// that were written before there was one.
	Sequence int       `json:"sequence,omitempty"`
	State    string    `json:"state"`
	Outcome  string    `json:"outcome,omitempty"` // to the reporter, in plain words
	Measures []string  `json:"measures,omitempty"`
	Changed  time.Time `json:"changed"`
}

// CaseMessage is what a handler writes to the reporter.
type CaseMessage struct {
	ID       string    `json:"id"`
	CaseID   string    `json:"caseId"`
	ReportID string    `json:"reportId"`
	Tenant   string    `json:"tenant"`
	Text     string    `json:"text"`
	Question bool      `json:"question"`
	Sent     time.Time `json:"sent"`
}

// AuditRecord is one read or change. Payload fields that can name a person
// are erasable in the audit service; the log commits to them with a salt.
type AuditRecord struct {
	ID      string            `json:"id"`
	Tenant  string            `json:"tenant"`
	Time    time.Time         `json:"time"`
	Service string            `json:"service"`
	Actor   Actor             `json:"actor"`
	Action  string            `json:"action"`            // event.search, case.close, …
	Object  string            `json:"object,omitempty"`  // kind:id
	Purpose string            `json:"purpose,omitempty"` // stated purpose
	CaseID  string            `json:"caseId,omitempty"`
	Phase   string            `json:"phase"`            // intent, outcome, change
	Intent  string            `json:"intent,omitempty"` // of an outcome: the intent's id
	Result  string            `json:"result,omitempty"` // ok, denied, error
	Counts  map[string]int    `json:"counts,omitempty"`
	Details map[string]string `json:"details,omitempty"`
}

// Actor of an audit record: a person, a service, or the pseudonym of a report.
type Actor struct {
	Type  string   `json:"type"` // person, service, reporter
	ID    string   `json:"id"`
	Roles []string `json:"roles,omitempty"`
}

// Revocation makes every token of the subject (or session) issued before
// NotBefore invalid.
type Revocation struct {
	Subject   string    `json:"subject,omitempty"`
	Session   string    `json:"session,omitempty"`
	NotBefore time.Time `json:"notBefore"`
}
