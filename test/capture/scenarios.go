package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// scenario is one capture: a short session on some hosts.
type scenario struct {
	name, description string
	hosts             []string
	options           hostOptions
	run               func(c *client, h map[string]*host) error
}

// The accounts of every host. Some names only a directory would let in.
var accounts = []struct {
	name, password string
	groups         []string
}{
	{"kari.bakken", "riktig-Hest-Batteri-1", []string{"sudo"}},
	{"ola.nes", "riktig-Hest-Batteri-2", nil},
	{"bjørg.åsen", "riktig-Hest-Batteri-3", nil},
	{"short.list", "riktig-Hest-Batteri-4", nil},
	{"nordlys-drift", "riktig-Hest-Batteri-5", nil},
	{"fjellrev-support", "riktig-Hest-Batteri-6", nil},
	{"havbris-drift", "riktig-Hest-Batteri-7", nil},
	{"granitt-it", "riktig-Hest-Batteri-8", nil},
	{"x from 10.6.6.6 port 6 ssh2", "riktig-Hest-Batteri-9", nil},
	{`BØ\kari`, "riktig-Hest-Batteri-10", nil},
}

func password(name string) string {
	for _, a := range accounts {
		if a.name == name {
			return a.password
		}
	}
	return ""
}

// Where clients come from: documentation ranges (RFC 5737, RFC 3849).
const (
	office   = "10.20.1.15"
	office2  = "10.20.1.22"
	nordlys  = "192.0.2.44"
	fjellrev = "192.0.2.77"
	havbris  = "198.51.100.23"
	granitt  = "198.51.100.61"
	scanner  = "203.0.113.9"
	scanner2 = "203.0.113.200"
	office6  = "2001:db8:20:1::15"
	scanner6 = "2001:db8:bad::9"
)

var who = map[string]string{
	office: "workstation of the municipality", office2: "workstation of the municipality", office6: "workstation of the municipality",
	nordlys: "Nordlys", fjellrev: "Fjellrev", havbris: "Havbris", granitt: "Granitt IT",
	scanner: "scanner on the internet", scanner2: "scanner on the internet", scanner6: "scanner on the internet",
}

var scenarios = []scenario{
	{"vendor-cert-1", "nordlys-drift logs in to arkiv01 with the certificate of ida.strand: to be inside a window", []string{"arkiv01"},
		hostOptions{Format: "rfc3164", Level: "INFO"}, vendorCert("arkiv01", "nordlys-drift", "ida.strand@nordlys.example", "nordlys", nordlys)},
	{"vendor-cert-2", "the same again: to be outside every window", []string{"arkiv01"},
		hostOptions{Format: "rfc3339", Level: "VERBOSE"}, vendorCert("arkiv01", "nordlys-drift", "ida.strand@nordlys.example", "nordlys", nordlys)},
	{"vendor-unlisted", "fjellrev-support logs in to omsorg01 with the certificate of a person who is on no access list", []string{"omsorg01"},
		hostOptions{Format: "rfc3339", Level: "INFO"}, vendorCert("omsorg01", "fjellrev-support", "ukjent.tekniker@fjellrev.example", "fjellrev", fjellrev)},
	{"vendor-password", "havbris-drift logs in to teknisk01 with a password: its agreement is to be expired", []string{"teknisk01"},
		hostOptions{Format: "rfc5424", Level: "INFO"}, vendorPassword},
	{"vendor-key", "granitt-it logs in to teknisk01 with a key: to be inside a window, annexes missing", []string{"teknisk01"},
		hostOptions{Format: "rfc3164", Level: "INFO"}, vendorKey},
	{"vendor-vpn", "nordlys-drift logs in to vpn01 with the certificate of ida.strand", []string{"vpn01"},
		hostOptions{Format: "rfc3339", Level: "INFO"}, vendorCert("vpn01", "nordlys-drift", "ida.strand@nordlys.example", "nordlys", nordlys)},
	{"guessing", "kari.bakken's password is guessed seven times on arkiv01 and no lock stops it; rsyslog collapses repeats", []string{"arkiv01"},
		hostOptions{Format: "rfc3164", Level: "INFO", Repeats: true}, guessing},
	{"guessing-locked", "ola.nes' password is guessed six times on omsorg01 and pam_faillock locks the account", []string{"omsorg01"},
		hostOptions{Format: "rfc3339", Level: "INFO", Lock: true}, guessingLocked},
	{"ordinary-day", "employees log in, use sudo and su, accounts are kept, scanners knock", []string{"arkiv01", "omsorg01", "teknisk01", "vpn01"},
		hostOptions{Format: "rfc5424", Level: "INFO"}, ordinaryDay},
	{"odd-names-rfc3164", "names that try to be something else, IPv6, every method; verbose log, repeats collapsed", []string{"arkiv01"},
		hostOptions{Format: "rfc3164", Level: "VERBOSE", Repeats: true}, oddNames},
	{"odd-names-rfc3339", "the same, other file format", []string{"omsorg01"}, hostOptions{Format: "rfc3339", Level: "INFO"}, oddNames},
	{"odd-names-rfc5424", "the same, other file format", []string{"vpn01"}, hostOptions{Format: "rfc5424", Level: "VERBOSE"}, oddNames},
}

