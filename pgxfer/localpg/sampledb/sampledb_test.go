package sampledb_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func fill(t *testing.T, conn *pgx.Conn, options sampledb.Options) sampledb.Summary {
	t.Helper()
	s, err := sampledb.Fill(t.Context(), conn, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMeasureBytesPerRow prints what plan.go needs. It measures, it tests nothing: set
// SAMPLEDB_MEASURE to a number of megabytes to run it.
func TestMeasureBytesPerRow(t *testing.T) {
	mb, err := strconv.Atoi(os.Getenv("SAMPLEDB_MEASURE"))
	if err != nil {
		t.Skip("SAMPLEDB_MEASURE is not set")
	}
	for _, inst := range pgtest.Majors(t) {
		durable := pgtest.Settings(map[string]string{"fsync": "on"}) // as in a rehearsal
		conn := pgtest.Database(t, pgtest.Cluster(t, pgtest.Major(inst.Major), durable)).Connect(t)
		start := time.Now()
		s := fill(t, conn, sampledb.Options{
			Bytes:    int64(mb) << 20,
			Progress: func(done string, _, _ int64) { t.Log(time.Since(start).Round(time.Millisecond), done) },
		})
		t.Logf("%s: %+v, %.3f of wanted", inst, s, float64(s.Bytes)/float64(mb<<20))
		rows, err := conn.Query(context.Background(), `SELECT coalesce(root, c.oid)::regclass::text, sum(pg_total_relation_size(c.oid)) AS bytes, sum(reltuples)::bigint AS n
			FROM pg_class c LEFT JOIN LATERAL (SELECT pg_partition_root(c.oid)) AS r(root) ON relispartition
			WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 2 DESC LIMIT 14`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name string
			var bytes, n int64
			if err := rows.Scan(&name, &bytes, &n); err != nil {
				t.Fatal(err)
			}
			t.Logf("%-30s %12d bytes %10d rows %8.1f per row, %.2f of all", name, bytes, n, float64(bytes)/float64(max(n, 1)), float64(bytes)/float64(s.Bytes))
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
