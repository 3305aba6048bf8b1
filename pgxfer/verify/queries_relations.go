package verify

// What relations and what belongs to them is selected from, and what of it is the user's.
const (
	fromRelations = ` FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace `
	ownRelations  = ` USER_SCHEMA AND OWN_CLASS `
)

// sorted prints the elements of an array of texts, sorted.
func sorted(array string) string {
	return `(SELECT pg_catalog.string_agg(o, ' ' ORDER BY o COLLATE "C") FROM pg_catalog.unnest(` + array + `) o)`
}

// relationQueries ask for what has columns, and for the columns.
func relationQueries(d dialect) []string {
	accessMethod := `NULL`
	if d.major >= 12 {
		// Only from 17 on partitioned tables have one, to hand it on.
		accessMethod = `(SELECT am.amname FROM pg_catalog.pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap' AND (c.relkind <> 'p' OR ` + d.both(17, `true`) + `))`
	}
	// From 18 on NOT NULL is a constraint too, and may be of the table alone or not validated; older servers have none of that.
	notNull := d.since(18, `COALESCE((SELECT CASE WHEN o.connoinherit THEN ' no inherit' ELSE '' END || CASE WHEN NOT o.convalidated THEN ' not validated' ELSE '' END
		FROM pg_catalog.pg_constraint o WHERE o.conrelid = a.attrelid AND o.contype = 'n' AND o.conkey = ARRAY[a.attnum]), '')`, `''`)
	generated := d.since(12, `CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END`, `''`)
	compression := d.since(14, `CASE WHEN a.attcompression <> '' THEN ' compression ' || a.attcompression::text ELSE '' END`, `''`)
	return []string{
		// Tables.
		`SELECT 'table ' || c.oid::regclass, pg_catalog.concat_ws(', ', 'kind ' || c.relkind::text, 'persistence ' || c.relpersistence::text,
			'replica identity ' || c.relreplident::text, CASE WHEN c.relrowsecurity THEN 'row security' END,
			CASE WHEN c.relforcerowsecurity THEN 'forced row security' END, 'options ' || ` + sorted(`c.reloptions`) + `,
			'toast options ' || (SELECT ` + sorted(`toast.reloptions`) + ` FROM pg_catalog.pg_class toast WHERE toast.oid = c.reltoastrelid), 'access method ' || ` + accessMethod + `,
			'key ' || CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END, 'bound ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid),
			'of ' || NULLIF(c.reloftype, 0)::regtype,
			'inherits ' || (SELECT pg_catalog.string_agg(i.inhparent::regclass::text, ' ' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
			(SELECT 'server ' || pg_catalog.quote_ident(s.srvname) FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
			'foreign options ' || (SELECT ` + d.options(`f.ftoptions`) + ` FROM pg_catalog.pg_foreign_table f WHERE f.ftrelid = c.oid))` +
			fromRelations + `WHERE RELATIONS AND` + ownRelations,
		// Columns, without regard to their order: a detached partition may have its own.
		`SELECT 'column ' || c.oid::regclass || '.' || pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod)
			|| CASE WHEN a.attnotnull THEN ' not null' || ` + notNull + ` ELSE '' END
			|| CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END || ` + generated + `
			|| COALESCE(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
			|| CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation THEN ' collate ' || ` + collationName(`a.attcollation`) + ` ELSE '' END
			|| ' storage ' || a.attstorage::text || CASE WHEN COALESCE(a.attstattarget, -1) >= 0 THEN ' statistics ' || a.attstattarget ELSE '' END || ` + compression + `
			|| COALESCE(' options ' || (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o COLLATE "C") FROM pg_catalog.unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%'), '')
			|| COALESCE(' foreign options ' || ` + d.options(`a.attfdwoptions`) + `, '')` +
			fromRelations + `JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
			LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE (RELATIONS OR c.relkind IN ('v', 'm', 'c')) AND a.attnum > 0 AND NOT a.attisdropped AND` + ownRelations,
		`SELECT CASE c.relkind WHEN 'v' THEN 'view ' ELSE 'materialized view ' END || c.oid::regclass, pg_catalog.pg_get_viewdef(c.oid)
			|| COALESCE(' options ' || ` + sorted(`c.reloptions`) + `, '') || COALESCE(' access method ' || ` + accessMethod + `, '')` +
			fromRelations + `WHERE c.relkind IN ('v', 'm') AND` + ownRelations,
		// Since 15 a sequence can be unlogged, and one that belongs to a column of an unlogged table is.
		`SELECT 'sequence ' || c.oid::regclass, pg_catalog.concat_ws(', ', s.seqtypid::regtype::text, 'start ' || s.seqstart, 'by ' || s.seqincrement,
			'from ' || s.seqmin, 'to ' || s.seqmax, 'cache ' || s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END, 'persistence ' || ` + d.both(15, `c.relpersistence::text`) + `,
			'owned by ' || (SELECT d.refobjid::regclass || '.' || pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_depend d
				JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
				WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 LIMIT 1))` +
			fromRelations + `JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid WHERE` + ownRelations,
	}
}

