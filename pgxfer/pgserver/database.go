package pgserver

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// DatabaseSize is the size of the current database in bytes, indexes and system catalogs included.
func DatabaseSize(ctx context.Context, q Querier) (int64, error) {
	var size int64
	err := q.QueryRow(ctx, `SELECT pg_catalog.pg_database_size(pg_catalog.current_database())`).Scan(&size)
	if err != nil {
		return 0, fmt.Errorf("asking for the database size: %w", err)
	}
	return size, nil
}

// UserTables counts ordinary and partitioned tables that belong to the user: not the system's, Heroku's or an extension's.
func UserTables(ctx context.Context, q Querier) (int, error) {
	var count int
	err := q.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND `+UserSchema("n.nspname")+` AND `+NotExtensionOwned("pg_class", "c.oid")).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("counting user tables: %w", err)
	}
	return count, nil
}

// Counters are rows inserted, updated and deleted in user tables since the server's statistics were reset. They lag a moment
// behind (up to half a second before 15), and each server counts for itself: a follower shows nothing of its leader's.
type Counters struct {
	Inserted, Updated, Deleted int64
}

// TableCounters sums the counters of all user tables.
func TableCounters(ctx context.Context, q Querier) (Counters, error) {
	var c Counters
	err := q.QueryRow(ctx, `SELECT COALESCE(pg_catalog.sum(n_tup_ins), 0)::bigint, COALESCE(pg_catalog.sum(n_tup_upd), 0)::bigint,
		COALESCE(pg_catalog.sum(n_tup_del), 0)::bigint
		FROM pg_catalog.pg_stat_user_tables WHERE `+UserSchema("schemaname")).Scan(&c.Inserted, &c.Updated, &c.Deleted)
	if err != nil {
		return Counters{}, fmt.Errorf("asking for table counters: %w", err)
	}
	return c, nil
}

// Extension is one installed extension.
type Extension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
	// Owned says whether the current role (or one it belongs to) owns it, and so may comment on it or drop it.
	Owned bool `json:"owned"`
}

// Extensions lists installed extensions by name.
func Extensions(ctx context.Context, q Querier) ([]Extension, error) {
	rows, err := q.Query(ctx, `SELECT e.extname::text, e.extversion, n.nspname::text, pg_catalog.pg_has_role(e.extowner, 'USAGE')
		FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("listing extensions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Extension])
	if err != nil {
		return nil, fmt.Errorf("listing extensions: %w", err)
	}
	return list, nil
}

// Locale is how a database encodes and orders text. Two databases that differ here sort, and index, differently.
type Locale struct {
	Encoding string `json:"encoding"`
	Collate  string `json:"collate"`
	Ctype    string `json:"ctype"`
}

// DatabaseLocale asks for the locale of the current database.
func DatabaseLocale(ctx context.Context, q Querier) (Locale, error) {
	var l Locale
	err := q.QueryRow(ctx, `SELECT pg_catalog.pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text
		FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`).Scan(&l.Encoding, &l.Collate, &l.Ctype)
	if err != nil {
		return Locale{}, fmt.Errorf("asking for the database locale: %w", err)
	}
	return l, nil
}

// Settings reads server settings as SHOW prints them. A name this server does not know is missing from the result.
func Settings(ctx context.Context, q Querier, names ...string) (map[string]string, error) {
	rows, err := q.Query(ctx, `SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings WHERE name = ANY ($1)`, names)
	if err != nil {
		return nil, fmt.Errorf("reading server settings: %w", err)
	}
	settings := make(map[string]string, len(names))
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		settings[name] = value
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading server settings: %w", err)
	}
	return settings, nil
}
