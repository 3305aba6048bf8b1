package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// bucket says when bytes may pass so that no more than rate of them do per second. It knows no clock: the caller tells the time.
type bucket struct {
	rate float64 // bytes per second

	mu   sync.Mutex
	free time.Time // when all that was let through so far has passed
}

// pass lets n bytes through, and returns how long they take from now on, waiting for earlier ones included.
func (b *bucket) pass(n int, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if earliest := now.Add(-late); b.free.Before(earliest) {
		b.free = earliest // an idle link saves nothing up
	}
	b.free = b.free.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	return max(0, b.free.Sub(now))
}

// late is how much a sleeper may oversleep without losing any of its rate.
const late = 20 * time.Millisecond

// proxy stands before a server as a network does that limits each connection, and all of them together. Both directions have limits
// of their own, like those of a full duplex link.
type proxy struct {
	listener net.Listener
	server   string
	each     float64 // bytes per second of one connection
	up, down *bucket // of all connections together
	running  sync.WaitGroup
	ctx      context.Context
	cancel   context.CancelFunc
}

// newProxy listens on a port of its own. The caller closes it.
func newProxy(ctx context.Context, server string, each, total float64) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, server: server, each: each, up: &bucket{rate: total}, down: &bucket{rate: total}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.running.Go(p.accept)
	return p, nil
}

// address is where to connect to instead of the server.
func (p *proxy) address() *net.TCPAddr { return p.listener.Addr().(*net.TCPAddr) }

// Close ends all connections and waits for them.
func (p *proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.running.Wait()
	return err
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

// socketBuffer bounds what the kernel takes in beyond the limit.
const socketBuffer = 64 << 10

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	var d net.Dialer
	server, err := d.DialContext(p.ctx, "tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	for _, c := range []net.Conn{client, server} {
		_ = c.(*net.TCPConn).SetReadBuffer(socketBuffer) // only makes the limit sharper
	}
	stop := context.AfterFunc(p.ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { p.carry(server, client, p.up) })
	both.Go(func() { p.carry(client, server, p.down) })
	both.Wait()
}

// carry moves bytes one way until either side has ended. The other way may still have something to say.
func (p *proxy) carry(to, from net.Conn, all *bucket) {
	defer func() { _ = to.(*net.TCPConn).CloseWrite() }()
	own := &bucket{rate: p.each}
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			now := time.Now()
			if !p.wait(max(own.pass(n, now), all.pass(n, now))) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// links are proxies before both servers.
type links struct{ source, target *proxy }

func (l links) Close() error { return errors.Join(l.source.Close(), l.target.Close()) }
