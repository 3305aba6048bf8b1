package verify

// operatorQueries ask for operators and for what makes them known to indexes. Members of families are listed one by one, with no regard to
// whether they came with a class or later.
func operatorQueries() []string {
	const families = ` JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace WHERE `
	family := qualified(`f.opfnamespace`, `f.opfname`) + ` || ' using ' || pg_catalog.quote_ident(am.amname)`
	member := func(what, number, left, right string) string {
		return `'` + what + ` ' || ` + number + ` || ' (' || pg_catalog.format_type(` + left + `, NULL) || ', ' || pg_catalog.format_type(` + right + `, NULL)
			|| ') of operator family ' || ` + family
	}
	ownFamily := `USER_SCHEMA AND ` + own("pg_opfamily", "f.oid")
	return []string{
		// An operator without a function was only announced by another one, which names it.
		`SELECT 'operator ' || o.oid::regoperator, pg_catalog.concat_ws(', ', ` + function(`function`, `o.oprcode`) + `, 'returns ' || pg_catalog.format_type(o.oprresult, NULL),
			'commutator ' || NULLIF(o.oprcom, 0)::regoperator, 'negator ' || NULLIF(o.oprnegate, 0)::regoperator, ` + function(`restrict`, `o.oprrest`) + `,
			` + function(`join`, `o.oprjoin`) + `, CASE WHEN o.oprcanmerge THEN 'merges' END, CASE WHEN o.oprcanhash THEN 'hashes' END)
			FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprcode <> 0 AND USER_SCHEMA AND ` + own("pg_operator", "o.oid"),
		`SELECT 'operator family ' || ` + family + `, 'exists' FROM pg_catalog.pg_opfamily f` + families + ownFamily,
		`SELECT ` + member(`operator`, `m.amopstrategy`, `m.amoplefttype`, `m.amoprighttype`) + `, pg_catalog.concat_ws(', ', m.amopopr::regoperator::text,
			CASE m.amoppurpose WHEN 'o' THEN 'for order by ' || (SELECT ` + qualified(`s.opfnamespace`, `s.opfname`) + ` FROM pg_catalog.pg_opfamily s WHERE s.oid = m.amopsortfamily) END)
			FROM pg_catalog.pg_amop m JOIN pg_catalog.pg_opfamily f ON f.oid = m.amopfamily` + families + ownFamily,
		`SELECT ` + member(`function`, `m.amprocnum`, `m.amproclefttype`, `m.amprocrighttype`) + `, m.amproc::oid::regprocedure::text
			FROM pg_catalog.pg_amproc m JOIN pg_catalog.pg_opfamily f ON f.oid = m.amprocfamily` + families + ownFamily,
		`SELECT 'operator class ' || ` + qualified(`k.opcnamespace`, `k.opcname`) + ` || ' using ' || pg_catalog.quote_ident(am.amname),
			pg_catalog.concat_ws(', ', 'for ' || pg_catalog.format_type(k.opcintype, NULL), CASE WHEN k.opcdefault THEN 'default' END,
			'family ' || ` + qualified(`f.opfnamespace`, `f.opfname`) + `, 'storage ' || pg_catalog.format_type(NULLIF(k.opckeytype, 0), NULL))
			FROM pg_catalog.pg_opclass k JOIN pg_catalog.pg_namespace n ON n.oid = k.opcnamespace JOIN pg_catalog.pg_am am ON am.oid = k.opcmethod
			JOIN pg_catalog.pg_opfamily f ON f.oid = k.opcfamily WHERE USER_SCHEMA AND ` + own("pg_opclass", "k.oid"),
		`SELECT 'access method ' || pg_catalog.quote_ident(am.amname), pg_catalog.concat_ws(', ', 'type ' || am.amtype::text, ` + function(`handler`, `am.amhandler`) + `)
			FROM pg_catalog.pg_am am WHERE am.oid >= ` + firstOfUsers + ` AND ` + own("pg_am", "am.oid"),
	}
}
