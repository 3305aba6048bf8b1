package schema

import (
	"strconv"

	"changeover/pgxfer/pgserver"
)

// kind is one of the kinds of objects that live in schemas and are neither relations, functions nor types.
type kind struct {
	word    string // what statements call it
	catalog string
	prefix  string // of the catalog's columns
	more    string // SQL: what a statement needs after the name, or empty
}

// kinds are those that a role without superuser rights can own: operator classes and families after a superuser has given them away.
// What else is in a schema, parsers and templates of text search, has no owner but the superuser.
var kinds = []kind{
	{"operator family", "pg_opfamily", "opf", usingMethod("x.opfmethod")},
	{"operator class", "pg_opclass", "opc", usingMethod("x.opcmethod")},
	{"operator", "pg_operator", "opr", ""},
	{"conversion", "pg_conversion", "con", ""},
	{"collation", "pg_collation", "coll", ""},
	{"text search configuration", "pg_ts_config", "cfg", ""},
	{"text search dictionary", "pg_ts_dict", "dict", ""},
}

func usingMethod(column string) string {
	return ` || ' USING ' || (SELECT pg_catalog.quote_ident(amname) FROM pg_catalog.pg_am WHERE oid = ` + column + `)`
}

// from is the end of a query for all objects x of the kind, in schemas n, that are of the user's own making.
func (k kind) from(user string) string {
	return ` FROM pg_catalog.` + k.catalog + ` x JOIN pg_catalog.pg_namespace n ON n.oid = x.` + k.prefix + `namespace
		WHERE ` + user + ` AND ` + pgserver.NotExtensionOwned(k.catalog, "x.oid")
}

// name is SQL for the name in a statement.
func (k kind) name() string {
	if k.catalog == "pg_operator" {
		return `x.oid::regoperator` // which says the types, too
	}
	return `pg_catalog.format('%I.%I', n.nspname, x.` + k.prefix + `name)` + k.more
}

// castsFrom is the end of a query for casts of the user's own making, which are in no schema: of their types one may be the system's.
var castsFrom = ` FROM pg_catalog.pg_cast x JOIN pg_catalog.pg_type source ON source.oid = x.castsource JOIN pg_catalog.pg_type target ON target.oid = x.casttarget
	WHERE x.oid >= ` + strconv.Itoa(firstNormal) + ` AND ` + pgserver.NotExtensionOwned("pg_cast", "x.oid")

// castName is SQL for what a cast is from and to.
const castName = `pg_catalog.format_type(x.castsource, NULL) || ' AS ' || pg_catalog.format_type(x.casttarget, NULL)`

// firstNormal is the first oid that a new database does not bring (FirstNormalObjectId in transam.h).
const firstNormal = 16384

// serversFrom is the end of a query for foreign servers of the user's own making.
var serversFrom = ` FROM pg_catalog.pg_foreign_server x WHERE ` + pgserver.NotExtensionOwned("pg_foreign_server", "x.oid")

// ownRoutine is an SQL condition: the function p is not one that comes and goes with a range type.
const ownRoutine = `NOT EXISTS (SELECT FROM pg_catalog.pg_depend part WHERE part.deptype = 'i'
	AND part.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND part.objid = p.oid)`

// ownType is an SQL condition: the type t is not one that comes and goes with another, such as that of a table's rows, an array or a multirange.
const ownType = `(t.typtype IN ('e', 'd', 'r') OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type element WHERE element.typarray = t.oid)
	OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))`
