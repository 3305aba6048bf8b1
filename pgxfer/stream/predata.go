package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/session"
)

// entriesAtOnce is how many definitions are sent together, and become durable together. Each takes a few locks until then.
const entriesAtOnce = 100

// makeEntries runs definitions in the order of pg_dump. We run them ourselves, because pg_restore sends one at a time and waits for the disk
// after each: of thousands of tables that is the larger part of the time.
//
// No COMMIT waits for the disk here. Should the server forget some of them, it forgets as well that this stage was passed, which is noted
// later and durably.
func (r *restore) makeEntries(ctx context.Context, entries []*archive.Entry) error {
	conn, err := r.opener.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(ctx, conn)
	if err := session.Exec(ctx, conn, `SET synchronous_commit = off`); err != nil {
		return err
	}
	shown := r.Now()
	for start := 0; start < len(entries); start += entriesAtOnce {
		batch := entries[start:min(start+entriesAtOnce, len(entries))]
		if err := r.makeBatch(ctx, conn, batch); err != nil {
			return err
		}
		if now := r.Now(); now.Sub(shown) >= r.Interval {
			shown = now
			r.report.Progress(pgxfer.Progress{Phase: "schema", Items: pgxfer.Count{Done: int64(start + len(batch)), Total: int64(len(entries))}})
		}
	}
	return nil
}

// makeBatch runs definitions in one transaction. When that fails each is run by itself, because only then is it known which one it was.
func (r *restore) makeBatch(ctx context.Context, conn *pgx.Conn, batch []*archive.Entry) error {
	var all strings.Builder
	for _, e := range batch {
		all.WriteString(definition(e))
	}
	err := session.Exec(ctx, conn, "BEGIN;\n"+all.String()+"COMMIT")
	if err == nil || session.Code(err) == "" {
		return err
	}
	if err := session.Exec(ctx, conn, "ROLLBACK"); err != nil {
		return err
	}
	for _, e := range batch {
		if err := session.Exec(ctx, conn, definition(e)); err != nil {
			return fmt.Errorf("%s %s: %w", e.Kind, e.Name(), err)
		}
	}
	return nil
}

// definition is the statements that make the object of an entry. What they leave out, as pg_restore does, is the tablespace.
func definition(e *archive.Entry) string {
	if e.Defn == "" {
		return ""
	}
	sql := e.Defn + "\n;\n" // behind a comment, if one stands at the end
	if am := e.AccessMethod(); am != "" {
		sql = "SET default_table_access_method = " + pgx.Identifier{am}.Sanitize() + ";\n" + sql + "RESET default_table_access_method;\n"
	}
	return sql
}
