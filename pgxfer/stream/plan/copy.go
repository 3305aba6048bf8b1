package plan

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// options of COPY. Rows travel in the encoding of the source's database: it need not be one that every byte of the rows agrees with. Of a
// database without an encoding the target must find out whether the bytes are text there: told that they are SQL_ASCII, it would take
// any of them, whatever its own encoding.
func (p *Plan) options(t Table, in bool, more ...string) string {
	switch {
	case t.Binary:
		more = append(more, "FORMAT binary")
	case p.Source.Encoding == "SQL_ASCII" && in, p.Source.Encoding == "UTF8":
	default:
		more = append(more, "ENCODING '"+p.Source.Encoding+"'")
	}
	if len(more) == 0 {
		return ""
	}
	return " WITH (" + strings.Join(more, ", ") + ")"
}

// columns is the list of columns to copy. It is always explicit, except where there are none: COPY does not accept an empty list.
func (t Table) columns() string {
	if len(t.Columns) == 0 {
		return ""
	}
	return " (" + t.List() + ")"
}

// List is the columns to copy, quoted.
func (t Table) List() string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}

// Out is the statement that reads piece n. The plain form reads neither children nor generated columns.
func (p *Plan) Out(t Table, n int) string {
	piece := t.Pieces[n]
	if t.Config != nil {
		return "COPY (SELECT " + t.List() + " FROM ONLY " + t.SQLName() + " " + t.Config.Condition + ") TO STDOUT" + p.options(t, false)
	}
	if piece.Lo == 0 && piece.Hi == 0 && piece.From == nil && piece.To == nil {
		return "COPY " + t.SQLName() + t.columns() + " TO STDOUT" + p.options(t, false)
	}
	if piece.From != nil || piece.To != nil {
		return "COPY (SELECT " + t.List() + " FROM ONLY " + t.SQLName() + " WHERE " + t.Key.where(piece) + ") TO STDOUT" + p.options(t, false)
	}
	where := fmt.Sprintf("ctid >= '(%d,0)'::pg_catalog.tid", piece.Lo)
	if piece.Hi > 0 {
		where += fmt.Sprintf(" AND ctid < '(%d,0)'::pg_catalog.tid", piece.Hi)
	}
	return "COPY (SELECT " + t.List() + " FROM ONLY " + t.SQLName() + " WHERE " + where + ") TO STDOUT" + p.options(t, false)
}

// sampleRows bounds the rows of a sample: there are tables with a megabyte in each.
const sampleRows = 5000

// Some is the statement that reads the first rows of a table, in the form in which they travel.
func (p *Plan) Some(t Table) string {
	return fmt.Sprintf("COPY (SELECT %s FROM ONLY %s LIMIT %d) TO STDOUT%s", t.List(), t.SQLName(), sampleRows, p.options(t, false))
}

// In is the statement that loads a piece. Frozen rows need no later visit by VACUUM, but the table must have been emptied in the same
// transaction.
func (p *Plan) In(t Table, freeze bool) string {
	var more []string
	if freeze {
		more = append(more, "FREEZE")
	}
	return "COPY " + t.SQLName() + t.columns() + " FROM STDIN" + p.options(t, true, more...)
}

// largeObjectPage is how much of a large object one row carries.
const largeObjectPage = 256 << 10

// OutLarge is the statement that reads large objects: number, position, content. A large object without content is one row, too.
// Opening rather than reading the catalog, because only a superuser may do that. The positions are counted by 0x40000 = INV_READ.
func OutLarge(l LargeObjects) string {
	return fmt.Sprintf(`COPY (SELECT m.oid, g.pos, pg_catalog.lo_get(m.oid, g.pos, %[1]d)
		FROM (SELECT oid, pg_catalog.lo_lseek64(pg_catalog.lo_open(oid, 262144), 0, 2) AS size
			FROM (SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid BETWEEN %[2]d AND %[3]d ORDER BY oid) listed) m,
		LATERAL pg_catalog.generate_series(0::bigint, GREATEST(m.size - 1, 0), %[1]d) AS g(pos)) TO STDOUT`, largeObjectPage, l.Lo, l.Hi)
}

// Statements that load large objects, in one transaction, around the COPY of [InLarge].
const (
	BeforeLarge = `CREATE TEMPORARY TABLE changeover_large_objects (lo oid, pos bigint, content bytea) ON COMMIT DROP`
	InLarge     = `COPY pg_temp.changeover_large_objects FROM STDIN`
	AfterLarge  = `SELECT pg_catalog.lo_create(lo) FROM (SELECT DISTINCT lo FROM pg_temp.changeover_large_objects) made;
		SELECT pg_catalog.lo_put(lo, pos, content) FROM pg_temp.changeover_large_objects ORDER BY lo, pos`
)
