package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// Unlisted lists what is not even in the table of contents of a dump made by a customer: subscriptions, which pg_dump shows to superusers
// only, and what ALTER DATABASE … SET and ALTER ROLE … SET have set for sessions in this database, which it has only with --create; an
// app may need it, above all search_path. Values are named for the server's own settings only: an app may keep secrets in settings of its
// own making.
func Unlisted(ctx context.Context, q pgserver.Querier) ([]pgxfer.Skipped, error) {
	rows, err := q.Query(ctx, `SELECT CASE WHEN s.setrole = 0 THEN 'DATABASE SETTING' ELSE 'ROLE SETTING' END,
			COALESCE(pg_catalog.pg_get_userbyid(NULLIF(s.setrole, 0))::text || ': ', '') || CASE WHEN pg_catalog.split_part(c, '=', 1) LIKE '%.%'
				THEN pg_catalog.split_part(c, '=', 1) ELSE c END,
			'settings of databases and roles are not copied; set it again if the app needs it'
		FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
		WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
			OR s.setdatabase = 0 AND s.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
		UNION ALL SELECT 'SUBSCRIPTION', s.subname::text, $1 FROM pg_catalog.pg_subscription s
		WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
			AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER) ORDER BY 1, 2`, never["SUBSCRIPTION"])
	if err != nil {
		return nil, fmt.Errorf("listing settings and subscriptions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pgxfer.Skipped])
	if err != nil {
		return nil, fmt.Errorf("listing settings and subscriptions: %w", err)
	}
	return list, nil
}
