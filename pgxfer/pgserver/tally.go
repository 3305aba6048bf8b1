package pgserver

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// TableWrites is how many rows of a table were written, as PostgreSQL counts them: those of transactions that were rolled
// back are in it, what TRUNCATE removed is not.
type TableWrites struct {
	Table    string `json:"table"` // with its schema
	Inserted int64  `json:"inserted"`
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted"`
}

// Tally reads the counters of all user tables that were ever written to, by name. They begin at zero when a server crashed
// and when a follower becomes a primary, and a session hands its own in when it is idle, a second or more behind.
func Tally(ctx context.Context, q Querier) ([]TableWrites, error) {
	rows, err := q.Query(ctx, `SELECT schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del
		FROM pg_catalog.pg_stat_user_tables WHERE schemaname <> '`+HerokuSchema+`' AND n_tup_ins + n_tup_upd + n_tup_del > 0
		ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("counting writes by table: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[TableWrites])
	if err != nil {
		return nil, fmt.Errorf("counting writes by table: %w", err)
	}
	return list, nil
}
