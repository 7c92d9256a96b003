package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/test/running"
)

const place = "GPS-69.6492N-18.9553E"

// photo is a JPEG whose EXIF says where it was taken: a GPS directory with a
// latitude, and the place in words behind it.
func photo(t *testing.T) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 32, 24))
	for x := range 32 {
		picture.Set(x, x%24, color.RGBA{R: uint8(x * 8), G: 90, B: 40, A: 255})
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, picture, nil))

	var tiff bytes.Buffer
	le := binary.LittleEndian
	entry := func(tag, kind uint16, count, value uint32) {
		require.NoError(t, binary.Write(&tiff, le, struct {
			Tag, Kind    uint16
			Count, Value uint32
		}{tag, kind, count, value}))
	}
	tiff.WriteString("II*\x00\x08\x00\x00\x00\x01\x00")
	entry(0x8825, 4, 1, 26) // GPS directory at 26
	tiff.WriteString("\x00\x00\x00\x00\x02\x00")
	entry(1, 2, 2, 'N')
	entry(2, 5, 3, 56) // latitude: three fractions at 56
	tiff.WriteString("\x00\x00\x00\x00")
	for _, n := range []uint32{69, 1, 38, 1, 57, 1} {
		require.NoError(t, binary.Write(&tiff, le, n))
	}
	tiff.WriteString(place)
	segment := append([]byte("Exif\x00\x00"), tiff.Bytes()...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(out, segment...), b.Bytes()[2:]...)
}

// choice finds a unit or system of the form by its name.
func choice(t *testing.T, list []deviationapi.Choice, name string) string {
	t.Helper()
	i := slices.IndexFunc(list, func(c deviationapi.Choice) bool { return c.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s is not offered: %v", name, list)
	return list[i].Id
}

// newReport are whole answers about the archive system, in the words given.
func newReport(t *testing.T, b *running.Browser, words string) deviationapi.NewReport {
	t.Helper()
	var form deviationapi.Form
	b.Get("/api/deviation/v1/public/tenants/bjorkvag/forms/general", &form)
	return deviationapi.NewReport{
		Tenant: "bjorkvag", FormType: form.FormType, FormVersion: form.Version, SubmissionId: uuid.NewString(),
		Answers: map[string]any{
			"about": "no", "whatHappened": words, "happened": "happened", "category": "unlocked-pc",
			"systemId": choice(t, form.Systems, "Arkivum sak og arkiv"),
			"ongoing":  "no", "personalData": "no", "seen": "no", "services": "no",
		},
	}
}

// caseOfReport waits for the case that a report became, in the handler's queue.
func caseOfReport(t *testing.T, handler *running.Browser, words string) casesapi.Case {
	t.Helper()
	var found casesapi.Case
	running.Eventually(t, 30*time.Second, func() error {
		var queue casesapi.Queue
		handler.Get("/api/cases/v1/queue?limit=200", &queue)
		for _, c := range queue.Items {
			if c.Source != casesapi.SourceReport {
				continue
			}
			if found = caseOf(handler, c.Id); found.Report.Answers["whatHappened"] == words {
				return nil
			}
		}
		return errors.New("not in the queue")
	})
	return found
}

func followUp(t *testing.T, b *running.Browser, code string) deviationapi.FollowUp {
	t.Helper()
	var f deviationapi.FollowUp
	b.Must(http.StatusOK, b.Call("POST", "/api/deviation/v1/public/follow-up", deviationapi.FollowUpRequest{Tenant: "bjorkvag", Code: code}, &f))
	return f
}

func slugs(list []commonapi.Reason) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Slug)
	}
	return out
}

// person finds the id of a candidate by name.
func person(t *testing.T, b *running.Browser, caseID, name string) string {
	t.Helper()
	var list casesapi.PersonList
	b.Get("/api/cases/v1/cases/"+caseID+"/candidates", &list)
	i := slices.IndexFunc(list.Items, func(p casesapi.Person) bool { return p.Name == name })
	require.GreaterOrEqual(t, i, 0, "%v", list.Items)
	return list.Items[i].Id
}

// An anonymous report with a photo goes to the system's responsible manager,
// is decided, mended, checked and closed, and the reporter is told.
func TestAnonymousReportFromFormToClosedCase_R8_R9_R10_R14(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		words := "En pc sto åpen i arkivet " + uuid.NewString()
		reporter := w.stack.Visitor(t)
		receipt, sent := reportWithPhoto(t, reporter, words)
		manager := w.stack.SignIn(t, "leder")
		c := caseOfReport(t, manager, words)
		id := c.Summary.Id
		require.Equal(t, "Torgeir Moe", c.Summary.Handler.Name)
		require.True(t, c.Report.Anonymous)
		checkPhoto(t, manager, c, sent)
		settleAndClose(t, w.stack, manager, c)

		running.Eventually(t, 20*time.Second, func() error {
			if f := followUp(t, reporter, receipt.Code); f.State != deviationapi.Closed {
				return fmt.Errorf("the reporter sees %q", f.State)
			}
			return nil
		})
		f := followUp(t, reporter, receipt.Code)
		require.Equal(t, "Skjermene låser seg nå selv.", f.Outcome)
		require.ElementsMatch(t, []string{"Skjermlås etter ett minutt", "Gjennomgang med avdelingen"}, f.Measures)
		dialogue(t, reporter, manager, id, receipt.Code)
	})
}

