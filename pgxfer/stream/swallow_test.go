package stream_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// A network that swallows every packet, without a word, costs the time until that is noticed, and nothing else: on the way to the target, where
// rows are sent, and on the way to the source, where they are awaited and a session keeps the snapshot.
func TestNetworkThatSwallows(t *testing.T) {
	server := quietServer(t)
	w := &world{leader: server, follower: server, other: pgtest.Shared(t), db: pgtest.Database(t, server)}
	statements(t, w.db, `CREATE TABLE far (id int PRIMARY KEY, v text)`, `INSERT INTO far SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 40000) n`,
		`CREATE TABLE near (id int PRIMARY KEY, v text)`, `INSERT INTO near SELECT n, repeat('v', 200) FROM generate_series(1, 5000) n`)
	patient := fast
	patient.Patience = patience
	t.Run("a copy loses its target", func(t *testing.T) {
		const tag = "far target"
		t.Parallel()
		lost(t, w, w.other, tag, func(ctx context.Context, way wayThrough, target pgtest.DB, obs *recorder) error {
			_, err := patient.Copy(ctx, stream.CopyOptions{
				Source: w.leaderEndpoint(t), Target: way("fast-primary", target.URL), Jobs: 2, Tag: tag,
			}, obs)
			return err
		})
	})
	t.Run("a copy loses its source", func(t *testing.T) {
		const tag = "far source"
		t.Parallel()
		lost(t, w, server, tag, func(ctx context.Context, way wayThrough, target pgtest.DB, obs *recorder) error {
			_, err := patient.Copy(ctx, stream.CopyOptions{
				Source: way("old-primary", w.db.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: tag,
			}, obs)
			return err
		})
	})
	t.Run("a dump loses its source", func(t *testing.T) {
		const tag = "far dump"
		t.Parallel()
		lost(t, w, server, tag, func(ctx context.Context, way wayThrough, target pgtest.DB, obs *recorder) error {
			options := w.dumpOptions(t, tag)
			options.Source = way("old-primary", w.db.URL)
			if _, err := patient.Dump(ctx, options, obs); err != nil {
				return err
			}
			_, err := fast.Restore(ctx, restoreOptions(t, options.Dir, target, tag), obs)
			return err
		})
	})
	t.Run("a restore loses its target", func(t *testing.T) {
		const tag = "far restore"
		t.Parallel()
		options := w.dumpOptions(t, tag)
		if _, err := fast.Dump(t.Context(), options, nil); err != nil {
			t.Fatal(err)
		}
		lost(t, w, w.other, tag, func(ctx context.Context, way wayThrough, target pgtest.DB, obs *recorder) error {
			restore := restoreOptions(t, options.Dir, target, tag)
			restore.Target = way("fast-primary", target.URL)
			_, err := patient.Restore(ctx, restore, obs)
			return err
		})
	})
}

// wayThrough makes an endpoint that is reached by way of the network, and counts as lost soon.
type wayThrough func(name, address string) pgxfer.Endpoint

// lost loses the network to a server while something is under way, until every session through it has noticed.
func lost(t *testing.T, w *world, server *localpg.Cluster, tag string, move func(context.Context, wayThrough, pgtest.DB, *recorder) error) {
	n := pgtest.NewNetwork(t, net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	way := func(name, address string) pgxfer.Endpoint {
		e := endpoint(t, name, through(t, address, n.Addr)+"?connect_timeout=1")
		e.Silence = 2 * time.Second
		return e
	}
	target, obs := pgtest.Database(t, w.other), &recorder{}
	swallowed := n.SwallowAfter(4 << 20)
	wait, _ := background(t, func(ctx context.Context) error { return move(ctx, way, target, obs) })
	select {
	case <-swallowed:
	case <-time.After(patience):
		t.Fatalf("the rows never got so far\n%s", obs.text())
	}
	if open := n.Open(t); open < 2 {
		t.Errorf("%d sessions are open through the network: the test shows nothing", open)
	}
	began := time.Now()
	within(t, "every session has noticed", func() bool { return n.Open(t) == 0 })
	within(t, "somebody says so", func() bool { return strings.Contains(obs.text(), "nothing came back for 2s; trying again") })
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to notice", took)
	}
	n.Restore(t)
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	w.mustEqual(t, target)
	if rows := ask[int](t, target, `SELECT count(DISTINCT id)::int FROM far`); rows != 40000 {
		t.Errorf("%d rows arrived", rows)
	}
	ledgerGone(t, target)
	sessionsGone(t, target, tag)
	sessionsGone(t, w.db, tag)
}
