package classic_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is a leader with a filled database, a follower of it, and a server for targets.
type world struct {
	leader, follower, other *localpg.Cluster
	db                      pgtest.DB

	archive string // of the shared dump
	dumped  pgxfer.DumpResult
}

// bigRows are the rows of the table "big", about 16 MB of text: more than the buffers between two processes hold.
const bigRows = 40_000

// extra is what the sample data lacks. Building the index, and loading the row with the number that is locked, waits for an advisory
// lock, so that a test can look at a transfer in the middle of it.
const extra = `
	CREATE SCHEMA "Odd Name";
	CREATE FUNCTION "Odd Name".gate(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN
			IF n IN (20000, -20001) THEN
				PERFORM pg_catalog.pg_advisory_lock_shared(pg_catalog.abs(n)), pg_catalog.pg_advisory_unlock_shared(pg_catalog.abs(n));
			END IF;
			RETURN n;
		END $$;
	CREATE TABLE big (id bigint PRIMARY KEY CHECK ("Odd Name".gate(id) = id), filler text NOT NULL);
	CREATE INDEX big_gated ON big ("Odd Name".gate(-id));
	CREATE TABLE "Odd Name"."tab ""le; x" (a int, "b c" text);
	CREATE SEQUENCE "Odd Name".never_called START 7;
	CREATE UNLOGGED TABLE scratch (a int);
	CREATE PUBLICATION everybody FOR TABLE big;
	INSERT INTO "Odd Name"."tab ""le; x" VALUES (1, E'\\\\.'), (2, E'tab\\tnew\\nline'), (NULL, '');
	INSERT INTO big SELECT n, pg_catalog.repeat(pg_catalog.md5(n::text), 12) FROM pg_catalog.generate_series(1, 40000) n;
	ANALYZE big;`

// Numbers of the advisory locks that hold up loading a row and building an index.
const (
	gateLoad  = 20000
	gateIndex = 20001
)

// newWorld makes the source on the oldest installed major and targets on the newest.
func newWorld(t *testing.T) *world {
	t.Helper()
	majors := pgtest.Majors(t)
	w := &world{leader: pgtest.Cluster(t, pgtest.Major(majors[len(majors)-1].Major)), other: pgtest.Shared(t)}
	w.db = dressed(t, w.leader)
	conn := w.db.Connect(t)
	if _, err := sampledb.Fill(t.Context(), conn, sampledb.Options{Tiny: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), extra); err != nil {
		t.Fatal(err)
	}
	w.follower = pgtest.Follower(t, w.leader)
	w.catchUp(t)
	return w
}

func (w *world) catchUp(t *testing.T) {
	t.Helper()
	if err := w.follower.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) source(t *testing.T) pgxfer.Endpoint {
	return endpoint(t, "fast-follower", onPort(t, w.db.URL, w.follower))
}

func (w *world) leaderEndpoint(t *testing.T) pgxfer.Endpoint {
	return endpoint(t, "old-primary", w.db.URL)
}

// target is a new empty database, dressed as Heroku does it.
func (w *world) target(t *testing.T) pgtest.DB { return dressed(t, w.other) }

func dressed(t *testing.T, cluster *localpg.Cluster) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t, cluster)
	if err := sampledb.HerokuDress(t.Context(), pgtest.Connect(t, cluster.AdminConfig()), db.Name, db.Owner); err != nil {
		t.Fatal(err)
	}
	return db
}

// onPort is the URL of the same database on another server.
func onPort(t *testing.T, address string, cluster *localpg.Cluster) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort(cluster.Host(), strconv.Itoa(cluster.Port()))
	return u.String()
}

