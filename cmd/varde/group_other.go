//go:build unix && !linux

package main

import "syscall"

// ownGroup keeps a process out of our group. Only Linux can end it with us.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
