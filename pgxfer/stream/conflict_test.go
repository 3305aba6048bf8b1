package stream_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/pgxfer/localpg/pgtest"
)

// stalling lets a server's answers through until so many bytes have passed on one connection, and lets that one wait to be released.
type stalling struct {
	listener net.Listener
	after    int64
	stalled  chan struct{}
	released chan struct{}
	once     sync.Once
	freed    sync.Once
	work     sync.WaitGroup
}

func newStalling(t *testing.T, to string, after int64) *stalling {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stalling{listener: l, after: after, stalled: make(chan struct{}), released: make(chan struct{})}
	s.work.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			s.work.Go(func() { s.serve(client, to) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.release() // where the test failed
		s.work.Wait()
	})
	return s
}

func (s *stalling) release() { s.freed.Do(func() { close(s.released) }) }

func (s *stalling) serve(client net.Conn, to string) {
	server, err := net.Dial("tcp", to) //nolint:noctx // ends with the test's servers
	if err != nil {
		_ = client.Close()
		return
	}
	var both sync.WaitGroup
	pass := func(from, to net.Conn, counted bool) {
		defer from.Close()
		defer to.Close()
		buffer, passed := make([]byte, 32<<10), int64(0)
		for {
			n, err := from.Read(buffer)
			if passed += int64(n); counted && passed > s.after {
				s.once.Do(func() { close(s.stalled) })
				<-s.released
			}
			if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}
	both.Go(func() { pass(client, server, false) })
	both.Go(func() { pass(server, client, true) })
	both.Wait()
}

// A reader that the follower ends because of what the leader did to the table is sent to try again: the snapshot outlives it.
func TestFollowerCancelsAReader(t *testing.T) {
	leader := pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum": "off"}))
	source := pgtest.Database(t, leader)
	statements(t, source, `CREATE TABLE cut_short (id int, v text)`, `ALTER TABLE cut_short SET (autovacuum_enabled = off)`,
		`INSERT INTO cut_short SELECT n, repeat('v', 1000) FROM generate_series(1, 60000) n`, `DELETE FROM cut_short WHERE id > 40000`)
	follower := pgtest.Follower(t, leader, pgtest.Settings(map[string]string{"max_standby_streaming_delay": "100ms", "hot_standby_feedback": "off"}))
	if err := follower.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	on := source.On(t, follower)
	proxy := newStalling(t, net.JoinHostPort(follower.Host(), strconv.Itoa(follower.Port())), 8<<20)
	w := &world{leader: leader, follower: follower, other: pgtest.Shared(t), db: source}
	options := w.dumpOptions(t, "conflict")
	options.Source = endpoint(t, "fast-follower", through(t, on.URL, proxy.listener.Addr().String()))
	options.Jobs = 1
	obs := &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Dump(ctx, options, obs)
		return err
	})
	select {
	case <-proxy.stalled:
	case <-time.After(patience):
		t.Fatalf("the reader never got so far\n%s", obs.text())
	}
	statements(t, source, `VACUUM (TRUNCATE) cut_short`)
	truncated := ask[string](t, source, `SELECT pg_current_wal_lsn()::text`)
	watch := on.Connect(t)
	// What the follower counts of conflicts is no help: a session that cannot send what it was ended by does not count it either.
	within(t, "the follower waits for the reader, or has ended it", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted)
			OR pg_last_wal_replay_lsn() >= $1::text::pg_lsn`, truncated).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	proxy.release()
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if !strings.Contains(obs.text(), "conflict with recovery") {
		t.Errorf("no reader was ended: the test shows nothing\n%s", obs.text())
	}
	w.catchUp(t)
	target := pgtest.Database(t, w.other)
	if _, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "conflict"), nil); err != nil {
		t.Fatal(err)
	}
	w.mustEqual(t, target)
}
