package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/verify"
)

// kinds are objects of kinds that applications seldom have, by the first major that knows them. Some only a superuser may make.
var kinds = []struct {
	from int
	sql  []string
}{
	{0, []string{
		`CREATE SCHEMA "K k"`, `SET search_path = "K k"`, `COMMENT ON SCHEMA "K k" IS 'a schema'`,
		// A base type out of what the server has for integers, and one that was only announced.
		`CREATE TYPE num`, `CREATE FUNCTION num_in(cstring) RETURNS num LANGUAGE internal IMMUTABLE STRICT AS 'int4in'`,
		`CREATE FUNCTION num_out(num) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out'`,
		`CREATE TYPE num (INPUT = num_in, OUTPUT = num_out, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4, DEFAULT = '7')`, `CREATE TYPE announced`,
		`CREATE FUNCTION apart(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'`, `CREATE FUNCTION apart_too(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'`,
		`CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = apart)`, `CREATE TYPE words AS RANGE (SUBTYPE = text, SUBTYPE_OPCLASS = text_pattern_ops, COLLATION = "C")`,
		`CREATE DOMAIN guess AS text COLLATE "C" DEFAULT now()::text CONSTRAINT long CHECK (length(VALUE) > 1)`, `CREATE TYPE two AS (a int, b text)`,
		`CREATE FUNCTION to_num(int) RETURNS num LANGUAGE internal IMMUTABLE STRICT AS 'int4abs'`, `ALTER FUNCTION to_num(int) DEPENDS ON EXTENSION plpgsql`, `CREATE CAST (int AS num) WITH FUNCTION to_num(int)`, `COMMENT ON CAST (int AS num) IS 'a cast'`,
		`CREATE COLLATION plain (LOCALE = 'C')`, `CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`,
		// Operators and how indexes use them.
		`CREATE FUNCTION less(num, num) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int4lt'`, `CREATE FUNCTION more(num, num) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int4gt'`,
		`CREATE FUNCTION same(num, num) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int4eq'`, `CREATE FUNCTION order_of(num, num) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp'`,
		`CREATE FUNCTION order_too(num, num) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp'`,
		`CREATE OPERATOR < (LEFTARG = num, RIGHTARG = num, PROCEDURE = less, COMMUTATOR = >, RESTRICT = scalarltsel, JOIN = scalarltjoinsel)`, `CREATE OPERATOR > (LEFTARG = num, RIGHTARG = num, PROCEDURE = more, COMMUTATOR = <)`,
		`CREATE OPERATOR = (LEFTARG = num, RIGHTARG = num, PROCEDURE = same, COMMUTATOR = =, HASHES, MERGES)`, `CREATE FUNCTION minus(num) RETURNS num LANGUAGE internal IMMUTABLE STRICT AS 'int4um'`, `CREATE OPERATOR - (RIGHTARG = num, PROCEDURE = minus)`,
		`CREATE OPERATOR FAMILY nums USING btree`, `CREATE OPERATOR FAMILY empty USING hash`,
		`CREATE OPERATOR CLASS num_ops DEFAULT FOR TYPE num USING btree FAMILY nums AS OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >, FUNCTION 1 order_of(num, num)`,
		`CREATE TABLE sorted (n num)`, `CREATE INDEX ON sorted (n)`,
		`CREATE FUNCTION lower_of(num, num) RETURNS num LANGUAGE internal IMMUTABLE STRICT AS 'int4smaller'`,
		`CREATE AGGREGATE total(x float8) (SFUNC = float8pl, STYPE = float8, INITCOND = '0', COMBINEFUNC = float8pl, MSFUNC = float8pl, MINVFUNC = float8mi, MSTYPE = float8, MINITCOND = '0', PARALLEL = SAFE)`,
		`CREATE AGGREGATE lowest(num) (SFUNC = lower_of, STYPE = num, SORTOP = <)`, `CREATE AGGREGATE middle(float8 ORDER BY float8) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_cont_float8_final)`,
		// Text search.
		`CREATE TEXT SEARCH PARSER cutter (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline)`,
		`CREATE TEXT SEARCH TEMPLATE lower (INIT = dsimple_init, LEXIZE = dsimple_lexize)`, `CREATE TEXT SEARCH DICTIONARY lowered (TEMPLATE = lower, ACCEPT = true)`,
		`CREATE TEXT SEARCH CONFIGURATION mine (PARSER = cutter)`, `ALTER TEXT SEARCH CONFIGURATION mine ADD MAPPING FOR word, int WITH lowered, simple`,
		// What is elsewhere, and what only a superuser has.
		`CREATE FOREIGN DATA WRAPPER far OPTIONS (mode 'x')`, `CREATE SERVER "The Server" TYPE 'a' VERSION '1' FOREIGN DATA WRAPPER far OPTIONS (host 'there', password 'hunter2')`, `COMMENT ON SERVER "The Server" IS 'a server'`,
		`CREATE FOREIGN TABLE remote (id int OPTIONS (key 'secret of a column')) SERVER "The Server" OPTIONS (token 'secret of a table')`, `CREATE USER MAPPING FOR PUBLIC SERVER "The Server" OPTIONS (password 'x')`,
		`CREATE TRUSTED LANGUAGE talk HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator`, `COMMENT ON LANGUAGE talk IS 'a language'`,
		`CREATE TRANSFORM FOR float8 LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION float8recv(internal))`, `CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler`,
		// What more there is to say of relations.
		`CREATE TABLE ruled (a int, b int)`, `CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING`, `CREATE STATISTICS both_columns (dependencies) ON a, b FROM ruled`,
		// Words that became keywords between majors, which then print them with quotes.
		`CREATE TABLE worded ("json" text DEFAULT '"json"', "normalize" text, "merge_action" int, CHECK ("json" <> ''))`, `CREATE INDEX ON worded ("json", "normalize")`,
		`CREATE FUNCTION "json_scalar"("json" int) RETURNS int LANGUAGE sql AS 'SELECT $1'`, `COMMENT ON COLUMN worded."json" IS 'a word'`, `CREATE VIEW "json_table" AS SELECT "json" FROM worded`,
		`SELECT lo_create(900001)`, `COMMENT ON LARGE OBJECT 900001 IS 'an object'`,
	}},
	{11, []string{
		`CREATE TABLE parted (id int) PARTITION BY RANGE (id)`, `CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10)`, `CREATE INDEX whole ON ONLY parted (id)`, `CREATE INDEX piece ON part (id)`,
		`ALTER INDEX whole ATTACH PARTITION piece`, `CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
		`CREATE TRIGGER fired AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION fire()`,
	}},
	{12, []string{`CREATE COLLATION blind (PROVIDER = icu, LOCALE = '@colStrength=secondary', DETERMINISTIC = false)`, `CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler`, `CREATE TABLE piled (a int) USING pile`}},
	{13, []string{`ALTER STATISTICS both_columns SET STATISTICS 55`}},
	{14, []string{`CREATE TYPE many AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = many_of_them)`}},
	{15, []string{`CREATE UNLOGGED SEQUENCE quick`}},
	{16, []string{`CREATE COLLATION ruling (PROVIDER = icu, LOCALE = 'und', RULES = '&a < g')`}},
	{18, []string{`CREATE TABLE sure (a int CONSTRAINT must_be NOT NULL)`}},
}

// withKinds is a database that has them all. Nobody is connected to it, so it can be copied.
func withKinds(t *testing.T, cluster *localpg.Cluster, common int) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, cluster)
	var all []string
	for _, k := range kinds {
		if k.from <= common {
			all = append(all, k.sql...)
		}
	}
	pgtest.Exec(t, db.AdminConfig(cluster), all...)
	return db
}

// compareAsSuperuser compares what a customer of Heroku could not have made, too.
func compareAsSuperuser(t *testing.T, a *localpg.Cluster, source pgtest.DB, b *localpg.Cluster, target pgtest.DB) []pgxfer.Difference {
	t.Helper()
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: pgxfer.NewEndpoint("source", source.AdminConfig(a)), Target: pgxfer.NewEndpoint("target", target.AdminConfig(b)), Jobs: 1, Tag: "kinds",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range v.Differences {
		if d.Source == d.Target || strings.ContainsAny(d.Source+d.Target, "\n\t") || len(d.Source)+len(d.Target) > 500 || strings.Contains(d.Source+d.Target, "hunter") || strings.Contains(d.Source+d.Target, "secret") {
			t.Errorf("people cannot, or should not, read %+v", d)
		}
	}
	return v.Differences
}

// mustFind wants exactly these objects to differ in this way.
func mustFind(t *testing.T, got []pgxfer.Difference, kind string, objects ...string) {
	t.Helper()
	var want []pgxfer.Difference
	for _, object := range objects {
		want = append(want, pgxfer.Difference{Kind: kind, Object: object})
	}
	byObject := cmpopts.SortSlices(func(a, b pgxfer.Difference) bool { return a.Kind+a.Object < b.Kind+b.Object })
	if diff := cmp.Diff(want, got, byObject, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pgxfer.Difference{}, "Source", "Target")); diff != "" {
		t.Errorf("differences (-want +got):\n%s\n%+v", diff, got)
	}
}

// Every kind of object that somebody may make is compared: one that is missing, extra or different is found and named.
func TestEveryKindOfObjectIsCompared(t *testing.T) {
	major := pgtest.EveryMajor(t)[0].Major
	cluster := pgtest.Shared(t, major)
	source := withKinds(t, cluster, major)
	defer pgtest.Exec(t, cluster.AdminConfig(), "DROP DATABASE IF EXISTS "+source.Name+"_copy WITH (FORCE)")
	if got := compareAsSuperuser(t, cluster, source, cluster, source); len(got) > 0 {
		t.Fatalf("it differs from itself: %+v", got)
	}
	for _, c := range []struct {
		changes     []change
		forth, back string
	}{{gone, "missing", "extra"}, {changed, "definition", "definition"}} {
		for _, round := range rounds(c.changes, major) {
			t.Run(round.change, func(t *testing.T) {
				target := duplicate(t, cluster, source)
				pgtest.Exec(t, target.AdminConfig(cluster), `SET search_path = "K k"`, round.change)
				mustFind(t, compareAsSuperuser(t, cluster, source, cluster, target), c.forth, round.objects...)
				mustFind(t, compareAsSuperuser(t, cluster, target, cluster, source), c.back, round.objects...)
			})
		}
	}
}

// rounds puts changes of different objects together: copies of databases take their time.
func rounds(changes []change, major int) (list []change) {
	for _, c := range changes {
		if major < c.from {
			continue
		}
		n := slices.IndexFunc(list, func(round change) bool {
			return !slices.ContainsFunc(c.objects, func(object string) bool { return slices.Contains(round.objects, object) })
		})
		if n < 0 {
			n, list = len(list), append(list, change{})
		}
		list[n].change += c.change + ";\n"
		list[n].objects = append(list[n].objects, c.objects...)
	}
	return list
}

// change is something done to a copy, and what is found then.
type change struct {
	change  string
	objects []string
	from    int // the first major that can do it
}

// gone are objects that the target lacks.
var gone = []change{
	{change: `DROP TYPE announced`, objects: []string{`type "K k".announced`}},
	{change: `DROP TYPE span`, objects: []string{`type "K k".span`}},
	{change: `DROP DOMAIN guess`, objects: []string{`type "K k".guess`}},
	{change: `COMMENT ON CAST (int AS num) IS NULL`, objects: []string{`comment on cast (integer AS "K k".num)`}},
	{change: `DROP CAST (int AS num)`, objects: []string{`cast (integer AS "K k".num)`, `comment on cast (integer AS "K k".num)`}},
	{change: `ALTER FUNCTION to_num(int) NO DEPENDS ON EXTENSION plpgsql`, objects: []string{`dependence of function "K k".to_num(integer) on extension plpgsql`}, from: 13},
	{change: `DROP COLLATION plain`, objects: []string{`collation "K k".plain`}},
	{change: `DROP CONVERSION latin`, objects: []string{`conversion "K k".latin`}},
	{change: `DROP OPERATOR - (NONE, num)`, objects: []string{`operator "K k".-(NONE,"K k".num)`}},
	{change: `DROP OPERATOR FAMILY empty USING hash`, objects: []string{`operator family "K k".empty using hash`}},
	{
		change:  `DROP INDEX sorted_n_idx; DROP OPERATOR CLASS num_ops USING btree; ALTER OPERATOR FAMILY nums USING btree ADD OPERATOR 1 < (num, num), OPERATOR 3 = (num, num), OPERATOR 5 > (num, num), FUNCTION 1 order_of(num, num)`,
		objects: []string{`operator class "K k".num_ops using btree`, `index "K k".sorted_n_idx`},
	},
	{change: `DROP AGGREGATE total(float8)`, objects: []string{`aggregate "K k".total(double precision)`}},
	{change: `DROP AGGREGATE middle(float8 ORDER BY float8)`, objects: []string{`aggregate "K k".middle(double precision,double precision)`}},
	{change: `ALTER TEXT SEARCH CONFIGURATION mine DROP MAPPING FOR int`, objects: []string{`mapping for "int" of text search configuration "K k".mine`}},
	{change: `DROP TEXT SEARCH CONFIGURATION mine`, objects: []string{
		`text search configuration "K k".mine`, `mapping for "int" of text search configuration "K k".mine`, `mapping for word of text search configuration "K k".mine`,
	}},
	{change: `DROP TEXT SEARCH PARSER cutter CASCADE`, objects: []string{
		`text search parser "K k".cutter`, `text search configuration "K k".mine`,
		`mapping for "int" of text search configuration "K k".mine`, `mapping for word of text search configuration "K k".mine`,
	}},
	{change: `COMMENT ON SERVER "The Server" IS NULL`, objects: []string{`comment on server "The Server"`}},
	{change: `DROP TEXT SEARCH TEMPLATE lower CASCADE`, objects: []string{
		`text search template "K k".lower`, `text search dictionary "K k".lowered`, `text search configuration "K k".mine`,
		`mapping for "int" of text search configuration "K k".mine`, `mapping for word of text search configuration "K k".mine`,
	}},
	{change: `DROP SERVER "The Server" CASCADE`, objects: []string{`server "The Server"`, `comment on server "The Server"`, `table "K k".remote`, `column "K k".remote.id`}},
	{change: `DROP FOREIGN DATA WRAPPER far CASCADE`, objects: []string{
		`foreign-data wrapper far`, `server "The Server"`, `comment on server "The Server"`, `table "K k".remote`, `column "K k".remote.id`,
	}},
	{
		change:  `DELETE FROM pg_amop WHERE amopstrategy = 5 AND amopfamily = (SELECT oid FROM pg_opfamily WHERE opfname = 'nums')`,
		objects: []string{`operator 5 ("K k".num, "K k".num) of operator family "K k".nums using btree`},
	},
	{change: `DROP TRANSFORM FOR float8 LANGUAGE sql`, objects: []string{`transform for double precision language sql`}},
	{change: `DROP LANGUAGE talk`, objects: []string{`language talk`, `comment on language talk`}},
	{change: `COMMENT ON LANGUAGE talk IS NULL`, objects: []string{`comment on language talk`}},
	{change: `DROP ACCESS METHOD tree`, objects: []string{`access method tree`}},
	{change: `COMMENT ON SCHEMA "K k" IS NULL`, objects: []string{`comment on schema "K k"`}},
	{change: `COMMENT ON LARGE OBJECT 900001 IS NULL`, objects: []string{`comment on large object 900001`}},
	{change: `DROP RULE nothing ON ruled`, objects: []string{`rule nothing on "K k".ruled`}},
	{change: `DROP STATISTICS both_columns`, objects: []string{`statistics "K k".both_columns`}},
	{change: `DROP COLLATION blind`, objects: []string{`collation "K k".blind`}},
	{change: `DROP FOREIGN TABLE remote`, objects: []string{`table "K k".remote`, `column "K k".remote.id`}},
}

// changed are objects that both sides have.
var changed = []change{
	{change: `UPDATE pg_type SET typdefault = '8' WHERE typname = 'num'`, objects: []string{`type "K k".num`}},
	{change: `UPDATE pg_type SET typsend = 'int4send'::regproc WHERE typname = 'num'`, objects: []string{`type "K k".num`}},
	{change: `DROP TYPE span; CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = apart_too)`, objects: []string{`type "K k".span`}},
	{change: `DROP TYPE words; CREATE TYPE words AS RANGE (SUBTYPE = text, COLLATION = "C")`, objects: []string{`type "K k".words`}},
	{change: `DROP TYPE words; CREATE TYPE words AS RANGE (SUBTYPE = text, SUBTYPE_OPCLASS = text_pattern_ops)`, objects: []string{`type "K k".words`}},
	{change: `DROP TYPE many; CREATE TYPE many AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = others)`, objects: []string{`type "K k".many`}, from: 14},
	{change: `ALTER DOMAIN guess DROP CONSTRAINT long; ALTER DOMAIN guess ADD CONSTRAINT long CHECK (length(VALUE) > 1) NOT VALID`, objects: []string{`type "K k".guess`}},
	{change: `DROP DOMAIN guess; CREATE DOMAIN guess AS text DEFAULT now()::text CONSTRAINT long CHECK (length(VALUE) > 1)`, objects: []string{`type "K k".guess`}},
	{change: `ALTER DOMAIN guess SET DEFAULT 'now'`, objects: []string{`type "K k".guess`}},
	{change: `DROP TYPE two; CREATE TYPE two AS (b text, a int)`, objects: []string{`type "K k".two`}},
	{change: `DROP CAST (int AS num); CREATE CAST (int AS num) WITH FUNCTION to_num(int) AS ASSIGNMENT; COMMENT ON CAST (int AS num) IS 'a cast'`, objects: []string{`cast (integer AS "K k".num)`}},
	{change: `DROP CAST (int AS num); CREATE CAST (int AS num) WITHOUT FUNCTION; COMMENT ON CAST (int AS num) IS 'a cast'`, objects: []string{`cast (integer AS "K k".num)`}},
	{change: `DROP COLLATION plain; CREATE COLLATION plain (LOCALE = 'POSIX')`, objects: []string{`collation "K k".plain`}},
	{change: `DROP COLLATION blind; CREATE COLLATION blind (PROVIDER = icu, LOCALE = '@colStrength=secondary')`, objects: []string{`collation "K k".blind`}, from: 12},
	{change: `DROP COLLATION blind; CREATE COLLATION blind (PROVIDER = icu, LOCALE = '@colStrength=primary', DETERMINISTIC = false)`, objects: []string{`collation "K k".blind`}, from: 12},
	{change: `DROP COLLATION ruling; CREATE COLLATION ruling (PROVIDER = icu, LOCALE = 'und', RULES = '&b < g')`, objects: []string{`collation "K k".ruling`}, from: 16},
	{change: `DROP CONVERSION latin; CREATE DEFAULT CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`, objects: []string{`conversion "K k".latin`}},
	{change: `ALTER OPERATOR < (num, num) SET (RESTRICT = NONE)`, objects: []string{`operator "K k".<("K k".num,"K k".num)`}},
	{change: `UPDATE pg_operator SET oprcanhash = false WHERE oprcode = 'same'::regproc`, objects: []string{`operator "K k".=("K k".num,"K k".num)`}},
	{change: `UPDATE pg_operator SET oprcode = 'to_num'::regproc WHERE oprcode = 'minus'::regproc`, objects: []string{`operator "K k".-(NONE,"K k".num)`}},
	{change: `UPDATE pg_amproc SET amproc = 'order_too'::regproc WHERE amproc = 'order_of'::regproc`, objects: []string{`function 1 ("K k".num, "K k".num) of operator family "K k".nums using btree`}},
	{change: `UPDATE pg_opclass SET opcdefault = false WHERE opcname = 'num_ops'`, objects: []string{`operator class "K k".num_ops using btree`, `index "K k".sorted_n_idx`}},
	{change: `UPDATE pg_aggregate SET agginitval = '1' WHERE aggfnoid = 'total'::regproc`, objects: []string{`aggregate "K k".total(double precision)`}},
	{change: `UPDATE pg_aggregate SET aggcombinefn = 0 WHERE aggfnoid = 'total'::regproc`, objects: []string{`aggregate "K k".total(double precision)`}},
	{change: `UPDATE pg_aggregate SET aggminvtransfn = 'float8pl'::regproc WHERE aggfnoid = 'total'::regproc`, objects: []string{`aggregate "K k".total(double precision)`}},
	{change: `UPDATE pg_aggregate SET aggfinalmodify = 's' WHERE aggfnoid = 'total'::regproc`, objects: []string{`aggregate "K k".total(double precision)`}, from: 11},
	{change: `UPDATE pg_proc SET proparallel = 'u' WHERE proname = 'total'`, objects: []string{`aggregate "K k".total(double precision)`}},
	{change: `UPDATE pg_aggregate SET aggsortop = 0 WHERE aggfnoid = 'lowest'::regproc`, objects: []string{`aggregate "K k".lowest("K k".num)`}},
	{change: `ALTER TEXT SEARCH DICTIONARY lowered (ACCEPT = false)`, objects: []string{`text search dictionary "K k".lowered`}},
	{change: `ALTER TEXT SEARCH CONFIGURATION mine ALTER MAPPING FOR int WITH simple, lowered`, objects: []string{`mapping for "int" of text search configuration "K k".mine`}},
	{change: `UPDATE pg_ts_config SET cfgparser = (SELECT oid FROM pg_ts_parser WHERE prsname = 'default') WHERE cfgname = 'mine'`, objects: []string{`text search configuration "K k".mine`}},
	{change: `UPDATE pg_ts_parser SET prsheadline = 0 WHERE prsname = 'cutter'`, objects: []string{`text search parser "K k".cutter`}},
	{change: `UPDATE pg_ts_template SET tmplinit = 0 WHERE tmplname = 'lower'`, objects: []string{`text search template "K k".lower`}},
	{change: `ALTER FOREIGN DATA WRAPPER far OPTIONS (SET mode 'y')`, objects: []string{`foreign-data wrapper far`}},
	{change: `ALTER SERVER "The Server" OPTIONS (SET password 'hunter3')`, objects: []string{`server "The Server"`}},
	{change: `ALTER SERVER "The Server" OPTIONS (DROP password)`, objects: []string{`server "The Server"`}},
	{change: `ALTER SERVER "The Server" VERSION '2'`, objects: []string{`server "The Server"`}},
	{change: `COMMENT ON SERVER "The Server" IS 'another'`, objects: []string{`comment on server "The Server"`}},
	{change: `ALTER FOREIGN TABLE remote OPTIONS (SET token 'another secret')`, objects: []string{`table "K k".remote`}},
	{change: `ALTER FOREIGN TABLE remote ALTER id OPTIONS (SET key 'another secret')`, objects: []string{`column "K k".remote.id`}},
	{change: `UPDATE pg_language SET lanpltrusted = false WHERE lanname = 'talk'`, objects: []string{`language talk`}},
	{change: `UPDATE pg_transform SET trftosql = 0`, objects: []string{`transform for double precision language sql`}},
	{change: `UPDATE pg_am SET amhandler = 'hashhandler'::regproc WHERE amname = 'tree'`, objects: []string{`access method tree`}},
	{change: `ALTER TABLE ruled DISABLE RULE nothing`, objects: []string{`rule nothing on "K k".ruled`}},
	{change: `ALTER STATISTICS both_columns SET STATISTICS 56`, objects: []string{`statistics "K k".both_columns`}, from: 13},
	{change: `DELETE FROM pg_inherits WHERE inhrelid = 'piece'::regclass`, objects: []string{`index "K k".piece`}, from: 11},
	{change: `ALTER TABLE part DISABLE TRIGGER fired`, objects: []string{`trigger fired on "K k".part`}, from: 15},
	{change: `ALTER TABLE piled SET ACCESS METHOD heap`, objects: []string{`table "K k".piled`}, from: 15},
	{change: `ALTER SEQUENCE quick SET LOGGED`, objects: []string{`sequence "K k".quick`}, from: 15},
	{change: `UPDATE pg_constraint SET convalidated = false WHERE conname = 'must_be'`, objects: []string{`column "K k".sure.a`}, from: 18},
	{change: `ALTER TABLE sure ALTER CONSTRAINT must_be NO INHERIT`, objects: []string{`column "K k".sure.a`}, from: 18},
}

// Any server can be the source and any newer one the target, for all of this too.
func TestEveryKindIsTheSameOnEveryMajor(t *testing.T) {
	majors := pgtest.EveryMajor(t)
	if len(majors) < 2 {
		t.Skip("NOT TESTED: only one major of PostgreSQL is installed")
	}
	for n, older := range majors[1:] {
		a := pgtest.Shared(t, older.Major)
		source := withKinds(t, a, older.Major)
		for _, newer := range majors[:n+1] {
			t.Run(fmt.Sprintf("%d and %d", older.Major, newer.Major), func(t *testing.T) {
				b := pgtest.Shared(t, newer.Major)
				target := withKinds(t, b, older.Major)
				mustFind(t, compareAsSuperuser(t, a, source, b, target), "")
				mustFind(t, compareAsSuperuser(t, b, target, a, source), "")
			})
		}
	}
}

// What a restore by a customer leaves out and reports is no difference, but said. All else is one, for a customer too.
func TestWhatOnlyASuperuserMakesIsSaid(t *testing.T) {
	cluster := pgtest.Shared(t)
	source, target := pgtest.Database(t, cluster), pgtest.Database(t, cluster)
	theirs := []string{
		`CREATE FOREIGN DATA WRAPPER far`, `CREATE TRUSTED LANGUAGE talk HANDLER plpgsql_call_handler`, `COMMENT ON LANGUAGE talk IS 'a language'`, `CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler`,
		`CREATE TRANSFORM FOR float8 LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION float8recv(internal))`,
		`CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'`, `CREATE EVENT TRIGGER theirs ON ddl_command_end EXECUTE FUNCTION on_event()`,
	}
	pgtest.Exec(t, source.AdminConfig(cluster), theirs...)
	pgtest.Exec(t, target.AdminConfig(cluster), theirs[5], `CREATE FOREIGN DATA WRAPPER far OPTIONS (mode 'x')`)
	obs := &recorder{}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: endpoint(t, source), Target: endpoint(t, target), Jobs: 1, Tag: "excuses"}, obs)
	if err != nil {
		t.Fatal(err)
	}
	mustFind(t, v.Differences, "")
	var said []string
	for _, e := range obs.events {
		said = append(said, e.Text)
	}
	all := strings.Join(said, "\n")
	for _, object := range []string{
		"definition foreign-data wrapper far", "missing language talk", "missing comment on language talk", "missing access method tree", "missing transform for double precision language sql",
	} {
		if !strings.Contains(all, object) {
			t.Errorf("%q is not said in\n%s", object, all)
		}
	}
	mustFind(t, compareAsSuperuser(t, cluster, source, cluster, target)[:1], "definition", "foreign-data wrapper far")
	pgtest.Exec(t, source.AdminConfig(cluster), `CREATE SERVER there FOREIGN DATA WRAPPER far`)
	mustFind(t, compare(t, source, target).Differences, "missing", "server there")
}
