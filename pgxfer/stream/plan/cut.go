package plan

import (
	"cmp"
	"sort"
)

// Sizing says how tables are cut.
type Sizing struct {
	// Jobs is the number of readers.
	Jobs int
	// Floor is the size below which a table is never cut; 0 means 32 MiB. Ceiling is the size above which every table is, so that
	// little is lost when a piece fails; 0 means 1 GiB.
	Floor, Ceiling int64
	// Batch is how many bytes of small tables travel together; 0 means 4 MiB.
	Batch int64
}

const (
	defaultFloor   = 32 << 20
	defaultCeiling = 1 << 30
	defaultBatch   = 4 << 20
	// batchTables bounds the tables of a batch: each takes several locks until the batch commits.
	batchTables = 25
	// smallTable is the size up to which a table travels in a batch: a transaction of its own would cost more than its rows.
	smallTable = 512 << 10
	// RangeScans is the first major that reads a range of pages without reading all others.
	RangeScans = 14
)

func (s Sizing) withDefaults() Sizing {
	s.Floor = cmp.Or(s.Floor, defaultFloor)
	s.Ceiling = cmp.Or(s.Ceiling, defaultCeiling)
	s.Batch = cmp.Or(s.Batch, defaultBatch)
	s.Jobs = max(s.Jobs, 1)
	return s
}

// largest is the size of the largest pieces of a table.
func (s Sizing) largest(table int64) int64 {
	return min(max(table/int64(4*s.Jobs), s.Floor/4), s.Ceiling/2)
}

// worthCutting says which tables are to be cut.
//
// Only those that are on the longest way, or very large: a whole one can be loaded frozen. The lower bound of the transfer
// is all work shared out evenly; a table whose rows and dearest index alone come near that bound decides when the transfer ends.
func (p *Plan) worthCutting(s Sizing) func(*Table) bool {
	costs := p.costs()
	total := 0.0
	for _, t := range p.Tables {
		total += costs.load(t.Bytes()) + costs.indexes[t.OID]
	}
	bound := total / float64(s.Jobs)
	return func(t *Table) bool {
		path := costs.load(t.Bytes()) + costs.dearest[t.OID]
		critical := s.Jobs > 1 && path > bound/2
		return t.Config == nil && t.Bytes() >= s.Floor && len(t.Columns) > 0 && t.Heap > p.BlockSize && (critical || t.Bytes() > s.Ceiling)
	}
}

// Cut decides about pieces and order.
func (p *Plan) Cut(s Sizing) {
	s = s.withDefaults()
	worth := p.worthCutting(s)
	for i := range p.Tables {
		t := &p.Tables[i]
		switch {
		case !worth(t):
			t.Pieces = []Piece{{Bytes: t.Bytes()}}
		case p.Source.Version.Major() >= RangeScans:
			t.cut(s, p.BlockSize)
		case len(t.ranges) > 0:
			t.cutByKey()
		default: // each piece would read all of it
			t.Pieces = []Piece{{Bytes: t.Bytes()}}
		}
		if !t.Split() {
			t.Key = nil
		}
	}
	costs := p.costs()
	sort.SliceStable(p.Tables, func(a, b int) bool {
		x, y := p.Tables[a], p.Tables[b]
		if x.Config != nil || y.Config != nil { // among themselves they are in order already
			return x.Config != nil && y.Config == nil
		}
		return costs.load(x.Bytes())+costs.dearest[x.OID] > costs.load(y.Bytes())+costs.dearest[y.OID]
	})
	p.batch(s.Batch)
	p.forget()
}

// cut makes pieces of equal size for the first half of the table and ever smaller ones for the rest, so that all readers end together.
func (t *Table) cut(s Sizing, block int64) {
	pages := (t.Heap + block - 1) / block
	perPage := max(t.Bytes()/max(pages, 1), 1)
	largest := s.largest(t.Bytes())
	smallest := max(s.Floor/4, 1)
	t.Pieces = nil
	for lo := int64(0); lo < pages; {
		left := (pages - lo) * perPage
		size := min(largest, max(left/int64(2*s.Jobs), smallest))
		n := max(size/perPage, 1)
		hi := lo + n
		if pages-hi < n/2 {
			hi = pages
		}
		piece := Piece{Lo: lo, Hi: hi, Bytes: min(hi, pages)*perPage - lo*perPage}
		if hi >= pages {
			piece.Hi = 0 // the end is open: the table may have grown since it was measured
		}
		t.Pieces = append(t.Pieces, piece)
		lo = hi
	}
}

// batch gives small tables batch numbers.
func (p *Plan) batch(size int64) {
	number, tables, bytes := 1, 0, int64(0)
	for i := range p.Tables {
		t := &p.Tables[i]
		if t.Bytes() > smallTable || t.Split() || t.Config != nil {
			continue
		}
		if tables > 0 && (tables == batchTables || bytes+t.Bytes() > size) {
			number, tables, bytes = number+1, 0, 0
		}
		t.Batch = number
		tables++
		bytes += t.Bytes()
	}
}

// forget drops definitions of indexes of small tables: their keys are made in one go, with those of the others of their batch.
func (p *Plan) forget() {
	small := map[uint32]bool{}
	for _, t := range p.Tables {
		if t.Batch > 0 {
			small[t.OID] = true
		}
	}
	for i := range p.Indexes {
		if x := &p.Indexes[i]; small[x.Table] {
			x.Def = ""
		}
	}
}
