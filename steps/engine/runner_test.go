package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"changeover/steps"
	"changeover/steps/journal/crashfs"
)

func TestHowAStepEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		step   fakeStep
		bind   error
		want   steps.State
		reason string
	}{
		{name: "done, with evidence", want: steps.Done, reason: "seen"},
		{name: "cannot be equipped", bind: errors.New("no token"), want: steps.Failed, reason: "no token"},
		{name: "check says no", step: fakeStep{check: func(context.Context, *steps.Env) error { return errors.New("plan too small") }}, want: steps.Failed, reason: "plan too small"},
		{name: "run fails", step: fakeStep{run: func(context.Context, *steps.Env) error { return errors.New("no disk") }}, want: steps.Failed, reason: "no disk"},
		{name: "run needs a person", step: fakeStep{run: func(context.Context, *steps.Env) error { return fmt.Errorf("odd: %w", steps.ErrNeedsHuman) }}, want: steps.NeedsHuman, reason: "odd"},
		{name: "run does not know", step: fakeStep{run: func(context.Context, *steps.Env) error { return fmt.Errorf("hm: %w", steps.ErrUnknownOutcome) }}, want: steps.Unknown, reason: "hm"},
		{name: "verify says no", step: fakeStep{verify: func(context.Context, *steps.Env) (string, error) { return "", errors.New("not following") }}, want: steps.Failed, reason: "reading back: not following"},
		{name: "bug in run", step: fakeStep{run: func(context.Context, *steps.Env) error { panic("index out of range") }}, want: steps.NeedsHuman, reason: "bug in step 1: index out of range"},
		{name: "several lines and colours", step: fakeStep{run: func(context.Context, *steps.Env) error { return errors.New("a\n\x1b[31mb\x1b[0m") }}, want: steps.Failed, reason: "a  [31mb [0m"},
		{name: "a secret", step: fakeStep{run: func(context.Context, *steps.Env) error { return errors.New("dial postgres://u:c4nary@h/d") }}, want: steps.Failed, reason: "dial postgres://***@h/d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				test.step.number = 1
				r := newRig(t, newWorld(), &test.step)
				r.tweak = func(o *Options) { o.Bind = func(context.Context, *steps.Env) error { return test.bind } }
				r.start()
				defer r.stop()
				r.must(steps.Advance, 1)
				pass()
				r.wantState(1, test.want)
				if got := r.step(1).Reason; !strings.Contains(got, test.reason) {
					t.Errorf("the reason is %q, want %q", got, test.reason)
				}
			})
		})
	}
}

func TestFailedStepBeginsANewAttemptAndChecksAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		checks, luck := 0, false
		step := &fakeStep{number: 1, check: func(context.Context, *steps.Env) error { checks++; return nil }}
		step.run = func(_ context.Context, env *steps.Env) error {
			time.Sleep(time.Minute)
			if !luck {
				luck = true
				return errors.New("bad luck")
			}
			return nil
		}
		r := newRig(t, newWorld(), step).start()
		defer r.stop()
		for range 2 {
			r.must(steps.Advance, 1)
			pass()
		}
		v := r.step(1)
		if v.State != steps.Done || v.Attempt != 2 || checks != 2 || v.Active != 2*time.Minute {
			t.Errorf("%s in attempt %d after %d checks and %s of work; want done, 2, 2 and 2m0s", v.State, v.Attempt, checks, v.Active)
		}
	})
}

func TestRollbackOfARunningStepStopsItFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		var order []string
		f := fakeEffect{w: w, name: "x", class: steps.SetState, during: func(context.Context) error { time.Sleep(20 * time.Second); return nil }}
		gone := fakeEffect{w: w, name: "x", class: steps.SetState, gone: true}
		step := &fakeStep{number: 1}
		step.run = func(ctx context.Context, env *steps.Env) error {
			defer func() { order = append(order, "run ended") }()
			return errors.Join(env.Do(ctx, f), env.Do(ctx, fakeEffect{w: w, name: "y", class: steps.SetState}))
		}
		step.rollback = func(ctx context.Context, env *steps.Env) error {
			order = append(order, "rollback began")
			return env.Do(ctx, gone)
		}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		settle()
		r.must(steps.RollbackOne, 1)
		r.wantState(1, steps.RollingBack)
		pass()
		r.wantState(1, steps.RolledBack)
		if got := strings.Join(order, ", "); got != "run ended, rollback began" {
			t.Errorf("order: %s", got)
		}
		if got := w.present(); len(got) != 0 || w.sent("make y") != 0 {
			t.Errorf("left in the world: %v, later effect sent %d times; want nothing", got, w.sent("make y"))
		}
		r.must(steps.Advance, 1) // a step that was undone may be started again
		pass()
		if v := r.step(1); v.State != steps.Done || v.Attempt != 2 {
			t.Errorf("%s in attempt %d, want done in 2", v.State, v.Attempt)
		}
	})
}

func TestRollbackFailsAndIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		step := one(fakeEffect{w: w, name: "x", class: steps.Named})
		gone := fakeEffect{w: w, name: "x", class: steps.OneWay, gone: true}
		step.rollback = func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, gone) }
		w.fail(gone.Key(), saysNo)
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.must(steps.RollbackOne, 1)
		pass()
		r.wantState(1, steps.Failed)
		if got := r.step(1).Reason; !strings.HasPrefix(got, "rollback:") {
			t.Errorf("the reason %q does not say that it was the rollback", got)
		}
		r.must(steps.RollbackOne, 1)
		pass()
		r.wantState(1, steps.RolledBack)
	})
}

func TestBailStopsEverythingAndVoidsWhatNoLongerHolds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		stopped := 0
		var list []steps.Step
		for n := 1; n <= 6; n++ {
			list = append(list, &fakeStep{number: n})
		}
		six := endless(6)
		run := six.run
		six.run = func(ctx context.Context, env *steps.Env) error { defer func() { stopped++ }(); return run(ctx, env) }
		list[5] = six
		r := newRig(t, newWorld(), list...)
		tries := 0
		r.tweak = func(o *Options) {
			o.Bail = func(_ context.Context, env *steps.Env) error {
				if stopped != 1 {
					t.Error("bailing out began before the running step had ended")
				}
				if tries++; tries == 1 {
					return errors.New("503")
				}
				return steps.FactReport.Put(env, "bailed")
			}
		}
		r.start()
		defer r.stop()
		for n := 1; n <= 5; n++ {
			r.must(steps.Advance, n)
			pass()
		}
		r.must(steps.Advance, 6)
		settle()
		r.must(steps.PauseRun, 0) // a pause before it does not hold it
		r.must(steps.BailOut, 0)
		pass()
		if v := r.e.View(); v.Paused || !strings.Contains(v.Alarm, "503") || v.BailBlocked != "" {
			t.Errorf("after a bail-out that failed: paused %v, alarm %q, blocked %q", v.Paused, v.Alarm, v.BailBlocked)
		}
		r.wantState(3, steps.Done) // nothing is void before it is done
		r.must(steps.BailOut, 0)
		pass()
		for n, want := range map[int]steps.State{1: steps.Done, 2: steps.Done, 3: steps.RolledBack, 4: steps.Failed, 5: steps.Done, 6: steps.Failed} {
			r.wantState(n, want)
		}
		if v := r.e.View(); v.Alarm != "" {
			t.Errorf("an alarm is left: %q", v.Alarm)
		}
		r.must(steps.Advance, 3)
		pass()
		if v := r.step(3); v.State != steps.Done || v.Attempt != 2 {
			t.Errorf("step 3 is %s in attempt %d, want done in 2", v.State, v.Attempt)
		}
	})
}

