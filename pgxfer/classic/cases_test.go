package classic_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/cases"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/verify"
)

// Whatever is nasty arrives by way of pg_dump and pg_restore, too.
func TestCases(t *testing.T) {
	majors := pgtest.Majors(t)
	from, to := pgtest.Shared(t, majors[len(majors)-1].Major), pgtest.Shared(t)
	list := cases.For(from.Installation().Major, to.Installation().Major)
	source, target := dressed(t, from), dressed(t, to)
	cases.Fill(t, from, source, list)
	cases.Prepare(t, to, target, list)
	ends := pgxfer.VerifyOptions{Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "cases"}
	dir := filepath.Join(t.TempDir(), "archive")
	dumped, err := fast.Dump(t.Context(), pgxfer.DumpOptions{
		Source: ends.Source, Dir: dir, Jobs: 2, Compress: "none", Tag: "cases", TargetMajor: to.Installation().Major,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fast.Restore(t.Context(), pgxfer.RestoreOptions{Target: ends.Target, Dir: dir, Manifest: dumped.Manifest, Jobs: 2, Tag: "cases"}, nil); err != nil {
		t.Fatal(err)
	}
	v, err := verify.Verify(t.Context(), ends, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pgxfer.Difference{}, v.Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	cases.Check(t, source, target, list)
}

// A role that sees only some of the rows must not dump only some of the rows.
func TestRowSecurityIsAnError(t *testing.T) {
	source := pgtest.Database(t, pgtest.Shared(t))
	pgtest.Exec(t, source.Config(t), `CREATE TABLE secrets (id int)`, `INSERT INTO secrets SELECT generate_series(1, 10)`,
		`ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, `CREATE POLICY half ON secrets USING (id > 5)`)
	_, err := fast.Dump(t.Context(), pgxfer.DumpOptions{
		Source: endpoint(t, "old-primary", source.URL), Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 1, Compress: "none", Tag: "rls",
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "row-level security") || !strings.Contains(err.Error(), "secrets") {
		t.Errorf("got %v", err)
	}
}
