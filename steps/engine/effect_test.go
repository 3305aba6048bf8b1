package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
)

// phases lists the effect records of a run, as "kind key".
func (r *rig) phases() []string {
	r.t.Helper()
	var list []string
	for record, err := range journal.Records(r.files, "/run/journal.jsonl") {
		if err != nil {
			r.t.Fatal(err)
		}
		if record.Effect != "" {
			list = append(list, record.Kind+" "+record.Effect)
		}
	}
	return list
}

func one(f fakeEffect) *fakeStep {
	return &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, f) }}
}

// What becomes of a step with one effect, by class of the effect and what happens to its requests.
func TestOutcomes(t *testing.T) {
	for _, test := range []struct {
		name   string
		class  steps.Class
		faults []fault
		before bool // it is there already
		hidden int
		pend   int
		state  steps.State
		sends  int
		phases string
	}{
		{"plain", steps.SetState, nil, false, 0, 0, steps.Done, 1, "intent sent ack observed done"},
		{"already so", steps.SetState, nil, true, 0, 0, steps.Done, 0, "observed done"},
		{"404 for a while", steps.Named, nil, false, 5, 0, steps.Done, 1, "intent sent ack observed done"},
		{"pending for an hour", steps.Named, nil, false, 2, 3600, steps.Done, 1, "intent sent ack observed done"},
		{"reply lost, set-state", steps.SetState, []fault{lostReply}, false, 3, 0, steps.Done, 1, "intent sent timeout observed done"},
		{"reply lost, named", steps.Named, []fault{lostReply}, false, 3, 0, steps.Done, 1, "intent sent timeout observed done"},
		{"reply lost, one-way", steps.OneWay, []fault{lostReply}, false, 3, 0, steps.Done, 1, "intent sent timeout observed done"},
		{"request lost, set-state", steps.SetState, []fault{lostRequest}, false, 0, 0, steps.Done, 2, "intent sent timeout observed intent sent ack observed done"},
		{"request lost, named", steps.Named, []fault{lostRequest}, false, 0, 0, steps.Done, 2, "intent sent timeout observed intent sent ack observed done"},
		{"request lost, process", steps.Process, []fault{lostRequest}, false, 0, 0, steps.Done, 2, "intent sent timeout observed intent sent ack observed done"},
		{"request lost, one-way: never again by itself", steps.OneWay, []fault{lostRequest}, false, 0, 0, steps.Unknown, 1, "intent sent timeout observed"},
		{"yes and not there, one-way", steps.OneWay, []fault{falseYes}, false, 0, 0, steps.Unknown, 1, "intent sent ack observed"},
		{"yes and not there, process", steps.Process, []fault{falseYes}, false, 0, 0, steps.Failed, 1, "intent sent ack observed error"},
		{
			"requests lost for ever", steps.SetState,
			[]fault{lostRequest, lostRequest, lostRequest, lostRequest},
			false, 0, 0, steps.Unknown, 3,
			"intent sent timeout observed intent sent timeout observed intent sent timeout observed",
		},
		{"certain no", steps.SetState, []fault{saysNo}, false, 0, 0, steps.Failed, 1, "intent sent error"},
		{"certain no, one-way", steps.OneWay, []fault{saysNo}, false, 0, 0, steps.Failed, 1, "intent sent error"},
		{"bug while sending", steps.SetState, []fault{panics}, false, 0, 0, steps.NeedsHuman, 1, "intent sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld()
				f := fakeEffect{w: w, name: "x", class: test.class, hidden: test.hidden, pending: test.pend}
				w.fail(f.Key(), test.faults...)
				w.set("x", test.before)
				r := newRig(t, w, one(f)).start()
				defer r.stop()
				r.must(steps.Advance, 1)
				for range 12 { // the hour
					pass()
				}
				r.wantState(1, test.state)
				if got := w.sent(f.Key()); got != test.sends {
					t.Errorf("it was sent %d times, want %d", got, test.sends)
				}
				want := strings.ReplaceAll(test.phases, " ", " 1.1/make x\n") + " 1.1/make x"
				if diff := cmp.Diff(want, strings.Join(r.phases(), "\n")); diff != "" {
					t.Errorf("phases (-want +got):\n%s", diff)
				}
				if v := w.violations(); len(v) > 0 {
					t.Error(v)
				}
			})
		})
	}
}

func TestOneWayIsSentAgainOnlyByAPerson(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		asked := 0
		f := fakeEffect{w: w, name: "x", class: steps.OneWay, precheck: func(context.Context) error { asked++; return nil }}
		w.fail(f.Key(), lostRequest)
		step := one(f)
		step.run = func(ctx context.Context, env *steps.Env) error { // a step that does not take no for an answer
			var err error
			for range 3 {
				if err = env.Do(ctx, f); err == nil {
					return nil
				}
			}
			return err
		}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Unknown)
		if w.sent(f.Key()) != 1 {
			t.Fatalf("sent %d times before anybody decided", w.sent(f.Key()))
		}
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		if w.sent(f.Key()) != 2 || asked != 2 || r.step(1).Attempt != 1 {
			t.Errorf("sent %d times, prechecked %d times, attempt %d; want 2, 2 and the same attempt", w.sent(f.Key()), asked, r.step(1).Attempt)
		}
	})
}

