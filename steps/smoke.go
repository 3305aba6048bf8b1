package steps

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// smokeTest reads from a database that the app is about to use: DATABASE of every app is it, it accepts writes, it runs
// the right version, and the tables are there. It writes nothing.
func smokeTest(ctx context.Context, env *Env, role Role) error {
	if err := databaseIs(ctx, env, role); err != nil {
		return err
	}
	for _, app := range env.Config().Apps() {
		// An attachment is a promise; the config var is what a process starts with.
		right, err := hasURL(ctx, env, app, role)
		if err != nil {
			return err
		}
		if !right {
			return fmt.Errorf("%w: DATABASE_URL of %s is not %s; look at heroku releases -a %s", ErrNeedsHuman, app, role, app)
		}
	}
	if err := checkWritable(ctx, env, role); err != nil {
		return err
	}
	return withConn(ctx, env, env.Databases, role, func(conn *pgx.Conn) error {
		version, err := pgserver.ServerVersion(ctx, conn)
		if err != nil {
			return err
		}
		if version.Major() != env.Config().ToMajor {
			return fmt.Errorf("%w: %s runs PostgreSQL %s, not %d", ErrNeedsHuman, role, version, env.Config().ToMajor)
		}
		tables, err := pgserver.UserTables(ctx, conn)
		if err != nil {
			return err
		}
		if tables == 0 {
			return fmt.Errorf("%w: %s holds no tables", ErrNeedsHuman, role)
		}
		return nil
	})
}
