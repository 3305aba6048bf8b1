package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
)

// endless is a step that works until it is stopped.
func endless(number int) *fakeStep {
	return &fakeStep{number: number, run: func(ctx context.Context, _ *steps.Env) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}
}

func TestRefusals(t *testing.T) {
	yes := steps.Confirmation{Tier: steps.TierYes}
	typed := steps.Confirmation{Tier: steps.TierTyped, Words: []string{"shop", "shop-mig-7f3a-fast-primary"}}
	bail := func(o *Options) {
		o.Bail = func(context.Context, *steps.Env) error { return nil }
		o.BailConfirm = func(steps.Look) steps.Confirmation {
			return steps.Confirmation{Tier: steps.TierTyped, Words: []string{"shop"}}
		}
	}
	for _, test := range []struct {
		name    string
		before  func(r *rig)
		command steps.Command
		stale   bool
		tweak   func(o *Options)
		want    error
		why     string
	}{
		{name: "stale revision", command: steps.Command{Verb: steps.Advance, Step: 1}, stale: true, want: steps.ErrStale},
		{name: "stale before anything else", command: steps.Command{Verb: steps.Advance, Step: 99}, stale: true, want: steps.ErrStale},
		{name: "pause from a stale screen", command: steps.Command{Verb: steps.PauseRun}, stale: true},
		{name: "locked step", command: steps.Command{Verb: steps.Advance, Step: 2}, want: steps.ErrNotAllowed, why: "step 1 must be done first"},
		{name: "no such step", command: steps.Command{Verb: steps.Advance, Step: 99}, want: steps.ErrNotAllowed, why: "no step 99"},
		{name: "no such verb", command: steps.Command{Verb: "dance", Step: 1}, want: steps.ErrNotAllowed, why: "dance"},
		{name: "running step again", before: func(r *rig) { r.must(steps.Advance, 5) }, command: steps.Command{Verb: steps.Advance, Step: 5}, want: steps.ErrNotAllowed, why: "at work"},
		{name: "done step again", before: func(r *rig) { r.must(steps.Advance, 1); pass() }, command: steps.Command{Verb: steps.Advance, Step: 1}, want: steps.ErrNotAllowed, why: "done"},
		{name: "advance while paused", before: func(r *rig) { r.must(steps.PauseRun, 0) }, command: steps.Command{Verb: steps.Advance, Step: 1}, want: steps.ErrNotAllowed, why: "resume first"},
		{name: "rollback while paused", before: func(r *rig) { r.must(steps.Advance, 1); pass(); r.must(steps.PauseRun, 0) }, command: steps.Command{Verb: steps.RollbackOne, Step: 1}, want: steps.ErrNotAllowed, why: "resume first"},
		{name: "resume what is not paused", command: steps.Command{Verb: steps.ResumeRun}, want: steps.ErrNotAllowed, why: "not paused"},
		{name: "missing yes", command: steps.Command{Verb: steps.Advance, Step: 3}, want: steps.ErrConfirm},
		{name: "no instead of yes", command: steps.Command{Verb: steps.Advance, Step: 3, Answers: []string{"n"}}, want: steps.ErrConfirm},
		{name: "yes", command: steps.Command{Verb: steps.Advance, Step: 3, Answers: []string{"y"}}},
		{name: "one word of two", command: steps.Command{Verb: steps.Advance, Step: 4, Answers: []string{"shop"}}, want: steps.ErrConfirm},
		{name: "words in the wrong order", command: steps.Command{Verb: steps.Advance, Step: 4, Answers: []string{"shop-mig-7f3a-fast-primary", "shop"}}, want: steps.ErrConfirm},
		{name: "all words", command: steps.Command{Verb: steps.Advance, Step: 4, Answers: []string{"shop", "shop-mig-7f3a-fast-primary"}}},
		{name: "rollback of what never ran", command: steps.Command{Verb: steps.RollbackOne, Step: 1}, want: steps.ErrNotAllowed, why: "never started"},
		{name: "rollback that the step forbids", before: func(r *rig) { r.must(steps.Advance, 6); pass() }, command: steps.Command{Verb: steps.RollbackOne, Step: 6}, want: steps.ErrNotAllowed, why: "behind the point of no return"},
		{name: "a step whose Ready has a bug", command: steps.Command{Verb: steps.Advance, Step: 7}, want: steps.ErrNotAllowed, why: "bug"},
		{name: "bail without a way", command: steps.Command{Verb: steps.BailOut}, want: steps.ErrNotAllowed, why: "no way"},
		{name: "bail without the word", tweak: bail, command: steps.Command{Verb: steps.BailOut}, want: steps.ErrConfirm},
		{name: "bail with the word", tweak: bail, command: steps.Command{Verb: steps.BailOut, Answers: []string{"shop"}}},
		{name: "bail when the check says no", tweak: func(o *Options) {
			bail(o)
			o.BailCheck = func(steps.Look) error { return errors.New("the new database has writes") }
		}, command: steps.Command{Verb: steps.BailOut, Answers: []string{"shop"}}, want: steps.ErrNotAllowed, why: "has writes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2, ready: after(1)}, &fakeStep{number: 3, confirm: yes},
					&fakeStep{number: 4, confirm: typed}, endless(5), &fakeStep{number: 6, noRollback: errors.New("behind the point of no return")},
					&fakeStep{number: 7, ready: func(steps.Look) error { panic("nil map") }})
				r.tweak = test.tweak
				r.start()
				defer r.stop()
				if test.before != nil {
					test.before(r)
				}
				before := r.e.View()
				c := test.command
				c.ID, c.Operator, c.ExpectRev = "the command", "ana", before.Rev
				if test.stale {
					c.ExpectRev--
				}
				err := r.e.Command(t.Context(), c)
				if !errors.Is(err, test.want) || test.want != nil && !strings.Contains(err.Error(), test.why) {
					t.Fatalf("answered %v, want %v with %q", err, test.want, test.why)
				}
				if after := r.e.View(); err != nil && after.Rev != before.Rev {
					t.Errorf("a refused command moved rev from %d to %d", before.Rev, after.Rev)
				}
				last := r.lastCommand()
				if last.Command.ID != c.ID || (last.Refusal != "") != (test.want != nil) {
					t.Errorf("the journal says %+v about it", last)
				}
			})
		})
	}
}

