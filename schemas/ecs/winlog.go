package ecs

// Winlog is winlog.*: what a Windows event says besides what every event says,
// in the names of Winlogbeat and Elastic's integrations.
type Winlog struct {
	Channel         string         `json:"channel,omitempty"`
	Provider        string         `json:"provider_name,omitempty"`
	ProviderGUID    string         `json:"provider_guid,omitempty"`
	EventID         string         `json:"event_id,omitempty"`
	Version         int            `json:"version,omitempty"`
	RecordID        string         `json:"record_id,omitempty"` // unique within the channel of a computer
	Computer        string         `json:"computer_name,omitempty"`
	Task            string         `json:"task,omitempty"`     // its name where it was rendered, else its number
	Opcode          string         `json:"opcode,omitempty"`   // likewise
	Keywords        []string       `json:"keywords,omitempty"` // names where they are known, else the bits in hex
	ActivityID      string         `json:"activity_id,omitempty"`
	RelatedActivity string         `json:"related_activity_id,omitempty"`
	Process         *WinlogProcess `json:"process,omitempty"`
	User            *WinlogUser    `json:"user,omitempty"`
	Logon           *WinlogLogon   `json:"logon,omitempty"`
	// EventData and UserData are the event's own fields as they were written;
	// a field without a name is param1, param2 …
	EventData map[string]string `json:"event_data,omitempty"`
	UserData  map[string]string `json:"user_data,omitempty"`
}

// WinlogProcess is winlog.process.*: who wrote the event (not whom it is about).
type WinlogProcess struct {
	PID    int           `json:"pid,omitempty"`
	Thread *WinlogThread `json:"thread,omitempty"`
}

// WinlogThread is winlog.process.thread.*.
type WinlogThread struct {
	ID int `json:"id,omitempty"`
}

// WinlogUser is winlog.user.*: under whose account the event was written.
type WinlogUser struct {
	ID     string `json:"identifier,omitempty"` // a SID
	Name   string `json:"name,omitempty"`
	Domain string `json:"domain,omitempty"`
	Type   string `json:"type,omitempty"`
}

// WinlogLogon is winlog.logon.*.
type WinlogLogon struct {
	ID      string         `json:"id,omitempty"`   // of the session, within the computer's uptime
	Type    string         `json:"type,omitempty"` // in a word: Interactive, Network, RemoteInteractive …
	Failure *WinlogFailure `json:"failure,omitempty"`
}

// WinlogFailure is winlog.logon.failure.*, in words where they are known.
type WinlogFailure struct {
	Reason    string `json:"reason,omitempty"`
	Status    string `json:"status,omitempty"`
	SubStatus string `json:"sub_status,omitempty"`
}

// File is file.*.
type File struct {
	Name       string `json:"name,omitempty"`
	Path       string `json:"path,omitempty"`
	Directory  string `json:"directory,omitempty"`
	Extension  string `json:"extension,omitempty"`
	TargetPath string `json:"target_path,omitempty"`
}

func (p *Winlog) or() *Winlog           { return orEmpty(p) }
func (p *WinlogLogon) or() *WinlogLogon { return orEmpty(p) }
func (p *Process) or() *Process         { return orEmpty(p) }
