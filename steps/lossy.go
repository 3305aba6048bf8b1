package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/heroku"
)

// The lossy path is the only way back behind a point of no return: production goes back to old-primary, and the app loses
// what it has written since. It is no rollback. The run ends with it, and touches or deletes none of its databases any
// more, because one of them is now the only place where those writes are.

// Lossy is the lossy path once it has been taken.
type Lossy struct {
	From  Role      `json:"from"`  // which database served
	Began time.Time `json:"began"` // from here on there is no forward
	// Loss was counted while nobody wrote, before DATABASE moved; Counted is zero until then.
	Loss    Loss      `json:"loss"`
	Counted time.Time `json:"counted,omitzero"`
	// OldWrites says who has written to old-primary since it was left, in one line; empty when nobody has.
	OldWrites string    `json:"old_writes,omitempty"`
	Ended     time.Time `json:"ended,omitzero"` // production is back
}

// FactLossy is on disk before the lossy path changes anything.
const FactLossy Fact[Lossy] = "lossy"

// wentBack says why nothing of the run goes on behind the lossy path, nil before it.
func wentBack(l Look) error {
	lossy, ok := FactLossy.Get(l.Facts())
	switch {
	case !ok:
		return nil
	case lossy.Ended.IsZero():
		return errors.New("production is on its way back to old-primary with loss; finish that with: changeover bail --lossy")
	default:
		return fmt.Errorf("the run is over: production went back to old-primary with loss; what was written since is in %s, and databases are deleted by hand", whereLost(l))
	}
}

// whereLost names the databases that hold what the app has lost.
func whereLost(l Look) string {
	lossy, _ := FactLossy.Get(l.Facts())
	return fmt.Sprintf("%s (%s)", lossy.From, addonName(l, lossy.From))
}

// LossySentence is what must be typed. It names what is lost, so that nobody types it without having read that.
func LossySentence(l Look) string {
	since, _ := FactNoReturn1.Get(l.Facts())
	return fmt.Sprintf("LOSE WRITES SINCE %s ON %s", since.UTC().Format(time.DateTime), l.Config().App)
}

// LossyBlocked is why the lossy path cannot be taken, nil when it can.
func LossyBlocked(l Look) error {
	if lossy, ok := FactLossy.Get(l.Facts()); ok && !lossy.Ended.IsZero() {
		return fmt.Errorf("production is back on old-primary since %s UTC", lossy.Ended.UTC().Format(time.DateTime))
	}
	if _, latched := FactNoReturn1.Get(l.Facts()); !latched {
		return errors.New("nothing has to be lost yet: bail out instead")
	}
	if old, ok := FactDatabase(OldPrimary).Get(l.Facts()); ok && !old.Alive() {
		return fmt.Errorf("old-primary (%s) no longer exists, so there is nothing to go back to", old.Name)
	}
	return nil
}

// LossyConfirm is what must be typed for the lossy path.
func LossyConfirm(l Look) Confirmation {
	c := l.Config()
	since, _ := FactNoReturn1.Get(l.Facts())
	serving := servingRole(l)
	return Confirmation{
		Tier:     TierTyped,
		Question: fmt.Sprintf("Go back to old-primary and LOSE every write of %s since %s UTC?", c.App, since.UTC().Format(time.DateTime)),
		Consequences: []string{
			fmt.Sprintf("The app no longer has those writes. They stay readable in %s (%s) until somebody deletes it.", serving, addonName(l, serving)),
			fmt.Sprintf("Users are shut out once more: maintenance on, every process stopped, DATABASE to %s, processes back, maintenance off.", c.OldPrimary.Name),
			"There is no way forward again: the run ends with it. Its databases stay, are billed, and are deleted by hand.",
		},
		Words: []string{LossySentence(l)},
	}
}

// LossyVoids are the steps whose work no longer holds behind the lossy path.
func LossyVoids() []int { return []int{7, 8, 9} }

// GoBackLossy brings production back on old-primary from behind a point of no return. It may be called again at any
// point. Nothing is deleted.
func GoBackLossy(ctx context.Context, env *Env) error {
	if err := LossyBlocked(env); err != nil {
		return err
	}
	if err := oldPrimaryStands(ctx, env); err != nil {
		return err
	}
	lossy, err := beginLossy(ctx, env)
	if err != nil {
		return err
	}
	if err := adoptFormations(env); err != nil {
		return err
	}
	fence, err := shutOutForLossy(ctx, env, lossy.From)
	if err != nil {
		return err
	}
	// Nobody writes there any more, so it may be counted again; a count that became worse meanwhile is not taken.
	if loss := CountLoss(ctx, env, env.Databases, env.Now()); lossy.Counted.IsZero() || loss.Unknown == "" {
		lossy.Loss, lossy.Counted = loss, loss.Until
		if err := FactLossy.Put(env, lossy); err != nil {
			return err
		}
	}
	env.Log(Warn, "lost by going back: %s", lossy.Loss)
	guard := func(ctx context.Context) error { return lossyGuard(ctx, env, fence) }
	if err := attachOldPrimary(ctx, env, lossy.From, guard); err != nil {
		return err
	}
	if err := leaveMaintenance(ctx, env, 0); err != nil {
		return err
	}
	lossy.Ended = env.Now()
	return FactLossy.Put(env, lossy)
}

