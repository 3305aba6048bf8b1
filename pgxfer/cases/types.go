package cases

func types() []Case {
	return []Case{
		{Number: 11, Name: "types", SQL: []string{
			`CREATE TYPE mood AS ENUM ('fine', 'bad')`, `ALTER TYPE mood ADD VALUE 'great' BEFORE 'fine'`, `ALTER TYPE mood ADD VALUE 'so so' AFTER 'fine'`,
			`CREATE DOMAIN some_moods AS mood[] CHECK (array_length(VALUE, 1) < 5)`, `CREATE DOMAIN few AS int DEFAULT 3 CONSTRAINT small CHECK (VALUE < 10)`, `CREATE DOMAIN fewer AS few NOT NULL CHECK (VALUE > 0)`,
			`CREATE TYPE inner_type AS (n fewer, t text)`, `CREATE TYPE outer_type AS (i inner_type, list inner_type[], m some_moods)`,
			`CREATE FUNCTION apart(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'`,
			`CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = apart)`, `CREATE TYPE words_between AS RANGE (subtype = text, collation = "C")`,
			`CREATE TABLE typed (id int PRIMARY KEY, m mood, ms some_moods, f fewer, o outer_type, s span, os outer_type[], w words_between)`,
			`INSERT INTO typed VALUES (1, 'great', ARRAY['bad', 'so so']::mood[], 4, ROW(ROW(1, 'a,"b'), ARRAY[ROW(2, NULL)::inner_type, NULL], ARRAY['fine']::mood[])::outer_type, '[1.5,2.5)', NULL, '(B,a]'),
				(2, 'so so', NULL, 1, NULL, 'empty', ARRAY[NULL, ROW(NULL, NULL, NULL)::outer_type], NULL)`,
			`CREATE INDEX ON typed (m)`, `CREATE INDEX ON typed USING gist (s)`,
			`CREATE FUNCTION longest_step(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN pg_catalog.length($2) > pg_catalog.length($1) THEN $2 ELSE $1 END'`,
			`CREATE AGGREGATE longest(text) (SFUNC = longest_step, STYPE = text, INITCOND = '', PARALLEL = SAFE)`, `CREATE AGGREGATE longest_within(ORDER BY text) (SFUNC = longest_step, STYPE = text, INITCOND = '')`,
			`CREATE FUNCTION near(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.abs($1 - $2) < 3'`, `CREATE OPERATOR ~=~ (LEFTARG = int, RIGHTARG = int, PROCEDURE = near, COMMUTATOR = ~=~)`,
			`CREATE VIEW near_ones AS SELECT id FROM typed WHERE id OPERATOR(c11.~=~) 2`, `CREATE CAST (inner_type AS text) WITH INOUT AS ASSIGNMENT`,
			`CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, STOPWORDS = english)`, `CREATE TEXT SEARCH CONFIGURATION mine (COPY = english)`, `ALTER TEXT SEARCH CONFIGURATION mine ALTER MAPPING FOR asciiword WITH plain`,
			`CREATE COLLATION german (locale = 'C')`, `CREATE TABLE collated (v text COLLATE german)`, `CREATE INDEX ON collated (v)`, `INSERT INTO collated VALUES ('ä'), ('b')`,
			`CREATE TABLE of_type OF inner_type (PRIMARY KEY (n))`, `INSERT INTO of_type VALUES (5, 'five')`,
		}, Ask: []string{
			`SELECT string_agg(t::text, ';' ORDER BY id) FROM typed t`, `SELECT string_agg(enumlabel, ';' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = 'mood'::regtype`, `SELECT longest(t) FROM (SELECT (o).i.t FROM typed) x`,
			`SELECT string_agg(id::text, ',') FROM near_ones`, `SELECT to_tsvector('mine', 'The cats')`, `SELECT string_agg(pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE connamespace = 'c11'::regnamespace AND contypid <> 0 AND contype = 'c'`,
		}},
		{Number: 11, Name: "multiranges and procedures", From: 14, SQL: []string{
			`CREATE TABLE multi (spans span_multirange, days datemultirange)`, `INSERT INTO multi VALUES ('{[1,2),[3,4)}', '{}'), (NULL, '{[2020-01-01,)}')`,
			`CREATE PROCEDURE do_nothing(INOUT n int) LANGUAGE sql AS 'SELECT $1'`, `CREATE FUNCTION inlined(a int, b int DEFAULT 2) RETURNS int RETURN a + b`,
			`CREATE FUNCTION standard() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM multi; END`,
		}, Ask: []string{`SELECT string_agg(m::text, ';' ORDER BY spans) FROM multi m`, `SELECT inlined(1)`, `SELECT standard()`}},
		{
			Number: 19, Name: "collations", From: 12, SQL: []string{
				`DO $$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i') THEN
				CREATE COLLATION c19.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
				ELSE CREATE COLLATION c19.blind (locale = 'C'); END IF; END $$`,
				`CREATE TABLE sorted (v text COLLATE blind PRIMARY KEY, w text)`, `INSERT INTO sorted SELECT md5(n::text), md5(n::text) FROM generate_series(1, 200) n`, `CREATE INDEX ON sorted (w COLLATE blind, v)`,
				`DO $$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i') THEN CREATE COLLATION c19.aged (provider = icu, locale = 'de'); ELSE CREATE COLLATION c19.aged (locale = 'C'); END IF; END $$`,
				`CREATE TABLE aging (v text COLLATE aged)`, `CREATE INDEX ON aging (v)`, `INSERT INTO aging VALUES ('z'), ('A'), ('a')`,
			}, After: []string{`UPDATE pg_collation SET collversion = '0.1-of-another-library' WHERE collname = 'aged' AND collprovider = 'i'`},
			Ask: []string{`SELECT count(*) FROM sorted WHERE v = upper(w) OR v = w`, `SELECT string_agg(v, ',' ORDER BY v) FROM aging`, `SELECT collisdeterministic FROM pg_collation WHERE collname = 'blind'`},
		},
	}
}

