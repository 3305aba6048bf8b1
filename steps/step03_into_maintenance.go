package steps

import (
	"context"
	"fmt"
)

// intoMaintenance is step 3: users out, processes stopped, and the proof that nobody writes.
type intoMaintenance struct{}

func (intoMaintenance) Number() int   { return 3 }
func (intoMaintenance) Name() string  { return names[3] }
func (intoMaintenance) Title() string { return "Into maintenance, and prove that nobody writes" }

func (intoMaintenance) Ready(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return need(l, 1, 2)
}

func (intoMaintenance) Explain(l Look) Explanation {
	c := l.Config()
	commands := []string{}
	for _, app := range c.Apps() {
		commands = append(commands, "heroku maintenance:on -a "+app, "heroku ps:scale web=0 worker=0 … -a "+app)
	}
	return Explanation{
		Does: []string{
			"record the formation, turn maintenance on, scale every process to 0 and wait for the last dyno",
			"end leftover sessions",
			fmt.Sprintf("prove the write fence: no session, no transaction for %s", c.Quiet.D()),
			"wait until fast-follower has replayed everything",
		},
		Undo:     "bail: the formation comes back as it was, then maintenance goes off",
		Takes:    "about a minute",
		Commands: append(commands, fmt.Sprintf("heroku pg:killall %s -a %s", c.OldPrimary.Name, c.App)),
		Outage:   true,
	}
}

func (intoMaintenance) Confirm(l Look) Confirmation {
	consequences := []string{"THE OUTAGE BEGINS: users see the maintenance page until step 8 is done."}
	if l.StepState(5) != Done {
		consequences = append(consequences, "Step 5 is not done: creating fast-primary first would shorten the outage.")
	}
	return typeApp(l, "Take "+l.Config().App+" into maintenance?", consequences...)
}

func (intoMaintenance) Check(ctx context.Context, env *Env) error {
	if err := databaseIs(ctx, env, OldPrimary); err != nil {
		return err
	}
	if err := noMaintenanceDue(ctx, env, env.Config().OldPrimary.ID); err != nil {
		return err
	}
	behind, err := lag(ctx, env.Databases, OldPrimary, FastFollower)
	if err != nil {
		return err
	}
	if behind > SmallLag {
		return fmt.Errorf("fast-follower is %s behind; wait until it is below %s, so that the outage is not spent on catching up", size(behind), size(SmallLag))
	}
	return nil
}

func (intoMaintenance) Run(ctx context.Context, env *Env) error {
	// After a crash the fence may be proven already; a broken one is proven again from the start.
	if _, ok := FactFence.Get(env.Facts()); ok {
		if _, broken := FactFenceBroken.Get(env.Facts()); !broken {
			return nil
		}
	}
	fence, err := enterMaintenance(ctx, env, OldPrimary)
	if err != nil {
		return err
	}
	if err := waitCaughtUp(ctx, env, FastFollower, fence); err != nil {
		return err
	}
	if err := FactFenceBroken.Clear(env); err != nil {
		return err
	}
	return FactFence.Put(env, fence)
}

func (intoMaintenance) Verify(ctx context.Context, env *Env) (string, error) {
	if err := requireFence(ctx, env); err != nil {
		return "", err
	}
	fence, _ := FactFence.Get(env.Facts())
	return fmt.Sprintf("nobody writes; fast-follower has replayed %s", fence.LSN), nil
}

func (intoMaintenance) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 4, 6, 7)
}

func (intoMaintenance) ConfirmRollback(l Look) Confirmation {
	return sayYes("Bring "+l.Config().App+" back?", "The app runs on old-primary again, as before. A dump taken so far becomes void.")
}

func (intoMaintenance) Rollback(ctx context.Context, env *Env) error {
	// The fence goes first: whatever was dumped behind it is void from the moment the app may write.
	if err := FactFence.Clear(env); err != nil {
		return err
	}
	if err := FactFenceBroken.Clear(env); err != nil {
		return err
	}
	return leaveMaintenance(ctx, env, 3)
}
