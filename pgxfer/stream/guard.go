package stream

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// guards keep autovacuum away from tables that are loaded by pieces, from the first piece until the last one is in.
//
// Rows that were just committed are what autovacuum looks for. It would read the table while the rest of it is loaded, and the index builds
// that follow would wait until it is cancelled in their favour, which the server does after its deadlock_timeout, a second. A session that holds
// the lock which VACUUM and ANALYZE need makes autovacuum pass the table by, and is in nobody's way who loads rows. Nothing has to be
// undone: the lock goes with its session, and what autovacuum has not done it does later.
type guards struct {
	ctx    context.Context // of the loading
	opener session.Opener
	// orphans are those of all our sessions on the server: where the network was lost the server keeps the lock, for a minute and more, and
	// the indexes would wait for it.
	orphans *orphans

	mu   sync.Mutex
	held map[uint32]*guard // by table
}

// guard is the session that holds one table's lock.
type guard struct {
	cancel context.CancelFunc
	done   chan struct{} // it has the lock, or will not have it
	conn   *pgx.Conn     // read after done; nil without the lock
}

func newGuards(ctx context.Context, opener session.Opener, orphans *orphans) *guards {
	return &guards{ctx: ctx, opener: opener, orphans: orphans, held: map[uint32]*guard{}}
}

// hold begins to guard a table, if it is one to be guarded and is not yet. It does not wait for the lock. Without one the transfer goes on just
// as well, only slower: a server that has no room for the session is left alone.
func (g *guards) hold(t *plan.Table) {
	if t == nil || !t.Split() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[t.OID] != nil {
		return
	}
	ctx, cancel := context.WithCancel(g.ctx)
	one := &guard{cancel: cancel, done: make(chan struct{})}
	g.held[t.OID] = one
	go func() {
		defer close(one.done)
		conn, err := g.opener.Open(ctx)
		if err != nil {
			return
		}
		if err := session.Exec(ctx, conn, `BEGIN; LOCK TABLE ONLY `+t.SQLName()+` IN SHARE UPDATE EXCLUSIVE MODE`); err != nil {
			g.orphans.add(conn.PgConn().PID()) // it may wait for the lock still
			session.Close(ctx, conn)
			return
		}
		one.conn = conn
	}()
}

// release ends the guard of a table, if there is one.
func (g *guards) release(table uint32) {
	g.mu.Lock()
	one := g.held[table]
	delete(g.held, table)
	g.mu.Unlock()
	if one != nil {
		g.end(one)
	}
}

// releaseAll ends all guards, side by side: where the network was lost each takes its time.
func (g *guards) releaseAll() {
	g.mu.Lock()
	all := g.held
	g.held = map[uint32]*guard{}
	g.mu.Unlock()
	var ending sync.WaitGroup
	for _, one := range all {
		ending.Go(func() { g.end(one) })
	}
	ending.Wait()
}

// end returns when the server has let go of the lock, or when it is known that its session has to be ended first.
func (g *guards) end(one *guard) {
	one.cancel()
	<-one.done
	if one.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), 5*time.Second)
	defer cancel()
	if err := session.Exec(ctx, one.conn, `COMMIT`); err != nil {
		g.orphans.add(one.conn.PgConn().PID())
	}
	session.Close(ctx, one.conn)
}
