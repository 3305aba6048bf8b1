package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// drops list what to drop in order: each query gives statements. Ours are objects whose owner we are or belong to.
func drops(spare []string) []string {
	const ours = `pg_catalog.pg_has_role(%s, 'USAGE')`
	owned := func(column string) string { return fmt.Sprintf(ours, column) }
	user := userSchema(spare)
	object := func(catalog, alias, namespace, owner, statement, more string) string {
		return `SELECT ` + statement + ` FROM pg_catalog.` + catalog + ` ` + alias + ` JOIN pg_catalog.pg_namespace n ON n.oid = ` + namespace +
			` WHERE ` + user + ` AND ` + owned(owner) + ` AND ` + pgserver.NotExtensionOwned(catalog, alias+".oid") + more + ` ORDER BY ` + alias + `.oid`
	}
	relation := func(kinds, what string) string {
		return object("pg_class", "c", "c.relnamespace", "c.relowner", `'DROP `+what+` IF EXISTS ' || c.oid::regclass || ' CASCADE'`, ` AND c.relkind = ANY ('{`+kinds+`}')`)
	}
	list := []string{
		relation("v", "VIEW"), relation("m", "MATERIALIZED VIEW"), relation("p", "TABLE"), relation("r", "TABLE"),
		relation("f", "FOREIGN TABLE"), relation("S", "SEQUENCE"),
		`SELECT 'DROP EXTENSION IF EXISTS ' || pg_catalog.quote_ident(extname) || ' CASCADE' FROM pg_catalog.pg_extension WHERE ` + owned("extowner"),
		object("pg_proc", "p", "p.pronamespace", "p.proowner", `'DROP ROUTINE IF EXISTS ' || p.oid::regprocedure || ' CASCADE'`, ` AND `+ownRoutine),
		object("pg_type", "t", "t.typnamespace", "t.typowner", `'DROP TYPE IF EXISTS ' || t.oid::regtype || ' CASCADE'`, ` AND `+ownType),
	}
	for _, k := range kinds {
		list = append(list, `SELECT 'DROP `+strings.ToUpper(k.word)+` IF EXISTS ' || `+k.name()+` || ' CASCADE'`+k.from(user)+` AND `+owned("x."+k.prefix+"owner")+` ORDER BY x.oid`)
	}
	return append(list,
		`SELECT 'DROP CAST IF EXISTS (' || `+castName+` || ') CASCADE'`+castsFrom+` AND (`+owned("source.typowner")+` OR `+owned("target.typowner")+`) ORDER BY x.oid`,
		`SELECT 'DROP SERVER IF EXISTS ' || pg_catalog.quote_ident(x.srvname) || ' CASCADE'`+serversFrom+` AND `+owned("x.srvowner"),
		`SELECT 'DROP SCHEMA IF EXISTS ' || pg_catalog.quote_ident(n.nspname) || ' CASCADE' FROM pg_catalog.pg_namespace n
			WHERE n.nspname <> 'public' AND `+user+` AND `+owned("n.nspowner")+` AND `+pgserver.NotExtensionOwned("pg_namespace", "n.oid"),
	)
}

// Reset drops all that the session's role owns, and nothing else. The schemas to spare are our own, with plain names.
// Every statement commits by itself, because thousands of tables in one transaction exhaust the server's lock table.
func Reset(ctx context.Context, conn *pgx.Conn, spare ...string) error {
	for _, ask := range drops(spare) {
		rows, err := conn.Query(ctx, ask)
		if err != nil {
			return fmt.Errorf("listing what to drop: %w", err)
		}
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("listing what to drop: %w", err)
		}
		for _, drop := range statements {
			if _, err := conn.Exec(ctx, drop, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", drop, err)
			}
		}
	}
	// In batches: each large object takes a lock until its transaction ends.
	for {
		tag, err := conn.Exec(ctx, `SELECT pg_catalog.lo_unlink(oid) FROM (SELECT oid FROM pg_catalog.pg_largeobject_metadata
			WHERE pg_catalog.pg_has_role(lomowner, 'USAGE') LIMIT 1000) batch`)
		if err != nil {
			return fmt.Errorf("dropping large objects: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
	}
}