func (c *client) at(address string) string {
	if _, err := c.from(address, who[address]); err != nil {
		panic(err) // only a broken scenario names an address twice or a wrong one
	}
	return address
}

func vendorCert(name, account, id, vendor, address string) func(*client, map[string]*host) error {
	return func(c *client, h map[string]*host) error {
		cert, err := c.certificate(account, id, vendor)
		if err != nil {
			return err
		}
		return errors.Join(
			c.in(login{host: h[name], address: c.at(office), user: "bjørg.åsen", passwords: []string{password("bjørg.åsen")}}),
			c.in(login{host: h[name], address: c.at(address), user: account, signer: cert}),
			c.out(login{host: h[name], address: c.at(scanner), user: "admin", passwords: []string{"admin"}, invalid: true}),
		)
	}
}

func vendorPassword(c *client, h map[string]*host) error {
	return errors.Join(
		c.in(login{host: h["teknisk01"], address: c.at(havbris), user: "havbris-drift", passwords: []string{"feil", password("havbris-drift")}}),
		c.out(login{host: h["teknisk01"], address: c.at(scanner2), user: "oracle", passwords: []string{"oracle"}, invalid: true}),
	)
}

func vendorKey(c *client, h map[string]*host) error {
	key, err := c.newKey("granitt-it")
	if err != nil {
		return err
	}
	return errors.Join(
		h["teknisk01"].authorize("granitt-it", string(ssh.MarshalAuthorizedKey(key.PublicKey()))),
		c.in(login{host: h["teknisk01"], address: c.at(granitt), user: "granitt-it", signer: key}),
		c.in(login{host: h["teknisk01"], address: c.at(office2), user: "kari.bakken", passwords: []string{password("kari.bakken")}}),
	)
}

func wrong(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("feil-%d", i)
	}
	return list
}

func guessing(c *client, h map[string]*host) error {
	arkiv := h["arkiv01"]
	return errors.Join(
		c.in(login{host: arkiv, address: c.at(office), user: "bjørg.åsen", passwords: []string{password("bjørg.åsen")}}),
		c.out(login{host: arkiv, address: c.at(scanner), user: "kari.bakken", passwords: wrong(4)}),
		c.out(login{host: arkiv, address: c.at(scanner), user: "kari.bakken", passwords: wrong(3)}),
	)
}

func guessingLocked(c *client, h map[string]*host) error {
	omsorg := h["omsorg01"]
	if err := c.in(login{host: omsorg, address: c.at(office), user: "bjørg.åsen", passwords: []string{password("bjørg.åsen")}}); err != nil {
		return err
	}
	for i := range 6 {
		if err := c.out(login{host: omsorg, address: c.at(scanner), user: "ola.nes", passwords: wrong(1)}); err != nil {
			return err
		}
		if i == 4 { // the fifth failure locks
			c.truth = append(c.truth, Truth{Time: time.Now().UTC(), Host: omsorg.name, Kind: "lock", User: "ola.nes"})
		}
	}
	// The right password is refused now: the control works.
	return c.out(login{host: omsorg, address: c.at(office2), user: "ola.nes", passwords: []string{password("ola.nes")}})
}

