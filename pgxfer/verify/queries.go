package verify

import (
	"strings"

	"changeover/pgxfer/pgserver"
)

// dialect is what the queries of one side depend on.
type dialect struct {
	major  int    // of the server
	common int    // the older major of both sides: what only newer ones have cannot be compared
	salt   string // the same for both sides, and secret: see options
}

// since is an expression that servers from a major on know, and what stands for it on older ones.
func (d dialect) since(major int, expression, otherwise string) string {
	if d.major >= major {
		return expression
	}
	return otherwise
}

// both is an expression about what both servers know, or NULL.
func (d dialect) both(major int, expression string) string {
	if d.common >= major {
		return expression
	}
	return `NULL`
}

// inventoryQueries give an object and its definition each. Identities are qualified and quoted by the server, search_path is empty.
// Lists are sorted by the collation "C", because databases have their own.
//
// What differs between two databases by design is left out: owners and grants, object ids, Heroku's own schema and event triggers, and
// the bookkeeping option pg_attver that newer minors keep with columns.
func inventoryQueries(d dialect) []string {
	kind := func(column, kinds string) string { return column + " = ANY ('{" + kinds + "}')" }
	replace := strings.NewReplacer(
		"USER_SCHEMA", pgserver.UserSchema("n.nspname"),
		"OWN_CLASS", pgserver.NotExtensionOwned("pg_class", "c.oid"),
		"OWN_PROC", pgserver.NotExtensionOwned("pg_proc", "p.oid"),
		"OWN_TYPE", pgserver.NotExtensionOwned("pg_type", "t.oid"),
		"RELATIONS", kind("c.relkind", "r,p,f"),
	)
	var queries []string
	for _, group := range [][]string{
		relationQueries(d), relatedQueries(d), typeQueries(d), functionQueries(d), operatorQueries(), textSearchQueries(), foreignQueries(d), objectQueries(),
	} {
		queries = append(queries, group...)
	}
	for i := range queries {
		queries[i] = replace.Replace(queries[i])
	}
	return queries
}

func objectQueries() []string {
	return []string{
		`SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'exists' FROM pg_catalog.pg_namespace n WHERE USER_SCHEMA AND n.nspname <> 'heroku_ext'`,
		`SELECT 'extension ' || e.extname, 'installed' FROM pg_catalog.pg_extension e`,
		// What is to go away with an extension, although it is not the extension's.
		`SELECT 'dependence of ' || i.type || ' ' || i.identity || ' on extension ' || e.extname, 'exists' FROM pg_catalog.pg_depend d
			JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.oid = d.refobjid,
			LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i WHERE d.deptype = 'x' AND ` + pgserver.UserSchema("i.schema"),
		// The comments of extensions and of the schemas that every database begins with belong to whoever made them. Of what is in no
		// schema only the kinds that are compared count.
		`SELECT 'comment on ' || i.type || ' ' || i.identity, d.description FROM pg_catalog.pg_description d,
			LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
			WHERE (CASE WHEN i.schema IS NOT NULL THEN ` + pgserver.UserSchema("i.schema") + ` AND i.type <> 'schema'
				WHEN i.type = 'schema' THEN ` + pgserver.UserSchema("i.name") + ` AND i.name NOT IN ('public', 'heroku_ext')
				WHEN i.type = 'large object' THEN true
				ELSE i.type IN ('cast', 'server', 'foreign-data wrapper', 'language', 'transform', 'access method') AND d.objoid >= ` + firstOfUsers + ` END)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.deptype = 'e' AND x.classid = d.classoid AND x.objid = d.objoid)`,
	}
}

// firstOfUsers is the smallest number that an object made after initdb has: what is in no schema is told from the system's by it.
const firstOfUsers = `16384`
