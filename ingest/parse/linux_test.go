package parse

import (
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func login(dataset, outcome, user, ip string) want {
	return want{dataset: dataset, action: ecs.ActionLogin, outcome: outcome, user: user, ip: ip, attempt: true, method: "password"}
}

func decidesNothing(dataset, user, ip string) want {
	return want{dataset: dataset, action: ecs.ActionProbe, outcome: ecs.OutcomeUnknown, user: user, ip: ip}
}

func (w want) why(reason string) want { w.reason = reason; return w }

func TestAudit_R36(t *testing.T) {
	t.Parallel()
	event := func(action, outcome, user, target, ip string) want {
		return want{dataset: "auditd", action: action, outcome: outcome, user: user, target: target, ip: ip}
	}
	ok := login("auditd", "success", "kari", "192.0.2.7").by("")
	cases := map[string]want{
		`type=USER_LOGIN msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 subj=unconfined msg='op=login acct="kari" exe="/usr/sbin/sshd" hostname=a.example addr=192.0.2.7 terminal=/dev/pts/0 res=success'`:                             ok,
		"type=USER_LOGIN msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.7 terminal=ssh res=success'\x1dUID=\"root\" AUID=\"kari\" ID=\"kari\"":                    ok,
		`node=arkiv01 type=USER_LOGIN msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=login acct="kari" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=success'`:                                               ok,
		`type=USER_LOGIN msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=28756E6B6E6F776E207573657229 exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=failed'`:                        login("auditd", "failure", "", "192.0.2.7").by("").why("invalid-user"),
		`type=USER_LOGIN msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct="kari" exe="/usr/sbin/sshd" hostname=? addr=2001:db8::7 terminal=sshd res=failed'`:                                           login("auditd", "failure", "kari", "2001:db8::7").by(""),
		`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`:               login("auditd", "failure", "kari", "192.0.2.7"),
		`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=pam_unix acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`:       decidesNothing("auditd", "kari", "192.0.2.7"),
		`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=1000 auid=1000 ses=3 msg='op=PAM:authentication acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=failed'` + "\x1dUID=\"kari\" AUID=\"kari\"":                    event(ecs.ActionPrivilege, "failure", "kari", "root", "").why("incorrect-password"),
		`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=1000 auid=1000 ses=3 msg='op=PAM:authentication acct="kari" exe="/usr/bin/xscreensaver" hostname=? addr=? terminal=:0 res=failed'`:                                                decidesNothing("auditd", "kari", ""),
		`type=USER_ACCT msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:accounting acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`:                              decidesNothing("auditd", "kari", "192.0.2.7").why("not-allowed"),
		`type=USER_START msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=PAM:session_open grantors=pam_unix acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`:                       event(ecs.ActionSessionStart, "success", "kari", "", "192.0.2.7"),
		`type=USER_START msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=PAM:session_open grantors=pam_unix acct="kari" exe="/usr/sbin/vsftpd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ftp res=success'`:                     login("auditd", "success", "kari", "192.0.2.7").by(""),
		`type=USER_START msg=audit(1795341600.123:456): pid=10 uid=0 auid=0 ses=3 msg='op=PAM:session_open acct="root" exe="/usr/sbin/crond" hostname=? addr=? terminal=cron res=success'`:                                                          event(ecs.ActionSessionStart, "success", "root", "", ""),
		`type=USER_START msg=audit(1795341600.123:456): pid=10 uid=1000 auid=1000 ses=3 msg='op=PAM:session_open acct="root" exe="/usr/bin/sudo" hostname=? addr=? terminal=/dev/pts/0 res=success'` + "\x1dUID=\"kari\" AUID=\"kari\"":             event(ecs.ActionSessionStart, "success", "kari", "root", ""),
		`type=USER_END msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=PAM:session_close acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`:                                          event(ecs.ActionSessionEnd, "success", "kari", "", "192.0.2.7"),
		`type=USER_LOGOUT msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe="/usr/sbin/sshd" hostname=? addr=? terminal=ssh res=success'` + "\x1dUID=\"root\" AUID=\"kari\" ID=\"kari\"":                        event(ecs.ActionLogoff, "success", "kari", "", ""),
		`type=ADD_USER msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=add-user acct="ola" exe="/usr/sbin/useradd" hostname=? addr=? terminal=pts/0 res=success'` + "\x1dUID=\"root\" AUID=\"kari\"":                            event(ecs.ActionAccountCreated, "success", "kari", "ola", ""),
		`type=DEL_USER msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=delete-user id=1001 exe="/usr/sbin/userdel" hostname=? addr=? terminal=pts/0 res=success'` + "\x1dUID=\"root\" AUID=\"kari\" ID=\"ola\"":                 event(ecs.ActionAccountDeleted, "success", "kari", "ola", ""),
		`type=USER_CHAUTHTOK msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=PAM:chauthtok grantors=pam_unix acct="ola" exe="/usr/bin/passwd" hostname=? addr=? terminal=pts/0 res=success'` + "\x1dUID=\"root\" AUID=\"kari\"": event(ecs.ActionPasswordChange, "success", "kari", "ola", ""),
		`type=USER_MGMT msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=add-user-to-group grp="sudo" acct="ola" exe="/usr/sbin/usermod" hostname=? addr=? terminal=pts/0 res=success'` + "\x1dUID=\"root\" AUID=\"kari\"":       event(ecs.ActionGroupMember, "success", "kari", "ola", ""),
		`type=ACCT_LOCK msg=audit(1795341600.123:456): pid=10 uid=0 auid=1000 ses=3 msg='op=locked-password id=1001 exe="/usr/sbin/usermod" hostname=? addr=? terminal=pts/0 res=success'` + "\x1dAUID=\"kari\" ID=\"ola\"":                         event(ecs.ActionAccountChanged, "success", "kari", "ola", "").why("locked-by-administrator"),
		`type=USER_CMD msg=audit(1795341600.123:456): pid=10 uid=1000 auid=1000 ses=3 msg='cwd="/home/kari" cmd=6C73202F726F6F74 exe="/usr/bin/sudo" terminal=pts/0 res=success'` + "\x1dUID=\"kari\" AUID=\"kari\"":                                event(ecs.ActionPrivilege, "success", "kari", "", ""),
		`type=RESP_ACCT_LOCK msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=pam_faillock suid=1000 acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`:                event(ecs.ActionAccountLocked, "success", "kari", "", "192.0.2.7"),
		`type=SYSCALL msg=audit(1795341600.123:456): arch=c000003e syscall=59 success=yes exit=0 pid=10 auid=1000 uid=0 comm="ls" exe="/usr/bin/ls"`:                                                                                                event("syscall", "", "", "", ""),
		// A name that tries to be the rest.
		`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct=` + strings.ToUpper(hex.EncodeToString([]byte(`x" addr=10.6.6.6 res=success`))) + ` exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`: login("auditd", "failure", `x" addr=10.6.6.6 res=success`, "192.0.2.7"),
	}
	table(t, "", cases)
	const auth = `pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`
	for _, line := range []string{
		"Nov 22 10:00:00 arkiv01 audispd: node=arkiv01 type=USER_AUTH msg=audit(1795341600.123:456): " + auth,
		"Nov 22 10:00:00 arkiv01 audisp-syslog[7]: type=USER_AUTH msg=audit(1795341600.123:456): " + auth,
		"Nov 22 10:00:00 arkiv01 kernel: [12.345] audit: type=1100 audit(1795341600.123:456): " + auth,
		"Nov 22 10:00:00 arkiv01 audit[10]: USER_AUTH " + auth,
	} {
		ev := one(t, line)
		require.Equal(t, login("auditd", "failure", "kari", "192.0.2.7"), got(ev), line)
		require.Equal(t, "arkiv01", ev.Host.Name)
	}
	s, err := NewStream(Options{Format: "auditd"})
	require.NoError(t, err)
	_, err = s.Parse([]byte("type=USER_AUTH msg=audit(x): pid=1"), reference)
	require.ErrorContains(t, err, ReasonTimestamp)
}

func TestOneRefusedLoginInTheAuditLogIsOneAttempt_R36(t *testing.T) {
	t.Parallel()
	record := func(second, kind, msg string) string {
		return `type=` + kind + ` msg=audit(17953416` + second + `.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='` + msg + ` exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`
	}
	var attempts []bool
	for _, w := range stream(t,
		record("00", "USER_AUTH", `op=PAM:authentication acct="kari"`),
		record("00", "USER_AUTH", `op=password acct="kari"`),
		record("01", "USER_LOGIN", `op=login acct="kari"`),
		record("04", "USER_AUTH", `op=PAM:authentication acct="kari"`),
		record("04", "USER_LOGIN", `op=login acct="kari"`),
		record("05", "USER_AUTH", `op=PAM:authentication acct="kari"`),
	) {
		attempts = append(attempts, w.attempt)
	}
	require.Equal(t, []bool{true, false, false, true, false, true}, attempts)
}

func TestConsoleLogins_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 arkiv01 login[7]: ", map[string]want{
		"FAILED LOGIN (1) on '/dev/tty1' FOR 'kari', Authentication failure":                                    login("login", "failure", "kari", ""),
		"FAILED LOGIN (2) on '/dev/tty1' FOR 'UNKNOWN', User not known to the underlying authentication module": login("login", "failure", "", "").why("invalid-user"),
		"FAILED LOGIN 1 FROM tty1 FOR kari, Authentication failure":                                             login("login", "failure", "kari", ""),
		"FAILED LOGIN 1 FROM 192.0.2.7 FOR kari, Authentication failure":                                        login("login", "failure", "kari", "192.0.2.7"),
		"FAILED LOGIN SESSION FROM tty1 FOR (unknown), User not known to the underlying authentication module":  login("login", "failure", "", "").why("invalid-user"),
		"LOGIN ON tty1 BY kari":                 login("login", "success", "kari", ""),
		"LOGIN ON pts/0 BY kari FROM 192.0.2.7": login("login", "success", "kari", "192.0.2.7"),
		"ROOT LOGIN ON tty1":                    login("login", "success", "root", ""),
		"ROOT LOGIN  on '/dev/tty1'":            login("login", "success", "root", ""),
		"something else":                        {dataset: "login"},
	})
	// PAM says the same before it.
	var attempts []bool
	for _, w := range stream(t,
		"Nov 22 10:00:00 a login[7]: pam_unix(login:auth): authentication failure; logname=LOGIN uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=kari",
		"Nov 22 10:00:02 a login[7]: FAILED LOGIN (1) on '/dev/tty1' FOR 'kari', Authentication failure",
		"Nov 22 10:00:09 a login[7]: pam_unix(login:session): session opened for user kari(uid=1000) by LOGIN(uid=0)",
		"Nov 22 10:00:09 a login[7]: LOGIN ON tty1 BY kari") {
		attempts = append(attempts, w.attempt)
	}
	require.Equal(t, []bool{true, false, true, false}, attempts)
}

