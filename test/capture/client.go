package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// client makes logins and writes down what it did.
type client struct {
	truth     []Truth
	addresses []Address
	keys      []Key
	cas       map[string]ssh.Signer
	serial    uint64
}

// from makes an address that logins can come from.
func (c *client) from(address, who string) (string, error) {
	for _, a := range c.addresses {
		if a.Address == address {
			return address, nil
		}
	}
	bits := "/32"
	if strings.Contains(address, ":") {
		bits = "/128"
	}
	c.addresses = append(c.addresses, Address{address, who})
	return address, command("ip", "addr", "add", address+bits, "dev", "lo", "nodad")
}

// newKey makes a key for an account.
func (c *client) newKey(account string) (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err == nil {
		c.keys = append(c.keys, Key{Account: account, Type: "ED25519", Fingerprint: ssh.FingerprintSHA256(signer.PublicKey())})
	}
	return signer, err
}

// ca makes, once, the authority of a vendor.
func (c *client) ca(name string) (ssh.Signer, error) {
	if s := c.cas[name]; s != nil {
		return s, nil
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	s, err := ssh.NewSignerFromKey(private)
	if c.cas == nil {
		c.cas = map[string]ssh.Signer{}
	}
	c.cas[name] = s
	return s, err
}

// certificate for an account with a key id, signed by a vendor's authority.
func (c *client) certificate(account, id, vendor string) (ssh.Signer, error) {
	signer, err := c.newKey(account)
	if err != nil {
		return nil, err
	}
	authority, err := c.ca(vendor)
	if err != nil {
		return nil, err
	}
	c.serial++
	cert := &ssh.Certificate{
		Key: signer.PublicKey(), Serial: c.serial, CertType: ssh.UserCert, KeyId: id, ValidPrincipals: []string{account},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(24 * time.Hour).Unix()),
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": ""}},
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		return nil, err
	}
	k := &c.keys[len(c.keys)-1]
	k.Type, k.CertID, k.CertSerial, k.CA = "ED25519-CERT", id, strconv.FormatUint(cert.Serial, 10), ssh.FingerprintSHA256(authority.PublicKey())
	return ssh.NewCertSigner(cert, signer)
}

// login is one connection.
type login struct {
	host      *host
	address   string // where it comes from
	six       bool   // to the host's IPv6 address
	user      string
	logged    string   // the name as the server takes it, where it differs
	passwords []string // tried in order; all but the last are wrong
	questions bool     // keyboard-interactive instead of password
	signer    ssh.Signer
	fails     bool // the last one is refused too
	invalid   bool
}

// do connects, tries, and notes each attempt when its answer has come. The
// connection is open where the last attempt was let in.
func (c *client) do(l login) (*ssh.Client, error) {
	to := l.host.address
	if l.six {
		to = l.host.address6
	}
	dialer := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(l.address)}}
	conn, err := dialer.Dial("tcp", net.JoinHostPort(to, "22"))
	if err != nil {
		return nil, err
	}
	t := Truth{Host: l.host.name, Kind: "login", User: l.user, Address: l.address, Port: conn.LocalAddr().(*net.TCPAddr).Port, Invalid: l.invalid, Outcome: "failure"}
	if l.logged != "" {
		t.User = l.logged
	}
	tries := 0
	note := func(outcome string) {
		t.Time, t.Outcome = time.Now().UTC(), outcome
		c.truth = append(c.truth, t)
	}
	next := func() string {
		if tries++; tries > 1 {
			note("failure")
		}
		return l.passwords[tries-1]
	}
	if l.signer != nil {
		tries = 1
	}
	config := &ssh.ClientConfig{User: l.user, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 60 * time.Second, Auth: []ssh.AuthMethod{l.method(&t, next)}}
	secured, channels, requests, err := ssh.NewClientConn(conn, to, config)
	if tries == 0 {
		return nil, fmt.Errorf("%s: no attempt was made as %q: %w", l.host.name, l.user, err)
	}
	if (err != nil) != l.fails {
		return nil, fmt.Errorf("%s: the login of %q should have ended the other way: %w", l.host.name, l.user, err)
	}
	if l.fails {
		note("failure")
		return nil, nil // NewClientConn closed the connection
	}
	note("success")
	return ssh.NewClient(secured, channels, requests), nil
}

// method is how the login proves who it is; t is told which way that is.
func (l login) method(t *Truth, next func() string) ssh.AuthMethod {
	switch {
	case l.signer != nil:
		t.Method = "publickey"
		t.Fingerprint = ssh.FingerprintSHA256(l.signer.PublicKey())
		if cert, ok := l.signer.PublicKey().(*ssh.Certificate); ok {
			t.Method, t.CertID, t.CertSerial = "certificate", cert.KeyId, strconv.FormatUint(cert.Serial, 10)
			t.Fingerprint, t.CA = ssh.FingerprintSHA256(cert.Key), ssh.FingerprintSHA256(cert.SignatureKey)
		}
		return ssh.PublicKeys(l.signer)
	case l.questions:
		t.Method = "keyboard-interactive"
		return ssh.RetryableAuthMethod(ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			return []string{next()}, nil
		}), len(l.passwords))
	}
	t.Method = "password"
	return ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) { return next(), nil }), len(l.passwords))
}

// in logs in and out again.
func (c *client) in(l login) error {
	l.fails = false
	s, err := c.do(l)
	if err != nil {
		return err
	}
	time.Sleep(150 * time.Millisecond)
	return s.Close()
}

// out is refused.
func (c *client) out(l login) error {
	l.fails = true
	_, err := c.do(l)
	return err
}

// typed runs a command in a terminal of a session and types lines when it asks.
func typed(s *ssh.Client, command string, lines ...string) (string, error) {
	session, err := s.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	if err := session.RequestPty("xterm", 40, 80, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		return "", err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := session.Start(command); err != nil {
		return "", err
	}
	var said bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if bytes.HasSuffix(bytes.TrimRight(said.Bytes(), " "), []byte(":")) && len(lines) > 0 {
			if _, err := in.Write([]byte(lines[0] + "\n")); err != nil {
				return said.String(), err
			}
			lines = lines[1:]
			said.WriteString("\n")
		}
		if err != nil {
			var exit *ssh.ExitError
			if wait := session.Wait(); wait != nil && !errors.As(wait, &exit) {
				return said.String(), wait
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return said.String(), err
		}
	}
}

// privilege notes what a session did with sudo or su.
func (c *client) privilege(h *host, user, target, outcome, command string) {
	c.truth = append(c.truth, Truth{Time: time.Now().UTC(), Host: h.name, Kind: "privilege", User: user, Target: target, Outcome: outcome, Command: command})
}

// change runs an account tool on a host and notes what it changed.
func (c *client) change(h *host, t Truth, stdin string, args ...string) error {
	if err := h.feed(stdin, args...); err != nil {
		return err
	}
	t.Time, t.Host, t.Kind, t.Outcome = time.Now().UTC(), h.name, "account", "success"
	c.truth = append(c.truth, t)
	return nil
}
