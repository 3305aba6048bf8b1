package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/stream/ledger"
)

// heldUp begins a copy and waits until the load of the table gated waits in its middle. release lets it go on, cancel ends the copy.
func heldUp(t *testing.T, source, target pgtest.DB, tag string, jobs int) (release func(), wait func() error, cancel context.CancelFunc) {
	t.Helper()
	holder := target.Connect(t)
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	wait, cancel = background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: jobs, Tag: tag,
		}, nil)
		return err
	})
	watch := target.Connect(t)
	within(t, "the load waits", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE $1 || '%' AND wait_event = 'advisory'
			AND datname = current_database())`, tag).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	return func() { _ = holder.Close(t.Context()) }, wait, cancel
}

// Fewer rows on the target than were sent are not committed, whoever swallowed them.
func TestSwallowedRowsAreAnError(t *testing.T) {
	_, source, target := pair(t)
	statements(t, source, gated...)
	statements(t, source, `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
	release, wait, _ := heldUp(t, source, target, "swallowed", 1)
	statements(t, target, `CREATE TRIGGER swallow BEFORE INSERT ON free FOR EACH ROW WHEN (NEW.id = 77) EXECUTE FUNCTION nothing()`)
	release()
	if err := wait(); err == nil || !strings.Contains(err.Error(), "4999 rows arrived, and 5000 were sent") {
		t.Errorf("got %v", err)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM free`); n != 0 {
		t.Errorf("%d rows were committed", n)
	}
}

// A table that is read in parts is read without those that inherit from it, and its rows once.
func TestPartsOfATableLeaveItsChildrenAlone(t *testing.T) {
	_, source, target := pair(t)
	statements(t, source, `CREATE TABLE parent (id int, v text)`, `INSERT INTO parent SELECT n, repeat('p', 400) FROM generate_series(1, 20000) n`,
		`CREATE TABLE child () INHERITS (parent)`, `INSERT INTO child SELECT n, 'child' FROM generate_series(1, 50) n`)
	parts := 0
	obs := &recorder{hook: func(p pgxfer.Progress) {
		for _, w := range p.Workers {
			if w.Object == "public.parent" {
				parts = max(parts, w.Parts)
			}
		}
	}}
	if _, err := copySmall(t, fast, source, target, obs); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if got := ask[string](t, target, `SELECT (SELECT count(*) FROM ONLY parent) || ' ' || (SELECT count(*) FROM child)`); got != "20000 50" || parts < 2 {
		t.Errorf("parent and child have %s rows; it was read in %d parts", got, parts)
	}
}

// What is loaded of a table in parts stays when the rest is not: the next attempt does only the rest.
func TestFinishedPartsStay(t *testing.T) {
	source, target := pgtest.Database(t, quietServer(t)), pgtest.Database(t, pgtest.Shared(t))
	statements(t, source, gated...)
	release, wait, cancel := heldUp(t, source, target, "parts", 2)
	watch := target.Connect(t)
	within(t, "other parts are loaded", func() bool {
		var n int
		if err := watch.QueryRow(t.Context(), `SELECT count(*) FROM gated`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	})
	cancel()
	if err := wait(); err == nil {
		t.Fatal("it was done before it could be interrupted")
	}
	release()
	const rows = `SELECT COALESCE(string_agg(xmin || ' ' || n, ', ' ORDER BY xmin::text), '') FROM (SELECT xmin, count(*) AS n FROM gated WHERE xmin::text = ANY ($1) OR $1 IS NULL GROUP BY 1) parts`
	loaded := func(of []string) (text string) {
		t.Helper()
		if err := watch.QueryRow(t.Context(), rows, of).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := loaded(nil)
	var writers []string
	for _, part := range strings.Split(before, ", ") {
		writer, _, _ := strings.Cut(part, " ")
		writers = append(writers, writer)
	}
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if after := loaded(writers); after != before || before == "" {
		t.Errorf("writers and their rows: before %q, after %q", before, after)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM gated`); n != 20000 {
		t.Errorf("%d rows arrived", n)
	}
}

