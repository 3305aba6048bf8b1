//go:build !linux

package pgxfer

import (
	"net"
	"time"
)

// noticeSilence leaves it to the system how long it sends the same packet again: this is for the machines that move large databases.
func noticeSilence(conn net.Conn, _ time.Duration) net.Conn { return conn }
