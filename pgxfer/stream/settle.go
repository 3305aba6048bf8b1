package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/receipt"
	"changeover/pgxfer/stream/session"
)

// settle ends the restore: the ledger goes, and a receipt of what it stood for is left where the next run looks for it.
func (r *restore) settle(ctx context.Context, sequences []pgserver.Sequence) error {
	r.result.Engine, r.result.Took = Name, r.Now().Sub(r.began)
	r.result.Skipped = append(r.entries.Skipped, r.result.Skipped...)
	return pgx.BeginFunc(ctx, r.control, func(tx pgx.Tx) error {
		if err := ledger.Drop(ctx, tx.Conn()); err != nil {
			return err
		}
		if r.receipts == "" {
			return nil
		}
		done := &receipt.Receipt{
			At: r.Now().UTC(), Plan: r.hash, Source: sourceOf(r.plan), Tables: map[string]int64{}, Sequences: sequences, Result: r.result,
		}
		for _, list := range units(r.plan) {
			for _, u := range list {
				if u.table != nil && u.table.Config == nil {
					note, _ := r.done.Note(u.item())
					done.Tables[u.table.SQLName()] += note.Rows
				}
			}
		}
		if err := r.countConfig(ctx, tx, done.Tables); err != nil {
			return err
		}
		if err := done.Take(ctx, tx); err != nil {
			return err
		}
		if err := done.Write(r.receipts); err != nil {
			// The restore is done all the same. Only who is killed within the next moment will not know.
			r.report.Warn("no receipt was written: %v", err)
		}
		return nil
	})
}

// errFinished means that there is nothing to do.
var errFinished = errors.New("the target holds all of it already")

// finished looks whether a target that is not empty is one that an earlier run has finished: killed before it could say so, or simply run
// again. It returns [errFinished] only when every row and every definition is still the one that was restored.
func (r *restore) finished(ctx context.Context, notEmpty error) error {
	if r.receipts == "" {
		return notEmpty
	}
	target, err := receipt.AskTarget(ctx, r.control)
	if err != nil {
		return err
	}
	old, err := receipt.Read(r.receipts, target)
	if err != nil || old == nil {
		return errors.Join(notEmpty, err)
	}
	at := old.At.Format("2006-01-02 15:04 MST")
	if err := r.sameRestore(ctx, old); errors.Is(err, errUnsettled) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: a restore finished in it at %s, %w; reset it, or use a new database", pgxfer.ErrTargetNotEmpty, at, err)
	}
	r.report.Info("%s holds a restore of the same state that was finished at %s: checking that nothing was changed since", r.opts.Target.Name, at)
	r.report.Progress(pgxfer.Progress{Phase: "verify", Critical: "checking that the finished target is unchanged"})
	err = old.CheckObjects(ctx, r.control)
	if err == nil {
		err = r.checkRows(ctx, old)
	}
	if errors.Is(err, receipt.ErrChanged) || errors.Is(err, receipt.ErrUnfinished) {
		return fmt.Errorf("%w: a restore finished in it at %s, and %w; reset it, or use a new database", pgxfer.ErrTargetNotEmpty, at, err)
	}
	if err != nil {
		return err
	}
	r.result = old.Result
	r.report.Info("%s is finished and unchanged, nothing is left to do: %d tables, %d rows, %s", r.opts.Target.Name, r.result.Tables, r.result.Rows,
		humanize.Bytes(uint64(r.result.Bytes)))
	return errFinished
}

// sameRestore says why the receipt is of something else than what is to be restored.
func (r *restore) sameRestore(ctx context.Context, old *receipt.Receipt) error {
	if old.Plan == r.hash {
		return nil
	}
	if r.source == nil {
		return errors.New("but of another archive")
	}
	if now := sourceOf(r.plan); now.SystemID != old.Source.SystemID || now.Database != old.Source.Database {
		return errors.New("but of another database")
	}
	// A copy makes its plan anew: what counts is that the source is what it was.
	r.source.mu.Lock() // the session is kept awake meanwhile
	defer r.source.mu.Unlock()
	if err := r.source.same(ctx, old.Source.State); err != nil {
		if errors.Is(err, errChanged) {
			err = errors.New("and the source was written to since")
		}
		return err
	}
	return nil
}

func sourceOf(p *plan.Plan) receipt.Source {
	return receipt.Source{SystemID: p.Source.SystemID, Database: p.Database, State: p.State}
}

// checkRows reads all tables.
func (r *restore) checkRows(ctx context.Context, old *receipt.Receipt) error {
	var sessions []*pgx.Conn
	defer func() {
		for _, conn := range sessions {
			session.Close(ctx, conn)
		}
	}()
	for range r.opts.Jobs {
		conn, err := r.opener.Open(ctx)
		if err != nil {
			if len(sessions) > 0 && session.Full(err) {
				break
			}
			return err
		}
		sessions = append(sessions, conn)
	}
	return old.CheckRows(ctx, sessions)
}
