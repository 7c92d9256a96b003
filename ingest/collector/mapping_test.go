package collector

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/parse"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// door is a mapping of an entrance system's table.
func door(user string) string {
	return `version: 1
name: adgang
format: csv
csv: {delimiter: ";", columns: [Tid, Person, Kort, Utfall]}
time: {fields: [Tid], forms: ["dd.MM.yyyy HH:mm:ss"], zone: Europe/Oslo}
fields:
  user.name: ` + user + `
  event.action: {constant: login}
  event.outcome: {field: Utfall, values: {OK: success, AVVIST: failure}}
attempt: {when: [{field: Utfall, in: [OK, AVVIST]}]}
`
}

const doorLine = "22.11.2026 10:00:00;kari;k-7;AVVIST"

// mapped gives a source of the rig another mapping, as the register publishes
// it: the history grows.
func (r *rig) mapped(before topics.Fact, s topics.Source, id, text string) topics.Fact {
	r.t.Helper()
	if text != "" {
		r.registers(fact("bo", topics.KindMapping, id, topics.Mapping{Text: text}))
	}
	s.MappingID = id
	data, err := json.Marshal(s)
	require.NoError(r.t, err)
	next := before
	next.Versions = append(next.Versions[:len(next.Versions):len(next.Versions)],
		topics.Version{ValidFrom: time.Unix(int64(len(next.Versions)), 0), RecordedAt: time.Unix(int64(len(next.Versions)), 0), Data: data})
	r.registers(next)
	return next
}

func keyedSource() topics.Source {
	return topics.Source{Name: "k", Kind: "bulk", KeyHash: topics.HashAPIKey("secret-key")}
}

// The mapping of a source reads its lines from the moment it is saved, without
// a restart, and a later one makes events of a higher generation.
func TestTheMappingOfASourceReadsItsLines_R36(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := func(path, kind, body string) {
		status, answer := r.send(path, key, kind, []byte(body), false)
		require.Equal(t, 200, status, string(answer))
	}
	send("/v1/lines", "text/plain", doorLine)
	events, _ := r.await(1, 0)
	require.Equal(t, "unparsed", events[0].Event.Dataset)

	f := r.mapped(fact("bo", topics.KindSource, "keyed", keyedSource()), keyedSource(), "m1", door("Person"))
	send("/v1/lines", "text/plain", doorLine)
	events, _ = r.await(2, 0)
	require.Equal(t, "adgang", events[1].Event.Dataset)
	require.Equal(t, "kari", events[1].User.Name)
	require.Equal(t, ecs.OutcomeFailure, events[1].Event.Outcome)
	require.True(t, events[1].Varde.Attempt)
	require.Equal(t, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), events[1].Timestamp.UTC())

	r.mapped(f, keyedSource(), "m2", door("Kort"))
	send("/v1/lines", "text/plain", doorLine)
	events, _ = r.await(3, 0)
	require.Equal(t, "k-7", events[2].User.Name)
	require.Equal(t, []int{parse.Generation, parse.Generation + 1, parse.Generation + 2},
		[]int{events[0].Varde.Generation, events[1].Varde.Generation, events[2].Varde.Generation})
}

// Whatever way the lines come, the row is found: behind a header of syslog, in
// a document of _bulk, in a piece of a file.
func TestAMappingFindsTheRowOnEveryWay_R36(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mapped(fact("bo", topics.KindSource, "keyed", keyedSource()), keyedSource(), "m1", door("Person"))
	r.mapped(fact("bo", topics.KindSource, "loopback", topics.Source{}), topics.Source{Name: "l", Kind: "syslog", Addresses: []string{"127.0.0.1", "::1"}}, "m1", "")
	wrapped, err := json.Marshal(map[string]any{"@timestamp": "2026-11-22T09:30:00Z", "message": doorLine, "host": map[string]string{"name": "dor01"}, "log": map[string]any{"offset": 7}})
	require.NoError(t, err)

	ways := []func(){
		func() {
			r.send("/_bulk", key, "application/x-ndjson", []byte("{\"create\":{}}\n"+string(wrapped)+"\n"), false)
		},
		func() { r.send("/v1/lines", key, "application/x-ndjson", wrapped, false) },
		func() {
			piece, err := json.Marshal(Piece{File: "adgang.csv", Generation: "g1"})
			require.NoError(t, err)
			record, err := json.Marshal(PieceRecord{Text: []byte(doorLine)})
			require.NoError(t, err)
			status, answer := r.send("/v1/import", key, "application/x-ndjson", []byte(string(piece)+"\n"+string(record)), false)
			require.Equal(t, 200, status, string(answer))
		},
		func() { r.overTCP("<38>1 2026-11-22T10:00:00+01:00 dor01 adgang - - - " + doorLine + "\n") },
		func() { r.overTCP("<38>Nov 22 10:00:00 dor01 adgang: " + doorLine + "\n") },
		func() { r.overTCP(doorLine + "\n") },
	}
	for n, way := range ways {
		way()
		events, _ := r.await(n+1, 0)
		ev := events[n]
		require.Equal(t, "adgang", ev.Event.Dataset, "way %d: %s", n, ev.Event.Original)
		require.Equal(t, "kari", ev.User.Name, "way %d", n)
		require.Equal(t, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), ev.Timestamp.UTC(), "way %d", n)
	}
}

