package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// deleteTemporary is step 10: fast-follower and fast-primary are destroyed; old-primary only when asked for.
type deleteTemporary struct{}

func (deleteTemporary) Number() int   { return 10 }
func (deleteTemporary) Name() string  { return names[10] }
func (deleteTemporary) Title() string { return "Delete the temporary databases" }

func (deleteTemporary) Ready(l Look) error {
	if l.Config().DestroyOldPrimary {
		// Two copies of live data must exist before the last fallback goes.
		return need(l, 9, 11)
	}
	return need(l, 9)
}

// condemned are the roles that go, the least valuable first.
func condemned(l Look) []Role {
	roles := []Role{FastFollower, FastPrimary}
	if l.Config().DestroyOldPrimary {
		roles = append(roles, OldPrimary)
	}
	return roles
}

func (deleteTemporary) Explain(l Look) Explanation {
	c := l.Config()
	e := Explanation{
		Does: []string{
			fmt.Sprintf("watch for %s that nobody uses them or writes to them", c.IdleFor()),
			"check each database: ours, unused, nobody's leader, and final-primary healthy, written to and protected",
		},
		Undo: "impossible", Takes: "a minute; the dynos restart after each",
	}
	for _, role := range condemned(l) {
		e.Does = append(e.Does, fmt.Sprintf("destroy %s (%s)", role, addonName(l, role)))
		e.Commands = append(e.Commands, fmt.Sprintf("heroku addons:destroy %s -a %s", addonName(l, role), c.App))
	}
	if !c.DestroyOldPrimary {
		e.Does = append(e.Does, fmt.Sprintf("keep old-primary (%s)", c.OldPrimary.Name))
	}
	e.Cost = "ends the bill for these databases"
	return e
}

func (deleteTemporary) Confirm(l Look) Confirmation {
	c := Confirmation{Tier: TierTyped, Question: "Destroy these databases? Type each name.", Consequences: []string{"Their data is gone for ever."}}
	for _, role := range condemned(l) {
		c.Words = append(c.Words, addonName(l, role))
	}
	return c
}

func (deleteTemporary) Check(ctx context.Context, env *Env) error {
	if err := soaked(env, env); err != nil {
		return err
	}
	if _, ok := FactArchive.Get(env.Facts()); !ok {
		return errors.New("there is no complete archive any more, so a second way to the data is missing; nothing is destroyed")
	}
	return databaseIs(ctx, env, FinalPrimary)
}

func (deleteTemporary) Run(ctx context.Context, env *Env) error {
	if env.Config().DestroyOldPrimary {
		if err := enterLedger(env); err != nil {
			return err
		}
	}
	if err := watchIdle(ctx, env, condemned(env)); err != nil {
		return err
	}
	for _, role := range condemned(env) {
		if err := destroyOwn(ctx, env, role, guardDeletion(env, role)); err != nil {
			return err
		}
	}
	return nil
}

// enterLedger registers old-primary as something this run may destroy: it was asked for in the set-up, and typed.
func enterLedger(env *Env) error {
	fact := FactDatabase(OldPrimary)
	if _, ok := fact.Get(env.Facts()); ok {
		return nil
	}
	old := env.Config().OldPrimary
	return fact.Put(env, Database{Role: OldPrimary, AddonID: old.ID, Name: old.Name, Plan: old.Plan, Try: 1, Created: env.Config().Created})
}

func (deleteTemporary) Verify(_ context.Context, env *Env) (string, error) {
	var gone []string
	for _, role := range condemned(env) {
		db, ok := FactDatabase(role).Get(env.Facts())
		if ok && db.Alive() {
			return "", fmt.Errorf("%s still exists", db.Name)
		}
		gone = append(gone, string(role))
	}
	return strings.Join(gone, " and ") + " are gone", nil
}

var errDeleted = errors.New("deleted databases cannot be brought back")

func (deleteTemporary) CanRollback(Look) error               { return errDeleted }
func (deleteTemporary) ConfirmRollback(Look) Confirmation    { return plainKey() }
func (deleteTemporary) Rollback(context.Context, *Env) error { return errDeleted }
