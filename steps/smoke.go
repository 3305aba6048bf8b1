package steps

import (
	"context"
	"fmt"
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
	return withServer(ctx, env.Databases, role, func(server Server) error {
		version, err := server.Version(ctx)
		if err != nil {
			return err
		}
		if version.Major() != env.Config().ToMajor {
			return fmt.Errorf("%w: %s runs PostgreSQL %s, not %d", ErrNeedsHuman, role, version, env.Config().ToMajor)
		}
		tables, err := server.UserTables(ctx)
		if err != nil {
			return err
		}
		if tables == 0 {
			return fmt.Errorf("%w: %s holds no tables", ErrNeedsHuman, role)
		}
		return nil
	})
}
