package sim

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer/localpg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// newPostgresBench starts a simulator on real PostgreSQL and, when the test is over, checks that nothing
// of it is left.
func newPostgresBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	majors := pgtest.Majors(t)
	base, err := os.MkdirTemp("", "sim") //nolint:usetesting // only root may enter the parent of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil { //nolint:gosec // the servers' user must be able to enter
		t.Fatal(err)
	}
	opts := Options{
		Base: base, Installations: majors, OldPrimary: majors[len(majors)-1], Size: -1, NoFsync: true,
		SampleEvery: 50 * time.Millisecond, Writers: Writers{Every: 10 * time.Millisecond}, Log: t.Logf,
	}
	if change != nil {
		change(&opts)
	}
	b := startBench(t, opts)
	var pids []int
	t.Cleanup(func() { // runs before the Close of startBench
		for _, d := range b.Status().Addons {
			if d.PID > 0 {
				pids = append(pids, d.PID)
			}
		}
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(base, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		for _, pid := range pids {
			if exe, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe")); err == nil && strings.Contains(exe, "postgres") {
				t.Errorf("server process %d is left", pid)
			}
		}
	})
	return b
}

// connect opens a session with a URL as a customer has it.
func (b *bench) connect(url string) *pgx.Conn {
	b.t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		b.t.Fatal(err)
	}
	return pgtest.Connect(b.t, config)
}

func scan[T any](b *bench, conn *pgx.Conn, sql string, args ...any) T {
	b.t.Helper()
	var v T
	if err := conn.QueryRow(b.t.Context(), sql, args...).Scan(&v); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// url is the connection string in database info.
func (b *bench) url(db string) string {
	b.t.Helper()
	return b.info(db).str("resource_url")
}

// awaitWrites waits until every writer named has n more acknowledged rows.
func (b *bench) awaitWrites(n int64, writers ...string) {
	b.t.Helper()
	before := b.Acknowledged()
	b.await("writers write", func() bool {
		now := b.Acknowledged()
		for _, w := range writers {
			if now[w] < before[w]+n {
				return false
			}
		}
		return true
	})
}

var allWriters = []string{"web.1", "web.2", "worker.1", "worker.2"}

// freeze puts the app into maintenance and its dynos to rest.
func (b *bench) freeze() {
	b.t.Helper()
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": true}).is(http.StatusOK)
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "web", "quantity": 0}, {"type": "worker", "quantity": 0}}}).is(http.StatusOK)
	b.await("dynos are gone", func() bool { return len(b.dynoNames()) == 0 })
}

// thaw brings the dynos back.
func (b *bench) thaw() {
	b.t.Helper()
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "web", "quantity": 2}, {"type": "worker", "quantity": 2}}}).is(http.StatusOK)
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": false}).is(http.StatusOK)
}

// catchUp waits until follower has replayed what leader wrote, asked as owner of both.
func (b *bench) catchUp(leader, follower string) {
	b.t.Helper()
	position := scan[string](b, b.connect(b.url(leader)), "SELECT pg_current_wal_lsn()::text")
	conn := b.connect(b.url(follower))
	b.await(follower+" catches up", func() bool {
		return scan[bool](b, conn, "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::pg_lsn", position)
	})
	b.await("Behind By is 0", func() bool { return b.info(follower).row("Behind By") == "0 commits" })
}

// promote makes db the app's DATABASE as the official CLI does.
func (b *bench) promote(db string) {
	b.t.Helper()
	b.call(http.MethodPost, "/addon-attachments", object{"addon": object{"name": db}, "app": object{"name": "shop"}, "confirm": "shop", "name": "DATABASE", "namespace": nil}).is(http.StatusCreated)
}

