package stream

import (
	"context"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer/stream/plan"
)

// copyOut reads a unit, and makes sure that what was read is the table of the plan.
func (d *dump) copyOut(ctx context.Context, slot int, conn *pgx.Conn, u unit, to io.Writer) (tag pgconn.CommandTag, err error) {
	if err := d.beforeReading(ctx, slot, conn, u); err != nil {
		return tag, err
	}
	if tag, err = conn.PgConn().CopyTo(ctx, to, u.out(d.plan)); err != nil {
		return tag, err
	}
	return tag, d.afterReading(ctx, slot, conn, u)
}

// batched says whether a unit is one of several small tables that are locked, checked and let go of together: for thousands of them each
// answer of the server that need not be waited for counts.
func (u unit) batched() bool { return u.table != nil && u.table.Batch > 0 }

// beforeReading locks the small tables of a batch, and compares them with the plan. On a leader the keeper's locks do that for all tables.
func (d *dump) beforeReading(ctx context.Context, slot int, conn *pgx.Conn, u unit) error {
	l := d.reader(slot)
	if !u.batched() || !d.plan.Source.Follower || l.batch == u.table.Batch {
		return nil
	}
	var tables []plan.Table
	for _, t := range d.plan.Tables {
		if t.Batch == u.table.Batch {
			tables = append(tables, t)
		}
	}
	if err := lockShared(ctx, conn, tables); err != nil {
		return err
	}
	if err := sameFiles(ctx, conn, tables); err != nil {
		return err
	}
	l.batch = u.table.Batch
	return nil
}

// afterReading makes sure that what was read is the table of the plan: from its first row on our own lock has kept it as it is. On a follower
// the lock is then let go of, so that as few sessions as possible are in the way of what the leader does.
func (d *dump) afterReading(ctx context.Context, slot int, conn *pgx.Conn, u unit) error {
	if u.table != nil && !u.batched() && (u.table.Split() || d.plan.Source.Follower) {
		if err := sameFiles(ctx, conn, []plan.Table{*u.table}); err != nil {
			return err
		}
	}
	if !d.plan.Source.Follower || u.batched() && !u.last {
		return nil
	}
	return d.reader(slot).leave(ctx)
}
