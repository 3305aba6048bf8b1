package pgtools

import "syscall"

// processAttr puts the child in a group of its own, so that all of it can be ended at once and no key pressed in a terminal
// reaches it. When we are killed, the kernel tells the leader to end, and the leader tells its workers.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
