package sampledb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// trustedSince is the major from which on a database's owner may create some extensions.
const trustedSince = 130000

// uses says what the shop does with an extension.
var uses = []struct{ extension, sql string }{
	{"citext", `CREATE TABLE aliases (alias citext PRIMARY KEY, customer_id integer REFERENCES customers);
		INSERT INTO aliases SELECT 'Alias' || i, i FROM generate_series(1, 20) AS i`},
	{"hstore", `CREATE TABLE properties (id serial PRIMARY KEY, attributes hstore);
		INSERT INTO properties (attributes) SELECT hstore(ARRAY['n', i::text, 'q"', NULL]) FROM generate_series(1, 50) AS i;
		CREATE INDEX properties_attributes ON properties USING gin (attributes)`},
	{"pg_trgm", `CREATE INDEX customers_name ON customers USING gin (name gin_trgm_ops)`},
}

// extensions creates the extensions that the owner may create and uses them. An installation without them
// makes a database without what uses them.
func (f *filler) extensions(ctx context.Context) error {
	var version int
	if err := f.conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < trustedSince {
		return nil
	}
	rows, err := f.conn.Query(ctx, `SELECT name FROM pg_available_extensions e JOIN pg_available_extension_versions v USING (name)
		WHERE v.version = e.default_version AND v.trusted`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	available := map[string]bool{}
	for _, name := range names {
		available[name] = true
	}
	for _, u := range uses {
		if !available[u.extension] {
			continue
		}
		if err := f.run(ctx, "CREATE EXTENSION IF NOT EXISTS "+u.extension+" SCHEMA public; "+u.sql); err != nil {
			return fmt.Errorf("%s: %w", u.extension, err)
		}
	}
	return nil
}
