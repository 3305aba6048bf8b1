package plan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer/pgserver"
)

func planOf(major int, tables ...Table) *Plan {
	p := &Plan{BlockSize: 8192, Tables: tables}
	p.Source.Version = pgserver.Version(major * 10000)
	return p
}

// Pieces cover every page once, the last one is open, and a piece is never tiny.
func TestPiecesCoverTheTable(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		heap := 8192 * (2 + random.Int64N(1<<22))
		p := planOf(15, Table{OID: 1, Heap: heap, Toast: random.Int64N(1 << 40), Columns: []string{"a"}})
		p.Cut(Sizing{Jobs: 1 + random.IntN(16)})
		pieces := p.Tables[0].Pieces
		next := int64(0)
		for i, piece := range pieces {
			last := i == len(pieces)-1
			if piece.Lo != next || (piece.Hi == 0) != last || !last && piece.Hi <= piece.Lo {
				t.Fatalf("seed %d: piece %d of %d is %+v, want it from %d", seed, i, len(pieces), piece, next)
			}
			if next = piece.Hi; !last && next >= heap/8192 {
				t.Fatalf("seed %d: piece %d of %d ends behind the table", seed, i, len(pieces))
			}
		}
		if len(pieces) > 20000 {
			t.Errorf("seed %d: %d pieces", seed, len(pieces))
		}
	}
}

// Only what decides about the end is cut: a whole table can be loaded frozen.
func TestWhatIsCut(t *testing.T) {
	const mb = 1 << 20
	big := Table{OID: 1, Name: "big", Heap: 600 * mb, Columns: []string{"a"}}
	for _, c := range []struct {
		name  string
		major int
		jobs  int
		table Table
		rest  int // further tables of 100 MB
		cut   bool
	}{
		{"the longest way", 15, 4, big, 3, true},
		{"one of many", 15, 4, Table{OID: 1, Heap: 100 * mb, Columns: []string{"a"}}, 60, false},
		{"too large to lose", 15, 1, Table{OID: 1, Heap: 5000 * mb, Columns: []string{"a"}}, 0, true},
		{"one reader", 15, 1, big, 3, false},
		{"a server that would read it all for each piece", 13, 4, big, 3, false},
		{"small", 15, 4, Table{OID: 1, Heap: mb, Columns: []string{"a"}}, 0, false},
		{"little heap, much TOAST", 15, 4, Table{OID: 1, Heap: mb, Toast: 900 * mb, Columns: []string{"a"}}, 0, true},
		{"without columns", 15, 4, Table{OID: 1, Heap: 600 * mb}, 0, false},
	} {
		p := planOf(c.major, c.table)
		for i := range c.rest {
			p.Tables = append(p.Tables, Table{OID: uint32(10 + i), Heap: 100 * mb, Columns: []string{"a"}})
		}
		p.Cut(Sizing{Jobs: c.jobs})
		for _, table := range p.Tables {
			if table.OID == 1 && table.Split() != c.cut {
				t.Errorf("%s: %d pieces", c.name, len(table.Pieces))
			}
		}
	}
}

// Fifty thousand tables are planned at once, in batches that do not exhaust locks.
func TestManyTables(t *testing.T) {
	p := planOf(15)
	for i := range 50_000 {
		p.Tables = append(p.Tables, Table{OID: uint32(i + 1), Name: fmt.Sprint(i), Heap: 8192 * int64(i%5), Columns: []string{"a"}})
	}
	began := time.Now()
	p.Cut(Sizing{Jobs: 8})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	sizes := map[int]int{}
	for _, table := range p.Tables {
		sizes[table.Batch]++
	}
	for batch, n := range sizes {
		if batch == 0 || n > batchTables {
			t.Errorf("batch %d has %d tables", batch, n)
		}
	}
}

func TestStatements(t *testing.T) {
	p := &Plan{}
	p.Source.Encoding = "LATIN1"
	table := Table{Schema: `a"b`, Name: "t", Columns: []string{"x y", "select"}, Pieces: []Piece{{Hi: 10}, {Lo: 10, Hi: 20}, {Lo: 20}}}
	for n, want := range []string{
		`COPY (SELECT "x y", "select" FROM ONLY "a""b"."t" WHERE ctid >= '(0,0)'::pg_catalog.tid AND ctid < '(10,0)'::pg_catalog.tid) TO STDOUT WITH (ENCODING 'LATIN1')`,
		`COPY (SELECT "x y", "select" FROM ONLY "a""b"."t" WHERE ctid >= '(10,0)'::pg_catalog.tid AND ctid < '(20,0)'::pg_catalog.tid) TO STDOUT WITH (ENCODING 'LATIN1')`,
		`COPY (SELECT "x y", "select" FROM ONLY "a""b"."t" WHERE ctid >= '(20,0)'::pg_catalog.tid) TO STDOUT WITH (ENCODING 'LATIN1')`,
	} {
		if got := p.Out(table, n); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	whole := Table{Schema: "public", Name: "none", Pieces: []Piece{{}}}
	p.Source.Encoding = "UTF8"
	if got := p.Out(whole, 0); got != `COPY "public"."none" TO STDOUT` {
		t.Errorf("without columns: %s", got)
	}
	whole.Binary = true
	if got := p.In(whole, true); !strings.HasSuffix(got, "FROM STDIN WITH (FREEZE, FORMAT binary)") {
		t.Errorf("binary and frozen: %s", got)
	}
}

// Tables of extensions travel whole, alone, and before all others.
func TestTablesOfExtensionsComeFirst(t *testing.T) {
	const huge = 1 << 40
	p := planOf(15, Table{OID: 1, Name: "large", Heap: huge, Columns: []string{"a"}}, Table{OID: 2, Name: "small", Columns: []string{"a"}},
		Table{OID: 3, Schema: "ext", Name: "needed", Heap: 8192, Columns: []string{"id", "custom"}, Config: &Config{Extension: "x", Condition: "WHERE custom ORDER BY id"}},
		Table{OID: 4, Schema: "ext", Name: "all", Heap: huge, Columns: []string{"a"}, Config: &Config{Extension: "x"}})
	p.Cut(Sizing{Jobs: 4})
	var order []string
	for _, table := range p.Tables {
		order = append(order, table.Name)
		if table.Config != nil && (table.Split() || len(table.Pieces) != 1 || table.Batch != 0) {
			t.Errorf("%s is in batch %d and has pieces %+v", table.Name, table.Batch, table.Pieces)
		}
	}
	if got := strings.Join(order, " "); got != "needed all large small" {
		t.Errorf("in the order %s", got)
	}
	p.Source.Encoding = "UTF8"
	for i, want := range []string{
		`COPY (SELECT "id", "custom" FROM ONLY "ext"."needed" WHERE custom ORDER BY id) TO STDOUT`, `COPY (SELECT "a" FROM ONLY "ext"."all" ) TO STDOUT`,
	} {
		if got := p.Out(p.Tables[i], 0); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
