package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/session"
)

// line is the session of one worker. It is opened when needed, and again when it broke.
type line struct {
	opener session.Opener
	// prepare makes a new session ready for use, nil for nothing.
	prepare func(context.Context, *pgx.Conn) error

	// orphans are shared by all workers on the server.
	orphans *orphans

	conn *pgx.Conn
	used bool // must be prepared again
	// batch is the number of the small tables that the transaction has locked together, 0 for none.
	batch int
}

// get gives the session, after the backends of all broken ones have ended: they might yet commit what they were told to.
func (l *line) get(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && !l.conn.IsClosed() {
		if err := l.orphans.end(ctx, l.conn, l.opener.AppName); err != nil {
			l.drop(ctx)
			return nil, err
		}
		if l.used {
			l.batch = 0
			if err := l.prepare(ctx, l.conn); err != nil {
				l.drop(ctx)
				return nil, err
			}
			l.used = false
		}
		return l.conn, nil
	}
	if l.conn != nil {
		l.drop(ctx)
	}
	conn, err := l.opener.Open(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.orphans.end(ctx, conn, l.opener.AppName); err != nil {
		session.Close(ctx, conn)
		return nil, err
	}
	if l.prepare != nil {
		if err := l.prepare(ctx, conn); err != nil {
			session.Close(ctx, conn)
			return nil, err
		}
	}
	l.conn, l.used, l.batch = conn, false, 0
	return conn, nil
}

// leave ends the transaction, and with it all locks; the session is prepared again when it is needed.
func (l *line) leave(ctx context.Context) error {
	l.used = true
	return session.Exec(ctx, l.conn, `COMMIT`)
}

// drop closes a session of which it is not known what it still does.
func (l *line) drop(ctx context.Context) {
	if l.conn == nil {
		return
	}
	l.orphans.add(l.conn.PgConn().PID())
	session.Close(ctx, l.conn)
	l.conn = nil
}

// abandon makes sure that nothing is left of what was broken off, also when the context has ended. A server that cannot be reached is
// asked again before anything else is done there.
func (l *line) abandon(ctx context.Context) {
	l.drop(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	conn, err := l.opener.Open(ctx)
	if err != nil {
		return
	}
	defer session.Close(ctx, conn)
	_ = l.orphans.end(ctx, conn, l.opener.AppName)
}

// orphans are backends of sessions that broke, or were broken off, and may still be at work. What one of them was told to do nobody may do
// again before it has ended. The zero value is ready.
type orphans struct {
	mu   sync.Mutex
	pids []uint32
}

func (o *orphans) add(pid uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pids = append(o.pids, pid)
}

// end ends all of them. Others wait for it meanwhile.
func (o *orphans) end(ctx context.Context, conn *pgx.Conn, appName string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pids) > 0 {
		if err := endBackend(ctx, conn, o.pids[0], appName); err != nil {
			return err
		}
		o.pids = o.pids[1:]
	}
	return nil
}

// close ends a session that is idle.
func (l *line) close(ctx context.Context) {
	session.Close(ctx, l.conn)
	l.conn = nil
}

// endBackend ends a process of ours and waits until it is gone.
func endBackend(ctx context.Context, conn *pgx.Conn, pid uint32, appName string) error {
	for {
		var there bool
		err := conn.QueryRow(ctx, `SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) > 0 FROM pg_catalog.pg_stat_activity
			WHERE pid = $1 AND application_name = $2 AND usename = CURRENT_USER`, int32(pid), appName).Scan(&there)
		if err != nil {
			return fmt.Errorf("ending a session that was lost: %w", err)
		}
		if !there {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stubborn tries something again, each time in a new session, for as long as what goes wrong may pass.
type stubborn struct {
	Engine
	report *meter.Reporter
	where  string // name of the database, for people
}

// maxTries bounds how often the same thing may fail on a server that can be reached.
const maxTries = 10

// do calls try until it succeeds or fails for good. again is false the first time. A server that has no room gives [graph.ErrAgain].
func (s stubborn) do(ctx context.Context, l *line, what string, try func(conn *pgx.Conn, again bool) error) error {
	pause, again := s.Backoff, false
	patience := s.Patience
	if patience == 0 {
		patience = serverPatience
	}
	var giveUp time.Time
	tries := 0
	for {
		conn, err := l.get(ctx)
		reached := err == nil
		if reached {
			err = try(conn, again)
		}
		if err == nil {
			return nil
		}
		l.drop(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !reached && session.Full(err) {
			return fmt.Errorf("%s: %w: %w", what, graph.ErrAgain, err)
		}
		if reached {
			tries++
		}
		if !session.Passing(err) || tries > maxTries {
			return fmt.Errorf("%s: %w%s", what, err, detail(err))
		}
		if now := s.Now(); reached || giveUp.IsZero() {
			giveUp = now.Add(patience)
		} else if now.After(giveUp) {
			return fmt.Errorf("%s: %w: %w", what, graph.ErrFatal, err)
		}
		s.report.Warn("%s: %v; trying again", what, err)
		again = true
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 15*time.Second)
	}
}

// insist does what needs a first session, for as long as the server lets nobody in.
func (e Engine) insist(ctx context.Context, report *meter.Reporter, where string, do func() error) error {
	patience := e.Patience
	if patience == 0 {
		patience = serverPatience
	}
	giveUp := e.Now().Add(patience)
	for pause, told := e.Backoff, false; ; pause = min(2*pause, 15*time.Second) {
		err := do()
		if err == nil || !session.NotYet(err) || e.Now().After(giveUp) || ctx.Err() != nil {
			return err
		}
		if !told {
			told = true
			report.Warn("%s lets nobody in (%v): waiting", where, err)
			report.Progress(pgxfer.Progress{Phase: "schema", Waits: where + " lets nobody in"})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// detail is what a server adds to its refusal, such as the key that two rows share.
func detail(err error) string {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Detail == "" {
		return ""
	}
	return ": " + refused.Detail
}

func isAgain(err error) bool { return errors.Is(err, graph.ErrAgain) }

// errChanged means that the source is not what the plan was made from.
var errChanged = errors.New("the source was written to since the dump began; dump again into a new directory")

// errUnsettled means that nobody could be asked whether it is.
var errUnsettled = errors.New("asking whether the source is still what the interrupted attempt has read")
