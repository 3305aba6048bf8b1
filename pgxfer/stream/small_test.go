package stream

import (
	"fmt"
	"runtime"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/plan"
)

// mostPerTable is what the work on a small table with a key and an index may take in memory before its turn has come.
const mostPerTable = 800

// Tens of thousands of small tables with all there is to do for them must fit in memory.
func TestWorkOnSmallTablesIsSmall(t *testing.T) {
	const tables = 20_000
	r := newRestore(Engine{}.withDefaults(), pgxfer.RestoreOptions{Jobs: 16}, nil)
	r.report = meter.NewReporter(nil, r.Now)
	r.plan, r.toc = manySmall(tables)
	r.entries.Keep = r.toc.Entries
	pre, post := sections(r.toc, r.entries.Keep)
	if r.later = laterEntries(pre, post, r.plan); len(r.later) != tables/25 {
		t.Fatalf("%d batches are made later", len(r.later))
	}
	before := liveBytes()
	nodes := r.build(t.Context()).g.Nodes()
	per := (liveBytes() - before) / tables
	t.Logf("%d bytes for a table", per)
	if per > mostPerTable {
		t.Errorf("the work on a table takes %d bytes, more than %d", per, mostPerTable)
	}
	names := map[string]bool{}
	for _, n := range nodes {
		for _, item := range itemsOf(n) {
			if names[item] {
				t.Fatalf("%s is done twice", item)
			}
			names[item] = true
		}
	}
	// The table and its sequence, its rows, the key, the index with what follows it, and statistics.
	if len(names) != 7*tables {
		t.Errorf("%d things are done for %d tables", len(names), tables)
	}
}

func itemsOf(n *graph.Node) (items []string) {
	if list, ok := n.Work.([]unit); ok {
		for _, u := range list {
			items = append(items, u.item())
		}
		return items
	}
	j := jobOf(n)
	items = append(items, j.items...)
	for _, part := range j.parts {
		items = append(items, part.items...)
	}
	return items
}

func liveBytes() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func manySmall(tables int) (*plan.Plan, *archive.TOC) {
	p, toc := &plan.Plan{}, &archive.TOC{}
	entry := func(id int, oid uint32, kind string, section int8, tag, defn string, deps ...int) {
		toc.Entries = append(toc.Entries, &archive.Entry{ID: id, OID: oid, Kind: kind, Section: section, Schema: "public", Tag: tag, Defn: defn, Deps: deps})
	}
	for i := range tables {
		oid, name := uint32(16384+4*i), fmt.Sprintf("t%06d", i)
		p.Tables = append(p.Tables, plan.Table{OID: oid, Schema: "public", Name: name, Heap: 8192, Columns: []string{"id"}, Pieces: []plan.Piece{{Bytes: 8192}}})
		for n := range uint32(2) {
			p.Indexes = append(p.Indexes, plan.Index{OID: oid + 1 + n, Table: oid, Schema: "public", Name: fmt.Sprint(name, "_", n), Method: "btree", Bytes: 8192})
		}
		p.Constraints = append(p.Constraints, plan.Constraint{OID: oid + 3, Type: "p", Name: name + "_0", Table: oid, Index: oid + 1})
		entry(1+2*i, oid, "TABLE", 2, name, `CREATE TABLE "public"."`+name+`" ("id" bigint)`)
		entry(2+2*i, 0, "SEQUENCE", 2, name+"_id_seq", `CREATE SEQUENCE "public"."`+name+`_id_seq"`, 1+2*i)
	}
	for i := range tables {
		oid, name := uint32(16384+4*i), fmt.Sprintf("t%06d", i)
		entry(2*tables+1+2*i, oid+3, "CONSTRAINT", 4, name+" "+name+"_0", `ALTER TABLE ONLY "public"."`+name+`" ADD CONSTRAINT "`+name+`_0" PRIMARY KEY ("id")`, 1+2*i)
		entry(2*tables+2+2*i, oid+2, "INDEX", 4, name+"_1", `CREATE INDEX "`+name+`_1" ON "public"."`+name+`" ("id")`, 1+2*i)
	}
	p.Cut(plan.Sizing{Jobs: 16})
	return p, toc
}
