package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// table is a relation with rows of its own.
type table struct {
	Schema    string
	Name      string
	Kind      string // relkind: "r" or "m"
	Unlogged  bool
	Populated bool
	Heap      int64 // bytes of the main fork
	Size      int64 // with TOAST
	Columns   []string
	Generated bool // has generated columns, which COPY of a table leaves out

	config *config // nil for tables of the user
}

func (t table) qualified() string { return t.Schema + "." + t.Name }

// tables lists what has rows: tables, partitions but not their parents, and materialized views. Tables of extensions are the extension's:
// for those that hold rows of the user's as well see [side.configTables].
func (s *side) tables(ctx context.Context) (list map[string]table, err error) {
	generated := `false`
	if s.version.Major() >= 12 {
		generated = `EXISTS (SELECT FROM pg_catalog.pg_attribute g WHERE g.attrelid = c.oid AND g.attgenerated <> '' AND NOT g.attisdropped)`
	}
	rows, err := s.keeper.Query(ctx, `SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence = 'u', c.relispopulated,
		pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_table_size(c.oid),
		ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
		`+generated+`
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm') AND `+pgserver.UserSchema("n.nspname")+` AND `+pgserver.NotExtensionOwned("pg_class", "c.oid"))
	if err != nil {
		return nil, fmt.Errorf("listing tables of %s: %w", s.endpoint, err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t table, err error) {
		return t, row.Scan(&t.Schema, &t.Name, &t.Kind, &t.Unlogged, &t.Populated, &t.Heap, &t.Size, &t.Columns, &t.Generated)
	})
	if err != nil {
		return nil, fmt.Errorf("listing tables of %s: %w", s.endpoint, err)
	}
	list = make(map[string]table, len(found))
	for _, t := range found {
		list[t.qualified()] = t
	}
	return list, nil
}

// copyStatement reads a table, or some of its pages, with the columns in the given order. hi 0 means to the end.
func copyStatement(t table, columns []string, lo, hi int64, part bool) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	from := pgx.Identifier{t.Schema, t.Name}.Sanitize()
	list := strings.Join(quoted, ", ")
	switch {
	case t.config != nil:
		return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s %s) TO STDOUT", list, from, t.config.condition)
	case part && hi > 0:
		return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)') TO STDOUT", list, from, lo, hi)
	case part:
		return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s WHERE ctid >= '(%d,0)') TO STDOUT", list, from, lo)
	case t.Generated, len(columns) == 0:
		// COPY of a relation leaves out generated columns, and cannot read tables without columns.
		return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s) TO STDOUT", list, from)
	default:
		return fmt.Sprintf("COPY %s (%s) TO STDOUT", from, list)
	}
}

// pairing is what of the tables can be compared, and what cannot because one side lacks it.
func pairing(source, target map[string]table, follower bool) (pairs []pair, differences []pgxfer.Difference, notes []string) {
	for name, s := range source {
		t, ok := target[name]
		switch {
		case !ok:
			differences = append(differences, pgxfer.Difference{Kind: "missing", Object: "table " + name, Source: "exists"})
		case s.Unlogged && follower:
			notes = append(notes, "table "+name+" is unlogged, so the follower has no rows to compare")
		case s.Kind == "m":
			// A restore refreshes it, so its rows are as new as the tables, whereas the source's are as old as its last
			// refresh: rows that differ prove nothing. Its query is compared with all definitions, what it reads with all tables.
			if s.Populated != t.Populated {
				differences = append(differences, pgxfer.Difference{
					Kind: "rows", Object: "materialized view " + name, Source: populated(s.Populated), Target: populated(t.Populated),
				})
			}
			if s.Populated && t.Populated {
				notes = append(notes, "materialized view "+name+" was made anew on the target; its definition is compared, its rows are not")
			}
		case !sameNames(s.Columns, t.Columns):
			differences = append(differences, pgxfer.Difference{
				Kind: "definition", Object: "columns of " + name, Source: strings.Join(s.Columns, ", "), Target: strings.Join(t.Columns, ", "),
			})
		default:
			pairs = append(pairs, pair{source: s, target: t})
		}
	}
	for name := range target {
		if _, ok := source[name]; !ok {
			differences = append(differences, pgxfer.Difference{Kind: "extra", Object: "table " + name, Target: "exists"})
		}
	}
	return pairs, differences, notes
}

func populated(is bool) string {
	if is {
		return "populated"
	}
	return "not populated"
}

// sameNames compares without regard to order, which a partition may have of its own.
func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	have := map[string]bool{}
	for _, name := range a {
		have[name] = true
	}
	for _, name := range b {
		if !have[name] {
			return false
		}
	}
	return true
}
