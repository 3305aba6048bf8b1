package sampledb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
)

// tables lists the tables that hold rows, quoted.
func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind = 'r' AND nspname IN ('public', 'reporting') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// contents maps each table to its number of rows and a digest of them, whatever their order, and
// each large object and sequence to its state.
func contents(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(key, sql string) {
		t.Helper()
		var s string
		if err := conn.QueryRow(t.Context(), sql).Scan(&s); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		all[key] = s
	}
	for _, name := range tables(t, conn) {
		add(name, "SELECT count(*) || ' ' || coalesce(md5(string_agg(r, '' ORDER BY r)), '') FROM (SELECT md5(x::text) AS r FROM "+name+" AS x) AS y")
	}
	add("sequences", `SELECT string_agg(schemaname || '.' || sequencename || ' ' || coalesce(last_value::text, '-'), ',' ORDER BY 1) FROM
		(SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2) AS s`)
	add("large objects", "SELECT count(*) || ' ' || md5(string_agg(oid || md5(lo_get(oid)), '' ORDER BY oid)) FROM pg_largeobject_metadata")
	return all
}

// Equal options give equal contents, on every installed major; another seed gives others.
func TestSeedDecidesContents(t *testing.T) {
	seen := map[int64][]map[string]string{}
	for _, inst := range pgtest.Majors(t) {
		for _, seed := range []int64{1, 2} {
			conn := pgtest.Database(t, pgtest.Shared(t, inst.Major)).Connect(t)
			fill(t, conn, sampledb.Options{Tiny: true, Seed: seed})
			seen[seed] = append(seen[seed], contents(t, conn))
		}
	}
	for seed, all := range seen {
		for _, other := range all[1:] {
			if diff := cmp.Diff(all[0], other); diff != "" {
				t.Errorf("seed %d differs between majors:\n%s", seed, diff)
			}
		}
	}
	for _, table := range []string{"public.events", "public.documents", "public.attachments", "large objects"} {
		if seen[1][0][table] == seen[2][0][table] {
			t.Errorf("%s is the same for two seeds", table)
		}
	}
}

// The summary's numbers are those of the database, and the size is the wanted one.
func TestSummaryAndSize(t *testing.T) {
	for _, options := range []sampledb.Options{{Tiny: true}, {Bytes: 50 << 20}, {Bytes: 60 << 20, SmallTables: 40, Seed: 7}} {
		t.Run(fmt.Sprintf("%+v", options), func(t *testing.T) {
			conn := pgtest.Database(t, pgtest.Shared(t)).Connect(t)
			var last, of int64
			options.Progress = func(_ string, bytes, all int64) {
				if bytes < last {
					t.Errorf("progress went back from %d to %d", last, bytes)
				}
				last, of = bytes, all
			}
			s := fill(t, conn, options)
			names := tables(t, conn)
			var rows int64
			for _, name := range names {
				var n int64
				if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+name).Scan(&n); err != nil {
					t.Fatal(err)
				}
				rows += n
			}
			if s.Tables != len(names) || s.Rows != rows {
				t.Errorf("summary says %d tables and %d rows, the database has %d and %d", s.Tables, s.Rows, len(names), rows)
			}
			if of == 0 || last < of/2 {
				t.Errorf("progress ended at %d of %d", last, of)
			}
			if off := float64(s.Bytes)/float64(of) - 1; !options.Tiny && (off < -0.15 || off > 0.15) {
				t.Errorf("size is %d, wanted %d: %+.0f %%", s.Bytes, of, 100*off)
			}
			if options.Tiny && s.Bytes > 16<<20 {
				t.Errorf("the tiny database has %d bytes", s.Bytes)
			}
		})
	}
}

// Every shape that a transfer may get wrong is really there.
func TestShapes(t *testing.T) {
	conn := pgtest.Database(t, pgtest.Shared(t)).Connect(t)
	fill(t, conn, sampledb.Options{Tiny: true})
	for what, query := range map[string]string{
		"rows in the default partition":    "SELECT EXISTS (SELECT FROM invoices_rest)",
		"rows in a nested partition":       "SELECT EXISTS (SELECT FROM invoices_2025_h1) AND EXISTS (SELECT FROM invoices_2025_h2)",
		"TOASTed values":                   "SELECT EXISTS (SELECT FROM documents WHERE pg_column_size(raw) > 2500) AND pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'events'::regclass)) > 0",
		"a compressed value":               "SELECT bool_or(pg_column_size(body) < octet_length(body)) FROM documents",
		"identity columns of both kinds":   "SELECT count(DISTINCT attidentity) = 3 FROM pg_attribute WHERE attrelid > 16384",
		"a generated column":               "SELECT EXISTS (SELECT FROM pg_attribute WHERE attgenerated = 's')",
		"a dropped column in the middle":   "SELECT attisdropped FROM pg_attribute WHERE attrelid = 'events'::regclass AND attnum = 2",
		"a reference to its own table":     "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = confrelid) AND EXISTS (SELECT FROM customers WHERE referrer_id IS NOT NULL)",
		"a circle of references":           "SELECT count(*) = 2 FROM pg_constraint WHERE conname IN ('teams_lead', 'employees_team')",
		"a deferrable reference":           "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND condeferred)",
		"a sequence never called":          "SELECT NOT is_called FROM unused_numbers",
		"a descending sequence":            "SELECT last_value = -5 FROM countdown",
		"a cached sequence":                "SELECT seqcache = 50 FROM pg_sequence WHERE seqrelid = 'ticket_numbers'::regclass",
		"rows without columns":             "SELECT count(*) = 3 FROM no_columns",
		"large objects":                    "SELECT count(*) >= 37 FROM pg_largeobject_metadata",
		"a populated materialized view":    "SELECT EXISTS (SELECT FROM reporting.yearly_revenue)",
		"an unpopulated materialized view": "SELECT NOT relispopulated FROM pg_class WHERE relname = 'someday'",
		"a trigger that worked":            "SELECT EXISTS (SELECT FROM orders WHERE updated_at IS NOT NULL)",
		"no unlogged table":                "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relpersistence = 'u')",
		"an owner who is no superuser":     "SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user",
	} {
		var yes bool
		if err := conn.QueryRow(context.Background(), query).Scan(&yes); err != nil || !yes {
			t.Errorf("%s: %v, %v", what, yes, err)
		}
	}
}
