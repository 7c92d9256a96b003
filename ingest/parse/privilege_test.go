package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func used(dataset, user, target string) want {
	return want{dataset: dataset, action: ecs.ActionPrivilege, outcome: ecs.OutcomeSuccess, user: user, target: target}
}

func denied(dataset, user, target, reason string) want {
	w := used(dataset, user, target)
	w.outcome, w.reason = ecs.OutcomeFailure, reason
	return w
}

func TestSudoIsNeverALogin_R36(t *testing.T) {
	t.Parallel()
	const rest = "TTY=pts/0 ; PWD=/home/kari ; USER=root ; COMMAND=/bin/ls -l"
	table(t, "Nov 22 10:00:00 arkiv01 sudo[7]: ", map[string]want{
		"    kari : " + rest:                                                          used("sudo", "kari", "root"),
		"kari : 3 incorrect password attempts ; " + rest:                              denied("sudo", "kari", "root", "incorrect-password"),
		"kari : 1 incorrect password attempt ; " + rest:                               denied("sudo", "kari", "root", "incorrect-password"),
		"kari : user NOT in sudoers ; " + rest:                                        denied("sudo", "kari", "root", "not-in-sudoers"),
		"kari : user NOT authorized on host ; " + rest:                                denied("sudo", "kari", "root", "not-authorized-on-host"),
		"kari : command not allowed ; " + rest:                                        denied("sudo", "kari", "root", "command-not-allowed"),
		"kari : a password is required ; " + rest:                                     denied("sudo", "kari", "root", "password-required"),
		`DOMAIN\kari : ` + rest:                                                       used("sudo", `DOMAIN\kari`, "root"),
		"bjørn : " + rest:                                                             used("sudo", "bjørn", "root"),
		"kari : TTY=pts/0 ; PWD=/ ; USER=db ; COMMAND=/bin/x ; USER=root ; COMMAND=y": used("sudo", "kari", "db"),
		"kari : TTY=pts/0 ; PWD=/a ; b ; USER=root ; COMMAND=/bin/x":                  used("sudo", "kari", "root"),
		"unable to resolve host arkiv01":                                              {dataset: "sudo"},
	})
	ev := one(t, "Nov 22 10:00:00 arkiv01 sudo:     kari : TTY=pts/0 ; PWD=/a#040b ; USER=root ; COMMAND=/bin/echo a#012b")
	require.Equal(t, "/a b", ev.Process.WorkingDir)
	require.Equal(t, "pts/0", ev.Process.TTY)
	require.Equal(t, "/bin/echo a\nb", ev.Process.CommandLine)
	require.Equal(t, "root", ev.User.Effective.Name)
	require.Equal(t, []string{"kari", "root"}, ev.Related.User)
}

func TestSuIsNeverALogin_R36(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 arkiv01 su[7]: ", map[string]want{
		"(to root) kari on pts/0":                    used("su", "kari", "root"),
		"FAILED SU (to root) kari on pts/0":          denied("su", "kari", "root", ""),
		"+ pts/0 kari:root":                          used("su", "kari", "root"),
		"- pts/0 kari:root":                          denied("su", "kari", "root", ""),
		"+ /dev/pts/0 kari-root":                     used("su", "kari", "root"),
		"Successful su for root by kari":             used("su", "kari", "root"),
		"FAILED su for root by kari":                 denied("su", "kari", "root", ""),
		"kari to root on /dev/pts/0":                 used("su", "kari", "root"),
		"BAD SU kari to root on /dev/pts/0":          denied("su", "kari", "root", ""),
		"'su root' succeeded for kari on /dev/pts/0": used("su", "kari", "root"),
		"'su root' failed for kari on /dev/pts/0":    denied("su", "kari", "root", ""),
		"pam_authenticate: Authentication failure":   {dataset: "su"},
	})
}

