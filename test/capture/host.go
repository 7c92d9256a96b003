package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// host is a machine of a capture: namespaces of its own with sshd and rsyslog.
type host struct {
	name, address, address6 string
	folder                  string
	holder                  *exec.Cmd
	daemons                 []*exec.Cmd
	level                   string // of sshd's log
}

// hostOptions are what a scenario asks of a host.
type hostOptions struct {
	Format  string // rfc3164, rfc3339, rfc5424
	Level   string // INFO, VERBOSE
	Repeats bool   // rsyslog collapses equal messages
	Lock    bool   // pam_faillock locks after 5 failures
}

func startHost(setup, folder, name string, o hostOptions, cas []string) (*host, error) {
	h := &host{name: name, folder: folder, level: o.Level}
	n := map[string]int{"arkiv01": 11, "vpn01": 12, "omsorg01": 13, "teknisk01": 14}[name]
	h.address, h.address6 = fmt.Sprintf("10.20.0.%d", n), fmt.Sprintf("2001:db8:20::%d", n)
	for _, a := range []string{h.address + "/32", h.address6 + "/128"} {
		if err := command("ip", "addr", "add", a, "dev", "lo", "nodad"); err != nil {
			return nil, err
		}
	}
	h.holder = exec.CommandContext(context.Background(), "unshare", "--mount", "--uts", setup, name, folder)
	out, err := h.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.holder.Stderr = os.Stderr
	if err := h.holder.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		return nil, fmt.Errorf("%s did not set itself up: %q %w", name, line, err)
	}
	return h, h.daemonsUp(o, cas)
}

func (h *host) daemonsUp(o hostOptions, cas []string) error {
	sshd := []string{
		"ListenAddress " + h.address, "ListenAddress " + h.address6, "HostKey /etc/ssh/capture_host",
		"UsePAM yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes", "UseDNS no", "PidFile none",
		"TrustedUserCAKeys /etc/ssh/cas.pub", "AuthorizedKeysFile /etc/ssh/keys/%u", "StrictModes no", "PrintMotd no", "PermitRootLogin no",
		"MaxAuthTries 8", "MaxStartups 100", "LogLevel " + o.Level, "SyslogFacility AUTH",
	}
	files := map[string]string{
		"/etc/ssh/capture_sshd": strings.Join(sshd, "\n") + "\n",
		"/etc/ssh/cas.pub":      strings.Join(cas, ""),
		"/etc/capture_rsyslog":  rsyslogConfig(o),
		"/etc/sudoers":          "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\nshort.list ALL=(root) /bin/true\n",
	}
	if o.Lock {
		files["/etc/pam.d/common-auth"] = faillockStack
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(h.folder, name), []byte(text), 0o440); err != nil {
			return err
		}
	}
	if err := h.in("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/capture_host"); err != nil {
		return err
	}
	for _, daemon := range [][]string{{"/usr/sbin/rsyslogd", "-n", "-f", "/etc/capture_rsyslog", "-i", "NONE"}, {"/usr/sbin/sshd", "-D", "-f", "/etc/ssh/capture_sshd"}} {
		c := exec.CommandContext(context.Background(), "nsenter", append([]string{"-t", strconv.Itoa(h.holder.Process.Pid), "-m", "-u"}, daemon...)...)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return err
		}
		h.daemons = append(h.daemons, c)
		if err := h.await(daemon[0]); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a daemon can be used.
func (h *host) await(daemon string) error {
	for range 100 {
		time.Sleep(50 * time.Millisecond)
		if strings.HasSuffix(daemon, "rsyslogd") {
			if _, err := os.Stat(filepath.Join(h.folder, "run/devlog")); err == nil {
				return nil
			}
			continue
		}
		if listening(h.address) && listening(h.address6) {
			return nil
		}
	}
	return fmt.Errorf("%s on %s did not come up", daemon, h.name)
}

