package verify_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/pgxfer/verify"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// original is a filled database, dressed as Heroku does it, with what the sample data lacks.
func original(t *testing.T, cluster *localpg.Cluster) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, cluster)
	if err := sampledb.HerokuDress(t.Context(), pgtest.Connect(t, cluster.AdminConfig()), db.Name, db.Owner); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), db.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sampledb.Fill(t.Context(), conn, sampledb.Options{Tiny: true, SmallTables: 5}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `
		CREATE TABLE notes (id int PRIMARY KEY, body text, raw bytea, amount float8, doubled int GENERATED ALWAYS AS (id * 2) STORED);
		INSERT INTO notes SELECT n, 'note ' || n, decode(md5(n::text), 'hex'), sqrt(n) FROM generate_series(1, 500) n;
		CREATE TABLE pairs (a int, b int);
		INSERT INTO pairs VALUES (1, 1), (1, 1), (2, 2), (2, 2), (3, NULL);
		CREATE TABLE "no columns" ();
		INSERT INTO "no columns" DEFAULT VALUES;
		CREATE INDEX notes_body ON notes (body);
		CREATE INDEX notes_body2 ON notes (lower(body));
		CREATE VIEW long_notes AS SELECT id, body FROM notes WHERE length(body) > 6;
		CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
		CREATE MATERIALIZED VIEW bodies AS SELECT id, body FROM notes;
		CREATE SEQUENCE tickets;
		SELECT nextval('tickets');
		SELECT lo_from_bytea(900001, decode(repeat('00ff', 200000), 'hex'));`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil { // a template must have nobody connected
		t.Fatal(err)
	}
	return db
}

// duplicate is an exact copy of a database, that the server makes.
func duplicate(t *testing.T, cluster *localpg.Cluster, of pgtest.DB) pgtest.DB {
	t.Helper()
	db := of
	db.Name = of.Name + "_copy"
	db.URL = strings.Replace(of.URL, "/"+of.Name, "/"+db.Name, 1)
	pgtest.Exec(t, cluster.AdminConfig(), "DROP DATABASE IF EXISTS "+db.Name+" WITH (FORCE)",
		"CREATE DATABASE "+db.Name+" TEMPLATE "+of.Name+" OWNER "+of.Owner)
	return db
}

