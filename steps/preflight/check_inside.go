package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// ourExtensions are made by Heroku or by every database, and the dump leaves them out.
var ourExtensions = []string{"plpgsql", "pg_stat_statements"}

// stateful are extensions that keep data or workers of their own, for which plain dumps have rules.
var stateful = []string{"postgis", "timescaledb", "pg_partman", "pg_cron", "pglogical", "citus"}

// checkExtensions compares where extensions are with where Heroku lets new ones be: since 2022 some databases take
// them in heroku_ext only.
func (s *survey) checkExtensions(in Inside) {
	bySchema := map[string][]string{}
	for _, e := range in.Extensions {
		if slices.Contains(ourExtensions, e.Name) {
			continue
		}
		bySchema[e.Schema] = append(bySchema[e.Schema], e.Name)
		if slices.Contains(stateful, e.Name) {
			s.warn("extensions", "read its own advice for dump and restore, and rehearse with a copy of your data",
				"extension %s %s keeps data or workers of its own", e.Name, e.Version)
		}
	}
	for _, schema := range sortedKeys(bySchema) {
		if schema == "heroku_ext" {
			continue
		}
		s.warn("extensions", fmt.Sprintf("try `CREATE EXTENSION %s SCHEMA %s` on a new database of the same plan first; where Heroku wants heroku_ext, move it there before the run", bySchema[schema][0], schema),
			"extensions in schema %s: %s; some new databases take extensions in heroku_ext only", schema, some(bySchema[schema]))
	}
}

// checkText looks at how text is stored. New databases are UTF8.
func (s *survey) checkText(in Inside) {
	switch in.Encoding {
	case "UTF8":
	case "SQL_ASCII":
		s.warn("encoding", "find and mend what is not UTF-8 before the outage, table by table: `pg_dump … | iconv -f UTF-8 > /dev/null` shows where it is",
			"%s is SQL_ASCII: any bytes may be in it, and a UTF8 database refuses those that are no UTF-8", s.addon.Name)
	default:
		s.warn("encoding", "rehearse the restore into a UTF8 database with a copy of your data",
			"%s is %s, new databases are UTF8: texts are converted and indexes on them sort anew", s.addon.Name, in.Encoding)
	}
}

// checkRights looks for what the default credential cannot dump.
func (s *survey) checkRights(in Inside) {
	if !in.OwnsDatabase {
		s.warn("ownership", "let the fence rely on scaled-down dynos and ended sessions, and watch for writers",
			"the default credential does not own the database, so it cannot be made read-only for the outage")
	}
	if len(in.Unreadable) > 0 {
		s.block("privileges", fmt.Sprintf("as their owner: `GRANT SELECT ON %s TO %s`", in.Unreadable[0], in.User),
			"the default credential may not read %s", some(in.Unreadable))
	}
	if len(in.Foreign) > 0 {
		s.warn("privileges", "give them to the default credential first (`ALTER TABLE … OWNER TO`), or their owners again afterwards",
			"other credentials own %s; on the new database the default one will", some(in.Foreign))
	}
	if len(in.ForcedPolicies) > 0 {
		s.block("row security", fmt.Sprintf("`ALTER TABLE %s NO FORCE ROW LEVEL SECURITY` for the time of the dump", in.ForcedPolicies[0]),
			"row security is forced on %s, which pg_dump refuses to dump without every row", some(in.ForcedPolicies))
	}
}

// checkObjects looks for what is not restored as it was.
func (s *survey) checkObjects(in Inside) {
	if len(in.InvalidIndexes) > 0 {
		s.warn("indexes", fmt.Sprintf("`REINDEX INDEX CONCURRENTLY %s`, or drop it", in.InvalidIndexes[0]),
			"invalid indexes: %s; a unique one that does not hold ends the restore", some(in.InvalidIndexes))
	}
	if len(in.Unlogged) > 0 {
		s.warn("unlogged tables", "expect them empty, or make them logged before the run: `ALTER TABLE … SET LOGGED`",
			"followers have no rows of unlogged tables, so the dump has none: %s", some(in.Unlogged))
	}
	if len(in.ForeignServers) > 0 {
		s.warn("foreign servers", "make them and their user mappings again on the new database, with the passwords",
			"the dump has no passwords of foreign servers: %s", some(in.ForeignServers))
	}
	if len(in.Publications) > 0 {
		s.warn("publications", "tell whoever subscribes that they start anew on the new database", "subscribers do not come along: %s", some(in.Publications))
	}
	if in.Prepared > 0 {
		s.block("prepared transactions", "`SELECT gid FROM pg_prepared_xacts`, then COMMIT PREPARED or ROLLBACK PREPARED each",
			"%d prepared transactions hold locks, and would never be seen as writers", in.Prepared)
	}
	if in.LongestSession != "" {
		s.warn("sessions", "find out whose it is and end it before the outage", "a transaction has been open for %s; it holds back followers and vacuum", in.LongestSession)
	}
	if strings.HasPrefix(in.Version, "9.0") || strings.HasPrefix(in.Version, "9.1") {
		s.block("version", "go to 14 first, whose pg_dump reads it", "pg_dump 15 and later read PostgreSQL 9.2 and newer, this is %s", in.Version)
	}
}
