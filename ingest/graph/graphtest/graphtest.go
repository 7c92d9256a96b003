// Package graphtest is a server that speaks the part of Microsoft Graph's and
// the token endpoint's protocol that reading audit logs needs: client
// credentials, tokens that run out, $filter on times, $top, @odata.nextLink with
// a token of its own, throttling, outages, and records that appear late.
package graphtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the application of the server is called.
const (
	Directory = "00000000-1111-2222-3333-444444444444"
	ClientID  = "app-id"
	Secret    = "app-secret"
)

// Server is the service. Safe for concurrent use.
type Server struct {
	*httptest.Server

	mu      sync.Mutex
	records map[string][]Record // by log
	tokens  map[string]int      // requests that each is still good for
	lasts   int                 // of a new token
	issued  int
	asked   int
	answers []Answer // that come before the real ones
	largest int      // records of a page, whatever $top asks for
	secret  string
}

// Record of a log.
type Record struct {
	Time time.Time
	JSON string
}

// Answer is one that the server gives in place of a page.
type Answer struct {
	Status     int // 0: the connection breaks off
	RetryAfter string
}

// Start runs a server until the test ends. A page has at most three records.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{records: map[string][]Record{}, tokens: map[string]int{}, lasts: 1 << 30, largest: 3, secret: Secret}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+Directory+"/oauth2/v2.0/token", s.token)
	mux.HandleFunc("GET /v1.0/auditLogs/{log}", s.page)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// SignIn is a sign-in as Graph writes it.
func SignIn(id string, at time.Time, user, address string, code int) Record {
	return Record{Time: at, JSON: fmt.Sprintf(`{
  "id": %q, "createdDateTime": %q, "userPrincipalName": %q, "userDisplayName": "Ola", "userId": "u-1", "appDisplayName": "Sak",
  "ipAddress": %q, "clientAppUsed": "Browser", "isInteractive": true, "correlationId": "c-1",
  "status": {"errorCode": %d, "failureReason": "Invalid username or password.", "additionalDetails": null}
}`, id, at.UTC().Format(time.RFC3339), user, address, code)}
}

// Audit is a record of the directory's audit log as Graph writes it.
func Audit(id string, at time.Time, activity, by, whom string) Record {
	return Record{Time: at, JSON: fmt.Sprintf(`{"id": %q, "category": "UserManagement", "activityDisplayName": %q, "activityDateTime": %q, "operationType": "Add", "result": "success", "loggedByService": "Core Directory",
 "initiatedBy": {"user": {"userPrincipalName": %q}}, "targetResources": [{"type": "User", "userPrincipalName": %q}]}`, id, activity, at.UTC().Format(time.RFC3339), by, whom)}
}

// Add puts records into a log (signIns, directoryAudits).
func (s *Server) Add(log string, records ...Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[log] = append(s.records[log], records...)
}

// Say makes these answers come before the next real page.
func (s *Server) Say(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// Page sets how many records a page has at most.
func (s *Server) Page(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.largest = most
}

// TokensLast makes each token good for so many requests from now on, those that
// were given for none.
func (s *Server) TokensLast(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lasts = requests
	clear(s.tokens)
}

// Renew makes another secret the application's.
func (s *Server) Renew(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = secret
	clear(s.tokens)
}

// Issued is how many tokens were given, Asked how many pages were asked for.
func (s *Server) Issued() int { s.mu.Lock(); defer s.mu.Unlock(); return s.issued }

// Asked is how many pages were asked for.
func (s *Server) Asked() int { s.mu.Lock(); defer s.mu.Unlock(); return s.asked }

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ParseForm() != nil || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("client_id") != ClientID ||
		r.Form.Get("client_secret") != s.secret || r.Form.Get("scope") != s.URL+"/.default" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215: " + r.Form.Get("client_secret")})
		return
	}
	s.issued++
	token := "token-" + strconv.Itoa(s.issued)
	s.tokens[token] = s.lasts
	answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": token})
}

var filter = regexp.MustCompile(`^(createdDateTime|activityDateTime) ge (\S+) and (createdDateTime|activityDateTime) lt (\S+)$`)

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.tokens[token] < 1 {
		answer(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed, the token is expired."}})
		return
	}
	s.tokens[token]--
	if len(s.answers) > 0 {
		a := s.answers[0]
		s.answers = s.answers[1:]
		if a.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		if a.RetryAfter != "" {
			w.Header().Set("Retry-After", a.RetryAfter)
		}
		answer(w, a.Status, map[string]any{"error": map[string]any{"code": "TooManyRequests"}})
		return
	}
	log := r.PathValue("log")
	field := map[string]string{"signIns": "createdDateTime", "directoryAudits": "activityDateTime"}[log]
	m := filter.FindStringSubmatch(r.URL.Query().Get("$filter"))
	if m == nil || m[1] != field || m[3] != field {
		answer(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": "BadRequest", "message": "Invalid filter clause"}})
		return
	}
	since, err1 := time.Parse(time.RFC3339, m[2])
	until, err2 := time.Parse(time.RFC3339, m[4])
	top, err3 := strconv.Atoi(r.URL.Query().Get("$top"))
	if err1 != nil || err2 != nil || err3 != nil || top < 1 || top > 1000 {
		answer(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": "BadRequest"}})
		return
	}
	s.give(w, r, log, since, until, min(top, s.largest))
}

// give answers the page that the skip token says, the newest records first.
func (s *Server) give(w http.ResponseWriter, r *http.Request, log string, since, until time.Time, top int) {
	var in []Record
	for _, one := range s.records[log] {
		if !one.Time.Before(since) && one.Time.Before(until) {
			in = append(in, one)
		}
	}
	slices.SortStableFunc(in, func(a, b Record) int { return b.Time.Compare(a.Time) })
	skip, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("$skiptoken"), "after-"))
	in = in[min(skip, len(in)):]
	out := map[string]any{"@odata.context": s.URL + "/v1.0/$metadata#auditLogs/" + log}
	if len(in) > top {
		q := r.URL.Query()
		q.Set("$skiptoken", "after-"+strconv.Itoa(skip+top))
		out["@odata.nextLink"] = s.URL + r.URL.Path + "?" + q.Encode()
		in = in[:top]
	}
	value := make([]json.RawMessage, len(in))
	for i, one := range in {
		value[i] = json.RawMessage(one.JSON)
	}
	out["value"] = value
	answer(w, http.StatusOK, out)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
