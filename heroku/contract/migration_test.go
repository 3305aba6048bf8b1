package contract

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"changeover/heroku/sim"
	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/verify"
)

// seed makes the sample data of two simulators the same.
const seed = 2016

// shopSide is a simulator whose app shop writes to a real PostgreSQL of the oldest major there is.
func shopSide(t *testing.T) (x *side, majors []localpg.Installation) {
	t.Helper()
	majors = pgtest.Majors(t)
	base, err := os.MkdirTemp("", "contract") //nolint:usetesting // only root may enter the parent of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil { //nolint:gosec // the servers' user must be able to enter
		t.Fatal(err)
	}
	x = newSide(t, func(o *sim.Options) {
		o.Paper, o.Base, o.NoFsync, o.Seed, o.Size = false, base, true, seed, 1<<20
		o.Installations, o.OldPrimary = majors, majors[len(majors)-1]
		o.Writers.Every, o.SampleEvery = 50*time.Millisecond, 200*time.Millisecond
	})
	return x, majors
}

// operator is somebody who does the twelve steps by hand: the CLI, and PostgreSQL's own tools.
type operator struct {
	*shell
	*side
	bin string // of the newest tools
}

// sql asks a database by pg:psql and returns the first value of the first row, empty when there is none.
func (o *operator) sql(database, query string) string {
	o.shell.t.Helper()
	out := o.run("pg:psql", database, "-a", "shop", "-c", query)
	_, below, _ := strings.Cut(out, "\n---")
	_, below, _ = strings.Cut(below, "\n")
	value, _, _ := strings.Cut(below, "\n")
	return strings.TrimSpace(value)
}

// shows polls a command until it prints what matches.
func (o *operator) shows(pattern string, args ...string) {
	o.shell.t.Helper()
	wanted := regexp.MustCompile(pattern)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		out := o.run(args...)
		if wanted.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			o.shell.t.Fatalf("heroku %s never showed %s:\n%s", strings.Join(args, " "), pattern, out)
		}
	}
}

