package pgserver

import (
	"context"
	"fmt"
)

// Writes counts every row inserted, updated or deleted in the current database since the statistics were reset:
// in user tables, in the catalogs (so DDL and TRUNCATE count), and in large objects.
//
// Left out is what is nobody's write: the statistics that ANALYZE stores, which autovacuum does by itself, catalogs
// shared with other databases, and Heroku's own schema. Counters arrive up to a second after the transaction, those of a
// session that stays connected up to ten.
func Writes(ctx context.Context, q Querier) (int64, error) {
	var n int64
	err := q.QueryRow(ctx, `SELECT COALESCE(pg_catalog.sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::bigint `+counted).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting writes: %w", err)
	}
	return n, nil
}

// counted are the tables of [Writes], as s.
const counted = `FROM pg_catalog.pg_stat_all_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid
	WHERE NOT c.relisshared AND s.schemaname <> '` + HerokuSchema + `' AND NOT EXISTS (
		SELECT FROM pg_catalog.pg_class stat WHERE stat.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
		AND stat.relname IN ('pg_statistic', 'pg_statistic_ext_data') AND c.oid IN (stat.oid, stat.reltoastrelid))`
