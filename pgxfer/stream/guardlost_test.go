package stream

import (
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// A guard whose session nobody can be sure of is ended on the server before anything that its lock is in the way of: there it may hold the
// lock, or wait for it, long after the network has lost it.
func TestLostGuardIsEndedOnTheServer(t *testing.T) {
	db := pgtest.Database(t, pgtest.Shared(t))
	conn, watch := db.Connect(t), db.Connect(t)
	for _, c := range []struct {
		name, table string
		lose        func(*guard)
		blocked     bool // somebody else has the lock
	}{
		{name: "it holds the lock", table: "held", lose: func(g *guard) { _ = g.conn.PgConn().Conn().SetDeadline(time.Unix(1, 0)) }},
		{name: "it waits for the lock", table: "waited_for", blocked: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec := func(sql string) {
				t.Helper()
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			exec(`CREATE TABLE ` + c.table + ` (id int)`)
			exec(`BEGIN`)
			if c.blocked {
				exec(`LOCK TABLE ` + c.table + ` IN SHARE UPDATE EXCLUSIVE MODE`)
			}
			endpoint, err := pgxfer.ParseEndpoint("target", db.URL)
			if err != nil {
				t.Fatal(err)
			}
			var lost orphans
			opener := session.Opener{Endpoint: endpoint, AppName: "guard of " + c.table, Write: true}
			g := newGuards(t.Context(), opener, &lost)
			defer g.releaseAll()
			g.hold(&plan.Table{OID: 1, Schema: "public", Name: c.table, Pieces: make([]plan.Piece, 2)})
			var pid int32
			for deadline := time.Now().Add(time.Minute); pid == 0; time.Sleep(5 * time.Millisecond) {
				err := watch.QueryRow(t.Context(), `SELECT COALESCE(max(pid), 0) FROM pg_locks JOIN pg_stat_activity USING (pid)
					WHERE application_name = $1 AND relation = $2::text::regclass AND granted = $3`, opener.AppName, c.table, !c.blocked).Scan(&pid)
				if err != nil {
					t.Fatal(err)
				}
				if time.Now().After(deadline) {
					t.Fatal("it never asked for the lock")
				}
			}
			if c.lose != nil {
				<-g.held[1].done
				c.lose(g.held[1])
			}
			g.release(1)
			if len(lost.pids) != 1 || lost.pids[0] != uint32(pid) {
				t.Errorf("sessions to be ended are %v, want that of the guard, %d", lost.pids, pid)
			}
			if err := lost.end(t.Context(), watch, opener.AppName); err != nil {
				t.Error(err)
			}
			exec(`ROLLBACK`)
			exec(`SET lock_timeout = '10s'`)
			exec(`CREATE INDEX ON ` + c.table + ` (id)`) // which nobody is in the way of
		})
	}
}
