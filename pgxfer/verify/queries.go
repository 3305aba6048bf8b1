package verify

import (
	"strings"

	"changeover/pgxfer/pgserver"
)

// inventoryQueries give an object and its definition each. Identities are qualified and quoted by the server, search_path is empty.
//
// What differs between two databases by design is left out: owners and grants, object ids, Heroku's own schema and event triggers, and
// the bookkeeping option pg_attver that newer minors keep with columns.
func inventoryQueries(v pgserver.Version) []string {
	generated, columnList := `''`, ``
	if v.Major() >= 12 {
		generated = `a.attgenerated::text`
	}
	if v.Major() >= 14 {
		columnList = ` || CASE WHEN a.attcompression <> '' THEN ' compression ' || a.attcompression::text ELSE '' END`
	}
	derived := `false`
	if v.Major() >= 11 {
		derived = `(o.contype = 'f' AND o.conparentid <> 0)`
	}
	kind := func(column, kinds string) string { return column + " = ANY ('{" + kinds + "}')" }
	replace := strings.NewReplacer(
		"USER_SCHEMA", pgserver.UserSchema("n.nspname"),
		"OWN_CLASS", pgserver.NotExtensionOwned("pg_class", "c.oid"),
		"OWN_PROC", pgserver.NotExtensionOwned("pg_proc", "p.oid"),
		"OWN_TYPE", pgserver.NotExtensionOwned("pg_type", "t.oid"),
		"DERIVED", derived, "GENERATED", generated, "COMPRESSION", columnList,
		"RELATIONS", kind("c.relkind", "r,p,f"),
	)
	queries := append(relationQueries(), objectQueries()...)
	if v.Major() >= 11 {
		queries = append(queries, functionQuery("p.prokind <> 'a'"), aggregateQuery("p.prokind = 'a'"))
	} else {
		queries = append(queries, functionQuery("NOT p.proisagg"), aggregateQuery("p.proisagg"))
	}
	for i := range queries {
		queries[i] = replace.Replace(queries[i])
	}
	return queries
}

func relationQueries() []string {
	const from = ` FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace `
	const where = ` USER_SCHEMA AND OWN_CLASS `
	return []string{
		// Tables.
		`SELECT 'table ' || c.oid::regclass, pg_catalog.concat_ws(', ', 'kind ' || c.relkind::text, 'persistence ' || c.relpersistence::text,
			'replica identity ' || c.relreplident::text, CASE WHEN c.relrowsecurity THEN 'row security' END,
			CASE WHEN c.relforcerowsecurity THEN 'forced row security' END, 'options ' || (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o) FROM pg_catalog.unnest(c.reloptions) o),
			'toast options ' || (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o) FROM pg_catalog.pg_class toast, pg_catalog.unnest(toast.reloptions) o WHERE toast.oid = c.reltoastrelid),
			'key ' || CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END, 'bound ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid),
			'of ' || NULLIF(c.reloftype, 0)::regtype,
			'inherits ' || (SELECT pg_catalog.string_agg(i.inhparent::regclass::text, ' ' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid))` +
			from + `WHERE RELATIONS AND` + where,
		// Columns, without regard to their order: a detached partition may have its own.
		`SELECT 'column ' || c.oid::regclass || '.' || pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod)
			|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
			|| CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
			|| CASE WHEN GENERATED <> '' THEN ' generated ' || GENERATED ELSE '' END
			|| COALESCE(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
			|| CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation THEN ' collate ' || (SELECT co.collnamespace::regnamespace || '.' || pg_catalog.quote_ident(co.collname) FROM pg_catalog.pg_collation co WHERE co.oid = a.attcollation) ELSE '' END
			|| ' storage ' || a.attstorage::text || CASE WHEN COALESCE(a.attstattarget, -1) >= 0 THEN ' statistics ' || a.attstattarget ELSE '' END COMPRESSION
			|| COALESCE(' options ' || (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o) FROM pg_catalog.unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%'), '')` +
			from + `JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
			LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE (RELATIONS OR c.relkind IN ('v', 'm', 'c')) AND a.attnum > 0 AND NOT a.attisdropped AND` + where,
		`SELECT 'index ' || c.oid::regclass, pg_catalog.concat_ws(', ', pg_catalog.pg_get_indexdef(c.oid), CASE WHEN NOT i.indisvalid THEN 'invalid' END,
			CASE WHEN NOT i.indisready THEN 'not ready' END, CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END,
			'statistics ' || (SELECT pg_catalog.string_agg(a.attnum || ': ' || a.attstattarget, ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0))` +
			from + `JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE` + where,
		// From 18 on NOT NULL is a constraint too; it stands with the column already. What a foreign key to or of a partitioned table
		// makes for each partition follows from it, under names that differ between majors.
		`SELECT 'constraint ' || pg_catalog.quote_ident(o.conname) || ' on ' || c.oid::regclass, pg_catalog.pg_get_constraintdef(o.oid)
			|| CASE WHEN NOT o.convalidated AND pg_catalog.pg_get_constraintdef(o.oid) !~ 'NOT VALID$' THEN ' not validated' ELSE '' END` +
			from + `JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid WHERE o.contype <> 'n' AND NOT DERIVED AND` + where,
		`SELECT 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' on ' || c.oid::regclass, pg_catalog.pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text` +
			from + `JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid WHERE NOT g.tgisinternal AND` + where,
		`SELECT CASE c.relkind WHEN 'v' THEN 'view ' ELSE 'materialized view ' END || c.oid::regclass, pg_catalog.pg_get_viewdef(c.oid)
			|| COALESCE(' options ' || (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o) FROM pg_catalog.unnest(c.reloptions) o), '')` +
			from + `WHERE c.relkind IN ('v', 'm') AND` + where,
		`SELECT 'rule ' || pg_catalog.quote_ident(r.rulename) || ' on ' || c.oid::regclass, pg_catalog.pg_get_ruledef(r.oid)` +
			from + `JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND` + where,
		`SELECT 'policy ' || pg_catalog.quote_ident(p.polname) || ' on ' || c.oid::regclass, pg_catalog.concat_ws(', ', p.polcmd::text, p.polpermissive::text,
			'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))` +
			from + `JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid WHERE` + where,
		`SELECT 'statistics ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname), pg_catalog.pg_get_statisticsobjdef(s.oid)
			FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE USER_SCHEMA`,
		`SELECT 'sequence ' || c.oid::regclass, pg_catalog.concat_ws(', ', s.seqtypid::regtype::text, 'start ' || s.seqstart, 'by ' || s.seqincrement,
			'from ' || s.seqmin, 'to ' || s.seqmax, 'cache ' || s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END,
			'owned by ' || (SELECT d.refobjid::regclass || '.' || pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_depend d
				JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
				WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 LIMIT 1))` +
			from + `JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid WHERE` + where,
	}
}

