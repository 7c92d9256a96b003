package parse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

const fp1 = "SHA256:kzfjfps/WFgXAdNgzvHBLuI072Y+f+91rpinXJAAvkM"
const fp2 = "SHA256:1M4RzhMyWuFS/86uPY/ce2prh/dVTHW7iD2RhpquOZA"

func accepted(user, ip string, port int, method string) want {
	return want{dataset: "sshd", action: ecs.ActionLogin, outcome: ecs.OutcomeSuccess, user: user, ip: ip, port: port, attempt: true, method: method}
}

func failed(user, ip string, port int, method string) want {
	w := accepted(user, ip, port, method)
	w.outcome = ecs.OutcomeFailure
	return w
}

func (w want) invalid() want      { w.reason = "invalid-user"; return w }
func (w want) times(n int) want   { w.repeat = n; return w }
func (w want) key(fp string) want { w.keyFP = fp; return w }
func (w want) host(d string) want { w.ip, w.domain = "", d; return w }
func (w want) cert(id, serial string) want {
	w.keyFP, w.certID, w.serial, w.ca, w.method = fp1, id, serial, fp2, "certificate"
	return w
}

func probed(user, ip string, port int) want {
	return want{dataset: "sshd", action: ecs.ActionProbe, outcome: ecs.OutcomeUnknown, user: user, ip: ip, port: port}
}

