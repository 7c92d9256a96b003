//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrInUse is returned by Start while another process has the folder open.
var ErrInUse = errors.New("embedded broker: another process has this data folder open")

// takeLock holds an advisory lock on file as long as the process lives: two
// brokers on one folder would destroy it.
func (b *Broker) takeLock(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return ErrInUse
	}
	b.lock = f
	return nil
}

func (b *Broker) unlock() {
	if b.lock != nil {
		_ = b.lock.Close() // releases the lock
		b.lock = nil
	}
}
