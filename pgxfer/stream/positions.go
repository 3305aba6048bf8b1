package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// positions of all sequences, as the leader has them.
type positions struct {
	own        []pgserver.Sequence
	extensions []pgserver.ExtensionSequence
	skipped    []pgxfer.Skipped // those that could not be asked for
}

// sequenceKind is what a position is called among what is skipped.
const sequenceKind = "SEQUENCE SET"

func askPositions(ctx context.Context, conn *pgx.Conn) (p positions, err error) {
	if p.own, err = pgserver.Sequences(ctx, conn); err != nil {
		return p, err
	}
	var unreadable []string
	if p.extensions, unreadable, err = pgserver.ExtensionSequences(ctx, conn); err != nil {
		return p, err
	}
	for _, name := range unreadable {
		p.skipped = append(p.skipped, pgxfer.Skipped{Kind: sequenceKind, Name: name, Reason: "it may not be read; set it by hand"})
	}
	return p, nil
}

// setSequences puts every sequence where the leader had it.
func (r *restore) setSequences(ctx context.Context, p positions) error {
	for some := range slices.Chunk(p.own, sequencesAtOnce) {
		if err := r.setSome(ctx, some); err != nil {
			return err
		}
	}
	for _, s := range p.skipped {
		r.skip(s)
	}
	if len(p.extensions) == 0 {
		return nil
	}
	have, _, err := pgserver.ExtensionSequences(ctx, r.control)
	if err != nil {
		return err
	}
	for _, s := range p.extensions {
		if err := r.setExtensionSequence(ctx, s, have); err != nil {
			return err
		}
	}
	return nil
}

// sequencesAtOnce is how many sequences are set in one transaction. Each takes a lock until it ends.
const sequencesAtOnce = 500

func (r *restore) setSome(ctx context.Context, list []pgserver.Sequence) error {
	names, values, called := make([]string, len(list)), make([]int64, len(list)), make([]bool, len(list))
	for i, s := range list {
		names[i], values[i], called[i] = s.QualifiedName(), s.LastValue, s.IsCalled
	}
	_, err := r.control.Exec(ctx, `SELECT pg_catalog.setval(s.name::regclass, s.value, s.called)
		FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::bool[])) AS s (name, value, called)`, names, values, called)
	if err != nil {
		return fmt.Errorf("setting sequences: %w", err)
	}
	return nil
}

// setExtensionSequence moves a sequence that an extension has made, and never back: what it has handed out to the extension itself may be more
// on the target. Where it is not ours to move that is told.
func (r *restore) setExtensionSequence(ctx context.Context, s pgserver.ExtensionSequence, have []pgserver.ExtensionSequence) error {
	var to *pgserver.ExtensionSequence
	for i, t := range have {
		if t.Extension == s.Extension && t.Name == s.Name && (to == nil || t.Schema == s.Schema) {
			to = &have[i]
		}
	}
	where := fmt.Sprintf("its position on the source is %d", s.LastValue)
	switch {
	case to == nil:
		r.skip(pgxfer.Skipped{Kind: sequenceKind, Name: s.String(), Reason: "the extension has none on the target that may be read; " + where})
		return nil
	case !to.Behind(s):
		return nil
	case !to.Writable:
		r.skip(pgxfer.Skipped{Kind: sequenceKind, Name: s.String(), Reason: "it may not be set on the target; " + where})
		return nil
	}
	if _, err := r.control.Exec(ctx, `SELECT pg_catalog.setval($1::text::regclass, $2, $3)`, to.QualifiedName(), s.LastValue, s.IsCalled); err != nil {
		return fmt.Errorf("setting the sequence of %s: %w", s, err)
	}
	return nil
}
