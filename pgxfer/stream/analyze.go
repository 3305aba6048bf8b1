package stream

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/graph"
)

// analyzeCost is that of a table of any size beyond 30,000 pages: that is how many are sampled.
const analyzeCost = 0.4

// addAnalyze adds statistics: without them the first queries of the app take forever. Each table is analyzed once its indexes are built,
// because expressions in them have statistics too. A tree of partitions is analyzed from its root, which takes in all leaves.
func (b *builder) addAnalyze() {
	batches := map[int][]uint32{}
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		switch {
		case t.Root != 0, t.Config != nil: // the extension's, by another name perhaps; the server sees to it
		case t.Batch > 0:
			batches[t.Batch] = append(batches[t.Batch], t.OID)
		default:
			b.analyze([]uint32{t.OID}, t.Schema+"."+t.Name)
		}
	}
	for _, p := range b.plan.Parents {
		if p.Root == p.OID {
			b.analyze(b.family(p.OID), p.Schema+"."+p.Name)
		}
	}
	for _, tables := range batches {
		first := b.tables[tables[0]]
		b.analyze(tables, fmt.Sprintf("%s.%s and %d more", first.Schema, first.Name, len(tables)-1))
	}
}

func (b *builder) analyze(tables []uint32, object string) {
	var locks []graph.Lock
	var after []*graph.Node
	cost := quick
	for _, oid := range tables {
		locks = append(locks, graph.Lock{Table: oid, Mode: graph.ShareUpdateExclusive})
		after = append(append(after, b.loads[oid]...), b.onlyBuilds(oid)...)
		if t := b.tables[oid]; t != nil {
			cost += analyzeCost * min(1, float64(t.Heap)/(30000*8192))
		}
	}
	n := &graph.Node{Name: "analyze " + object, Class: graph.Other, Cost: cost, Locks: locks, Work: func() *job { return b.analyzeJob(tables, object) }}
	b.g.Add(n, after...)
	b.finishDone(n)
}

// analyzeJob analyzes tables, or the first of them with all that belongs to it.
func (b *builder) analyzeJob(tables []uint32, object string) *job {
	j := &job{name: "analyze " + object, kind: pgxfer.KindAnalyze, object: object}
	for i, oid := range tables {
		j.items = append(j.items, fmt.Sprintf("analyze/%d", oid))
		if t := b.tables[oid]; t != nil && t.Root == 0 {
			j.sql = append(j.sql, "ANALYZE "+t.SQLName())
		} else if p := b.parents[oid]; t == nil && i == 0 {
			j.sql = append(j.sql, "ANALYZE "+pgx.Identifier{p.Schema, p.Name}.Sanitize())
		}
	}
	return j
}

// onlyBuilds are the index builds of a table; foreign keys need not be waited for.
func (b *builder) onlyBuilds(table uint32) (list []*graph.Node) {
	for _, n := range b.builds[table] {
		if j, one := n.Work.(*job); n.Class == graph.Build && (!one || j.index != nil) {
			list = append(list, n)
		}
	}
	return list
}
