package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"changeover/heroku"
)

// promoteFast is step 7: DATABASE moves to fast-primary, and final-primary is created as its follower. Heroku may take
// hours to allow that follower; once DATABASE has moved, step 8 need not wait for it.
type promoteFast struct{}

func (promoteFast) Number() int   { return 7 }
func (promoteFast) Name() string  { return names[7] }
func (promoteFast) Title() string { return "Promote fast-primary, create final-primary behind it" }

func (promoteFast) Ready(l Look) error {
	if err := wentBack(l); err != nil {
		return err
	}
	if _, promoted := FactPromoted.Get(l.Facts()); promoted {
		return nil
	}
	return need(l, 3, 4, 5, 6)
}

func (promoteFast) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			"give old-primary an attachment of ours, so that it stays reachable",
			"attach fast-primary as DATABASE: two releases, and the release phase runs if the app has one",
			fmt.Sprintf("create final-primary on %s as follower of fast-primary, as soon as Heroku allows it", shortPlan(c.FinalPlan)),
		},
		Cost:     "final-primary is billed from then on; it is what you keep",
		Undo:     "attaches old-primary as DATABASE again, while the app has not written to fast-primary; destroys final-primary",
		Takes:    "a minute for DATABASE; minutes to hours for final-primary, which step 8 does not wait for",
		Commands: []string{fmt.Sprintf("heroku pg:promote %s -a %s", addonName(l, FastPrimary), c.App), createCommand(l, FinalPrimary, c.FinalPlan, "--follow "+addonName(l, FastPrimary))},
		Outage:   true,
	}
}

func (promoteFast) Confirm(l Look) Confirmation {
	return typeApp(l, "Make fast-primary the DATABASE of "+l.Config().App+"?", "The way back stays open until step 8.")
}

func (promoteFast) Check(ctx context.Context, env *Env) error {
	if role, ok := FactPromoted.Get(env.Facts()); ok && role == FastPrimary {
		return nil
	}
	return requireFence(ctx, env)
}

func (promoteFast) Run(ctx context.Context, env *Env) error {
	if _, ok := FactPromoted.Get(env.Facts()); !ok {
		if err := promote(ctx, env, OldPrimary, FastPrimary, func(ctx context.Context) error { return mayPromoteFast(ctx, env) }); err != nil {
			return err
		}
		if err := FactPromoted.Put(env, FastPrimary); err != nil {
			return err
		}
		env.Log(Info, "DATABASE is fast-primary now; step 8 may start")
	}
	return createFinalPrimary(ctx, env)
}

// createFinalPrimary waits for Heroku's permission and creates the follower that will be kept.
func createFinalPrimary(ctx context.Context, env *Env) error {
	if db, ok := FactDatabase(FinalPrimary).Get(env.Facts()); !ok || !db.Alive() {
		if err := waitFollowable(ctx, env, FastPrimary); err != nil {
			return err
		}
	}
	return createAndWait(ctx, env, FinalPrimary, env.Config().FinalPlan)
}

// mayPromoteFast is read just before DATABASE moves.
func mayPromoteFast(ctx context.Context, env *Env) error {
	if err := requireShut(ctx, env); err != nil {
		return err
	}
	if err := requireFence(ctx, env); err != nil {
		return err
	}
	if v, ok := FactVerification.Get(env.Facts()); !ok || len(v.Differences) > 0 {
		return errors.New("fast-primary is not verified; run step 6")
	}
	id, err := addonID(env, FastPrimary)
	if err != nil {
		return err
	}
	return promotable(ctx, env.Heroku, id, FastPrimary)
}

// promotable refuses what Heroku would accept with no more than a warning: a follower, or a database in the making.
func promotable(ctx context.Context, h Heroku, id string, role Role) error {
	status, err := h.WaitStatus(ctx, id)
	if err != nil {
		return fmt.Errorf("reading %s: %w", role, err)
	}
	db, err := h.Database(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", role, err)
	case !status.Ready():
		return fmt.Errorf("%s is not ready: %s", role, status.Message)
	case db.Following():
		return fmt.Errorf("%w: %s is a follower and would be a read-only DATABASE", ErrNeedsHuman, role)
	}
	return nil
}

