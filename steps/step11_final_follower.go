package steps

import (
	"context"
	"fmt"
)

// finalFollower is step 11: a follower of final-primary for emergencies.
type finalFollower struct{}

func (finalFollower) Number() int        { return 11 }
func (finalFollower) Name() string       { return names[11] }
func (finalFollower) Title() string      { return "Create final-follower" }
func (finalFollower) Ready(l Look) error { return need(l, 9) }

func (finalFollower) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			"wait until Heroku allows followers of final-primary (after an unfollow: minutes to hours)",
			fmt.Sprintf("create a follower on %s and wait until it is close behind", shortPlan(c.FinalPlan)),
		},
		Cost:     "billed from then on; it is what you keep",
		Undo:     "destroys it, behind a guard",
		Takes:    "minutes to hours",
		Commands: []string{createCommand(l, FinalFollower, c.FinalPlan, "--follow "+addonName(l, FinalPrimary))},
	}
}

func (finalFollower) Confirm(l Look) Confirmation {
	return sayYes(fmt.Sprintf("Create a %s follower of final-primary?", shortPlan(l.Config().FinalPlan)), "It is billed from then on.", "The dynos of "+l.Config().App+" restart.")
}

func (finalFollower) Check(ctx context.Context, env *Env) error {
	return databaseIs(ctx, env, FinalPrimary)
}

func (finalFollower) Run(ctx context.Context, env *Env) error {
	if db, ok := FactDatabase(FinalFollower).Get(env.Facts()); !ok || !db.Alive() {
		if err := waitFollowable(ctx, env, FinalPrimary); err != nil {
			return err
		}
	}
	if err := createAndWait(ctx, env, FinalFollower, env.Config().FinalPlan); err != nil {
		return err
	}
	return waitSmallLag(ctx, env, FinalPrimary, FinalFollower)
}

func (finalFollower) Verify(ctx context.Context, env *Env) (string, error) {
	if err := checkDatabase(ctx, env, FinalFollower); err != nil {
		return "", err
	}
	behind, err := lag(ctx, env.Databases, FinalPrimary, FinalFollower)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s follows final-primary, %s behind", addonName(env, FinalFollower), size(behind)), nil
}

func (finalFollower) CanRollback(l Look) error { return started(l, 12) }

func (finalFollower) ConfirmRollback(l Look) Confirmation {
	return typeName(addonName(l, FinalFollower), "Destroy final-follower?", "The dynos of "+l.Config().App+" restart.")
}

func (finalFollower) Rollback(ctx context.Context, env *Env) error {
	return destroyRollback(ctx, env, FinalFollower)
}
