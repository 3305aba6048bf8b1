package verify

// textSearchQueries ask for parsers, templates, dictionaries and configurations. What a configuration does with each kind of token is
// listed by itself.
func textSearchQueries() []string {
	return []string{
		`SELECT 'text search parser ' || ` + qualified(`x.prsnamespace`, `x.prsname`) + `, pg_catalog.concat_ws(', ', ` + function(`start`, `x.prsstart`) + `,
			` + function(`next token`, `x.prstoken`) + `, ` + function(`end`, `x.prsend`) + `, ` + function(`headline`, `x.prsheadline`) + `, ` + function(`types`, `x.prslextype`) + `)
			FROM pg_catalog.pg_ts_parser x JOIN pg_catalog.pg_namespace n ON n.oid = x.prsnamespace WHERE USER_SCHEMA AND ` + own("pg_ts_parser", "x.oid"),
		`SELECT 'text search template ' || ` + qualified(`x.tmplnamespace`, `x.tmplname`) + `,
			pg_catalog.concat_ws(', ', ` + function(`init`, `x.tmplinit`) + `, ` + function(`lexize`, `x.tmpllexize`) + `)
			FROM pg_catalog.pg_ts_template x JOIN pg_catalog.pg_namespace n ON n.oid = x.tmplnamespace WHERE USER_SCHEMA AND ` + own("pg_ts_template", "x.oid"),
		`SELECT 'text search dictionary ' || x.oid::regdictionary, pg_catalog.concat_ws(', ', 'template ' || ` + qualified(`y.tmplnamespace`, `y.tmplname`) + `, x.dictinitoption)
			FROM pg_catalog.pg_ts_dict x JOIN pg_catalog.pg_namespace n ON n.oid = x.dictnamespace JOIN pg_catalog.pg_ts_template y ON y.oid = x.dicttemplate
			WHERE USER_SCHEMA AND ` + own("pg_ts_dict", "x.oid"),
		`SELECT 'text search configuration ' || x.oid::regconfig, 'parser ' || ` + qualified(`y.prsnamespace`, `y.prsname`) + `
			FROM pg_catalog.pg_ts_config x JOIN pg_catalog.pg_namespace n ON n.oid = x.cfgnamespace JOIN pg_catalog.pg_ts_parser y ON y.oid = x.cfgparser
			WHERE USER_SCHEMA AND ` + own("pg_ts_config", "x.oid"),
		`SELECT 'mapping for ' || COALESCE(pg_catalog.quote_ident(k.alias), m.maptokentype::text) || ' of text search configuration ' || x.oid::regconfig,
			pg_catalog.string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)
			FROM pg_catalog.pg_ts_config x JOIN pg_catalog.pg_namespace n ON n.oid = x.cfgnamespace JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg = x.oid
			LEFT JOIN LATERAL pg_catalog.ts_token_type(x.cfgparser) k ON k.tokid = m.maptokentype
			WHERE USER_SCHEMA AND ` + own("pg_ts_config", "x.oid") + ` GROUP BY x.oid, m.maptokentype, k.alias`,
	}
}
