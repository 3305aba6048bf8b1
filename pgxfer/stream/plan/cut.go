package plan

import "sort"

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
	// rangeScans is the first major that reads a range of pages without reading all others.
	rangeScans = 14
)

// Cut decides about pieces and order.
//
// A table is cut only when it is on the longest way, or very large: a whole one can be loaded frozen. The lower bound of the transfer
// is all work shared out evenly; a table whose rows and dearest index alone come near that bound decides when the transfer ends.
func (p *Plan) Cut(s Sizing) {
	if s.Floor == 0 {
		s.Floor = defaultFloor
	}
	if s.Ceiling == 0 {
		s.Ceiling = defaultCeiling
	}
	if s.Batch == 0 {
		s.Batch = defaultBatch
	}
	s.Jobs = max(s.Jobs, 1)
	costs := p.costs()
	total := 0.0
	for _, t := range p.Tables {
		total += costs.load(t.Bytes()) + costs.indexes[t.OID]
	}
	bound := total / float64(s.Jobs)
	for i := range p.Tables {
		t := &p.Tables[i]
		path := costs.load(t.Bytes()) + costs.dearest[t.OID]
		critical := s.Jobs > 1 && path > bound/2
		split := t.Bytes() >= s.Floor && len(t.Columns) > 0 && p.Source.Version.Major() >= rangeScans &&
			t.Heap > p.BlockSize && (critical || t.Bytes() > s.Ceiling)
		if split {
			t.cut(s, p.BlockSize)
		} else {
			t.Pieces = []Piece{{Bytes: t.Bytes()}}
		}
	}
	sort.SliceStable(p.Tables, func(a, b int) bool {
		x, y := p.Tables[a], p.Tables[b]
		return costs.load(x.Bytes())+costs.dearest[x.OID] > costs.load(y.Bytes())+costs.dearest[y.OID]
	})
	p.batch(s.Batch)
}

// cut makes pieces of equal size for the first half of the table and ever smaller ones for the rest, so that all readers end together.
func (t *Table) cut(s Sizing, block int64) {
	pages := (t.Heap + block - 1) / block
	perPage := max(t.Bytes()/max(pages, 1), 1)
	largest := min(max(t.Bytes()/int64(4*s.Jobs), s.Floor/4), s.Ceiling/2)
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
		if t.Bytes() > smallTable || t.Split() {
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
