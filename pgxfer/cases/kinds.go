package cases

// kinds are objects of kinds that few applications have, and that the other cases lack.
func kinds() []Case {
	return []Case{
		{Number: 11, Name: "what the owner of types can make", SQL: []string{
			`CREATE FUNCTION unqualified() RETURNS text LANGUAGE sql STABLE AS 'SELECT ''called''::text'`,
			`CREATE DOMAIN named_before AS text COLLATE "C" DEFAULT unqualified() CHECK (VALUE <> '')`, // the path was another one when it was made
			`CREATE DOMAIN unsure AS int`, `CREATE TABLE not_sure (n unsure)`, `INSERT INTO not_sure VALUES (-1)`, `ALTER DOMAIN unsure ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID`,
			`CREATE TYPE amount AS (units bigint, currency text)`, `CREATE FUNCTION amount_of(int) RETURNS amount LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, ''EUR'')::c11.amount'`,
			`CREATE CAST (int AS amount) WITH FUNCTION amount_of(int) AS ASSIGNMENT`, `COMMENT ON CAST (int AS amount) IS 'a cast; of "money"'`, `CREATE CAST (amount AS text[]) WITH INOUT`,
			`CREATE TABLE priced (id int PRIMARY KEY, price amount)`, `INSERT INTO priced VALUES (1, 5), (2, ROW(7, 'USD'))`,
			`CREATE FUNCTION smaller(amount, amount) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.units < $2.units'`, `CREATE FUNCTION larger(amount, amount) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.units > $2.units'`,
			`CREATE FUNCTION no_smaller(amount, amount) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.units >= $2.units'`, `CREATE FUNCTION negative(amount) RETURNS amount LANGUAGE sql IMMUTABLE AS 'SELECT ROW(-$1.units, $1.currency)::c11.amount'`,
			`CREATE OPERATOR <~ (LEFTARG = amount, RIGHTARG = amount, PROCEDURE = smaller, COMMUTATOR = >~, NEGATOR = !<~, RESTRICT = scalarltsel, JOIN = scalarltjoinsel)`,
			`CREATE OPERATOR >~ (LEFTARG = amount, RIGHTARG = amount, PROCEDURE = larger, COMMUTATOR = <~)`, `CREATE OPERATOR !<~ (LEFTARG = amount, RIGHTARG = amount, PROCEDURE = no_smaller, NEGATOR = <~)`,
			`CREATE OPERATOR -~ (RIGHTARG = amount, PROCEDURE = negative)`, `COMMENT ON OPERATOR -~ (NONE, amount) IS 'minus'`, `ALTER TABLE priced ADD CHECK (-~ price <~ amount_of(0))`,
			`CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`, `COMMENT ON CONVERSION latin IS 'as ever'`,
			`CREATE COLLATION "A; B" (lc_collate = 'C', lc_ctype = 'POSIX')`, `COMMENT ON COLLATION "A; B" IS 'mixed'`,
			`CREATE FUNCTION add_up(state amount, next amount) RETURNS amount LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1.units + $2.units, $1.currency)::c11.amount'`,
			`CREATE FUNCTION take_off(state amount, next amount) RETURNS amount LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1.units - $2.units, $1.currency)::c11.amount'`, `CREATE FUNCTION units_of(amount) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1.units'`, `ALTER FUNCTION units_of(amount) DEPENDS ON EXTENSION plpgsql`,
			`CREATE AGGREGATE add_all(price amount) (SFUNC = add_up, STYPE = amount, SSPACE = 64, FINALFUNC = units_of, COMBINEFUNC = add_up, INITCOND = '(0,"E\"UR")', MSFUNC = add_up, MINVFUNC = take_off, MSTYPE = amount,
				MFINALFUNC = units_of, MINITCOND = '(0,EUR)', PARALLEL = RESTRICTED)`,
			`CREATE AGGREGATE least_of(int) (SFUNC = int4smaller, STYPE = int, SORTOP = OPERATOR(pg_catalog.<))`,
		}, Ask: []string{
			`SELECT string_agg(p::text || (price)::text || (-~ price)::text, ';' ORDER BY id) FROM priced p`, `SELECT add_all(price) || ' ' || least_of(id) FROM priced`, `SELECT obj_description(oid, 'pg_cast') FROM pg_cast WHERE casttarget = 'amount'::regtype`,
			`SELECT string_agg(concat_ws(' ', oprname, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin), ';' ORDER BY oprname) FROM pg_operator WHERE oprnamespace = 'c11'::regnamespace`,
			`SELECT string_agg(conname || convalidated, ';' ORDER BY conname) FROM pg_constraint WHERE contypid = 'unsure'::regtype`, `SELECT collcollate || collctype FROM pg_collation WHERE collname = 'A; B'`,
			`SELECT string_agg(concat_ws(' ', aggfnoid::regprocedure, aggkind, aggtransspace, aggfinalextra, agginitval, aggminitval, aggcombinefn, aggminvtransfn), ';' ORDER BY aggfnoid::regprocedure::text) FROM pg_aggregate
				JOIN pg_proc p ON p.oid = aggfnoid WHERE pronamespace = 'c11'::regnamespace`,
			`SELECT conforencoding || conproc::text FROM pg_conversion WHERE conname = 'latin'`,
		}},
		{Number: 11, Name: "text search", SQL: []string{
			`CREATE TEXT SEARCH DICTIONARY "Stems" (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german)`, `COMMENT ON TEXT SEARCH DICTIONARY "Stems" IS 'stems'`,
			`CREATE TEXT SEARCH CONFIGURATION "Two Tongues" (PARSER = pg_catalog."default")`, `ALTER TEXT SEARCH CONFIGURATION "Two Tongues" ADD MAPPING FOR asciiword, word, int, "float" WITH "Stems", english_stem, simple`,
			`ALTER TEXT SEARCH CONFIGURATION "Two Tongues" ALTER MAPPING FOR int WITH simple`, `COMMENT ON TEXT SEARCH CONFIGURATION "Two Tongues" IS 'both'`,
			`CREATE TABLE searched (id int, v text)`, `INSERT INTO searched VALUES (1, 'Die Katzen 17'), (2, 'the cats')`, `CREATE INDEX ON searched USING gin (to_tsvector('c11."Two Tongues"', v))`,
		}, Ask: []string{`SELECT string_agg(to_tsvector('"Two Tongues"', v)::text, ';' ORDER BY id) FROM searched`}},
		{Number: 14, Name: "triggers of partitioned tables", From: 11, SQL: []string{
			`CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired; it must not'; END $$`,
			`CREATE TABLE watched (id int, v text) PARTITION BY RANGE (id)`, `CREATE TABLE watched_1 PARTITION OF watched FOR VALUES FROM (0) TO (10)`, `INSERT INTO watched VALUES (1, 'x')`,
			`CREATE TRIGGER after_row AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION noticed()`, `CREATE TRIGGER of_the_part BEFORE UPDATE ON watched_1 FOR EACH ROW EXECUTE FUNCTION noticed()`,
			`CREATE TABLE watched_2 PARTITION OF watched FOR VALUES FROM (10) TO (20)`,
		}, Ask: []string{`SELECT string_agg(tgrelid::regclass || tgname || tgenabled::text, ';' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'watched%'`}},
		// Names that newer servers put in quotes, and older ones do not.
		{Number: 1, Name: "words that became keywords", SQL: []string{
			`CREATE TABLE "normalize" ("json" text PRIMARY KEY, "json_table" int DEFAULT 3, "merge_action" text CHECK ("merge_action" <> 'json'))`, `INSERT INTO "normalize" VALUES ('{}', 1, 'x')`,
			`CREATE INDEX ON "normalize" ("json_table", lower("json"))`, `CREATE VIEW "json_array" AS SELECT "json", "json_table" FROM "normalize"`, `CREATE FUNCTION "json_scalar"(int) RETURNS int LANGUAGE sql AS 'SELECT $1'`,
			`COMMENT ON COLUMN "normalize"."json" IS 'a word'`, `CREATE SEQUENCE "json_exists" OWNED BY "normalize"."json_table"`,
		}, Ask: []string{`SELECT string_agg(a::text, ';') FROM "json_array" a`, `SELECT "json_scalar"(5)`}},
		{Number: 1, Name: "words that became keywords, where not every keyword may stand", SQL: []string{
			`CREATE FUNCTION takes("normalize" int, "json" int, "json_object" int DEFAULT 2, "merge_action" int DEFAULT 3) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 10 * $2 + 100 * $3 + 1000 * $4'`,
			`COMMENT ON FUNCTION takes(int, int, int, int) IS 'takes words'`, `CREATE FUNCTION gives("period" int, OUT "json" int, OUT "merge_action" text) RETURNS SETOF record LANGUAGE sql AS 'SELECT $1, ''x''::text'`,
			`CREATE FUNCTION gives_rows() RETURNS TABLE ("normalize" int, "json" int, "json_scalar" int) LANGUAGE sql AS 'SELECT 1, 2, 3'`,
			`CREATE AGGREGATE sums("json" int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')`, `CREATE TYPE "json_serialize" AS ("json" int, "merge_action" text, "period" date)`,
			`CREATE TABLE "json_arrayagg" ("json" int CONSTRAINT "json_query" PRIMARY KEY, "period" int DEFAULT takes("normalize" => 1, "json" => 2), "merge_action" "json_serialize",
				CONSTRAINT "json_value" CHECK (takes("normalize" => "json", "json" => 0, "merge_action" => 1) > 0))`,
			`INSERT INTO "json_arrayagg" VALUES (1, DEFAULT, ROW(1, 'x', '2020-02-02')), (2, 5, NULL)`, `CREATE INDEX "json_objectagg" ON "json_arrayagg" (takes("normalize" => "period", "json" => "json"))`,
			`CREATE VIEW "merge_action" AS SELECT takes("json" => a."json", "normalize" => 1) AS "json", "period" AS "normalize", sums(a."json") OVER "json_object" AS "period" FROM "json_arrayagg" a WINDOW "json_object" AS (ORDER BY "json")`,
			`CREATE MATERIALIZED VIEW "period" AS SELECT v."json", g."merge_action" FROM "merge_action" v, gives("period" => v."normalize") AS g("json", "merge_action")`,
		}, Ask: []string{
			`SELECT string_agg(a::text, ';' ORDER BY a."json") FROM "json_arrayagg" a`, `SELECT string_agg(v::text, ';' ORDER BY v."json") FROM "merge_action" v`, `SELECT string_agg(v::text, ';' ORDER BY v."json") FROM "period" v`,
			`SELECT takes("normalize" => 1, "json" => 2) + sums("json") FROM gives_rows()`, `SELECT obj_description('takes'::regproc)`, `SELECT (gives_rows()).json_scalar`,
			`SELECT string_agg(concat_ws(' ', proname, proargnames::text), ';' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'c01'::regnamespace`,
		}},
		// Nothing of these arrives, but what does is none the worse for it.
		{Number: 16, Name: "what only a superuser can make", After: []string{
			`CREATE FOREIGN DATA WRAPPER theirs OPTIONS (mode 'x')`, `CREATE TRUSTED LANGUAGE talk HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator`,
			`CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler`, `CREATE TRANSFORM FOR float8 LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION float8recv(internal))`,
			`COMMENT ON FOREIGN DATA WRAPPER theirs IS 'not ours'`, `COMMENT ON LANGUAGE talk IS 'theirs'`, `COMMENT ON ACCESS METHOD tree IS 'grows'`, `COMMENT ON TRANSFORM FOR float8 LANGUAGE sql IS 'both ways'`,
			`COMMENT ON PUBLICATION told IS 'news'`,
		}, Ask: []string{`SELECT count(*) FROM pg_namespace WHERE nspname = 'c16'`}},
	}
}
