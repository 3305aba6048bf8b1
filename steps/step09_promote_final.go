package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/heroku"
)

// promoteFinal is step 9: a second, short outage in which final-primary takes over from fast-primary.
type promoteFinal struct{}

func (promoteFinal) Number() int        { return 9 }
func (promoteFinal) Name() string       { return names[9] }
func (promoteFinal) Title() string      { return "Short maintenance: promote final-primary" }
func (promoteFinal) Ready(l Look) error { return need(l, 7, 8) }

func (promoteFinal) Explain(l Look) Explanation {
	c := l.Config()
	final := addonName(l, FinalPrimary)
	return Explanation{
		Does: []string{
			"maintenance on, processes to 0, prove that nobody writes to fast-primary",
			"wait until final-primary has replayed everything, unfollow it, attach it as DATABASE",
			"processes back as recorded, maintenance off",
		},
		Undo:     "before unfollow: the app comes back on fast-primary. After it: the same while final-primary has no writes; then final-primary is made anew. After maintenance is off: none",
		Takes:    "one to two minutes",
		Commands: []string{"heroku maintenance:on -a " + c.App, "heroku pg:unfollow " + final + " -a " + c.App, "heroku pg:promote " + final + " -a " + c.App, "heroku maintenance:off -a " + c.App},
		Outage:   true,
	}
}

func (promoteFinal) Confirm(l Look) Confirmation {
	return typeApp(l, "Begin the second, short outage of "+l.Config().App+"?", "POINT OF NO RETURN at its end: final-primary takes over.")
}

func (promoteFinal) Check(ctx context.Context, env *Env) error {
	if _, latched := FactNoReturn2.Get(env.Facts()); latched {
		return nil
	}
	if db, ok := FactDatabase(FinalPrimary).Get(env.Facts()); !ok || !db.Alive() {
		return nil // Run makes it anew, before the outage
	}
	id, err := addonID(env, FinalPrimary)
	if err != nil {
		return err
	}
	db, err := env.Heroku.Database(ctx, id)
	if err != nil {
		return fmt.Errorf("reading final-primary: %w", err)
	}
	if !db.Following() {
		return nil // a former try got as far as unfollow; Run goes on from there
	}
	behind, err := lag(ctx, env.Databases, FastPrimary, FinalPrimary)
	if err != nil {
		return err
	}
	if behind > SmallLag {
		return fmt.Errorf("final-primary is %s behind; wait until it is below %s, so that the outage is not spent on catching up", size(behind), size(SmallLag))
	}
	return nil
}

func (promoteFinal) Run(ctx context.Context, env *Env) error {
	if _, latched := FactNoReturn2.Get(env.Facts()); !latched {
		if err := takeOver(ctx, env); err != nil {
			return err
		}
		// As in step 8: on disk before the first process starts on final-primary.
		if err := FactNoReturn2.Put(env, env.Now()); err != nil {
			return err
		}
	}
	if err := leaveMaintenance(ctx, env, 9); err != nil {
		return err
	}
	if _, ok := FactServingSince.Get(env.Facts()); ok {
		return nil
	}
	return FactServingSince.Put(env, env.Now())
}

// takeOver runs from maintenance on to DATABASE on final-primary.
func takeOver(ctx context.Context, env *Env) error {
	// A rollback after unfollow has destroyed it; it is made anew while the app still serves.
	if db, ok := FactDatabase(FinalPrimary).Get(env.Facts()); !ok || !db.Alive() {
		if err := createFinalPrimary(ctx, env); err != nil {
			return err
		}
	}
	if err := waitOutsideOutage(ctx, env); err != nil {
		return err
	}
	fence, err := enterMaintenance(ctx, env, FastPrimary)
	if err != nil {
		return err
	}
	if err := noteWritten(ctx, env); err != nil {
		return err
	}
	if err := separate(ctx, env, fence); err != nil {
		return err
	}
	guard := func(ctx context.Context) error {
		if err := requireShut(ctx, env); err != nil {
			return err
		}
		id, err := addonID(env, FinalPrimary)
		if err != nil {
			return err
		}
		if err := promotable(ctx, env.Heroku, id, FinalPrimary); err != nil {
			return err
		}
		return requireFinalFence(ctx, env, undoStep9)
	}
	if err := promote(ctx, env, FastPrimary, FinalPrimary, guard); err != nil {
		return err
	}
	if err := FactPromoted.Put(env, FinalPrimary); err != nil {
		return err
	}
	// Once more after DATABASE has moved, and before any process starts: a writer may have slipped in between.
	if err := requireFinalFence(ctx, env, undoStep9); err != nil {
		return err
	}
	return smokeTest(ctx, env, FinalPrimary)
}

// undoStep9 is what to do about a broken fence while step 9 can still be undone.
const undoStep9 = "roll the step back"

// requireFinalFence fails unless nobody has written to fast-primary since final-primary was separated from it.
func requireFinalFence(ctx context.Context, env *Env, remedy string) error {
	fence, ok := FactFinalFence.Get(env.Facts())
	if !ok {
		return fmt.Errorf("%w: final-primary was separated from fast-primary without proof that it has everything; %s", ErrNeedsHuman, remedy)
	}
	broken, err := checkFence(ctx, env, env.Databases, fence)
	if err != nil {
		return fmt.Errorf("checking the write fence of fast-primary: %w", err)
	}
	if broken != "" {
		return fmt.Errorf("%w: fast-primary was written to after final-primary was separated: %s; %s", ErrNeedsHuman, broken, remedy)
	}
	return nil
}