// listening looks without connecting: a connection would be in the log.
func listening(address string) bool {
	out, err := exec.CommandContext(context.Background(), "ss", "-Hltn").Output()
	return err == nil && bytes.Contains(out, []byte(net.JoinHostPort(address, "22")+" "))
}

func rsyslogConfig(o hostOptions) string {
	template := map[string]string{
		"rfc3164": "RSYSLOG_TraditionalFileFormat", "rfc3339": "RSYSLOG_FileFormat", "rfc5424": "RSYSLOG_SyslogProtocol23Format",
	}[o.Format]
	repeats := "off"
	if o.Repeats {
		repeats = "on"
	}
	return `module(load="imuxsock" SysSock.Name="/run/devlog" SysSock.RateLimit.Interval="0")
$RepeatedMsgReduction ` + repeats + `
auth,authpriv.* action(type="omfile" file="/var/log/auth.log" template="` + template + `" ioBufferSize="1" flushOnTXEnd="on")
`
}

// faillockStack is Debian's common-auth with pam_faillock around pam_unix.
const faillockStack = `auth requisite pam_faillock.so preauth deny=5 unlock_time=900
auth [success=2 default=ignore] pam_unix.so nullok
auth [default=die] pam_faillock.so authfail deny=5 unlock_time=900
auth requisite pam_deny.so
auth required pam_permit.so
`

// in runs a command on the host.
func (h *host) in(args ...string) error { return h.feed("", args...) }

func (h *host) feed(stdin string, args ...string) error {
	c := exec.CommandContext(context.Background(), "nsenter", append([]string{"-t", strconv.Itoa(h.holder.Process.Pid), "-m", "-u"}, args...)...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %v: %w: %s", h.name, args, err, out)
	}
	return nil
}

// account makes one with a password by writing the files: it is to stand in no
// log, and useradd refuses names that a directory service would allow.
func (h *host) account(uid int, name, password string, groups ...string) error {
	hash, err := exec.CommandContext(context.Background(), "openssl", "passwd", "-6", password).Output()
	if err != nil {
		return err
	}
	home := fmt.Sprintf("/home/u%d", uid)
	lines := map[string]string{
		"etc/passwd": fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", name, uid, uid, home),
		"etc/shadow": fmt.Sprintf("%s:%s:19000:0:99999:7:::\n", name, strings.TrimSpace(string(hash))),
		"etc/group":  fmt.Sprintf("g%d:x:%d:\n", uid, uid),
	}
	for file, line := range lines {
		if err := appendTo(filepath.Join(h.folder, file), line); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := h.addToGroup(g, name); err != nil {
			return err
		}
	}
	dir := filepath.Join(h.folder, home)
	return errors.Join(os.MkdirAll(dir, 0o700), os.Chown(dir, uid, uid))
}

func (h *host) addToGroup(group, name string) error {
	file := filepath.Join(h.folder, "etc/group")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, group+":") {
			line = strings.TrimRight(line, "\n")
			if !strings.HasSuffix(line, ":") {
				line += ","
			}
			line += name + "\n"
		}
		out.WriteString(line)
	}
	return os.WriteFile(file, []byte(out.String()), 0o644)
}

func appendTo(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// authorize lets a key in for an account.
func (h *host) authorize(name, publicKey string) error {
	file := filepath.Join(h.folder, "etc/ssh/keys", name)
	return errors.Join(os.WriteFile(file, []byte(publicKey), 0o644), os.Chmod(file, 0o644))
}

// stop ends the daemons in order, so that rsyslog writes out what it holds back.
func (h *host) stop() {
	for i := len(h.daemons) - 1; i >= 0; i-- {
		c := h.daemons[i]
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}
	_ = h.holder.Process.Kill()
	_ = h.holder.Wait()
}

// log is what rsyslog wrote.
func (h *host) log() ([]byte, error) { return os.ReadFile(filepath.Join(h.folder, "log/auth.log")) }

func command(args ...string) error {
	out, err := exec.CommandContext(context.Background(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return nil
}
