// Package rsyslog measures what a line costs from the wire to an acknowledged
// topic and into the index, beside rsyslog with mmnormalize doing the first half
// of it: same lines, same machine, same run, same Kafka, acknowledged by it.
//
//	go test -run '^$' -bench . -benchtime 1x ./test/bench/rsyslog
//
// Needs rsyslogd with mmnormalize and omkafka (Debian: rsyslog, rsyslog-kafka,
// liblognorm5). RSYSLOG_MODULES names their folder where it is another.
package rsyslog

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"varde.internal/test/engines"
	"varde.internal/test/running"
)

func TestMain(m *testing.M) { running.Main(m) }

const (
	lines = 500_000
	limit = 15 * time.Minute
)

// line is a failed login with a name of its own, as sshd writes it.
func line(n int) string {
	return fmt.Sprintf("<38>%s bench%02d sshd[%d]: Failed password for invalid user person-%d from 192.0.2.%d port %d ssh2\n",
		time.Now().Format("Jan _2 15:04:05"), n%40, 1000+n%30000, n%5000, n%254+1, 1024+n%60000)
}

// send writes all lines over one connection as fast as they are taken.
func send(b *testing.B, address string) {
	conn, err := net.Dial("tcp", address)
	require.NoError(b, err)
	w := bufio.NewWriterSize(conn, 1<<16)
	for n := range lines {
		_, err := w.WriteString(line(n))
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, conn.Close())
}

// ticks of the clock that /proc counts in: 100 a second on every Linux of today.
const ticks = 100

// cpu is the processor time of a process in seconds.
func cpu(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return float64(user+system) / ticks
}

// processOf finds the process that runs a part alone, by its command line.
func processOf(b *testing.B, part, config string) int {
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(b, err)
	for _, file := range found {
		text, _ := os.ReadFile(file)
		args := strings.Split(string(text), "\x00")
		if len(args) > 2 && args[1] == "serve" && args[2] == part && strings.Contains(string(text), filepath.Dir(config)) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			require.NoError(b, err)
			return pid
		}
	}
	b.Fatalf("no process runs %s", part)
	return 0
}

var stored = regexp.MustCompile(`(?m)^varde_indexer_events_total\{result="stored"\} (\S+)$`)

func inIndex(b *testing.B, endpoint string) int {
	res, err := http.Get(endpoint + "/metrics")
	require.NoError(b, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(b, err)
	m := stored.FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(b, err)
	return int(n)
}

func until(b *testing.B, what string, done func() bool) {
	for end := time.Now().Add(limit); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%s: not within %s", what, limit)
		}
	}
}

func BenchmarkBesideRsyslog(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), limit)
	defer cancel()
	set, err := running.LaunchEngines(ctx)
	require.NoError(b, err)
	defer set.Discard()
	s := &running.Installation{Data: b.TempDir(), Engines: set}
	require.NoError(b, s.Launch())
	defer s.Kill()
	endpoints, err := s.Endpoints()
	require.NoError(b, err)
	collector, indexer := processOf(b, "collector", s.ConfigFile()), processOf(b, "indexer", s.ConfigFile())
	for b.Loop() {
		before, received, indexed := inIndex(b, endpoints["indexer"]), cpu(b, collector), cpu(b, indexer)
		send(b, s.Syslog)
		until(b, "in the index", func() bool { return inIndex(b, endpoints["indexer"]) >= before+lines })
		b.ReportMetric(1e6/lines*(cpu(b, collector)-received), "collector-cpu-s/million")
		b.ReportMetric(1e6/lines*(cpu(b, indexer)-indexed), "indexer-cpu-s/million")
		b.ReportMetric(1e6/lines*rsyslogd(b, strings.TrimPrefix(set.Of[engines.KindKafka].URL, "kafka://")), "rsyslog-cpu-s/million")
	}
}

// rsyslogd sends the lines through rsyslog into a topic of their own and returns
// the processor time that it took, in seconds.
func rsyslogd(b *testing.B, broker string) float64 {
	dir := b.TempDir()
	modules := os.Getenv("RSYSLOG_MODULES")
	if modules == "" {
		modules = "/usr/lib/x86_64-linux-gnu/rsyslog"
	}
	for _, name := range []string{"mmnormalize.so", "omkafka.so", "imptcp.so"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			b.Skipf("rsyslog's %s cannot be had here", name)
		}
	}
	topic := "rsyslog-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	client := &kafka.Client{Addr: kafka.TCP(broker)}
	created, err := client.CreateTopics(b.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 6, ReplicationFactor: 1}}})
	require.NoError(b, err)
	require.NoError(b, created.Errors[topic])
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := free.Addr().String()
	require.NoError(b, free.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(filepath.Join(dir, "rules"), []byte(rules), 0o600))
	file := filepath.Join(dir, "rsyslog.conf")
	require.NoError(b, os.WriteFile(file, []byte(strings.NewReplacer("PORT", port, "RULES", filepath.Join(dir, "rules"), "BROKER", broker, "TOPIC", topic, "WORK", dir).Replace(config)), 0o600))
	command := exec.CommandContext(b.Context(), "rsyslogd", "-n", "-f", file, "-i", filepath.Join(dir, "pid"), "-M", modules)
	command.Stderr = os.Stderr
	require.NoError(b, command.Start())
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	until(b, "rsyslog listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	before := cpu(b, command.Process.Pid)
	send(b, address)
	until(b, "in rsyslog's topic", func() bool { return published(b, client, topic) >= lines })
	return cpu(b, command.Process.Pid) - before
}

