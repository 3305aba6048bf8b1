package pgserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgserver"
)

// A baseline forgives what nobody wrote, and nothing else: in doubt, something has changed.
func TestBaselineTellsWritersFromAutovacuum(t *testing.T) {
	server := pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum": "off"}))
	db := pgtest.Database(t, server)
	pgtest.Exec(t, db.Config(t), `CREATE TABLE a (id serial PRIMARY KEY, v text)`, `INSERT INTO a (v) SELECT 'v' FROM generate_series(1, 100)`,
		`CREATE MATERIALIZED VIEW m AS SELECT * FROM a`, `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
	admin := pgtest.Connect(t, server.AdminConfig())
	for _, c := range []struct{ sql, why string }{
		{`SELECT txid_current()`, ""},
		{`ANALYZE`, ""},
		{`VACUUM`, ""},
		{`VACUUM ANALYZE a`, ""},
		{`INSERT INTO a (v) VALUES ('new')`, "sequence"}, // its default
		{`INSERT INTO a VALUES (-1, 'new')`, "rows or definitions"},
		{`UPDATE a SET v = v WHERE id = 1`, "rows or definitions"},
		{`DELETE FROM a WHERE id = 2`, "rows or definitions"},
		{`TRUNCATE a`, "rows or definitions"},
		{`SELECT nextval('a_id_seq')`, "sequence"},
		{`SELECT setval('a_id_seq', 1, false)`, "sequence"},
		{`SELECT lo_create(0)`, "rows or definitions"},
		{`CREATE VIEW seen AS SELECT * FROM a`, "rows or definitions"},
		{`CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'`, "rows or definitions"},
		{`COMMENT ON TABLE a IS 'changed'`, "rows or definitions"},
		{`ALTER TABLE a ALTER v SET DEFAULT 'x'`, "rows or definitions"},
		{`REFRESH MATERIALIZED VIEW m`, "rows or definitions"},
		{`DROP MATERIALIZED VIEW m`, "rows or definitions"},
		{`SELECT pg_stat_reset()`, "reset"},
		{`SELECT pg_stat_reset_single_table_counters('a'::regclass)`, "reset"},
	} {
		nobodyIn(t, admin, db)
		baseline := takeBaseline(t, db.Config(t))
		pgtest.Exec(t, db.AdminConfig(server), c.sql)
		nobodyIn(t, admin, db)
		if why := changed(t, baseline, db.Config(t)); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, want %q", c.sql, why, c.why)
		}
	}

	baseline := takeBaseline(t, db.Config(t))
	stays := pgtest.Connect(t, db.Config(t))
	if why := changed(t, baseline, db.Config(t)); !strings.Contains(why, "may have written") {
		t.Errorf("somebody is connected: got %q", why)
	}
	if err := stays.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(t.Context(), localpg.Fast); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why := changed(t, baseline, db.Config(t)); why != "" {
		t.Errorf("a server that was stopped well remembers: got %q", why)
	}
	if err := server.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why := changed(t, baseline, db.Config(t)); !strings.Contains(why, "reset") {
		t.Errorf("a server that crashed has forgotten what it counted: got %q", why)
	}
	pgtest.Exec(t, server.AdminConfig(), `ALTER DATABASE `+db.Name+` SET track_counts = off`)
	if b := takeBaseline(t, db.Config(t)); b != nil {
		t.Errorf("nothing is counted, and the baseline is %+v", b)
	}
}

// What a snapshot does not show is counted after a baseline that was taken before it, even when it was under way already.
func TestBaselineCountsWhatWasUnderWay(t *testing.T) {
	server := pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum": "off", "max_prepared_transactions": "1"}))
	db := pgtest.Database(t, server)
	admin := pgtest.Connect(t, server.AdminConfig())
	pgtest.Exec(t, db.Config(t), `CREATE TABLE a (id int)`, `BEGIN; INSERT INTO a VALUES (1); PREPARE TRANSACTION 'later'`)
	nobodyIn(t, admin, db)
	baseline := takeBaseline(t, db.Config(t))
	pgtest.Exec(t, db.Config(t), `COMMIT PREPARED 'later'`)
	nobodyIn(t, admin, db)
	if why := changed(t, baseline, db.Config(t)); why == "" {
		t.Error("the commit was not seen")
	}
}

// nobodyIn waits until everybody has left the database.
func nobodyIn(t *testing.T, admin *pgx.Conn, db pgtest.DB) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		err := admin.QueryRow(t.Context(), `SELECT count(*)::int FROM pg_stat_activity WHERE datname = $1 AND usename IS NOT NULL`, db.Name).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions stay in the database", n)
		}
	}
}

func takeBaseline(t *testing.T, config *pgx.ConnConfig) (b *pgserver.Baseline) {
	t.Helper()
	inSession(t, config, func(conn *pgx.Conn) (err error) {
		b, err = pgserver.TakeBaseline(t.Context(), conn)
		return err
	})
	return b
}

func changed(t *testing.T, b *pgserver.Baseline, config *pgx.ConnConfig) (why string) {
	t.Helper()
	inSession(t, config, func(conn *pgx.Conn) (err error) {
		why, err = b.Changed(t.Context(), conn, func(pgserver.Session) bool { return false })
		return err
	})
	return why
}

func inSession(t *testing.T, config *pgx.ConnConfig, do func(*pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
}
