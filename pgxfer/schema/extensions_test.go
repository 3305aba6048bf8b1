package schema_test

import (
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/schema"
)

// Whatever of an extension a definition can name is named where the target has it.
func TestMembersOfEveryKindAreNamedWhereTheyAre(t *testing.T) {
	server := pgtest.Shared(t)
	db := pgtest.Database(t, server)
	pgtest.Exec(t, db.AdminConfig(server), `CREATE EXTENSION dict_int SCHEMA public`,
		`CREATE TABLE a_table ()`, `CREATE DOMAIN a_type AS int`, `CREATE FUNCTION a_function() RETURNS int LANGUAGE sql AS 'SELECT 1'`, `CREATE COLLATION a_collation (LOCALE = 'C')`,
		`CREATE OPERATOR =~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)`, `CREATE OPERATOR FAMILY "A Family" USING btree`, `CREATE OPERATOR CLASS a_class FOR TYPE int USING btree FAMILY "A Family" AS STORAGE int`,
		`CREATE TEXT SEARCH CONFIGURATION a_config (COPY = simple)`,
		`CREATE TEXT SEARCH PARSER a_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)`,
		`ALTER EXTENSION dict_int ADD TABLE a_table`, `ALTER EXTENSION dict_int ADD DOMAIN a_type`, `ALTER EXTENSION dict_int ADD FUNCTION a_function()`, `ALTER EXTENSION dict_int ADD COLLATION a_collation`,
		`ALTER EXTENSION dict_int ADD OPERATOR =~= (int, int)`, `ALTER EXTENSION dict_int ADD OPERATOR FAMILY "A Family" USING btree`, `ALTER EXTENSION dict_int ADD OPERATOR CLASS a_class USING btree`,
		`ALTER EXTENSION dict_int ADD TEXT SEARCH CONFIGURATION a_config`, `ALTER EXTENSION dict_int ADD TEXT SEARCH PARSER a_parser`)
	conn := db.Connect(t)
	source, err := pgserver.Extensions(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range source { // as another database has it
		if source[i].Name == "dict_int" {
			source[i].Schema = "heroku_ext"
		}
	}
	target, err := schema.AskTarget(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := schema.MovedExtensions(t.Context(), conn, source, target)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"a_table", "a_type", "a_function", "a_collation", "=~=", "a_class", `"A Family"`, "a_config", "a_parser", "intdict", "intdict_template",
	} {
		toc := &archive.TOC{Entries: []*archive.Entry{{Defn: `(heroku_ext.` + name + `) ("heroku_ext".` + name + `)`}}}
		schema.RewriteMoved(toc, moved)
		got := toc.Entries[0].Defn
		if plain := `(public.` + name + `) (public.` + name + `)`; got != plain && got != `("public".`+name+`) ("public".`+name+`)` {
			t.Errorf("%s became %s", name, got)
		}
	}
}
