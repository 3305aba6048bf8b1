package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// copySmall copies a database of a server to a new one on the same server, as its owner.
func copySmall(t *testing.T, e stream.Engine, source, target pgtest.DB, obs pgxfer.Observer) (pgxfer.RestoreResult, error) {
	t.Helper()
	return e.Copy(t.Context(), stream.CopyOptions{
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "small",
	}, obs)
}

func statements(t *testing.T, db pgtest.DB, list ...string) {
	t.Helper()
	pgtest.Exec(t, db.Config(t), list...)
}

func ask[T any](t *testing.T, db pgtest.DB, sql string) (value T) {
	t.Helper()
	if err := db.Connect(t).QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	return value
}

// A role that sees only some of the rows must not copy only some of the rows.
func TestRowSecurityIsAnError(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	statements(t, source, `CREATE TABLE secrets (id int)`, `INSERT INTO secrets SELECT generate_series(1, 10)`,
		`ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, `CREATE POLICY half ON secrets USING (id > 5)`)
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "row-level security") || !strings.Contains(err.Error(), "secrets") {
		t.Errorf("got %v", err)
	}
}

// A table that may not be read is named at once.
func TestTableWithoutRights(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	pgtest.Exec(t, source.AdminConfig(server), `CREATE TABLE admins_own (id int)`)
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "permission denied for table admins_own") {
		t.Errorf("got %v", err)
	}
}

// What the source's own rows break is reported, and nothing else suffers.
func TestForeignKeyBrokenOnTheSource(t *testing.T) {
	for _, size := range []string{"small", "large"} {
		t.Run(size, func(t *testing.T) {
			server := pgtest.Shared(t)
			source, target := pgtest.Database(t, server), pgtest.Database(t, server)
			rows := "100"
			if size == "large" { // validated in a step of its own
				rows = "60000"
			}
			statements(t, source, `CREATE TABLE parent (id int PRIMARY KEY)`, `INSERT INTO parent SELECT generate_series(1, 10)`,
				`CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, filler text)`,
				`CREATE TABLE other (id int PRIMARY KEY, parent_id int REFERENCES parent)`,
				`INSERT INTO child SELECT n, 1 + n % 10, repeat('x', 60) FROM generate_series(1, `+rows+`) n`, `INSERT INTO other VALUES (1, 1)`)
			admin := source.AdminConfig(server)
			admin.RuntimeParams["session_replication_role"] = "replica"
			pgtest.Exec(t, admin, `DELETE FROM parent WHERE id = 3`)
			obs := &recorder{}
			result, err := copySmall(t, fast, source, target, obs)
			if err != nil {
				t.Fatalf("%v\n%s", err, obs.text())
			}
			if got := ask[string](t, target, `SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'`); got !=
				"child_parent_id_fkey false, other_parent_id_fkey true" {
				t.Errorf("foreign keys: %s", got)
			}
			if len(result.Skipped) == 0 || result.Skipped[len(result.Skipped)-1].Kind != "FK VALIDATION" {
				t.Errorf("not reported: %+v", result.Skipped)
			}
		})
	}
}

