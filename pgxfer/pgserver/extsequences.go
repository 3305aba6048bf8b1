package pgserver

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ExtensionSequence is the position of a sequence that an extension made and that its users go on with: one that the extension has
// declared as its configuration (pg_extension_config_dump).
type ExtensionSequence struct {
	Extension string `json:"extension"`
	Sequence
	Increment int64 `json:"increment"`
	Writable  bool  `json:"-"` // by the role that asked
}

// String is what people call it, wherever the extension lives.
func (s ExtensionSequence) String() string { return "extension " + s.Extension + ": " + s.Name }

// Behind says whether the sequence would hand out values again that the other has handed out.
func (s ExtensionSequence) Behind(other ExtensionSequence) bool {
	next := func(s ExtensionSequence) int64 {
		if s.IsCalled {
			return s.LastValue + s.Increment // beyond the last one of all it is an error of the server's, not ours
		}
		return s.LastValue
	}
	if s.Increment < 0 {
		return next(s) > next(other)
	}
	return next(s) < next(other)
}

// ExtensionSequences reads the positions of all such sequences, ordered by extension and name. Those that the role may not read are only
// named. As with [Sequences], a leader tells the truth.
func ExtensionSequences(ctx context.Context, q Querier) (list []ExtensionSequence, unreadable []string, err error) {
	rows, err := q.Query(ctx, `SELECT e.extname::text, n.nspname::text, c.relname::text, s.seqincrement,
		pg_catalog.has_sequence_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
		pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
		FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_class c ON c.oid = ANY (e.extconfig) AND c.relkind = 'S'
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
		WHERE n.nspname <> $1 ORDER BY e.extname::text COLLATE "C", c.relname::text COLLATE "C", n.nspname::text COLLATE "C"`, HerokuSchema)
	if err != nil {
		return nil, nil, fmt.Errorf("listing sequences of extensions: %w", err)
	}
	var s ExtensionSequence
	var readable bool
	if _, err := pgx.ForEachRow(rows, []any{&s.Extension, &s.Schema, &s.Name, &s.Increment, &readable, &s.Writable}, func() error {
		if readable {
			list = append(list, s)
		} else {
			unreadable = append(unreadable, s.String())
		}
		return nil
	}); err != nil {
		return nil, nil, fmt.Errorf("listing sequences of extensions: %w", err)
	}
	plain := make([]Sequence, len(list))
	for i := range list {
		plain[i] = list[i].Sequence
	}
	for start := 0; start < len(plain); start += sequencesPerQuery {
		if err := readPositions(ctx, q, plain[start:min(start+sequencesPerQuery, len(plain))]); err != nil {
			return nil, nil, err
		}
	}
	for i := range list {
		list[i].Sequence = plain[i]
	}
	return list, unreadable, nil
}
