package stream_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// pair is an empty source and an empty target on the shared server.
func pair(t *testing.T) (server *localpg.Cluster, source, target pgtest.DB) {
	t.Helper()
	server = pgtest.Shared(t)
	return server, pgtest.Database(t, server), pgtest.Database(t, server)
}

// mustCopy copies and compares.
func mustCopy(t *testing.T, source, target pgtest.DB) (pgxfer.RestoreResult, *recorder) {
	t.Helper()
	obs := &recorder{}
	result, err := copySmall(t, fast, source, target, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	w := &world{db: source}
	w.leader = pgtest.Shared(t)
	w.follower = w.leader
	w.mustEqual(t, target)
	return result, obs
}

// Settings that the app may need are not part of a dump: each is named, secrets in them are not.
func TestSettingsThatAreNotCopiedAreNamed(t *testing.T) {
	server, source, target := pair(t)
	statements(t, source, `CREATE SCHEMA app`, `CREATE TABLE app.t (id int)`, `INSERT INTO app.t VALUES (1)`)
	pgtest.Exec(t, source.AdminConfig(server), `ALTER DATABASE `+source.Name+` SET search_path = app, public`, `ALTER DATABASE `+source.Name+` SET app.secret = 'swordfish'`,
		`ALTER ROLE `+source.Owner+` SET statement_timeout = '12s'`, `ALTER ROLE `+source.Owner+` IN DATABASE `+source.Name+` SET lock_timeout = '13s'`)
	result, obs := mustCopy(t, source, target)
	reported(t, result.Skipped, "DATABASE SETTING search_path=app, public", "DATABASE SETTING app.secret", "ROLE SETTING "+source.Owner+": statement_timeout=12s",
		"ROLE SETTING "+source.Owner+": lock_timeout=13s")
	if strings.Contains(obs.text(), "swordfish") {
		t.Error("a secret was told")
	}
	dir := t.TempDir() + "/archive"
	dumped, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 1, Tag: "settings"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reported(t, dumped.Skipped, "DATABASE SETTING search_path=app, public")
}

// Timeouts that a role has for its app do not end a transfer.
func TestTimeoutsOfTheRoleDoNotCount(t *testing.T) {
	server, source, target := pair(t)
	statements(t, source, gated...)
	newest := server.Installation().Major
	for _, db := range []pgtest.DB{source, target} {
		for name, from := range map[string]int{
			"statement_timeout": 0, "lock_timeout": 0, "idle_in_transaction_session_timeout": 0, "idle_session_timeout": 14, "transaction_timeout": 17,
		} {
			if newest >= from {
				pgtest.Exec(t, db.AdminConfig(server), `ALTER ROLE `+db.Owner+` SET `+name+` = '2s'`)
			}
		}
	}
	holder := pgtest.Connect(t, target.AdminConfig(server))
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	obs := &recorder{}
	go func() {
		_, err := fast.Copy(t.Context(), stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "timeouts",
		}, obs)
		done <- err
	}()
	within(t, "the load has waited for longer than any of the timeouts", func() bool {
		var waits bool
		err := holder.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'timeouts%' AND wait_event = 'advisory'
			AND datname = current_database() AND clock_timestamp() > query_start + interval '3 s')`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	_ = holder.Close(t.Context())
	if err := ended(t, done); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if strings.Contains(obs.text(), "trying again") {
		t.Errorf("a timeout was met:\n%s", obs.text())
	}
}

// Everything is read in one snapshot: what others write, make or drop meanwhile is not in the copy, and dropping waits.
func TestWritesDuringACopyAreNotInIt(t *testing.T) {
	server, source, target := pair(t)
	statements(t, source, `CREATE TABLE first (id int, v text)`, `INSERT INTO first SELECT n, repeat('v', 1000) FROM generate_series(1, 20000) n`,
		`CREATE TABLE second (id int, v text)`, `INSERT INTO second SELECT n, repeat('v', 1000) FROM generate_series(1, 1000) n`)
	proxy := newStalling(t, net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())), 8<<20)
	obs := &recorder{}
	done := make(chan error, 1)
	go func() {
		_, err := fast.Copy(t.Context(), stream.CopyOptions{
			Source: endpoint(t, "old-primary", through(t, source.URL, proxy.listener.Addr().String())), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "snapshot",
		}, obs)
		done <- err
	}()
	select {
	case <-proxy.stalled:
	case <-time.After(patience):
		t.Fatalf("the reader never got so far\n%s", obs.text())
	}
	statements(t, source, `DELETE FROM second WHERE id > 10`, `UPDATE first SET v = 'late' WHERE id > 19990`, `CREATE TABLE third (id int)`)
	conn := source.Connect(t)
	for _, sql := range []string{`DROP TABLE second`, `VACUUM FULL second`, `ALTER TABLE second ADD w int`} {
		if _, err := conn.Exec(t.Context(), `SET lock_timeout = '50ms'`); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "55P03") {
			t.Errorf("%s did not wait for the copy: %v", sql, err)
		}
	}
	proxy.release()
	if err := ended(t, done); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if got := ask[string](t, target, `SELECT (SELECT count(*) FROM second) || ' ' || (SELECT count(*) FROM first WHERE v = 'late') || ' ' || (to_regclass('third') IS NULL)`); got != "1000 0 true" {
		t.Errorf("got %s", got)
	}
}

// On a follower nobody can hold a table: one that was rewritten or dropped after the plan is noticed, before its rows are taken for the plan's.
func TestFollowerWhoseTableIsRewritten(t *testing.T) {
	leader := pgtest.Cluster(t)
	for _, c := range []struct{ what, sql, err string }{
		{"rewritten", `VACUUM FULL second`, "second was rewritten or dropped"},
		{"dropped", `DROP TABLE second`, "second"},
	} {
		t.Run(c.what, func(t *testing.T) {
			source := pgtest.Database(t, leader)
			statements(t, source, `CREATE TABLE first (id int, v text)`, `INSERT INTO first SELECT n, repeat('v', 1000) FROM generate_series(1, 20000) n`,
				`CREATE TABLE second (id int, v text)`, `INSERT INTO second SELECT n, repeat('v', 1000) FROM generate_series(1, 1000) n`)
			follower := pgtest.Follower(t, leader, pgtest.Settings(map[string]string{"max_standby_streaming_delay": "-1"}))
			w := &world{leader: leader, follower: follower, other: pgtest.Shared(t), db: source}
			w.catchUp(t)
			proxy := newStalling(t, net.JoinHostPort(follower.Host(), strconv.Itoa(follower.Port())), 8<<20)
			options := w.dumpOptions(t, "rewritten")
			options.Source = endpoint(t, "fast-follower", through(t, source.On(t, follower).URL, proxy.listener.Addr().String()))
			options.Jobs = 1
			obs := &recorder{}
			done := make(chan error, 1)
			go func() {
				_, err := fast.Dump(t.Context(), options, obs)
				done <- err
			}()
			select {
			case <-proxy.stalled:
			case <-time.After(patience):
				t.Fatalf("the reader never got so far\n%s", obs.text())
			}
			// pg_dump, beside the reader, holds every table for as long as it works.
			watch := source.On(t, follower).Connect(t)
			within(t, "pg_dump has let go of the table", func() bool {
				var held bool
				err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'second'::regclass)`).Scan(&held)
				if err != nil {
					t.Fatal(err)
				}
				_, err = os.Stat(filepath.Join(options.Dir, "schema", "toc.dat")) // the last that pg_dump writes
				return err == nil && !held
			})
			statements(t, source, c.sql)
			w.catchUp(t)
			proxy.release()
			if err := ended(t, done); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v\n%s", err, obs.text())
			}
		})
	}
}

