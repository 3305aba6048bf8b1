package stream_test

import (
	"context"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// While a table is loaded by pieces autovacuum passes it by: it would read it beside the load, and the indexes that follow would wait for it.
func TestAutovacuumWaitsForTheLastPiece(t *testing.T) {
	to := pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum_naptime": "1s"}))
	source, target := pgtest.Database(t, pgtest.Shared(t)), pgtest.Database(t, to)
	statements(t, source, gated...)
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "guard",
		}, obs)
		return err
	})
	watch := target.Connect(t)
	number := func(sql string) (n int) {
		t.Helper()
		if err := watch.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	within(t, "rows of the table are there that autovacuum would look at, and others are still to come", func() bool {
		return number(`SELECT count(*)::int FROM pg_stat_user_tables WHERE relname = 'gated' AND n_mod_since_analyze > 5000`) == 1
	})
	statements(t, target, `CREATE TABLE bait (id int)`)
	const rounds = 2 // the first may have begun before it could see the table
	for seen := range rounds {
		statements(t, target, `INSERT INTO bait SELECT generate_series(1, 5000)`)
		within(t, "autovacuum has looked at the database", func() bool {
			return number(`SELECT autoanalyze_count::int FROM pg_stat_user_tables WHERE relname = 'bait'`) > seen
		})
	}
	if n := number(`SELECT (autovacuum_count + autoanalyze_count)::int FROM pg_stat_user_tables WHERE relname = 'gated'`); n != 0 {
		t.Error("autovacuum has been at the table while it was loaded")
	}
	statements(t, target, `DROP TABLE bait`)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if n := number(`SELECT count(*)::int FROM gated`); n != 20000 {
		t.Errorf("%d rows arrived", n)
	}
	ledgerGone(t, target)
	sessionsGone(t, target, "guard")
}
