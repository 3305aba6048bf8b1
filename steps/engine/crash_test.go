package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
	"changeover/steps/journal/crashfs"
)

// migration is a run in small: every class of effect, waits, facts, and a way back for every step.
func migration(w *world) []steps.Step {
	follower := fakeEffect{w: w, name: "follower", class: steps.Named, hidden: 2, pending: 3}
	on := fakeEffect{w: w, name: "maintenance", class: steps.SetState}
	dump := fakeEffect{w: w, name: "dump", class: steps.Process}
	promote := fakeEffect{w: w, name: "promotion", class: steps.OneWay, hidden: 2}
	alias := fakeEffect{w: w, name: "alias", class: steps.Named}
	undo := func(f fakeEffect, class steps.Class) fakeEffect {
		f.gone, f.class = true, class
		return f
	}
	off := undo(on, steps.SetState)
	seq := func(effects ...fakeEffect) func(ctx context.Context, env *steps.Env) error {
		return func(ctx context.Context, env *steps.Env) error {
			for _, f := range effects {
				if err := env.Do(ctx, f); err != nil {
					return err
				}
			}
			return nil
		}
	}
	readBack := func(f fakeEffect) func(ctx context.Context, env *steps.Env) (string, error) {
		return func(ctx context.Context, _ *steps.Env) (string, error) {
			obs, err := f.Probe(ctx)
			if err == nil && obs.Seen != steps.Present {
				err = fmt.Errorf("%s is %s", f.name, obs.Seen)
			}
			return obs.Detail, err
		}
	}
	return []steps.Step{
		&fakeStep{
			number: 1, before: 2, verify: readBack(follower), rollback: seq(undo(follower, steps.OneWay)),
			run: func(ctx context.Context, env *steps.Env) error {
				if err := env.Do(ctx, follower); err != nil {
					return err
				}
				n := 0
				err := env.Wait(ctx, steps.Waiting{For: "follower to follow", Who: "Heroku"}, time.Minute, func(context.Context) (bool, string, error) {
					n++
					return n > 3, fmt.Sprint("asked ", n), nil
				})
				if err != nil {
					return err
				}
				return steps.FactDatabase(steps.FastFollower).Put(env, steps.Database{Role: steps.FastFollower, AddonID: "a1", Name: "follower"})
			},
		},
		&fakeStep{
			number: 2, before: 3, ready: after(1), verify: readBack(dump), rollback: seq(undo(dump, steps.Process), off),
			run: func(ctx context.Context, env *steps.Env) error {
				if err := seq(on, dump)(ctx, env); err != nil {
					return err
				}
				return steps.FactReport.Put(env, "dumped")
			},
		},
		&fakeStep{number: 3, ready: after(2), verify: readBack(promote), run: seq(alias, promote, off), noRollback: fmt.Errorf("one way")},
	}
}

