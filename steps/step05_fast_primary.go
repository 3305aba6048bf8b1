package steps

import (
	"context"
	"fmt"
)

// fastPrimary is step 5: the empty high-performance primary of the new version. It needs nothing of steps 1 to 4.
type fastPrimary struct{}

func (fastPrimary) Number() int        { return 5 }
func (fastPrimary) Name() string       { return names[5] }
func (fastPrimary) Title() string      { return "Create fast-primary" }
func (fastPrimary) Ready(l Look) error { return passed1(l) }

func (fastPrimary) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			fmt.Sprintf("create an empty PostgreSQL %d on %s", c.ToMajor, shortPlan(c.FastPlan)),
			"check its version and that it is empty",
		},
		Cost:     "billed from now on; adding an add-on restarts the app's dynos",
		Undo:     "destroys it, behind a guard",
		Takes:    "3 to 5 minutes; done before step 3 it does not count as outage",
		Commands: []string{createCommand(l, FastPrimary, c.FastPlan, fmt.Sprintf("--version %d", c.ToMajor))},
	}
}

func (fastPrimary) Confirm(l Look) Confirmation {
	return sayYes(fmt.Sprintf("Create a %s primary with PostgreSQL %d?", shortPlan(l.Config().FastPlan), l.Config().ToMajor),
		"It is billed until step 10.", "The dynos of "+l.Config().App+" restart.")
}

func (fastPrimary) Check(context.Context, *Env) error { return nil }

func (fastPrimary) Run(ctx context.Context, env *Env) error {
	return createAndWait(ctx, env, FastPrimary, env.Config().FastPlan)
}

func (fastPrimary) Verify(ctx context.Context, env *Env) (evidence string, err error) {
	if err := checkDatabase(ctx, env, FastPrimary); err != nil {
		return "", err
	}
	err = withServer(ctx, env.Databases, FastPrimary, func(server Server) error {
		version, err := server.Version(ctx)
		if err != nil {
			return err
		}
		if version.Major() != env.Config().ToMajor {
			return fmt.Errorf("%w: fast-primary runs PostgreSQL %s, not %d", ErrNeedsHuman, version, env.Config().ToMajor)
		}
		tables, err := server.UserTables(ctx)
		if err != nil {
			return err
		}
		if tables > 0 {
			return fmt.Errorf("%w: fast-primary should be empty but holds %d tables", ErrNeedsHuman, tables)
		}
		evidence = fmt.Sprintf("%s runs PostgreSQL %s and is empty", addonName(env, FastPrimary), version)
		return nil
	})
	return evidence, err
}

func (fastPrimary) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 6, 7)
}

func (fastPrimary) ConfirmRollback(l Look) Confirmation {
	return typeName(addonName(l, FastPrimary), "Destroy fast-primary?", "The dynos of "+l.Config().App+" restart.")
}

func (fastPrimary) Rollback(ctx context.Context, env *Env) error {
	return destroyRollback(ctx, env, FastPrimary)
}
