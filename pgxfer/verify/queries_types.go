package verify

import "changeover/pgxfer/pgserver"

// typeQueries ask for types, and for what says how their values are compared and turned into others.
func typeQueries(d dialect) []string {
	const from = ` FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace `
	const where = ` USER_SCHEMA AND OWN_TYPE `
	return []string{
		`SELECT 'type ' || t.oid::regtype, 'enum ' || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
			FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)` + from + `WHERE t.typtype = 'e' AND` + where,
		// typdefault is a text from when the domain was made, with the search_path of then.
		`SELECT 'type ' || t.oid::regtype, pg_catalog.concat_ws(', ', 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod),
			CASE WHEN t.typcollation <> b.typcollation THEN 'collate ' || ` + collationName(`t.typcollation`) + ` END, CASE WHEN t.typnotnull THEN 'not null' END,
			'default ' || COALESCE(pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::regclass), t.typdefault),
			(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.conname) || ' ' || pg_catalog.pg_get_constraintdef(o.oid), ', ' ORDER BY o.conname)
				FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid AND o.contype <> 'n'))` + from + `JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd' AND` + where,
		`SELECT 'type ' || t.oid::regtype, pg_catalog.concat_ws(', ', 'range of ' || pg_catalog.format_type(r.rngsubtype, NULL),
			(SELECT 'operator class ' || ` + qualified(`k.opcnamespace`, `k.opcname`) + ` FROM pg_catalog.pg_opclass k WHERE k.oid = r.rngsubopc), 'collate ' || ` + collationName(`r.rngcollation`) + `,
			` + function(`canonical`, `r.rngcanonical`) + `, ` + function(`difference`, `r.rngsubdiff`) + `, 'multirange ' || ` + d.both(14, `r.rngmultitypid::regtype::text`) + `)` + from +
			`JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid WHERE` + where,
		// The order of the columns is part of how a value reads, unlike that of a table.
		`SELECT 'type ' || t.oid::regtype, 'composite (' || COALESCE((SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
			FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'` +
			from + `JOIN pg_catalog.pg_class c ON c.oid = t.typrelid WHERE c.relkind = 'c' AND` + where,
		// Base types, and types that were only announced. An array type follows from that of its elements.
		`SELECT 'type ' || t.oid::regtype, pg_catalog.concat_ws(', ', 'base', 'length ' || t.typlen, CASE WHEN t.typbyval THEN 'by value' END, 'align ' || t.typalign::text,
			'storage ' || t.typstorage::text, 'category ' || t.typcategory::text, CASE WHEN t.typispreferred THEN 'preferred' END, 'delimiter ' || t.typdelim::text,
			'default ' || t.typdefault, 'element ' || pg_catalog.format_type(NULLIF(t.typelem, 0), NULL), CASE WHEN t.typcollation <> 0 THEN 'collatable' END,
			` + function(`input`, `t.typinput`) + `, ` + function(`output`, `t.typoutput`) + `, ` + function(`receive`, `t.typreceive`) + `, ` + function(`send`, `t.typsend`) + `,
			` + function(`modifier input`, `t.typmodin`) + `, ` + function(`modifier output`, `t.typmodout`) + `, ` + function(`analyze`, `t.typanalyze`) + `,
			` + d.both(14, function(`subscript`, `t.typsubscript`)) + `)` + from +
			`WHERE t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type element WHERE element.typarray = t.oid) AND` + where,
		`SELECT 'type ' || t.oid::regtype, 'shell'` + from + `WHERE t.typtype = 'p' AND NOT t.typisdefined AND` + where,
		// Casts are in no schema. From 14 on each range type has one to its multirange.
		`SELECT 'cast (' || pg_catalog.format_type(k.castsource, NULL) || ' AS ' || pg_catalog.format_type(k.casttarget, NULL) || ')',
			pg_catalog.concat_ws(', ', 'method ' || k.castmethod::text, ` + function(`function`, `k.castfunc`) + `, 'context ' || k.castcontext::text) FROM pg_catalog.pg_cast k
			WHERE k.oid >= ` + firstOfUsers + ` AND ` + own("pg_cast", "k.oid") + ` AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
				WHERE i.classid = 'pg_catalog.pg_cast'::regclass AND i.objid = k.oid AND i.deptype = 'i')
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
				WHERE t.oid IN (k.castsource, k.casttarget) AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' AND NOT (USER_SCHEMA))`,
		collationQuery(d),
		// The functions of conversions got more arguments in 14, and are named without them.
		`SELECT 'conversion ' || ` + qualified(`k.connamespace`, `k.conname`) + `, pg_catalog.concat_ws(' ', pg_catalog.pg_encoding_to_char(k.conforencoding),
			'to ' || pg_catalog.pg_encoding_to_char(k.contoencoding), 'by ' || ` + qualified(`p.pronamespace`, `p.proname`) + `, CASE WHEN k.condefault THEN 'default' END)
			FROM pg_catalog.pg_conversion k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace JOIN pg_catalog.pg_proc p ON p.oid = k.conproc
			WHERE USER_SCHEMA AND ` + own("pg_conversion", "k.oid"),
	}
}

// collationQuery leaves out which version of the library has sorted: that differs between servers by design. Those of other encodings
// nobody can use. Before 15 a collation of ICU has its locale where one of libc has.
func collationQuery(d dialect) string {
	locale := `k.collcollate::text`
	if d.major >= 17 {
		locale = `COALESCE(k.colllocale, k.collcollate)`
	} else if d.major >= 15 {
		locale = `COALESCE(k.colliculocale, k.collcollate)`
	}
	return `SELECT 'collation ' || ` + qualified(`k.collnamespace`, `k.collname`) + `, pg_catalog.concat_ws(', ', 'provider ' || k.collprovider::text, 'locale ' || ` + locale + `,
			'ctype ' || NULLIF(k.collctype::text, ` + locale + `), CASE WHEN NOT ` + d.since(12, `k.collisdeterministic`, `true`) + ` THEN 'not deterministic' END,
			'rules ' || ` + d.since(16, `k.collicurules`, `NULL`) + `)
			FROM pg_catalog.pg_collation k JOIN pg_catalog.pg_namespace n ON n.oid = k.collnamespace
			WHERE k.collencoding IN (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding())) AND USER_SCHEMA AND ` + own("pg_collation", "k.oid")
}

// own is a condition: the object does not belong to an extension.
func own(catalog, oid string) string { return pgserver.NotExtensionOwned(catalog, oid) }

// qualified is a name with its schema, both quoted where they need it.
func qualified(schema, name string) string {
	return `(` + schema + `::regnamespace || '.' || pg_catalog.quote_ident(` + name + `))`
}

func collationName(oid string) string {
	return `(SELECT ` + qualified(`co.collnamespace`, `co.collname`) + ` FROM pg_catalog.pg_collation co WHERE co.oid = ` + oid + `)`
}

// function is a label and a function with the types of its arguments, or NULL for none. A function's name alone reads otherwise on a
// server that has another one of the name.
func function(label, oid string) string {
	return `'` + label + ` ' || NULLIF(` + oid + `::oid, 0)::regprocedure`
}
