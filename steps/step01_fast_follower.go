package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/heroku"
)

// fastFollower is step 1: a high-performance follower of old-primary, so that the dump burdens nobody.
type fastFollower struct{}

func (fastFollower) Number() int        { return 1 }
func (fastFollower) Name() string       { return names[1] }
func (fastFollower) Title() string      { return "Create fast-follower of old-primary" }
func (fastFollower) Ready(l Look) error { return passed1(l) }

func (fastFollower) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			fmt.Sprintf("create a follower of %s on %s", c.OldPrimary.Name, shortPlan(c.FastPlan)),
			"wait until it is provisioned and close behind its leader",
		},
		Cost:     "billed from now on; adding an add-on restarts the app's dynos",
		Undo:     "destroys the follower, behind a guard; restarts the dynos again",
		Takes:    "minutes to hours, by size",
		Commands: []string{createCommand(l, FastFollower, c.FastPlan, "--follow "+c.OldPrimary.Name)},
	}
}

func (fastFollower) Confirm(l Look) Confirmation {
	return sayYes(fmt.Sprintf("Create a %s follower?", shortPlan(l.Config().FastPlan)), "It is billed until step 10.", "The dynos of "+l.Config().App+" restart.")
}

func (fastFollower) Check(ctx context.Context, env *Env) error {
	c := env.Config()
	if err := databaseIs(ctx, env, OldPrimary); err != nil {
		return err
	}
	leader, err := env.Heroku.Database(ctx, c.OldPrimary.ID)
	if err != nil {
		return fmt.Errorf("reading old-primary: %w", err)
	}
	if leader.Following() {
		return fmt.Errorf("%s is itself a follower, and followers cannot be chained", c.OldPrimary.Name)
	}
	if fit, why := heroku.FollowerFit(heroku.ParsePlan(c.OldPrimary.Plan), heroku.ParsePlan(c.FastPlan), leader.NumBytes); fit == heroku.DoesNotFit {
		return fmt.Errorf("%s cannot follow old-primary: %s", shortPlan(c.FastPlan), why)
	}
	return noMaintenanceDue(ctx, env, c.OldPrimary.ID)
}

// maintenanceHorizon is how far ahead Heroku's own maintenance of a database may not be due.
const maintenanceHorizon = 24 * time.Hour

func noMaintenanceDue(ctx context.Context, env *Env, id string) error {
	m, err := env.Heroku.Maintenance(ctx, id)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("reading Heroku's maintenance of old-primary: %w", err)
	case m.Running() || m.Due(env.Now().Add(maintenanceHorizon)):
		return fmt.Errorf("Heroku maintenance of old-primary is %s; let it pass first: heroku data:maintenances:run -a %s", m.Status, env.Config().App)
	}
	return nil
}

func (fastFollower) Run(ctx context.Context, env *Env) error {
	if err := createAndWait(ctx, env, FastFollower, env.Config().FastPlan); err != nil {
		return err
	}
	return waitSmallLag(ctx, env, OldPrimary, FastFollower)
}

func (fastFollower) Verify(ctx context.Context, env *Env) (string, error) {
	if err := checkDatabase(ctx, env, FastFollower); err != nil {
		return "", err
	}
	behind, err := lag(ctx, env.Databases, OldPrimary, FastFollower)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s follows old-primary, %s behind", addonName(env, FastFollower), size(behind)), nil
}

func (fastFollower) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 3, 4)
}

func (fastFollower) ConfirmRollback(l Look) Confirmation {
	return typeName(addonName(l, FastFollower), "Destroy fast-follower?", "The dynos of "+l.Config().App+" restart.")
}

func (fastFollower) Rollback(ctx context.Context, env *Env) error {
	return destroyRollback(ctx, env, FastFollower)
}
