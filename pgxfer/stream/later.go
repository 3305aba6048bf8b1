package stream

import (
	"maps"
	"slices"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/plan"
)

// Making a table takes the server about a millisecond, rows or not: files are created for it. Of thousands of small tables that is a long
// time in which one session works and nobody loads the table that decides when the transfer ends. So small tables that nothing else needs
// are made only when their rows are about to come, while others load.

// laterItem notes that small tables were left for later when all others were made.
const laterItem = "later"

// fewTables are not worth it.
const fewTables = 10

// withTable are kinds of entries that are made together with the table they belong to.
var withTable = map[string]bool{"SEQUENCE": true, "SEQUENCE OWNED BY": true, "DEFAULT": true, "COMMENT": true}

// laterEntries picks entries of small tables by the batch of their tables, in the order of pg_dump. A table that anything but its own
// sequences, defaults and comments depends on is none of them.
func laterEntries(pre, post []*archive.Entry, p *plan.Plan) map[int][]*archive.Entry {
	batches := map[uint32]int{}
	for _, t := range p.Tables {
		if t.Batch > 0 && t.Root == 0 {
			batches[t.OID] = t.Batch
		}
	}
	owner, needed := map[int]int{}, map[int]bool{} // the table's entry of an entry; tables that others need
	alone := map[int]bool{}                        // tables that are made first in any case
	owners := func(e *archive.Entry) (tables []int) {
		for _, dep := range e.Deps {
			if t, ok := owner[dep]; ok && !slices.Contains(tables, t) {
				tables = append(tables, t)
			}
		}
		return tables
	}
	batchOf := map[int]int{} // by the table's entry
	for _, e := range pre {
		tables := owners(e)
		other := slices.ContainsFunc(e.Deps, func(dep int) bool { return alone[dep] })
		if withTable[e.Kind] && len(tables) == 1 && !other {
			owner[e.ID] = tables[0]
			continue
		}
		for _, t := range tables {
			needed[t] = true
		}
		switch batch := batches[e.OID]; {
		case e.Kind != "TABLE":
		case batch > 0:
			owner[e.ID], batchOf[e.ID] = e.ID, batch
		default:
			alone[e.ID] = true
		}
	}
	for _, e := range post {
		if e.Kind == "STATISTICS" { // made before the rows
			for _, t := range owners(e) {
				needed[t] = true
			}
		}
	}
	later, tables := map[int][]*archive.Entry{}, 0
	for _, e := range pre {
		t, ok := owner[e.ID]
		if !ok || needed[t] {
			continue
		}
		if t == e.ID {
			tables++
		}
		later[batchOf[t]] = append(later[batchOf[t]], e)
	}
	if tables < fewTables {
		return nil
	}
	return later
}

// without is entries that are not among those for later.
func without(pre []*archive.Entry, later map[int][]*archive.Entry) (now []*archive.Entry) {
	left := map[int]bool{}
	for _, list := range later {
		for _, e := range list {
			left[e.ID] = true
		}
	}
	for _, e := range pre {
		if !left[e.ID] {
			now = append(now, e)
		}
	}
	return now
}

// addLater adds the making of small tables, each batch before its rows.
func (b *builder) addLater() {
	for _, batch := range slices.Sorted(maps.Keys(b.later)) {
		entries := b.later[batch]
		object := entries[len(entries)-1].Name()
		name := "making table " + object + " and others"
		n := &graph.Node{Name: name, Cost: quick * float64(len(entries)), Work: func() *job {
			whole := &job{name: name, kind: pgxfer.KindSchema, object: object}
			for _, e := range entries {
				whole.parts = append(whole.parts, &job{
					name: e.Kind + " " + e.Name(), kind: pgxfer.KindSchema, object: e.Name(), items: []string{tocItem(e)}, sql: []string{definition(e)},
				})
			}
			return whole
		}}
		b.g.Add(n)
		b.made[batch] = n
		b.finishDone(n)
	}
}