func views() []Case {
	return []Case{
		{Number: 12, Name: "views", SQL: []string{
			`CREATE TABLE base (id int PRIMARY KEY, name text, v int)`, `INSERT INTO base SELECT n, 'name ' || n, n % 7 FROM generate_series(1, 200) n`,
			`CREATE MATERIALIZED VIEW z_first AS SELECT id, v FROM base WHERE id < 50`, `CREATE VIEW y_between AS SELECT v, count(*) AS n FROM z_first GROUP BY v`,
			`CREATE MATERIALIZED VIEW a_second AS SELECT v, n FROM y_between`, `CREATE UNIQUE INDEX ON a_second (v)`, `CREATE INDEX ON z_first (v)`, `ALTER MATERIALIZED VIEW z_first CLUSTER ON z_first_v_idx`,
			`CREATE MATERIALIZED VIEW not_yet AS SELECT id FROM base WITH NO DATA`, `CREATE INDEX ON not_yet (id)`,
			`CREATE VIEW grouped AS SELECT id, name, count(*) AS n FROM base GROUP BY id`, // depends on the primary key, so it comes after the rows
			`CREATE MATERIALIZED VIEW from_grouped AS SELECT n, count(*) AS m FROM grouped GROUP BY n`, `CREATE UNIQUE INDEX from_grouped_n ON from_grouped (n)`, `CREATE VIEW on_that AS SELECT m FROM from_grouped`,
			`CREATE VIEW hen AS SELECT 1 AS x`, `CREATE VIEW egg AS SELECT x FROM hen`, `CREATE OR REPLACE VIEW hen AS SELECT x FROM egg`,
			`CREATE VIEW careful WITH (security_barrier) AS SELECT id FROM base WHERE v > 3`, `CREATE VIEW checked AS SELECT id, v FROM base WHERE v < 5 WITH LOCAL CHECK OPTION`, `CREATE RECURSIVE VIEW counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5`,
			`COMMENT ON COLUMN z_first.v IS 'of a materialized view'`,
		}, Ask: []string{
			`SELECT string_agg(a::text, ';' ORDER BY v) FROM a_second a`, `SELECT relispopulated FROM pg_class WHERE oid = 'not_yet'::regclass`, `SELECT sum(m) FROM on_that`,
			`SELECT string_agg(c.relname, ';' ORDER BY 1) FROM (SELECT relname FROM pg_class WHERE relnamespace = 'c12'::regnamespace AND relkind IN ('i', 'v', 'm') ORDER BY 1) c`,
			`SELECT count(*) FROM careful`, `SELECT sum(n) FROM counting`, `SELECT col_description('z_first'::regclass, 2)`,
		}},
	}
}

