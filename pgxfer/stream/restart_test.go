package stream_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// gated is a table whose rows, and whose index, wait for an advisory lock in the middle: a test can do things meanwhile.
var gated = []string{
	`CREATE FUNCTION gate(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF n IN (10000, -10000) THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.abs(n)); END IF; RETURN n; END $$`,
	`CREATE TABLE gated (id int CHECK (gate(id) = id), v text)`,
	`INSERT INTO gated SELECT n, repeat('v', 200) FROM generate_series(1, 20000) n`,
	`CREATE TABLE free (id int PRIMARY KEY, v text)`,
	`INSERT INTO free SELECT n, repeat('v', 200) FROM generate_series(1, 5000) n`,
}

// A target that restarts in the middle of a load or of an index build, as by a failover, costs a pause and nothing else.
func TestTargetRestarts(t *testing.T) {
	to := pgtest.Cluster(t)
	for _, c := range []struct {
		when string
		lock int
	}{{"while rows are loaded", 10000}, {"while an index is built", 10001}} {
		t.Run(c.when, func(t *testing.T) {
			source, target := pgtest.Database(t, pgtest.Shared(t)), pgtest.Database(t, to)
			statements(t, source, gated...)
			statements(t, source, `CREATE FUNCTION index_gate(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
				IF n = 10001 THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(10001); END IF; RETURN n; END $$`, `CREATE INDEX gated_index ON gated (index_gate(id))`)
			restarted(t, to, source, target, c.lock)
			if n := ask[int](t, target, `SELECT count(*)::int FROM gated`); n != 20000 {
				t.Errorf("%d rows arrived", n)
			}
			if n := ask[int](t, target, `SELECT count(*)::int FROM free`); n != 5000 {
				t.Errorf("%d rows of the other table arrived", n)
			}
			if valid := ask[bool](t, target, `SELECT indisvalid FROM pg_index WHERE indexrelid = 'gated_index'::regclass`); !valid {
				t.Error("the index is not valid")
			}
			ledgerGone(t, target)
		})
	}
}

// restarted copies, and restarts the target when the copy waits for the lock.
func restarted(t *testing.T, to *localpg.Cluster, source, target pgtest.DB, lock int) {
	t.Helper()
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock); err != nil {
		t.Fatal(err)
	}
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "restart",
		}, obs)
		return err
	})
	watch := target.Connect(t)
	within(t, "the copy waits", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'restart%' AND wait_event = 'advisory')`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	if err := to.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := to.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
}

// Cancelled, nothing of it stays at work on either server, and every sample it gave was honest.
func TestCancelledLeavesNothing(t *testing.T) {
	to := pgtest.Shared(t)
	source, target := pgtest.Database(t, to), pgtest.Database(t, to)
	statements(t, source, gated...)
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	var seen sync.Once
	loading := make(chan pgxfer.Worker, 1)
	obs := &recorder{hook: func(p pgxfer.Progress) {
		for _, w := range p.Workers {
			if w.Object == "public.gated" && w.Kind == pgxfer.KindData && w.Bytes.Done > 0 {
				seen.Do(func() { loading <- w })
			}
		}
	}}
	wait, cancel := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "cancelled",
		}, obs)
		return err
	})
	select {
	case w := <-loading:
		if w.Bytes.Total <= w.Bytes.Done || w.Started.IsZero() {
			t.Errorf("worker %+v", w)
		}
	case <-time.After(patience):
		t.Fatalf("the load was never seen\n%s", obs.text())
	}
	cancel()
	if err := wait(); err != context.Canceled { //nolint:errorlint // the bare error is the promise
		t.Errorf("got %v", err)
	}
	sessionsGone(t, target, "cancelled")
	for _, p := range obs.samples {
		if f, ok := p.Bytes.Fraction(); ok && f >= 1 {
			t.Errorf("everything is said to be loaded: %+v", p)
		}
	}
}
