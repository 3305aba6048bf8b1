package cases

func constraints() []Case {
	return []Case{
		{Number: 6, Name: "foreign keys", SQL: []string{
			`CREATE TABLE hens (id int PRIMARY KEY, egg_id int)`, `CREATE TABLE eggs (id int PRIMARY KEY, hen_id int REFERENCES hens DEFERRABLE INITIALLY DEFERRED)`,
			`INSERT INTO hens VALUES (1, 1), (2, 2)`, `INSERT INTO eggs VALUES (1, 2), (2, 1)`, `ALTER TABLE hens ADD CONSTRAINT hens_egg FOREIGN KEY (egg_id) REFERENCES eggs`,
			`CREATE TABLE tree (id int PRIMARY KEY, parent_id int REFERENCES tree ON DELETE CASCADE ON UPDATE SET NULL)`, `INSERT INTO tree VALUES (3, NULL), (2, 3), (1, 2), (4, 4)`,
			`CREATE TABLE pairs (a int, b text, UNIQUE (b, a))`, `INSERT INTO pairs VALUES (1, 'x'), (2, 'y')`,
			`CREATE TABLE to_pairs (x text, y int DEFAULT 2, CONSTRAINT both_or_none FOREIGN KEY (x, y) REFERENCES pairs (b, a) MATCH FULL ON DELETE SET DEFAULT)`, `INSERT INTO to_pairs VALUES ('x', 1), (NULL, NULL)`,
			`CREATE TABLE loose (hen_id int)`, `INSERT INTO loose VALUES (1), (99)`, `ALTER TABLE loose ADD CONSTRAINT loose_hen FOREIGN KEY (hen_id) REFERENCES hens NOT VALID`,
			`ALTER TABLE loose ADD CONSTRAINT small CHECK (hen_id < 50) NOT VALID`, `COMMENT ON CONSTRAINT loose_hen ON loose IS 'one hen is missing'`,
		}, Ask: []string{
			`SELECT string_agg(conname || ' ' || convalidated || ' ' || condeferred || confdeltype::text || confupdtype::text || confmatchtype::text, ';' ORDER BY conname) FROM pg_constraint
				WHERE contype IN ('f', 'c') AND connamespace = 'c06'::regnamespace`,
			`SELECT string_agg(l::text, ';' ORDER BY hen_id) FROM loose l`,
		}},
		{Number: 7, Name: "keys", SQL: []string{
			`CREATE TABLE later (id int, CONSTRAINT later_key UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)`, `INSERT INTO later SELECT generate_series(1, 30)`,
			`CREATE TABLE booked (id int PRIMARY KEY, during tsrange, CONSTRAINT booked_once EXCLUDE USING gist (during WITH &&) WHERE (id > 0) DEFERRABLE)`,
			`INSERT INTO booked SELECT n, tsrange('2020-01-01'::timestamp + n * interval '1 day', '2020-01-02'::timestamp + n * interval '1 day') FROM generate_series(1, 30) n`,
			`CREATE TABLE over_index (id int NOT NULL, v text)`, `INSERT INTO over_index VALUES (1, 'a'), (2, 'b')`,
			`CREATE UNIQUE INDEX other_name ON over_index (id) WITH (fillfactor = 70)`, `ALTER TABLE over_index ADD CONSTRAINT other_name PRIMARY KEY USING INDEX other_name DEFERRABLE`,
			`ALTER TABLE over_index CLUSTER ON other_name`, `CREATE TABLE named (v text COLLATE "C" CONSTRAINT "The Key" UNIQUE)`, `INSERT INTO named VALUES ('b'), (NULL), (NULL)`,
		}, Ask: []string{
			`SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE connamespace = 'c07'::regnamespace AND contype IN ('p', 'u', 'x')`,
			`SELECT array_to_string(reloptions, ' ') || (SELECT indisclustered FROM pg_index WHERE indexrelid = c.oid) FROM pg_class c WHERE oid = 'other_name'::regclass`,
		}},
		{Number: 7, Name: "keys that include", From: 11, SQL: []string{
			`CREATE TABLE including (id int, v text, w int, PRIMARY KEY (id) INCLUDE (v), CONSTRAINT w_key UNIQUE (w) INCLUDE (id, v))`, `INSERT INTO including SELECT n, 'v' || n, -n FROM generate_series(1, 30) n`,
		}, Ask: []string{`SELECT string_agg(pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'including'::regclass AND contype IN ('p', 'u')`}},
		{Number: 7, Name: "NULLS NOT DISTINCT", From: 15, SQL: []string{
			`CREATE TABLE one_null (a int, b int, CONSTRAINT one_null_key UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b))`, `INSERT INTO one_null VALUES (1, 1), (NULL, 2)`,
			`CREATE UNIQUE INDEX one_null_b ON one_null (b) NULLS NOT DISTINCT`,
		}, Ask: []string{`SELECT string_agg(indexrelid::regclass || ' ' || indnullsnotdistinct, ';' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'one_null'::regclass`}},
		{Number: 7, Name: "WITHOUT OVERLAPS, PERIOD and NOT ENFORCED", From: 18, Before: []string{`CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public`}, SQL: []string{
			`CREATE TABLE rooms (id int, during daterange, CONSTRAINT rooms_key PRIMARY KEY (id, during WITHOUT OVERLAPS))`, `INSERT INTO rooms VALUES (1, '[2020-01-01,2020-02-01)'), (1, '[2020-02-01,2020-03-01)')`,
			`CREATE TABLE stays (room int, during daterange, CONSTRAINT stays_room FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during))`, `INSERT INTO stays VALUES (1, '[2020-01-15,2020-02-15)')`,
			`CREATE TABLE careless (room int, CONSTRAINT whatever CHECK (room < 0) NOT ENFORCED, named int CONSTRAINT must_be NOT NULL NO INHERIT)`, `INSERT INTO careless VALUES (1, 1)`,
			`CREATE TABLE half_sure (a int)`, `INSERT INTO half_sure VALUES (NULL)`, `ALTER TABLE half_sure ADD CONSTRAINT some_day NOT NULL a NOT VALID`,
		}, Ask: []string{`SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid) || convalidated || conenforced, ';' ORDER BY conname) FROM pg_constraint
			WHERE conrelid IN ('rooms'::regclass, 'stays'::regclass, 'careless'::regclass, 'half_sure'::regclass)`}},
	}
}