// tool runs one of PostgreSQL's programs against the database behind a config var, whose password stays out of argv.
func (o *operator) tool(configVar, name string, args ...string) string {
	o.shell.t.Helper()
	at, err := url.Parse(strings.TrimSpace(lastLine(o.run("config:get", configVar, "-a", "shop"))))
	if err != nil || at.User == nil {
		o.shell.t.Fatalf("%s is no database URL", configVar)
	}
	password, _ := at.User.Password()
	cmd := exec.CommandContext(o.shell.t.Context(), filepath.Join(o.bin, name), args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + o.home, "LC_ALL=C.UTF-8", "PGHOST=" + at.Hostname(), "PGPORT=" + at.Port(),
		"PGUSER=" + at.User.Username(), "PGPASSWORD=" + password, "PGDATABASE=" + strings.TrimPrefix(at.Path, "/"),
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		o.shell.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// freeze is step 3 and the beginning of step 9: nobody writes, and the follower has everything.
func (o *operator) freeze(follower string) {
	o.shell.t.Helper()
	o.run("maintenance:on", "-a", "shop")
	o.run("ps:scale", "web=0", "worker=0", "-a", "shop")
	o.shows(`^\[\]\s*$|No dynos`, "ps", "-a", "shop", "--json")
	o.run("pg:killall", "DATABASE", "-a", "shop")
	at := o.sql("DATABASE", "select pg_current_wal_lsn()")
	o.shows(`(?m)^\s*t\s*$`, "pg:psql", follower, "-a", "shop", "-c", "select pg_last_wal_replay_lsn() >= '"+at+"'")
}

// thaw lets the app run again as it did.
func (o *operator) thaw() {
	o.shell.t.Helper()
	o.run("ps:scale", "web=2:Standard-2X", "worker=2:Standard-1X", "-a", "shop")
	o.run("maintenance:off", "-a", "shop")
	o.run("ps:wait", "-a", "shop")
}

// unwanted are the entries of a dump that an owner without superuser rights cannot restore on Heroku.
var unwanted = regexp.MustCompile(` (EVENT TRIGGER|COMMENT - EXTENSION|ACL|SCHEMA - heroku_ext) `)

// dumpAndRestore are steps 4 and 6, by pg_dump and pg_restore.
func (o *operator) dumpAndRestore(from, to string) {
	o.shell.t.Helper()
	dir := filepath.Join(o.home, "dump")
	o.tool(from, "pg_dump", "--format=directory", "--jobs=2", "--exclude-schema=_heroku", "--no-owner", "--no-acl", "--file="+dir)
	var list []string
	for line := range strings.SplitSeq(o.tool(to, "pg_restore", "--list", dir), "\n") {
		if !unwanted.MatchString(line) {
			list = append(list, line)
		}
	}
	toc := filepath.Join(o.home, "toc")
	if err := os.WriteFile(toc, []byte(strings.Join(list, "\n")), 0o600); err != nil {
		o.shell.t.Fatal(err)
	}
	o.tool(to, "pg_restore", "--jobs=2", "--exit-on-error", "--no-owner", "--no-acl", "--use-list="+toc, "--dbname="+databaseOf(o.run("config:get", to, "-a", "shop")), dir)
	o.sql(strings.TrimSuffix(to, "_URL"), "analyze")
}

func databaseOf(text string) string {
	at, err := url.Parse(strings.TrimSpace(lastLine(text)))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(at.Path, "/")
}

// same compares two databases by everything that verification compares.
func (o *operator) same(source, target string) {
	t := o.shell.t
	t.Helper()
	endpoint := func(addon string) pgxfer.Endpoint {
		db, err := o.client.Database(t.Context(), o.id(addon))
		if err != nil {
			t.Fatal(err)
		}
		e, err := pgxfer.ParseEndpoint(addon, db.ResourceURL.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	got, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{Source: endpoint(source), Target: endpoint(target), Jobs: 1, Tag: "contract"}, silent{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Differences) > 0 || got.Rows == 0 {
		t.Errorf("%s and %s hold not the same: %+v", source, target, got)
	}
}

// silent hears nothing.
type silent struct{}

func (silent) Progress(pgxfer.Progress) {}
func (silent) Event(pgxfer.Event)       {}

// byHand does the twelve steps with the commands of the article.
func byHand(t *testing.T, x *side, majors []localpg.Installation) {
	t.Helper()
	o := &operator{shell: newShell(t, x.Server), side: x, bin: majors[0].BinDir}
	o.env = append(slices.DeleteFunc(o.env, func(v string) bool { return strings.HasPrefix(v, "PATH=") }), "PATH="+o.bin+":"+os.Getenv("PATH"))
	create := func(plan, as, name string, options ...string) {
		t.Helper()
		o.run(append([]string{"addons:create", "heroku-postgresql:" + plan, "--as", as, "--name", name, "-a", "shop", "--"}, options...)...)
		o.run("pg:wait", as, "-a", "shop", "--wait-interval", "1")
	}
	create("standard-7", "FAST_FOLLOWER", "shop-fast-follower", "--follow", "DATABASE_URL")
	o.freeze("FAST_FOLLOWER")
	create("standard-7", "FAST_PRIMARY", "shop-fast-primary", "--version", majorOf(majors[0]))
	o.dumpAndRestore("FAST_FOLLOWER_URL", "FAST_PRIMARY_URL")
	// The dump came from the follower, whose sequences stand where the WAL has them: a little ahead.
	o.same("shop-fast-follower", "shop-fast-primary")
	o.run("pg:promote", "FAST_PRIMARY", "-a", "shop")
	create("standard-4", "FINAL_PRIMARY", "shop-final-primary", "--follow", "FAST_PRIMARY_URL")
	o.thaw()

	o.freeze("FINAL_PRIMARY")
	o.shows(`Behind By:\s+0 commits`, "pg:info", "FINAL_PRIMARY", "-a", "shop")
	o.run("pg:unfollow", "FINAL_PRIMARY", "-a", "shop", "--confirm", "shop")
	o.run("pg:wait", "FINAL_PRIMARY", "-a", "shop", "--wait-interval", "1")
	o.shows(`(?m)^\s*f\s*$`, "pg:psql", "FINAL_PRIMARY", "-a", "shop", "-c", "select pg_is_in_recovery()")
	o.run("pg:promote", "FINAL_PRIMARY", "-a", "shop")
	o.thaw()
	o.run("addons:destroy", "shop-fast-follower", "-a", "shop", "--confirm", "shop")
	o.run("addons:destroy", "shop-fast-primary", "-a", "shop", "--confirm", "shop")
	create("standard-4", "FINAL_FOLLOWER", "shop-final-follower", "--follow", "FINAL_PRIMARY_URL")
}

func majorOf(i localpg.Installation) string {
	version, _, _ := strings.Cut(i.Version, ".")
	return version
}
