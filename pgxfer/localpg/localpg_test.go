package localpg_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
)

// server returns the newest server, or skips.
func server(t *testing.T) localpg.Installation {
	t.Helper()
	list, err := localpg.Installations()
	if err == nil {
		list, err = localpg.Servers(list)
	}
	switch {
	case err == nil:
		return list[0]
	case os.Getenv("CHANGEOVER_REQUIRE_PG") == "1":
		t.Fatal(err)
	default:
		t.Skip("SKIPPED, nothing was tested: ", err)
	}
	return localpg.Installation{}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// base is a directory that the servers' user can enter, which t.TempDir is not.
func base(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lpgt-") //nolint:usetesting // t.TempDir is closed to the servers' user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func openRoot(t *testing.T, options localpg.Options) *localpg.Root {
	t.Helper()
	options.NoFsync = true
	root, err := localpg.Open(testContext(t), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		if _, err := os.Stat(root.Dir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", root.Dir(), err)
		}
	})
	return root
}

func initCluster(t *testing.T, root *localpg.Root, name string) *localpg.Cluster {
	t.Helper()
	c, err := root.Init(testContext(t), localpg.Spec{Name: name, Installation: server(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func exec1(t *testing.T, c *localpg.Cluster, sql string) {
	t.Helper()
	ctx := testContext(t)
	conn, err := pgx.ConnectConfig(ctx, c.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](t *testing.T, c *localpg.Cluster, sql string) T {
	t.Helper()
	ctx := testContext(t)
	conn, err := pgx.ConnectConfig(ctx, c.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var v T
	if err := conn.QueryRow(ctx, sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A cluster is made, followed, the follower promoted and both destroyed, and at each point the
// servers themselves say so.
func TestLeaderAndFollower(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	root := openRoot(t, localpg.Options{})
	leader := initCluster(t, root, "leader")
	exec1(t, leader, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS i")

	follower, err := root.Follow(ctx, leader, localpg.Spec{Name: "follower"})
	must(t, err)
	in, err := follower.InRecovery(ctx)
	must(t, err)
	want(t, "follower in recovery", in, true)
	exec1(t, leader, "INSERT INTO t VALUES (1001)")
	must(t, follower.CatchUp(ctx))
	want(t, "rows on the follower", ask[int](t, follower, "SELECT count(*) FROM t"), 1001)
	want(t, "slots on the leader", ask[int](t, leader, "SELECT count(*) FROM pg_replication_slots WHERE active"), 1)

	must(t, follower.Promote(ctx))
	in, err = follower.InRecovery(ctx)
	must(t, err)
	want(t, "promoted follower in recovery", in, false)
	exec1(t, follower, "INSERT INTO t VALUES (1002)")
	want(t, "slots on the leader after promotion", ask[int](t, leader, "SELECT count(*) FROM pg_replication_slots"), 0)
	if err := follower.Promote(ctx); err == nil {
		t.Error("a primary was promoted")
	}

	data := leader.DataDir()
	must(t, leader.Destroy(ctx))
	must(t, leader.Destroy(ctx))
	want(t, "destroyed leader runs", leader.Running(), false)
	if _, err := os.Stat(filepath.Dir(data)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory of the destroyed cluster: %v", err)
	}
	want(t, "clusters left", len(root.Clusters()), 1)
	if err := leader.Start(ctx); !errors.Is(err, localpg.ErrDestroyed) {
		t.Errorf("start of a destroyed cluster: %v", err)
	}
}