// waitOutsideOutage lets final-primary come close while the app still serves; after unfollow there is nothing to wait for.
func waitOutsideOutage(ctx context.Context, env *Env) error {
	following, err := finalFollows(ctx, env)
	if err != nil || !following {
		return err
	}
	return waitSmallLag(ctx, env, FastPrimary, FinalPrimary)
}

func finalFollows(ctx context.Context, env *Env) (bool, error) {
	id, err := addonID(env, FinalPrimary)
	if err != nil {
		return false, err
	}
	db, err := env.Heroku.Database(ctx, id)
	if err != nil {
		return false, fmt.Errorf("reading final-primary: %w", err)
	}
	return db.Following(), nil
}

// separate unfollows final-primary once it has replayed everything that was written before the fence.
func separate(ctx context.Context, env *Env, fence Fence) error {
	id, err := addonID(env, FinalPrimary)
	if err != nil {
		return err
	}
	following, err := finalFollows(ctx, env)
	if err != nil {
		return err
	}
	if !following {
		// An earlier try has separated it. What counts is the fence of then, not the one of now.
		if err := requireFinalFence(ctx, env, undoStep9); err != nil {
			return err
		}
	} else {
		if err := waitCaughtUp(ctx, env, FinalPrimary, fence); err != nil {
			return err
		}
		if err := FactFinalFence.Put(env, fence); err != nil {
			return err
		}
	}
	err = env.Do(ctx, unfollow{
		heroku: env.Heroku, role: FinalPrimary, addonID: id, addonName: addonName(env, FinalPrimary), app: env.Config().App,
		inRecovery: func(ctx context.Context) (bool, error) { return inRecovery(ctx, env, FinalPrimary) },
		guard: func(ctx context.Context) error {
			// Written to after the fence, or not caught up after all: the writes in between would be lost for ever.
			broken, err := checkFence(ctx, env, env.Databases, fence)
			if err != nil {
				return err
			}
			if broken != "" {
				return fmt.Errorf("%w: the write fence of fast-primary was broken: %s; roll the step back", ErrNeedsHuman, broken)
			}
			return waitCaughtUp(ctx, env, FinalPrimary, fence)
		},
	})
	if err != nil {
		return err
	}
	if _, ok := FactFinalBaseline.Get(env.Facts()); ok {
		return nil
	}
	if err := noteTally(ctx, env, FinalPrimary); err != nil {
		return err
	}
	baseline, err := horizonOf(ctx, env, FinalPrimary)
	if err != nil {
		return err
	}
	baseline.At = env.Now()
	return FactFinalBaseline.Put(env, baseline)
}

func (promoteFinal) Verify(ctx context.Context, env *Env) (string, error) {
	if err := databaseIs(ctx, env, FinalPrimary); err != nil {
		return "", err
	}
	if err := checkWritable(ctx, env, FinalPrimary); err != nil {
		return "", err
	}
	outages, _ := FactOutages.Get(env.Facts())
	if len(outages) == 0 {
		return "", errors.New("no outage was recorded")
	}
	last := outages[len(outages)-1]
	return fmt.Sprintf("%s runs on final-primary; the outage took %s", env.Config().App, last.End.Sub(last.Start).Round(1e9)), nil
}

func (promoteFinal) CanRollback(l Look) error {
	if err := wentBack(l); err != nil {
		return err
	}
	if _, ok := FactNoReturn2.Get(l.Facts()); ok {
		return errNoReturn2
	}
	return started(l, 10, 11)
}

func (promoteFinal) ConfirmRollback(l Look) Confirmation {
	return typeApp(l, "Bring "+l.Config().App+" back on fast-primary?", "If final-primary was unfollowed already it is destroyed and has to be made anew.")
}

func (promoteFinal) Rollback(ctx context.Context, env *Env) error {
	if _, latched := FactNoReturn2.Get(env.Facts()); latched {
		return errNoReturn2
	}
	baseline, separated := FactFinalBaseline.Get(env.Facts())
	if separated {
		if err := unwritten(ctx, env, env.Databases, FinalPrimary, baseline); err != nil {
			return err
		}
		if err := promote(ctx, env, FinalPrimary, FastPrimary, nil); err != nil {
			return err
		}
		if err := FactPromoted.Put(env, FastPrimary); err != nil {
			return err
		}
	}
	if err := leaveMaintenance(ctx, env, 9); err != nil {
		return err
	}
	following, err := finalFollowsIfAlive(ctx, env)
	if err != nil || following {
		return err
	}
	// First forgotten, then destroyed: a rollback that is gone on with must not ask a database that is gone.
	for _, forget := range []func(Recorder) error{FactFinalBaseline.Clear, FactFinalFence.Clear} {
		if err := forget(env); err != nil {
			return err
		}
	}
	return destroyRollback(ctx, env, FinalPrimary)
}

// finalFollowsIfAlive is finalFollows, and true when there is nothing to destroy. A database that the ledger calls alive and
// Heroku does not know was destroyed just before a crash; what is left is to write that down.
func finalFollowsIfAlive(ctx context.Context, env *Env) (bool, error) {
	if db, ok := FactDatabase(FinalPrimary).Get(env.Facts()); !ok || !db.Alive() {
		return true, nil
	}
	following, err := finalFollows(ctx, env)
	if errors.Is(err, heroku.ErrNotFound) {
		return false, nil
	}
	return following, err
}
