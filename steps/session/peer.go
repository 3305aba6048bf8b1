package session

import (
	"context"
	"net"
	"os"
)

// peer is the process at the other end of a connection, as the kernel says.
type peer struct {
	uid   int // -1 when the kernel does not say
	pid   int
	known bool
}

// mayWrite says whether the peer may change anything: root may, and the uid the engine runs as. Others who can open the
// socket may watch.
func (p peer) mayWrite() bool {
	return p.known && (p.uid == 0 || p.uid == os.Geteuid())
}

type peerKey struct{}

// withPeer is an http.Server.ConnContext that looks at who connects, once per connection.
func withPeer(look func(net.Conn) peer) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, peerKey{}, look(conn))
	}
}

func peerOf(ctx context.Context) peer {
	p, ok := ctx.Value(peerKey{}).(peer)
	if !ok {
		return peer{uid: -1}
	}
	return p
}
