// Package pgtest gives tests real PostgreSQL servers and databases of their own.
//
// A package that needs servers in several tests says
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// and shares one server among its tests with [Shared]. Tests that stop, promote or damage a server
// make their own with [Cluster] and [Follower].
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"changeover/pgxfer/localpg"
)

// EnvRequire names the environment variable that, set to 1, makes a missing PostgreSQL fail tests
// instead of skipping them.
const EnvRequire = "CHANGEOVER_REQUIRE_PG"

// EnvMajors names the environment variable that lists directories of servers, as localpg.EnvDirs does, which only tests of all majors use:
// others would start servers that add nothing to them.
const EnvMajors = "CHANGEOVER_PG_MAJORS"

// patience bounds each single thing done for a test.
const patience = 2 * time.Minute

// process is the root that the tests of a package share while Main runs them.
var process struct {
	sync.Mutex
	running bool // Main is in charge
	root    *localpg.Root
	shared  map[int]*localpg.Cluster // by major
	names   int
}

// Main runs the tests of a package, removes the servers they shared, and ends the process. It
// fails the package when that removal fails.
func Main(m *testing.M) {
	process.Lock()
	process.running = true
	process.Unlock()
	code := m.Run()
	process.Lock()
	root := process.root
	process.Unlock()
	if root != nil {
		if err := root.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Majors returns the newest server of each installed major, newest first, at least one. Without
// any, the test is skipped, or fails if CHANGEOVER_REQUIRE_PG is 1.
func Majors(t testing.TB) []localpg.Installation {
	t.Helper()
	list, err := localpg.Installations()
	if err == nil {
		list, err = localpg.Servers(list)
	}
	if err == nil {
		return list
	}
	if os.Getenv(EnvRequire) == "1" {
		t.Fatal(err)
	}
	t.Skipf("NOT TESTED: %v", err)
	return nil
}

// EveryMajor makes the installations of CHANGEOVER_PG_MAJORS known to this test, client programs included, and returns what
// [Majors] does then. The test must not be parallel to others.
func EveryMajor(t testing.TB) []localpg.Installation {
	t.Helper()
	if more := os.Getenv(EnvMajors); more != "" {
		t.Setenv(localpg.EnvDirs, more+string(os.PathListSeparator)+os.Getenv(localpg.EnvDirs))
	} else {
		t.Logf("NOT TESTED: further majors of PostgreSQL: %s is not set", EnvMajors)
	}
	return Majors(t)
}

// Option changes the server that Cluster or Follower makes.
type Option func(*localpg.Spec, testing.TB)

// Major asks for a server of this major. The test is skipped when it is not installed, or fails
// if CHANGEOVER_REQUIRE_PG is 1 and no server at all is installed.
func Major(major int) Option {
	return func(s *localpg.Spec, t testing.TB) {
		t.Helper()
		for _, inst := range Majors(t) {
			if inst.Major == major {
				s.Installation = inst
				return
			}
		}
		t.Skipf("NOT TESTED: PostgreSQL %d is not installed: run `apt-get install postgresql-%d` or name its directory in %s",
			major, major, localpg.EnvDirs)
	}
}

// Settings adds postgresql.conf settings.
func Settings(settings map[string]string) Option {
	return func(s *localpg.Spec, _ testing.TB) { s.Settings = settings }
}

// Cluster starts a server for this test alone; it is destroyed when the test ends. It is of
// the newest installed major unless an option says otherwise, and does not fsync.
func Cluster(t testing.TB, options ...Option) *localpg.Cluster {
	t.Helper()
	spec := localpg.Spec{Name: newName("leader"), Installation: Majors(t)[0]}
	for _, o := range options {
		o(&spec, t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := root(t).Init(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	destroyLater(t, c)
	return c
}

// Follower starts a streaming follower of leader for this test; it is destroyed when the test ends.
func Follower(t testing.TB, leader *localpg.Cluster, options ...Option) *localpg.Cluster {
	t.Helper()
	spec := localpg.Spec{Name: newName("follower")}
	for _, o := range options {
		o(&spec, t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := leader.Root().Follow(ctx, leader, spec)
	if err != nil {
		t.Fatal(err)
	}
	destroyLater(t, c)
	return c
}

// Shared returns the running server of the newest major, or of the given one, that all tests of the
// package share. A test works in a Database of its own there and leaves the server as it
// is. In a package without Main it is a new server each time.
func Shared(t testing.TB, major ...int) *localpg.Cluster {
	t.Helper()
	want := Majors(t)[0].Major
	if len(major) > 0 {
		want = major[0]
	}
	process.Lock()
	running, c := process.running, process.shared[want]
	process.Unlock()
	if !running {
		return Cluster(t, Major(want))
	}
	if c != nil && c.Running() {
		return c
	}
	spec := localpg.Spec{Name: newName("shared")}
	Major(want)(&spec, t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := root(t).Init(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	process.Lock()
	defer process.Unlock()
	if process.shared == nil {
		process.shared = map[int]*localpg.Cluster{}
	}
	process.shared[want] = c
	return c
}

// root returns the package's root, or a root for this test where Main is not in charge.
func root(t testing.TB) *localpg.Root {
	t.Helper()
	process.Lock()
	defer process.Unlock()
	if process.root != nil {
		return process.root
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := localpg.Open(ctx, localpg.Options{NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	if process.running {
		process.root = r
		return r
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func destroyLater(t testing.TB, c *localpg.Cluster) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("last log lines of %s:\n%s", c.Name(), c.LogTail(30))
		}
		if err := c.Destroy(context.Background()); err != nil {
			t.Errorf("destroy: %v", err)
		}
	})
}

func newName(kind string) string {
	process.Lock()
	defer process.Unlock()
	process.names++
	return fmt.Sprintf("%s-%d", kind, process.names)
}
