package localpg_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer/localpg"
)

// With nothing but the server installed, a follower is made by copying the files, while the leader is written to,
// and is as good as any.
func TestFollowWithoutPgBasebackup(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	root := openRoot(t, localpg.Options{})
	leader := initCluster(t, root, "leader")
	exec1(t, leader, "CREATE TABLE t (i int PRIMARY KEY, filler text)")
	root.HideTools()
	bare := bareInstallation(t)

	stop := make(chan struct{})
	wrote := make(chan int, 1)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				wrote <- n
				return
			default:
				exec1(t, leader, "INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series((SELECT count(*) FROM t) + 1, (SELECT count(*) FROM t) + 200) AS g")
			}
		}
	}()
	follower, err := root.Follow(ctx, leader, localpg.Spec{Name: "follower", Installation: bare})
	close(stop)
	n := <-wrote
	must(t, err)
	if _, err := os.Stat(filepath.Join(follower.DataDir(), "backup_manifest")); err == nil {
		t.Fatal("pg_basebackup made this follower: the test shows nothing")
	}
	must(t, follower.CatchUp(ctx))
	want(t, "rows on the follower", ask[int](t, follower, "SELECT count(*) FROM t"), 200*n)
	if strings.Contains(follower.LogTail(1000), "ERROR") {
		t.Errorf("log of the follower:\n%s", follower.LogTail(20))
	}
	must(t, follower.Promote(ctx))
	exec1(t, follower, "INSERT INTO t VALUES (-1)")
	want(t, "new row", ask[int](t, follower, "SELECT i FROM t WHERE i = -1"), -1)
}

// A follower that was away while its leader wrote more log than it keeps by itself comes back, because the slot kept
// it; a follower of a follower works; and a slot whose follower goes while the leader is down does not stay.
func TestSlotsKeepAndFreeTheLog(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	root := openRoot(t, localpg.Options{Settings: map[string]string{"max_wal_size": "32MB", "min_wal_size": "32MB", "wal_keep_size": "0"}})
	leader := initCluster(t, root, "leader")
	follower, err := root.Follow(ctx, leader, localpg.Spec{Name: "Follower-1"})
	must(t, err)
	second, err := root.Follow(ctx, follower, localpg.Spec{Name: "second"})
	must(t, err)

	must(t, follower.Stop(ctx, localpg.Fast))
	exec1(t, leader, "CREATE TABLE t AS SELECT i, repeat('x', 1000) AS filler FROM generate_series(1, 60000) AS i")
	for range 3 {
		exec1(t, leader, "SELECT pg_switch_wal()")
		exec1(t, leader, "CHECKPOINT")
	}
	must(t, follower.Start(ctx))
	must(t, follower.CatchUp(ctx))
	must(t, second.CatchUp(ctx))
	want(t, "rows on the follower's follower", ask[int](t, second, "SELECT count(*) FROM t"), 60000)

	must(t, leader.Stop(ctx, localpg.Fast))
	must(t, follower.Destroy(ctx))
	must(t, leader.Start(ctx))
	want(t, "slots after the follower is gone", ask[int](t, leader, "SELECT count(*) FROM pg_replication_slots"), 0)
}

// What cannot be followed is refused before anything is made.
func TestFollowRefuses(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	root := openRoot(t, localpg.Options{})
	leader := initCluster(t, root, "leader")
	other := leader.Installation()
	other.Major++
	if _, err := root.Follow(ctx, leader, localpg.Spec{Name: "f", Installation: other}); err == nil {
		t.Error("a follower of another major was made")
	}
	must(t, leader.Stop(ctx, localpg.Fast))
	if _, err := root.Follow(ctx, leader, localpg.Spec{Name: "f"}); !errors.Is(err, localpg.ErrNotRunning) {
		t.Errorf("follower of a stopped leader: %v, want ErrNotRunning", err)
	}
	if err := leader.Promote(context.Background()); !errors.Is(err, localpg.ErrNotRunning) {
		t.Errorf("promotion of a stopped server: %v, want ErrNotRunning", err)
	}
	want(t, "clusters", len(root.Clusters()), 1)
}
