package stream

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// load brings units into their tables, with their notes, in one transaction.
//
// With turns each is read before it is loaded. On a machine of few processors that both servers share it would otherwise keep two of them busy,
// one of which is wanted for what decides when the transfer ends.
func (r *restore) load(ctx context.Context, slot int, list []unit, turns bool) error {
	s := stubborn{Engine: r.Engine, report: r.report, where: r.opts.Target.Name}
	r.guards.hold(list[0].table)
	items := make([]ledger.Note, len(list))
	for i, u := range list {
		items[i].Item = u.item()
	}
	before := r.tries(items[0].Item)
	err := s.do(ctx, r.line(slot), "loading "+list[0].name(), func(conn *pgx.Conn, again bool) error {
		if again || before { // the COMMIT may have been done although its reply never came
			if done, err := ledger.Has(ctx, conn, items); err != nil || done {
				return err
			}
		}
		return r.once(ctx, conn, items, func() error {
			for i, u := range list {
				u.turns = turns
				got, err := r.loadUnit(ctx, conn, slot, u)
				if err != nil {
					return fmt.Errorf("%s: %w", u.name(), err)
				}
				items[i].Rows, items[i].Bytes = got.rows, got.bytes
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i, u := range list {
		r.count(ctx, u, items[i])
	}
	return nil
}

// once does something and notes it, in one transaction.
func (r *restore) once(ctx context.Context, conn *pgx.Conn, items []ledger.Note, do func() error) error {
	if err := session.Exec(ctx, conn, `BEGIN`); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err // the session is thrown away, and the transaction with it
	}
	if err := ledger.Write(ctx, conn, items); err != nil {
		return err
	}
	return session.Exec(ctx, conn, `COMMIT`)
}

func (r *restore) loadUnit(ctx context.Context, conn *pgx.Conn, slot int, u unit) (loaded, error) {
	a := u.activity()
	if e, ok := r.entryOf(u.item()); ok {
		a.estimate = e.Bytes
	}
	defer r.status.start(slot, a)()
	rows, check, err := r.feed.open(ctx, slot, u, a)
	if err != nil {
		return loaded{}, err
	}
	defer rows.Close()
	if u.table != nil && u.table.Config != nil {
		return r.loadConfig(ctx, conn, u, rows, check)
	}
	if u.table == nil {
		if err := session.Exec(ctx, conn, plan.BeforeLarge); err != nil {
			return loaded{}, err
		}
		got, err := copyIn(ctx, conn, plan.InLarge, rows, check)
		if err != nil {
			return loaded{}, err
		}
		return got, session.Exec(ctx, conn, plan.AfterLarge)
	}
	freeze := frozen(u)
	if freeze {
		// Emptied in the same transaction: only then may rows be frozen, and what a lost attempt may have left goes with it.
		if err := session.Exec(ctx, conn, `TRUNCATE ONLY `+u.table.SQLName()); err != nil {
			return loaded{}, err
		}
	}
	return copyIn(ctx, conn, r.plan.In(*u.table, freeze), rows, check)
}

// frozen says whether a table is loaded in one go and by itself. Small ones gain nothing, and truncating costs a file each.
func frozen(u unit) bool {
	return u.table != nil && !u.table.Split() && u.table.Batch == 0 && u.table.Config == nil // of an extension: not all rows there are ours
}

// loadLocks are what the server takes for a load.
func loadLocks(list []unit) []graph.Lock {
	var locks []graph.Lock
	for _, u := range list {
		if u.table == nil {
			continue
		}
		mode := graph.RowExclusive
		if frozen(u) {
			mode = graph.AccessExclusive
		}
		locks = append(locks, graph.Lock{Table: u.table.OID, Mode: mode})
	}
	return locks
}