func TestUsesOfPrivilege_R36(t *testing.T) {
	t.Parallel()
	used := want{dataset: "polkit", action: ecs.ActionPrivilege, outcome: "success", user: "kari", target: "root"}
	refused := used.why("not-authorized")
	refused.outcome = "failure"
	table(t, "Nov 22 10:00:00 arkiv01 pkexec[7]: ", map[string]want{
		"kari: Executing command [USER=root] [TTY=unknown] [CWD=/home/kari] [COMMAND=/bin/ls]":                            used,
		"kari: Error executing command as another user: Not authorized [USER=root] [TTY=pts/0] [CWD=/] [COMMAND=/bin/ls]": refused,
	})
	wrong := want{dataset: "polkit", action: ecs.ActionPrivilege, outcome: "failure", user: "kari", reason: "incorrect-password"}
	table(t, "Nov 22 10:00:00 arkiv01 polkitd[7]: ", map[string]want{
		"Operator of unix-session:1 successfully authenticated as unix-user:root to gain TEMPORARY authorization for action org.x.y for system-bus-name::1.5 [x] (owned by unix-user:kari)": used,
		"Operator of unix-session:1 FAILED to authenticate to gain authorization for action org.x.y for unix-process:1:2 [x] (owned by unix-user:kari)":                                     wrong,
		"Registered Authentication Agent for unix-session:1": {dataset: "polkit"},
	})
	table(t, "Nov 22 10:00:00 arkiv01 CRON[7]: ", map[string]want{
		"(root) CMD (run-parts /etc/cron.hourly)":                                {dataset: "cron", action: "cron-command", outcome: "success", user: "root"},
		"(kari) FAILED to authorize user with PAM":                               {dataset: "cron", action: ecs.ActionPrivilege, outcome: "failure", user: "kari", reason: "not-allowed"},
		"pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)": {dataset: "pam", action: ecs.ActionSessionStart, outcome: "success", user: "root"},
	})
}

