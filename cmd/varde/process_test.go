package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// as is what the test binary is when a test has started it: varde itself, or a
// process that never comes to its end.
const as = "VARDE_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(as) {
	case "varde":
		os.Unsetenv(as)
		main()
	case "hanging":
		ctx, stop := interruptible()
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("stopping")
		time.Sleep(5 * time.Minute)
	default:
		os.Exit(m.Run())
	}
}

// process is a started test binary.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Reader
	err  bytes.Buffer
	wait func() // until it has ended
}

func startAs(t *testing.T, what string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), as+"="+what)
	p.cmd.Stderr = &p.err
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(out)
	require.NoError(t, p.cmd.Start())
	p.wait = sync.OnceFunc(func() {
		_, _ = io.Copy(io.Discard, p.out)
		_ = p.cmd.Wait()
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.wait()
	})
	return p
}

// says reads a line of standard output.
func (p *process) says(begin string) (line string) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	require.NoError(p.t, err, "%s", &p.err)
	require.True(p.t, strings.HasPrefix(line, begin), "%s", line)
	return line
}

// ready waits until varde is, and gives the address of web, which is the last.
func (p *process) ready() (web string) {
	p.t.Helper()
	web = strings.TrimPrefix(strings.TrimSpace(p.says("listening http://")), "listening http://")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, answer := readyz("http://" + web)
		if status == http.StatusOK {
			return web
		}
		require.True(p.t, time.Now().Before(deadline), "%d %s", status, answer)
	}
}

func readyz(base string) (status int, answer string) {
	res, err := http.Get(base + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// exit waits for the end and gives how it came: by SIGKILL after a minute.
func (p *process) exit() syscall.WaitStatus {
	p.t.Helper()
	late := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	p.wait()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status
}

// config has every address free but those given.
func serveConfig(t *testing.T, syslog string) string {
	t.Helper()
	return file(t, "varde.yaml", "listen: { web: \"127.0.0.1:0\", collector: \"127.0.0.1:0\" }\nsyslog: { tcp: \""+syslog+"\", udp: \"\" }\nlog: error\n")
}

func TestTheFirstSignalStopsInGoodOrder(t *testing.T) {
	t.Parallel()
	data, config := filepath.Join(t.TempDir(), "data"), serveConfig(t, "127.0.0.1:0")
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		p := startAs(t, "varde", "serve", "--data", data, "--config", config)
		p.ready()
		p.signal(s)
		status := p.exit()
		require.True(t, status.Exited() && status.ExitStatus() == 0, "%v: %v %s", s, status, &p.err)
	}
}

func TestTheSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := startAs(t, "hanging")
		p.says("ready")
		p.signal(s)
		p.says("stopping")
		// It is told apart from the first as soon as that was noticed, a moment later.
		go func() {
			for range 600 {
				time.Sleep(100 * time.Millisecond)
				if p.cmd.Process.Signal(s) != nil {
					return
				}
			}
		}()
		status := p.exit()
		require.True(t, status.Signaled() && status.Signal() == s, "%v", status)
	}
}

// A disk that is too full at the start takes nothing in, and the rest runs.
func TestAProcessStartsOnADiskThatIsTooFull_N4(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	collector := ln.Addr().String()
	ln.Close()
	config := file(t, "varde.yaml", "listen: { web: \"127.0.0.1:0\", collector: \""+collector+"\" }\nsyslog: { tcp: \"\", udp: \"\" }\nlog: error\ndisk: { stop: 99.99% }\n")
	p := startAs(t, "varde", "serve", "--data", filepath.Join(t.TempDir(), "data"), "--config", config)
	p.ready()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, answer := readyz("http://" + collector)
		if status == http.StatusServiceUnavailable && strings.Contains(answer, `"engine":"disk"`) {
			break
		}
		require.True(t, time.Now().Before(deadline), "%d %s", status, answer)
	}
	p.signal(os.Interrupt)
	require.Zero(t, p.exit().ExitStatus())
	require.Contains(t, p.err.String(), "the disk is nearly full")
}

func TestASecondProcessIsToldWhoIsInItsWay(t *testing.T) {
	t.Parallel()
	data, config := filepath.Join(t.TempDir(), "data"), serveConfig(t, "127.0.0.1:0")
	p := startAs(t, "varde", "serve", "--data", data, "--config", config)
	web := p.ready()
	refused := func(want string, args ...string) {
		t.Helper()
		second := startAs(t, "varde", args...)
		status := second.exit()
		require.Equal(t, 1, status.ExitStatus(), "%s", &second.err)
		require.Equal(t, "varde: "+want+"\n", second.err.String())
	}
	inUse := "another process has the data folder " + data + " open: stop it, or name another folder with --data"
	refused(inUse, "serve", "--data", data, "--config", config)
	refused(inUse, "tenant", "add", "solhaug", "--name", "Solhaug", "--domain", "solhaug.example", "--prefix", "SO",
		"--password-file", file(t, "words", "et-langt-nok-passord"), "--data", data, "--config", config)
	refused("listen.web: another process listens on "+web+" already", "serve", "--data", filepath.Join(t.TempDir(), "other"), "--config", config, "--listen", web)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	refused("syslog.tcp: another process listens on "+ln.Addr().String()+" already",
		"serve", "--data", filepath.Join(t.TempDir(), "third"), "--config", serveConfig(t, ln.Addr().String()))
	p.signal(os.Interrupt)
	require.Zero(t, p.exit().ExitStatus())
}