func TestAccountsAndGroups_C10(t *testing.T) {
	t.Parallel()
	done := func(action, user, target, reason string) want {
		return want{dataset: "shadow-utils", action: action, outcome: ecs.OutcomeSuccess, user: user, target: target, reason: reason}
	}
	table(t, "Nov 22 10:00:00 arkiv01 ", map[string]want{
		"useradd[7]: new user: name=kari, UID=1001, GID=1001, home=/home/kari, shell=/bin/bash, from=/dev/pts/0": done(ecs.ActionAccountCreated, "", "kari", ""),
		"useradd[7]: failed adding user 'kari', data deleted":                                                    {dataset: "shadow-utils", action: ecs.ActionAccountCreated, outcome: ecs.OutcomeFailure, target: "kari"},
		"useradd[7]: new group: name=kari, GID=1001":                                                             done("group-created", "", "", ""),
		"usermod[7]: add 'kari' to group 'sudo'":                                                                 done(ecs.ActionGroupMember, "", "kari", ""),
		"usermod[7]: add 'kari' to shadow group 'sudo'":                                                          done(ecs.ActionGroupMember, "", "kari", ""),
		"usermod[7]: delete 'kari' from group 'sudo'":                                                            done(ecs.ActionGroupRemoved, "", "kari", ""),
		"gpasswd[7]: user kari added by root to group sudo":                                                      done(ecs.ActionGroupMember, "root", "kari", ""),
		"gpasswd[7]: user kari removed by root from group sudo":                                                  done(ecs.ActionGroupRemoved, "root", "kari", ""),
		"gpasswd[7]: members of group sudo set by root to a,b":                                                   done("group-changed", "root", "", ""),
		"usermod[7]: change user 'kari' password":                                                                done(ecs.ActionPasswordChange, "", "kari", "password"),
		"usermod[7]: change user 'kari' shell from '/bin/sh' to '/bin/bash'":                                     done(ecs.ActionAccountChanged, "", "kari", "shell"),
		"usermod[7]: change user 'kari' expiration from 'never' to '2026-12-01'":                                 done(ecs.ActionAccountChanged, "", "kari", "expiration"),
		"usermod[7]: change user name 'kari' to 'kari2'":                                                         done(ecs.ActionAccountChanged, "", "kari", ""),
		"usermod[7]: lock user 'kari' password":                                                                  done(ecs.ActionAccountChanged, "", "kari", "locked-by-administrator"),
		"usermod[7]: unlock user 'kari' password":                                                                done(ecs.ActionAccountChanged, "", "kari", "unlocked-by-administrator"),
		"userdel[7]: delete user 'kari'":                                                                         done(ecs.ActionAccountDeleted, "", "kari", ""),
		"userdel[7]: removed group 'kari' owned by 'kari'":                                                       done("group-deleted", "", "", ""),
		"groupdel[7]: group 'x' removed from /etc/group":                                                         done("group-deleted", "", "", ""),
		"groupadd[7]: group added to /etc/group: name=x, GID=7":                                                  done("group-created", "", "", ""),
		"chage[7]: changed password expiry for kari":                                                             done(ecs.ActionAccountChanged, "", "kari", "password-expiry"),
		"chsh[7]: changed user 'kari' shell to '/bin/sh'":                                                        done(ecs.ActionAccountChanged, "", "kari", "shell"),
		"passwd[7]: password for 'kari' changed by 'root'":                                                       done(ecs.ActionPasswordChange, "root", "kari", ""),
		"passwd[7]: password for kari changed by root":                                                           done(ecs.ActionPasswordChange, "root", "kari", ""),
	})
	require.Equal(t, "sudo", one(t, "Nov 22 10:00:00 a usermod[7]: add 'kari' to shadow group 'sudo'").Labels["group"])
	require.Equal(t, "1001", one(t, "Nov 22 10:00:00 a useradd[7]: new user: name=kari, UID=1001, GID=7").User.Target.ID)
}

func TestLogindSessions(t *testing.T) {
	t.Parallel()
	table(t, "Nov 22 10:00:00 arkiv01 systemd-logind[7]: ", map[string]want{
		"New session 5 of user kari.":                                      {dataset: "systemd-logind", action: ecs.ActionSessionStart, outcome: ecs.OutcomeSuccess, user: "kari"},
		"New session '5' of user 'kari' with class 'user' and type 'tty'.": {dataset: "systemd-logind", action: ecs.ActionSessionStart, outcome: ecs.OutcomeSuccess, user: "kari"},
		"Removed session 5.":                                               {dataset: "systemd-logind", action: ecs.ActionSessionEnd, outcome: ecs.OutcomeSuccess},
		"Session 5 logged out. Waiting for processes to exit.":             {dataset: "systemd-logind", action: ecs.ActionSessionEnd, outcome: ecs.OutcomeSuccess},
		"New seat seat0.":                                                  {dataset: "systemd-logind"},
	})
}

// No line of a tool for privileges or accounts is ever an attempt, and none panics.
func FuzzNoLoginFromPrivilegeTools(f *testing.F) {
	for _, s := range []string{"kari : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", "(to root) kari on pts/0", "add 'a' to group 'b'", " : ", "+ ", "(to "} {
		f.Add("sudo", s)
		f.Add("su", s)
		f.Add("usermod", s)
	}
	f.Fuzz(func(t *testing.T, program, text string) {
		if !strings.Contains("sudo su usermod useradd gpasswd passwd systemd-logind", program) || program == "" || strings.Contains(text, "pam_") {
			return
		}
		s, err := NewStream(Options{})
		require.NoError(t, err)
		if ev, err := s.Parse([]byte("Nov 22 10:00:00 a "+program+"[7]: "+text), reference); err == nil {
			require.False(t, ev.Varde.Attempt)
		}
	})
}

func BenchmarkSudo(b *testing.B) {
	s, err := NewStream(Options{})
	require.NoError(b, err)
	line := []byte("<38>Nov 22 10:00:00 a sudo[1]:     kari : TTY=pts/0 ; PWD=/home/kari ; USER=root ; COMMAND=/bin/ls -l")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Parse(line, reference); err != nil {
			b.Fatal(err)
		}
	}
}
