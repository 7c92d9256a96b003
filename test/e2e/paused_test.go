package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/test/running"
)

// An installation that stood still, as a virtual machine does while it is moved
// or saved and a disk does while it writes much, goes on by itself: every group
// of the bus lost its members meanwhile, and has to find together again.
func TestAnInstallationThatStoodStillGoesOn(t *testing.T) {
	s := running.Start(t, t.TempDir())
	officer := s.SignIn(t, "sikkerhet")
	incidents(t, officer, 60*time.Second)
	began, sent := time.Now().Truncate(time.Microsecond), 0
	for n, pause := range []time.Duration{8 * time.Second, 4 * time.Second, 14 * time.Second, 7 * time.Second} {
		require.NoError(t, s.Signal(syscall.SIGSTOP))
		time.Sleep(pause)
		require.NoError(t, s.Signal(syscall.SIGCONT))
		for range 3 {
			sent++
			require.NoError(t, s.SendBulk(running.VendorLogin(time.Now(), 44000+sent)))
		}
		took := running.Eventually(t, 60*time.Second, func() error {
			if got := len(outside(officer, began)); got < sent {
				return fmt.Errorf("%d of %d findings after pause %d", got, sent, n)
			}
			return nil
		})
		t.Logf("stood still for %s; the next incident came after %s", pause, took.Round(time.Millisecond))
	}
	s.Stop(t)
}