func (promoteFast) Verify(ctx context.Context, env *Env) (string, error) {
	if err := databaseIs(ctx, env, FastPrimary); err != nil {
		return "", err
	}
	if err := checkDatabase(ctx, env, FinalPrimary); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is fast-primary; %s follows it", heroku.DatabaseAttachment, addonName(env, FinalPrimary)), nil
}

func (promoteFast) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	// Before its point of no return step 8 has changed nothing that would have to be undone.
	if s := l.StepState(8); s.Active() || s == Unknown {
		return started(l, 8)
	}
	return nil
}

func (promoteFast) ConfirmRollback(l Look) Confirmation {
	return typeApp(l, "Make old-primary the DATABASE of "+l.Config().App+" again?", "Allowed only while fast-primary has no writes of the app.", "final-primary is destroyed if it exists.")
}

func (promoteFast) Rollback(ctx context.Context, env *Env) error {
	// A rollback that is gone on with after a crash was allowed once, but step 8 may have begun since.
	if err := passed1(env); err != nil {
		return err
	}
	if err := backToOldPrimary(ctx, env); err != nil {
		return err
	}
	return destroyRollback(ctx, env, FinalPrimary)
}

// databaseMoved says whether DATABASE of any app has left old-primary, or lost its place in a half-done promote.
func databaseMoved(ctx context.Context, env *Env) (bool, error) {
	if _, promoted := FactPromoted.Get(env.Facts()); promoted {
		return true, nil
	}
	for _, app := range env.Config().Apps() {
		current, err := currentDatabase(ctx, env.Heroku, app)
		if err != nil || current.Addon.ID != env.Config().OldPrimary.ID {
			return true, err
		}
	}
	return false, nil
}

// backToOldPrimary makes old-primary the DATABASE again, from a finished or half-done promote. It refuses when
// fast-primary holds writes that old-primary does not have; while DATABASE has not moved there can be none, and
// fast-primary is not asked: it may not exist yet, or be in the middle of a restore.
func backToOldPrimary(ctx context.Context, env *Env) error {
	moved, err := databaseMoved(ctx, env)
	if err != nil {
		return err
	}
	switch baseline, ok := FactBaseline.Get(env.Facts()); {
	case moved && ok:
		err = unwritten(ctx, env, env.Databases, FastPrimary, baseline)
	case moved:
		err = notOurs(ctx, env)
	}
	if err != nil {
		return err
	}
	return attachOldPrimary(ctx, env, FastPrimary, nil)
}

// notOurs refuses to take DATABASE away from a database of this run of which the journal does not know how it was before the
// app came. Such a journal is an old copy: the app may have written there for days.
func notOurs(ctx context.Context, env *Env) error {
	c := env.Config()
	for _, app := range c.Apps() {
		current, err := currentDatabase(ctx, env.Heroku, app)
		if err != nil {
			return err
		}
		if strings.HasPrefix(current.Addon.Name, fmt.Sprintf("%s-mig-%s-", c.App, c.Token4)) {
			return fmt.Errorf("%w: DATABASE of %s is %s, and this journal knows nothing of that: it is an old copy, or not the whole one. Find the newest journal of run %s; going back could lose writes", ErrNeedsHuman, app, current.Addon.Name, c.Run)
		}
	}
	return nil
}

// attachOldPrimary makes old-primary the DATABASE of every app in place of another role's, and takes off the attachment
// that kept it reachable meanwhile.
func attachOldPrimary(ctx context.Context, env *Env, from Role, guard func(context.Context) error) error {
	// Cleared first: step 8 must not start on fast-primary while DATABASE moves away from it.
	if err := FactPromoted.Clear(env); err != nil {
		return err
	}
	if err := promote(ctx, env, from, OldPrimary, guard); err != nil {
		return err
	}
	c := env.Config()
	for _, app := range c.Apps() {
		detach := detachDatabase{heroku: env.Heroku, app: app, addonID: c.OldPrimary.ID, name: c.AttachmentName(OldPrimary, 1)}
		if err := env.Do(ctx, detach); err != nil {
			return err
		}
	}
	return nil
}