// lastCommand is the newest command in the journal.
func (r *rig) lastCommand() (last commandData) {
	for record, err := range journal.Records(r.files, "/run/journal.jsonl") {
		if err != nil {
			r.t.Fatal(err)
		}
		if record.Kind == kindCommand {
			last = commandData{}
			if err := decoded(record, func(_ journal.Record, d commandData) { last = d }); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return last
}

func TestViewSaysWhatCommandsWouldAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2, ready: after(1)}, &fakeStep{number: 3, noRollback: errors.New("no way back")}).start()
		defer r.stop()
		r.must(steps.Advance, 3)
		pass()
		type line struct {
			State    steps.State
			Advance  string
			Rollback string
		}
		var got []line
		for _, s := range r.e.View().Steps {
			got = append(got, line{s.State, s.AdvanceBlocked, s.RollbackBlocked})
			if s.CanAdvance != (s.AdvanceBlocked == "") || s.CanRollback != (s.RollbackBlocked == "") {
				t.Errorf("step %d: possible and reason do not fit: %+v", s.Number, s)
			}
		}
		want := []line{
			{steps.Ready, "", "it was never started"},
			{steps.Locked, "step 1 must be done first", "it was never started"},
			{steps.Done, "it is done", "no way back"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if v := r.e.View(); v.Next != 1 || v.Steps[1].Reason != "step 1 must be done first" || v.BailBlocked == "" {
			t.Errorf("next %d, reason of the locked step %q, bail blocked %q", v.Next, v.Steps[1].Reason, v.BailBlocked)
		}
	})
}

func TestRepeatedCommandIsCarriedOutOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		runs := 0
		step := &fakeStep{number: 1, run: func(context.Context, *steps.Env) error { runs++; return errors.New("no luck") }}
		r := newRig(t, newWorld(), step).start()
		advance := steps.Command{ID: "a", Verb: steps.Advance, Step: 1, ExpectRev: r.e.View().Rev, Operator: "ana"}
		stale := steps.Command{ID: "b", Verb: steps.Advance, Step: 1, ExpectRev: 99, Operator: "ana"}
		for range 2 {
			for range 3 {
				if err := r.e.Command(t.Context(), advance); err != nil {
					t.Fatalf("the repeated command: %v, want the first answer", err)
				}
				wantIs(t, r.e.Command(t.Context(), stale), steps.ErrStale)
				pass()
			}
			r.stop()
			r.start() // the answers are still known to the next engine
		}
		if runs != 1 {
			t.Errorf("the step ran %d times for one command, want once", runs)
		}
		other := advance
		other.Verb = steps.RollbackOne
		wantIs(t, r.e.Command(t.Context(), other), steps.ErrNotAllowed)
		r.stop()
	})
}