func TestDropbear_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 ruter01 dropbear[7]: ", map[string]want{
		"Password auth succeeded for 'kari' from 192.0.2.7:5022":                               login("dropbear", "success", "kari", "192.0.2.7").at(5022),
		"Bad password attempt for 'kari' from 192.0.2.7:5022":                                  login("dropbear", "failure", "kari", "192.0.2.7").at(5022),
		"Bad password attempt for 'kari' from [2001:db8::7]:5022":                              login("dropbear", "failure", "kari", "2001:db8::7").at(5022),
		"Bad password attempt for 'x' from 10.6.6.6:1' from 192.0.2.7:5022":                    login("dropbear", "failure", "x' from 10.6.6.6:1", "192.0.2.7").at(5022),
		"Login attempt for nonexistent user from 192.0.2.7:5022":                               login("dropbear", "failure", "", "192.0.2.7").at(5022).by("").why("invalid-user"),
		"Login attempt for nonexistent user 'ola' from 192.0.2.7:5022":                         login("dropbear", "failure", "ola", "192.0.2.7").at(5022).by("").why("invalid-user"),
		"Pubkey auth succeeded for 'kari' with ssh-ed25519 key SHA256:abc from 192.0.2.7:5022": login("dropbear", "success", "kari", "192.0.2.7").at(5022).by("publickey").key("SHA256:abc"),
		"Pubkey auth succeeded for 'kari' with key sha1!! aa:bb:cc from 192.0.2.7:5022":        login("dropbear", "success", "kari", "192.0.2.7").at(5022).by("publickey").key("aa:bb:cc"),
		"Max auth tries reached - user 'kari' from 192.0.2.7:5022":                             decidesNothing("dropbear", "kari", "192.0.2.7").at(5022),
		"Child connection from 192.0.2.7:5022":                                                 {dataset: "dropbear", action: actionConnectionOpened, ip: "192.0.2.7", port: 5022},
		"Exit before auth from <192.0.2.7:5022>: Exited normally":                              {dataset: "dropbear", action: actionConnectionClosed},
	})
}

