package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is a way to a server that leads through a network of its own, made of two real interfaces, which can swallow every packet of both
// directions without a word: nobody is told, as when a cable is cut far away.
type Network struct {
	// Addr is where the server answers, by way of that network.
	Addr string

	to       string
	space    *space
	listener net.Listener
	work     sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn

	limit     atomic.Int64 // of the bytes of one connection and direction, 0 for none
	swallowed chan struct{}
	once      sync.Once
	cut       error // of the swallowing; set before swallowed is closed
}

// NewNetwork makes a network on the way to an address of this machine. The test is skipped where networks cannot be made, which takes root and
// iproute2. Nothing stays behind, not even when the process is killed: the network has no name, and ends with those who use it.
func NewNetwork(t testing.TB, to string) *Network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: only root may make networks that swallow packets")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("NOT TESTED: ip is not installed: run `apt-get install iproute2`")
	}
	s, err := newSpace()
	if err != nil {
		t.Skipf("NOT TESTED: networks cannot be made here: %v", err)
	}
	n := &Network{to: to, space: s, swallowed: make(chan struct{})}
	if err := n.build(); err != nil {
		s.close()
		t.Skipf("NOT TESTED: networks cannot be made here: %v", err)
	}
	t.Cleanup(n.close)
	n.work.Go(n.accept)
	return n
}

// build lays a cable between this machine and the new network, and listens at its other end.
func (n *Network) build() error {
	ours, theirs, err := addresses()
	if err != nil {
		return err
	}
	name := "chg" + strings.ToLower(rand.Text()[:8])
	// The far end's address is told beforehand: asking for it would fail with a word as soon as nobody answers.
	const far = "02:00:00:00:00:02"
	for _, args := range []string{
		fmt.Sprintf("link add %s type veth peer name far address %s netns %d", name, far, n.space.thread),
		fmt.Sprintf("address add %s/30 dev %s", ours, name),
		fmt.Sprintf("link set %s up", name),
		fmt.Sprintf("neighbour add %s lladdr %s dev %s nud permanent", theirs, far, name),
	} {
		if err := ip(args); err != nil {
			return err
		}
	}
	return n.space.do(func() (err error) {
		if err := errors.Join(ip(fmt.Sprintf("address add %s/30 dev far", theirs)), ip("link set far up")); err != nil {
			return err
		}
		n.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(theirs.String(), "0"))
		if err == nil {
			n.Addr = n.listener.Addr().String()
		}
		return err
	})
}

// addresses are two of a range that is set aside for tests of networks.
func addresses() (ours, theirs netip.Addr, err error) {
	which, err := rand.Int(rand.Reader, big.NewInt(1<<15))
	if err != nil {
		return ours, theirs, err
	}
	at := which.Int64() * 4
	base := [4]byte{198, byte(18 + at>>16), byte(at >> 8), byte(at)}
	ours = netip.AddrFrom4(base).Next()
	return ours, ours.Next(), nil
}

func ip(args string) error {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil { //nolint:noctx // it only asks the kernel
		return fmt.Errorf("ip %s: %w: %s", args, err, bytes.TrimSpace(out))
	}
	return nil
}

// SwallowAfter lets the network swallow everything as soon as so many bytes have passed in one direction of any connection that is opened
// from now on, or was before. The channel is closed when that has happened.
func (n *Network) SwallowAfter(bytes int64) <-chan struct{} {
	n.limit.Store(bytes)
	return n.swallowed
}

func (n *Network) swallow() {
	n.once.Do(func() {
		n.cut = n.space.do(func() error { return ip("link set far down") })
		close(n.swallowed)
	})
}

// Restore lets packets pass again, for good.
func (n *Network) Restore(t testing.TB) {
	t.Helper()
	n.limit.Store(0)
	n.once.Do(func() { close(n.swallowed) })
	if err := errors.Join(n.cut, n.space.do(func() error { return ip("link set far up") })); err != nil {
		t.Fatal(err)
	}
}

// Open counts the connections through the network that this side believes in.
func (n *Network) Open(t testing.TB) (open int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(n.Addr)
	at := to.Addr().As4()
	// The kernel prints the address as a number of this machine, which is little-endian wherever tests run.
	want := fmt.Sprintf("%02X%02X%02X%02X:%04X", at[3], at[2], at[1], at[0], to.Port())
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 3 && f[2] == want && f[3] == "01" {
			open++
		}
	}
	return open
}

func (n *Network) accept() {
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.work.Go(func() { n.serve(client) })
	}
}

func (n *Network) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", n.to) //nolint:noctx // ends with the test's servers
	if err != nil {
		return
	}
	defer server.Close()
	n.mu.Lock()
	n.conns = append(n.conns, client, server)
	n.mu.Unlock()
	var both sync.WaitGroup
	pass := func(from, to net.Conn) {
		defer from.Close()
		defer to.Close()
		buffer, passed := make([]byte, 32<<10), int64(0)
		for {
			got, err := from.Read(buffer)
			if passed += int64(got); n.limit.Load() > 0 && passed > n.limit.Load() {
				n.swallow()
			}
			if _, writeErr := to.Write(buffer[:got]); err != nil || writeErr != nil {
				return
			}
		}
	}
	both.Go(func() { pass(client, server) })
	both.Go(func() { pass(server, client) })
	both.Wait()
}

func (n *Network) close() {
	_ = n.listener.Close()
	n.mu.Lock()
	for _, c := range n.conns {
		_ = c.(*net.TCPConn).SetLinger(0) // sent to nobody any more
		_ = c.Close()
	}
	n.mu.Unlock()
	n.work.Wait()
	n.space.close()
}

// space is a thread in a network of its own. Sockets that it opens belong there for good, whoever uses them.
type space struct {
	thread int
	calls  chan func()
	gone   sync.WaitGroup
}

func newSpace() (*space, error) {
	s := &space{calls: make(chan func())}
	ready := make(chan error)
	s.gone.Go(func() { s.live(ready) })
	return s, <-ready
}

func (s *space) live(ready chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if unix.Gettid() == os.Getpid() {
		// Others take the main thread's network for that of the whole process. Kept here, it cannot be the one that the next gets.
		other := make(chan error)
		s.gone.Go(func() { s.live(other) })
		ready <- <-other
		runtime.UnlockOSThread()
		return
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		ready <- err
		return
	}
	s.thread = unix.Gettid()
	ready <- nil
	for call := range s.calls {
		call()
	}
}

// do calls f in the network.
func (s *space) do(f func() error) error {
	result := make(chan error)
	s.calls <- func() { result <- f() }
	return <-result
}

func (s *space) close() {
	close(s.calls)
	s.gone.Wait()
}
