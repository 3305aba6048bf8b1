package steps

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"changeover/pgxfer/pgserver"
)

// The write fence is the proof that nobody writes to a leader any more. Maintenance mode is not one (it stops the router
// only), and a role that defaults to read-only is not one (BEGIN READ WRITE passes it). What proves it is the xid
// horizon: it grows with every writing transaction. What else moves it is told apart by counting rows.

// fencePause is the time between two looks while the fence is being proven.
const fencePause = 500 * time.Millisecond

// proveFence waits until nobody has written to the leader for Config.Quiet and returns what was seen then.
func proveFence(ctx context.Context, env *Env, leader Role) (Fence, error) {
	var fence Fence
	session := &held{d: env.Databases, role: leader}
	defer func() { session.close(ctx) }()
	var horizon uint64
	var since time.Time
	quiet := env.Config().Quiet.D()
	waiting := Waiting{For: fmt.Sprintf("%s to be quiet for %s", leader, quiet), Who: "the app's writers"}
	err := env.patiently(ctx, waiting, fencePause, func(ctx context.Context) (done bool, detail string, err error) {
		err = session.ask(ctx, func(server Server) error {
			foreign, err := foreignSessions(ctx, server, env)
			if err != nil {
				return err
			}
			if len(foreign) > 0 {
				horizon, detail = 0, foreign[0]+" is connected"
				return nil
			}
			// One that is put aside has its id already: its COMMIT PREPARED would move no horizon.
			prepared, err := server.PreparedTransactions(ctx)
			if err != nil {
				return err
			}
			if len(prepared) > 0 {
				horizon = 0
				detail = fmt.Sprintf("transaction %q, prepared by %s, is open: COMMIT PREPARED or ROLLBACK PREPARED it", prepared[0].GID, prepared[0].Owner)
				return nil
			}
			now, err := server.XidHorizon(ctx)
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
			fence, err = readFence(ctx, server, leader)
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
func readFence(ctx context.Context, server Server, leader Role) (f Fence, err error) {
	f.Leader = leader
	if f.Horizon, err = server.XidHorizon(ctx); err != nil {
		return f, err
	}
	if f.Writes, err = server.Writes(ctx); err != nil {
		return f, err
	}
	sequences, err := server.Sequences(ctx)
	if err != nil {
		return f, err
	}
	f.Sequences = pgserver.DigestSequences(sequences)
	id, known, err := server.SystemIdentifier(ctx)
	if err != nil {
		return f, err
	}
	if known {
		f.System = strconv.FormatUint(id, 10)
	}
	// The position comes last: everything above has happened before it.
	lsn, err := server.CurrentLSN(ctx)
	if err != nil {
		return f, err
	}
	f.LSN = lsn.String()
	return f, nil
}

// broken compares what was proven with what is now; empty means the fence holds.
//
// A horizon that stands still settles it: nobody wrote. One that has moved proves nothing by itself, because it belongs
// to the whole server: ANALYZE takes an id, also when autovacuum runs it, also in another database. Then the count
// of rows written to this one decides.
func (f Fence) broken(now Fence) string {
	switch moved := now.Horizon - f.Horizon; {
	case f.System != "" && now.System != "" && f.System != now.System:
		return fmt.Sprintf("%s is another server than the one that was fenced", f.Leader)
	case now.Horizon < f.Horizon:
		return fmt.Sprintf("%s has gone back in time: it was restored or replaced", f.Leader)
	case now.Sequences != f.Sequences:
		return fmt.Sprintf("a sequence of %s has moved", f.Leader)
	case moved > 0 && now.Writes < f.Writes:
		return fmt.Sprintf("%d transactions wrote to %s, whose counters were reset, so that nobody knows what", moved, f.Leader)
	case moved > 0 && now.Writes > f.Writes:
		return fmt.Sprintf("%d rows were written to %s, catalogs included", now.Writes-f.Writes, f.Leader)
	}
	return ""
}

// fenceTries is how often a fence is read whose horizon has moved and whose counters have not: a writer's counters arrive
// up to a second after its transaction, so only the last reading may say that nobody wrote.
const fenceTries = 4

// checkFence reads the leader again. broken says who wrote, in one line; it is empty while the fence holds.
func checkFence(ctx context.Context, l Look, d Databases, fence Fence) (broken string, err error) {
	for try := 1; try <= fenceTries; try++ {
		moved := false
		err = withServer(ctx, d, fence.Leader, func(server Server) error {
			now, err := readFence(ctx, server, fence.Leader)
			if err != nil {
				return err
			}
			moved, broken = now.Horizon != fence.Horizon, fence.broken(now)
			if !moved && broken == "" {
				return nil
			}
			foreign, err := foreignSessions(ctx, server, l)
			switch {
			case err != nil || len(foreign) == 0:
				return err
			case broken == "":
				// As long as a session stays, its counters may stay behind for ten seconds.
				broken = fmt.Sprintf("%d transactions on %s", now.Horizon-fence.Horizon, fence.Leader)
			}
			broken += "; connected is " + foreign[0]
			return nil
		})
		if err != nil || broken != "" || !moved {
			return broken, err
		}
		if err := pause(ctx, fencePause); err != nil {
			return "", err
		}
	}
	return "", nil
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
