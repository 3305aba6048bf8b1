package localpg_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
)

// A server stops in every mode, keeps its port and its rows over the stop, and leaves no zombie.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := initCluster(t, openRoot(t, localpg.Options{}), "c")
	exec1(t, c, "CREATE TABLE t (i int)")
	port := c.Port()
	for i, stop := range []func() error{
		func() error { return c.Stop(ctx, localpg.Fast) },
		func() error { return c.Stop(ctx, localpg.Smart) },
		func() error { return c.Stop(ctx, localpg.Immediate) },
		func() error { return c.Kill(ctx) },
	} {
		exec1(t, c, "INSERT INTO t VALUES (1)")
		pid := c.PID()
		must(t, stop())
		must(t, stop()) // again: nothing happens
		want(t, "process lives after the stop", alive(pid), false)
		want(t, "running", c.Running(), false)
		want(t, "PID", c.PID(), 0)
		if _, err := c.InRecovery(ctx); !errors.Is(err, localpg.ErrNotRunning) {
			t.Errorf("a stopped server was asked: %v, want ErrNotRunning", err)
		}
		must(t, c.Start(ctx))
		must(t, c.Start(ctx))
		want(t, "port", c.Port(), port)
		want(t, "rows", ask[int](t, c, "SELECT count(*) FROM t"), i+1)
	}
	pid := c.PID()
	must(t, c.Restart(ctx))
	if c.PID() == pid || alive(pid) {
		t.Errorf("restart left process %d", pid)
	}
}

// A smart stop waits for sessions; when the caller's patience ends first the server still runs.
func TestSmartStopWaitsForSessions(t *testing.T) {
	t.Parallel()
	c := initCluster(t, openRoot(t, localpg.Options{}), "c")
	conn, err := pgx.ConnectConfig(testContext(t), c.AdminConfig())
	must(t, err)
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Stop(impatient, localpg.Smart); !errors.Is(err, context.Canceled) {
		t.Errorf("stop with a session: %v, want context.Canceled", err)
	}
	want(t, "running", c.Running(), true)
	must(t, conn.Close(testContext(t)))
	eventually(t, "server ends when the session has", func() bool { return !c.Running() })
}

// Closing the root does not wait for an operation that waits for something else: that one fails.
func TestCloseInterruptsWhatWaits(t *testing.T) {
	t.Parallel()
	root := openRoot(t, localpg.Options{})
	c := initCluster(t, root, "c")
	conn, err := pgx.ConnectConfig(testContext(t), c.AdminConfig())
	must(t, err)
	defer conn.Close(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- c.Stop(testContext(t), localpg.Smart) }()
	eventually(t, "the server is in smart shutdown", func() bool {
		return strings.Contains(c.LogTail(100), "received smart shutdown request")
	})
	must(t, root.Close(t.Context()))
	if err := <-stopped; !errors.Is(err, localpg.ErrClosed) {
		t.Errorf("stop that waited for a session: %v, want ErrClosed", err)
	}
}

// When a server is killed by somebody else, Running tells, nobody remains as a zombie, and Start recovers it even
// while children of the dead postmaster are about.
func TestServerDiesByItself(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := initCluster(t, openRoot(t, localpg.Options{}), "c")
	exec1(t, c, "CREATE TABLE t AS SELECT 1 AS i")
	conn, err := pgx.ConnectConfig(ctx, c.AdminConfig())
	must(t, err)
	defer conn.Close(context.Background())
	busy := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT pg_sleep(600)") // a child that will not notice soon
		busy <- err
	}()
	eventually(t, "session is busy", func() bool {
		return ask[int](t, c, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1
	})
	pid := c.PID()
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, "Running turns false", func() bool { return !c.Running() })
	want(t, "zombie", alive(pid), false)
	must(t, c.Start(ctx))
	if err := <-busy; err == nil {
		t.Error("the session of the dead server ended well")
	}
	want(t, "rows", ask[int](t, c, "SELECT count(*) FROM t"), 1)
}

