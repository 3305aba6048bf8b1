package sim

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg/sampledb"
)

// writesTable is where dynos write. Each writer numbers its rows itself, without a sequence: sequences
// leave gaps on rollback and run ahead on replicas.
const writesTable = `CREATE TABLE app_writes (
	writer text NOT NULL,
	n bigint NOT NULL,
	written_at timestamptz NOT NULL DEFAULT now(),
	payload text NOT NULL,
	PRIMARY KEY (writer, n)
)`

// Seed works as the owner, so that everything belongs to the owner as it does on Heroku.
func (c *pgDatabase) Seed(ctx context.Context, size, seed int64) error {
	config, err := pgx.ParseConfig(c.access.url(c.Port()))
	if err != nil {
		return err
	}
	return session(ctx, config, func(conn *pgx.Conn) error {
		if size >= 0 {
			if _, err := sampledb.Fill(ctx, conn, sampledb.Options{Bytes: size, Tiny: size == 0, Seed: seed}); err != nil {
				return err
			}
		}
		return run(ctx, conn, writesTable)
	})
}

// Facts asks for nothing that takes a transaction id, so that looking does not make the server move.
func (c *pgDatabase) Facts(ctx context.Context) (facts, error) {
	var f facts
	err := c.admin(ctx, "", func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT
			txid_snapshot_xmax(txid_current_snapshot()),
			pg_database_size(current_database()),
			(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
				WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_heroku') AND n.nspname NOT LIKE 'pg\_%'),
			(SELECT count(*) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid WHERE NOT r.rolsuper),
			(SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'),
			pg_is_in_recovery()`).Scan(&f.Transaction, &f.Bytes, &f.Tables, &f.Connections, &f.Waiting, &f.InRecovery)
	})
	return f, err
}

func (c *pgDatabase) HoldReplay(ctx context.Context, hold bool) error {
	return c.admin(ctx, "", func(conn *pgx.Conn) error {
		if hold {
			return run(ctx, conn, "SELECT pg_wal_replay_pause() WHERE pg_is_in_recovery()")
		}
		return run(ctx, conn, "SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()")
	})
}

func (c *pgDatabase) ResetConnections(ctx context.Context) error {
	return c.admin(ctx, "", func(conn *pgx.Conn) error {
		return run(ctx, conn, `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
			WHERE NOT r.rolsuper AND NOT r.rolreplication AND a.pid <> pg_backend_pid()`)
	})
}

func (c *pgDatabase) LimitConnections(ctx context.Context, n int) error {
	if n < 0 {
		n = connectionCap
	}
	return c.admin(ctx, "", func(conn *pgx.Conn) error {
		return run(ctx, conn, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", pgx.Identifier{c.access.user}.Sanitize(), n))
	})
}

func (c *pgDatabase) AddRole(ctx context.Context, user string, password secret) error {
	name, db := pgx.Identifier{user}.Sanitize(), pgx.Identifier{c.access.database}.Sanitize()
	return c.admin(ctx, "", func(conn *pgx.Conn) error {
		return run(ctx, conn,
			fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD %s", name, literal(string(password))),
			fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", db, name),
		)
	})
}

func (c *pgDatabase) SetPassword(ctx context.Context, user string, password secret) error {
	return c.admin(ctx, "", func(conn *pgx.Conn) error {
		return run(ctx, conn, fmt.Sprintf("ALTER ROLE %s PASSWORD %s", pgx.Identifier{user}.Sanitize(), literal(string(password))))
	})
}

// Empty makes the database anew, as pg:reset does.
func (c *pgDatabase) Empty(ctx context.Context) error {
	user, db := pgx.Identifier{c.access.user}.Sanitize(), pgx.Identifier{c.access.database}.Sanitize()
	err := c.admin(ctx, "postgres", func(conn *pgx.Conn) error {
		return run(ctx, conn,
			fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS false", db),
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "+literal(c.access.database),
			"DROP DATABASE "+db,
			fmt.Sprintf("CREATE DATABASE %s OWNER %s", db, user),
			fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", db),
		)
	})
	if err != nil {
		return err
	}
	return c.dress(ctx)
}
