package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// takeUp makes the plan of an interrupted attempt that of the keeper, if the source is still what the plan was made from.
func (k *keeper) takeUp(ctx context.Context, old *plan.Plan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.same(ctx, old.State); err != nil {
		return err
	}
	if err := sameFiles(ctx, k.conn, old.Tables); err != nil {
		return err
	}
	// The text stays that of the new snapshot: who cannot be given it compares his own with that.
	k.plan, k.then = old, old.State
	return nil
}

// same fails unless the keeper's snapshot shows what the source was then: with [errChanged] when it does not or nobody can tell, with
// [errUnsettled] when nobody could be asked. k.mu is held.
//
// The same transactions over and none under way settle it. Others may have been ANALYZE, by autovacuum for example: then the caller's word
// counts, or, on a leader that nobody vouches for, what the server has counted.
func (k *keeper) same(ctx context.Context, then plan.State) error {
	differs := sameState(ctx, k.conn, k.plan, then.Snapshot)
	if !errors.Is(differs, errChanged) {
		return differs
	}
	now, err := plan.SnapshotText(ctx, k.conn, k.plan.Source.Version)
	if err != nil {
		return err
	}
	switch {
	case !still(then.Snapshot):
		// What was under way then, behind others that were over, was not seen, and moves no horizon when it ends: whoever vouches by that may
		// have missed it. What was under way in front of all others does move it.
		return differs
	case horizon(now) < horizon(then.Snapshot) || k.from < then.Position:
		return fmt.Errorf("%w (%s was set back)", errChanged, k.opener.Endpoint.Name)
	case k.timeline != then.Timeline:
		return fmt.Errorf("%w (%s was promoted, or follows another leader)", errChanged, k.opener.Endpoint.Name)
	}
	why, err := k.ask(ctx, then)
	switch {
	case errors.Is(err, pgxfer.ErrSourceChanged):
		return fmt.Errorf("%w (%w)", errChanged, err)
	case err != nil:
		return fmt.Errorf("%w: %w", errUnsettled, err)
	case why != "":
		return fmt.Errorf("%w (%s; transactions then %s, now %s)", errChanged, why, then.Snapshot, now)
	}
	k.report.Info("transactions have run on %s since, none of which wrote a row, a definition or a sequence", k.opener.Endpoint.Name)
	return nil
}

// ask asks who knows whether anybody wrote.
func (k *keeper) ask(ctx context.Context, then plan.State) (why string, err error) {
	if k.vouch.Same != nil {
		if then.Vouched == "" || then.Vouched != k.vouch.ID {
			return "it began under another proof that nobody writes", nil
		}
		return "", k.vouch.Same(ctx)
	}
	if then.Baseline == nil {
		return "nobody can tell what they were", nil
	}
	// The keeper is in its snapshot, where counters stand still.
	conn, err := k.opener.Endpoint.Connect(ctx, pgtools.AppName(k.tag, "stream watch"))
	if err != nil {
		return "", err
	}
	defer session.Close(ctx, conn)
	return then.Baseline.Changed(ctx, conn, func(s pgserver.Session) bool { // a restore into the source, say, would not be one of these
		return s.Own && (s.Application == k.opener.AppName || s.Application == conn.Config().RuntimeParams["application_name"])
	})
}

// horizon is the first transaction of a snapshot's text that had not begun.
func horizon(text string) uint64 {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0
	}
	xid, _ := strconv.ParseUint(parts[1], 10, 64) // 0 is less than any
	return xid
}
