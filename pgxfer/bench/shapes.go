package main

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed shapes.sql
var shapesSQL string

//go:embed huge.sql
var hugeSQL string

// criticalTable is the largest table, and slowIndex the index of it that takes longest.
const (
	criticalTable = "events"
	slowIndex     = "events_payload"
)

// shapes is the SQL that makes a database of about so many megabytes with all five shapes. The bytes per row, indexes included, were
// measured at 1 GB; of much smaller databases the many small tables are a larger part.
func shapes(megabytes int) string {
	const small, smallBytes, empty = 300, 94e3, 8e6
	bytes := float64(megabytes) * 1e6
	rest := max(bytes-small*smallBytes-empty, bytes/4)
	return fill(shapesSQL, map[string]int{
		"accounts":  int(rest * 0.02 / 224),
		"events":    int(rest * 0.58 / 697),
		"documents": int(rest * 0.20 / 17490),
		"orders":    int(rest * 0.20 / 6 / 205),
		"small":     small,
	})
}

// huge is the SQL that makes a single table of about so many megabytes of text.
func huge(megabytes int) string {
	return fill(hugeSQL, map[string]int{"rows": int(float64(megabytes) * 1e6 / 700)})
}

func fill(sql string, numbers map[string]int) string {
	for name, n := range numbers {
		sql = strings.ReplaceAll(sql, "$"+name+"$", strconv.Itoa(max(n, 1)))
	}
	return sql
}

// contents is what a database holds: counts by what they count.
type contents map[string]int64

// takeStock counts rows, valid indexes, validated constraints, and how far sequences are.
func takeStock(ctx context.Context, conn *pgx.Conn) (contents, error) {
	found := contents{}
	ask := func(sql string) error {
		rows, err := conn.Query(ctx, sql)
		if err != nil {
			return err
		}
		var what string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&what, &n}, func() error {
			found[what] = n
			return nil
		})
		return err
	}
	rows, err := conn.Query(ctx, `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	for _, name := range tables {
		if err := ask(fmt.Sprintf(`SELECT 'rows of %s'::text, count(*) FROM %s`, name, pgx.Identifier{"public", name}.Sanitize())); err != nil {
			return nil, err
		}
	}
	for _, sql := range []string{
		`SELECT 'valid indexes', count(*) FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = 'public'::regnamespace AND x.indisvalid`,
		`SELECT 'validated constraints of type ' || contype::text, count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND convalidated AND contype <> 'n' GROUP BY contype`,
		`SELECT 'sequence ' || sequencename, COALESCE(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'`,
	} {
		if err := ask(sql); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// compare is an error that names the first things that differ.
func (c contents) compare(got contents) error {
	var differences []string
	for what, want := range c {
		if n, ok := got[what]; !ok || n != want {
			differences = append(differences, fmt.Sprintf("%s: %d instead of %d", what, n, want))
		}
	}
	for what := range got {
		if _, ok := c[what]; !ok {
			differences = append(differences, what+": not on the source")
		}
	}
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("the target is not what the source is: %d differences, such as %s", len(differences), strings.Join(differences[:min(3, len(differences))], "; "))
}
