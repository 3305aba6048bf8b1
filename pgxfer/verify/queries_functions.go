package verify

// functionQueries ask for functions and aggregates, and for languages and what the languages know of types.
func functionQueries(d dialect) []string {
	const from = ` FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace `
	aggregate := d.since(11, `p.prokind = 'a'`, `p.proisagg`)
	return []string{
		`SELECT 'function ' || p.oid::regprocedure, pg_catalog.pg_get_functiondef(p.oid)` + from + `WHERE NOT (` + aggregate + `) AND USER_SCHEMA AND OWN_PROC
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.classid = 'pg_catalog.pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')`,
		`SELECT 'aggregate ' || p.oid::regprocedure, ` + aggregateDefinition(d) + from + `JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
			WHERE ` + aggregate + ` AND USER_SCHEMA AND OWN_PROC`,
		`SELECT 'language ' || pg_catalog.quote_ident(l.lanname), pg_catalog.concat_ws(', ', CASE WHEN l.lanpltrusted THEN 'trusted' ELSE 'not trusted' END,
			` + function(`handler`, `l.lanplcallfoid`) + `, ` + function(`inline`, `l.laninline`) + `, ` + function(`validator`, `l.lanvalidator`) + `)
			FROM pg_catalog.pg_language l WHERE l.oid >= ` + firstOfUsers + ` AND ` + own("pg_language", "l.oid"),
		`SELECT 'transform for ' || pg_catalog.format_type(t.trftype, NULL) || ' language ' || pg_catalog.quote_ident(l.lanname),
			pg_catalog.concat_ws(', ', ` + function(`from SQL`, `t.trffromsql`) + `, ` + function(`to SQL`, `t.trftosql`) + `)
			FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang WHERE t.oid >= ` + firstOfUsers + ` AND ` + own("pg_transform", "t.oid"),
	}
}

// aggregateDefinition is what pg_get_functiondef refuses to tell. Before 11 what a final function may do to the state could not be said, and
// was what is the default since.
func aggregateDefinition(d dialect) string {
	modify := `CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END`
	return `pg_catalog.concat_ws(', ', 'arguments (' || pg_catalog.pg_get_function_arguments(p.oid) || ')', 'kind ' || a.aggkind::text, 'direct ' || a.aggnumdirectargs,
		'parallel ' || p.proparallel::text, ` + function(`sfunc`, `a.aggtransfn`) + `, 'stype ' || pg_catalog.format_type(a.aggtranstype, NULL), 'sspace ' || NULLIF(a.aggtransspace, 0),
		` + function(`finalfunc`, `a.aggfinalfn`) + `, CASE WHEN a.aggfinalextra THEN 'finalfunc extra' END, 'finalfunc modify ' || ` + d.since(11, `a.aggfinalmodify::text`, modify) + `,
		` + function(`combinefunc`, `a.aggcombinefn`) + `, ` + function(`serialfunc`, `a.aggserialfn`) + `, ` + function(`deserialfunc`, `a.aggdeserialfn`) + `,
		'initcond ' || a.agginitval, ` + function(`msfunc`, `a.aggmtransfn`) + `, ` + function(`minvfunc`, `a.aggminvtransfn`) + `,
		'mstype ' || pg_catalog.format_type(NULLIF(a.aggmtranstype, 0), NULL), 'msspace ' || NULLIF(a.aggmtransspace, 0), ` + function(`mfinalfunc`, `a.aggmfinalfn`) + `,
		CASE WHEN a.aggmfinalextra THEN 'mfinalfunc extra' END, 'mfinalfunc modify ' || ` + d.since(11, `a.aggmfinalmodify::text`, modify) + `,
		'minitcond ' || a.aggminitval, 'sortop ' || NULLIF(a.aggsortop, 0)::regoperator)`
}
