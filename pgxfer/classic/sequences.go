package classic

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

// setSequences puts every sequence where the leader had it. The dump's own positions come from a follower, where they are up to 32 ahead.
func setSequences(ctx context.Context, conn *pgx.Conn, sequences []pgserver.Sequence) error {
	batch := &pgx.Batch{}
	for _, s := range sequences {
		batch.Queue(`SELECT pg_catalog.setval($1::text::regclass, $2, $3)`, s.QualifiedName(), s.LastValue, s.IsCalled)
	}
	results := conn.SendBatch(ctx, batch)
	for _, s := range sequences {
		if _, err := results.Exec(); err != nil {
			_ = results.Close()
			return fmt.Errorf("setting sequence %s: %w", s.QualifiedName(), err)
		}
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("setting sequences: %w", err)
	}
	return nil
}

// countLoaded measures how many rows the target got and compares each table with the archive. The server's counters are enough where
// they agree; where they do not (they can be lost, and are late before 15), the rows are counted.
func countLoaded(ctx context.Context, conn *pgx.Conn, tables []archive.Table) (int64, error) {
	rows, err := conn.Query(ctx, `SELECT schemaname || '.' || relname, n_tup_ins - n_tup_del FROM pg_catalog.pg_stat_user_tables`)
	if err != nil {
		return 0, fmt.Errorf("reading row counters: %w", err)
	}
	counted := map[string]int64{}
	var name string
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		counted[name] = n
		return nil
	}); err != nil {
		return 0, fmt.Errorf("reading row counters: %w", err)
	}
	var total int64
	var wrong []string
	for _, t := range tables {
		n, ok := counted[t.Schema+"."+t.Name]
		if !ok || n != t.Rows {
			err := conn.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM ONLY `+pgx.Identifier{t.Schema, t.Name}.Sanitize()).Scan(&n)
			if err != nil {
				return 0, fmt.Errorf("counting rows of %s.%s: %w", t.Schema, t.Name, err)
			}
		}
		if n != t.Rows {
			wrong = append(wrong, fmt.Sprintf("%s.%s has %d of %d", t.Schema, t.Name, n, t.Rows))
		}
		total += n
	}
	if len(wrong) > 0 {
		return 0, fmt.Errorf("rows are missing or were added by somebody else: %s", strings.Join(wrong[:min(3, len(wrong))], ", "))
	}
	return total, nil
}