// oldPrimaryStands reads fresh, before anything is touched, that there is a database to go back to.
func oldPrimaryStands(ctx context.Context, env *Env) error {
	old := env.Config().OldPrimary
	addon, err := env.Heroku.Addon(ctx, old.ID)
	switch {
	case errors.Is(err, heroku.ErrNotFound), err == nil && (addon.State == heroku.AddonDeprovisioned || addon.State == heroku.AddonDeprovisioning):
		return fmt.Errorf("%w: old-primary (%s) no longer exists, so there is nothing to go back to; the app is left where it is", ErrNeedsHuman, old.Name)
	case err != nil:
		return fmt.Errorf("reading old-primary, nothing was changed: %w", err)
	}
	if err := promotable(ctx, env.Heroku, old.ID, OldPrimary); err != nil {
		return err
	}
	return checkWritable(ctx, env, OldPrimary)
}

// beginLossy latches that the lossy path was taken.
func beginLossy(ctx context.Context, env *Env) (Lossy, error) {
	lossy, begun := FactLossy.Get(env.Facts())
	if begun {
		return lossy, nil
	}
	lossy = Lossy{From: servingRole(env), Began: env.Now()}
	if fence, ok := FactFence.Get(env.Facts()); ok {
		who, err := checkFence(ctx, env, env.Databases, fence)
		if err != nil {
			return lossy, fmt.Errorf("reading whether old-primary was written to, nothing was changed: %w", err)
		}
		if lossy.OldWrites = who; who != "" {
			env.Log(Warn, "old-primary is not as it was left: %s", who)
		}
	}
	if err := FactLossy.Put(env, lossy); err != nil {
		return lossy, err
	}
	// They were about the way forward; nobody is to watch them any more.
	for _, forget := range []func(Recorder) error{FactFence.Clear, FactFenceBroken.Clear} {
		if err := forget(env); err != nil {
			return lossy, err
		}
	}
	return lossy, nil
}

// adoptFormations takes over what an interrupted step 8 or 9 has recorded: the app is down or halfway up, and what runs
// now is not what has to run again.
func adoptFormations(env *Env) error {
	for _, app := range env.Config().Apps() {
		for _, step := range []int{9, 3} {
			f, ok := FactFormation(step, app).Get(env.Facts())
			if !ok {
				continue
			}
			if _, have := FactFormation(0, app).Get(env.Facts()); !have {
				if err := FactFormation(0, app).Put(env, f); err != nil {
					return err
				}
			}
			if err := FactFormation(step, app).Clear(env); err != nil {
				return err
			}
		}
	}
	return nil
}

// shutOutForLossy stops the app and proves that nobody writes to the database that served. A server that does not answer
// may be the very reason for going back: then nobody writes to it, and the fence is empty.
func shutOutForLossy(ctx context.Context, env *Env, serving Role) (Fence, error) {
	if err := shutOut(ctx, env); err != nil {
		return Fence{}, err
	}
	err := withServer(ctx, env.Databases, serving, func(Server) error { return nil })
	if err != nil && ctx.Err() == nil {
		env.Log(Warn, "%s does not answer, so nobody can say whether it is still written to: %v", serving, err)
		return Fence{}, nil
	}
	if err := endSessions(ctx, env, serving); err != nil {
		return Fence{}, err
	}
	return proveFence(ctx, env, serving)
}

// lossyGuard is read just before DATABASE moves: what is written now would not have been counted.
func lossyGuard(ctx context.Context, env *Env, fence Fence) error {
	if err := oldPrimaryStands(ctx, env); err != nil {
		return err
	}
	if fence.Leader == "" {
		return nil
	}
	broken, err := checkFence(ctx, env, env.Databases, fence)
	if err != nil {
		env.Log(Warn, "%s does not answer any more: %v", fence.Leader, err)
		return nil
	}
	if broken != "" {
		return fmt.Errorf("%w: %s is still written to: %s; end that, then bail out with --lossy again", ErrNeedsHuman, fence.Leader, broken)
	}
	return nil
}
