package parse

import (
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func pamWant(action, outcome, user, ip string) want {
	return want{dataset: "pam", action: action, outcome: outcome, user: user, ip: ip}
}

func (w want) isAttempt(method string) want { w.attempt, w.method = true, method; return w }
func (w want) onto(target string) want      { w.target = target; return w }

const pamTail = "authentication failure; logname= uid=0 euid=0 tty=ftp ruser="

func TestPAMDecidesWhereItIsAlone_R36(t *testing.T) {
	t.Parallel()
	lost := pamWant(ecs.ActionLogin, ecs.OutcomeFailure, "kari", "192.0.2.7").isAttempt("password")
	nobody := lost
	nobody.reason = "invalid-user"
	table(t, "Nov 22 10:00:00 arkiv01 ", map[string]want{
		"login[7]: pam_unix(login:session): session opened for user kari(uid=1001) by LOGIN(uid=0)":                                        pamWant(ecs.ActionLogin, ecs.OutcomeSuccess, "kari", "").isAttempt(""),
		"login(pam_unix)[7]: session opened for user kari by LOGIN(uid=0)":                                                                 pamWant(ecs.ActionLogin, ecs.OutcomeSuccess, "kari", "").isAttempt(""),
		"login[7]: (pam_unix) session opened for user kari by LOGIN(uid=0)":                                                                pamWant(ecs.ActionLogin, ecs.OutcomeSuccess, "kari", "").isAttempt(""),
		"gdm-password][7]: pam_unix(gdm-password:session): session opened for user kari(uid=1001) by (uid=0)":                              pamWant(ecs.ActionLogin, ecs.OutcomeSuccess, "kari", "").isAttempt(""),
		"vsftpd[7]: pam_unix(vsftpd:auth): " + pamTail + "kari rhost=192.0.2.7  user=kari":                                                 lost,
		"auth[7]: pam_unix(dovecot:auth): " + pamTail + "kari rhost=::ffff:192.0.2.7  user=kari":                                           lost,
		"vsftpd[7]: pam_unix(vsftpd:auth): " + pamTail + "kari rhost=192.0.2.7 ":                                                           nobody,
		"login[7]: pam_unix(login:auth): 2 more authentication failures; logname= uid=0 euid=0 tty=tty1 ruser= rhost=192.0.2.7  user=kari": lost.times(2),
		"message repeated 3 times: [ x]": {dataset: DatasetUnparsed, repeat: 3},
		"login[7]: message repeated 3 times: [ pam_unix(login:auth): authentication failure; logname= uid=0 euid=0 tty=tty1 ruser= rhost=192.0.2.7  user=kari]": lost.times(3),

		// What the client calls itself does not decide where it came from.
		"vsftpd[7]: pam_unix(vsftpd:auth): " + pamTail + "a rhost=10.6.6.6  user=b rhost=192.0.2.7  user=a rhost=10.6.6.6  user=b": pamWant(ecs.ActionLogin, ecs.OutcomeFailure, "a rhost=10.6.6.6  user=b", "192.0.2.7").isAttempt("password"),
		"x[7]: pam_unix(x:auth): " + pamTail + " rhost=192.0.2.7  user=a rhost=10.6.6.6  user=b":                                   pamWant(ecs.ActionLogin, ecs.OutcomeFailure, "a rhost=10.6.6.6  user=b", "192.0.2.7").isAttempt("password"),
		"x[7]: pam_unix(x:auth): " + pamTail + " rhost=192.0.2.7  user=a#011b":                                                     pamWant(ecs.ActionLogin, ecs.OutcomeFailure, "a\tb", "192.0.2.7").isAttempt("password"),
		"x[7]: pam_unix(x:auth): " + pamTail + " rhost=192.0.2.7  user=bj#303#270rn":                                               pamWant(ecs.ActionLogin, ecs.OutcomeFailure, "bjørn", "192.0.2.7").isAttempt("password"),
	})
}

func TestPAMDecidesNothingBesideADaemonThatDoes_R36(t *testing.T) {
	t.Parallel()
	probe := pamWant(ecs.ActionProbe, ecs.OutcomeUnknown, "kari", "192.0.2.7")
	session := pamWant(ecs.ActionSessionStart, ecs.OutcomeSuccess, "kari", "")
	table(t, "Nov 22 10:00:00 arkiv01 ", map[string]want{
		"sshd[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=kari":         probe,
		"sshd-session[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=kari": probe,
		"sshd(pam_unix)[7]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=192.0.2.7  user=kari":               probe,
		"sshd[7]: PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=kari":                  probe,
		"sshd[7]: pam_unix(sshd:session): session opened for user kari(uid=1001) by (uid=0)":                                            session,
		"sshd[7]: pam_unix(sshd:session): session closed for user kari":                                                                 pamWant(ecs.ActionSessionEnd, ecs.OutcomeSuccess, "kari", ""),
		"CRON[7]: pam_unix(cron:session): session opened for user kari(uid=0) by (uid=0)":                                               session,
		"systemd[7]: pam_unix(systemd-user:session): session opened for user kari(uid=1001) by (uid=0)":                                 session,
		"login[7]: pam_sss(login:auth): authentication success; logname= uid=0 euid=0 tty=tty1 ruser= rhost=192.0.2.7 user=kari":        probe,
		"login[7]: pam_unix(login:auth): check pass; user unknown":                                                                      {dataset: "pam", action: ecs.ActionProbe, outcome: ecs.OutcomeUnknown, reason: "invalid-user"},
		"sudo: pam_unix(sudo:auth): authentication failure; logname=kari uid=1001 euid=0 tty=/dev/pts/0 ruser=kari rhost=  user=kari":   pamWant(ecs.ActionProbe, ecs.OutcomeUnknown, "kari", "").onto("kari"),
		"su[7]: pam_unix(su:auth): authentication failure; logname= uid=1001 euid=0 tty=pts/0 ruser=kari rhost=  user=root":             pamWant(ecs.ActionProbe, ecs.OutcomeUnknown, "kari", "").onto("root"),
		"polkitd[7]: pam_unix(polkit-1:auth): authentication failure; logname= uid=1001 euid=0 tty= ruser=kari rhost=  user=root":       pamWant(ecs.ActionPrivilege, ecs.OutcomeFailure, "kari", "").onto("root"),
		"sudo: pam_unix(sudo:session): session opened for user root(uid=0) by kari(uid=1001)":                                           session.onto("root"),
		"su[7]: pam_unix(su-l:session): session opened for user root(uid=0) by kari(uid=1001)":                                          session.onto("root"),
		"passwd[7]: pam_unix(passwd:chauthtok): password changed for kari":                                                              pamWant(ecs.ActionPasswordChange, ecs.OutcomeSuccess, "", "").onto("kari"),
		"passwd[7]: pam_unix(passwd:chauthtok): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=192.0.2.7  user=kari":   probe,
		"sshd[7]: pam_systemd(sshd:session): Failed to create session: x":                                                               {dataset: "pam"},
	})
}

// Two modules that look at the same password make one attempt; one that is alone
// decides.
func TestASecondModulesOpinionIsNoSecondAttempt_R36(t *testing.T) {
	t.Parallel()
	s, err := NewStream(Options{})
	require.NoError(t, err)
	const fields = "authentication failure; logname= uid=0 euid=0 tty=tty1 ruser= rhost= user="
	attempts := func(lines ...string) (n int) {
		for _, l := range lines {
			ev, err := s.Parse([]byte(l), reference)
			require.NoError(t, err)
			if ev.Varde.Attempt {
				n++
			}
		}
		return n
	}
	unix, sss := "a login[7]: pam_unix(login:auth): "+fields, "a login[7]: pam_sss(login:auth): "+fields
	require.Equal(t, 1, attempts("Nov 22 10:00:00 "+unix+"kari", "Nov 22 10:00:01 "+sss+"kari"))
	require.Equal(t, 1, attempts("Nov 22 10:00:02 "+unix+"kari", "Nov 22 10:00:02 "+sss+"kari"), "the next try")
	require.Equal(t, 2, attempts("Nov 22 10:00:03 "+unix+"kari", "Nov 22 10:00:03 "+sss+"ola"), "another account")
	require.Equal(t, 1, attempts("Nov 22 10:01:00 "+sss+"per"), "alone")
	require.Equal(t, 2, attempts("Nov 22 10:02:00 "+unix+"per", "Nov 22 10:02:00 "+unix+"per"), "one module, two tries")
}

func TestLockEvents_C1(t *testing.T) {
	t.Parallel()
	lock := pamWant(ecs.ActionAccountLocked, ecs.OutcomeSuccess, "ola.nes", "")
	odd := lock
	odd.user = "x account temporarily locked"
	table(t, "Nov 22 10:00:00 omsorg01 ", map[string]want{
		"sshd[7]: pam_faillock(sshd:auth): Consecutive login failures for user ola.nes account temporarily locked":                      lock,
		"login[7]: pam_faillock(login:auth): Consecutive login failures for user ola.nes account temporarily locked":                    lock,
		"sshd[7]: pam_faillock(sshd:auth): Consecutive login failures for user x account temporarily locked account temporarily locked": odd,
		"sshd[7]: pam_tally2(sshd:auth): user ola.nes (1002) tally 6, deny 5":                                                           lock,
		"sshd[7]: pam_faillock(sshd:auth): User unknown: ola.nes":                                                                       {dataset: "pam"},
	})
}

// The address of a PAM line is the server's, whatever a client calls itself,
// and there is never more than the one attempt.
func FuzzPAMRemoteHost(f *testing.F) {
	for _, name := range []string{"kari", "a rhost=10.6.6.6  user=b", " rhost=", "user=x", "a  user=a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" {
			return
		}
		ev := one(t, "Nov 22 10:00:00 arkiv01 vsftpd[7]: pam_unix(vsftpd:auth): "+pamTail+vis(name)+" rhost=192.0.2.7  user="+vis(name))
		require.True(t, ev.Varde.Attempt)
		require.Equal(t, "192.0.2.7", ev.Source.IP)
		require.Equal(t, unescape(vis(name)), ev.User.Name)
	})
}

func BenchmarkPAMFailure(b *testing.B) {
	s, err := NewStream(Options{})
	require.NoError(b, err)
	line := []byte("<38>Nov 22 10:00:00 a sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=kari")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(line, reference); err != nil {
			b.Fatal(err)
		}
	}
}
