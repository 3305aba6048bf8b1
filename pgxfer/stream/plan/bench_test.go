package plan_test

import (
	"fmt"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream/plan"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// BenchmarkManyTables is the time to plan 5,000 tables with two indexes each, which is to stay under 5 s.
func BenchmarkManyTables(b *testing.B) {
	db := pgtest.Database(b, pgtest.Shared(b))
	for from := 1; from <= 5000; from += 500 { // every table takes locks until its transaction ends
		pgtest.Exec(b, db.Config(b), fmt.Sprintf(`DO $$ BEGIN FOR i IN %d .. %d LOOP
			EXECUTE format('CREATE TABLE many_%%s (id int PRIMARY KEY, v text)', i);
			EXECUTE format('CREATE INDEX ON many_%%s (v)', i);
		END LOOP; END $$`, from, from+499))
	}
	conn := db.Connect(b)
	for b.Loop() {
		p, err := plan.Survey(b.Context(), conn)
		if err != nil {
			b.Fatal(err)
		}
		p.Cut(plan.Sizing{Jobs: 8})
		if len(p.Tables) != 5000 || len(p.Indexes) != 10000 {
			b.Fatalf("%d tables, %d indexes", len(p.Tables), len(p.Indexes))
		}
		if _, _, err := p.Pack(); err != nil {
			b.Fatal(err)
		}
	}
}
