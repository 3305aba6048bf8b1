package sampledb_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
)

// dressed is a database as a customer of Heroku gets it.
func dressed(t *testing.T, cluster *localpg.Cluster) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, cluster)
	if err := sampledb.HerokuDress(t.Context(), pgtest.Connect(t, cluster.AdminConfig()), db.Name, db.Owner); err != nil {
		t.Fatal(err)
	}
	return db
}

func tool(t *testing.T, name string) string {
	t.Helper()
	list, err := localpg.Installations()
	if err != nil {
		t.Fatal(err)
	}
	path, _, err := localpg.ToolFor(list, name, pgtest.Majors(t)[0].Major)
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	return path
}

// output runs a program and returns what it printed, and whether it succeeded.
func output(t *testing.T, name string, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, name), args...).CombinedOutput()
	return string(out), err == nil
}

// A customer's plain dump of a dressed database fails, one without _heroku succeeds, and a plain restore of
// that into another dressed database fails on exactly what belongs to Heroku. With those entries left out it
// succeeds and brings everything: from a follower of the oldest major to a primary of the newest.
func TestDressedDatabaseNeedsFilters(t *testing.T) {
	majors := pgtest.Majors(t)
	primary := pgtest.Cluster(t, pgtest.Major(majors[len(majors)-1].Major))
	follower := pgtest.Follower(t, primary)
	source := dressed(t, primary)
	fill(t, source.Connect(t), sampledb.Options{Tiny: true})
	if err := follower.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	source = source.On(t, follower)
	conn := source.Connect(t)
	file := filepath.Join(t.TempDir(), "dump")

	out, ok := output(t, "pg_dump", "-Fc", "-f", file, source.URL)
	if ok || !strings.Contains(out, "permission denied for schema _heroku") {
		t.Errorf("plain pg_dump of a dressed database: %v\n%s", ok, out)
	}
	if out, ok := output(t, "pg_dump", "-Fc", "-N", "_heroku", "-f", file, source.URL); !ok {
		t.Fatalf("pg_dump without _heroku:\n%s", out)
	}

	// A server of its own: roles of the source do not exist there, as on Heroku.
	target := pgtest.Cluster(t)
	out, ok = output(t, "pg_restore", "--no-owner", "-d", dressed(t, target).URL, file)
	if ok {
		t.Error("plain pg_restore into a dressed database succeeded")
	}
	refused := regexp.MustCompile(`Command was: (CREATE SCHEMA \S+|COMMENT ON EXTENSION \S+|GRANT ALL ON \w+ [\w.]+|\w+ \w+ \w+)`).FindAllStringSubmatch(out, -1)
	var got []string
	for _, m := range refused {
		got = append(got, strings.TrimSuffix(m[1], ";"))
	}
	slices.Sort(got)
	want := []string{
		"COMMENT ON EXTENSION pg_stat_statements", "COMMENT ON EXTENSION plpgsql",
		"CREATE EVENT TRIGGER", "CREATE EVENT TRIGGER", "CREATE EVENT TRIGGER", "CREATE EVENT TRIGGER",
		"CREATE SCHEMA heroku_ext",
		"GRANT ALL ON FUNCTION heroku_ext.pg_stat_statements_reset", "GRANT ALL ON FUNCTION pg_catalog.pg_stat_reset", "GRANT ALL ON SCHEMA heroku_ext",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands refused (-want +got):\n%s\n%s", diff, out)
	}

	toc, ok := output(t, "pg_restore", "-l", file)
	if !ok {
		t.Fatal(toc)
	}
	list := filepath.Join(t.TempDir(), "list")
	foreign := regexp.MustCompile(`EVENT TRIGGER|EXTENSION (- )?(plpgsql|pg_stat_statements)|SCHEMA (- )?heroku_ext|ACL (heroku_ext|pg_catalog)|FUNCTION pg_catalog`)
	kept := slices.DeleteFunc(strings.SplitAfter(toc, "\n"), foreign.MatchString)
	writeFile(t, list, strings.Join(kept, ""))
	restored := dressed(t, target)
	if out, ok := output(t, "pg_restore", "--no-owner", "-L", list, "-d", restored.URL, file); !ok {
		t.Fatalf("pg_restore with filters:\n%s", out)
	}
	if diff := cmp.Diff(contents(t, conn), contents(t, restored.Connect(t))); diff != "" {
		t.Errorf("contents differ after dump and restore (-source +target):\n%s", diff)
	}
}

// Heroku's triggers see what the customer does with extensions, though the customer cannot look at them.
func TestEventTriggersLogExtensions(t *testing.T) {
	cluster := pgtest.Shared(t)
	db := dressed(t, cluster)
	conn := db.Connect(t)
	if _, err := conn.Exec(t.Context(), "SELECT * FROM _heroku.extension_log"); err == nil {
		t.Error("the owner of the database can read _heroku")
	}
	fill(t, conn, sampledb.Options{Tiny: true})
	var extensions int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_extension WHERE extowner = current_user::regrole").Scan(&extensions); err != nil {
		t.Fatal(err)
	}
	var logged int
	admin := pgtest.Connect(t, db.AdminConfig(cluster))
	if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM _heroku.extension_log WHERE command = 'CREATE EXTENSION'").Scan(&logged); err != nil {
		t.Fatal(err)
	}
	// pg_stat_statements was made after the triggers too.
	if logged < extensions || extensions > 0 && logged == 0 {
		t.Errorf("%d extensions of the owner, %d creations logged", extensions, logged)
	}
}
