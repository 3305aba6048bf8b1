package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/journal"
)

// runner is the goroutine of one started step, one rollback, or the bail-out.
type runner struct {
	e       *Engine
	step    steps.Step // nil for the bail-out
	number  int
	attempt int
	does    string
	actor   string
	plan    string // hash of what was confirmed
	// soft ends when the work is to stop; requests in flight are finished first. See Engine.hard.
	soft   context.Context
	cancel context.CancelCauseFunc
	after  []*runner // must be over before this one begins
	began  uint64    // seq of the command that started it
	done   chan struct{}

	// Live, guarded by Engine.mu, and forgotten with the runner.
	busy    map[string]bool // effects in flight, by key
	doing   string
	waits   []*steps.WaitView
	holding int           // goroutines of it that stand at a gate
	moved   time.Time     // when the transfer last showed other numbers
	told    time.Duration // for how long it had not when that was last said
}

// outcome is how a runner ended.
type outcome struct {
	evidence string
	err      error
	stack    string
}

func (r *runner) run() {
	defer close(r.done)
	defer r.cancel(nil)
	for _, other := range r.after {
		<-other.done
	}
	r.finish(r.work())
}

// work does what the runner is for. A panic in a step ends the step, not the engine.
func (r *runner) work() (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: fmt.Errorf("%w: bug in step %d: %v", steps.ErrNeedsHuman, r.number, p), stack: string(debug.Stack())}
		}
	}()
	env := &steps.Env{Look: live{r.e}, Recorder: &recorder{runner: r, scope: scope(r.number, r.attempt, r.does == doesUndo)}, Step: r.number, Attempt: r.attempt, Now: r.e.o.Now, Control: &r.e.control}
	if err := r.e.o.Bind(r.soft, env); err != nil {
		return outcome{err: err}
	}
	switch r.does {
	case doesUndo:
		r.lookAround()
		return outcome{err: r.step.Rollback(r.soft, env)}
	case doesBail:
		return outcome{err: r.e.o.Bail(r.soft, env)}
	case doesLose:
		return outcome{err: r.e.o.Lossy(r.soft, env)}
	}
	r.lookAround()
	if err := r.check(env); err != nil {
		return outcome{err: err}
	}
	if err := r.step.Run(r.soft, env); err != nil {
		return outcome{err: err}
	}
	if err := r.enter(steps.Verifying); err != nil {
		return outcome{err: err}
	}
	evidence, err := r.step.Verify(r.soft, env)
	if err != nil {
		err = fmt.Errorf("reading back: %w", err)
	}
	return outcome{evidence: evidence, err: err}
}

// lookAround looks for drift before the step begins to send. What it finds pauses the run, so that the first effect waits
// at the gate. Step 3 takes the world as it finds it: what changed while the app was in use is no drift.
func (r *runner) lookAround() {
	if r.e.o.ReadWorld == nil || r.number < 3 || r.number > 9 {
		return
	}
	r.say("looking for changes made by others")
	why := regularly
	if _, begun := steps.FactFormation(3, r.e.o.Config.App).Get(r.e.look().Facts()); r.number == 3 && r.does == doesRun && !begun {
		why = outset
	}
	// Another step may write to the journal meanwhile; if it goes on doing so, the regular look has to do.
	for try := 0; try < 3 && r.soft.Err() == nil && !r.e.lookAround(r.soft, why); try++ {
	}
	r.say("")
}

// check runs Check once per attempt: behind it, a half-done step would find its own traces in the way.
func (r *runner) check(env *steps.Env) error {
	r.e.mu.Lock()
	checked := r.e.state.step(r.number).checked
	r.e.mu.Unlock()
	if checked {
		return nil
	}
	r.say("checking the preconditions")
	if err := r.step.Check(r.soft, env); err != nil {
		return err
	}
	r.say("")
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	return r.e.append(r.record(kindChecked), struct{}{})
}

func (r *runner) record(kind string) journal.Record {
	return journal.Record{Kind: kind, Step: r.number, Attempt: r.attempt, Actor: r.actor}
}

