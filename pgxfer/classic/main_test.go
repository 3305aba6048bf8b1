package classic_test

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

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
	rows                    int64
}

// newWorld makes the source on the oldest installed major and targets on the newest.
func newWorld(t *testing.T, options sampledb.Options) *world {
	t.Helper()
	majors := pgtest.Majors(t)
	w := &world{leader: pgtest.Cluster(t, pgtest.Major(majors[len(majors)-1].Major)), other: pgtest.Shared(t)}
	w.db = dressed(t, w.leader)
	summary, err := sampledb.Fill(t.Context(), w.db.Connect(t), options)
	if err != nil {
		t.Fatal(err)
	}
	w.rows = summary.Rows
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

// recorder keeps what an engine reports. hook, if set, sees each sample as it comes.
type recorder struct {
	mu       sync.Mutex
	progress []pgxfer.Progress
	events   []pgxfer.Event
	hook     func(pgxfer.Progress)
}

func (r *recorder) Progress(p pgxfer.Progress) {
	r.mu.Lock()
	r.progress = append(r.progress, p)
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