func endpoint(t *testing.T, db pgtest.DB) pgxfer.Endpoint {
	t.Helper()
	e, err := pgxfer.ParseEndpoint(db.Name, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func compare(t *testing.T, source, target pgtest.DB) pgxfer.Verification {
	t.Helper()
	return compareAt(t, "", source, target)
}

func compareAt(t *testing.T, level string, source, target pgtest.DB) pgxfer.Verification {
	t.Helper()
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: endpoint(t, source), Target: endpoint(t, target), Jobs: 2, Tag: "test", Level: level,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A verification that cannot fail is worth nothing: each change of the copy, and nothing else, must be found.
func TestEveryChangeIsFound(t *testing.T) {
	cluster := pgtest.Shared(t)
	source := original(t, cluster)
	defer pgtest.Exec(t, cluster.AdminConfig(), "DROP DATABASE IF EXISTS "+source.Name+"_copy WITH (FORCE)")
	for _, c := range []struct {
		name, change string
		want         []pgxfer.Difference // by kind and object
	}{
		{"nothing", `SELECT 1`, nil},
		{"rows moved on disk", `UPDATE notes SET body = body; UPDATE pairs SET b = b`, nil},
		{"one letter", `UPDATE notes SET body = 'nota 77' WHERE id = 77`, found("digest", "table public.notes")},
		{"one byte", `UPDATE notes SET raw = set_byte(raw, 3, get_byte(raw, 3) # 1) WHERE id = 77`, found("digest", "table public.notes")},
		{"last digit of a float", `UPDATE notes SET amount = amount + 2e-16 * amount WHERE id = 77`, found("digest", "table public.notes")},
		{"empty for NULL", `UPDATE notes SET body = NULL WHERE id = 77`, found("digest", "table public.notes")},
		{"a row is missing", `DELETE FROM notes WHERE id = 77`, found("rows", "table public.notes")},
		{"a row is there twice", `INSERT INTO pairs VALUES (1, 1)`, found("rows", "table public.pairs")},
		{"two pairs of equal rows for two others", `UPDATE pairs SET a = 2, b = 2 WHERE a = 1`, found("digest", "table public.pairs")},
		{"values swapped between rows", `UPDATE pairs SET b = 3 - b WHERE b IS NOT NULL`, found("digest", "table public.pairs")},
		{"a row moved to another table", `INSERT INTO pairs SELECT 3, NULL; DELETE FROM pairs WHERE ctid = (SELECT min(ctid) FROM pairs WHERE a = 1)`, found("digest", "table public.pairs")},
		{"a row without columns", `INSERT INTO "no columns" DEFAULT VALUES`, found("rows", "table public.no columns")},
		// The source's may be older than its tables, the target's is always new.
		{"a materialized view is older", `UPDATE notes SET body = 'x' || body WHERE id = 77; REFRESH MATERIALIZED VIEW bodies;
			UPDATE notes SET body = substr(body, 2) WHERE id = 77`, nil},
		{"an unpopulated materialized view", `REFRESH MATERIALIZED VIEW bodies WITH NO DATA`, found("rows", "materialized view public.bodies")},
		{"a sequence went on", `SELECT nextval('tickets')`, found("sequence", `"public"."tickets"`)},
		{"a sequence was reset to the same number", `SELECT setval('tickets', 1, false)`, found("sequence", `"public"."tickets"`)},
		{"an index is missing", `DROP INDEX notes_body`, found("missing", "index public.notes_body")},
		{"an index is not valid", "", found("definition", "index public.notes_body")},
		{"another column in an index", `DROP INDEX notes_body; CREATE INDEX notes_body ON notes (amount)`, found("definition", "index public.notes_body")},
		{"a byte in the middle of a large object", `SELECT lo_put(900001, 300001, '\x01')`, found("large objects", "all")},
		{"a large object is missing", `SELECT lo_unlink(900001)`, found("large objects", "all")},
		{"a large object has another number", `SELECT lo_unlink(900001); SELECT lo_from_bytea(900002, decode(repeat('00ff', 200000), 'hex'))`, found("large objects", "all")},
		{"another option of a TOAST table", `ALTER TABLE notes SET (toast.autovacuum_enabled = off)`, found("definition", "table public.notes")},
		{"other statistics of an expression", `ALTER INDEX notes_body2 ALTER COLUMN 1 SET STATISTICS 7`, found("definition", "index public.notes_body2")},
		{"a view says something else", `CREATE OR REPLACE VIEW long_notes AS SELECT id, body FROM notes WHERE length(body) > 7`, found("definition", "view public.long_notes")},
		{"a function does something else", `CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 3'`, found("definition", "function public.twice(integer)")},
		{"another default", `ALTER TABLE notes ALTER id SET DEFAULT 5`, found("definition", "column public.notes.id")},
		{"a column may be NULL", `ALTER TABLE notes ALTER body SET NOT NULL`, found("definition", "column public.notes.body")},
		{"a constraint is not validated", `ALTER TABLE notes ADD CONSTRAINT positive CHECK (id > 0) NOT VALID`, found("extra", "constraint positive on public.notes")},
		{"a table is missing", `DROP TABLE pairs`, append(found("missing", "column public.pairs.a"), append(found("missing", "column public.pairs.b"),
			append(found("missing", "table public.pairs"), found("missing", "table public.pairs")...)...)...)},
		{"a column is missing", `ALTER TABLE pairs DROP b`, append(found("definition", "columns of public.pairs"), found("missing", "column public.pairs.b")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := duplicate(t, cluster, source)
			if c.change == "" {
				pgtest.Exec(t, target.AdminConfig(cluster), `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'notes_body'::regclass`)
			} else {
				pgtest.Exec(t, target.Config(t), c.change)
			}
			got := compare(t, source, target)
			diff := cmp.Diff(c.want, got.Differences, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pgxfer.Difference{}, "Source", "Target"))
			if diff != "" {
				t.Errorf("differences (-want +got):\n%s\n%+v", diff, got.Differences)
			}
			counted := compareAt(t, pgxfer.LevelRows, source, target)
			if diff := cmp.Diff(countable(c.want, c.name), counted.Differences, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pgxfer.Difference{}, "Source", "Target")); diff != "" {
				t.Errorf("differences when rows are only counted (-want +got):\n%s\n%+v", diff, counted.Differences)
			}
			if counted.Rows != got.Rows || counted.LargeObjects != got.LargeObjects {
				t.Errorf("read %+v, counted %+v", got, counted)
			}
			for _, d := range append(got.Differences, counted.Differences...) {
				if d.Source == d.Target || strings.ContainsAny(d.Source+d.Target, "\n\t") || len(d.Source)+len(d.Target) > 500 {
					t.Errorf("people cannot read %+v", d)
				}
			}
			if got.Rows == 0 || got.Sequences == 0 || got.LargeObjects == 0 || got.Tables == 0 {
				t.Errorf("nothing was compared: %+v", got)
			}
		})
	}
}

// countable is what shows without looking at values.
func countable(list []pgxfer.Difference, name string) (left []pgxfer.Difference) {
	for _, d := range list {
		if d.Kind != "digest" && name != "a byte in the middle of a large object" {
			left = append(left, d)
		}
	}
	return left
}

func found(kind, object string) []pgxfer.Difference {
	return []pgxfer.Difference{{Kind: kind, Object: object}}
}

// recorder keeps what is reported.
type recorder struct {
	progress []pgxfer.Progress
	events   []pgxfer.Event
}

func (r *recorder) Progress(p pgxfer.Progress) { r.progress = append(r.progress, p) }
func (r *recorder) Event(e pgxfer.Event)       { r.events = append(r.events, e) }

// A table of more than 128 MiB is read in parts; sums over parts are those of the whole, and every part is shown as one.
func TestBigTablesAreReadInParts(t *testing.T) {
	cluster := pgtest.Shared(t)
	db := pgtest.Database(t, cluster)
	// Few rows on many pages: each fills one, stored without compression and out of line never.
	pgtest.Exec(t, db.Config(t), `CREATE TABLE wide (id int, filler text)`, `ALTER TABLE wide ALTER filler SET STORAGE PLAIN`,
		`INSERT INTO wide SELECT n, repeat('x', 7900) FROM generate_series(1, 17000) n`)
	obs := &recorder{}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: endpoint(t, db), Target: endpoint(t, db), Jobs: 2, Tag: "parts"}, obs)
	if err != nil {
		t.Fatal(err)
	}
	if v.Rows != 17000 || len(v.Differences) > 0 {
		t.Errorf("%+v", v)
	}
	last := obs.progress[len(obs.progress)-1]
	if last.Items.Done != 1 || last.Items.Total != 1 || last.Rows.Done != 2*17000 {
		t.Errorf("it ended with %+v", last)
	}
	for _, p := range obs.progress {
		for _, w := range p.Workers {
			if w.Kind != "" && (w.Parts != 3 || w.Part < 1 || w.Part > 3) {
				t.Errorf("worker shows %+v", w)
			}
		}
	}
}