func behaviour() []Case {
	return []Case{
		{Number: 14, Name: "triggers", SQL: []string{
			`CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired; it must not'; END $$`,
			`CREATE TABLE guarded (id int PRIMARY KEY, v text)`, `INSERT INTO guarded SELECT n, 'v' FROM generate_series(1, 20) n`,
			`CREATE TRIGGER enabled BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE PROCEDURE shout()`, `CREATE TRIGGER disabled AFTER INSERT ON guarded FOR EACH ROW EXECUTE PROCEDURE shout()`,
			`CREATE TRIGGER always BEFORE INSERT ON guarded FOR EACH STATEMENT EXECUTE PROCEDURE shout()`, `CREATE TRIGGER on_replica BEFORE TRUNCATE ON guarded FOR EACH STATEMENT EXECUTE PROCEDURE shout()`,
			`CREATE CONSTRAINT TRIGGER deferred AFTER UPDATE ON guarded DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id > 3) EXECUTE PROCEDURE shout()`,
			`CREATE TRIGGER watching AFTER DELETE ON guarded REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE PROCEDURE shout()`,
			`ALTER TABLE guarded DISABLE TRIGGER disabled`, `ALTER TABLE guarded ENABLE ALWAYS TRIGGER always`, `ALTER TABLE guarded ENABLE REPLICA TRIGGER on_replica`, `COMMENT ON TRIGGER always ON guarded IS 'loud'`,
			`CREATE RULE nothing AS ON DELETE TO guarded DO INSTEAD NOTHING`, `ALTER TABLE guarded DISABLE RULE nothing`, `CREATE RULE also AS ON INSERT TO guarded DO ALSO SELECT 1`,
		}, Ask: []string{
			`SELECT string_agg(tgname || tgenabled::text || tgdeferrable || tgtype, ';' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'guarded'::regclass AND NOT tgisinternal`,
			`SELECT string_agg(rulename || ev_enabled::text, ';' ORDER BY rulename) FROM pg_rewrite WHERE ev_class = 'guarded'::regclass`, `SELECT count(*) FROM guarded`,
		}},
		{Number: 16, Name: "policies, comments and statistics", SQL: []string{
			`CREATE TABLE ruled (id int, who text)`, `INSERT INTO ruled VALUES (1, 'me'), (2, 'you')`, `ALTER TABLE ruled ENABLE ROW LEVEL SECURITY`,
			`CREATE POLICY mine ON ruled AS RESTRICTIVE FOR UPDATE USING (who = 'me') WITH CHECK (id > 0)`, `CREATE POLICY reading ON ruled FOR SELECT USING (true)`, `COMMENT ON POLICY mine ON ruled IS 'po''licy'`,
			`CREATE STATISTICS both_columns (dependencies, ndistinct) ON id, who FROM ruled`, `COMMENT ON TABLE ruled IS E'two\nlines; and \\ "more"'`, `COMMENT ON COLUMN ruled.who IS ''''`, `COMMENT ON SCHEMA c16 IS 'a schema'`,
			`ALTER DEFAULT PRIVILEGES IN SCHEMA c16 GRANT SELECT ON TABLES TO PUBLIC`, `CREATE PUBLICATION told FOR TABLE ruled`,
		}, Ask: []string{
			`SELECT string_agg(policyname || permissive || cmd || COALESCE(qual, '') || COALESCE(with_check, ''), ';' ORDER BY policyname) FROM pg_policies WHERE schemaname = 'c16'`,
			`SELECT string_agg(obj_description(oid, 'pg_class'), ';') FROM pg_class WHERE oid = 'ruled'::regclass`, `SELECT array_to_string(array_remove(stxkind, 'm'), '') FROM pg_statistic_ext WHERE stxname = 'both_columns'`, `SELECT col_description('ruled'::regclass, 2)`,
		}},
		{
			Number: 16, Name: "statistics on expressions", From: 14, SQL: []string{`CREATE STATISTICS expressed ON (id + 1), (lower(who)) FROM ruled`, `ALTER STATISTICS expressed SET STATISTICS 55`},
			Ask: []string{`SELECT stxstattarget FROM pg_statistic_ext WHERE stxname = 'expressed'`},
		},
		{
			Number: 16, Name: "foreign tables", Before: []string{`CREATE EXTENSION postgres_fdw SCHEMA public`, `GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO $OWNER`},
			Target: []string{`CREATE EXTENSION postgres_fdw SCHEMA public`, `GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO $OWNER`},
			SQL: []string{
				`CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'none')`, `CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'nobody', password 'nothing')`,
				`CREATE FOREIGN TABLE far_away (id int OPTIONS (column_name 'no') NOT NULL, v text) SERVER elsewhere OPTIONS (schema_name 's')`,
			}, Ask: []string{`SELECT string_agg(ftoptions::text || s.srvname, ';') FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = ftserver`, `SELECT string_agg(attfdwoptions::text, ';') FROM pg_attribute WHERE attrelid = 'far_away'::regclass`},
		},
		{Number: 22, Name: "long definitions", SQL: []string{
			`DO $$ BEGIN EXECUTE 'CREATE FUNCTION c22.talkative() RETURNS int LANGUAGE plpgsql AS ' || pg_catalog.quote_literal('BEGIN' || chr(10) || pg_catalog.repeat('-- \restrict \. a line that says nothing' || chr(10), 5000) || 'RETURN 1; END'); END $$`,
			`DO $$ BEGIN EXECUTE 'COMMENT ON FUNCTION c22.talkative() IS ' || pg_catalog.quote_literal(pg_catalog.repeat('said ', 30000)); END $$`,
			`DO $$ BEGIN EXECUTE 'CREATE TABLE c22.wordy (id int, v text DEFAULT ' || pg_catalog.quote_literal(pg_catalog.repeat('default;', 20000)) || ')'; END $$`, `INSERT INTO wordy VALUES (1)`,
			`DO $$ BEGIN EXECUTE 'CREATE TABLE c22.many (id int PRIMARY KEY, v int CHECK (v NOT IN (' || (SELECT pg_catalog.string_agg(n::text, ',') FROM pg_catalog.generate_series(1, 15000) n) || ')))'; END $$`, `INSERT INTO many VALUES (1, 0)`,
		}, Ask: []string{`SELECT md5(prosrc) FROM pg_proc WHERE proname = 'talkative'`, `SELECT md5(v) FROM wordy`, `SELECT md5(obj_description('talkative'::regproc, 'pg_proc'))`, `SELECT talkative()`}},
	}
}
