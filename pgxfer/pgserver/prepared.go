package pgserver

import (
	"context"
	"fmt"
)

// Prepared is a transaction that PREPARE TRANSACTION has put aside. It belongs to no session, holds its locks over restarts, and anybody's
// COMMIT PREPARED can make its writes true at any later moment, under a transaction id that was handed out before.
type Prepared struct {
	GID   string
	Owner string
}

// PreparedTransactions lists those of this database.
func PreparedTransactions(ctx context.Context, q Querier) ([]Prepared, error) {
	rows, err := q.Query(ctx, `SELECT gid, owner::text FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database() ORDER BY prepared`)
	if err != nil {
		return nil, fmt.Errorf("asking for prepared transactions: %w", err)
	}
	defer rows.Close()
	var all []Prepared
	for rows.Next() {
		var p Prepared
		if err := rows.Scan(&p.GID, &p.Owner); err != nil {
			return nil, fmt.Errorf("asking for prepared transactions: %w", err)
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("asking for prepared transactions: %w", err)
	}
	return all, nil
}
