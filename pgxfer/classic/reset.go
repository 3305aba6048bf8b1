package classic

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
)

// herokuAdmin is the role Heroku itself connects with.
const herokuAdmin = "heroku_admin"

// ErrInUse means that somebody else is connected to a database that is to be reset.
var ErrInUse = errors.New("database is in use")

// ResetTarget makes a target empty again after a failed restore: it drops all that our role owns, and nothing else. What came with
// the database, such as Heroku's schemas and extensions, stays, because it belongs to another role; an extension that our own role
// had installed before the restore goes too.
//
// It refuses ([ErrInUse]) when anybody but sessions of the tag is connected, and a follower. Every statement commits by itself, because
// thousands of tables in one transaction exhaust the server's lock table; an interrupted reset is repeated.
func ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	if err := resetTarget(ctx, target, tag); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("resetting %s: %w", target, err)
	}
	return nil
}

func resetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	if tag == "" {
		tag = defaultTag
	}
	conn, err := target.Connect(ctx, pgtools.AppName(tag, "reset"))
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	if recovering, err := pgserver.InRecovery(ctx, conn); err != nil {
		return err
	} else if recovering {
		return errors.New("it is a follower, which nobody can write to")
	}
	for _, purpose := range []string{restorePurpose, analyzePurpose} {
		if _, err := pgserver.TerminateTagged(ctx, conn, pgtools.AppName(tag, purpose)); err != nil {
			return err
		}
	}
	if err := mustBeUnused(ctx, conn, tag); err != nil {
		return err
	}
	for _, setting := range []string{`SET statement_timeout = 0`, `SET lock_timeout = '60s'`, `SET client_min_messages = warning`} {
		if _, err := conn.Exec(ctx, setting); err != nil {
			return err
		}
	}
	if err := dropEverything(ctx, conn); err != nil {
		return err
	}
	left, err := contents(ctx, conn)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%w: some of it belongs to another role (%s); use a new database", pgxfer.ErrTargetNotEmpty, strings.Join(left, ", "))
	}
	return nil
}

func mustBeUnused(ctx context.Context, conn *pgx.Conn, tag string) error {
	sessions, err := pgserver.Sessions(ctx, conn)
	if err != nil {
		return err
	}
	var others []string
	for _, s := range sessions {
		if s.User == "" || s.User == herokuAdmin || s.Own && strings.HasPrefix(s.Application, tag) {
			continue // the server's own, such as autovacuum, Heroku's, which look in now and then, and ours
		}
		others = append(others, fmt.Sprintf("%s (%q, process %d)", s.User, s.Application, s.PID))
	}
	if len(others) > 0 {
		return fmt.Errorf("%w by %s; end these sessions first", ErrInUse, strings.Join(others[:min(3, len(others))], ", "))
	}
	return nil
}

// drops list what to drop in order: each query gives statements. Ours are objects whose owner we are or belong to.
var drops = func() []string {
	const ours = `pg_catalog.pg_has_role(%s, 'USAGE')`
	owned := func(column string) string { return fmt.Sprintf(ours, column) }
	user := pgserver.UserSchema("n.nspname")
	object := func(catalog, alias, namespace, owner, statement, more string) string {
		return `SELECT ` + statement + ` FROM pg_catalog.` + catalog + ` ` + alias + ` JOIN pg_catalog.pg_namespace n ON n.oid = ` + namespace +
			` WHERE ` + user + ` AND ` + owned(owner) + ` AND ` + pgserver.NotExtensionOwned(catalog, alias+".oid") + more + ` ORDER BY ` + alias + `.oid`
	}
	relation := func(kinds, what string) string {
		return object("pg_class", "c", "c.relnamespace", "c.relowner", `'DROP `+what+` IF EXISTS ' || c.oid::regclass || ' CASCADE'`, ` AND c.relkind = ANY ('{`+kinds+`}')`)
	}
	return []string{
		relation("v", "VIEW"), relation("m", "MATERIALIZED VIEW"), relation("p", "TABLE"), relation("r", "TABLE"),
		relation("f", "FOREIGN TABLE"), relation("S", "SEQUENCE"),
		`SELECT 'DROP EXTENSION IF EXISTS ' || pg_catalog.quote_ident(extname) || ' CASCADE' FROM pg_catalog.pg_extension WHERE ` + owned("extowner"),
		object("pg_proc", "p", "p.pronamespace", "p.proowner", `'DROP ROUTINE IF EXISTS ' || p.oid::regprocedure || ' CASCADE'`, ``),
		object("pg_type", "t", "t.typnamespace", "t.typowner", `'DROP TYPE IF EXISTS ' || t.oid::regtype || ' CASCADE'`,
			` AND (t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0 OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))`),
		object("pg_operator", "o", "o.oprnamespace", "o.oprowner", `'DROP OPERATOR IF EXISTS ' || o.oid::regoperator || ' CASCADE'`, ``),
		object("pg_collation", "l", "l.collnamespace", "l.collowner", `'DROP COLLATION IF EXISTS ' || pg_catalog.format('%I.%I', n.nspname, l.collname) || ' CASCADE'`, ``),
		object("pg_ts_config", "f", "f.cfgnamespace", "f.cfgowner", `'DROP TEXT SEARCH CONFIGURATION IF EXISTS ' || pg_catalog.format('%I.%I', n.nspname, f.cfgname) || ' CASCADE'`, ``),
		object("pg_ts_dict", "d", "d.dictnamespace", "d.dictowner", `'DROP TEXT SEARCH DICTIONARY IF EXISTS ' || pg_catalog.format('%I.%I', n.nspname, d.dictname) || ' CASCADE'`, ``),
		`SELECT 'DROP SERVER IF EXISTS ' || pg_catalog.quote_ident(srvname) || ' CASCADE' FROM pg_catalog.pg_foreign_server WHERE ` + owned("srvowner"),
		`SELECT 'DROP SCHEMA IF EXISTS ' || pg_catalog.quote_ident(n.nspname) || ' CASCADE' FROM pg_catalog.pg_namespace n
			WHERE n.nspname <> 'public' AND ` + user + ` AND ` + owned("n.nspowner"),
	}
}()

func dropEverything(ctx context.Context, conn *pgx.Conn) error {
	for _, ask := range drops {
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
