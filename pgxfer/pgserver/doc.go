// Package pgserver asks a PostgreSQL server the questions a migration depends on: which version, leader or follower,
// how far it has written or replayed, who is connected, what the sequences say.
//
// Every function is one question over a session the caller owns. All of them work on servers from 10 to 18, on hot standbys,
// and for a role that is not a superuser; what such a role may not see is documented at the function.
package pgserver

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Querier is a session to ask: *pgx.Conn, pgx.Tx and *pgxpool.Pool all are.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// HerokuSchema holds Heroku's own functions. Customers can neither read nor restore it, so nothing here counts it.
const HerokuSchema = "_heroku"

// UserSchema is an SQL condition: the column (such as "n.nspname") names a schema that belongs to the user and is not
// the system's, a temporary one, or Heroku's.
func UserSchema(column string) string {
	return column + ` !~ '^pg_' AND ` + column + ` NOT IN ('information_schema', '` + HerokuSchema + `')`
}

// NotExtensionOwned is an SQL condition: the object of the given catalog (such as "pg_class") whose oid stands in the
// column does not belong to an extension.
func NotExtensionOwned(catalog, column string) string {
	return `NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend ext WHERE ext.deptype = 'e'
		AND ext.classid = 'pg_catalog.` + catalog + `'::pg_catalog.regclass AND ext.objid = ` + column + `)`
}
