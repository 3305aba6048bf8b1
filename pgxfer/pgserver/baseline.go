package pgserver

import (
	"context"
	"fmt"
)

// Baseline is what can be known at a moment of all that was ever written to the current database of a leader. See [Baseline.Changed].
type Baseline struct {
	Counters  string `json:"counters"`  // hash of the rows written to each table, as [Writes] counts them
	Sequences string `json:"sequences"` // hash of all positions
	// Reset is when the counters were set back to zero last: by hand, or because the server came up without those it had, as it does
	// after a crash, from a backup, and as a promoted follower.
	Reset string `json:"reset"`
}

// baselineMajor is the first major that keeps its counters in shared memory. Before, they travelled by UDP and could get lost, and a session
// could keep some to itself for as long as it stayed.
const baselineMajor = 15

// TakeBaseline reads it, outside of a transaction. It is nil where counters prove nothing: on a follower, on servers before 15, and where
// somebody is exempt from being counted.
//
// A transaction that commits after the baseline was begun, and one that has not yet handed in its counters, are counted after it. So a
// snapshot taken later misses nothing that the baseline has counted.
func TakeBaseline(ctx context.Context, q Querier) (*Baseline, error) {
	version, err := ServerVersion(ctx, q)
	if err != nil || version.Major() < baselineMajor {
		return nil, err
	}
	var provable bool
	b := &Baseline{}
	err = q.QueryRow(ctx, `SELECT NOT pg_catalog.pg_is_in_recovery() AND pg_catalog.current_setting('track_counts')::bool
			AND w.stats_reset IS NOT NULL AND NOT EXISTS (
				SELECT FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) setting WHERE setting LIKE 'track_counts=%'),
			pg_catalog.concat_ws(' ', d.stats_reset, w.stats_reset, d.datid)
		FROM pg_catalog.pg_stat_bgwriter w, pg_catalog.pg_stat_database d WHERE d.datname = pg_catalog.current_database()`).Scan(&provable, &b.Reset)
	if err != nil {
		return nil, fmt.Errorf("asking since when writes are counted: %w", err)
	}
	if !provable {
		return nil, nil
	}
	// Each table by itself: what DROP TABLE takes away from a sum, its own deletes in the catalogs could add again.
	err = q.QueryRow(ctx, `SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(
		pg_catalog.concat_ws(' ', s.relid, s.n_tup_ins, s.n_tup_upd, s.n_tup_del), E'\n' ORDER BY s.relid), ''), 'UTF8')), 'hex') `+counted).Scan(&b.Counters)
	if err != nil {
		return nil, fmt.Errorf("counting writes: %w", err)
	}
	sequences, err := Sequences(ctx, q)
	if err != nil {
		return nil, err
	}
	b.Sequences = DigestSequences(sequences)
	return b, nil
}

// Changed says, in words, why the database may not be what it was when the baseline was taken; empty means that no row, no definition and
// no sequence has changed until this call began. ours picks the caller's own sessions, which must not have written. It is asked outside of
// a transaction.
//
// In any doubt the answer is that something has changed. A session that is there may have written and not said so yet, for up to ten
// seconds; one that has ended handed in its counters before it went from the list. So the list is read first.
func (b *Baseline) Changed(ctx context.Context, q Querier, ours func(Session) bool) (string, error) {
	if b == nil {
		return "there is nothing to tell by who it was", nil
	}
	sessions, err := Sessions(ctx, q)
	if err != nil {
		return "", err
	}
	for _, s := range sessions {
		if s.User != "" && !ours(s) {
			return fmt.Sprintf("a session of %s (%s) is connected, which may have written", s.User, s.Application), nil
		}
	}
	now, err := TakeBaseline(ctx, q)
	switch {
	case err != nil:
		return "", err
	case now == nil || now.Reset != b.Reset:
		return "the counters of its writes were reset", nil
	case now.Sequences != b.Sequences:
		return "a sequence has moved", nil
	case now.Counters != b.Counters:
		return "rows or definitions were written", nil
	}
	return "", nil
}
