package cases

func values() []Case {
	return []Case{
		{Number: 23, Name: "numbers and dates at their ends", SQL: []string{
			`CREATE TABLE numbers (id int PRIMARY KEY, f8 float8, f4 float4, n numeric, d date, ts timestamp, tz timestamptz, t timetz, i interval)`,
			`INSERT INTO numbers VALUES (1, 'NaN', 'NaN', 'NaN', 'infinity', '-infinity', 'infinity', '24:00:00+14:59', '178000000 years'),
				(2, '-Infinity', 'Infinity', 1e-200, '-infinity', '0044-03-15 12:00:00 BC', '4713-01-01 00:00:00+00 BC', '00:00:00.000001-12', '-1 mon +1 day -00:00:00.000001'),
				(3, '-0', '-0', -0.000, '4713-01-01 BC', '294276-12-31 23:59:59.999999', '1883-11-18 12:03:57.123456-04:56:02', NULL, 'P1Y2M3DT4H5M6.789S'),
				(4, 5e-324, 1e-45, 0.1000000000000000000001, '5874897-12-31', NULL, NULL, NULL, '0'), (5, 1.7976931348623157e308, 3.4028235e38, 1e1000, NULL, NULL, NULL, NULL, NULL),
				(6, 0.1, 0.1, ('1' || repeat('7', 131071))::numeric, NULL, NULL, NULL, NULL, NULL), (7, 1/3.0, 1/3.0, ('0.' || repeat('3', 16383))::numeric, NULL, NULL, NULL, NULL, NULL)`,
		}, Ask: []string{
			`SELECT string_agg(encode(float8send(f8), 'hex') || encode(float4send(f4), 'hex'), ';' ORDER BY id) FROM numbers`, `SELECT string_agg(md5(encode(numeric_send(n), 'hex')) || scale(n), ';' ORDER BY id) FROM numbers WHERE n <> 'NaN'`,
			`SELECT string_agg(concat_ws('|', id, n = 'NaN', d, ts, tz AT TIME ZONE 'UTC', t, encode(interval_send(i), 'hex')), ';' ORDER BY id) FROM numbers`,
		}},
		{Number: 23, Name: "infinite numerics", From: 14, SQL: []string{`INSERT INTO numbers (id, n) VALUES (20, 'Infinity'), (21, '-Infinity')`}, Ask: []string{`SELECT string_agg(n::text, ';' ORDER BY id) FROM numbers WHERE id >= 20`}},
		{Number: 24, Name: "texts that look like COPY's own signs", SQL: []string{
			`CREATE TABLE texts (id int PRIMARY KEY, t text, v varchar(10), c char(5), n name, q "char", e text)`,
			`INSERT INTO texts VALUES (1, '\.', '\N', '', '', '', NULL), (2, E'\\\\.', E'\t', ' ', E'\n', 'x', ''), (3, E'a\nb\r\nc\rd', E'\\', 'ab', '\N', '\', E'\\N'), (4, E'\b\f\x0b\x01\x7f', 'NULL', NULL, NULL, NULL, 'x'),
				(5, '🦫 naïve 日本語', '""', '   a', '"', '"', ''''), (6, E'\\.\n\\.\n', E'\\.\n', '\.', '\.', '.', E'end\\'), (7, E'\u200b\ufeff', 'ß', 'é', 'é', NULL, '$$')`,
			`CREATE TABLE one_text (t text)`, `INSERT INTO one_text VALUES ('\.'), (''), (NULL), (E'\n'), ('\N'), (E'\\\n\\.\n')`,
		}, Ask: []string{
			`SELECT string_agg(concat_ws('|', id, encode(convert_to(t, 'UTF8'), 'hex'), encode(convert_to(v, 'UTF8'), 'hex'), '[' || c || ']', n, q, e IS NULL, e), ';' ORDER BY id) FROM texts`,
			`SELECT string_agg(COALESCE(encode(convert_to(t, 'UTF8'), 'hex'), 'null'), ';' ORDER BY 1) FROM (SELECT t FROM one_text ORDER BY t COLLATE "C") x`,
		}},
		{Number: 25, Name: "documents, bytes and others", SQL: []string{
			`CREATE TABLE documents (id int PRIMARY KEY, j json, jb jsonb, b bytea, m money, v tsvector, q tsquery, u uuid, x bit(3), y varbit, i inet, c cidr, mac macaddr8, p path, g polygon, box box[], ll lseg)`,
			`INSERT INTO documents VALUES (1, '{"b" : 1,  "a":2, "b":3}', 'null', (SELECT decode(string_agg(lpad(to_hex(k), 2, '0'), '' ORDER BY k), 'hex') FROM generate_series(0, 255) k), 1234.56, '''it''''s'':1A,3B', '!a <-> b:*', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
				B'101', B'', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03:04:05', '[(1,2),(3.5,-4)]', '((0,0),(1,1),(2,0))', '{(1,1),(0,0);(2,2),(1,1)}', '[(0,0),(1e-300,2)]'),
				(2, 'null', '{"n": 12345678901234567890.123456789, "u": "\u00e9\\"}', '', -0.01, '', NULL, NULL, NULL, B'1', '192.0.2.1', NULL, NULL, NULL, NULL, '{}', NULL), (3, E'[1,\n\t2 ]', '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
		}, Ask: []string{`SELECT string_agg(concat_ws('|', id, j, jb, md5(b), length(b), m::numeric, v, q, u, x, y, i, c, mac, p, g, box, ll), ';' ORDER BY id) FROM documents`}},
		{Number: 25, Name: "XML", SQL: []string{
			`CREATE TABLE markup (x xml)`, `DO $$ BEGIN INSERT INTO c25.markup VALUES ('<a>&amp;</a>'), ('<?xml version="1.0"?><b/>'), ('text <i>mixed</i>'), (NULL); EXCEPTION WHEN feature_not_supported THEN NULL; END $$`,
		}, Ask: []string{`SELECT count(*) || COALESCE(string_agg(format('%s', x), ';' ORDER BY format('%s', x)), '') FROM markup`}},
		{Number: 26, Name: "columns that name objects", SQL: []string{
			`CREATE FUNCTION "Odd func"(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'`, `CREATE TABLE "Odd table" (a int)`, `CREATE TYPE odd_type AS (a int)`,
			`CREATE TABLE pointing (c regclass, p regproc, s regprocedure, t regtype, o oid, r regoperator, n regnamespace, d regdictionary, cs regclass[])`,
			`INSERT INTO pointing VALUES ('"Odd table"', '"Odd func"', '"Odd func"(int, text)', 'odd_type', 4294967295, '+(int,int)', 'c26', 'simple', ARRAY['"Odd table"', 'pg_class']::regclass[]), ('pg_catalog.pg_class', 'pg_catalog.now', 'pg_catalog.now()', 'int4[]', 0, NULL, 'pg_catalog', NULL, NULL)`,
		}, Ask: []string{`SELECT string_agg(p::text, ';' ORDER BY o) FROM pointing p`, `SELECT string_agg(c.relname || f.proname || t.typname, ';') FROM pointing x JOIN pg_class c ON c.oid = x.c JOIN pg_proc f ON f.oid = x.s JOIN pg_type t ON t.oid = x.t WHERE x.o > 0`}},
		{Number: 27, Name: "types of extensions", Before: []string{`CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public`}, SQL: []string{
			`CREATE TYPE colour AS ENUM ('red', 'green')`, `CREATE TABLE exotic (id int PRIMARY KEY, cs colour[], r int4range, rs daterange[], l public.ltree, ls public.ltree[], lq public.lquery)`,
			`INSERT INTO exotic VALUES (1, '{red,NULL,green}', '[1,)', '{empty,"[2020-01-01,2020-02-01)"}', 'Top.Science', '{a.b,c}', '*{1,2}.x*'), (2, '[2:3]={red,red}', 'empty', NULL, '', NULL, NULL)`, `CREATE INDEX ON exotic USING gist (l)`,
		}, Ask: []string{`SELECT string_agg(e::text, ';' ORDER BY id) FROM exotic e`}},
	}
}

func storage() []Case {
	return []Case{
		{Number: 28, Name: "large fields", SQL: []string{
			`CREATE TABLE large (id int, t text, b bytea)`, `ALTER TABLE large ALTER t SET STORAGE EXTERNAL`,
			`INSERT INTO large SELECT 1, repeat(md5('x'), 100000), decode(repeat('00ff5c0a', 500000), 'hex')`, `INSERT INTO large VALUES (2, '', ''), (3, NULL, NULL)`,
		}, Ask: []string{`SELECT string_agg(concat_ws('|', id, length(t), md5(t), length(b), md5(b)), ';' ORDER BY id) FROM large`}},
		{Number: 29, Name: "TOAST and gaps", SQL: []string{
			`CREATE TABLE heavy (id int PRIMARY KEY, t text)`, `ALTER TABLE heavy ALTER t SET STORAGE EXTERNAL`, // 1 page per 50 rows beside 4 MB of TOAST
			`INSERT INTO heavy SELECT n, repeat(md5(n::text), 625) FROM generate_series(1, 200) n`,
			`CREATE TABLE bloated (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off)`, `INSERT INTO bloated SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, 6000) n`, `DELETE FROM bloated WHERE id BETWEEN 300 AND 5700`,
			`UPDATE bloated SET v = upper(v) WHERE id % 3 = 0`,
		}, Ask: []string{`SELECT md5(string_agg(md5(t), ';' ORDER BY id)) FROM heavy`, `SELECT md5(string_agg(id || v, ';' ORDER BY id)) FROM bloated`}},
		{
			Number: 30, Name: "statistics that lie", SQL: []string{
				`CREATE TABLE said_empty (id int PRIMARY KEY, v text)`, `INSERT INTO said_empty SELECT n, repeat('x', 200) FROM generate_series(1, 8000) n`, `CREATE TABLE said_huge (id int PRIMARY KEY)`, `INSERT INTO said_huge VALUES (1)`,
			},
			After: []string{`UPDATE pg_class SET relpages = 0, reltuples = 0 WHERE oid = 'said_empty'::regclass`, `UPDATE pg_class SET relpages = 2147483647, reltuples = 1e30 WHERE oid = 'said_huge'::regclass`},
			Ask:   []string{`SELECT count(*) || ' ' || sum(id) FROM said_empty`, `SELECT count(*) FROM said_huge`},
		},
		{Number: 31, Name: "skewed and extreme keys", SQL: []string{
			`CREATE TABLE skewed (id bigint UNIQUE, v text)`, `INSERT INTO skewed SELECT CASE n WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 WHEN 3 THEN -1 ELSE n END, repeat('s', 150) FROM generate_series(1, 9000) n`, `INSERT INTO skewed VALUES (NULL, 'a'), (NULL, 'b')`,
		}, Ask: []string{`SELECT concat_ws(' ', count(*), count(id), min(id), max(id), sum(id)) FROM skewed`}},
		{Number: 33, Name: "whole and partial pages", SQL: []string{
			`CREATE TABLE empty (id int PRIMARY KEY)`, `CREATE TABLE emptied (id int PRIMARY KEY) WITH (autovacuum_enabled = off)`, `INSERT INTO emptied SELECT generate_series(1, 5000)`, `DELETE FROM emptied`,
			`CREATE TABLE single (id int)`, `INSERT INTO single VALUES (1)`, `CREATE TABLE one_page (id int)`, `INSERT INTO one_page SELECT generate_series(1, 226)`, // 226 rows of 36 bytes with their pointers fill 8 KiB
			`CREATE TABLE one_more (id int)`, `INSERT INTO one_more SELECT generate_series(1, 227)`, `CREATE TABLE pages (id int, v text)`, `ALTER TABLE pages ALTER v SET STORAGE PLAIN`, `INSERT INTO pages SELECT n, repeat('p', 7900) FROM generate_series(1, 300) n`,
		}, Ask: []string{
			`SELECT string_agg(n::text, ' ') FROM (SELECT count(*) FROM empty UNION ALL SELECT count(*) FROM emptied UNION ALL SELECT count(*) FROM single UNION ALL SELECT sum(id) FROM one_page UNION ALL SELECT sum(id) FROM one_more UNION ALL SELECT sum(id) FROM pages) x (n)`,
		}},
	}
}

func sequences() []Case {
	return []Case{
		{Number: 34, Name: "sequences", SQL: []string{
			`CREATE SEQUENCE cached CACHE 50`, `SELECT nextval('cached')`, `CREATE SEQUENCE down INCREMENT -3 MAXVALUE 100 MINVALUE -100 START 50`, `SELECT nextval('down'), nextval('down')`,
			`CREATE SEQUENCE round AS smallint MAXVALUE 3 CYCLE`, `SELECT nextval('round'), nextval('round'), nextval('round')`, `CREATE SEQUENCE never START 42`, `CREATE SEQUENCE put_back`, `SELECT setval('put_back', 17, false)`,
			`CREATE SEQUENCE last`, `SELECT setval('last', 9223372036854775807)`, `CREATE TABLE owns (id serial, other int)`, `INSERT INTO owns (other) VALUES (1), (2)`, `CREATE SEQUENCE owned OWNED BY owns.other`, `SELECT setval('owned', 1000)`,
			`CREATE TABLE shares (id int DEFAULT nextval('cached'))`, `DROP SEQUENCE IF EXISTS none`,
		}, Ask: []string{
			`SELECT string_agg(concat_ws('|', sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value), ';' ORDER BY sequencename) FROM pg_sequences WHERE schemaname = 'c34'`,
			`SELECT string_agg(last_value || ' ' || is_called, ';') FROM (SELECT last_value, is_called FROM down UNION ALL SELECT last_value, is_called FROM never UNION ALL SELECT last_value, is_called FROM put_back UNION ALL SELECT last_value, is_called FROM last) x`,
			`SELECT pg_get_serial_sequence('owns', 'id') || pg_get_serial_sequence('owns', 'other')`,
		}},
		{Number: 34, Name: "large objects", SQL: []string{ // more than travel in one batch
			`SELECT count(lo_from_bytea(800000 + n, decode(md5(n::text), 'hex'))) FROM generate_series(1, 510) n`, `SELECT lo_create(899999)`,
			`SELECT lo_from_bytea(899998, decode(repeat('00ff0a5c', 150000), 'hex'))`, `COMMENT ON LARGE OBJECT 899999 IS 'it''s empty'`, `GRANT SELECT ON LARGE OBJECT 800001 TO PUBLIC`,
		}, Ask: []string{
			`SELECT count(*) FROM pg_largeobject_metadata`, `SELECT md5(lo_get(899998)) || length(lo_get(899999)) || encode(lo_get(800510), 'hex')`, `SELECT obj_description(899999, 'pg_largeobject')`,
		}},
	}
}
