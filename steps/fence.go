package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// The write fence is the proof that nobody writes to a leader any more. Maintenance mode is not one (it stops the router
// only), and a role that defaults to read-only is not one (BEGIN READ WRITE passes it). What proves it is the xid
// horizon: it grows with every writing transaction and with nothing else but autovacuum, which is counted.

// fencePause is the time between two looks while the fence is being proven.
const fencePause = 500 * time.Millisecond

// proveFence waits until nobody has written to the leader for Config.Quiet and returns what was seen then.
func proveFence(ctx context.Context, env *Env, leader Role) (Fence, error) {
	var fence Fence
	session := &held{look: env, d: env.Databases, role: leader}
	defer func() { session.close(ctx) }()
	var horizon uint64
	var since time.Time
	quiet := env.Config().Quiet.D()
	waiting := Waiting{For: fmt.Sprintf("%s to be quiet for %s", leader, quiet), Who: "the app's writers"}
	err := env.patiently(ctx, waiting, fencePause, func(ctx context.Context) (done bool, detail string, err error) {
		err = session.ask(ctx, func(conn *pgx.Conn) error {
			foreign, err := foreignSessions(ctx, conn, env)
			if err != nil {
				return err
			}
			if len(foreign) > 0 {
				horizon, detail = 0, foreign[0]+" is connected"
				return nil
			}
			now, err := pgserver.XidHorizon(ctx, conn)
			if err != nil {
				return err
			}
			if now != horizon {
				horizon, since, detail = now, env.Now(), "somebody still writes"
				return nil
			}
			if still := env.Now().Sub(since); still < quiet {
				detail = fmt.Sprintf("no write for %s", still.Round(time.Second))
				return nil
			}
			fence, err = readFence(ctx, conn, leader)
			// A write between the last look and this reading starts the wait again.
			done = err == nil && fence.Horizon == horizon
			return err
		})
		return done, detail, err
	})
	fence.At = env.Now()
	return fence, err
}

// readFence reads the evidence as it is now.
func readFence(ctx context.Context, conn pgserver.Querier, leader Role) (f Fence, err error) {
	f.Leader = leader
	if f.Horizon, err = pgserver.XidHorizon(ctx, conn); err != nil {
		return f, err
	}
	counters, err := pgserver.TableCounters(ctx, conn)
	if err != nil {
		return f, err
	}
	f.Rows = counters.Inserted + counters.Updated + counters.Deleted
	if f.Autovacuums, err = pgserver.AutovacuumRuns(ctx, conn); err != nil {
		return f, err
	}
	sequences, err := pgserver.Sequences(ctx, conn)
	if err != nil {
		return f, err
	}
	sum := sha256.New()
	for _, s := range sequences {
		fmt.Fprintf(sum, "%s %d %t\n", s.QualifiedName(), s.LastValue, s.IsCalled)
	}
	f.Sequences = hex.EncodeToString(sum.Sum(nil))
	id, known, err := pgserver.SystemIdentifier(ctx, conn)
	if err != nil {
		return f, err
	}
	if known {
		f.System = strconv.FormatUint(id, 10)
	}
	// The position comes last: everything above has happened before it.
	lsn, err := pgserver.CurrentLSN(ctx, conn)
	if err != nil {
		return f, err
	}
	f.LSN = lsn.String()
	return f, nil
}

// broken compares what was proven with what is now; empty means the fence holds.
func (f Fence) broken(now Fence) string {
	switch moved, runs := now.Horizon-f.Horizon, now.Autovacuums-f.Autovacuums; {
	case f.System != "" && now.System != "" && f.System != now.System:
		return fmt.Sprintf("%s is another server than the one that was fenced", f.Leader)
	case now.Horizon < f.Horizon:
		return fmt.Sprintf("%s has gone back in time: it was restored or replaced", f.Leader)
	case now.Sequences != f.Sequences:
		return fmt.Sprintf("a sequence of %s has moved", f.Leader)
	case moved > 0 && (now.Rows < f.Rows || runs < 0):
		return fmt.Sprintf("%d transactions wrote to %s, whose counters were reset, so that nobody knows what", moved, f.Leader)
	case now.Rows != f.Rows && moved > 0:
		return fmt.Sprintf("%d rows were written to %s", now.Rows-f.Rows, f.Leader)
	// ANALYZE takes one id, a VACUUM that truncates takes one more.
	case moved > 0 && moved > 2*uint64(max(runs, 0)):
		return fmt.Sprintf("%d transactions wrote to %s", moved, f.Leader)
	}
	return ""
}

// fenceTries is how often a broken-looking fence is read again: the server's counters arrive up to a second after the
// horizon, so an autovacuum looks like a stranger at first.
const fenceTries = 4

// checkFence reads the leader again. broken says who wrote, in one line; it is empty while the fence holds.
func checkFence(ctx context.Context, l Look, d Databases, fence Fence) (broken string, err error) {
	for try := 1; ; try++ {
		err = withConn(ctx, l, d, fence.Leader, func(conn *pgx.Conn) error {
			now, err := readFence(ctx, conn, fence.Leader)
			if err != nil {
				return err
			}
			if broken = fence.broken(now); broken == "" {
				return nil
			}
			foreign, err := foreignSessions(ctx, conn, l)
			if err == nil && len(foreign) > 0 {
				broken += "; connected is " + foreign[0]
			}
			return err
		})
		if err != nil || broken == "" || try == fenceTries {
			return broken, err
		}
		if err := pause(ctx, fencePause); err != nil {
			return "", err
		}
	}
}

// requireFence fails unless the fence of the run exists and holds.
func requireFence(ctx context.Context, env *Env) error {
	fence, ok := FactFence.Get(env.Facts())
	if !ok {
		return fmt.Errorf("there is no write fence; run step 3 first")
	}
	if who, ok := FactFenceBroken.Get(env.Facts()); ok {
		return fmt.Errorf("%w: the write fence was broken: %s; roll back to step 3 and dump again", ErrNeedsHuman, who)
	}
	broken, err := checkFence(ctx, env, env.Databases, fence)
	if err != nil {
		return fmt.Errorf("checking the write fence: %w", err)
	}
	if broken != "" {
		if err := FactFenceBroken.Put(env, broken); err != nil {
			return err
		}
		return fmt.Errorf("%w: the write fence was broken: %s; roll back to step 3 and dump again", ErrNeedsHuman, broken)
	}
	return nil
}

// WatchFence returns what the engine asks now and then between step 3 and step 8: whether the fence still holds.
func WatchFence(h Heroku) func(ctx context.Context, l Look) (broken string, err error) {
	return func(ctx context.Context, l Look) (string, error) {
		fence, ok := FactFence.Get(l.Facts())
		if !ok {
			return "", nil
		}
		return checkFence(ctx, l, HerokuDatabases{Heroku: h, Look: l}, fence)
	}
}

// pause waits a moment or until the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