func endpoint(t *testing.T, name, address string) pgxfer.Endpoint {
	t.Helper()
	e, err := pgxfer.ParseEndpoint(name, address)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// recorder keeps what an engine reports. Hooks see each sample as it comes.
type recorder struct {
	mu       sync.Mutex
	progress []pgxfer.Progress
	events   []pgxfer.Event
	hooks    []func(pgxfer.Progress)
}

func (r *recorder) Progress(p pgxfer.Progress) {
	r.mu.Lock()
	r.progress = append(r.progress, p)
	hooks := r.hooks
	r.mu.Unlock()
	for _, hook := range hooks {
		hook(p)
	}
}

func (r *recorder) Event(e pgxfer.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) samples() []pgxfer.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]pgxfer.Progress(nil), r.progress...)
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		fmt.Fprintf(&b, "%s %s\n", e.Level, e.Text)
	}
	return b.String()
}

// started closes when the progress shows what is looked for, and keeps that sample.
type started struct {
	once   sync.Once
	seen   chan struct{}
	sample pgxfer.Progress
}

// midway runs an engine with an observer in the background, waits for a sample like the one wanted, and returns it. Then do happens, and
// the engine's end is awaited.
func midway(t *testing.T, obs *recorder, like func(pgxfer.Progress) bool, run func(obs *recorder) error, do func(pgxfer.Progress)) error {
	t.Helper()
	s := &started{seen: make(chan struct{})}
	obs.mu.Lock()
	obs.hooks = append(obs.hooks, func(p pgxfer.Progress) {
		if like(p) {
			s.once.Do(func() {
				s.sample = p
				close(s.seen)
			})
		}
	})
	obs.mu.Unlock()
	result := make(chan error, 1)
	go func() { result <- run(obs) }()
	select {
	case <-s.seen:
		do(s.sample)
	case err := <-result:
		t.Fatalf("it ended before the test saw what it waited for: %v\n%s", err, obs.text())
	case <-time.After(patience):
		t.Fatalf("the test never saw what it waited for; last sample %+v\n%s", obs.samples()[len(obs.samples())-1], obs.text())
	}
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatalf("it did not end\n%s", obs.text())
		return nil
	}
}

const patience = 2 * time.Minute

// working is a sample with a worker on the object.
func working(kind, object string) func(pgxfer.Progress) bool {
	return func(p pgxfer.Progress) bool { return worker(p, kind, object).ID > 0 }
}

func worker(p pgxfer.Progress, kind, object string) pgxfer.Worker {
	for _, w := range p.Workers {
		if w.Kind == kind && w.Object == object {
			return w
		}
	}
	return pgxfer.Worker{}
}

// hold takes an advisory lock in a database until the returned function is called.
func hold(t *testing.T, db pgtest.DB, number int) (release func()) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), db.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, number); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	release = func() { once.Do(func() { _ = conn.Close(context.Background()) }) }
	t.Cleanup(release)
	return release
}

// nothingLeft wants no process that works on the directory and no session with the tag.
func nothingLeft(t *testing.T, dir, tag string, on ...pgtest.DB) {
	t.Helper()
	if left := processesWith(t, dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	for _, db := range on {
		sessionsGone(t, db, tag)
	}
	homes, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("changeover-pgpass-%d-*", os.Getpid())))
	if err != nil || len(homes) > 0 {
		t.Errorf("password directories left: %v %v", homes, err)
	}
}

// sessionsGone waits until the server shows no session of the tag: one that was closed is listed for a moment longer.
func sessionsGone(t *testing.T, db pgtest.DB, tag string) {
	t.Helper()
	conn := db.Connect(t)
	deadline := time.Now().Add(5 * time.Second)
	for {
		var left string
		err := conn.QueryRow(t.Context(), `SELECT COALESCE(string_agg(application_name || ': ' || state || ': ' || left(query, 60), '; '), '')
			FROM pg_stat_activity WHERE application_name LIKE $1 || '%'`, tag).Scan(&left)
		if err != nil {
			t.Fatal(err)
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("sessions left: %s", left)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// processesWith lists processes whose arguments name the directory.
func processesWith(t *testing.T, dir string) (found []int) {
	t.Helper()
	all, err := os.ReadDir("/proc")
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	for _, p := range all {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		arguments, err := os.ReadFile(filepath.Join("/proc", p.Name(), "cmdline"))
		if err == nil && strings.Contains(string(arguments), dir) {
			found = append(found, pid)
		}
	}
	return found
}
