package stream_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/verify"
)

// fast is the engine with short waits, and sizes that cut even small tables.
var fast = stream.Engine{
	Interval: 20 * time.Millisecond, Backoff: 20 * time.Millisecond, Patience: 20 * time.Second,
	Sizing: plan.Sizing{Floor: 1 << 20},
}

const patience = 90 * time.Second

// world is a leader with a filled database, a follower of it, and a server for targets.
type world struct {
	leader, follower, other *localpg.Cluster
	db                      pgtest.DB
}

// newWorld makes the source on the oldest installed major and targets on the newest.
func newWorld(t *testing.T) *world {
	t.Helper()
	majors := pgtest.Majors(t)
	w := &world{leader: quietServer(t, pgtest.Major(majors[len(majors)-1].Major)), other: pgtest.Shared(t)}
	w.db = dressed(t, w.leader)
	conn := w.db.Connect(t)
	if _, err := sampledb.Fill(t.Context(), conn, sampledb.Options{Tiny: true}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range nasty {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%v in %s", err, sql)
		}
	}
	w.follower = pgtest.Follower(t, w.leader)
	w.catchUp(t)
	return w
}

// quietServer is a server of the test's own that does nothing by itself: an ANALYZE of autovacuum counts as a transaction, and then nobody
// can tell from a follower, or while somebody is connected to the source, that nothing was written to it since.
func quietServer(t *testing.T, options ...pgtest.Option) *localpg.Cluster {
	t.Helper()
	return pgtest.Cluster(t, append(options, pgtest.Settings(map[string]string{"autovacuum": "off"}))...)
}

func (w *world) catchUp(t *testing.T) {
	t.Helper()
	if err := w.follower.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) source(t *testing.T) pgxfer.Endpoint {
	return endpoint(t, "fast-follower", w.db.On(t, w.follower).URL)
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

func endpoint(t *testing.T, name, address string) pgxfer.Endpoint {
	t.Helper()
	e, err := pgxfer.ParseEndpoint(name, address)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// through is the URL of the same database by way of another address.
func through(t *testing.T, address, at string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort(host, port)
	return u.String()
}

func (w *world) dumpOptions(t *testing.T, tag string) pgxfer.DumpOptions {
	t.Helper()
	return pgxfer.DumpOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Dir: filepath.Join(t.TempDir(), "archive"), Jobs: 2, Tag: tag,
		TargetMajor: w.other.Installation().Major,
	}
}

func restoreOptions(t *testing.T, dir string, target pgtest.DB, tag string) pgxfer.RestoreOptions {
	return pgxfer.RestoreOptions{Target: endpoint(t, "fast-primary", target.URL), Dir: dir, Jobs: 2, Tag: tag}
}

// mustEqual compares source and target down to the last row and definition.
func (w *world) mustEqual(t *testing.T, target pgtest.DB) pgxfer.Verification {
	t.Helper()
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: w.source(t), Leader: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "compare",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pgxfer.Difference{}, v.Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	return v
}

// recorder keeps what an engine reports. The hook sees each sample as it comes.
type recorder struct {
	mu      sync.Mutex
	samples []pgxfer.Progress
	events  []pgxfer.Event
	hook    func(pgxfer.Progress)
}

func (r *recorder) Progress(p pgxfer.Progress) {
	r.mu.Lock()
	r.samples = append(r.samples, p)
	hook := r.hook
	r.mu.Unlock()
	if hook != nil {
		hook(p)
	}
}

func (r *recorder) Event(e pgxfer.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
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

// sessionsGone waits until the server shows no session of the tag: one that was closed is listed for a moment longer.
func sessionsGone(t *testing.T, db pgtest.DB, tag string) {
	t.Helper()
	conn := db.Connect(t)
	var left string
	within(t, "no session of "+tag+" is left", func() bool {
		err := conn.QueryRow(t.Context(), `SELECT COALESCE(string_agg(application_name || ': ' || state || ': ' || left(query, 60), '; '), '')
			FROM pg_stat_activity WHERE application_name LIKE $1 || '%'`, tag).Scan(&left)
		if err != nil {
			t.Fatal(err)
		}
		return left == ""
	})
}

// within waits for a condition.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true that %s", what)
		}
	}
}

func ledgerGone(t *testing.T, target pgtest.DB) {
	t.Helper()
	var there bool
	if err := target.Connect(t).QueryRow(t.Context(), `SELECT to_regnamespace('changeover_ledger') IS NOT NULL`).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("the ledger is still there")
	}
}

func background(t *testing.T, run func(context.Context) error) (wait func() error, cancel context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(cancel)
	return func() error {
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			t.Fatal("it did not end")
			return nil
		}
	}, cancel
}
