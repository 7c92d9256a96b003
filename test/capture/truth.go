package main

import "time"

// Truth is one thing that the client did, as it knows it: no log was read to
// write it. User is the name as the server takes it: at most 100 bytes, and
// OpenSSH cuts "name:style" (and Debian "name/role") at the mark.
type Truth struct {
	Time    time.Time `json:"time"` // the client's clock
	Host    string    `json:"host"`
	Kind    string    `json:"kind"` // login, privilege, account, lock
	User    string    `json:"user,omitempty"`
	Outcome string    `json:"outcome,omitempty"` // success, failure

	// Of a login.
	Address     string `json:"address,omitempty"`
	Port        int    `json:"port,omitempty"`
	Method      string `json:"method,omitempty"`
	Invalid     bool   `json:"invalid,omitempty"` // the machine has no such account
	Fingerprint string `json:"fingerprint,omitempty"`
	CertID      string `json:"certId,omitempty"`
	CertSerial  string `json:"certSerial,omitempty"`
	CA          string `json:"ca,omitempty"`

	// Of a use of privilege and of a change of an account.
	Target  string `json:"target,omitempty"`
	Command string `json:"command,omitempty"`
	Action  string `json:"action,omitempty"`
	Group   string `json:"group,omitempty"`
}

// Manifest describes a capture.
type Manifest struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Format      string         `json:"format"` // of the log files: rfc3164, rfc3339, rfc5424
	Zone        string         `json:"zone"`   // of times that name none
	Start       time.Time      `json:"start"`
	End         time.Time      `json:"end"`
	Hosts       []Host         `json:"hosts"`
	Keys        []Key          `json:"keys,omitempty"`
	CAs         []CA           `json:"cas,omitempty"`
	Addresses   []Address      `json:"addresses"` // where clients came from
	Daemons     []string       `json:"daemons"`   // versions
	Lines       map[string]int `json:"lines"`     // per log file
}

// Host of a capture, with its log file.
type Host struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Address6 string `json:"address6"`
	Log      string `json:"log"`
	LogLevel string `json:"logLevel"`
	Repeats  bool   `json:"repeats,omitempty"` // rsyslog collapsed equal messages
	Lock     bool   `json:"lock,omitempty"`    // pam_faillock was on
}

// Key that a client used; with CertID, its certificate.
type Key struct {
	Account     string `json:"account"`
	Type        string `json:"type"`
	Fingerprint string `json:"fingerprint"`
	CertID      string `json:"certId,omitempty"`
	CertSerial  string `json:"certSerial,omitempty"`
	CA          string `json:"ca,omitempty"`
}

// CA that the hosts trust.
type CA struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
}

// Address of a client and what it stands for.
type Address struct {
	Address string `json:"address"`
	Who     string `json:"who"`
}
