package pgserver

import (
	"context"
	"fmt"
)

// AutovacuumRuns counts automatic vacuums and analyzes of all tables of the current database since the statistics
// were reset. Each may use up a transaction id or two (ANALYZE writes pg_statistic, a truncating VACUUM locks),
// so that the xid horizon moves although no user wrote: this number explains by how much it may.
func AutovacuumRuns(ctx context.Context, q Querier) (int64, error) {
	var runs int64
	err := q.QueryRow(ctx, `SELECT coalesce(sum(autovacuum_count + autoanalyze_count), 0)::bigint FROM pg_stat_all_tables`).Scan(&runs)
	if err != nil {
		return 0, fmt.Errorf("counting autovacuum runs: %w", err)
	}
	return runs, nil
}
