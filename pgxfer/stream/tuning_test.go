package stream_test

import (
	"strings"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
)

// A GIN that stays in the server's cache is built with little memory, which is quicker up to 17; other indexes with what the server gives.
func TestGINsAreBuiltWithLittleMemory(t *testing.T) {
	with := func(memory string) pgtest.DB {
		return pgtest.Database(t, pgtest.Cluster(t, pgtest.Major(15), pgtest.Settings(map[string]string{"maintenance_work_mem": memory, "autovacuum": "off"})))
	}
	for _, c := range []struct{ name, method, of, refused string }{
		{"a GIN", "gin", "ARRAY[memory_of(n)]", ""},
		{"a B-tree", "btree", "memory_of(n)", "built with 64MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, target := with("32MB"), with("64MB")
			statements(t, source, `CREATE TABLE numbers (n int)`, `INSERT INTO numbers SELECT generate_series(1, 20000)`,
				`CREATE FUNCTION public.memory_of(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
					IF current_setting('maintenance_work_mem') <> '32MB' AND current_query() ~ 'CREATE INDEX' THEN RAISE 'built with %', current_setting('maintenance_work_mem'); END IF; RETURN n; END $$`,
				`CREATE INDEX ON numbers USING `+c.method+` ((`+strings.ReplaceAll(c.of, "memory_of", "public.memory_of")+`))`)
			_, err := copySmall(t, fast, source, target, nil)
			if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("got %v, want an error with %q", err, c.refused)
			}
		})
	}
}