// A role that policies hide rows from must not see two equal databases where it sees two equal parts.
func TestHiddenRowsAreAnError(t *testing.T) {
	cluster := pgtest.Shared(t)
	db := pgtest.Database(t, cluster)
	pgtest.Exec(t, db.Config(t), `CREATE TABLE t (a int)`, `INSERT INTO t VALUES (1), (2)`, `ALTER TABLE t ENABLE ROW LEVEL SECURITY`,
		`ALTER TABLE t FORCE ROW LEVEL SECURITY`, `CREATE POLICY p ON t USING (a = 1)`)
	_, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: endpoint(t, db), Target: endpoint(t, db), Jobs: 1, Tag: "rls"}, nil)
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("verified with %v", err)
	}
}

// Any server can be the source and any newer one the target: queries must work on, and mean the same on, all of them.
func TestMajorsCompareEqual(t *testing.T) {
	majors := pgtest.Majors(t)
	if len(majors) < 2 {
		t.Skip("NOT TESTED: only one major of PostgreSQL is installed")
	}
	var dbs []pgtest.DB
	for _, m := range majors {
		dbs = append(dbs, original(t, pgtest.Shared(t, m.Major)))
	}
	for _, newer := range dbs[:len(dbs)-1] {
		if v := compare(t, dbs[len(dbs)-1], newer); len(v.Differences) > 0 || v.Rows == 0 {
			t.Errorf("%+v", v)
		}
	}
}

func TestUnreachableServerIsNoVerification(t *testing.T) {
	db := pgtest.Database(t, pgtest.Shared(t))
	gone := endpoint(t, pgtest.DB{Name: "gone", URL: "postgres://nobody@127.0.0.1:1/none"})
	_, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: endpoint(t, db), Target: gone, Jobs: 1}, nil)
	if err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("verified with %v", err)
	}
}