func TestFTP_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 ftp01 vsftpd[7]: ", map[string]want{
		`[kari] OK LOGIN: Client "192.0.2.7"`:                                       login("vsftpd", "success", "kari", "192.0.2.7"),
		`[kari] FAIL LOGIN: Client "::ffff:192.0.2.7"`:                              login("vsftpd", "failure", "kari", "192.0.2.7"),
		`[x] OK LOGIN: Client "10.6.6.6"] FAIL LOGIN: Client "192.0.2.7"`:           login("vsftpd", "failure", `x] OK LOGIN: Client "10.6.6.6"`, "192.0.2.7"),
		`CONNECT: Client "192.0.2.7"`:                                               {dataset: "vsftpd", action: actionConnectionOpened, ip: "192.0.2.7"},
		`[kari] OK DOWNLOAD: Client "192.0.2.7", "/a.txt", 12 bytes, 3.00Kbyte/sec`: {dataset: "vsftpd", action: "ftp-command", user: "kari", ip: "192.0.2.7"},
	})
	table(t, "Sun Nov 22 10:00:00 2026 [pid 7] ", map[string]want{
		`[kari] OK LOGIN: Client "192.0.2.7"`:   login("vsftpd", "success", "kari", "192.0.2.7"),
		`[kari] FAIL LOGIN: Client "192.0.2.7"`: login("vsftpd", "failure", "kari", "192.0.2.7"),
	})
	table(t, "Nov 22 10:00:00 ftp01 proftpd[7]: ftp01 (host.example[192.0.2.7]) - ", map[string]want{
		"USER kari: Login successful.":                                               login("proftpd", "success", "kari", "192.0.2.7"),
		"USER kari (Login failed): Incorrect password":                               login("proftpd", "failure", "kari", "192.0.2.7").why("incorrect-password"),
		"USER kari: no such user found from host.example [192.0.2.7] to 10.0.0.1:21": login("proftpd", "failure", "kari", "192.0.2.7").why("invalid-user"),
		"FTP session opened.":                                                        {dataset: "proftpd", action: actionConnectionOpened, ip: "192.0.2.7"},
	})
	table(t, "Nov 22 10:00:00 ftp01 pure-ftpd: ", map[string]want{
		"(?@192.0.2.7) [WARNING] Authentication failed for user [kari]": login("pure-ftpd", "failure", "kari", "192.0.2.7"),
		"(?@192.0.2.7) [INFO] kari is now logged in":                    login("pure-ftpd", "success", "kari", "192.0.2.7"),
	})
}