func TestSSHDAttempts_R36(t *testing.T) {
	t.Parallel()
	cert := func(id string) string {
		return "Accepted publickey for nordlys-drift from 192.0.2.7 port 22 ssh2: ED25519-CERT " + fp1 + " ID " + id + " (serial 5) CA ED25519 " + fp2
	}
	table(t, "Nov 22 10:00:00 arkiv01 sshd[123]: ", map[string]want{
		"Accepted password for kari from 192.0.2.7 port 5022 ssh2":                                                                accepted("kari", "192.0.2.7", 5022, "password"),
		"Accepted password for kari from 192.0.2.7 port 5022 ssh2\r":                                                              accepted("kari", "192.0.2.7", 5022, "password"),
		"Accepted password for kari from 192.0.2.7 port 5022 ssh2 ":                                                               accepted("kari", "192.0.2.7", 5022, "password"),
		"Accepted password for kari from 192.0.2.7 port 5022":                                                                     accepted("kari", "192.0.2.7", 5022, "password"),
		"Accepted keyboard-interactive/pam for kari from 192.0.2.7 port 5022 ssh2":                                                accepted("kari", "192.0.2.7", 5022, "keyboard-interactive"),
		"Accepted publickey for kari from 192.0.2.7 port 5022 ssh2: ED25519 " + fp1:                                               accepted("kari", "192.0.2.7", 5022, "publickey").key(fp1),
		"Accepted publickey for kari from 192.0.2.7 port 5022 ssh2":                                                               accepted("kari", "192.0.2.7", 5022, "publickey"),
		"Accepted publickey for kari from 192.0.2.7 port 5022 ssh2: RSA aa:bb:cc:dd:ee:ff:00":                                     accepted("kari", "192.0.2.7", 5022, "publickey").key("aa:bb:cc:dd:ee:ff:00"),
		"Accepted gssapi-with-mic for kari from 192.0.2.7 port 5022 ssh2: kari@BO.EXAMPLE":                                        accepted("kari", "192.0.2.7", 5022, "gssapi"),
		"Accepted hostbased for kari from 192.0.2.7 port 5022 ssh2: RSA " + fp1 + `, client user "kari", client host "a.example"`: accepted("kari", "192.0.2.7", 5022, "hostbased").key(fp1),

		"Failed password for root from 192.0.2.7 port 22 ssh2":                            failed("root", "192.0.2.7", 22, "password"),
		"Failed none for invalid user admin from 192.0.2.7 port 22 ssh2":                  failed("admin", "192.0.2.7", 22, "none").invalid(),
		"Failed password for invalid user admin from 192.0.2.7 port 22 ssh2":              failed("admin", "192.0.2.7", 22, "password").invalid(),
		"Failed password for illegal user admin from 192.0.2.7 port 22 ssh2":              failed("admin", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user admin from 192.0.2.7 port 22 ssh2 [preauth]":    failed("admin", "192.0.2.7", 22, "password").invalid(),
		"Failed publickey for invalid user admin from 192.0.2.7 port 22 ssh2: RSA " + fp1: failed("admin", "192.0.2.7", 22, "publickey").invalid().key(fp1),
		"Failed keyboard-interactive/pam for invalid user a from 192.0.2.7 port 22 ssh2":  failed("a", "192.0.2.7", 22, "keyboard-interactive").invalid(),
		"[ID 800047 auth.info] Failed password for kari from 192.0.2.7 port 22 ssh2":      failed("kari", "192.0.2.7", 22, "password"),

		// Names that try to be something else.
		"Failed password for invalid user x from 10.6.6.6 port 6 ssh2 from 192.0.2.7 port 22 ssh2":                               failed("x from 10.6.6.6 port 6 ssh2", "192.0.2.7", 22, "password").invalid(),
		"Accepted password for x from 10.6.6.6 port 6 ssh2 from 192.0.2.7 port 22 ssh2":                                          accepted("x from 10.6.6.6 port 6 ssh2", "192.0.2.7", 22, "password"),
		"Failed publickey for invalid user x from 10.6.6.6 port 6 ssh2: RSA " + fp2 + " from 192.0.2.7 port 22 ssh2: RSA " + fp1: failed("x from 10.6.6.6 port 6 ssh2: RSA "+fp2, "192.0.2.7", 22, "publickey").invalid().key(fp1),
		"Failed password for invalid user invalid user bob from 192.0.2.7 port 22 ssh2":                                          failed("invalid user bob", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user  from 192.0.2.7 port 22 ssh2":                                                          failed("", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user from 192.0.2.7 port 22 ssh2":                                                           failed("", "192.0.2.7", 22, "password").invalid(),
		"Failed password for  from 192.0.2.7 port 22 ssh2":                                                                       failed("", "192.0.2.7", 22, "password"),
		"Failed password for invalid user  two  blanks  from 192.0.2.7 port 22 ssh2":                                             failed(" two  blanks ", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user a: b: c from 192.0.2.7 port 22 ssh2":                                                   failed("a: b: c", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user message repeated 9 times: [ x] from 192.0.2.7 port 22 ssh2":                            failed("message repeated 9 times: [ x]", "192.0.2.7", 22, "password").invalid(),
		"Failed password for invalid user Accepted password for root from 10.6.6.6 port 6 ssh2 from 192.0.2.7 port 22 ssh2":      failed("Accepted password for root from 10.6.6.6 port 6 ssh2", "192.0.2.7", 22, "password").invalid(),
		`Failed password for invalid user bj\303\270rn from 192.0.2.7 port 22 ssh2`:                                              failed("bjørn", "192.0.2.7", 22, "password").invalid(),
		`Failed password for invalid user bj\370rn from 192.0.2.7 port 22 ssh2`:                                                  failed("bjørn", "192.0.2.7", 22, "password").invalid(),
		`Failed password for invalid user B\303\230\\kari from 192.0.2.7 port 22 ssh2`:                                           failed(`BØ\kari`, "192.0.2.7", 22, "password").invalid(),
		`Failed password for invalid user BO\kari from 192.0.2.7 port 22 ssh2`:                                                   failed(`BO\kari`, "192.0.2.7", 22, "password").invalid(),
		`Failed password for invalid user a\nb\tc\\303 from 192.0.2.7 port 22 ssh2`:                                              failed("a\nb\tc\\303", "192.0.2.7", 22, "password").invalid(),

		// Where a connection came from.
		"Failed password for kari from 2001:db8::7 port 22 ssh2":      failed("kari", "2001:db8::7", 22, "password"),
		"Failed password for kari from fe80::1%eth0 port 22 ssh2":     failed("kari", "fe80::1%eth0", 22, "password"),
		"Failed password for kari from ::ffff:192.0.2.7 port 22 ssh2": failed("kari", "192.0.2.7", 22, "password"),
		"Failed password for kari from UNKNOWN port 65535 ssh2":       failed("kari", "", 65535, "password"),
		"Failed password for kari from host.example port 22 ssh2":     failed("kari", "", 22, "password").host("host.example"),

		// Certificates.
		cert("ida.strand@nordlys.example"):     accepted("nordlys-drift", "192.0.2.7", 22, "").cert("ida.strand@nordlys.example", "5"),
		cert("x from 10.6.6.6 port 6 ssh2"):    accepted("nordlys-drift", "192.0.2.7", 22, "").cert("x from 10.6.6.6 port 6 ssh2", "5"),
		cert("x (serial 9) CA ED25519 " + fp1): accepted("nordlys-drift", "192.0.2.7", 22, "").cert("x (serial 9) CA ED25519 "+fp1, "5"),
		cert(""):                               accepted("nordlys-drift", "192.0.2.7", 22, "").cert("", "5"),
		cert(`\303\205se`):                     accepted("nordlys-drift", "192.0.2.7", 22, "").cert("Åse", "5"),
		cert("x from 10.6.6.6 port 6 ssh2: ED25519-CERT " + fp1 + " ID y"):                             accepted("nordlys-drift", "192.0.2.7", 22, "").cert("x from 10.6.6.6 port 6 ssh2: ED25519-CERT "+fp1+" ID y", "5"),
		"message repeated 4 times: [ Failed password for root from 192.0.2.7 port 22 ssh2]":            failed("root", "192.0.2.7", 22, "password").times(4),
		"message repeated 2 times: [ Failed password for invalid user x] from 192.0.2.7 port 22 ssh2]": failed("x]", "192.0.2.7", 22, "password").invalid().times(2),
	})
}

func TestSSHDLinesThatDecideNothing_R36(t *testing.T) {
	t.Parallel()
	disconnected := want{dataset: "sshd", action: ecs.ActionLogoff, outcome: ecs.OutcomeSuccess, user: "kari", ip: "192.0.2.7", port: 22}
	closed := want{dataset: "sshd", action: "connection-closed", ip: "192.0.2.7", port: 22}
	table(t, "Nov 22 10:00:00 arkiv01 sshd[123]: ", map[string]want{
		"Invalid user admin from 192.0.2.7 port 22":                                                                                   probed("admin", "192.0.2.7", 22).invalid(),
		"Invalid user admin from 192.0.2.7":                                                                                           probed("admin", "192.0.2.7", 0).invalid(),
		"Invalid user  from 192.0.2.7 port 22":                                                                                        probed("", "192.0.2.7", 22).invalid(),
		"Invalid user x from 10.6.6.6 port 6 from 192.0.2.7 port 22":                                                                  probed("x from 10.6.6.6 port 6", "192.0.2.7", 22).invalid(),
		"input_userauth_request: invalid user admin [preauth]":                                                                        probed("admin", "", 0).invalid(),
		"error: maximum authentication attempts exceeded for kari from 192.0.2.7 port 22 ssh2 [preauth]":                              probed("kari", "192.0.2.7", 22),
		"error: PAM: Authentication failure for kari from 192.0.2.7":                                                                  probed("kari", "192.0.2.7", 0),
		"Connection closed by authenticating user kari 192.0.2.7 port 22 [preauth]":                                                   probed("kari", "192.0.2.7", 22),
		"Connection closed by invalid user kari 192.0.2.7 port 22 [preauth]":                                                          probed("kari", "192.0.2.7", 22).invalid(),
		"Connection closed by 192.0.2.7 port 22 [preauth]":                                                                            closed,
		"Connection reset by 192.0.2.7 port 22":                                                                                       closed,
		"Received disconnect from 192.0.2.7 port 22:11: disconnected by user":                                                         closed,
		"Disconnected from user kari 192.0.2.7 port 22":                                                                               disconnected,
		"Disconnecting authenticating user kari 192.0.2.7 port 22: Too many authentication failures [preauth]":                        probed("kari", "192.0.2.7", 22),
		"Disconnecting invalid user a 10.6.6.6 port 6: x: Too many authentication failures [preauth]":                                 {dataset: "sshd", action: "connection-closed"},
		"Postponed publickey for kari from 192.0.2.7 port 22 ssh2 [preauth]":                                                          probed("kari", "192.0.2.7", 22).by("publickey"),
		`Postponed keyboard-interactive for bj\\303\\270rg from 192.0.2.7 port 22 ssh2 [preauth]`:                                     probed("bjørg", "192.0.2.7", 22).by("keyboard-interactive"),
		"Partial publickey for kari from 192.0.2.7 port 22 ssh2: RSA " + fp1:                                                          probed("kari", "192.0.2.7", 22).by("publickey").key(fp1),
		"Accepted key ED25519 " + fp1 + " found at /home/kari/.ssh/authorized_keys:1":                                                 probed("", "", 0),
		`Accepted certificate ID "x for y from 10.6.6.6 port 6 ssh2" (serial 5) signed by ED25519 CA ` + fp2 + " via /etc/ssh/ca.pub": probed("", "", 0),
		"User root from 192.0.2.7 not allowed because not listed in AllowUsers":                                                       {dataset: "sshd", action: ecs.ActionProbe, outcome: ecs.OutcomeUnknown, user: "root", ip: "192.0.2.7", reason: "not-allowed"},
		"Server listening on 0.0.0.0 port 22.":                                                                                        {dataset: "sshd"},
		"refused connect from example.com (192.0.2.7)":                                                                                {dataset: "sshd", action: "connection-refused", ip: "192.0.2.7"},
		"Failed password for kari":                                                                                                    {dataset: "sshd"},
		"Failed to allocate internet-domain X11 display socket.":                                                                      {dataset: "sshd"},
	})
}

func (w want) by(method string) want { w.method = method; return w }

func TestSSHDUnderEveryName_R36(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"sshd[1]:", "sshd:", "sshd-session[1]:", "sshd-auth[1]:", "/usr/sbin/sshd[1]:", "sshd[1]"} {
		require.Equal(t, failed("kari", "192.0.2.7", 22, "password"),
			got(one(t, "Nov 22 10:00:00 arkiv01 "+tag+" Failed password for kari from 192.0.2.7 port 22 ssh2")), tag)
	}
	for _, tag := range []string{"sshdx[1]:", "notsshd:", "kernel:"} {
		require.Equal(t, DatasetUnparsed, one(t, "Nov 22 10:00:00 arkiv01 "+tag+" Failed password for kari from 192.0.2.7 port 22 ssh2").Event.Dataset, tag)
	}
}

// vis encodes as OpenSSH does before it logs, written from vis(3).
func vis(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			out.WriteString(`\\`)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\t':
			out.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&out, `\%03o`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// Whatever name a client sends: one attempt, its name, the server's address.
func FuzzSSHDAddressIsFromTheFixedEnd(f *testing.F) {
	for _, name := range []string{"kari", "", "x from 10.6.6.6 port 6 ssh2", "a: b", `BØ\kari`, "x from 10.6.6.6 port 6 ssh2: RSA " + fp2,
		" from ", "a\nNov 22 10:00:00 h sshd[1]: Accepted password for root from 10.6.6.6 port 6 ssh2", "[preauth]", "invalid user x", "\\303", "ssh2"} {
		f.Add(name, uint8(0))
		f.Add(name, uint8(1))
	}
	f.Fuzz(func(t *testing.T, name string, form uint8) {
		tail, method := "", "password"
		if form%2 == 1 {
			tail, method = ": ED25519 "+fp1, "publickey"
		}
		ev := one(t, "Nov 22 10:00:00 arkiv01 sshd[1]: Failed "+method+" for invalid user "+vis(name)+" from 192.0.2.7 port 22 ssh2"+tail)
		require.True(t, ev.Varde.Attempt)
		require.Equal(t, "failure", ev.Event.Outcome)
		require.Equal(t, "192.0.2.7", ev.Source.IP)
		require.Equal(t, 22, ev.Source.Port)
		require.Equal(t, method, ev.Varde.Method)
		user := ""
		if ev.User != nil {
			user = ev.User.Name
		}
		require.Equal(t, readable(name), user)
	})
}

func BenchmarkSSHDFailedPassword(b *testing.B) {
	s, err := NewStream(Options{})
	require.NoError(b, err)
	line := []byte("<38>Nov 22 10:00:00 arkiv01 sshd[123]: Failed password for invalid user admin from 192.0.2.7 port 5022 ssh2")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(line, reference); err != nil {
			b.Fatal(err)
		}
	}
}
