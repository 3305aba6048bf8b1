//go:build !linux

package pgtools

import "syscall"

// processAttr puts the child in a group of its own, so that all of it can be ended at once and no key pressed in a terminal reaches it.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
