package localpg

import "golang.org/x/sys/unix"

// removeSegment removes the System V shared memory segment noted in a postmaster.pid whose
// server was killed. A server keeps its main memory in an anonymous mapping, but a few bytes
// in such a segment as a lock, and nobody removes them after SIGKILL. The kernel
// destroys a segment only when no process is attached, so a mistake cannot harm a live server.
func removeSegment(pidFilePath string) {
	pf, err := readPidFile(pidFilePath)
	if err != nil || pf.segment == 0 {
		return
	}
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(pf.segment, unix.IPC_STAT, &desc); err != nil || desc.Nattch != 0 {
		return
	}
	_, _ = unix.SysvShmCtl(pf.segment, unix.IPC_RMID, nil)
}