func TestRecovery(t *testing.T) {
	bubble(t, func(t *testing.T) {
		step := endless(1)
		r := newRig(t, newWorld(), step, &fakeStep{number: 2, run: func(_ context.Context, env *steps.Env) error {
			return steps.FactOutages.Put(env, []steps.Outage{{FromStep: 3, Start: env.Now()}})
		}}).start()
		r.must(steps.Advance, 1)
		r.must(steps.Advance, 2)
		pass()
		rev := r.e.View().Rev
		r.stop() // the work is interrupted, in order
		step.run = nil
		r.tweak = func(o *Options) { o.BootID = "boot-2" }
		r.start()
		defer r.stop()

		v := r.e.View()
		r.wantState(1, steps.Unknown)
		r.wantState(2, steps.Done)
		if !v.Paused || v.PausedBy != "engine" || v.Rev <= rev {
			t.Errorf("paused %v by %q at rev %d (before: %d); want a pause and a new rev", v.Paused, v.PausedBy, v.Rev, rev)
		}
		for _, want := range []string{"the machine was restarted", "interrupted in step 1", "maintenance is still on since"} {
			if !strings.Contains(v.Alarm, want) {
				t.Errorf("alarm %q does not say %q", v.Alarm, want)
			}
		}
		if got := v.Steps[0].Reason; !strings.Contains(got, "machine was restarted") {
			t.Errorf("reason %q does not say that the machine was restarted", got)
		}
		if got := v.Steps[0].Active; got != 10*time.Minute {
			t.Errorf("the interrupted step has worked for %s, want the 10m0s until the engine stopped", got)
		}
		r.must(steps.ResumeRun, 0)
		if v := r.e.View(); v.Alarm != "" {
			t.Errorf("after resume the alarm is still %q", v.Alarm)
		}
		r.must(steps.Advance, 1)
		pass()
		if v := r.step(1); v.State != steps.Done || v.Attempt != 1 {
			t.Errorf("%s in attempt %d, want the same attempt to come to its end", v.State, v.Attempt)
		}
	})
}

// Nothing was at work, but nobody who presses a key now has seen what happened meanwhile.
func TestAfterARestartOfTheMachineARunIsPausedUntilItIsOver(t *testing.T) {
	for _, tc := range []struct {
		name   string
		done   int
		boot   string
		paused bool
	}{
		{"nothing was begun", 0, "boot-2", false},
		{"between two steps", 1, "boot-2", true},
		{"the engine alone was restarted", 1, "boot-1", false},
		{"the run is over", 2, "boot-2", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2}).start()
				for n := range tc.done {
					r.must(steps.Advance, n+1)
					settle()
				}
				r.stop()
				r.tweak = func(o *Options) { o.BootID = tc.boot }
				r.start()
				defer r.stop()
				v := r.e.View()
				if v.Paused != tc.paused || strings.Contains(v.Alarm, "the machine was restarted") != tc.paused {
					t.Fatalf("paused %v, alarm %q; want a pause: %v", v.Paused, v.Alarm, tc.paused)
				}
				if tc.paused {
					r.must(steps.ResumeRun, 0)
				}
				if v := r.e.View(); v.Paused || v.Alarm != "" {
					t.Errorf("paused %v, alarm %q after resume", v.Paused, v.Alarm)
				}
			})
		})
	}
}

func TestInterruptedRollbackGoesOnAsRollback(t *testing.T) {
	for _, verb := range []steps.Verb{steps.Advance, steps.RollbackOne} {
		t.Run(string(verb), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				step := &fakeStep{number: 1}
				step.rollback = func(ctx context.Context, _ *steps.Env) error { <-ctx.Done(); return ctx.Err() }
				r := newRig(t, newWorld(), step).start()
				r.must(steps.Advance, 1)
				pass()
				r.must(steps.RollbackOne, 1)
				settle()
				r.stop()
				step.rollback = nil
				r.start()
				defer r.stop()
				r.wantState(1, steps.Unknown)
				r.must(steps.ResumeRun, 0)
				r.must(verb, 1)
				pass()
				r.wantState(1, steps.RolledBack)
			})
		})
	}
}