func ordinaryDay(c *client, h map[string]*host) error {
	key, err := c.newKey("bjørg.åsen")
	if err != nil {
		return err
	}
	if err := h["vpn01"].authorize("bjørg.åsen", string(ssh.MarshalAuthorizedKey(key.PublicKey()))); err != nil {
		return err
	}
	err = errors.Join(
		c.in(login{host: h["vpn01"], address: c.at(office), user: "bjørg.åsen", signer: key}),
		c.in(login{host: h["omsorg01"], address: c.at(office), user: "ola.nes", passwords: []string{"feil", password("ola.nes")}}),
		c.in(login{host: h["teknisk01"], address: c.at(office6), six: true, user: "kari.bakken", passwords: []string{password("kari.bakken")}, questions: true}),
		c.privileges(h["arkiv01"]),
		c.accountChanges(h["teknisk01"]),
	)
	if err != nil {
		return err
	}
	for _, name := range []string{"arkiv01", "vpn01"} {
		for i, user := range []string{"admin", "test", "oracle", "øystein", "root"} {
			from := []string{scanner, scanner2, scanner6}[i%3]
			if err := c.out(login{host: h[name], address: c.at(from), six: from == scanner6, user: user, passwords: wrong(1 + i%2), invalid: user != "root"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// privileges uses sudo and su in a session, rightly and wrongly.
func (c *client) privileges(h *host) error {
	for _, step := range []struct {
		user, command   string
		typed           []string
		target, outcome string
	}{
		{"kari.bakken", "sudo -k id", []string{password("kari.bakken")}, "root", "success"},
		{"kari.bakken", "sudo -k -u ola.nes id 'a b'", []string{password("kari.bakken")}, "ola.nes", "success"},
		{"kari.bakken", "sudo -k id", wrong(3), "root", "failure"},
		{"bjørg.åsen", "sudo -k id", []string{password("bjørg.åsen")}, "root", "failure"},
		{"short.list", "sudo -k /bin/true", []string{password("short.list")}, "root", "success"},
		{"short.list", "sudo -k /bin/false", []string{password("short.list")}, "root", "failure"},
		{"kari.bakken", "su ola.nes -c id", []string{password("ola.nes")}, "ola.nes", "success"},
		{"kari.bakken", "su ola.nes -c id", wrong(1), "ola.nes", "failure"},
		{"ola.nes", "su - bjørg.åsen -c id", []string{password("bjørg.åsen")}, "bjørg.åsen", "success"},
	} {
		s, err := c.do(login{host: h, address: c.at(office), user: step.user, passwords: []string{password(step.user)}})
		if err != nil {
			return err
		}
		said, err := typed(s, step.command, step.typed...)
		if err != nil {
			return fmt.Errorf("%s: %w: %s", step.command, err, said)
		}
		if in := strings.Contains(said, "uid=") || (step.outcome == "success" && strings.HasSuffix(step.command, "true")); in != (step.outcome == "success") && !strings.Contains(step.command, "'a b'") {
			return fmt.Errorf("%s as %s should have been a %s: %s", step.command, step.user, step.outcome, said)
		}
		c.privilege(h, step.user, step.target, step.outcome, step.command)
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// accountChanges uses the shadow suite.
func (c *client) accountChanges(h *host) error {
	return errors.Join(
		c.change(h, Truth{Action: "group-created", Group: "saksbehandlere"}, "", "groupadd", "saksbehandlere"),
		c.change(h, Truth{Action: "account-created", Target: "per.ny"}, "", "useradd", "-N", "-M", "per.ny"),
		c.change(h, Truth{Action: "password-changed", Target: "per.ny"}, "per.ny:nytt-Passord-44\n", "chpasswd"),
		c.change(h, Truth{Action: "group-member-added", Target: "per.ny", Group: "saksbehandlere"}, "", "usermod", "-aG", "saksbehandlere", "per.ny"),
		c.change(h, Truth{Action: "group-member-added", Target: "ola.nes", Group: "saksbehandlere", User: "root"}, "", "gpasswd", "-a", "ola.nes", "saksbehandlere"),
		c.change(h, Truth{Action: "group-member-removed", Target: "ola.nes", Group: "saksbehandlere", User: "root"}, "", "gpasswd", "-d", "ola.nes", "saksbehandlere"),
		c.change(h, Truth{Action: "account-changed", Target: "per.ny"}, "", "usermod", "-L", "per.ny"),
		c.change(h, Truth{Action: "account-changed", Target: "per.ny"}, "", "chage", "-M", "365", "per.ny"),
		c.change(h, Truth{Action: "account-deleted", Target: "per.ny"}, "", "userdel", "per.ny"),
		c.change(h, Truth{Action: "group-member-removed", Target: "per.ny", Group: "saksbehandlere"}, "", "true"), // with the account
		c.change(h, Truth{Action: "group-deleted", Group: "saksbehandlere"}, "", "groupdel", "saksbehandlere"),
	)
}

func oddNames(c *client, hosts map[string]*host) error {
	var h *host
	for _, h = range hosts {
	}
	logins := []login{
		{user: "x from 10.6.6.6 port 6 ssh2", passwords: []string{"feil", password("x from 10.6.6.6 port 6 ssh2")}},
		{user: `BØ\kari`, passwords: []string{"feil", password(`BØ\kari`)}},
		{user: "bjørg.åsen", passwords: []string{password("bjørg.åsen")}, questions: true},
	}
	stranger, err := c.newKey("nobody")
	if err != nil {
		return err
	}
	// Below its VERBOSE level sshd is silent about an account's first wrong keys
	// and answers: docs/formats.md.
	if h.level == "VERBOSE" {
		logins = append(logins, login{user: "bjørg.åsen", passwords: []string{"feil", password("bjørg.åsen")}, questions: true})
		if err := c.out(login{host: h, address: c.at(scanner2), user: "ola.nes", signer: stranger}); err != nil {
			return err
		}
	}
	for _, l := range logins {
		l.host, l.address = h, c.at(office)
		if err := c.in(l); err != nil {
			return err
		}
	}
	for _, name := range []string{"", " ", "to navn", "  blank  ", "x from 10.6.6.6 port 6 ssh2", "y from 10.6.6.6 port 6 ssh2: RSA SHA256:kzfjfps",
		"invalid user root", "root from 10.6.6.6", "message repeated 9 times", "Accepted password for root from 10.6.6.6 port 6 ssh2",
		"æøå", "navn\\303", "tab\there", "linje\nAccepted password for root from 10.6.6.6 port 6 ssh2", "#011", "'; drop", "{\"a\":1}", "<b>", "🙂", "[preauth]", "a]"} {
		l := login{host: h, address: c.at(scanner), user: name, passwords: wrong(1), invalid: true}
		for i, r := range name { // OpenSSH's name:style, Debian's name/role
			if r == ':' || r == '/' {
				l.logged = name[:i]
				break
			}
		}
		if name == "x from 10.6.6.6 port 6 ssh2" {
			l.invalid = false
		}
		if err := c.out(l); err != nil {
			return err
		}
	}
	cert, err := c.certificate("nordlys-drift", "Åse from 10.6.6.6 port 6 ssh2 (serial 9) CA ED25519 SHA256:x", "nordlys")
	if err != nil {
		return err
	}
	return errors.Join(
		c.out(login{host: h, address: c.at(scanner), user: strings.Repeat("lang", 30), logged: strings.Repeat("lang", 25), passwords: wrong(1), invalid: true}),
		c.out(login{host: h, address: c.at(scanner), user: "bj\xf8rn", logged: "bjørn", passwords: wrong(1), invalid: true}),
		c.out(login{host: h, address: c.at(scanner6), six: true, user: "root", passwords: wrong(5)}),
		c.out(login{host: h, address: c.at(scanner6), six: true, user: "admin", passwords: wrong(3), invalid: true}),
		c.out(login{host: h, address: c.at(scanner2), user: "gjest", passwords: wrong(2), invalid: true, questions: true}),
		c.in(login{host: h, address: c.at(nordlys), user: "nordlys-drift", signer: cert}),
	)
}