func (r *rig) overTCP(text string) {
	r.t.Helper()
	c, err := net.Dial("tcp", r.SyslogTCP())
	require.NoError(r.t, err)
	_, err = c.Write([]byte(text))
	require.NoError(r.t, err)
	require.NoError(r.t, c.Close())
}

// A row of JSON may itself have a field message: only a message that is a row
// is taken out of a document.
func TestARowOfJSONIsNotMistakenForItsWrapping_R36(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mapped(fact("bo", topics.KindSource, "keyed", keyedSource()), keyedSource(), "m1", "version: 1\nname: app\nformat: json\nfields: {user.name: who, message: message}\n")
	inner := `{"who":"kari","message":"logget inn"}`
	outer, err := json.Marshal(map[string]string{"@timestamp": "2026-11-22T09:30:00Z", "message": inner})
	require.NoError(t, err)
	r.send("/v1/lines", key, "application/x-ndjson", []byte(inner+"\n"+string(outer)), false)
	events, _ := r.await(2, 0)
	for _, ev := range events {
		require.Equal(t, "kari", ev.User.Name)
		require.Equal(t, "logget inn", ev.Message)
		require.Equal(t, inner, ev.Event.Original)
	}
}

// A mapping that cannot be used loses no line and stops nothing: its lines are
// dead letters that say why, other sources go on, and a mended one reads again.
func TestABrokenMappingMakesDeadLetters_R36(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newRig(t, func(_ *Config, d *run.Deps) { d.Clock = func() time.Time { return now } })
	f := r.mapped(fact("bo", topics.KindSource, "keyed", keyedSource()), keyedSource(), "m1", "version: 1\nname: adgang\nformat: csv\nfields: {user.nmae: Person}\n")
	r.send("/v1/lines", key, "text/plain", []byte(doorLine), false)
	_, failed := r.await(0, 1)
	require.Equal(t, ReasonMapping, failed[0].Reason)
	require.Contains(t, failed[0].Detail, `no field "user.nmae"`)
	require.Equal(t, doorLine, string(failed[0].Raw))
	r.send("/v1/lines", "ApiKey shared-key", "text/plain", []byte(text), false)
	r.await(1, 1)

	// One that has not arrived yet: as before, for a minute.
	f = r.mapped(f, keyedSource(), "m2", "")
	r.send("/v1/lines", key, "text/plain", []byte(doorLine), false)
	_, failed = r.await(1, 2)
	require.Contains(t, failed[1].Detail, `user.nmae`)
	r.registers(fact("bo", topics.KindMapping, "m2", topics.Mapping{Text: door("Person")}))
	r.send("/v1/lines", key, "text/plain", []byte(doorLine), false)
	events, _ := r.await(2, 2)
	require.Equal(t, "kari", events[1].User.Name)
	r.mapped(f, keyedSource(), "m3", "")
	r.sources.all()
	r.sources.maps.missed["bo/m3"] = now.Add(-arrival)
	r.sources.mu.Lock()
	r.sources.taken = time.Time{}
	r.sources.mu.Unlock()
	r.send("/v1/lines", key, "text/plain", []byte(doorLine), false)
	_, failed = r.await(2, 3)
	require.Contains(t, failed[2].Detail, "does not have the mapping")
}

// A file that is followed goes on with the new mapping where it stands, and its
// table's columns stay known.
func TestAFollowedFileIsReadByItsMapping_R36(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	header := strings.Replace(door("Person"), ", columns: [Tid, Person, Kort, Utfall]", "", 1)
	source := topics.Source{Name: "f", Kind: "file", TimeZone: "Europe/Oslo"}
	was := r.mapped(fact("bo", topics.KindSource, "file", source), source, "h1", header)
	f.write("Tid;Person;Kort;Utfall\n" + doorLine + "\n")
	events, _ := r.await(2, 0)
	require.Equal(t, "kari", events[1].User.Name)
	r.mapped(was, source, "h2", strings.Replace(header, "Person", "Kort", 1))
	f.write(doorLine + "\n")
	events, _ = r.await(3, 0)
	require.Equal(t, "k-7", events[2].User.Name)
}