// proveWrites checks that conn's database holds every acknowledged row of every writer, without a gap.
func (b *bench) proveWrites(conn *pgx.Conn) {
	b.t.Helper()
	for name, w := range b.Status().Writers {
		if w.Lost != 0 {
			b.t.Errorf("%s lost %d acknowledged rows", name, w.Lost)
		}
		highest := scan[int64](b, conn, "SELECT coalesce(max(n), 0) FROM app_writes WHERE writer = $1", name)
		count := scan[int64](b, conn, "SELECT count(*) FROM app_writes WHERE writer = $1", name)
		if highest != count {
			b.t.Errorf("%s wrote up to %d but has %d rows: there is a gap", name, highest, count)
		}
		if highest < w.Acknowledged || highest > max(w.Acknowledged, w.Pending) {
			b.t.Errorf("%s: highest row %d, acknowledged %d, pending %d", name, highest, w.Acknowledged, w.Pending)
		}
	}
}

// copyWrites brings the writers' rows over, as a transfer would.
func (b *bench) copyWrites(from, to *pgx.Conn) {
	b.t.Helper()
	ctx := b.t.Context()
	rows, err := from.Query(ctx, "SELECT writer, n, written_at, payload FROM app_writes")
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := to.Exec(ctx, writesTable); err != nil {
		b.t.Fatal(err)
	}
	if _, err := to.CopyFrom(ctx, pgx.Identifier{"app_writes"}, []string{"writer", "n", "written_at", "payload"}, pgx.CopyFromRows(all)); err != nil {
		b.t.Fatal(err)
	}
}

// The calls of the twelve steps, in their order, against real servers and with writing dynos: no
// acknowledged row may be missing from the database that the app ends with.
func TestTwelveSteps(t *testing.T) {
	b := newPostgresBench(t, func(o *Options) {
		o.Delays = Delays{Provision: 50 * time.Millisecond, ForkFollowUnavailable: 200 * time.Millisecond, DynoStop: 100 * time.Millisecond}
	})
	old := b.oldPrimary()
	b.awaitWrites(10, allWriters...)

	// 1
	b.create(object{"plan": planBody("standard-5"), "name": "fast-follower", "attachment": object{"name": "FAST_FOLLOWER"}, "config": object{"follow": old}})
	if got := b.info("fast-follower").str("leader.name"); got != old {
		t.Fatalf("leader %q, want %q", got, old)
	}
	oldURL, followerURL := b.url(old), b.url("fast-follower")
	if portless(oldURL) != portless(followerURL) || oldURL == followerURL {
		t.Error("a follower must have its leader's user, password and database and a port of its own")
	}
	// 3
	b.freeze()
	before := scan[int64](b, b.connect(oldURL), "SELECT count(*) FROM app_writes")
	b.catchUp(old, "fast-follower")
	follower := b.connect(followerURL)
	if got := scan[int64](b, follower, "SELECT count(*) FROM app_writes"); got != before {
		t.Fatalf("the follower that caught up has %d rows, the leader %d", got, before)
	}
	// 5 and 6
	b.create(object{"plan": planBody("standard-5"), "name": "fast-primary", "attachment": object{"name": "FAST_PRIMARY"}})
	b.copyWrites(follower, b.connect(b.url("fast-primary")))
	// 7
	b.promote("fast-primary")
	if b.configVar("DATABASE_URL") != b.url("fast-primary") {
		t.Fatal("DATABASE_URL is not fast-primary's")
	}
	b.await("fast-primary can be followed", func() bool { return b.info("fast-primary").row("Fork/Follow") == "Available" })
	b.create(object{"plan": planBody("standard-4"), "name": "final-primary", "attachment": object{"name": "FINAL"}, "config": object{"follow": "fast-primary"}})
	// 8
	b.thaw()
	b.awaitWrites(10, allWriters...)
	// 9
	b.freeze()
	b.catchUp("fast-primary", "final-primary")
	b.call(http.MethodPut, "/client/v11/databases/final-primary/unfollow", nil).is(http.StatusOK)
	b.await("unfollowed", func() bool { return b.info("final-primary").str("following") == "null" })
	if scan[bool](b, b.connect(b.url("final-primary")), "SELECT pg_is_in_recovery()") {
		t.Error("final-primary does not follow but is in recovery")
	}
	b.promote("final-primary")
	b.thaw()
	b.awaitWrites(10, allWriters...)
	// 10
	for _, name := range []string{"fast-follower", "fast-primary"} {
		b.call(http.MethodDelete, "/apps/shop/addons/"+name, object{"force": false}).is(http.StatusAccepted)
	}
	b.await("temporary databases are gone", func() bool { return len(b.get("/addons").list()) == 2 })
	// 11
	b.await("final-primary can be followed", func() bool { return b.info("final-primary").row("Fork/Follow") == "Available" })
	b.create(object{"plan": planBody("standard-4"), "name": "final-follower", "config": object{"follow": "final-primary"}})
	b.freeze()
	b.catchUp("final-primary", "final-follower")
	b.proveWrites(b.connect(b.url("final-primary")))
	b.proveWrites(b.connect(b.url("final-follower")))
	if st := b.Status(); len(st.Problems) > 0 {
		t.Errorf("problems: %v", st.Problems)
	}
}