func TestNameAlreadyTakenIsAdoptedWhenItIsOurs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		f := fakeEffect{w: w, name: "x", class: steps.Named}
		// It appears between the look and the sending, as after a request that came late.
		f.precheck = func(context.Context) error { w.set("x", true); return nil }
		r := newRig(t, w, one(f)).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		if diff := cmp.Diff([]string{"intent 1.1/make x", "sent 1.1/make x", "error 1.1/make x", "observed 1.1/make x", "done 1.1/make x"}, r.phases()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPrecheckAndProbeErrorsSendNothing(t *testing.T) {
	for name, f := range map[string]fakeEffect{
		"precheck": {name: "x", class: steps.SetState, precheck: func(context.Context) error { return errors.New("no longer safe") }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f.w = newWorld()
				r := newRig(t, f.w, one(f)).start()
				defer r.stop()
				r.must(steps.Advance, 1)
				pass()
				r.wantState(1, steps.Failed)
				if got := r.phases(); len(got) != 0 {
					t.Errorf("journaled %v, want nothing", got)
				}
			})
		})
	}
}

// seenEffect answers probes with what it is told to.
type seenEffect struct {
	fakeEffect
	seen []steps.Observation
	errs []error
}

func (s *seenEffect) Probe(context.Context) (steps.Observation, error) {
	obs := s.seen[0]
	var err error
	if len(s.errs) > 0 {
		err, s.errs = s.errs[0], s.errs[1:]
	}
	if len(s.seen) > 1 {
		s.seen = s.seen[1:]
	}
	return obs, err
}

func TestConflictNeedsAPerson(t *testing.T) {
	conflict := steps.Observation{Seen: steps.Conflict, Detail: "x follows another leader"}
	for name, seen := range map[string][]steps.Observation{
		"before sending": {conflict},
		"after sending":  {{Seen: steps.Absent}, conflict},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := &seenEffect{fakeEffect: fakeEffect{w: newWorld(), name: "x", class: steps.Named}, seen: seen}
				r := newRig(t, f.w, &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, f) }}).start()
				defer r.stop()
				r.must(steps.Advance, 1)
				pass()
				r.wantState(1, steps.NeedsHuman)
				if got := r.step(1).Reason; !strings.Contains(got, "follows another leader") {
					t.Errorf("the reason is %q, want what stands there", got)
				}
			})
		})
	}
}

func TestUnreadableWorldAfterSendingIsUnknownNotFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		down := errors.New("503")
		f := &seenEffect{fakeEffect: fakeEffect{w: newWorld(), name: "x", class: steps.SetState}, seen: []steps.Observation{{Seen: steps.Absent}}}
		f.errs = append(f.errs, nil)
		for range 1000 {
			f.errs = append(f.errs, down)
		}
		r := newRig(t, f.w, &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, f) }}).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Unknown)
		if f.w.sent(f.Key()) != 1 {
			t.Errorf("sent %d times while nobody could look, want once", f.w.sent(f.Key()))
		}
	})
}

func TestFinishedEffectIsNotRepeatedInItsAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		on := fakeEffect{w: w, name: "attachment", class: steps.Named}
		off := fakeEffect{w: w, name: "attachment", class: steps.Named, gone: true}
		step := &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
			return errors.Join(env.Do(ctx, on), env.Do(ctx, off))
		}}
		step.verify = func(context.Context, *steps.Env) (string, error) {
			return "", fmt.Errorf("cannot say: %w", steps.ErrUnknownOutcome)
		}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Unknown)
		step.verify = nil
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		if w.sent(on.Key()) != 1 || w.sent(off.Key()) != 1 {
			t.Errorf("the attachment came %d times and went %d times, want once each", w.sent(on.Key()), w.sent(off.Key()))
		}
	})
}

func TestAStateThatAPersonChangedMeanwhileIsSetAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		on := fakeEffect{w: w, name: "maintenance", class: steps.SetState}
		step := &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, on) }}
		step.verify = func(context.Context, *steps.Env) (string, error) {
			return "", fmt.Errorf("cannot say: %w", steps.ErrUnknownOutcome)
		}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Unknown)
		off := on
		off.gone = true
		if err := off.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		step.verify = nil
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		if n := w.sent(on.Key()); n != 2 {
			t.Errorf("maintenance went on %d times, want twice: a person had turned it off in between", n)
		}
	})
}

func TestCreationsComeOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		now, most := 0, 0
		create := func(name string) fakeEffect {
			f := fakeEffect{w: w, name: name, class: steps.Named, hidden: 3, pending: 100}
			f.during = func(context.Context) error {
				now++
				most = max(most, now)
				time.Sleep(time.Minute)
				now--
				return nil
			}
			return f
		}
		r := newRig(t, w, one(create("a")), &fakeStep{number: 2, run: func(ctx context.Context, env *steps.Env) error { return env.Do(ctx, create("b")) }}).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		r.must(steps.Advance, 2)
		for range 6 {
			pass()
		}
		r.wantState(1, steps.Done)
		r.wantState(2, steps.Done)
		if most != 1 {
			t.Errorf("%d creations were on their way at once, want 1", most)
		}
	})
}

func TestEffectKeyTwiceAtOnceIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		f := fakeEffect{w: w, name: "x", class: steps.SetState}
		var inner error
		outer := f
		r := newRig(t, w)
		step := &fakeStep{number: 1}
		step.run = func(ctx context.Context, env *steps.Env) error {
			outer.during = func(ctx context.Context) error { inner = env.Do(ctx, f); return nil }
			return env.Do(ctx, outer)
		}
		r.steps = []steps.Step{step}
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		if inner == nil || w.sent(f.Key()) != 1 {
			t.Errorf("the second use of the key: %v, sent %d times; want an error and once", inner, w.sent(f.Key()))
		}
	})
}
