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

// A target that restarts in the middle of a load, as by a failover, costs a pause and nothing else.
func TestTargetRestarts(t *testing.T) {
	to := pgtest.Cluster(t)
	source, target := pgtest.Database(t, pgtest.Shared(t)), pgtest.Database(t, to)
	statements(t, source, gated...)
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
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
	within(t, "the load waits", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'restart%' AND wait_event_type = 'Lock')`).Scan(&waits)
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
	if n := ask[int](t, target, `SELECT count(*)::int FROM gated`); n != 20000 {
		t.Errorf("%d rows arrived", n)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM free`); n != 5000 {
		t.Errorf("%d rows of the other table arrived", n)
	}
	ledgerGone(t, target)
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
