-- What Heroku puts into every customer's database, as public dumps of such databases show it. It
-- belongs to the superuser, and the customer cannot read the first schema.
CREATE SCHEMA _heroku;
REVOKE ALL ON SCHEMA _heroku FROM PUBLIC;
CREATE TABLE _heroku.extension_log (id serial PRIMARY KEY, logged_at timestamptz NOT NULL DEFAULT clock_timestamp(), command text NOT NULL, detail text);
INSERT INTO _heroku.extension_log (command, detail) VALUES ('CREATE DATABASE', 'the first entry');

-- They run with the owner's rights, as the customer, who triggers them, cannot write the table.
CREATE FUNCTION _heroku.extension_before_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	IF tg_tag = 'DROP EXTENSION' THEN
		INSERT INTO _heroku.extension_log (command) VALUES ('before ' || tg_tag);
	END IF;
END $$;
CREATE FUNCTION _heroku.create_ext() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	INSERT INTO _heroku.extension_log (command, detail)
		SELECT command_tag, object_identity FROM pg_event_trigger_ddl_commands() WHERE object_type = 'extension';
END $$;
CREATE FUNCTION _heroku.drop_ext() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	INSERT INTO _heroku.extension_log (command, detail)
		SELECT tg_tag, object_identity FROM pg_event_trigger_dropped_objects() WHERE object_type = 'extension';
END $$;
CREATE FUNCTION _heroku.validate_extension() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	-- Since 2023 extensions may be in any schema again: nothing is refused.
	PERFORM 1 FROM pg_event_trigger_ddl_commands() WHERE object_type = 'extension';
END $$;
CREATE FUNCTION _heroku.grant_table_if_exists(alias_schemaname text, grants text, databaseowner text, alias_tablename text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
	IF to_regclass(format('%I.%I', alias_schemaname, alias_tablename)) IS NOT NULL THEN
		EXECUTE format('GRANT %s ON TABLE %I.%I TO %I', grants, alias_schemaname, alias_tablename, databaseowner);
	END IF;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA _heroku FROM PUBLIC;

CREATE EVENT TRIGGER extension_before_drop ON ddl_command_start EXECUTE PROCEDURE _heroku.extension_before_drop();
CREATE EVENT TRIGGER log_create_ext ON ddl_command_end EXECUTE PROCEDURE _heroku.create_ext();
CREATE EVENT TRIGGER log_drop_ext ON sql_drop EXECUTE PROCEDURE _heroku.drop_ext();
CREATE EVENT TRIGGER validate_extension ON ddl_command_end EXECUTE PROCEDURE _heroku.validate_extension();

CREATE SCHEMA heroku_ext;
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';
