package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// Contents lists objects of the user's in a database, a few of each kind by name, except in the schemas to spare: what a database that was just made does not have.
func Contents(ctx context.Context, q pgserver.Querier, spare ...string) ([]string, error) {
	user := userSchema(spare)
	more := ``
	for _, k := range kinds {
		more += ` UNION ALL SELECT 5, '` + k.word + `', n.nspname || '.' || x.` + k.prefix + `name` + k.from(user)
	}
	rows, err := q.Query(ctx, `SELECT kind || ' ' || name FROM (
		SELECT 1 AS rank, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
			WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, n.nspname || '.' || c.relname AS name
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND `+user+` AND `+pgserver.NotExtensionOwned("pg_class", "c.oid")+`
		UNION ALL SELECT 2, 'function', n.nspname || '.' || p.proname FROM pg_catalog.pg_proc p
			JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
			WHERE `+ownRoutine+` AND `+user+` AND `+pgserver.NotExtensionOwned("pg_proc", "p.oid")+`
		UNION ALL SELECT 3, 'type', n.nspname || '.' || t.typname FROM pg_catalog.pg_type t
			JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
			WHERE `+ownType+` AND `+user+` AND `+pgserver.NotExtensionOwned("pg_type", "t.oid")+`
		UNION ALL SELECT 4, 'large object', oid::text FROM pg_catalog.pg_largeobject_metadata`+more+`
		UNION ALL SELECT 6, 'cast', `+castName+castsFrom+` UNION ALL SELECT 7, 'server', x.srvname`+serversFrom+`
	) found ORDER BY rank, name LIMIT 4`)
	if err != nil {
		return nil, fmt.Errorf("looking for what the database holds: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("looking for what the database holds: %w", err)
	}
	return list, nil
}

// userSchema is an SQL condition: the schema n belongs to the user and is not to be spared.
func userSchema(spare []string) string {
	user := pgserver.UserSchema("n.nspname")
	for _, name := range spare {
		user += ` AND n.nspname <> '` + name + `'`
	}
	return user
}

// MustBeEmpty refuses a database that holds anything of the user's: pg_restore into a loaded table without a key doubles its rows.
func MustBeEmpty(ctx context.Context, q pgserver.Querier, spare ...string) error {
	found, err := Contents(ctx, q, spare...)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	more := ""
	if len(found) > 3 {
		found, more = found[:3], " and more"
	}
	return fmt.Errorf("%w: it holds %s%s; reset it, or use a new database", pgxfer.ErrTargetNotEmpty, strings.Join(found, ", "), more)
}
