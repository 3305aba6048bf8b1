package pgserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Sequence is the position of a sequence.
type Sequence struct {
	Schema    string `json:"schema"`
	Name      string `json:"name"`
	LastValue int64  `json:"last_value"`
	IsCalled  bool   `json:"is_called"` // false: LastValue itself is handed out next
}

// QualifiedName is schema.name, quoted.
func (s Sequence) QualifiedName() string { return pgx.Identifier{s.Schema, s.Name}.Sanitize() }

// DigestSequences is a hash of positions, in the order of the list.
func DigestSequences(list []Sequence) string {
	sum := sha256.New()
	for _, s := range list {
		fmt.Fprintf(sum, "%s %d %t\n", s.QualifiedName(), s.LastValue, s.IsCalled)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// sequencesPerQuery bounds the length of one statement.
const sequencesPerQuery = 200

// Sequences reads the position of every user sequence, ordered by schema and name.
//
// It reads the sequence relations themselves: the view pg_sequences hides LastValue while IsCalled is false. A follower
// answers too, but up to 32 values ahead of its leader, because WAL logs sequences in advance: ask the leader for the truth.
func Sequences(ctx context.Context, q Querier) ([]Sequence, error) {
	rows, err := q.Query(ctx, `SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'S' AND `+UserSchema("n.nspname")+` AND `+NotExtensionOwned("pg_class", "c.oid")+`
		ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("listing sequences: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sequence, err error) {
		return s, row.Scan(&s.Schema, &s.Name)
	})
	if err != nil {
		return nil, fmt.Errorf("listing sequences: %w", err)
	}
	for start := 0; start < len(list); start += sequencesPerQuery {
		part := list[start:min(start+sequencesPerQuery, len(list))]
		if err := readPositions(ctx, q, part); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readPositions(ctx context.Context, q Querier, part []Sequence) error {
	var ask strings.Builder
	for i, s := range part {
		if i > 0 {
			ask.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&ask, "SELECT %d, last_value::bigint, is_called FROM %s", i, s.QualifiedName())
	}
	rows, err := q.Query(ctx, ask.String())
	if err != nil {
		return fmt.Errorf("reading sequence positions: %w", err)
	}
	var (
		i      int
		last   int64
		called bool
	)
	_, err = pgx.ForEachRow(rows, []any{&i, &last, &called}, func() error {
		part[i].LastValue, part[i].IsCalled = last, called
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading sequence positions: %w", err)
	}
	return nil
}
