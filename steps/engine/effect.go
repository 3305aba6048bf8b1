package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/steps"
)

// flight is one call of Recorder.Do.
type flight struct {
	*recorder
	effect steps.Effect
	key    string
	plan   steps.Plan
	class  steps.Class

	open   bool // sent earlier in this attempt, outcome not read back
	ours   bool // … by this very runner, so no person has decided since
	try    int
	locked bool // we hold Engine.named
}

// errPaused is the pause that came between looking and sending.
var errPaused = errors.New("paused")

// Do implements steps.Recorder. An effect that is done in this attempt is not looked at again: a later effect may
// have undone it on purpose, and Verify reads the end of it all. A set-state effect is, once the attempt was interrupted.
func (r *recorder) Do(ctx context.Context, effect steps.Effect) error {
	f := &flight{recorder: r, effect: effect, key: r.scope + effect.Key(), plan: effect.Plan(), class: effect.Class()}
	if done, err := f.claim(); done || err != nil {
		return err
	}
	defer f.land()
	for {
		err := f.bring(ctx)
		if !errors.Is(err, errPaused) {
			return err
		}
		f.unlock() // others may go on with theirs when the pause is over
	}
}

// claim makes sure that nobody else works on the key, and finds what the journal knows of it.
func (f *flight) claim() (done bool, err error) {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if f.busy[f.key] {
		return false, fmt.Errorf("bug: effect %q is used twice at once", f.key)
	}
	known := f.e.state.effects[f.key]
	if known != nil {
		// A state that was set before an interruption may have been changed by a person since: it is looked at again.
		if known.phase == kindDone && (f.class != steps.SetState || known.doneAt > f.began) {
			return true, nil
		}
		f.open, f.try = known.unsettled(), known.try
		f.ours = known.sentAt > f.began
	}
	f.busy[f.key] = true
	return false, nil
}

func (f *flight) land() {
	f.unlock()
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	delete(f.busy, f.key)
}

// bring looks, and sends what is missing, until it has been seen or the class of the effect says stop.
func (f *flight) bring(ctx context.Context) error {
	if err := f.hold(ctx); err != nil {
		return err
	}
	f.say(f.plan.Action)
	obs, err := f.before(ctx)
	if err != nil {
		return err
	}
	for sent := 0; ; sent++ {
		switch obs.Seen {
		case steps.Present:
			return f.seen(obs)
		case steps.Conflict:
			return f.conflict(obs)
		}
		if err := f.mayResend(sent, obs); err != nil {
			return err
		}
		if err := f.lock(ctx); err != nil {
			return err
		}
		if err := f.alone(ctx); err != nil {
			return err
		}
		if err := f.effect.Precheck(ctx); err != nil {
			return err
		}
		if obs, err = f.send(ctx); err != nil {
			return err
		}
	}
}

// alone makes sure, for an effect that is a process, that none of an engine before this one still does the same.
func (f *flight) alone(ctx context.Context) error {
	if f.class != steps.Process {
		return nil
	}
	if err := f.e.endOrphans(ctx); err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	return nil
}

// before reads the world before anything is sent. What was sent earlier gets the time to become visible.
func (f *flight) before(ctx context.Context) (steps.Observation, error) {
	if f.open && f.class != steps.Process {
		obs, err := f.settle(ctx, ctx)
		if err != nil {
			return obs, f.unknown(err)
		}
		return obs, nil
	}
	for {
		obs, err := f.effect.Probe(ctx)
		if err != nil {
			if cause := f.stopped(ctx); cause != nil {
				return obs, errors.Join(cause, err)
			}
			return obs, fmt.Errorf("nothing was sent, reading before %q failed: %w", f.plan.Action, err)
		}
		if obs.Seen != steps.Pending {
			return obs, nil
		}
		f.say(f.plan.Action + ": " + obs.Detail)
		if err := f.sleep(ctx, f.e.o.SettleEvery); err != nil {
			return obs, err
		}
	}
}

// mayResend decides, by class, whether what is still absent may be sent: sent counts how often this call has done so.
func (f *flight) mayResend(sent int, obs steps.Observation) error {
	if !f.open {
		return nil // never sent
	}
	switch {
	case f.class == steps.OneWay && (sent > 0 || f.ours):
		// Only a person may decide that it is to be sent once more, and he does so by starting the step again.
		return f.unknown(fmt.Errorf("it was sent and cannot be seen (%s)", firstText(obs.Detail, string(obs.Seen))))
	case sent > f.e.o.Resends:
		return f.unknown(fmt.Errorf("it was sent %d times and cannot be seen (%s)", sent, firstText(obs.Detail, string(obs.Seen))))
	default:
		return nil
	}
}

