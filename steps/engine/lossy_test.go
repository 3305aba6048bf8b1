package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"changeover/steps"
)

// losing is a rig whose step 2 passes a point of no return.
func losing(t tb, lose func(ctx context.Context, env *steps.Env) error) *rig {
	r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2, run: func(_ context.Context, env *steps.Env) error {
		return steps.FactNoReturn1.Put(env, env.Now())
	}}, endless(3), &fakeStep{number: 4})
	passed := func(v steps.Look) bool { _, ok := steps.FactNoReturn1.Get(v.Facts()); return ok }
	r.tweak = func(o *Options) {
		o.Bail = func(context.Context, *steps.Env) error { return nil }
		o.BailCheck = func(v steps.Look) error {
			if passed(v) {
				return errors.New("writes would be lost")
			}
			return nil
		}
		o.Lossy = lose
		o.LossyCheck = func(v steps.Look) error {
			if !passed(v) {
				return errors.New("nothing has to be lost yet")
			}
			return nil
		}
		o.LossyConfirm = func(steps.Look) steps.Confirmation {
			return steps.Confirmation{Tier: steps.TierTyped, Consequences: []string{"the run ends"}, Words: []string{"LOSE WRITES ON shop"}}
		}
		o.CountLoss = func(context.Context, steps.Look) string { return "3 rows" }
		o.LossyVoids = []int{2}
	}
	return r
}

func TestTheLossyPathNeedsItsSentenceAndEndsWhatIsAtWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		tries := 0
		r := losing(t, func(ctx context.Context, env *steps.Env) error {
			if tries++; tries == 1 {
				return env.Do(ctx, fakeEffect{w: newWorld(), name: "old-primary", class: steps.SetState, during: func(context.Context) error { return errors.New("503") }})
			}
			return nil
		})
		r.start()
		defer r.stop()
		refused := func(want error, why string, answers ...string) {
			t.Helper()
			if err := r.command(steps.BailLossy, 0, answers...); !errors.Is(err, want) || !strings.Contains(err.Error(), why) {
				t.Errorf("%q: %v, want %v (%s)", answers, err, want, why)
			}
		}
		refused(steps.ErrNotAllowed, "nothing has to be lost yet", "LOSE WRITES ON shop")
		r.must(steps.Advance, 1)
		pass()
		r.must(steps.Advance, 2)
		pass()
		r.must(steps.Advance, 3)
		settle()
		for _, wrong := range [][]string{nil, {"y"}, {"shop"}, {"lose writes on shop"}, {"LOSE", "WRITES", "ON", "shop"}} {
			refused(steps.ErrConfirm, "", wrong...)
		}
		v := r.e.View()
		if !v.CanLose || v.LossyBlocked != "" || !slices.Equal(v.LossyConfirm.Consequences, []string{"the run ends", "3 rows"}) {
			t.Errorf("may lose %v (%q), shown %q", v.CanLose, v.LossyBlocked, v.LossyConfirm.Consequences)
		}
		r.wantState(3, steps.Running)

		r.must(steps.BailLossy, 0, "LOSE WRITES ON shop")
		pass()
		if v := r.e.View(); !strings.Contains(v.Alarm, "going back with loss is failed: 503; bail out with --lossy again") {
			t.Errorf("after a try that failed the alarm is %q", v.Alarm)
		}
		if got := r.step(3).State; got.Active() {
			t.Errorf("step 3 is %s beside the way back", got)
		}
		r.must(steps.BailLossy, 0, "LOSE WRITES ON shop")
		pass()
		for n, want := range map[int]steps.State{1: steps.Done, 2: steps.RolledBack, 3: steps.Failed} {
			r.wantState(n, want)
		}
		if v := r.e.View(); v.Alarm != "" {
			t.Errorf("an alarm is left: %q", v.Alarm)
		}
	})
}

// Nobody may get past the sentence because it was left out of a program.
func TestWithoutASentenceTheLossyPathIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := losing(t, func(context.Context, *steps.Env) error { t.Error("it was taken"); return nil })
		tweak := r.tweak
		r.tweak = func(o *Options) { tweak(o); o.LossyConfirm = nil }
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.must(steps.Advance, 2)
		pass()
		for _, answers := range [][]string{nil, {""}, {"y"}, {"shop"}} {
			if err := r.command(steps.BailLossy, 0, answers...); !errors.Is(err, steps.ErrConfirm) {
				t.Errorf("%q: %v", answers, err)
			}
		}
	})
}
