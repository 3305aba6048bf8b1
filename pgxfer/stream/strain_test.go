package stream_test

import (
	"context"
	"strings"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// heard waits until an event with the text was reported.
func (r *recorder) heard(t *testing.T, text string) {
	t.Helper()
	within(t, "it says "+text, func() bool { return strings.Contains(r.text(), text) })
}

// A server that has too few connections, or takes them away, gets fewer sessions, and more again when it has room: as on Heroku, where
// that is the answer to too much WAL.
func TestServerWithoutRoom(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	statements(t, source, gated...)
	for _, name := range []string{"a", "b", "c"} {
		statements(t, source, `CREATE TABLE `+name+` (id int)`, `INSERT INTO `+name+` SELECT generate_series(1, 60000)`)
	}
	limit := func(n string) {
		pgtest.Exec(t, server.AdminConfig(), `ALTER ROLE `+target.Owner+` CONNECTION LIMIT `+n)
	}
	holder := holdGate(t, target)
	limit("0")
	control, obs := &pgxfer.Control{}, &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 4, Tag: "room", Control: control,
		}, obs)
		return err
	})
	obs.heard(t, "lets nobody in")
	limit("3")
	obs.heard(t, "has no room for more sessions")
	limit("-1")
	obs.heard(t, "has room for all sessions again")
	limit("1")
	// From 3 sessions allowed when it began.
	obs.heard(t, "has cut the connections of our role to 1")
	limit("-1")
	obs.heard(t, "bears the full load again")
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	for table, want := range map[string]int{"gated": 20000, "a": 60000, "b": 60000, "c": 60000} {
		if n := ask[int](t, target, `SELECT count(*)::int FROM `+table); n != want {
			t.Errorf("%d rows of %s arrived, want %d", n, table, want)
		}
	}
	waited := false
	for _, p := range obs.samples {
		waited = waited || strings.Contains(p.Waits, "has no room")
	}
	if !waited {
		t.Error("no sample said so")
	}
}

// A target that has to keep too much WAL gets nothing new until it has less.
func TestTooMuchWAL(t *testing.T) {
	server := pgtest.Cluster(t)
	source, target := pgtest.Database(t, pgtest.Shared(t)), pgtest.Database(t, server)
	statements(t, source, `CREATE TABLE one (id int PRIMARY KEY)`, `INSERT INTO one SELECT generate_series(1, 50000)`)
	admin := pgtest.Connect(t, server.AdminConfig())
	for _, sql := range []string{`CREATE TABLE filler AS SELECT repeat(md5(n::text), 30) FROM generate_series(1, 20000) n`} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "wal", MaxWAL: 8 << 20,
		}, obs)
		return err
	})
	obs.heard(t, "nothing new is loaded or built until it has less")
	if n := ask[int](t, target, `SELECT count(*)::int FROM one`); n != 0 {
		t.Errorf("%d rows were loaded all the same", n)
	}
	if _, err := admin.Exec(t.Context(), `CHECKPOINT`); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM one`); n != 50000 {
		t.Errorf("%d rows arrived", n)
	}
	if !strings.Contains(obs.text(), "bears the full load again") {
		t.Errorf("nobody was told:\n%s", obs.text())
	}
}