// reportWithPhoto sends a report with a photo, twice: it exists once.
func reportWithPhoto(t *testing.T, b *running.Browser, words string) (deviationapi.Receipt, []byte) {
	t.Helper()
	var draft deviationapi.Draft
	b.Post("/api/deviation/v1/public/drafts", deviationapi.NewDraft{Tenant: "bjorkvag"}, &draft)
	sent := photo(t)
	require.Contains(t, string(sent), place)
	var file deviationapi.Attachment
	a := b.Call("POST", "/api/deviation/v1/public/attachments", sent, &file,
		"Varde-Draft", draft.Token, "Varde-Tenant", "bjorkvag", "Varde-File-Name", "arkivet.jpg")
	b.Must(http.StatusCreated, a)
	require.True(t, file.MetadataRemoved)

	report := newReport(t, b, words)
	report.Draft = draft.Token
	var receipt, again deviationapi.Receipt
	b.Post("/api/deviation/v1/public/reports", report, &receipt)
	b.Post("/api/deviation/v1/public/reports", report, &again)
	require.NotEmpty(t, receipt.Code)
	require.Equal(t, receipt.ReportId, again.ReportId)
	require.Contains(t, []deviationapi.ReportState{deviationapi.Sent, deviationapi.Received, deviationapi.Assigned}, followUp(t, b, receipt.Code).State)
	b.Must(http.StatusNotFound, b.Call("POST", "/api/deviation/v1/public/follow-up", deviationapi.FollowUpRequest{Tenant: "bjorkvag", Code: "AAAA-AAAA-AAAA-AAAA-AAAA"}, nil))
	return receipt, sent
}

func checkPhoto(t *testing.T, handler *running.Browser, c casesapi.Case, sent []byte) {
	t.Helper()
	require.Len(t, c.Report.Attachments, 1)
	a := handler.Call("GET", "/api/cases/v1/cases/"+c.Summary.Id+"/attachments/"+c.Report.Attachments[0].Id, nil, nil)
	handler.Must(http.StatusOK, a)
	require.NotContains(t, string(a.Body), place)
	require.NotContains(t, string(a.Body), "Exif\x00\x00II")
	want, err := jpeg.Decode(bytes.NewReader(sent))
	require.NoError(t, err)
	got, err := jpeg.Decode(bytes.NewReader(a.Body))
	require.NoError(t, err)
	require.Equal(t, want, got, "the picture itself is the same")
}

// settleAndClose takes a case from the queue to its closing, and tries to
// close it at each step before.
func settleAndClose(t *testing.T, s *running.Installation, manager *running.Browser, c casesapi.Case) {
	t.Helper()
	at := "/api/cases/v1/cases/" + c.Summary.Id
	blocked := func(want ...string) {
		t.Helper()
		a := manager.Call("POST", at+"/close", casesapi.Close{Summary: "For tidlig"}, nil)
		manager.Must(http.StatusUnprocessableEntity, a)
		require.Equal(t, "closing-blocked", a.Slug())
		require.Equal(t, want, strings.Split(a.Problem.Params["blockers"], ","))
		require.Subset(t, slugs(caseOf(manager, c.Summary.Id).Blockers), want)
	}
	blocked("decision-missing", "measures-missing", "effect-check-missing", "outcome-missing")
	manager.Post(at+"/acknowledge", nil, &c)
	manager.Post(at+"/decisions", casesapi.NewDecision{Kind: casesapi.DecisionKindMeasures, Reason: "Det skal ikke skje igjen"}, &c)
	blocked("measures-missing", "effect-check-missing", "outcome-missing")

	kari := person(t, manager, c.Summary.Id, "Kari Bakken")
	due := time.Now().AddDate(0, 0, 7)
	manager.Post(at+"/measures", casesapi.NewMeasure{Kind: casesapi.Preventive, Text: "Skjermlås etter ett minutt", Owner: kari, Due: due}, &c)
	manager.Post(at+"/measures", casesapi.NewMeasure{Kind: casesapi.Corrective, Text: "Gjennomgang med avdelingen", Owner: kari, Due: due}, &c)
	blocked("measure-unsettled", "effect-check-missing", "outcome-missing")

	owner := s.SignIn(t, "ansatt")
	for _, m := range c.Measures {
		require.Equal(t, "Kari Bakken", m.Owner.Name)
		owner.Post(at+"/measures/"+m.Id+"/settle", casesapi.SettleMeasure{Result: casesapi.SettleMeasureResultDone}, nil)
	}
	blocked("effect-check-missing", "outcome-missing")
	a := owner.Call("POST", at+"/effect-check", casesapi.NewEffectCheck{Effective: true, Note: "Mitt eget"}, nil)
	require.GreaterOrEqual(t, a.Status, 400, "not by the measure's owner: %s", a.Body)
	s.SignIn(t, "sikkerhet").Post(at+"/effect-check", casesapi.NewEffectCheck{Effective: true, Note: "Sjekket på stedet"}, nil)
	blocked("outcome-missing")
	manager.Post(at+"/close", casesapi.Close{Summary: "Lukket", Outcome: "Skjermene låser seg nå selv."}, &c)
	require.Equal(t, casesapi.StateClosed, c.Summary.State)
}