func indexes() []Case {
	return []Case{
		{Number: 8, Name: "indexes", Before: []string{`CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA heroku_ext`}, SQL: []string{
			`CREATE FUNCTION lowered(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.lower($1)'`,
			`CREATE TABLE indexed (id int, v text, tags text[], doc jsonb, at timestamptz, place point, words tsvector)`,
			`INSERT INTO indexed SELECT n, 'Value ' || n, ARRAY['t' || n % 5], jsonb_build_object('n', n), '2020-01-01'::timestamptz + n * interval '1 hour', point(n, -n), to_tsvector('simple', 'w' || n) FROM generate_series(1, 300) n`,
			`CREATE INDEX ON indexed (lowered(v) text_pattern_ops, id DESC NULLS LAST)`, `CREATE UNIQUE INDEX indexed_some ON indexed (id) WHERE v LIKE 'Value 1%'`,
			`CREATE INDEX ON indexed USING gin (tags)`, `CREATE INDEX ON indexed USING gin (doc jsonb_path_ops) WITH (fastupdate = off)`, `CREATE INDEX ON indexed USING gin (v heroku_ext.gin_trgm_ops)`,
			`CREATE INDEX ON indexed USING gist (place)`, `CREATE INDEX ON indexed USING gist (words)`, `CREATE INDEX ON indexed USING spgist (v)`, `CREATE INDEX ON indexed USING brin (at) WITH (pages_per_range = 4)`,
			`CREATE INDEX ON indexed USING hash (v)`, `CREATE INDEX ON indexed (v COLLATE "C")`, `COMMENT ON INDEX indexed_some IS 'some; of them'`,
		}, Ask: []string{
			`SELECT string_agg(indexdef, ';' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'c08'`,
			`SELECT count(*) FROM indexed WHERE v LIKE '%ue 29%'`,
		}},
		{Number: 9, Name: "settings of tables and columns", SQL: []string{
			`CREATE TABLE tuned (id int NOT NULL, v text, w text, e int) WITH (fillfactor = 55, autovacuum_enabled = off, toast.autovacuum_enabled = off)`,
			`INSERT INTO tuned SELECT n, repeat('v', n), 'w', n FROM generate_series(1, 100) n`, `CREATE UNIQUE INDEX tuned_id ON tuned (id) WITH (fillfactor = 60)`, `CREATE INDEX tuned_e ON tuned ((e + 1), (e * 2))`,
			`ALTER TABLE tuned CLUSTER ON tuned_id`, `ALTER TABLE tuned REPLICA IDENTITY USING INDEX tuned_id`, `ALTER TABLE tuned ALTER v SET STATISTICS 321, ALTER v SET STORAGE EXTERNAL, ALTER w SET STORAGE PLAIN`,
			`ALTER TABLE tuned ALTER id SET (n_distinct = -0.5)`, `CREATE TABLE all_of_it (a int)`, `ALTER TABLE all_of_it REPLICA IDENTITY FULL`, `CREATE TABLE none_of_it (a int)`, `ALTER TABLE none_of_it REPLICA IDENTITY NOTHING`,
		}, Ask: []string{
			`SELECT string_agg(relname || relreplident::text || COALESCE(array_to_string(reloptions, ' '), ''), ';' ORDER BY relname) FROM pg_class WHERE relnamespace = 'c09'::regnamespace`,
			`SELECT array_to_string(t.reloptions, ' ') FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = 'tuned'::regclass`,
			`SELECT string_agg(attname || COALESCE(attstattarget, -1) || attstorage::text || COALESCE(array_to_string(ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg_attver%'), ' '), ''), ';' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'tuned'::regclass AND attnum > 0`,
			`SELECT string_agg(indexrelid::regclass || ' ' || indisclustered || indisreplident, ';' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'tuned'::regclass`,
		}},
		{Number: 9, Name: "statistics of index columns", From: 11, SQL: []string{
			`ALTER INDEX tuned_e ALTER COLUMN 2 SET STATISTICS 777`, `ALTER TABLE tuned SET (toast_tuple_target = 256)`,
		}, Ask: []string{`SELECT attstattarget FROM pg_attribute WHERE attrelid = 'tuned_e'::regclass AND attnum = 2`}},
		{
			Number: 9, Name: "compression of columns", From: 14, SQL: []string{`ALTER TABLE tuned ALTER w SET COMPRESSION pglz`},
			Ask: []string{`SELECT attcompression FROM pg_attribute WHERE attrelid = 'tuned'::regclass AND attname = 'w'`},
		},
	}
}