func TestMail_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 post01 dovecot: ", map[string]want{
		"imap-login: Login: user=<kari>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1, mpid=7, TLS, session=<abc>":                                                     login("dovecot", "success", "kari", "192.0.2.7"),
		"imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<kari>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1, TLS, session=<abc>":                  login("dovecot", "failure", "kari", "192.0.2.7"),
		"pop3-login: Disconnected: Connection closed (auth failed, 3 attempts in 9 secs): user=<kari@bo.example>, method=PLAIN, rip=2001:db8::7, lip=10.0.0.1, TLS": login("dovecot", "failure", "kari@bo.example", "2001:db8::7").times(3),
		"imap-login: Aborted login (auth failed, 1 attempts in 2 secs): user=<>, rip=192.0.2.7, lip=10.0.0.1":                                                       login("dovecot", "failure", "", "192.0.2.7"),
		"imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.7, lip=10.0.0.1, TLS":                                                          {dataset: "dovecot", action: actionConnectionClosed, ip: "192.0.2.7"},
		"imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<x>, method=PLAIN, rip=10.6.6.6, lip=y>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1":     login("dovecot", "failure", "x>, method=PLAIN, rip=10.6.6.6, lip=y", "192.0.2.7"),
		"auth-worker(7): conn unix:auth-worker (pid=1,uid=2): auth-worker<1>: pam(kari,192.0.2.7): pam_authenticate() failed":                                       {dataset: "dovecot"},
	})
	table(t, "Nov 22 10:00:00 post01 postfix/submission/smtpd[7]: ", map[string]want{
		"warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6":                             login("postfix", "failure", "", "192.0.2.7"),
		"warning: unknown[192.0.2.7]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=kari": login("postfix", "failure", "kari", "192.0.2.7"),
		"warning: unknown[192.0.2.7]: SASL PLAIN authentication failed: Connection lost to authentication server": decidesNothing("postfix", "", "192.0.2.7").why("server-error"),
		"4F1: client=host.example[192.0.2.7], sasl_method=PLAIN, sasl_username=kari@bo.example":                   login("postfix", "success", "kari@bo.example", "192.0.2.7").named("host.example"),
		"4F1: client=host.example[192.0.2.7]":  {dataset: "postfix"},
		"connect from host.example[192.0.2.7]": {dataset: "postfix", action: actionConnectionOpened, ip: "192.0.2.7", domain: "host.example"},
	})
	// PAM's lines and Dovecot's sum are the same three passwords.
	const pam = "Nov 22 10:00:00 a auth[7]: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=kari rhost=192.0.2.7  user=kari"
	total := 0
	for _, w := range stream(t, pam, strings.Replace(pam, "00 a", "06 a", 1),
		"Nov 22 10:00:12 a dovecot: imap-login: Disconnected (auth failed, 3 attempts in 9 secs): user=<kari>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1") {
		if w.attempt {
			total += max(1, w.repeat)
		}
	}
	require.Equal(t, 3, total)
}

func (w want) named(domain string) want { w.domain = domain; return w }

func TestKerberos_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 kdc01 krb5kdc[7](info): AS_REQ (8 etypes {aes256-cts-hmac-sha1-96(18), (17)}) ", map[string]want{
		"192.0.2.7: ISSUE: authtime 1795341600, etypes {rep=(18), tkt=(18), ses=(18)}, kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE": login("krb5kdc", "success", "kari@BO.EXAMPLE", "192.0.2.7"),
		"192.0.2.7: PREAUTH_FAILED: kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE, Preauthentication failed":                          login("krb5kdc", "failure", "kari@BO.EXAMPLE", "192.0.2.7").why("incorrect-password"),
		"192.0.2.7: CLIENT_NOT_FOUND: ola@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE, Client not found in Kerberos database":            login("krb5kdc", "failure", "ola@BO.EXAMPLE", "192.0.2.7").why("invalid-user"),
		"192.0.2.7: NEEDED_PREAUTH: kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE, Additional pre-authentication required":            decidesNothing("krb5kdc", "kari@BO.EXAMPLE", "192.0.2.7"),
		"192.0.2.7: LOCKED_OUT: kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE, Client's credentials have been revoked":                login("krb5kdc", "failure", "kari@BO.EXAMPLE", "192.0.2.7").why("account-locked"),
	})
	table(t, "Nov 22 10:00:00 arkiv01 krb5_child[7]: ", map[string]want{
		"Preauthentication failed": decidesNothing("sssd", "", "").why("incorrect-password"),
		"Other":                    {dataset: "sssd"},
	})
}

