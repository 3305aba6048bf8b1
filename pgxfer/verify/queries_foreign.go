package verify

// foreignQueries ask for foreign-data wrappers and servers. Foreign tables are among the tables.
func foreignQueries(d dialect) []string {
	return []string{
		`SELECT 'foreign-data wrapper ' || pg_catalog.quote_ident(w.fdwname), pg_catalog.concat_ws(', ', ` + function(`handler`, `w.fdwhandler`) + `,
			` + function(`validator`, `w.fdwvalidator`) + `, 'options ' || ` + d.options(`w.fdwoptions`) + `)
			FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.oid >= ` + firstOfUsers + ` AND ` + own("pg_foreign_data_wrapper", "w.oid"),
		`SELECT 'server ' || pg_catalog.quote_ident(s.srvname), pg_catalog.concat_ws(', ', 'foreign-data wrapper ' || pg_catalog.quote_ident(w.fdwname),
			'type ' || pg_catalog.quote_literal(s.srvtype), 'version ' || pg_catalog.quote_literal(s.srvversion), 'options ' || ` + d.options(`s.srvoptions`) + `)
			FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
			WHERE s.oid >= ` + firstOfUsers + ` AND ` + own("pg_foreign_server", "s.oid"),
	}
}

// options prints the options of something foreign by their names. The values may be passwords, so only a hash of each is compared. It is
// shown where they differ, so it is made with a salt that is not: nobody can try passwords until one gives the same.
func (d dialect) options(array string) string {
	return `(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || ' #' || pg_catalog.left(pg_catalog.md5('` + d.salt + `' || o.option_value), 12), ' '
		ORDER BY o.option_name COLLATE "C") FROM pg_catalog.pg_options_to_table(` + array + `) o)`
}
