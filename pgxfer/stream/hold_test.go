package stream_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
)

// gatedIndex is a table whose index waits for an advisory lock in the middle of being built.
var gatedIndex = []string{
	`CREATE FUNCTION gate(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF n = 10000 THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(n); END IF; RETURN n; END $$`,
	`CREATE TABLE gated (id int, v text)`,
	`INSERT INTO gated SELECT n, repeat('v', 200) FROM generate_series(1, 20000) n`,
	`CREATE INDEX gated_gate ON gated (gate(id))`,
}

// A hard pause breaks off what runs: nothing of it stays on the server, and afterwards it is done again, once.
func TestHardPause(t *testing.T) {
	for name, list := range map[string][]string{"load": gated, "index": gatedIndex} {
		t.Run(name, func(t *testing.T) {
			server := pgtest.Shared(t)
			source, target := pgtest.Database(t, server), pgtest.Database(t, server)
			statements(t, source, list...)
			holder := holdGate(t, target)
			control, obs := &pgxfer.Control{}, &recorder{}
			wait, _ := background(t, func(ctx context.Context) error {
				_, err := fast.Copy(ctx, stream.CopyOptions{
					Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "hard" + name,
					Control: control,
				}, obs)
				return err
			})
			waitsAtGate(t, target, "hard"+name)
			control.Hold(pgxfer.Hard)
			within(t, "nothing of it is at work", func() bool {
				return ask[int](t, target, `SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'hard`+name+` stream restore'
					AND (state <> 'idle' OR wait_event_type = 'Lock')`) == 0
			})
			if n := ask[int](t, target, `SELECT count(*)::int FROM gated WHERE id = 10000`); name == "load" && n != 0 {
				t.Error("a row of a load that was broken off is there")
			}
			if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`); err != nil {
				t.Fatal(err)
			}
			control.Hold(pgxfer.Going)
			if err := wait(); err != nil {
				t.Fatalf("%v\n%s", err, obs.text())
			}
			if n := ask[int](t, target, `SELECT count(*)::int FROM gated`); n != 20000 {
				t.Errorf("%d rows arrived", n)
			}
			if !strings.Contains(obs.text(), "rolled back") || !strings.Contains(obs.text(), "resumed") {
				t.Errorf("nobody was told:\n%s", obs.text())
			}
			ledgerGone(t, target)
		})
	}
}

// holdGate takes the lock that the gated tables wait for, in a session that does not count as the owner's.
func holdGate(t *testing.T, target pgtest.DB) *pgx.Conn {
	t.Helper()
	holder := pgtest.Connect(t, target.AdminConfig(pgtest.Shared(t)))
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(10000)`); err != nil {
		t.Fatal(err)
	}
	return holder
}

func waitsAtGate(t *testing.T, target pgtest.DB, tag string) {
	t.Helper()
	watch := pgtest.Connect(t, target.AdminConfig(pgtest.Shared(t)))
	within(t, "it waits at the gate", func() bool {
		var waits bool
		err := watch.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE $1 || '%' AND wait_event = 'advisory'
			AND datname = current_database())`, tag).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
}

// What is broken off in the very moment of its COMMIT may have been done: it is not done twice.
func TestHardPauseDuringCommit(t *testing.T) {
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	statements(t, source, `CREATE TABLE one (id int)`, `INSERT INTO one SELECT generate_series(1, 50000)`)
	p := newProxy(t, net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())), 1)
	p.mute.Store(true)
	control, obs := &pgxfer.Control{}, &recorder{}
	wait, _ := background(t, func(ctx context.Context) error {
		_, err := fast.Copy(ctx, stream.CopyOptions{
			Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", through(t, target.URL, p.listener.Addr().String())),
			Jobs: 2, Tag: "commit", Control: control,
		}, obs)
		return err
	})
	within(t, "the reply to a COMMIT is swallowed", func() bool { return p.lost.Load() > 0 })
	control.Hold(pgxfer.Hard)
	within(t, "it is broken off", func() bool {
		obs.mu.Lock()
		defer obs.mu.Unlock()
		last := obs.samples[len(obs.samples)-1]
		return last.Paused && idle(last)
	})
	control.Hold(pgxfer.Going)
	if err := wait(); err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM one`); n != 50000 {
		t.Errorf("%d rows arrived", n)
	}
}
