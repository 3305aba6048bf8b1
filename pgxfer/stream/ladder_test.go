package stream_test

import (
	"context"
	"strings"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/verify"
)

// Where the sessions of a server cannot share a snapshot each takes its own: the same while nobody writes, and an error as soon as somebody does.
func TestWithoutASharedSnapshot(t *testing.T) {
	leader := pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum": "off"}))
	source := pgtest.Database(t, leader)
	statements(t, source, `CREATE TABLE big (id int PRIMARY KEY, v text)`, `INSERT INTO big SELECT n, repeat('v', 300) FROM generate_series(1, 20000) n`,
		`CREATE TABLE small (id int PRIMARY KEY REFERENCES big)`, `INSERT INTO small SELECT generate_series(1, 10)`)
	pgtest.Exec(t, source.AdminConfig(leader), `REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC`)
	w := &world{leader: leader, follower: pgtest.Follower(t, leader), other: pgtest.Shared(t), db: source}
	w.catchUp(t)
	for name, from := range map[string]pgxfer.Endpoint{"a follower": w.source(t), "a leader": w.leaderEndpoint(t)} {
		t.Run(name, func(t *testing.T) {
			target := pgtest.Database(t, w.other)
			options := w.dumpOptions(t, "ladder")
			options.Source = from
			if _, err := fast.Dump(t.Context(), options, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "ladder"), nil); err != nil {
				t.Fatal(err)
			}
			v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: from, Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "compare"}, nil)
			if err != nil || len(v.Differences) > 0 || v.Rows != 20010 {
				t.Errorf("%v: %+v", err, v)
			}
		})
	}
	options := w.dumpOptions(t, "ladder")
	options.Source, options.Control = w.leaderEndpoint(t), &pgxfer.Control{}
	options.Control.Hold(pgxfer.Soft)
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Dump(ctx, options, obs)
		return err
	})
	within(t, "the dump has its snapshot, and is paused", func() bool {
		obs.mu.Lock()
		defer obs.mu.Unlock()
		return len(obs.samples) > 0 && obs.samples[len(obs.samples)-1].Paused
	})
	statements(t, source, `INSERT INTO small VALUES (11)`)
	options.Control.Hold(pgxfer.Going)
	if err := wait(); err == nil || !strings.Contains(err.Error(), "was written to since the dump began") {
		t.Errorf("somebody has written in between, and the dump says %v", err)
	}
}