func published(b *testing.B, client *kafka.Client, topic string) (n int) {
	want := make([]kafka.OffsetRequest, 6)
	for i := range want {
		want[i] = kafka.LastOffsetOf(i)
	}
	answer, err := client.ListOffsets(b.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: want}})
	require.NoError(b, err)
	for _, p := range answer.Topics[topic] {
		n += int(p.LastOffset)
	}
	return n
}

// rules are the lines that are sent, in liblognorm's language.
const rules = `version=2
rule=:%-:whitespace%Failed password for invalid user %user:word% from %ip:ipv4% port %port:number% ssh2
rule=:Failed password for invalid user %user:word% from %ip:ipv4% port %port:number% ssh2
`

// config makes the fields that Varde makes of such a line, save the hash and the
// id, for which rsyslog has no means. Messages are acknowledged by the broker,
// and a queue on disk takes over when it does not.
const config = `global(workDirectory="WORK")
module(load="imptcp")
module(load="mmnormalize")
module(load="omkafka")
input(type="imptcp" port="PORT" address="127.0.0.1")
template(name="ecs" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="message" name="msg" format="jsonf" position.from="2")
  constant(outname="event.kind" value="event" format="jsonf")
  constant(outname="event.category" value="authentication" format="jsonf")
  constant(outname="event.type" value="start" format="jsonf")
  constant(outname="event.action" value="login" format="jsonf")
  constant(outname="event.outcome" value="failure" format="jsonf")
  constant(outname="event.dataset" value="sshd" format="jsonf")
  constant(outname="event.module" value="system" format="jsonf")
  constant(outname="event.reason" value="invalid-user" format="jsonf")
  property(outname="event.provider" name="programname" format="jsonf")
  property(outname="event.original" name="rawmsg" format="jsonf")
  property(outname="event.created" name="timegenerated" dateFormat="rfc3339" format="jsonf")
  property(outname="user.name" name="$!user" format="jsonf")
  property(outname="source.ip" name="$!ip" format="jsonf")
  property(outname="source.port" name="$!port" format="jsonf")
  property(outname="host.name" name="hostname" format="jsonf")
  property(outname="process.name" name="programname" format="jsonf")
  property(outname="process.pid" name="procid" format="jsonf")
  constant(outname="service.name" value="sshd" format="jsonf")
  constant(outname="service.type" value="ssh" format="jsonf")
  property(outname="log.level" name="syslogseverity-text" format="jsonf")
  property(outname="log.syslog.priority" name="pri" format="jsonf")
  property(outname="log.syslog.facility.code" name="syslogfacility" format="jsonf")
  property(outname="log.syslog.facility.name" name="syslogfacility-text" format="jsonf")
  property(outname="log.syslog.severity.code" name="syslogseverity" format="jsonf")
  property(outname="log.syslog.severity.name" name="syslogseverity-text" format="jsonf")
  constant(outname="network.protocol" value="ssh" format="jsonf")
  constant(outname="network.transport" value="tcp" format="jsonf")
  property(outname="related.ip" name="$!ip" format="jsonf")
  property(outname="related.user" name="$!user" format="jsonf")
  property(outname="related.hosts" name="hostname" format="jsonf")
  constant(outname="varde.tenant" value="bjorkvag" format="jsonf")
  constant(outname="varde.source" value="bench" format="jsonf")
  constant(outname="varde.parser" value="sshd" format="jsonf")
  constant(outname="varde.method" value="password" format="jsonf")
  constant(outname="varde.attempt" value="true" format="jsonf")
  property(outname="varde.account.name" name="$!user" format="jsonf")
}
if $programname == "sshd" then {
  action(type="mmnormalize" rulebase="RULES" useRawMsg="off")
  action(type="omkafka" broker="BROKER" topic="TOPIC" template="ecs" partitions.auto="on"
    confParam=["acks=all", "linger.ms=5", "compression.codec=lz4"] resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="WORK/failed"
    queue.type="LinkedList" queue.size="50000" queue.filename="forward" queue.saveOnShutdown="on" queue.dequeueBatchSize="1024" action.resumeRetryCount="-1")
}
`