// portless is a URL without what differs between a leader and its follower.
func portless(url string) string {
	head, tail, _ := strings.Cut(url, "@localhost:")
	_, name, _ := strings.Cut(tail, "/")
	return head + "/" + name
}

// A database is what a Heroku customer gets, and what is done to it by the API is done to the server.
func TestServersObeyTheAPI(t *testing.T) {
	b := newPostgresBench(t, func(o *Options) { o.Size = 0 })
	old := b.oldPrimary()
	b.awaitWrites(5, allWriters...)
	b.Run("the owner is no superuser", func(b *bench) { b.ownerIsOrdinary(old) })
	b.Run("the shop is written to", func(b *bench) {
		conn := b.connect(b.url(old))
		if scan[int64](b, conn, "SELECT count(*) FROM orders WHERE note LIKE 'by web.%'") == 0 {
			b.t.Error("no order was written")
		}
	})
	b.Run("hidden writers write in maintenance mode", func(b *bench) { b.hiddenWriter() })
	b.Run("connection_reset ends sessions", func(b *bench) { b.sessionsEnd(old) })
	b.Run("credentials are roles", func(b *bench) { b.credentialsAreRoles(old) })
	b.Run("a lag that never ends", func(b *bench) { b.lagIsReal(old) })
	b.Run("a killed server comes back and no write is lost", func(b *bench) { b.killAndRestart(old) })
	b.Run("reset empties", func(b *bench) {
		b.freeze()
		b.call(http.MethodPut, "/client/v11/databases/"+old+"/reset", nil).is(http.StatusOK)
		if scan[int64](b, b.connect(b.url(old)), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") != 0 {
			b.t.Error("something is left in public")
		}
	})
}

// Run runs a part as a subtest.
func (b *bench) Run(name string, f func(*bench)) {
	b.t.Run(name, func(t *testing.T) { f(&bench{Server: b.Server, t: t}) })
}

func (b *bench) ownerIsOrdinary(db string) {
	conn := b.connect(b.url(db))
	for sql, want := range map[string]bool{
		"SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user": false,
		"SELECT pg_current_wal_lsn() IS NOT NULL":                                                           true,
		"SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = current_user":                            true,
		"SELECT count(*) >= 0 FROM pg_stat_progress_copy":                                                   true,
		"SELECT count(*) > 0 FROM pg_event_trigger WHERE evtowner = 'heroku_admin'::regrole":                true,
		"SELECT has_schema_privilege('_heroku', 'USAGE')":                                                   false,
		"SELECT has_schema_privilege('heroku_ext', 'CREATE')":                                               true,
		"SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()": true,
	} {
		if got := scan[bool](b, conn, sql); got != want {
			b.t.Errorf("%s is %v, want %v", sql, got, want)
		}
	}
	if _, err := conn.Exec(b.t.Context(), "CREATE EXTENSION IF NOT EXISTS pgcrypto"); err != nil {
		b.t.Errorf("the owner cannot create a trusted extension: %v", err)
	}
	var pgErr *pgconn.PgError
	if _, err := conn.Exec(b.t.Context(), "CREATE DATABASE another"); !errors.As(err, &pgErr) || pgErr.Code != "42501" {
		b.t.Errorf("CREATE DATABASE: %v, want permission denied", err)
	}
}

