package stream_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/verify"
)

// Servers that cannot read a range of pages are read by ranges of the key, unless each would read most of the table.
func TestRangesOfKeys(t *testing.T) {
	var old *localpg.Installation
	for _, i := range pgtest.EveryMajor(t) {
		if i.Major < plan.RangeScans {
			old = &i
			break
		}
	}
	if old == nil {
		t.Skipf("NOT TESTED: no server before %d is installed: name its directory in %s", plan.RangeScans, pgtest.EnvMajors)
	}
	server := pgtest.Shared(t, old.Major)
	source, target := pgtest.Database(t, server), pgtest.Database(t, pgtest.Shared(t))
	const rows = 12_000
	tables := map[string]struct {
		key, value string
		split      bool
	}{
		"numbers":   {"bigint", "n - 5000", true},
		"times":     {"timestamptz", "'2020-01-01 00:00:00.123456+00'::timestamptz + n * interval '1 minute'", true},
		"ordered":   {"uuid", "(lpad(to_hex(n), 32, '0'))::uuid", true},
		"scattered": {"uuid", "md5(n::text)::uuid", false},
		"named":     {"text", "lpad(n::text, 10, '0')", false}, // its order is not the same everywhere
		"skewed":    {"int", "CASE WHEN n < 11000 THEN n ELSE n * 100000 END", true},
	}
	for name, c := range tables {
		statements(t, source, fmt.Sprintf(`CREATE TABLE %s ("the key" %s PRIMARY KEY, filler text)`, name, c.key),
			fmt.Sprintf(`INSERT INTO %s SELECT %s, repeat(md5(n::text), 4) FROM generate_series(1, %d) n ORDER BY n`, name, c.value, rows))
	}
	statements(t, source, `CREATE TABLE pairs (tenant int, id int, filler text, PRIMARY KEY (tenant, id))`,
		fmt.Sprintf(`INSERT INTO pairs SELECT 7, n, repeat(md5(n::text), 4) FROM generate_series(1, %d) n`, rows),
		`CREATE TABLE keyless (id int, filler text)`, fmt.Sprintf(`INSERT INTO keyless SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, %d) n`, rows))
	e := fast
	e.Sizing.Ceiling = 1 << 20 // all of them
	from, to := endpoint(t, "old-primary", source.URL), endpoint(t, "fast-primary", target.URL)
	dir := filepath.Join(t.TempDir(), "archive")
	dumped, err := e.Dump(t.Context(), pgxfer.DumpOptions{Source: from, Dir: dir, Jobs: 2, Tag: "keys", TargetMajor: pgtest.Majors(t)[0].Major}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(rows * (len(tables) + 2)); dumped.Rows != want {
		t.Errorf("%d rows, want %d", dumped.Rows, want)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	for _, table := range p.Tables {
		want := tables[table.Name].split || table.Name == "pairs"
		if table.Split() != want || want != (table.Key != nil) {
			t.Errorf("table %s: %d pieces, key %+v", table.Name, len(table.Pieces), table.Key)
		}
	}
	if _, err := e.Restore(t.Context(), pgxfer.RestoreOptions{Target: to, Dir: dir, Jobs: 2, Tag: "keys"}, nil); err != nil {
		t.Fatal(err)
	}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: from, Target: to, Jobs: 2, Tag: "compare"}, nil)
	if err != nil || len(v.Differences) > 0 {
		t.Errorf("%v: %+v", err, v.Differences)
	}
}