func objectQueries() []string {
	const from = ` FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace `
	const where = ` USER_SCHEMA AND OWN_TYPE `
	return []string{
		`SELECT 'type ' || t.oid::regtype, 'enum ' || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
			FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)` + from + `WHERE t.typtype = 'e' AND` + where,
		`SELECT 'type ' || t.oid::regtype, pg_catalog.concat_ws(', ', 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod),
			CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
			(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.conname) || ' ' || pg_catalog.pg_get_constraintdef(o.oid), ', ' ORDER BY o.conname)
				FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid AND o.contype <> 'n'))` + from + `WHERE t.typtype = 'd' AND` + where,
		`SELECT 'type ' || t.oid::regtype, 'range of ' || pg_catalog.format_type(r.rngsubtype, NULL)` + from +
			`JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid WHERE` + where,
		`SELECT 'type ' || t.oid::regtype, 'composite'` + from + `JOIN pg_catalog.pg_class c ON c.oid = t.typrelid WHERE c.relkind = 'c' AND` + where,
		`SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'exists' FROM pg_catalog.pg_namespace n WHERE USER_SCHEMA AND n.nspname <> 'heroku_ext'`,
		`SELECT 'extension ' || e.extname, 'installed' FROM pg_catalog.pg_extension e`,
		// Of extensions and schemas the comments belong to whoever made them.
		`SELECT 'comment on ' || i.type || ' ' || i.identity, d.description FROM pg_catalog.pg_description d,
			LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
			WHERE i.schema IS NOT NULL AND ` + pgserver.UserSchema("i.schema") + ` AND i.type <> 'schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
				WHERE x.deptype = 'e' AND x.classid = d.classoid AND x.objid = d.objoid)`,
	}
}

func functionQuery(which string) string {
	return `SELECT 'function ' || p.oid::regprocedure, pg_catalog.pg_get_functiondef(p.oid)
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE ` + which + ` AND USER_SCHEMA AND OWN_PROC
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.classid = 'pg_catalog.pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')`
}

func aggregateQuery(which string) string {
	return `SELECT 'aggregate ' || p.oid::regprocedure, pg_catalog.concat_ws(', ', a.aggtransfn::regproc::text, a.aggfinalfn::regproc::text,
		pg_catalog.format_type(a.aggtranstype, NULL), a.agginitval)
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
		WHERE ` + which + ` AND USER_SCHEMA AND OWN_PROC`
}
