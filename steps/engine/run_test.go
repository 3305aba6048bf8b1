package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"changeover/steps"
	"changeover/steps/journal/crashfs"
)

// rig is an engine on a file system in memory with a world outside. It lives in a synctest bubble: time passes only
// when everybody waits.
type rig struct {
	t     tb
	w     *world
	files *crashfs.FS
	e     *Engine
	steps []steps.Step
	tweak func(*Options)
	ids   int
}

// tb is what tests and model checks have in common.
type tb interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newRig(t tb, w *world, list ...steps.Step) *rig {
	r := &rig{t: t, w: w, files: crashfs.New(), steps: list}
	return r
}

func (r *rig) options() Options {
	o := Options{
		Dir: "/run", Config: steps.Config{Run: "shop-1", App: "shop", Poll: steps.Duration(time.Second), Budget: steps.Duration(time.Hour)},
		Steps: r.steps, Bind: func(context.Context, *steps.Env) error { return nil },
		FS: r.files, BootID: "boot-1",
	}
	if r.tweak != nil {
		r.tweak(&o)
	}
	return o
}

func (r *rig) start() *rig {
	r.t.Helper()
	e, err := Open(context.Background(), r.options())
	if err != nil {
		r.t.Fatalf("opening the engine: %v", err)
	}
	r.e = e
	return r
}

func (r *rig) stop() {
	r.t.Helper()
	if err := r.e.Close(context.Background()); err != nil {
		r.t.Fatalf("closing the engine: %v", err)
	}
}

// settle lets everything happen that happens without time passing.
func settle() { synctest.Wait() }

// pass lets time pass, as long as anything may need at most.
func pass() {
	time.Sleep(10 * time.Minute)
	synctest.Wait()
}

// command sends a command decided on what is on the screen now.
func (r *rig) command(verb steps.Verb, step int, answers ...string) error {
	r.ids++
	return r.e.Command(context.Background(), steps.Command{
		ID: fmt.Sprintf("id-%p-%d", r.e, r.ids), Verb: verb, Step: step, ExpectRev: r.e.View().Rev, Operator: "ana", Answers: answers,
	})
}

func (r *rig) must(verb steps.Verb, step int, answers ...string) {
	r.t.Helper()
	if err := r.command(verb, step, answers...); err != nil {
		r.t.Fatalf("%s %d: %v", verb, step, err)
	}
}

func (r *rig) step(number int) steps.StepView { return r.e.View().Steps[number-1] }

func (r *rig) wantState(number int, want steps.State) {
	r.t.Helper()
	if got := r.step(number); got.State != want {
		r.t.Fatalf("step %d is %s (%s), want %s", number, got.State, got.Reason, want)
	}
}

// goal is a step and the state it shall come to.
type goal struct {
	verb steps.Verb
	step int
	want steps.State
}

func advanceAll(n int) (goals []goal) {
	for i := range n {
		goals = append(goals, goal{steps.Advance, i + 1, steps.Done})
	}
	return goals
}

// reach does what a stubborn operator would do to come to a goal. False means that the engine has died.
func (r *rig) reach(g goal) bool {
	for range 50 {
		v := r.e.View()
		if g.state(r) == g.want {
			return true
		}
		if r.isDead() {
			return false
		}
		switch {
		case v.Paused && (g.verb != steps.BailOut || g.state(r).Active()):
			_ = r.command(steps.ResumeRun, 0)
		case !g.state(r).Active():
			_ = r.command(g.verb, g.step)
		}
		pass()
	}
	r.t.Fatalf("%s %d came to no end: %s", g.verb, g.step, r.describe())
	return false
}

func (g goal) state(r *rig) steps.State {
	if g.step > 0 {
		return r.step(g.step).State
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	if st := r.e.state.steps[0]; st != nil {
		return st.state
	}
	return steps.Ready
}

func (r *rig) isDead() bool {
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	return r.e.dead != nil
}

func (r *rig) describe() string {
	v := r.e.View()
	text := fmt.Sprintf("rev %d paused %v alarm %q", v.Rev, v.Paused, v.Alarm)
	for _, s := range v.Steps {
		text += fmt.Sprintf("\n  %d %s attempt %d: %s (blocked: %s)", s.Number, s.State, s.Attempt, s.Reason, s.AdvanceBlocked)
	}
	return text
}

func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func wantIs(t tb, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}