// auditValue writes a value as audit does: in quotes, or in hex where it holds
// a blank, a quote or what is not ASCII.
func auditValue(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] < 0x21 || s[i] > 0x7e {
			return strings.ToUpper(hex.EncodeToString([]byte(s)))
		}
	}
	return `"` + s + `"`
}

// Whatever a client calls itself: the address is the server's, and there is one attempt.
func FuzzNamesInDaemonLines(f *testing.F) {
	for _, s := range []string{"kari", `x" addr=10.6.6.6`, "] FAIL LOGIN: Client \"10.6.6.6\"", "x>, rip=10.6.6.6", " from 10.6.6.6:1", "a'b", ": Login successful", "[1.2.3.4]) - USER "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || !utf8.ValidString(name) || strings.ContainsAny(name, "\n\r\x00\x1d") || strings.TrimSpace(name) != name {
			return
		}
		for _, line := range []string{
			`type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=0 msg='op=PAM:authentication acct=` + auditValue(name) + ` exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`,
			`Nov 22 10:00:00 a vsftpd[7]: [` + name + `] FAIL LOGIN: Client "192.0.2.7"`,
			`Nov 22 10:00:00 a dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<` + name + `>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1`,
			`Nov 22 10:00:00 a dropbear[7]: Bad password attempt for '` + name + `' from 192.0.2.7:5022`,
			`Nov 22 10:00:00 a proftpd[7]: ftp01 (h[192.0.2.7]) - USER ` + name + ` (Login failed): Incorrect password`,
		} {
			ev := one(t, line)
			require.True(t, ev.Varde.Attempt, line)
			require.Equal(t, "failure", ev.Event.Outcome, line)
			require.Equal(t, "192.0.2.7", ev.Source.IP, line)
			if ev.User != nil && !strings.HasPrefix(name, "(") && !strings.Contains(line, "dropbear") {
				require.Equal(t, name, ev.User.Name, line)
			}
		}
	})
}

func BenchmarkAudit(b *testing.B) {
	benchmark(b, `type=USER_AUTH msg=audit(1795341600.123:456): pid=10 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct="kari" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed'`)
}

func BenchmarkLogin(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 arkiv01 login[7]: FAILED LOGIN (1) on '/dev/tty1' FOR 'kari', Authentication failure")
}

func BenchmarkCron(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 arkiv01 CRON[7]: (root) CMD (run-parts /etc/cron.hourly)")
}

func BenchmarkPolkit(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 arkiv01 pkexec[7]: kari: Executing command [USER=root] [TTY=unknown] [CWD=/home/kari] [COMMAND=/bin/ls]")
}

func BenchmarkDropbear(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 ruter01 dropbear[7]: Bad password attempt for 'kari' from 192.0.2.7:5022")
}

func BenchmarkFTP(b *testing.B) {
	benchmark(b, `Nov 22 10:00:00 ftp01 vsftpd[7]: [kari] FAIL LOGIN: Client "192.0.2.7"`)
}

func BenchmarkDovecot(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 post01 dovecot: imap-login: Login: user=<kari>, method=PLAIN, rip=192.0.2.7, lip=10.0.0.1, mpid=7, TLS, session=<abc>")
}

func BenchmarkPostfix(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 post01 postfix/smtpd[7]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6")
}

func BenchmarkKerberos(b *testing.B) {
	benchmark(b, "Nov 22 10:00:00 kdc01 krb5kdc[7](info): AS_REQ (8 etypes {aes256-cts-hmac-sha1-96(18)}) 192.0.2.7: PREAUTH_FAILED: kari@BO.EXAMPLE for krbtgt/BO.EXAMPLE@BO.EXAMPLE, Preauthentication failed")
}
