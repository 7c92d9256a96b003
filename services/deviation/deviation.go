// Package deviation takes reports of deviations (avvik) and lets the reporter
// follow up. It is the only part that knows who reported: the identity is
// encrypted in the report's own document, under a key that no other part
// loads; everything that leaves carries a pseudonym per report. This file,
// form.go, receipt.go and seal.go are the domain: without clock, store or network.
package deviation

import (
	"encoding/json"
	"time"

	"varde.internal/schemas/topics"
)

// StateSent is a report's state until a case exists; later states are the case's.
const StateSent = "sent"

// Report as it is kept. What follows State is the follow-up view: what the
// cases service told of the case.
type Report struct {
	FormType    string          `json:"formType"`
	FormVersion int             `json:"formVersion"`
	Answers     json.RawMessage `json:"answers"`
	Outcome     Outcome         `json:"judged"`
	SystemID    string          `json:"systemId,omitempty"`
	UnitID      string          `json:"unitId,omitempty"`
	Anonymous   bool            `json:"anonymous"`
	Pseudonym   string          `json:"pseudonym"`
	Occurred    time.Time       `json:"occurred,omitzero"`
	Submitted   time.Time       `json:"submitted"` // the hour only, where anonymous
	Attachments []StoredFile    `json:"attachments,omitempty"`
	Code        string          `json:"code"`               // keyed hash of the receipt code
	Digest      string          `json:"digest"`             // keyed hash of what was submitted
	Identity    []byte          `json:"identity,omitempty"` // sealed Identity; none where anonymous
	Owner       string          `json:"owner,omitempty"`    // keyed hash of the person, for their own list

	State string `json:"state"`
	// CaseID and CaseSequence are the last change that was taken in: which of
	// two is later does not hang on clocks. Unset in reports of earlier versions.
	CaseID       string    `json:"caseId,omitempty"`
	CaseSequence int       `json:"caseSequence,omitempty"`
	CaseNumber   string    `json:"caseNumber,omitempty"`
	Told         string    `json:"told,omitempty"` // the outcome, in the handler's words
	Measures     []string  `json:"measures,omitempty"`
	Changed      time.Time `json:"changed,omitzero"`
	Asked        bool      `json:"asked,omitempty"` // the handler's last message is a question
	Messages     int       `json:"messages"`        // how many there are
	Recent       []Seen    `json:"recent,omitempty"`
}

// takes reports whether a change of the case tells something newer than what is
// known. Where both have a sequence of the same case, that alone decides: the
// times are the clocks of whichever processes wrote them. Without one (written
// by an earlier version) the time is all there is.
func (r *Report) takes(c topics.CaseChanged) bool {
	switch {
	case c.Sequence > 0 && (r.CaseSequence == 0 || r.CaseID != c.CaseID):
		return true
	case c.Sequence > 0:
		return c.Sequence >= r.CaseSequence
	}
	return !c.Changed.Before(r.Changed)
}

// Seen is a message that has its place in the dialogue.
type Seen struct {
	ID       string `json:"id"`
	Sequence int    `json:"sequence"`
}

// maxRecent bounds the list that gives a repeated message its old place.
const maxRecent = 100

// place gives a message its number in the dialogue: the one it has, or the next.
func (r *Report) place(messageID string) (sequence int, fresh bool) {
	for _, s := range r.Recent {
		if s.ID == messageID {
			return s.Sequence, false
		}
	}
	r.Messages++
	r.Recent = append(r.Recent, Seen{messageID, r.Messages})
	if len(r.Recent) > maxRecent {
		r.Recent = append([]Seen{}, r.Recent[len(r.Recent)-maxRecent:]...)
	}
	return r.Messages, true
}

// StoredFile is an attachment. OriginalSHA256 is of the bytes as they came, set
// where metadata was taken out of them.
type StoredFile struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	MediaType       string `json:"mediaType"`
	Size            int64  `json:"size"`
	SHA256          string `json:"sha256"`
	OriginalSHA256  string `json:"originalSha256,omitempty"`
	MetadataRemoved bool   `json:"metadataRemoved,omitempty"`
	BlobKey         string `json:"blobKey"`
}

// Attachment is the file as the case handler gets it.
func (f StoredFile) Attachment() topics.Attachment {
	return topics.Attachment{ID: f.ID, Name: f.Name, MediaType: f.MediaType, Size: f.Size, SHA256: f.SHA256, BlobKey: f.BlobKey}
}

// Draft holds files that came before their report. Its id is a keyed hash of
// the token that the reporter's browser has.
type Draft struct {
	Files   []StoredFile `json:"files"`
	Bytes   int64        `json:"bytes"`
	Expires time.Time    `json:"expires"`
	// SignedIn: opened by somebody who was signed in, which says whose quota its
	// files count on. Who it was is not kept.
	SignedIn bool `json:"signedIn,omitempty"`
	// Report is the id of the report that took the files; then they are its.
	Report string `json:"report,omitempty"`
}

// Message of the dialogue, as the reporter sees it.
type Message struct {
	ReportID string    `json:"reportId"`
	Sequence int       `json:"sequence"`
	From     string    `json:"from"` // reporter, handler
	Kind     string    `json:"kind"` // message, question, measure-proposal
	Text     string    `json:"text"`
	Sent     time.Time `json:"sent"`
}

// Who writes, and what.
const (
	FromReporter = "reporter"
	FromHandler  = "handler"

	MessagePlain    = "message"
	MessageQuestion = "question"
	MessageProposal = "measure-proposal"
)

// coarse is the time that is kept of what an anonymous reporter does: the hour.
func coarse(at time.Time, anonymous bool) time.Time {
	at = at.UTC()
	if anonymous {
		return at.Truncate(time.Hour)
	}
	return at.Truncate(time.Second)
}
