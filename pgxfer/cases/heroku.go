package cases

func heroku() []Case {
	return []Case{
		{Number: 14, Name: "event triggers", After: []string{
			`CREATE FUNCTION c14.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$`,
			`CREATE EVENT TRIGGER of_their_own ON ddl_command_end EXECUTE PROCEDURE c14.on_event()`, `COMMENT ON EVENT TRIGGER of_their_own IS 'an event trigger'`,
		}, Ask: []string{`SELECT count(*) FROM pg_proc WHERE proname = 'on_event'`}},
		// What newer Heroku databases have beside what sampledb.HerokuDress makes.
		{Number: 17, Name: "Heroku's own objects", After: []string{
			`CREATE EVENT TRIGGER "00_validate_before_start" ON ddl_command_start EXECUTE PROCEDURE _heroku.extension_before_drop()`,
			`CREATE EVENT TRIGGER "01_configure_extension_after" ON ddl_command_end EXECUTE PROCEDURE _heroku.create_ext()`,
			`DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rdsadmin') THEN CREATE ROLE rdsadmin; END IF; END $$`,
			`GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_reset() TO rdsadmin WITH GRANT OPTION`,
			`DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_catalog.pg_proc WHERE proname = 'pg_stat_statements_reset' LOOP EXECUTE 'GRANT EXECUTE ON FUNCTION ' || f || ' TO rdsadmin'; END LOOP; END $$`,
			`COMMENT ON EXTENSION plpgsql IS 'another comment'`,
		}, SQL: []string{`CREATE TABLE of_the_app (id int)`, `GRANT SELECT ON of_the_app TO PUBLIC`}, Ask: []string{`SELECT count(*) FROM pg_event_trigger WHERE evtname = 'validate_extension'`}},
		{
			Number: 18, Name: "an extension that is in heroku_ext on the target", Before: []string{`CREATE EXTENSION citext SCHEMA public`, `CREATE EXTENSION hstore SCHEMA heroku_ext`, `CREATE EXTENSION dict_int SCHEMA public`},
			Target: []string{`CREATE EXTENSION citext SCHEMA heroku_ext`, `CREATE EXTENSION hstore SCHEMA public`, `CREATE EXTENSION dict_int SCHEMA heroku_ext`},
			SQL: []string{
				`CREATE TABLE moved (name public.citext PRIMARY KEY, h heroku_ext.hstore DEFAULT 'a=>1', CHECK (name OPERATOR(public.<>) 'nobody'))`, `INSERT INTO moved VALUES ('Anna', 'x=>"y z"'), ('bert', DEFAULT)`,
				`CREATE INDEX ON moved USING gin (h)`, `CREATE VIEW found AS SELECT name FROM moved WHERE h OPERATOR(heroku_ext.->) 'a' = '1'`,
				`CREATE TEXT SEARCH DICTIONARY shortened (TEMPLATE = public.intdict_template, MAXLEN = 2)`, `CREATE TEXT SEARCH CONFIGURATION numbers (COPY = simple)`,
				`ALTER TEXT SEARCH CONFIGURATION numbers ALTER MAPPING FOR uint WITH public.intdict, shortened`,
			},
			Ask: []string{
				`SELECT string_agg(name::text || ' ' || (SELECT string_agg(k, '') FROM unnest(ARRAY['x', 'a']) k WHERE h::text LIKE '%' || k || '%'), ';' ORDER BY name::text) FROM moved`, `SELECT name::text FROM found`,
				`SELECT ts_lexize('shortened', '12345')`, `SELECT to_tsvector('numbers', '123456789')`,
			},
		},
	}
}
