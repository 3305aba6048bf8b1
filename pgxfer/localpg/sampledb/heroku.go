package sampledb

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed heroku.sql
var herokuSQL string

// closeTime bounds closing a connection after the caller's context ended.
const closeTime = 5 * time.Second

// HerokuDress gives the database dbname on adminConn's server what Heroku gives its customers' databases:
// a schema _heroku that they cannot read, a schema heroku_ext, event triggers, extensions with comments and
// a granted function, all owned by the superuser that adminConn belongs to. A dump of such a database can be
// restored by owner, the customer, only with these left out.
//
// It belongs right after CREATE DATABASE: PostgreSQL leaves an extension plpgsql that came with the database out
// of dumps, so plpgsql is made anew here, and that is skipped once functions are written in it. adminConn may be
// connected to any database and stays usable.
func HerokuDress(ctx context.Context, adminConn *pgx.Conn, dbname, owner string) error {
	config := adminConn.Config()
	config.Database = dbname
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("dress database %s: %w", dbname, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var used, statements bool
		err := tx.QueryRow(ctx, `SELECT
			EXISTS (SELECT FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE lanname = 'plpgsql'),
			EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')`).Scan(&used, &statements)
		if err != nil {
			return err
		}
		var sql []string
		if !used {
			sql = append(sql, "DROP EXTENSION IF EXISTS plpgsql", "CREATE EXTENSION plpgsql SCHEMA pg_catalog")
		}
		role := pgx.Identifier{owner}.Sanitize()
		sql = append(sql, herokuSQL,
			"GRANT USAGE, CREATE ON SCHEMA heroku_ext TO "+role,
			"GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_reset() TO "+role)
		if statements {
			sql = append(sql, "CREATE EXTENSION pg_stat_statements SCHEMA heroku_ext",
				"COMMENT ON EXTENSION pg_stat_statements IS 'track planning and execution statistics of all SQL statements executed'",
				"DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_stat_statements_reset' LOOP "+
					"EXECUTE 'GRANT EXECUTE ON FUNCTION ' || f || ' TO "+role+"'; END LOOP; END $$")
		}
		for _, s := range sql {
			if _, err := tx.Exec(ctx, s, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dress database %s as Heroku does: %w", dbname, err)
	}
	return nil
}