func TestCloseLetsTheRequestInFlightFinish(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		cut := false
		f := fakeEffect{w: w, name: "x", class: steps.SetState, during: func(ctx context.Context) error {
			select {
			case <-time.After(20 * time.Second):
				return nil
			case <-ctx.Done():
				cut = true
				return ctx.Err()
			}
		}}
		r := newRig(t, w, one(f)).start()
		r.must(steps.Advance, 1)
		settle()
		r.stop()
		if cut || w.sent(f.Key()) != 1 {
			t.Fatalf("the request was cut: %v", cut)
		}
		if got := r.phases(); got[len(got)-1] != "done 1.1/make x" {
			t.Errorf("what was seen before the end was not journaled: %v", got)
		}
		r.start()
		r.must(steps.ResumeRun, 0)
		r.must(steps.Advance, 1)
		settle()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseWithoutPatienceCutsTheRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		f := fakeEffect{w: w, name: "x", class: steps.SetState, during: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		r := newRig(t, w, one(f)).start()
		r.must(steps.Advance, 1)
		settle()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := r.e.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.phases(), ", "); got != "intent 1.1/make x, sent 1.1/make x, timeout 1.1/make x" {
			t.Errorf("a cut request is journaled as %s", got)
		}
	})
}

func TestNothingIsSentWithoutADurableRecord(t *testing.T) {
	for _, kind := range []string{"write", "sync"} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				f := fakeEffect{w: w, name: "x", class: steps.SetState}
				var full atomic.Int32 // 0 not yet, 1 now, 2 room again
				f.precheck = func(context.Context) error { full.CompareAndSwap(0, 1); return nil }
				r := newRig(t, w, one(f), &fakeStep{number: 2})
				r.files.Hook(func(op crashfs.Op) error {
					if full.Load() == 1 && op.Kind == kind && op.Name == "journal.jsonl" {
						return syscall.ENOSPC
					}
					return nil
				})
				r.start()
				r.must(steps.Advance, 1)
				pass()
				if w.sent(f.Key()) != 0 {
					t.Error("it was sent although the intent is not on disk")
				}
				v := r.e.View()
				if v.Steps[0].State != steps.Unknown || v.Steps[1].CanAdvance || !strings.Contains(v.Alarm, "no space left") {
					t.Errorf("step 1 is %s, step 2 can advance: %v, alarm %q; want unknown, false, and the cause", v.Steps[0].State, v.Steps[1].CanAdvance, v.Alarm)
				}
				full.Store(2) // the journal stays dead all the same
				if err := r.command(steps.Advance, 2); err == nil {
					t.Error("a command was accepted without a journal")
				}
				_ = r.e.Close(t.Context())
				r.start()
				defer r.stop()
				if !r.reach(goal{steps.Advance, 1, steps.Done}) {
					t.Error("the next engine cannot go on")
				}
			})
		})
	}
}

func TestSecondEngineIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1}).start()
		defer r.stop()
		_, err := Open(t.Context(), r.options())
		wantIs(t, err, ErrRunning)
		if !strings.Contains(err.Error(), "process") {
			t.Errorf("the error %q does not name the process", err)
		}
	})
}

func TestDoneWhenAllStepsAre(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2}).start()
		r.must(steps.Advance, 2)
		pass()
		select {
		case <-r.e.Done():
			t.Fatal("done after one of two steps")
		default:
		}
		r.must(steps.Advance, 1)
		pass()
		<-r.e.Done()
		if v := r.e.View(); !v.Finished || v.Run.Finished.IsZero() {
			t.Errorf("finished %v at %v", v.Finished, v.Run.Finished)
		}
		r.stop()
		r.start()
		defer r.stop()
		<-r.e.Done() // known to the next engine too
	})
}
