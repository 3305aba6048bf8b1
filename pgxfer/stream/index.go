package stream

import (
	"fmt"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/plan"

	"github.com/jackc/pgx/v5"
)

// quick is the cost of what only changes the catalog. With ten times as much, hundreds of small tables looked like work for seconds, for which
// indexes beside the one that decides about the end did not leave it room.
const quick = 0.001

func lockOn(table uint32, mode graph.Mode) []graph.Lock {
	return []graph.Lock{{Table: table, Mode: mode}}
}

// known says whether an oid is a table whose rows we load, or the parent of such.
func (b *builder) known(table uint32) bool { return b.tables[table] != nil || b.parents[table] != nil }

// addIndex adds an index of a table. Those of materialized views are left for the tail: the view has no rows yet.
func (b *builder) addIndex(e *archive.Entry) {
	x, ok := b.indexes[e.OID]
	if !ok || !b.known(x.Table) {
		return
	}
	b.entryTable[e.ID] = x.Table
	if b.group(e, b.tables[x.Table], x, func() *job {
		first, rest := cutStatement(e.Defn)
		return &job{
			name: "index " + x.Name, kind: pgxfer.KindIndex, object: x.Schema + "." + x.Name, items: []string{tocItem(e), tocItem(e) + "/after"}, sql: []string{first, rest}, index: x,
		}
	}) {
		return
	}
	first, rest := cutStatement(e.Defn)
	n := b.add(e, &job{
		name: "index " + x.Name, kind: pgxfer.KindIndex, object: x.Schema + "." + x.Name, items: []string{tocItem(e)}, sql: []string{first}, index: x,
	}, graph.Build, b.buildCost(x), lockOn(x.Table, graph.Share), b.loads[x.Table]...)
	b.byEntry[e.ID] = n
	if rest != "" {
		// CLUSTER ON and the like need the table for themselves, for a moment: not while another of its indexes is being built.
		b.byEntry[e.ID] = b.add(e, &job{
			name: "index " + x.Name, kind: pgxfer.KindIndex, object: x.Schema + "." + x.Name, items: []string{tocItem(e) + "/after"}, sql: []string{rest},
		}, graph.Other, quick, lockOn(x.Table, graph.AccessExclusive), n)
	}
}

func (b *builder) buildCost(x *plan.Index) float64 {
	var size int64
	if t := b.tables[x.Table]; t != nil {
		size = t.Bytes()
	}
	return quick + plan.BuildCost(*x, size)
}

// addConstraint adds a key or an exclusion. ADD PRIMARY KEY would lock out every other index build of the table for as long as it takes:
// a key of a table that is not small takes over a unique index that was built beside the others.
func (b *builder) addConstraint(e *archive.Entry) {
	c, ok := b.constraints[e.OID]
	if !ok || !b.known(c.Table) {
		return
	}
	x := b.indexes[c.Index]
	if x == nil {
		x = &plan.Index{}
	}
	t := b.tables[c.Table]
	b.entryTable[e.ID] = c.Table
	whole := func() *job {
		return &job{
			name: "constraint " + c.Name, kind: pgxfer.KindConstraint, object: x.Schema + "." + c.Name, items: []string{tocItem(e)}, sql: []string{e.Defn}, index: x,
		}
	}
	if b.group(e, t, x, whole) {
		return
	}
	object := x.Schema + "." + c.Name
	if t == nil || t.Batch > 0 || c.Plain || c.Type != "p" && c.Type != "u" {
		b.byEntry[e.ID] = b.add(e, whole(), graph.Build, b.buildCost(x), lockOn(c.Table, graph.AccessExclusive), b.loads[c.Table]...)
		return
	}
	n := b.add(e, &job{
		name: "index " + c.Name, kind: pgxfer.KindIndex, object: object, items: []string{tocItem(e) + "/build"}, sql: []string{x.Def}, index: x,
	}, graph.Build, b.buildCost(x), lockOn(c.Table, graph.Share), b.loads[c.Table]...)
	_, rest := cutStatement(e.Defn)
	kind := "UNIQUE"
	if c.Type == "p" {
		kind = "PRIMARY KEY"
	}
	name := pgx.Identifier{c.Name}.Sanitize()
	b.byEntry[e.ID] = b.add(e, &job{
		name: "constraint " + c.Name, kind: pgxfer.KindConstraint, object: object, items: []string{tocItem(e)},
		sql: []string{"ALTER TABLE ONLY " + t.SQLName() + " ADD CONSTRAINT " + name + " " + kind + " USING INDEX " + name + " " + c.Deferred, rest},
	}, graph.Other, quick, lockOn(c.Table, graph.AccessExclusive), n)
}

// addAttach adds what makes a leaf's index part of its parent's. One at a time in each tree, whatever the level: an index becomes valid with
// the last one attached below it, and two transactions that do not see each other would each find that the other's is missing.
func (b *builder) addAttach(e *archive.Entry) {
	var locks []graph.Lock
	for _, dep := range e.Deps {
		if table, ok := b.entryTable[dep]; ok {
			locks = append(locks, graph.Lock{Table: table, Mode: graph.AccessExclusive})
			if root := b.root(table); root != 0 && root != table {
				locks = append(locks, graph.Lock{Table: root, Mode: graph.AccessExclusive})
			}
		}
	}
	b.byEntry[e.ID] = b.add(e, &job{
		name: "index " + e.Tag, kind: pgxfer.KindIndex, object: e.Name(), items: []string{tocItem(e)}, sql: []string{e.Defn},
	}, graph.Other, quick, locks)
}

// root is the top of the tree of partitions that a table belongs to, or 0.
func (b *builder) root(table uint32) uint32 {
	if t := b.tables[table]; t != nil {
		return t.Root
	}
	if p := b.parents[table]; p != nil {
		return p.Root
	}
	return 0
}

// tuning is what is set for an index to be built quickly.
//
// One that yields gets one process of the server: something else decides when the transfer ends. And a GIN is built quicker with less memory
// than there is, up to 17: what it gathers before it writes is looked up for every key, which takes the longer the less of it the processor's
// caches hold. It writes more often then, all over the index, which costs nothing as long as the index stays in the server's own cache, until
// there is so little memory that the same keys are written again and again. Of 16 and 64 MB the one took up to a fifth less on one machine and the
// other a twentieth less on another machine, where 32 MB were as good as 64.
func tuning(x *plan.Index, major int, yields bool) string {
	sql := ""
	if yields {
		sql = "SET LOCAL max_parallel_maintenance_workers = 0;\n"
	}
	if x.Method == "gin" && major < parallelGIN {
		sql += fmt.Sprintf(`SELECT pg_catalog.set_config('maintenance_work_mem', '32MB', true) FROM pg_catalog.pg_settings m, pg_catalog.pg_settings b
			WHERE m.name = 'maintenance_work_mem' AND m.setting::bigint > 32768 AND b.name = 'shared_buffers'
			AND %d < b.setting::bigint * pg_catalog.current_setting('block_size')::bigint / 2;`+"\n", x.Bytes)
	}
	return sql
}

// parallelGIN is the first major that gathers the keys of a GIN by sorting, for which all memory is welcome.
const parallelGIN = 18