// send journals the intent, sends, journals the answer, and reads back what came of it.
func (f *flight) send(ctx context.Context) (steps.Observation, error) {
	if err := f.intend(ctx); err != nil {
		return steps.Observation{}, err
	}
	f.e.logf(steps.Info, f.number, "%s", f.plan.Action)
	sendCtx, release := f.detach(ctx)
	defer release()
	err := f.effect.Do(sendCtx)
	switch {
	case err == nil:
		if err := f.phase(kindAck, effectData{}); err != nil {
			return steps.Observation{}, err
		}
	case f.isUnknown(err):
		if err := f.phase(kindTimeout, effectData{Detail: f.e.clean(err.Error())}); err != nil {
			return steps.Observation{}, err
		}
		f.e.logf(steps.Warn, f.number, "%s: no answer, looking whether it happened: %v", f.plan.Action, err)
	default:
		return f.refused(ctx, err)
	}
	f.open = true
	obs, settleErr := f.settle(sendCtx, ctx)
	if settleErr != nil {
		return obs, f.unknown(firstError(err, settleErr))
	}
	if obs.Seen != steps.Absent {
		return obs, nil
	}
	if err := f.phase(kindObserved, effectData{Seen: obs.Seen, Detail: f.e.clean(obs.Detail)}); err != nil {
		return obs, err
	}
	if cause := f.stopped(ctx); cause != nil {
		return obs, f.unknown(cause)
	}
	if f.class == steps.Process && err == nil {
		return obs, f.settled(fmt.Errorf("%s: it ended without an error, but reading back does not find it (%s)", f.plan.Action, firstText(obs.Detail, "nothing there")))
	}
	return obs, nil
}

// isUnknown says whether an error leaves open what happened. Our own processes are gone when Do returns, so a
// cancelled one has certainly not come to its end; a request that was cut may have arrived.
func (f *flight) isUnknown(err error) bool {
	if errors.Is(err, steps.ErrUnknownOutcome) {
		return true
	}
	return f.class != steps.Process && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// refused handles a certain no. The thing may be there all the same: "name is already taken" is what a create
// hears whose first answer was lost.
func (f *flight) refused(ctx context.Context, refusal error) (steps.Observation, error) {
	if err := f.settled(refusal); !errors.Is(err, refusal) {
		return steps.Observation{}, err
	}
	f.open = false
	if f.stopped(ctx) != nil {
		return steps.Observation{}, refusal
	}
	obs, err := f.effect.Probe(ctx)
	if err == nil && (obs.Seen == steps.Present || obs.Seen == steps.Conflict) {
		return obs, nil
	}
	return obs, refusal
}

// settled journals that the effect did certainly not happen, and returns why.
func (f *flight) settled(why error) error {
	if err := f.phase(kindError, effectData{Detail: f.e.clean(why.Error())}); err != nil {
		return err
	}
	return why
}

// settle reads back until the effect is seen, or until it stayed absent for the settle window: something just
// made answers 404 for a while. Something that is pending may take hours, and has no end. Once the step is to stop
// it looks no longer than it must: a rollback waits the window out, because it has to know what to undo.
func (f *flight) settle(ctx, step context.Context) (steps.Observation, error) {
	end := time.Now().Add(f.e.o.SettleFor)
	for {
		obs, err := f.effect.Probe(ctx)
		switch {
		case errors.Is(err, steps.ErrNeedsHuman):
			return obs, err
		case err != nil:
			f.say(fmt.Sprintf("%s: cannot read back: %v", f.plan.Action, err))
		case obs.Seen == steps.Present, obs.Seen == steps.Conflict:
			return obs, nil
		case obs.Seen == steps.Pending:
			f.unlock()
			f.say(f.plan.Action + ": " + obs.Detail)
			end = time.Now().Add(f.e.o.SettleFor)
		}
		cause := f.stopped(step)
		if cause != nil && (obs.Seen == steps.Pending || !errors.Is(cause, errRollback) || ctx.Err() != nil) {
			return obs, errors.Join(cause, err)
		}
		if over := !time.Now().Before(end); over || f.class == steps.Process && err == nil && obs.Seen == steps.Absent {
			return obs, err
		}
		f.linger(cause != nil)
	}
}

// linger lets time pass between two looks. A step that is to stop cuts the pause short once.
func (f *flight) linger(stopping bool) {
	soft := f.soft.Done()
	if stopping {
		soft = nil
	}
	timer := time.NewTimer(f.e.o.SettleEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-soft:
	case <-f.e.hard.Done():
	}
}

// seen journals that the effect happened.
func (f *flight) seen(obs steps.Observation) error {
	data := effectData{Seen: obs.Seen, Detail: f.e.clean(obs.Detail), Class: f.class, Plan: &f.plan}
	if err := f.phase(kindObserved, data); err != nil {
		return err
	}
	if err := f.phase(kindDone, effectData{}); err != nil {
		return err
	}
	f.e.logf(steps.Info, f.number, "%s", firstText(obs.Detail, f.plan.Action+": done"))
	return nil
}

func (f *flight) conflict(obs steps.Observation) error {
	if err := f.phase(kindObserved, effectData{Seen: obs.Seen, Detail: f.e.clean(obs.Detail), Class: f.class, Plan: &f.plan}); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s: %s", steps.ErrNeedsHuman, f.plan.Action, firstText(obs.Detail, "something else is there"))
}

// unknown wraps what stands in the way of knowing.
func (f *flight) unknown(err error) error {
	if errors.Is(err, steps.ErrUnknownOutcome) || errors.Is(err, steps.ErrNeedsHuman) {
		return fmt.Errorf("%s: %w", f.plan.Action, err)
	}
	return fmt.Errorf("%s: %w: %w", f.plan.Action, steps.ErrUnknownOutcome, err)
}