// ended waits for a result.
func ended(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("it did not end")
		return nil
	}
}

// encoded is a database with another encoding.
func encoded(t *testing.T, server *localpg.Cluster, encoding string) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, server)
	pgtest.Exec(t, server.AdminConfig(), `DROP DATABASE `+db.Name,
		`CREATE DATABASE `+db.Name+` OWNER `+db.Owner+` ENCODING '`+encoding+`' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	return db
}

// Text arrives as what it means; bytes that mean nothing are an error that names the table, and never lost or changed.
func TestEncodings(t *testing.T) {
	server := pgtest.Shared(t)
	accents := []string{
		`SET client_encoding = 'UTF8'`,
		`CREATE TABLE "größe" (id int PRIMARY KEY, "été" text, e text)`, `INSERT INTO "größe" VALUES (1, 'Müller', 'ß£'), (2, E'a\tb', NULL), (3, '\.', 'plain')`,
		`CREATE TABLE bigger (id int, v text)`, `INSERT INTO bigger SELECT n, repeat('é', 500) FROM generate_series(1, 4000) n`, `COMMENT ON TABLE bigger IS 'naïve'`,
	}
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			source, target := encoded(t, server, encoding), pgtest.Database(t, server)
			statements(t, source, accents...)
			mustCopy(t, source, target)
			if got := ask[string](t, target, `SELECT string_agg(concat_ws('|', id, "été", e), ';' ORDER BY id) FROM "größe"`); got != "1|Müller|ß£;2|a\tb;3|\\.|plain" {
				t.Errorf("got %s", got)
			}
		})
	}
	t.Run("bytes that are no text", func(t *testing.T) {
		source, target := encoded(t, server, "SQL_ASCII"), pgtest.Database(t, server)
		statements(t, source, `SET client_encoding = SQL_ASCII; CREATE TABLE broken (id int, v text); INSERT INTO broken VALUES (1, 'fine'), (2, E'caf\xe9'); CREATE TABLE fine AS SELECT 1 AS a`)
		_, err := copySmall(t, fast, source, target, nil)
		if err == nil || !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "0xe9") {
			t.Fatalf("got %v", err)
		}
		if n := ask[int](t, target, `SELECT count(*)::int FROM broken`); n != 0 {
			t.Errorf("%d rows of the table arrived", n)
		}
	})
	t.Run("bytes that are no text, to an equal", func(t *testing.T) {
		source, target := encoded(t, server, "SQL_ASCII"), encoded(t, server, "SQL_ASCII")
		statements(t, source, `SET client_encoding = SQL_ASCII; CREATE TABLE broken (id int, v text); INSERT INTO broken VALUES (1, 'fine'), (2, E'caf\xe9')`)
		if _, err := copySmall(t, fast, source, target, nil); err != nil {
			t.Fatal(err)
		}
		if got := ask[string](t, target, `SELECT encode(v::bytea, 'hex') FROM broken WHERE id = 2`); got != "636166e9" {
			t.Errorf("got %s", got)
		}
	})
}

// An extension that the target does not offer is named before anything is made there.
func TestExtensionThatTheTargetLacks(t *testing.T) {
	pgtest.Majors(t)
	source, target := pgtest.Database(t, pgtest.Shared(t, 15)), pgtest.Database(t, pgtest.Shared(t, 17))
	pgtest.Exec(t, source.AdminConfig(pgtest.Shared(t, 15)), `CREATE EXTENSION adminpack`) // gone in 17
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "adminpack") {
		t.Errorf("got %v", err)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM pg_extension WHERE extname = 'adminpack'`); n != 0 {
		t.Error("it is there")
	}
}

// No room, no dump: before the first byte.
func TestDiskThatIsTooSmall(t *testing.T) {
	_, source, _ := pair(t)
	statements(t, source, `CREATE TABLE t (id int)`)
	greedy := fast
	greedy.Reserve = 1 << 60
	_, err := greedy.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: t.TempDir() + "/archive", Jobs: 1, Tag: "room"}, nil)
	if !errors.Is(err, pgxfer.ErrSpace) {
		t.Errorf("got %v", err)
	}
}
