package pgxfer

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// noticeSilence ends the connection when something was sent and nothing has come back for so long. The kernel sends no keepalives while data
// is on its way, as it always is in a COPY into a database: it sends that again, for about 15 minutes, and all of them are outage.
//
// TCP_USER_TIMEOUT looks made for this, and is not: since Linux 5.11 it also ends a connection whose other end is alive and says again and
// again that it has no room, because the server does not read. One may well not for minutes, while it writes a row of hundreds of megabytes
// to a slow disk, and would then meet the same row at each new attempt. The kernel knows the difference and tells it, to who asks.
func noticeSilence(conn net.Conn, limit time.Duration) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn // a socket of this machine
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	c := &attended{TCPConn: tcp, limit: limit, closed: make(chan struct{})}
	go c.attend(raw)
	return c
}

// attended is a connection that somebody looks after.
type attended struct {
	*net.TCPConn
	limit  time.Duration
	closed chan struct{}
	once   sync.Once
	silent atomic.Bool // it was ended, because nothing came back
}

func (c *attended) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	return n, c.explain(err)
}

func (c *attended) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	return n, c.explain(err)
}

func (c *attended) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.TCPConn.Close()
}

// explain says what the kernel would say in the end, instead of that somebody has closed the connection.
func (c *attended) explain(err error) error {
	if err == nil || !c.silent.Load() {
		return err
	}
	return fmt.Errorf("%w: nothing came back for %s", syscall.ETIMEDOUT, c.limit)
}

// attend looks at the connection until it is closed.
func (c *attended) attend(raw syscall.RawConn) {
	tick := time.NewTicker(c.limit / 9)
	defer tick.Stop()
	var asked time.Time // the first look since which it waits
	for {
		select {
		case <-c.closed:
			return
		case now := <-tick.C:
			waits, quiet := silence(raw)
			if !waits {
				asked = time.Time{}
				continue
			}
			if asked.IsZero() {
				asked = now
			}
			// Both count: the last sign of life of a connection in peaceful disuse is old, and one that is busy always waits.
			if min(now.Sub(asked), quiet) >= c.limit {
				c.silent.Store(true)
				_ = c.SetLinger(0) // nobody needs what is still to be sent
				_ = c.Close()
				return
			}
		}
	}
}

// silence says whether the other end owes an answer, to data or to a probe, and how long ago anything came from it. A server that has no
// room owes none but for a moment: it acknowledges what it takes, and answers each probe. The kernel sends those ever more rarely, up to two
// minutes apart, so a network that is lost in the middle of a long wait is noticed that much later.
func silence(raw syscall.RawConn) (waits bool, quiet time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		waits = info.Unacked > 0 || info.Probes > 0
		quiet = time.Duration(min(info.Last_ack_recv, info.Last_data_recv)) * time.Millisecond
	})
	return waits, quiet
}
