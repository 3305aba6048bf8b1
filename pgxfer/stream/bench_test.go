package stream_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/pgxfer/stream"
)

// BenchmarkEngines moves the same data with each engine in turn, so that whatever else the machine does hits all alike. It reports the
// median of each in seconds. CHANGEOVER_BENCH_MB is the size of the database, 500 by default; b.N does not matter, run it with -benchtime=1x.
func BenchmarkEngines(b *testing.B) {
	size, err := strconv.Atoi(cmp.Or(os.Getenv("CHANGEOVER_BENCH_MB"), "500"))
	if err != nil {
		b.Fatal(err)
	}
	rounds, err := strconv.Atoi(cmp.Or(os.Getenv("CHANGEOVER_BENCH_ROUNDS"), "3"))
	if err != nil {
		b.Fatal(err)
	}
	settings := pgtest.Settings(map[string]string{"shared_buffers": "512MB", "max_wal_size": "4GB", "fsync": "on"})
	from := pgtest.Cluster(b, settings)
	to := pgtest.Cluster(b, settings)
	source := pgtest.Database(b, from)
	if _, err := sampledb.Fill(b.Context(), source.Connect(b), sampledb.Options{Bytes: int64(size) << 20}); err != nil {
		b.Fatal(err)
	}
	sourceEnd, err := pgxfer.ParseEndpoint("old-primary", source.URL)
	if err != nil {
		b.Fatal(err)
	}
	e := stream.Engine{}
	dumpAndRestore := func(t pgxfer.Transfer, compress string) func(*testing.B, pgxfer.Endpoint) {
		return func(b *testing.B, target pgxfer.Endpoint) {
			dir := filepath.Join(b.TempDir(), "archive")
			dump := func(ctx context.Context) error {
				_, err := t.Dump(ctx, pgxfer.DumpOptions{Source: sourceEnd, Dir: dir, Jobs: 2, Tag: "bench", Compress: compress}, nil)
				return err
			}
			restore := func(ctx context.Context) error {
				_, err := t.Restore(ctx, pgxfer.RestoreOptions{Target: target, Dir: dir, Jobs: 2, Tag: "bench"}, nil)
				return err
			}
			if !t.Pipelined() {
				if err := dump(b.Context()); err != nil {
					b.Fatal(err)
				}
				if err := restore(b.Context()); err != nil {
					b.Fatal(err)
				}
				return
			}
			group, ctx := errgroup.WithContext(b.Context())
			group.Go(func() error { return dump(ctx) })
			group.Go(func() error { return restore(ctx) })
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
		}
	}
	ways := []struct {
		name string
		do   func(*testing.B, pgxfer.Endpoint)
	}{
		{"classic-gzip", dumpAndRestore(classic.Engine{}, "gzip")},
		{"classic-none", dumpAndRestore(classic.Engine{}, "none")},
		{"stream-pipelined-none", dumpAndRestore(e, "none")},
		{"stream-pipelined-zstd", dumpAndRestore(e, "zstd")},
		{"stream-copy", func(b *testing.B, target pgxfer.Endpoint) {
			if _, err := e.Copy(b.Context(), stream.CopyOptions{Source: sourceEnd, Target: target, Jobs: 2, Tag: "bench"}, nil); err != nil {
				b.Fatal(err)
			}
		}},
	}
	took := make([][]time.Duration, len(ways))
	b.ResetTimer()
	for range rounds {
		for i, way := range ways {
			b.Run(way.name, func(b *testing.B) {
				target := pgtest.Database(b, to)
				end, err := pgxfer.ParseEndpoint("fast-primary", target.URL)
				if err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				way.do(b, end)
				took[i] = append(took[i], time.Since(began))
			})
		}
	}
	for i, way := range ways {
		if len(took[i]) == 0 {
			continue // not asked for
		}
		slices.Sort(took[i])
		b.Logf("%-22s median %6.2f s  (%.2f–%.2f)", way.name, took[i][len(took[i])/2].Seconds(), took[i][0].Seconds(), took[i][len(took[i])-1].Seconds())
	}
}