// Rows that break a unique index of the source are named, everything else is done, and once they are repaired only the index is left to do.
func TestDuplicatesAreNamed(t *testing.T) {
	of := quietServer(t)
	source, target := pgtest.Database(t, of), pgtest.Database(t, pgtest.Shared(t))
	statements(t, source, `CREATE TABLE doubled (id int, v text)`, `INSERT INTO doubled SELECT n, repeat('v', 100) FROM generate_series(1, 9000) n`,
		`CREATE INDEX doubled_id ON doubled (id)`, `CREATE INDEX doubled_v ON doubled (v)`, `CREATE TABLE fine (id int PRIMARY KEY)`, `INSERT INTO fine VALUES (1)`,
		`INSERT INTO doubled VALUES (4711, 'again')`)
	// As after a change of the C library's collations: an index that is unique only by its word.
	pgtest.Exec(t, source.AdminConfig(of), `UPDATE pg_index SET indisunique = true WHERE indexrelid = 'doubled_id'::regclass`)
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "doubled_id") || !strings.Contains(err.Error(), "(id)=(4711)") {
		t.Fatalf("got %v", err)
	}
	if got := ask[string](t, target, `SELECT string_agg(indexname, ',' ORDER BY indexname) || (SELECT count(*) FROM doubled) FROM pg_indexes WHERE schemaname = 'public'`); got != "doubled_v,fine_pkey9001" {
		t.Errorf("the target has %s", got)
	}
	statements(t, target, `DELETE FROM doubled WHERE v = 'again'`)
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, target, `SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'`); got != "doubled_id,doubled_v,fine_pkey" {
		t.Errorf("the target has %s", got)
	}
}

// One tool at a time works on a target.
func TestSecondToolIsRefused(t *testing.T) {
	_, source, target := pair(t)
	statements(t, source, `CREATE TABLE t (id int)`)
	if err := ledger.Lock(t.Context(), target.Connect(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := copySmall(t, fast, source, target, nil); !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("got %v", err)
	}
}

// A statement that only works with the app's search_path is named; once it no longer needs that, the rest is done.
func TestIndexOverAnUnqualifiedFunction(t *testing.T) {
	source, target := pgtest.Database(t, quietServer(t, pgtest.Major(15))), pgtest.Database(t, pgtest.Shared(t))
	statements(t, source, `CREATE FUNCTION inner_one(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.lower($1)'`,
		`CREATE FUNCTION outer_one(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN inner_one(v); END'`,
		`CREATE TABLE t (id int PRIMARY KEY, v text)`, `INSERT INTO t VALUES (1, 'A')`)
	statements(t, source, `SET search_path = public; CREATE INDEX t_outer ON t (outer_one(v))`)
	_, err := copySmall(t, fast, source, target, nil)
	if err == nil || !strings.Contains(err.Error(), "t_outer") || !strings.Contains(err.Error(), "inner_one") {
		t.Fatalf("got %v", err)
	}
	if got := ask[string](t, target, `SELECT string_agg(indexname, ',') FROM pg_indexes WHERE tablename = 't'`); got != "t_pkey" {
		t.Errorf("indexes: %s", got)
	}
	statements(t, target, `ALTER FUNCTION outer_one SET search_path = public`)
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM pg_indexes WHERE indexname = 't_outer'`); n != 1 {
		t.Error("the index is not there")
	}
}

// A check that reads another table fails while that one is empty, and holds once it is loaded.
func TestCheckThatReadsAnotherTable(t *testing.T) {
	source, target := pgtest.Database(t, quietServer(t)), pgtest.Database(t, pgtest.Shared(t))
	statements(t, source, `CREATE TABLE known (id int PRIMARY KEY)`, `INSERT INTO known SELECT generate_series(1, 100)`,
		`CREATE FUNCTION is_known(n int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM public.known WHERE id = n)'`,
		`CREATE TABLE checked (id int CONSTRAINT must_be_known CHECK (is_known(id)), v text)`, `INSERT INTO checked SELECT 1 + n % 100, repeat('v', 500) FROM generate_series(1, 4000) n`)
	_, err := fast.Copy(t.Context(), stream.CopyOptions{ // one at a time, the larger first
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "small",
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "must_be_known") || !strings.Contains(err.Error(), "checked") {
		t.Fatalf("got %v", err)
	}
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatalf("the second attempt: %v", err)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM checked`); n != 4000 {
		t.Errorf("%d rows arrived", n)
	}
}

// Subscriptions would take the first one's changes away. pg_dump only shows them to superusers, and says so; unlogged tables of a leader
// have rows, and keep them.
func TestWhatOnlyALeaderHas(t *testing.T) {
	server, source, target := pair(t)
	statements(t, source, `CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY)`, `INSERT INTO scratch SELECT generate_series(1, 500)`)
	super := pgtest.Connect(t, source.AdminConfig(server))
	_, err := super.Exec(t.Context(), `CREATE SUBSCRIPTION theirs CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := super.Exec(context.Background(), `DROP SUBSCRIPTION theirs`, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Error(err)
		}
	})
	result, _ := mustCopy(t, source, target)
	if got := ask[string](t, target, `SELECT (SELECT count(*) FROM scratch) || ' ' || relpersistence::text || ' ' || (SELECT count(*) FROM pg_subscription WHERE subname = 'theirs'
		AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())) FROM pg_class WHERE oid = 'scratch'::regclass`); got != "500 u 0" {
		t.Errorf("got %s", got)
	}
	reported(t, result.Skipped, "SUBSCRIPTION theirs")
}
