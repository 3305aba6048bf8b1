package classic_test

import (
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"changeover/pgxfer/localpg"
)

// gate stands between a tool and its server and holds up every connection that carries more than a limit towards the tool, until it is
// opened. Sessions that ask small questions are never held up.
type gate struct {
	listener net.Listener
	server   string
	limit    int64
	open     chan struct{}
	once     sync.Once
	running  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newGate(t *testing.T, cluster *localpg.Cluster, limit int64) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, server: net.JoinHostPort(cluster.Host(), strconv.Itoa(cluster.Port())), limit: limit, open: make(chan struct{})}
	g.running.Go(g.accept)
	t.Cleanup(func() {
		g.Open()
		_ = listener.Close()
		g.mu.Lock()
		for _, c := range g.conns {
			_ = c.Close()
		}
		g.mu.Unlock()
		g.running.Wait()
	})
	return g
}

// Open lets everything through from now on.
func (g *gate) Open() { g.once.Do(func() { close(g.open) }) }

// through is the address with the gate in the place of the server.
func (g *gate) through(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = g.listener.Addr().String()
	return u.String()
}

func (g *gate) accept() {
	for {
		client, err := g.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", g.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		_ = server.(*net.TCPConn).SetReadBuffer(64 << 10)
		g.mu.Lock()
		g.conns = append(g.conns, client, server)
		g.mu.Unlock()
		g.running.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		g.running.Go(func() {
			defer client.Close()
			defer server.Close()
			if _, err := io.CopyN(client, server, g.limit); err != nil {
				return
			}
			<-g.open
			_, _ = io.Copy(client, server)
		})
	}
}
