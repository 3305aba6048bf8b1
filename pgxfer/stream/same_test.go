package stream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream"
)

// What happens to the source between two attempts, and why the second may not go on; empty where it may. Package pgserver tests more of it.
var meanwhile = []struct {
	name, why string
	sql       []string
}{
	{"nothing is written", "", []string{`SELECT txid_current()`, `ANALYZE`, `VACUUM`, `VACUUM ANALYZE free`}},
	{"a row", "rows or definitions", []string{`INSERT INTO free VALUES (-1, 'new')`}},
	{"a sequence", "a sequence has moved", []string{`SELECT nextval('numbers')`}},
}

// small is a source on a leader of its own.
func small(t *testing.T, leader *localpg.Cluster) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, leader)
	statements(t, db, gated...)
	statements(t, db, `CREATE SEQUENCE numbers`)
	left(t, leader, db)
	return db
}

// left waits until nobody is connected to the database, as nobody is when what a test did there is to be seen as over.
func left(t *testing.T, on *localpg.Cluster, db pgtest.DB) {
	t.Helper()
	admin := pgtest.Connect(t, on.AdminConfig())
	within(t, "everybody has left the source", func() bool {
		var n int
		err := admin.QueryRow(t.Context(), `SELECT count(*)::int FROM pg_stat_activity WHERE datname = $1 AND usename IS NOT NULL`, db.Name).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

// onSource runs statements there, as who may do everything, and goes.
func onSource(t *testing.T, leader *localpg.Cluster, db pgtest.DB, list ...string) {
	t.Helper()
	pgtest.Exec(t, db.AdminConfig(leader), list...)
	left(t, leader, db)
}

// stuckDump dumps until every row is in the archive and pg_dump is not through, because it never will be.
func stuckDump(t *testing.T, options pgxfer.DumpOptions) {
	t.Helper()
	stuck := fast
	stuck.Find = func(source, target int) (pgtools.Tools, error) {
		tools, err := pgtools.Find(source, target)
		tools.Dump = filepath.Join(t.TempDir(), "pg_dump")
		return tools, errors.Join(err, os.WriteFile(tools.Dump, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700)) //nolint:gosec // a program
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	obs := &recorder{hook: func(p pgxfer.Progress) {
		if p.Rows.Done >= 25000 {
			cancel()
		}
	}}
	if _, err := stuck.Dump(ctx, options, obs); !errors.Is(err, context.Canceled) {
		t.Fatalf("the dump was to be interrupted: %v\n%s", err, obs.text())
	}
}

// An interrupted dump of a leader goes on when ANALYZE and the like have taken numbers, and starts over when anybody has written.
func TestDumpGoesOnAfterAutovacuum(t *testing.T) {
	leader := quietServer(t)
	for _, c := range meanwhile {
		t.Run(c.name, func(t *testing.T) {
			source := small(t, leader)
			options := pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 2, Tag: "unchanged"}
			stuckDump(t, options)
			left(t, leader, source)
			onSource(t, leader, source, c.sql...)
			obs := &recorder{}
			if _, err := fast.Dump(t.Context(), options, obs); err != nil {
				t.Fatal(err)
			}
			wentOn(t, obs, c.why)
			target := pgtest.Database(t, pgtest.Shared(t))
			if _, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "unchanged"), nil); err != nil {
				t.Fatal(err)
			}
			(&world{db: source, leader: leader, follower: leader}).mustEqual(t, target)
		})
	}
}

// wentOn wants an attempt to have taken up what an earlier one left, unless there is a reason why not.
func wentOn(t *testing.T, obs *recorder, why string) {
	t.Helper()
	want := "none of which wrote a row"
	if why != "" {
		want = why
		if !strings.Contains(obs.text(), "starting over") {
			t.Errorf("it went on:\n%s", obs.text())
		}
	}
	if !strings.Contains(obs.text(), want) {
		t.Errorf("not said: %q:\n%s", want, obs.text())
	}
}

// The same for a copy, which then asks for a reset.
func TestCopyGoesOnAfterAutovacuum(t *testing.T) {
	leader := quietServer(t)
	for _, c := range meanwhile {
		t.Run(c.name, func(t *testing.T) {
			source, target := small(t, leader), pgtest.Database(t, pgtest.Shared(t))
			options := stream.CopyOptions{
				Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "unchanged",
				Receipts: filepath.Join(t.TempDir(), "receipts"),
			}
			holder := holdGate(t, target)
			wait, cancel := background(t, func(ctx context.Context) error {
				_, err := fast.Copy(ctx, options, nil)
				return err
			})
			waitsAtGate(t, target, "unchanged")
			watch := target.Connect(t)
			within(t, "the other table is loaded", func() bool {
				var there bool
				err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM changeover_ledger.done WHERE rows = 5000)`).Scan(&there)
				return err == nil && there
			})
			cancel()
			if err := wait(); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
				t.Fatal(err)
			}
			left(t, leader, source)
			onSource(t, leader, source, c.sql...)
			obs := &recorder{}
			_, err := fast.Copy(t.Context(), options, obs)
			if c.why != "" {
				if !errors.Is(err, pgxfer.ErrTargetNotEmpty) || !strings.Contains(err.Error(), c.why) {
					t.Errorf("want a refusal for %q, got %v", c.why, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wentOn(t, obs, "")
			finishedIsSeen(t, leader, source, options)
			(&world{db: source, leader: leader, follower: leader}).mustEqual(t, target)
			ledgerGone(t, target)
		})
	}
}

// finishedIsSeen runs a finished copy again: the source is still the same one after an ANALYZE, and not after a write.
func finishedIsSeen(t *testing.T, leader *localpg.Cluster, source pgtest.DB, options stream.CopyOptions) {
	t.Helper()
	left(t, leader, source)
	onSource(t, leader, source, `ANALYZE`)
	obs := &recorder{}
	if _, err := fast.Copy(t.Context(), options, obs); err != nil || !strings.Contains(obs.text(), "nothing is left to do") {
		t.Errorf("%v\n%s", err, obs.text())
	}
	left(t, leader, source)
	onSource(t, leader, source, `INSERT INTO free VALUES (-1, 'new')`)
	if _, err := fast.Copy(t.Context(), options, nil); !errors.Is(err, pgxfer.ErrTargetNotEmpty) || !strings.Contains(err.Error(), "written to since") {
		t.Errorf("got %v", err)
	}
	onSource(t, leader, source, `DELETE FROM free WHERE id = -1`)
}

// A session that has written and stays may not have said so yet: in doubt, it has. One that never wrote is as much in doubt.
func TestSomebodyConnectedIsADoubt(t *testing.T) {
	leader := quietServer(t)
	source := small(t, leader)
	options := pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 2, Tag: "doubt"}
	stuckDump(t, options)
	stays := source.Connect(t)
	if _, err := stays.Exec(t.Context(), `UPDATE free SET v = 'changed' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	obs := &recorder{}
	if _, err := fast.Dump(t.Context(), options, obs); err != nil {
		t.Fatal(err)
	}
	wentOn(t, obs, "which may have written")
}

// What was under way behind others when the first attempt took its snapshot is not in that, and moves no horizon when it ends, so whoever
// vouches may have missed it.
func TestWhatWasUnderWayIsADoubt(t *testing.T) {
	leader := quietServer(t)
	source := small(t, leader)
	writer := pgtest.Connect(t, leader.AdminConfig())
	for _, sql := range []string{`BEGIN`, `SELECT txid_current()`} {
		if _, err := writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, leader.AdminConfig(), `SELECT txid_current()`)
	options := pgxfer.DumpOptions{
		Source: endpoint(t, "old-primary", source.URL), Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 2, Tag: "doubt",
		Vouch: pgxfer.Vouch{ID: "blind", Same: func(context.Context) error { return nil }},
	}
	stuckDump(t, options)
	if _, err := writer.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	obs := &recorder{}
	if _, err := fast.Dump(t.Context(), options, obs); err != nil {
		t.Fatal(err)
	}
	wentOn(t, obs, "transactions then")
}

// Of a follower nobody can tell but the caller, whose word counts only for the attempts that began under it.
func TestTheCallerVouchesForAFollower(t *testing.T) {
	leader := quietServer(t)
	source := small(t, leader)
	follower := pgtest.Follower(t, leader)
	same := func(context.Context) error { return nil }
	failing := errors.New("the leader does not answer")
	for _, c := range []struct {
		name     string
		at, then pgxfer.Vouch
		why      string
		fails    error
	}{
		{"nobody vouches", pgxfer.Vouch{}, pgxfer.Vouch{}, "nobody can tell", nil},
		{"it is the same", pgxfer.Vouch{ID: "fence 1", Same: same}, pgxfer.Vouch{ID: "fence 1", Same: same}, "", nil},
		{"by a later proof", pgxfer.Vouch{ID: "fence 1", Same: same}, pgxfer.Vouch{ID: "fence 2", Same: same}, "another proof", nil},
		{"it was not vouched for then", pgxfer.Vouch{}, pgxfer.Vouch{ID: "fence 1", Same: same}, "another proof", nil},
		{"it was changed", pgxfer.Vouch{ID: "fence 1", Same: same}, pgxfer.Vouch{ID: "fence 1", Same: func(context.Context) error {
			return pgxfer.ErrSourceChanged
		}}, pgxfer.ErrSourceChanged.Error(), nil},
		{"nobody answers", pgxfer.Vouch{ID: "fence 1", Same: same}, pgxfer.Vouch{ID: "fence 1", Same: func(context.Context) error { return failing }}, "", failing},
	} {
		t.Run(c.name, func(t *testing.T) {
			replayed(t, leader, follower, source)
			options := pgxfer.DumpOptions{
				Source: endpoint(t, "fast-follower", source.On(t, follower).URL), Leader: endpoint(t, "old-primary", source.URL),
				Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 2, Tag: "vouched", Vouch: c.at,
			}
			stuckDump(t, options)
			statements(t, source, `ANALYZE`)
			replayed(t, leader, follower, source)
			options.Vouch = c.then
			obs := &recorder{}
			_, err := fast.Dump(t.Context(), options, obs)
			if c.fails != nil {
				if !errors.Is(err, c.fails) || strings.Contains(obs.text(), "starting over") {
					t.Errorf("want %v, got %v\n%s", c.fails, err, obs.text())
				}
				options.Vouch, c.why = pgxfer.Vouch{ID: "fence 1", Same: same}, ""
				_, err = fast.Dump(t.Context(), options, obs)
			}
			if err != nil {
				t.Fatal(err)
			}
			wentOn(t, obs, c.why)
		})
	}
}

// replayed waits until the follower knows that nothing is under way on the leader, which the leader tells it at a checkpoint.
func replayed(t *testing.T, leader, follower *localpg.Cluster, db pgtest.DB) {
	t.Helper()
	pgtest.Exec(t, leader.AdminConfig(), `CHECKPOINT`)
	if err := follower.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, follower.AdminConfig())
	within(t, "nothing is under way", func() bool {
		var still bool
		err := conn.QueryRow(t.Context(), `SELECT txid_snapshot_xmin(s) = txid_snapshot_xmax(s) FROM txid_current_snapshot() s`).Scan(&still)
		if err != nil {
			t.Fatal(err)
		}
		return still
	})
}

// When the server ends all sessions of an attempt, it takes a new snapshot and goes on in that only if it shows the same.
func TestSnapshotThatIsLostIsReplacedByTheSame(t *testing.T) {
	leader := quietServer(t)
	for _, c := range meanwhile[:2] {
		t.Run(c.name, func(t *testing.T) {
			source, target := small(t, leader), pgtest.Database(t, pgtest.Shared(t))
			holder := holdGate(t, target)
			obs := &recorder{}
			wait, _ := background(t, func(ctx context.Context) error {
				_, err := fast.Copy(ctx, stream.CopyOptions{
					Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "renewed",
				}, obs)
				return err
			})
			waitsAtGate(t, target, "renewed")
			pgtest.Exec(t, source.AdminConfig(leader), c.sql...)
			admin := pgtest.Connect(t, leader.AdminConfig())
			within(t, "nobody else is connected to the source", func() bool {
				var n int
				err := admin.QueryRow(t.Context(), `SELECT count(*)::int FROM pg_stat_activity WHERE datname = $1 AND usename IS NOT NULL
					AND application_name NOT LIKE 'renewed%'`, source.Name).Scan(&n)
				return err == nil && n == 0
			})
			if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'renewed stream dump'`); err != nil {
				t.Fatal(err)
			}
			if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
				t.Fatal(err)
			}
			err := wait()
			if c.why != "" {
				if err == nil || !strings.Contains(err.Error(), c.why) {
					t.Errorf("want %q, got %v\n%s", c.why, err, obs.text())
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, obs.text())
			}
			wentOn(t, obs, "")
			(&world{db: source, leader: leader, follower: leader}).mustEqual(t, target)
		})
	}
}