func TestTwoOperatorsAtTheSameInstant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), endless(1), endless(2)).start()
		defer r.stop()
		rev := r.e.View().Rev
		var wg sync.WaitGroup
		answers := make([]error, 8)
		for i := range answers {
			wg.Go(func() {
				answers[i] = r.e.Command(context.Background(), steps.Command{
					ID: string(rune('a' + i)), Verb: steps.Advance, Step: 1 + i%2, ExpectRev: rev, Operator: string(rune('a' + i)),
				})
			})
		}
		wg.Wait()
		won := 0
		for i, err := range answers {
			if err == nil {
				won++
			} else if !errors.Is(err, steps.ErrStale) {
				t.Errorf("operator %d was told %v, want ErrStale", i, err)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d operators who saw the same screen won, want exactly one", won, len(answers))
		}
	})
}

func TestPauseHoldsTheNextEffect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		a := fakeEffect{w: w, name: "a", class: steps.SetState, during: func(context.Context) error { time.Sleep(time.Minute); return nil }}
		b := fakeEffect{w: w, name: "b", class: steps.SetState}
		asked := 0
		step := &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
			if err := errors.Join(env.Do(ctx, a), env.Do(ctx, b)); err != nil {
				return err
			}
			return env.Wait(ctx, steps.Waiting{For: "the moon", Who: "nobody"}, time.Minute, func(context.Context) (bool, string, error) {
				asked++
				return asked > 5, "", nil
			})
		}}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		settle() // a is on its way
		r.must(steps.PauseRun, 0)
		r.wantState(1, steps.Running) // what is in flight goes on
		pass()
		r.wantState(1, steps.Paused)
		if diff := cmp.Diff([]string{"a"}, w.present()); diff != "" {
			t.Errorf("while paused (-want +got):\n%s", diff)
		}
		v := r.e.View()
		if !v.Paused || v.PausedBy != "ana" || !strings.Contains(v.Steps[0].Reason, "paused by ana") {
			t.Errorf("paused %v by %q, step says %q", v.Paused, v.PausedBy, v.Steps[0].Reason)
		}
		r.must(steps.ResumeRun, 0)
		time.Sleep(90 * time.Second)
		settle()
		r.must(steps.PauseRun, 0)
		pass()
		if before := asked; true {
			pass()
			if asked != before || before == 0 {
				t.Errorf("asked %d and then %d times in a pause, want no question", before, asked)
			}
		}
		r.wantState(1, steps.Paused)
		r.must(steps.ResumeRun, 0)
		pass()
		r.wantState(1, steps.Done)
	})
}

func TestNoIntentAfterAPauseWasAccepted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		r := newRig(t, w)
		f := fakeEffect{w: w, name: "a", class: steps.SetState}
		checks := 0
		f.precheck = func(context.Context) error { // the pause comes between looking and sending
			if checks++; checks == 1 {
				r.must(steps.PauseRun, 0)
			}
			return nil
		}
		r.steps = []steps.Step{one(f)}
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Paused)
		if got := r.phases(); len(got) != 0 {
			t.Fatalf("journaled %v in a pause", got)
		}
		r.must(steps.ResumeRun, 0)
		pass()
		r.wantState(1, steps.Done)
		if checks != 2 {
			t.Errorf("prechecked %d times, want once more after the pause", checks)
		}
	})
}

func TestAnswersAreJournaledWithTheOperator(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1, confirm: steps.Confirmation{Tier: steps.TierTyped, Words: []string{"shop"}}}).start()
		defer r.stop()
		c := steps.Command{ID: "x", Verb: steps.Advance, Step: 1, ExpectRev: r.e.View().Rev, Answers: []string{"shop"}, Operator: "bo", From: "10.0.0.9", Reason: "it is time"}
		if err := r.e.Command(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, r.lastCommand().Command); diff != "" {
			t.Errorf("journaled command (-sent +journaled):\n%s", diff)
		}
	})
}
