package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// belongings are objects of every kind that a role can own, each by what is found and the statements that make it: those after the first
// by a superuser.
var belongings = []struct {
	found string
	sql   []string
}{
	{"table public.t", []string{`CREATE TABLE t ()`}},
	{"table public.p", []string{`CREATE TABLE p (a int) PARTITION BY LIST (a)`}},
	{"view public.v", []string{`CREATE VIEW v AS SELECT 1`}},
	{"materialized view public.m", []string{`CREATE MATERIALIZED VIEW m AS SELECT 1`}},
	{"sequence public.s", []string{`CREATE SEQUENCE s`}},
	{"function public.f", []string{`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`}},
	{"function public.proc", []string{`CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1'`}},
	{"function public.agg", []string{`CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int)`}},
	{"type public.e", []string{`CREATE TYPE e AS ENUM ('a')`}},
	{"type public.r", []string{`CREATE TYPE r AS RANGE (SUBTYPE = int)`}},
	{"type public.c", []string{`CREATE TYPE c AS (a int)`}},
	{"type public.d", []string{`CREATE DOMAIN d AS int`}},
	{"type public.many", []string{`CREATE DOMAIN many AS int[]`}},
	{"operator public.=~=", []string{`CREATE OPERATOR =~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)`}},
	{"operator public.-~", []string{`CREATE OPERATOR -~ (RIGHTARG = int, FUNCTION = int4um)`}},
	{"operator family public.O F", []string{``, `CREATE OPERATOR FAMILY "O F" USING btree`, `ALTER OPERATOR FAMILY "O F" USING btree OWNER TO $OWNER`}},
	{"operator class public.oc", []string{
		``, `CREATE OPERATOR CLASS oc FOR TYPE int USING btree FAMILY integer_ops AS STORAGE int`, `ALTER OPERATOR CLASS oc USING btree OWNER TO $OWNER`,
	}},
	{"conversion public.Con", []string{`CREATE CONVERSION "Con" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`}},
	{"collation public.col", []string{`CREATE COLLATION col (LOCALE = 'C')`}},
	{"text search configuration public.Conf", []string{`CREATE TEXT SEARCH CONFIGURATION "Conf" (PARSER = "default")`}},
	{"text search dictionary public.dict", []string{`CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple)`}},
	{"cast citext AS integer", []string{`CREATE CAST (citext AS int) WITH INOUT`}},
	{"server far", []string{`CREATE SERVER far FOREIGN DATA WRAPPER w`}},
	{"foreign table public.ft", []string{`CREATE SERVER near FOREIGN DATA WRAPPER w`, `CREATE FOREIGN TABLE ft () SERVER near`, `ALTER TABLE ft OWNER TO $OWNER`}},
}

// Whatever there is of an interrupted attempt is seen and goes, so that it can be made again; what others brought along stays.
func TestNothingIsForgotten(t *testing.T) {
	for _, installed := range pgtest.Majors(t) {
		if installed.Major < 13 { // no target
			continue
		}
		t.Run(installed.Version, func(t *testing.T) {
			server := pgtest.Shared(t, installed.Major)
			db := pgtest.Database(t, server)
			super, owner := pgtest.Connect(t, db.AdminConfig(server)), db.Connect(t)
			exec := func(conn *pgx.Conn, sql string) {
				t.Helper()
				if _, err := conn.Exec(t.Context(), strings.ReplaceAll(sql, "$OWNER", db.Owner), pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%v in %s", err, sql)
				}
			}
			for _, sql := range []string{
				`GRANT ALL ON SCHEMA public TO $OWNER`, `CREATE EXTENSION citext`, `CREATE EXTENSION unaccent`, `CREATE EXTENSION btree_gin`, `ALTER TYPE citext OWNER TO $OWNER`,
				`ALTER TEXT SEARCH DICTIONARY unaccent OWNER TO $OWNER`, `ALTER OPERATOR FAMILY citext_ops USING btree OWNER TO $OWNER`, `ALTER OPERATOR = (citext, citext) OWNER TO $OWNER`,
				`CREATE FOREIGN DATA WRAPPER w`, `GRANT USAGE ON FOREIGN DATA WRAPPER w TO $OWNER`, `CREATE SCHEMA _heroku AUTHORIZATION $OWNER`, `CREATE COLLATION _heroku.c (LOCALE = 'C')`,
			} {
				exec(super, sql)
			}
			empty := func(when string) {
				t.Helper()
				if err := schema.MustBeEmpty(t.Context(), owner); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			empty("at first")
			fill := func(sql []string) {
				for i, s := range sql {
					if conn := []*pgx.Conn{owner, super}[min(i, 1)]; s != "" {
						exec(conn, s)
					}
				}
			}
			for _, b := range belongings {
				fill(b.sql)
				found, err := schema.Contents(t.Context(), owner)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(strings.Join(found, "\n")+"\n", b.found+"\n") {
					t.Errorf("after %s, found %q", b.sql, found)
				}
				if err := schema.MustBeEmpty(t.Context(), owner); !errors.Is(err, pgxfer.ErrTargetNotEmpty) {
					t.Errorf("with a %s: %v", b.found, err)
				}
				if err := schema.Reset(t.Context(), owner); err != nil {
					t.Fatalf("dropping a %s: %v", b.found, err)
				}
				empty("without the " + b.found)
			}
			for range 2 { // all of them at once
				for _, b := range belongings {
					fill(b.sql)
				}
				if err := schema.Reset(t.Context(), owner); err != nil {
					t.Fatal(err)
				}
			}
			empty("in the end")
			var stay []string
			if err := super.QueryRow(t.Context(), `SELECT ARRAY[(SELECT count(*) FROM pg_ts_dict WHERE dictname = 'unaccent'), (SELECT count(*) FROM pg_opfamily WHERE opfname = 'citext_ops'),
				(SELECT count(*) FROM pg_collation WHERE collname = 'c'), (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_operator WHERE oprname = '=' AND oprleft = 'citext'::regtype)]::text[]`).Scan(&stay); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"1", "2", "1", "4", "1"}, stay); diff != "" {
				t.Errorf("what others own (-want +got):\n%s", diff)
			}
		})
	}
}
