-- Tables of fixed size, sequences in unusual states, and large objects.
INSERT INTO schema_migrations SELECT to_char(20160101000000 + i * 1000001, 'FM99999999999999') FROM generate_series(1, 60) AS i;
INSERT INTO ar_internal_metadata VALUES ('environment', 'production', '2016-01-01 00:00:00'), ('schema_sha1', NULL, '2016-01-01 00:00:00.123456');

INSERT INTO products (sku, price, available)
	SELECT 'SKU-' || lpad(i::text, 6, '0'), ({0} % 50000) / 100.0,
		CASE i % 5 WHEN 0 THEN 'empty' WHEN 1 THEN NULL WHEN 2 THEN daterange(NULL, '2030-01-01') ELSE daterange('2020-01-01', '2020-01-01'::date + i::int) END
	FROM generate_series(1::bigint, 200) AS i;

-- Two tables that refer to each other.
INSERT INTO teams (name) SELECT 'Team ' || i FROM generate_series(1, 5) AS i;
INSERT INTO employees (team_id, manager_id, name)
	SELECT 10 * (1 + i % 5), CASE WHEN i > 5 THEN 1 + i % 5 END, 'Employee ' || i FROM generate_series(1, 40) AS i;
UPDATE teams SET lead_id = id / 10;

INSERT INTO room_bookings (room, during)
	SELECT 1 + i % 3, tsrange(timestamp '2024-01-01' + i * interval '1 hour', timestamp '2024-01-01' + (i + 1) * interval '1 hour')
	FROM generate_series(1, 60) AS i;
INSERT INTO reporting.runs (ran_at, note) SELECT timestamptz '2024-01-01 00:00+00' + i * interval '1 day', NULLIF(i % 3, 0) FROM generate_series(1, 90) AS i;
INSERT INTO no_columns SELECT FROM generate_series(1, 3);

INSERT INTO "Mixed Case Table" VALUES
	(1, '', NULL, '\N', 0), (2, '\.', E'\t', E'a\r\nb', -0.00), (3, 'NULL', E'\\', '"', 'NaN'), (4, E'\b\f\x0B', '🦫 naïve', '日本語', 1e100), (-5, ' ', '''', '$$', .1);

INSERT INTO odd_values (id, label, n, f8, f4) VALUES
	(1, 'not a number', 'NaN', 'NaN', 'NaN'),
	(2, 'infinite', NULL, 'Infinity', '-Infinity'),
	(3, 'smallest', 1e-300, 5e-324, 1e-45),
	(4, 'largest', repeat('9', 2000)::numeric, 1.7976931348623157e308, 3.4028235e38),
	(5, 'minus zero', -0.000, '-0', '-0'),
	(6, 'needs all digits', 0.1000000000000000000001, 0.30000000000000004, 16777217);
INSERT INTO odd_values (id, label, ts, d, i) VALUES
	(10, 'for ever', 'infinity', 'infinity', '178000000 years'),
	(11, 'never', '-infinity', '-infinity', '-1 mon +1 day -00:00:00.000001'),
	(12, 'before Christ', '0044-03-15 12:00:00+00 BC', '4713-01-01 BC', 'PT0S'),
	(13, 'far future', '294276-12-31 23:59:59.999999+00', '5874897-12-31', '1 year 2 mons 3 days 04:05:06.789');
INSERT INTO odd_values (id, label, t, j, jb, vec) VALUES
	(20, 'empty', '', '""', '""', ''),
	(21, 'json keeps its spacing and its doubles', E'a\\tb', '{"b" : 1,  "a":2, "b":3}', '{"b": 1, "a": 2, "b": 3}', to_tsvector('simple', 'the fat cat')),
	(22, 'json null', 'null', 'null', 'null', '''it''''s'':1A,3B'),
	(23, 'numbers of json', E'\\.', '1e2', '12345678901234567890.123456789', NULL);
INSERT INTO odd_values (id, label, bits, net, mac, xm, r, m, u, c, b, nested, point) VALUES
	(30, 'all sorts', B'1010', '192.0.2.0/24', '08:00:2b:01:02:03', '<a>&amp;</a>', '[1,10)', 1234.56, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'abc',
		(SELECT decode(string_agg(lpad(to_hex(k), 2, '0'), '' ORDER BY k), 'hex') FROM generate_series(0, 255) AS k),
		ARRAY[ROW('a,b', '(c)', NULL)::address, NULL, ROW('"', '\', '')::address], '(1.5,-2)'),
	(31, 'nothing much', B'', '::1', NULL, '<!-- -->', 'empty', -0.01, NULL, '', '', '{}', '(0,0)');
INSERT INTO odd_values (id, label) VALUES (99, NULL);

-- Sequences: used in part, counted down, about to begin again, set without having been called.
SELECT nextval('ticket_numbers') FROM generate_series(1, 3);
SELECT nextval('countdown') FROM generate_series(1, 5);
SELECT setval('"Round ""Robin"""', 6);
SELECT setval('unused_numbers', 43, false);

-- Numbers of our own choice keep equal options equal.
INSERT INTO scans (name, picture)
	SELECT 'Scan ' || i, lo_from_bytea((700000 + i)::oid, decode(
		(SELECT string_agg(md5({0} || ':' || k), '' ORDER BY k) FROM generate_series(1, 20 + 50 * (i % 5)) AS k), 'hex'))
	FROM generate_series(1::bigint, 36) AS i;
SELECT lo_create(700100);
COMMENT ON LARGE OBJECT 700001 IS 'The first scan';
GRANT SELECT ON LARGE OBJECT 700002 TO PUBLIC;
