package steps

import (
	"context"
	"errors"
	"fmt"
)

// outOfMaintenance is step 8: the app comes back, on fast-primary. It is the first point of no return.
type outOfMaintenance struct{}

func (outOfMaintenance) Number() int   { return 8 }
func (outOfMaintenance) Name() string  { return names[8] }
func (outOfMaintenance) Title() string { return "Out of maintenance, on fast-primary" }

func (outOfMaintenance) Ready(l Look) error {
	// Step 7 may still wait for Heroku to allow final-primary; users need not wait with it.
	if role, ok := FactPromoted.Get(l.Facts()); ok && role == FastPrimary && l.StepState(7) != RollingBack {
		return need(l, 6)
	}
	if l.StepState(7).Active() {
		return fmt.Errorf("step 7 (%s) must move DATABASE to fast-primary first", names[7])
	}
	return need(l, 7)
}

func (outOfMaintenance) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			"read-only smoke test of fast-primary",
			"scale every process back exactly as recorded, wait for the dynos, turn maintenance off",
		},
		Undo:     "none: from the first write on fast-primary, going back loses data, and is another path with a typed sentence (changeover bail --lossy)",
		Takes:    "about a minute",
		Commands: []string{"heroku ps:scale … -a " + c.App, "heroku maintenance:off -a " + c.App},
		Outage:   true,
	}
}

func (outOfMaintenance) Confirm(l Look) Confirmation {
	return typeApp(l, "Bring "+l.Config().App+" back on fast-primary?", "POINT OF NO RETURN: from here on, going back to old-primary loses writes.", "The outage ends.")
}

func (outOfMaintenance) Check(ctx context.Context, env *Env) error {
	// Behind the latch there is only forward: whatever happened to old-primary meanwhile must not keep users out.
	if _, latched := FactNoReturn1.Get(env.Facts()); latched {
		return nil
	}
	if err := requireFence(ctx, env); err != nil {
		return err
	}
	return smokeTest(ctx, env, FastPrimary)
}

func (outOfMaintenance) Run(ctx context.Context, env *Env) error {
	if _, latched := FactNoReturn1.Get(env.Facts()); !latched {
		if err := smokeTest(ctx, env, FastPrimary); err != nil {
			return err
		}
		if err := noteTally(ctx, env, FastPrimary); err != nil {
			return err
		}
		// On disk before the first process starts on the new database: afterwards nobody can know what it wrote.
		if err := FactNoReturn1.Put(env, env.Now()); err != nil {
			return err
		}
	}
	return leaveMaintenance(ctx, env, 3)
}

func (outOfMaintenance) Verify(ctx context.Context, env *Env) (string, error) {
	if err := databaseIs(ctx, env, FastPrimary); err != nil {
		return "", err
	}
	outages, _ := FactOutages.Get(env.Facts())
	if len(outages) == 0 {
		return "", fmt.Errorf("no outage was recorded")
	}
	last := outages[len(outages)-1]
	return fmt.Sprintf("%s runs on fast-primary; the outage took %s", env.Config().App, last.End.Sub(last.Start).Round(1e9)), nil
}

var errNothingDone = errors.New("step 8 has changed nothing yet; roll back step 7 instead, or bail")

func (outOfMaintenance) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return errNothingDone
}

func (outOfMaintenance) ConfirmRollback(Look) Confirmation { return plainKey() }

func (outOfMaintenance) Rollback(context.Context, *Env) error { return errNothingDone }
