//go:build !linux

package session

import (
	"net"
	"os"
)

// lookAtPeer cannot ask the kernel here. The socket is 0600 in a directory of mode 0700, so whoever opens it is us.
func lookAtPeer(net.Conn) peer { return peer{uid: os.Geteuid(), known: true} }