// relatedQueries ask for what belongs to a relation.
func relatedQueries(d dialect) []string {
	derived := d.since(11, `(o.contype = 'f' AND o.conparentid <> 0)`, `false`)
	// What a trigger of a partitioned table makes for each partition counts as internal before 15. From then on it may differ from what
	// it was made of in whether it is enabled.
	cloned := `false`
	if d.common < 15 {
		cloned = d.since(13, `g.tgparentid <> 0`, `false`)
	}
	return []string{
		`SELECT 'index ' || c.oid::regclass, pg_catalog.concat_ws(', ', pg_catalog.pg_get_indexdef(c.oid), CASE WHEN NOT i.indisvalid THEN 'invalid' END,
			CASE WHEN NOT i.indisready THEN 'not ready' END, CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END,
			'statistics ' || (SELECT pg_catalog.string_agg(a.attnum || ': ' || a.attstattarget, ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0),
			'attached to ' || (SELECT h.inhparent::regclass FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid))` +
			fromRelations + `JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid WHERE` + ownRelations,
		// NOT NULL, a constraint too from 18 on, stands with the column already. What a foreign key to or of a partitioned table makes for
		// each partition follows from it, under names that differ between majors.
		`SELECT 'constraint ' || pg_catalog.quote_ident(o.conname) || ' on ' || c.oid::regclass, pg_catalog.pg_get_constraintdef(o.oid)
			|| CASE WHEN NOT o.convalidated AND pg_catalog.pg_get_constraintdef(o.oid) !~ 'NOT VALID$' THEN ' not validated' ELSE '' END` +
			fromRelations + `JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid WHERE o.contype <> 'n' AND NOT ` + derived + ` AND` + ownRelations,
		`SELECT 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' on ' || c.oid::regclass, pg_catalog.pg_get_triggerdef(g.oid) || ' enabled ' || g.tgenabled::text` +
			fromRelations + `JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid WHERE NOT g.tgisinternal AND NOT ` + cloned + ` AND` + ownRelations,
		`SELECT 'rule ' || pg_catalog.quote_ident(r.rulename) || ' on ' || c.oid::regclass, pg_catalog.pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text` +
			fromRelations + `JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND` + ownRelations,
		`SELECT 'policy ' || pg_catalog.quote_ident(p.polname) || ' on ' || c.oid::regclass, pg_catalog.concat_ws(', ', p.polcmd::text, p.polpermissive::text,
			'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))` +
			fromRelations + `JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid WHERE` + ownRelations,
		`SELECT 'statistics ' || ` + qualified(`s.stxnamespace`, `s.stxname`) + `, pg_catalog.concat_ws(', ', pg_catalog.pg_get_statisticsobjdef(s.oid),
			'statistics ' || ` + d.since(13, `CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END`, `NULL`) + `)
			FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace WHERE USER_SCHEMA AND ` + own("pg_statistic_ext", "s.oid"),
	}
}
