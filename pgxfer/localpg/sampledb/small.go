package sampledb

import (
	"context"
	"fmt"
	"strings"
)

// smallBatch is how many small tables one transaction makes; each needs several locks.
const smallBatch = 25

var smallKinds = []string{"shipping_rates", "labels", "limits", "tax_rules", "regions", "themes", "feature_flags"}

func smallName(n int) string { return fmt.Sprintf("%s_%03d", smallKinds[n%len(smallKinds)], n) }

// smallTables makes the many small tables that every old application has. Every eleventh is empty, and every
// seventh refers to the one before.
func (f *filler) smallTables(ctx context.Context) error {
	for lo := 1; lo <= f.options.SmallTables; lo += smallBatch {
		hi := min(lo+smallBatch-1, f.options.SmallTables)
		var sql strings.Builder
		for n := lo; n <= hi; n++ {
			f.smallTable(&sql, n)
		}
		if err := f.run(ctx, f.expand(sql.String())); err != nil {
			return err
		}
		f.progress(fmt.Sprintf("small tables %d–%d", lo, hi), int64(hi-lo+1)*smallTableBytes)
	}
	return nil
}

func (f *filler) smallTable(sql *strings.Builder, n int) {
	name := smallName(n)
	fmt.Fprintf(sql, `CREATE TABLE %s (id serial PRIMARY KEY, code varchar(12) NOT NULL, label text DEFAULT 'none',
		amount numeric(10, 2), active boolean NOT NULL DEFAULT true, changed_at timestamp(6));`, name)
	rows := 3 + n%20
	if n%11 == 0 {
		rows = 0
	}
	if rows > 0 {
		fmt.Fprintf(sql, `INSERT INTO %s (code, label, amount, active, changed_at)
			SELECT 'c' || i, 'Label ' || {0} %% 1000, ({1} %% 10000) / 100.0, i %% 4 <> 0, timestamp '2020-01-01' + ({2} %% 100000) * interval '1 minute'
			FROM generate_series(%d::bigint, %d) AS i;`, name, n*1000, n*1000+rows-1)
	}
	if n%7 == 0 {
		// NULL everywhere: the one before may be empty.
		fmt.Fprintf(sql, "ALTER TABLE %s ADD COLUMN parent_id integer REFERENCES %s;", name, smallName(n-1))
	}
}
