package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"changeover/steps"
)

// remote is what ReadWorld of a test says; tests change it behind the engine's back. The zero value does not answer.
type remote struct{ atomic.Pointer[steps.World] }

// is makes shop the app, with the add-on as its DATABASE, and attaches old as well.
func (h *remote) is(database string, attached ...string) {
	w := steps.World{
		Apps:        map[string]steps.AppWorld{"shop": {ID: "1", Formation: map[string]int{"web": 1}}},
		Databases:   map[steps.Role]steps.DatabaseWorld{steps.OldPrimary: {Name: "old"}},
		Attachments: map[string]string{"shop/DATABASE": database},
	}
	for _, key := range attached {
		w.Attachments[key] = "old"
	}
	h.Store(&w)
}

// read is a ReadWorld.
func (h *remote) read(context.Context, steps.Look) (steps.World, error) {
	w := h.Load()
	if w == nil {
		return steps.World{}, errors.New("no route to host")
	}
	return *w, nil
}

// driftRig has steps 1 to 9, of which 4 sends one effect, and a world that can be changed.
func driftRig(t *testing.T, now *remote) *rig {
	w := newWorld()
	var list []steps.Step
	for n := 1; n <= 9; n++ {
		list = append(list, &fakeStep{number: n})
	}
	list[3].(*fakeStep).run = func(ctx context.Context, env *steps.Env) error {
		return env.Do(ctx, fakeEffect{w: w, name: "dump", class: steps.SetState})
	}
	r := newRig(t, w, list...)
	r.tweak = func(o *Options) {
		o.Config.OldPrimary = steps.AddonRef{ID: "1", Name: "old"}
		o.ReadWorld = now.read
		o.Bail = func(context.Context, *steps.Env) error { return nil }
	}
	return r
}

func TestDriftPausesTheRunUntilSomebodyAcceptsItOrPutsItRight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := &remote{}
		now.is("old")
		r := driftRig(t, now)
		r.start()
		defer r.stop()
		pass()
		now.is("old", "other/BEFORE")
		pass()
		if r.e.View().Paused {
			t.Fatal("before step 3 nothing is drift")
		}
		r.must(steps.Advance, 3)
		pass()
		if v := r.e.View(); v.Paused || v.Alarm != "" {
			t.Fatalf("what changed before step 3 is no drift: %q", v.Alarm)
		}
		now.is("old", "other/BEFORE", "other/AFTER")
		pass()
		v := r.e.View()
		if !v.Paused || v.PausedBy != "drift" || !strings.Contains(v.Alarm, "old is attached to other as AFTER") || strings.Contains(v.Alarm, "BEFORE") {
			t.Fatalf("paused %v by %q, alarm %q", v.Paused, v.PausedBy, v.Alarm)
		}
		rev := v.Rev
		pass()
		if r.e.View().Rev != rev {
			t.Error("the same drift is journaled again and again")
		}
		// It survives the engine.
		r.stop()
		r.start()
		if v := r.e.View(); !v.Paused || !strings.Contains(v.Alarm, "AFTER") {
			t.Fatalf("after a restart: paused %v, alarm %q", v.Paused, v.Alarm)
		}
		r.must(steps.ResumeRun, 0) // accepted
		pass()
		if v := r.e.View(); v.Paused || strings.Contains(v.Alarm, "AFTER") {
			t.Fatalf("accepted drift still alarms: paused %v, alarm %q", v.Paused, v.Alarm)
		}
		now.is("old", "other/BEFORE") // gone …
		pass()
		now.is("old", "other/BEFORE", "other/AFTER") // … and back: to be decided again
		pass()
		if !r.e.View().Paused {
			t.Fatal("accepted drift that went and came back is drift again")
		}
		now.is("old", "other/BEFORE") // put right
		pass()
		if v := r.e.View(); !v.Paused || v.Alarm != "" {
			t.Fatalf("put right: paused %v, alarm %q; want a pause without alarm", v.Paused, v.Alarm)
		}
	})
}

func TestDriftIsLookedForBeforeAStepSends(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := &remote{}
		now.is("old")
		r := driftRig(t, now)
		r.tweakMore(func(o *Options) { o.DriftEvery = 100 * time.Hour })
		r.start()
		defer r.stop()
		r.must(steps.Advance, 3)
		pass()
		now.is("somebody-s")
		r.must(steps.Advance, 4)
		pass()
		v := r.e.View()
		if !v.Paused || !strings.Contains(v.Alarm, "DATABASE of shop is somebody-s, not old-primary (old)") {
			t.Fatalf("paused %v, alarm %q", v.Paused, v.Alarm)
		}
		if r.w.totalSent() != 0 {
			t.Error("an effect was sent upon a world that is not as it should be")
		}
		r.must(steps.ResumeRun, 0)
		pass()
		if r.w.totalSent() != 1 || r.e.View().Steps[3].State != steps.Done {
			t.Errorf("after resume %d sent, step 4 %s", r.w.totalSent(), r.e.View().Steps[3].State)
		}
	})
}

func TestDriftHoldsUpNoBailOutAndConcludesNothingFromSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := &remote{}
		now.is("old")
		r := driftRig(t, now)
		r.start()
		defer r.stop()
		r.must(steps.Advance, 3)
		pass()
		now.Store(nil) // cannot be read
		pass()
		if v := r.e.View(); v.Paused || v.Alarm != "" {
			t.Fatalf("paused %v, alarm %q although nothing is known", v.Paused, v.Alarm)
		}
		now.is("old", "other/AFTER")
		pass()
		if !r.e.View().Paused {
			t.Fatal("not paused")
		}
		r.must(steps.BailOut, 0)
		pass()
		if v := r.e.View(); v.Paused || v.Alarm != "" || v.Steps[2].State != steps.RolledBack {
			t.Errorf("bailed out: paused %v, alarm %q, step 3 %s", v.Paused, v.Alarm, v.Steps[2].State)
		}
	})
}

// tweakMore adds to what tweak does.
func (r *rig) tweakMore(more func(*Options)) {
	before := r.tweak
	r.tweak = func(o *Options) { before(o); more(o) }
}