// A statement that fails takes nothing else with it: the rest is finished, and once the cause is gone only that is left to do.
func TestOneFailureDoesNotStopTheRest(t *testing.T) {
	server := pgtest.Shared(t)
	// A server of its own: on one that others write to, nobody can tell that nothing was written to the source.
	source, target := pgtest.Database(t, quietServer(t)), pgtest.Database(t, server)
	statements(t, source, `CREATE FUNCTION moody(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
			IF current_setting('test.mood', true) IS DISTINCT FROM 'good' THEN RAISE EXCEPTION 'in a bad mood'; END IF; RETURN n; END $$`,
		`CREATE TABLE fine (id int PRIMARY KEY, v text)`, `INSERT INTO fine SELECT n, repeat('v', 100) FROM generate_series(1, 9000) n`,
		`CREATE INDEX fine_v ON fine (v)`, `CREATE TABLE sick (id int PRIMARY KEY, v text)`,
		`INSERT INTO sick SELECT n, repeat('v', 100) FROM generate_series(1, 9000) n`)
	conn := source.Connect(t)
	for _, sql := range []string{`SET test.mood = 'good'`, `CREATE INDEX sick_moody ON sick (moody(id))`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "index sick_moody") || !strings.Contains(err.Error(), "in a bad mood") {
		t.Fatalf("got %v", err)
	}
	if got := ask[string](t, target, `SELECT string_agg(indexname, ', ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'`); got != "fine_pkey, fine_v, sick_pkey" {
		t.Errorf("indexes: %s", got)
	}
	pgtest.Exec(t, target.AdminConfig(server), `ALTER DATABASE `+target.Name+` SET test.mood = 'good'`)
	file := ask[int64](t, target, `SELECT pg_relation_filenode('public.fine')::bigint`)
	result, err := copySmall(t, fast, source, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again := ask[int64](t, target, `SELECT pg_relation_filenode('public.fine')::bigint`); again != file {
		t.Error("a table that was loaded was loaded again")
	}
	if result.Rows != 18000 || result.Tables != 2 || result.Indexes != 4 {
		t.Errorf("got %+v", result)
	}
	ledgerGone(t, target)
}

// What was interrupted cannot go on with another state of the source.
func TestTwoStatesAreNeverMixed(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	statements(t, source, `CREATE TABLE t (id int PRIMARY KEY, v text)`, `INSERT INTO t SELECT n, repeat('v', 100) FROM generate_series(1, 20000) n`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	obs := &recorder{hook: func(p pgxfer.Progress) {
		if p.Phase != "schema" {
			cancel()
		}
	}}
	_, err := fast.Copy(ctx, stream.CopyOptions{
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "small",
	}, obs)
	if err == nil {
		t.Skip("NOT TESTED: it was done before it could be interrupted")
	}
	statements(t, source, `DELETE FROM t WHERE id < 100`)
	if _, err := copySmall(t, fast, source, target, nil); err == nil || !strings.Contains(err.Error(), "the source was written to") {
		t.Errorf("two states of the source were mixed: %v", err)
	}
}

// An invalid index that somebody left of the same name is in nobody's way; a valid one of the name is somebody's.
func TestInvalidLeftoverIsReplaced(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, quietServer(t)), pgtest.Database(t, server)
	statements(t, source, gated...)
	statements(t, source, `CREATE TABLE tiny (id int, v text)`, `INSERT INTO tiny VALUES (1, 'one')`, `CREATE INDEX tiny_v ON tiny (v)`,
		`CREATE INDEX tiny_id ON tiny (id)`)
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	wait, cancel := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "small",
		}, nil)
		return err
	})
	watch := target.Connect(t)
	within(t, "the load waits", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'small%' AND wait_event = 'advisory'
			AND datname = current_database())`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	cancel()
	if err := wait(); err == nil {
		t.Fatal("it was done before it could be interrupted")
	}
	statements(t, target, `CREATE INDEX tiny_v ON tiny (id)`, `CREATE INDEX tiny_id ON tiny (v)`)
	pgtest.Exec(t, target.AdminConfig(server), `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tiny_v'::regclass`)
	_ = holder.Close(t.Context())
	if _, err := copySmall(t, fast, source, target, nil); err == nil || !strings.Contains(err.Error(), `"tiny_id" already exists`) {
		t.Fatalf("another index of the name: %v", err)
	}
	statements(t, target, `DROP INDEX tiny_id`)
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, target, `SELECT pg_get_indexdef('tiny_v'::regclass) || ' ' || (SELECT indisvalid FROM pg_index WHERE indexrelid = 'tiny_v'::regclass)`); got !=
		"CREATE INDEX tiny_v ON public.tiny USING btree (v) true" {
		t.Errorf("the index is %s", got)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM gated`); n != 20000 {
		t.Errorf("%d rows arrived", n)
	}
}

// A restore that follows a dump learns when the dump fails; a dump that is begun again on a source that was written to starts over.
func TestDumpFailsWhileItIsFollowed(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, quietServer(t)), pgtest.Database(t, server)
	statements(t, source, `CREATE TABLE a_fine (id int PRIMARY KEY, v text)`, `INSERT INTO a_fine SELECT n, repeat('v', 1000) FROM generate_series(1, 2000) n`,
		`CREATE TABLE secrets (id int)`, `ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`)
	dir := t.TempDir() + "/archive"
	quick := fast
	quick.Patience = 200 * time.Millisecond
	options := pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 1, Tag: "half"}
	wait, _ := background(t, func(ctx context.Context) error {
		patient := fast
		patient.Patience = 5 * time.Second
		_, err := patient.Restore(ctx, restoreOptions(t, dir, target, "half"), nil)
		return err
	})
	if _, err := quick.Dump(t.Context(), options, nil); err == nil || !strings.Contains(err.Error(), "secrets") {
		t.Fatalf("the dump: %v", err)
	}
	if err := wait(); !errors.Is(err, pgxfer.ErrArchive) || !strings.Contains(err.Error(), "secrets") {
		t.Fatalf("the restore: %v", err)
	}
	statements(t, source, `ALTER TABLE secrets DISABLE ROW LEVEL SECURITY`, `INSERT INTO a_fine VALUES (0, 'late')`)
	obs := &recorder{}
	dumped, err := fast.Dump(t.Context(), options, obs)
	if err != nil || !strings.Contains(obs.text(), "starting over") {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if dumped.Rows != 2001 {
		t.Errorf("dumped %+v", dumped)
	}
	// What the restore had begun with is void; it may not have begun at all.
	if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, target, "half"), nil); err != nil && !errors.Is(err, pgxfer.ErrTargetNotEmpty) {
		t.Errorf("a target that holds half of another dump: %v", err)
	} else if n := ask[int](t, target, `SELECT count(*)::int FROM pg_class WHERE oid = to_regclass('a_fine')`); err == nil && n != 1 {
		t.Error("nothing was restored")
	}
	fresh := pgtest.Database(t, server)
	if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, fresh, "half"), nil); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, fresh, `SELECT count(*)::int FROM a_fine`); n != 2001 {
		t.Errorf("%d rows arrived", n)
	}
}