func (b *bench) hiddenWriter() {
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": true}).is(http.StatusOK)
	got := b.call(http.MethodPost, "/sim/dynos", object{"action": "start", "type": "scheduler"}).is(http.StatusAccepted)
	name := strings.Trim(got.str("names"), `[]"`)
	b.awaitWrites(3, name, "worker.1")
	idle := b.Acknowledged()["web.1"]
	b.awaitWrites(5, name)
	if now := b.Acknowledged()["web.1"]; now > idle+1 {
		b.t.Errorf("web.1 wrote %d rows behind the maintenance page", now-idle)
	}
	b.call(http.MethodPost, "/sim/dynos", object{"action": "stop", "name": name}).is(http.StatusAccepted)
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": false}).is(http.StatusOK)
	b.awaitWrites(1, "web.1")
}

func (b *bench) sessionsEnd(db string) {
	conn := b.connect(b.url(db))
	b.call(http.MethodPost, "/client/v11/databases/"+db+"/connection_reset", nil).is(http.StatusOK)
	var pgErr *pgconn.PgError
	if _, err := conn.Exec(b.t.Context(), "SELECT 1"); !errors.As(err, &pgErr) || pgErr.Code != "57P01" {
		b.t.Errorf("a session after the reset: %v, want terminated by administrator (57P01)", err)
	}
	b.awaitWrites(3, allWriters...)
}

func (b *bench) credentialsAreRoles(db string) {
	b.call(http.MethodPost, "/postgres/v0/databases/"+db+"/credentials", object{"name": "analyst"}).is(http.StatusCreated)
	b.call(http.MethodPost, "/addon-attachments", object{"addon": db, "app": "shop", "name": "READS", "namespace": "credential:analyst"}).is(http.StatusCreated)
	conn := b.connect(b.configVar("READS_URL"))
	if got := scan[string](b, conn, "SELECT current_user::text"); got != "analyst" {
		b.t.Errorf("current_user %q, want analyst", got)
	}
	if scan[bool](b, conn, "SELECT has_table_privilege('app_writes', 'SELECT')") {
		b.t.Error("a new credential can read without a grant")
	}
}

func (b *bench) lagIsReal(leader string) {
	b.create(object{"plan": planBody("standard-4"), "name": "laggard", "config": object{"follow": leader}})
	added, err := b.AddFault(b.t.Context(), Fault{Kind: FaultLag, Addon: "laggard", Lag: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	conn := b.connect(b.url("laggard"))
	still := scan[int64](b, conn, "SELECT count(*) FROM app_writes")
	b.awaitWrites(5, allWriters...)
	if got := scan[int64](b, conn, "SELECT count(*) FROM app_writes"); got != still {
		b.t.Errorf("the follower went from %d to %d rows", still, got)
	}
	b.await("Behind By grows", func() bool { n := b.info("laggard").row("Behind By"); return n != "0 commits" && n != "1 commit" })
	if _, err := b.RemoveFault(b.t.Context(), added.ID); err != nil {
		b.t.Fatal(err)
	}
	b.catchUp(leader, "laggard")
}

func (b *bench) killAndRestart(db string) {
	b.call(http.MethodPost, "/sim/faults", object{"kind": "kill", "addon": db}).is(http.StatusCreated)
	b.await("the outage shows", func() bool { return b.info(db).row("Status") == "Unavailable" })
	b.await("a dyno crashes", func() bool { return b.upDynos() < 4 })
	b.call(http.MethodDelete, "/sim/faults", nil).is(http.StatusOK)
	b.awaitWrites(3, allWriters...)
	b.freeze()
	b.proveWrites(b.connect(b.url(db)))
	b.thaw()
}