// migrating is a rig for the migration, with a way to bail out of it.
func migrating(t tb, w *world) *rig {
	r := newRig(t, w, migration(w)...)
	r.tweak = func(o *Options) {
		o.BailVoids = map[int]steps.State{2: steps.RolledBack, 3: steps.Failed}
		o.BailCheck = func(v steps.Look) error {
			if v.StepState(3) == steps.Done {
				return errors.New("there is no way back behind step 3")
			}
			return nil
		}
		o.Bail = func(ctx context.Context, env *steps.Env) error {
			for _, f := range []fakeEffect{{w: w, name: "dump", class: steps.Process, gone: true}, {w: w, name: "maintenance", class: steps.SetState, gone: true}} {
				if err := env.Do(ctx, f); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return r
}

// scenarios are what operators do; each must come to the same end whatever dies when. From is the first journal
// record to crash at: the beginnings of all are alike.
var scenarios = map[string]struct {
	from  int
	goals []goal
}{
	"forward": {1, advanceAll(3)},
	"rollback": {28, []goal{
		{steps.Advance, 1, steps.Done},
		{steps.Advance, 2, steps.Done},
		{steps.RollbackOne, 2, steps.RolledBack},
		{steps.RollbackOne, 1, steps.RolledBack},
	}},
	"bail": {28, []goal{
		{steps.Advance, 1, steps.Done},
		{steps.Advance, 2, steps.Done},
		{steps.BailOut, 0, steps.Done},
		{steps.Advance, 2, steps.Done},
	}},
}

// ending is what must not depend on crashes.
type ending struct {
	Present []string
	Changes map[string]int // how often each effect happened in the world
	States  []steps.State
	Report  string
}

// crashing plays a scenario and crashes at the n-th journal record. It says how it ended, and whether the crash
// came at all.
func crashing(t *testing.T, goals []goal, n int, fate crashfs.Fate, did bool) (end ending, crashed bool) {
	w := newWorld()
	r := migrating(t, w)
	r.files.Hook(func(op crashfs.Op) error {
		if op.Kind == "sync" && op.Name == "journal.jsonl" && op.N == n {
			crashed = true
			return crashfs.ErrCrashed
		}
		return nil
	})
	if e, err := Open(t.Context(), r.options()); err == nil {
		r.e = e
	} else {
		r.reboot(fate, did)
	}
	for _, g := range goals {
		for !r.reach(g) {
			r.reboot(fate, did)
		}
	}
	// The last record of all is that of the engine's end: a crash there is an end too.
	defer func() { _ = r.e.Close(context.Background()) }()
	if v := w.violations(); len(v) > 0 {
		t.Errorf("%v", v)
	}
	end = ending{Present: w.present(), Changes: maps.Clone(w.changes)}
	maps.DeleteFunc(end.Changes, func(_ string, n int) bool { return n == 0 })
	for _, s := range r.e.View().Steps {
		end.States = append(end.States, s.State)
	}
	end.Report, _ = steps.FactReport.Get(r.e.look().Facts())
	return end, crashed
}

// reboot ends the dead engine, decides what the outside did with a request that was on its way, and starts anew.
func (r *rig) reboot(fate crashfs.Fate, did bool) {
	r.t.Helper()
	if r.e != nil {
		_ = r.e.Close(context.Background()) // it is dead; only its goroutines must end
	}
	r.w.crash(r.files.Read("/run/journal.jsonl"), did)
	r.files = r.files.Reboot(fate)
	r.start()
}

// crash decides what becomes of the effect whose record was being written when everything died.
func (w *world) crash(file []byte, did bool) {
	lines := bytes.Split(bytes.TrimSpace(file), []byte("\n"))
	var last journal.Record
	if json.Unmarshal(lines[len(lines)-1], &last) != nil || last.Effect == "" {
		return
	}
	_, key, _ := bytes.Cut([]byte(last.Effect), []byte("/"))
	switch {
	case (last.Kind == kindIntent || last.Kind == kindSent) && did:
		w.apply(string(key), false)
	case last.Kind == kindAck && !did:
		w.apply(string(key), true)
	}
}

func TestCrashMatrix(t *testing.T) {
	for name, test := range scenarios {
		goals := test.goals
		t.Run(name, func(t *testing.T) {
			var want ending
			bubble(t, func(t *testing.T) { want, _ = crashing(t, goals, 0, crashfs.Kept, true) })
			cases := 0
			for n, more := test.from, true; more; n++ {
				for _, fate := range []crashfs.Fate{crashfs.Lost, crashfs.Torn, crashfs.Kept} {
					for _, did := range []bool{true, false} {
						bubble(t, func(t *testing.T) {
							var got ending
							got, more = crashing(t, goals, n, fate, did)
							if diff := cmp.Diff(want, got); diff != "" {
								t.Errorf("crash at record %d, record %s, outside did it: %v (-without crash +with):\n%s", n, fate, did, diff)
							}
							cases++
						})
					}
				}
			}
			if cases < 6*20 {
				t.Errorf("only %d cases: the scenario writes too few records to prove anything", cases)
			}
			t.Logf("%d cases", cases)
		})
	}
}
