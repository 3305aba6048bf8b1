package classic_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/verify"
)

func roundTrip(t *testing.T, w *world) {
	target := w.target(t)
	obs := &recorder{}
	restored, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "round"), obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if restored.Rows != w.dumped.Rows || restored.Bytes != w.dumped.Bytes || restored.Tables != w.dumped.Tables {
		t.Errorf("dumped %+v, restored %+v", w.dumped, restored)
	}
	verified, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "round",
	}, obs)
	if err != nil {
		t.Fatal(err)
	}
	// The publication is not a definition that is compared; the unlogged table has no rows on a follower.
	if diff := cmp.Diff([]pgxfer.Difference{}, verified.Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if verified.Rows != w.dumped.Rows || verified.Tables != w.dumped.Tables || verified.Sequences == 0 || verified.LargeObjects == 0 {
		t.Errorf("dumped %+v, verified %+v", w.dumped, verified)
	}
	var refreshed bool
	if err := target.Connect(t).QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM reporting.yearly_revenue)`).Scan(&refreshed); err != nil || !refreshed {
		t.Errorf("the materialized view on another was not filled: %v", err)
	}
	var analyzed, unanalyzed, indexes int
	err = target.Connect(t).QueryRow(t.Context(), `SELECT
		(SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = 'big'),
		(SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND reltuples < 0),
		(SELECT count(*) FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema', '_heroku'))`).Scan(&analyzed, &unanalyzed, &indexes)
	if err != nil {
		t.Fatal(err)
	}
	if analyzed != 2 || unanalyzed != 0 {
		t.Errorf("%d columns of big have statistics, and %d tables were never analyzed", analyzed, unanalyzed)
	}
	if restored.Indexes < indexes { // pg_indexes leaves out those of partitioned tables on old majors
		t.Errorf("%d indexes reported, the server has %d", restored.Indexes, indexes)
	}
	reportsSkipped(t, w, restored)
	if left, _ := filepath.Glob(filepath.Join(w.archive, "view-*")); len(left) > 0 {
		t.Errorf("left in the archive: %v", left)
	}
	nothingLeft(t, w.archive, "round", target, w.onFollower(t))
}

// reportsSkipped wants every kind that a customer of Heroku cannot restore to be named, with a reason.
func reportsSkipped(t *testing.T, w *world, restored pgxfer.RestoreResult) {
	t.Helper()
	var got []string
	for _, s := range append(w.dumped.Skipped, restored.Skipped...) {
		got = append(got, s.Kind+" "+s.Name)
		if s.Reason == "" {
			t.Errorf("%s %s was skipped without a reason", s.Kind, s.Name)
		}
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		"SCHEMA _heroku", "TABLE DATA public.scratch", "EVENT TRIGGER validate_extension", "EXTENSION plpgsql", "COMMENT EXTENSION plpgsql",
		"PUBLICATION everybody", "PUBLICATION TABLE", "ACL ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not reported as skipped in\n%s", want, all)
		}
	}
}

func compressions(t *testing.T, w *world) {
	tools, err := pgtools.Find(w.leader.Installation().Major, w.other.Installation().Major)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, suffix string
		jobs, from   int
	}{{"none", ".dat", 1, 0}, {"gzip", ".dat.gz", 2, 0}, {"lz4", ".dat.lz4", 2, 16}, {"zstd", ".dat.zst", 1, 16}} {
		t.Run(c.name, func(t *testing.T) {
			if tools.Major < c.from {
				t.Skipf("NOT TESTED: pg_dump %d has no %s", tools.Major, c.name)
			}
			options := w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), "compress")
			options.Compress, options.Jobs = c.name, c.jobs
			got, err := fast.Dump(t.Context(), options, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Rows != w.dumped.Rows || got.Bytes != w.dumped.Bytes {
				t.Errorf("%d rows and %d bytes, uncompressed %d and %d", got.Rows, got.Bytes, w.dumped.Rows, w.dumped.Bytes)
			}
			m, _, err := archive.ReadManifest(options.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(m.Tables[0].File, c.suffix) {
				t.Errorf("the first file is %s", m.Tables[0].File)
			}
			size := int64(0)
			for _, f := range m.Files {
				info, err := os.Stat(filepath.Join(options.Dir, f.Path))
				if err != nil {
					t.Fatal(err)
				}
				size += info.Size()
			}
			if got.ArchiveBytes != size {
				t.Errorf("%d bytes reported, %d on disk", got.ArchiveBytes, size)
			}
		})
	}
}