// A killed and then destroyed cluster leaves no System V shared memory behind.
func TestDestroyAfterKillLeavesNoSharedMemory(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := initCluster(t, openRoot(t, localpg.Options{}), "c")
	raw, err := os.ReadFile(filepath.Join(c.DataDir(), "postmaster.pid"))
	must(t, err)
	fields := strings.Fields(strings.Split(string(raw), "\n")[6])
	segment := fields[len(fields)-1]
	exists := func() bool {
		table, err := os.ReadFile("/proc/sysvipc/shm")
		if err != nil {
			t.Skip("NOT TESTED: ", err)
		}
		for line := range strings.Lines(string(table)) {
			if f := strings.Fields(line); len(f) > 1 && f[1] == segment {
				return true
			}
		}
		return false
	}
	want(t, "segment of the running server", exists(), true)
	must(t, c.Kill(ctx))
	must(t, c.Destroy(ctx))
	want(t, "segment after destruction", exists(), false)
}

// A server that cannot start says why, in one line, and nothing of it is left.
func TestServerThatCannotStart(t *testing.T) {
	t.Parallel()
	root := openRoot(t, localpg.Options{})
	_, err := root.Init(testContext(t), localpg.Spec{
		Name: "broken", Installation: server(t),
		Settings: map[string]string{"shared_preload_libraries": "no_such_library"},
	})
	var start *localpg.StartError
	if !errors.As(err, &start) {
		t.Fatalf("error %v, want a *StartError", err)
	}
	if !strings.Contains(err.Error(), "no_such_library") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is not one line that names the cause: %q", err)
	}
	if !strings.Contains(start.Log, "FATAL") {
		t.Errorf("log lines of the failure: %q", start.Log)
	}
	want(t, "clusters", len(root.Clusters()), 0)
	if _, err := os.Stat(filepath.Join(root.Dir(), "c-broken")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory of the broken cluster: %v", err)
	}
	initCluster(t, root, "broken") // the name is free again
}

// When another program takes the chosen port before the server does, on either address, the first start goes
// on to the next port. Later starts keep the port and say that it is taken.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			other, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
			if err != nil {
				t.Skip("NOT TESTED: ", err)
			}
			defer other.Close()
			taken := other.Addr().(*net.TCPAddr).Port
			root := openRoot(t, localpg.Options{})
			root.OfferPorts(taken, taken)
			c := initCluster(t, root, "c")
			if c.Port() == taken {
				t.Fatalf("the server claims port %d, which is taken", taken)
			}
			want(t, "answer", ask[int](t, c, "SELECT 1"), 1)

			must(t, c.Stop(ctx, localpg.Fast))
			squatter, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(c.Port())))
			must(t, err)
			err = c.Start(ctx)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d", c.Port())) {
				t.Errorf("start on a taken port: %v", err)
			}
			want(t, "running", c.Running(), false)
			must(t, squatter.Close())
			must(t, c.Start(ctx))
		})
	}
}

// An interrupted Init leaves nothing.
func TestInitCancelled(t *testing.T) {
	t.Parallel()
	root := openRoot(t, localpg.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := root.Init(ctx, localpg.Spec{Name: "c", Installation: server(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	want(t, "clusters", len(root.Clusters()), 0)
	initCluster(t, root, "c")
}

// Names that would leave the directory or clash are refused.
func TestNames(t *testing.T) {
	t.Parallel()
	root := openRoot(t, localpg.Options{})
	initCluster(t, root, "c")
	for _, name := range []string{"", "../x", "a b", "c", strings.Repeat("x", 41)} {
		if _, err := root.Init(testContext(t), localpg.Spec{Name: name, Installation: server(t)}); err == nil {
			t.Errorf("cluster named %q was made", name)
		}
	}
}

// Clusters work for an ordinary user as they do for root.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	server(t)
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: all other tests run as an ordinary user already")
	}
	dir := base(t)
	program := filepath.Join(dir, "localpg.test")
	raw, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(program, raw, 0o755))
	tmp := filepath.Join(dir, "t")
	must(t, os.Mkdir(tmp, 0o700))
	const nobody = 65534
	must(t, os.Chown(tmp, nobody, nobody))
	cmd := exec.CommandContext(testContext(t), program, "-test.run=^TestLeaderAndFollower$", "-test.v")
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOME="+tmp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestLeaderAndFollower") {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}
