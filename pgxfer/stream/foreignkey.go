package stream

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/graph"
)

// smallChild is the size up to which a foreign key is validated as it is added: a second transaction would cost more.
const smallChild = 4 << 20

// validateSpeed is how many bytes of the referring table per second are checked.
const validateSpeed = 400e6

// addForeignKey adds a foreign key. Two that are simply added to one parent would wait for each other, validation included; added
// as not valid first, they are validated side by side. What the source has not validated stays so.
func (b *builder) addForeignKey(e *archive.Entry) {
	c, ok := b.constraints[e.OID]
	if !ok || !b.known(c.Table) || !b.known(c.Other) {
		return
	}
	locks, after := []graph.Lock{}, []*graph.Node{}
	var size int64
	for side, table := range []uint32{c.Table, c.Other} {
		for _, t := range b.family(table) {
			locks = append(locks, graph.Lock{Table: t, Mode: graph.ShareRowExclusive})
			after = append(after, b.loads[t]...)
			if leaf := b.tables[t]; leaf != nil && side == 0 {
				size += leaf.Bytes()
			}
		}
	}
	first, rest := cutStatement(e.Defn)
	j := &job{name: "foreign key " + c.Name, kind: pgxfer.KindConstraint, object: e.Name(), items: []string{tocItem(e)}, sql: []string{first, rest}}
	as := strings.HasSuffix(first, " NOT VALID") || strings.Contains(first, " NOT ENFORCED") || !c.Valid
	cost := quick + float64(size)/validateSpeed
	if as || c.Plain || size <= smallChild {
		if !as && !c.Plain {
			j.otherwise, j.sql[0] = first+" NOT VALID", first
		}
		b.byEntry[e.ID] = b.add(e, j, graph.Build, cost, locks, after...)
		return
	}
	j.sql[0] = first + " NOT VALID"
	n := b.add(e, j, graph.Other, quick, locks, after...)
	t := b.tables[c.Table]
	b.byEntry[e.ID] = b.add(e, &job{
		name: "foreign key " + c.Name, kind: pgxfer.KindConstraint, object: e.Name(), items: []string{"validate/" + strconv.Itoa(e.ID)},
		sql: []string{"ALTER TABLE " + t.SQLName() + " VALIDATE CONSTRAINT " + pgx.Identifier{c.Name}.Sanitize()}, mayFail: "23503",
	}, graph.Build, cost, []graph.Lock{{Table: c.Table, Mode: graph.ShareUpdateExclusive}, {Table: c.Other, Mode: graph.RowShare}}, n)
}

// family is a table with all that belongs to it.
func (b *builder) family(table uint32) []uint32 {
	if p := b.parents[table]; p != nil {
		return append([]uint32{table}, p.Leaves...)
	}
	return []uint32{table}
}