// enter journals a state on the way, unless the runner has been overtaken.
func (r *runner) enter(to steps.State) error {
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	if cause := context.Cause(r.soft); cause != nil {
		return cause
	}
	return r.e.append(r.record(kindStep), stepData{State: to})
}

// say sets the line that tells what the step is doing.
func (r *runner) say(doing string) {
	doing = r.e.clean(doing)
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	if r.doing != doing {
		r.doing = doing
		r.e.hub.touch(urgent)
	}
}

// finish journals how the work ended. A runner that was overtaken by a rollback says nothing: the step is already
// rolling back. One that was ended by Close, or by a dead journal, leaves the step in the middle, where the next
// engine finds it.
func (r *runner) finish(o outcome) {
	e := r.e
	e.mu.Lock()
	overtaken := e.runners[r.number] != r
	cause := context.Cause(r.soft)
	left := errors.Is(cause, errClosing) || errors.Is(cause, errJournal) || e.dead != nil
	var data stepData
	var err error
	if !overtaken && !left {
		data = r.judge(o, cause)
		err = e.append(r.record(kindStep), data)
	}
	if !overtaken {
		delete(e.runners, r.number)
	}
	if err == nil && data.State == steps.Done {
		signal(e.finished)
	}
	e.checkDone()
	e.hub.touch(urgent)
	e.mu.Unlock()

	switch {
	case err != nil || left:
		e.logf(steps.Warn, r.number, "stopped in the middle: %v", firstError(err, cause, o.err))
	case overtaken:
		e.logf(steps.Info, r.number, "stopped: %v", cause)
	default:
		r.logEnd(data)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return errClosing
}

// judge names the state in which the step is left. The caller holds mu.
func (r *runner) judge(o outcome, cause error) stepData {
	e := r.e
	unsettled := e.state.unsettledEffects(r.number, r.attempt)
	if o.err == nil {
		switch r.does {
		case doesUndo:
			return stepData{State: steps.RolledBack, Reason: "rolled back"}
		case doesBail:
			return stepData{State: steps.Done, Reason: "production is back on old-primary", Voids: r.voids()}
		case doesLose:
			return stepData{State: steps.Done, Reason: "production is back on old-primary, with loss", Voids: r.lossyVoids()}
		default:
			return stepData{State: steps.Done, Reason: e.clean(o.evidence)}
		}
	}
	data := stepData{State: steps.Failed, Reason: e.clean(o.err.Error()), Stack: o.stack}
	if errors.Is(cause, errBail) && isCancelled(o.err) {
		data.Reason = "stopped: " + errBail.Error()
	}
	if errors.Is(o.err, heroku.ErrUnauthorized) {
		data.Reason += "; then run `changeover stop` and advance again: only a new engine reads a new token"
	}
	if r.does == doesUndo {
		data.Reason = "rollback: " + data.Reason
	}
	switch {
	case errors.Is(o.err, steps.ErrNeedsHuman):
		data.State = steps.NeedsHuman
	case errors.Is(o.err, steps.ErrUnknownOutcome) || len(unsettled) > 0:
		data.State = steps.Unknown
	}
	return data
}

// voids are the started steps that a bail-out undoes.
func (r *runner) voids() map[int]steps.State {
	voids := map[int]steps.State{}
	for number, to := range r.e.o.BailVoids {
		if r.e.state.steps[number] != nil {
			voids[number] = to
		}
	}
	return voids
}

func (r *runner) logEnd(d stepData) {
	took := r.e.took(r.number).Round(time.Second)
	switch d.State {
	case steps.Done:
		r.e.logf(steps.Info, r.number, "done in %s: %s", took, d.Reason)
	case steps.RolledBack:
		r.e.logf(steps.Info, r.number, "rolled back")
	default:
		r.e.logf(steps.Error, r.number, "%s: %s", d.State, d.Reason)
	}
}

// took is how long a step has worked.
func (e *Engine) took(number int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.step(number).active
}