// dialogue: the manager asks and the reporter answers, by the code alone.
func dialogue(t *testing.T, reporter, manager *running.Browser, caseID, code string) {
	t.Helper()
	at := "/api/cases/v1/cases/" + caseID + "/messages"
	manager.Post(at, casesapi.NewMessage{MessageId: uuid.NewString(), Text: "Så du noen der?", Question: true}, nil)
	running.Eventually(t, 20*time.Second, func() error {
		f := followUp(t, reporter, code)
		if !slices.ContainsFunc(f.Messages, func(m deviationapi.Message) bool { return m.Text == "Så du noen der?" }) {
			return errors.New("the question has not come")
		}
		return nil
	})
	reporter.Post("/api/deviation/v1/public/follow-up/messages",
		deviationapi.MessageByCode{Tenant: "bjorkvag", Code: code, MessageId: uuid.NewString(), Text: "Nei, ingen"}, nil)
	running.Eventually(t, 20*time.Second, func() error {
		var list casesapi.MessageList
		manager.Get(at, &list)
		if !slices.ContainsFunc(list.Items, func(m casesapi.Message) bool {
			return m.Text == "Nei, ingen" && m.From == casesapi.MessageFromReporter
		}) {
			return errors.New("the answer has not come")
		}
		return nil
	})
}

// Who reports signed in finds the report again, and whoever reported cannot
// handle it, even the manager it would belong to.
func TestSignedInReport_N3(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		employee, manager := w.stack.SignIn(t, "ansatt"), w.stack.SignIn(t, "leder")
		words := "Feil vedlegg sendt ut " + uuid.NewString()
		var receipt deviationapi.Receipt
		employee.Post("/api/deviation/v1/reports", newReport(t, employee, words), &receipt)
		c := caseOfReport(t, manager, words)
		require.False(t, c.Report.Anonymous)
		require.NotContains(t, fmt.Sprint(c), "Kari Bakken", "the case does not hold who reported")
		running.Eventually(t, 20*time.Second, func() error {
			var mine deviationapi.MyReportList
			employee.Get("/api/deviation/v1/reports", &mine)
			for _, r := range mine.Items {
				if r.ReportId == receipt.ReportId && r.CaseNumber == c.Summary.Number {
					return nil
				}
			}
			return fmt.Errorf("not among %v", mine.Items)
		})
		// The reporter's own account has no case to handle.
		require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, employee.Call("POST", "/api/cases/v1/cases/"+c.Summary.Id+"/acknowledge", nil, nil).Status)

		// The manager's own report: somebody else's case.
		own := "Jeg glemte å låse " + uuid.NewString()
		manager.Post("/api/deviation/v1/reports", newReport(t, manager, own), &receipt)
		officer := w.stack.SignIn(t, "sikkerhet")
		c = anyCaseOfReport(t, officer, own)
		require.NotEmpty(t, c.Summary.Handler.Name)
		require.NotEqual(t, "Torgeir Moe", c.Summary.Handler.Name)
		a := manager.Call("POST", "/api/cases/v1/cases/"+c.Summary.Id+"/decisions", casesapi.NewDecision{Kind: casesapi.DecisionKindNoAction, Reason: "Mitt eget"}, nil)
		require.Equal(t, "involved", a.Slug(), "%s", a.Body)
		require.Equal(t, http.StatusForbidden, a.Status, "a refusal by who one is, not by what one sent")
	})
}

// anyCaseOfReport is caseOfReport in whoever's queue it lies.
func anyCaseOfReport(t *testing.T, officer *running.Browser, words string) (found casesapi.Case) {
	t.Helper()
	running.Eventually(t, 30*time.Second, func() error {
		var list casesapi.CaseList
		officer.Post("/api/cases/v1/cases/search", casesapi.CaseSearch{Sources: []casesapi.Source{casesapi.SourceReport}, Limit: 200}, &list)
		for _, c := range list.Items {
			if found = caseOf(officer, c.Id); found.Report.Answers["whatHappened"] == words {
				return nil
			}
		}
		return errors.New("no case yet")
	})
	return found
}
