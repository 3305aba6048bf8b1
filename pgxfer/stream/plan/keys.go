package plan

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Key is the primary key of a table, as far as it can tell rows apart in ranges.
type Key struct {
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
}

// orderedTypes are those whose values, read as text and written again, are in the same order on every server. Not text: its order depends
// on a library of the system, and a follower's may be another than its leader's.
const orderedTypes = `'{int2,int4,int8,numeric,date,timestamp,timestamptz,uuid}'::pg_catalog.regtype[]`

const (
	// sampledPages is how many pages of a table are looked at to find out how its keys are spread.
	sampledPages = 500
	// perRange is how many sampled rows a piece must have at least, so that pieces are about equal.
	perRange = 20
	// dearest is how many times over all pieces together may read the pages of a table. Rows in no order of the key would be read over and over.
	dearest = 2
)

// sample is some rows of a table, in the order of its key.
type sample struct {
	keys  [][]string
	pages []int64
}

// Sample finds out how to cut tables that [Plan.Cut] would cut, on a server that cannot read a range of pages without reading all others: by
// ranges of their primary key. It belongs before Cut, and is nothing on newer servers.
func (p *Plan) Sample(ctx context.Context, conn *pgx.Conn, s Sizing) error {
	if p.Source.Version.Major() >= RangeScans {
		return nil
	}
	s = s.withDefaults()
	worth := p.worthCutting(s)
	for i := range p.Tables {
		t := &p.Tables[i]
		if !worth(t) {
			continue
		}
		if err := t.askKey(ctx, conn); err != nil {
			return err
		}
		if t.Key == nil {
			continue
		}
		found, err := t.sample(ctx, conn, p.BlockSize)
		if err != nil {
			return err
		}
		t.ranges = found.ranges(t.Bytes(), s)
	}
	return nil
}

// askKey finds the primary key, if all of its columns can be ordered.
func (t *Table) askKey(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT a.attname::text, a.atttypid::pg_catalog.regtype::text, a.atttypid = ANY (`+orderedTypes+`)
		FROM pg_catalog.pg_index x CROSS JOIN pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, at)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
		WHERE x.indrelid = $1 AND x.indisprimary AND x.indisvalid AND k.at <= (SELECT pg_catalog.cardinality(o.conkey) FROM pg_catalog.pg_constraint o
			WHERE o.conindid = x.indexrelid AND o.contype = 'p') ORDER BY k.at`, t.OID)
	if err != nil {
		return fmt.Errorf("asking for the key of %s: %w", t.PieceName(), err)
	}
	var key Key
	var column, typ string
	var ordered bool
	usable := true
	if _, err := pgx.ForEachRow(rows, []any{&column, &typ, &ordered}, func() error {
		key.Columns, key.Types = append(key.Columns, column), append(key.Types, typ)
		usable = usable && ordered
		return nil
	}); err != nil {
		return fmt.Errorf("asking for the key of %s: %w", t.PieceName(), err)
	}
	if usable && len(key.Columns) > 0 {
		t.Key = &key
	}
	return nil
}

// sample reads the keys of rows on pages taken at random. The server reads no other pages for that.
func (t *Table) sample(ctx context.Context, conn *pgx.Conn, block int64) (sample, error) {
	percent := min(100, 100*float64(sampledPages)/max(float64(t.Heap/block), 1))
	quoted := t.Key.quoted()
	texts := make([]string, len(quoted))
	for i, c := range quoted {
		texts[i] = c + "::text"
	}
	rows, err := conn.Query(ctx, fmt.Sprintf(`SELECT ARRAY[%s], (ctid::text::pg_catalog.point)[0]::bigint FROM ONLY %s TABLESAMPLE SYSTEM (%g) ORDER BY %s`,
		strings.Join(texts, ", "), t.SQLName(), percent, strings.Join(quoted, ", ")))
	if err != nil {
		return sample{}, fmt.Errorf("reading some keys of %s: %w", t.PieceName(), err)
	}
	var s sample
	var key []string
	var page int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &page}, func() error {
		s.keys, s.pages = append(s.keys, key), append(s.pages, page)
		key = nil
		return nil
	}); err != nil {
		return sample{}, fmt.Errorf("reading some keys of %s: %w", t.PieceName(), err)
	}
	return s, nil
}

func (k *Key) quoted() []string {
	list := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		list[i] = pgx.Identifier{c}.Sanitize()
	}
	return list
}

// ranges cuts the sample into about equal parts, and returns where all but the first begin. None are returned for a table whose rows lie about
// in another order than that of the key, so that each part would read most of its pages.
func (s sample) ranges(bytes int64, sizing Sizing) [][]string {
	size := float64(sizing.largest(bytes))
	parts := min(int(math.Ceil(float64(bytes)/size)), len(s.keys)/perRange)
	if parts < 2 {
		return nil
	}
	var begins [][]string
	all, touched := map[int64]bool{}, 0
	for n := range parts {
		from, to := n*len(s.keys)/parts, (n+1)*len(s.keys)/parts
		part := map[int64]bool{}
		for _, page := range s.pages[from:to] {
			part[page], all[page] = true, true
		}
		touched += len(part)
		if n > 0 {
			begins = append(begins, s.keys[from])
		}
	}
	if touched > dearest*len(all) {
		return nil
	}
	return begins
}

// cutByKey makes pieces of the ranges that were found.
func (t *Table) cutByKey() {
	t.Pieces = nil
	share := t.Bytes() / int64(len(t.ranges)+1)
	var from []string
	for _, begin := range append(t.ranges, nil) {
		t.Pieces = append(t.Pieces, Piece{From: from, To: begin, Bytes: share})
		from = begin
	}
}

// where is the condition for the rows of a range.
func (k *Key) where(p Piece) string {
	var conditions []string
	columns := "(" + strings.Join(k.quoted(), ", ") + ")"
	for operator, values := range map[string][]string{">=": p.From, "<": p.To} {
		if values == nil {
			continue
		}
		literals := make([]string, len(values))
		for i, v := range values {
			literals[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'::" + k.Types[i]
		}
		conditions = append(conditions, columns+" "+operator+" ("+strings.Join(literals, ", ")+")")
	}
	return strings.Join(conditions, " AND ")
}
