package session

import (
	"net"

	"golang.org/x/sys/unix"
)

// lookAtPeer asks the kernel (SO_PEERCRED) who was at the other end when it connected.
func lookAtPeer(conn net.Conn) peer {
	nobody := peer{uid: -1}
	sock, ok := conn.(*net.UnixConn)
	if !ok {
		return nobody
	}
	raw, err := sock.SyscallConn()
	if err != nil {
		return nobody
	}
	var cred *unix.Ucred
	var asked error
	if err := raw.Control(func(fd uintptr) {
		cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || asked != nil {
		return nobody
	}
	return peer{uid: int(cred.Uid), pid: int(cred.Pid), known: true}
}
