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
	"changeover/pgxfer/schema"
)

// herokuAdmin is the role Heroku itself connects with.
const herokuAdmin = "heroku_admin"

// ErrInUse means that somebody else is connected to a database that is to be reset.
var ErrInUse = errors.New("database is in use")

// ResetTarget makes a target empty again after a failed restore: it drops all that our role owns, and nothing else. What came with
// the database, such as Heroku's schemas and extensions, stays, because it belongs to another role; an extension that our own role
// had installed before the restore goes too.
//
// Sessions of the tag are ended first. It refuses ([ErrInUse]) when anybody else is connected, and a follower. Every statement commits
// by itself, because thousands of tables in one transaction exhaust the server's lock table; an interrupted reset is repeated.
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
	// Whatever it was for, by whichever engine, and whether the tag was given a longer name for it: nothing of ours may be at work in a
	// database that is being emptied.
	for _, prefix := range []string{tag + " ", tag + "/"} {
		if _, err := pgserver.TerminateTagged(ctx, conn, prefix); err != nil {
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
	if err := schema.Reset(ctx, conn); err != nil {
		return err
	}
	left, err := schema.Contents(ctx, conn)
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
