package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

// decision is what an accepted command sets going.
type decision struct {
	does    string // one of the does constants; empty when only the state changes
	step    int
	attempt int
	shown   *steps.Confirmation // what was confirmed, and
	plan    string              // the hash of it; see commandData
}

// Command carries out a command, or refuses it with steps.ErrStale, ErrNotAllowed (with the reason) or ErrConfirm.
// It returns when the decision is in the journal; the work itself goes on behind it. A command with the ID of an
// earlier one is answered as that one was, and not carried out again.
func (e *Engine) Command(_ context.Context, c steps.Command) error {
	e.mu.Lock()
	if earlier, ok := e.state.commands[c.ID]; ok && c.ID != "" {
		e.mu.Unlock()
		return repeated(earlier, c)
	}
	d, err := e.decide(c)
	refused := asRefusal(err)
	if err != nil && refused == nil {
		e.mu.Unlock()
		return err
	}
	data := commandData{Command: c, Rev: e.state.rev, Does: d.does, Shown: d.shown, Plan: d.plan}
	if refused != nil {
		data.Refusal, data.Why = refused.code, refused.why
	}
	writeErr := e.append(journal.Record{Kind: kindCommand, Step: d.step, Attempt: d.attempt, Actor: c.Operator}, data)
	if writeErr == nil && refused == nil && d.does != "" {
		e.launch(d, c.Operator)
	}
	e.mu.Unlock()

	if writeErr != nil {
		return fmt.Errorf("not carried out: %w", writeErr)
	}
	e.logCommand(c, d, err)
	return err
}

// repeated answers a command that was seen before.
func repeated(earlier commandData, c steps.Command) error {
	was := earlier.Command
	if was.Verb != c.Verb || was.Step != c.Step {
		return notAllowed("command id %s was used for something else before", c.ID)
	}
	if earlier.Refusal == "" {
		return nil
	}
	return &refusal{code: earlier.Refusal, why: earlier.Why}
}

func (e *Engine) logCommand(c steps.Command, d decision, err error) {
	what := string(c.Verb)
	switch {
	case c.Step != 0:
		what = fmt.Sprintf("%s step %d", c.Verb, c.Step)
	case c.Hard:
		what += ", hard"
	case c.Workers != nil:
		what += fmt.Sprintf(" (0 is as at the start): read %d, load %d, index %d", c.Workers.Read, c.Workers.Load, c.Workers.Index)
	}
	who := c.Operator
	// The journal keeps the whole origin; in the log the address is what tells two people apart.
	if from, _, _ := strings.Cut(c.From, " "); from != "" && from != "local" {
		who += " from " + from
	}
	switch {
	case err != nil:
		e.logf(steps.Warn, c.Step, "%s: %s refused: %v", who, what, err)
	case c.Reason != "":
		e.logf(steps.Info, d.step, "%s: %s (%s)", who, what, c.Reason)
	default:
		e.logf(steps.Info, d.step, "%s: %s", who, what)
	}
}

// decide judges a command against the present. The caller holds mu.
func (e *Engine) decide(c steps.Command) (decision, error) {
	if e.dead != nil {
		return decision{}, e.dead
	}
	if cause := context.Cause(e.base); cause != nil {
		return decision{}, cause
	}
	// Pause is the safe direction: nobody who wants to stop must look at his screen again first.
	if c.Verb == steps.PauseRun {
		return decision{}, nil
	}
	if c.ExpectRev != e.state.rev {
		return decision{}, &refusal{code: "stale"}
	}
	look := e.freeze(e.state, e.held())
	switch c.Verb {
	case steps.ResumeRun:
		if !e.state.paused {
			return decision{}, notAllowed("the run is not paused")
		}
		return decision{}, nil
	case steps.SetWorkers:
		return decision{}, mayHave(c.Workers)
	case steps.BailOut:
		return e.confirmed(c, look, e.bailConfirm(look))(e.mayBail(e.state, look))
	case steps.BailLossy:
		return e.confirmed(c, look, e.lossyConfirm(look))(e.mayLose(e.state, look))
	case steps.Advance, steps.RollbackOne:
		if c.Step < 1 || c.Step > len(e.o.Steps) {
			return decision{}, notAllowed("there is no step %d", c.Step)
		}
		step := e.o.Steps[c.Step-1]
		if c.Verb == steps.RollbackOne {
			return e.confirmed(c, look, rollbackConfirm(step, look))(e.mayRollBack(e.state, look, step))
		}
		return e.confirmed(c, look, e.advanceConfirm(e.state, look, step))(e.mayAdvance(e.state, look, step))
	default:
		return decision{}, notAllowed("%q is not something the engine can do", string(c.Verb))
	}
}

// mostWorkers is more than any plan of Heroku's has connections.
const mostWorkers = 500

func mayHave(n *pgxfer.Workers) error {
	if n == nil {
		return notAllowed("no number of workers was given")
	}
	for _, n := range []int{n.Read, n.Load, n.Index} {
		if n < 0 || n > mostWorkers {
			return notAllowed("%d workers are not possible; use 1 to %d, or 0 for as many as at the start", n, mostWorkers)
		}
	}
	return nil
}

// confirmed lets a decision pass only with the right answers. Whether the command is possible at all is said first.
func (e *Engine) confirmed(c steps.Command, look steps.Look, want steps.Confirmation) func(decision, error) (decision, error) {
	return func(d decision, err error) (decision, error) {
		if err == nil && !want.Accepts(c.Answers) {
			err = &refusal{code: "confirm"}
		}
		if err != nil {
			return decision{}, err
		}
		d.shown, d.plan = &want, e.planHash(c, look, want)
		return d, nil
	}
}

// planHash is of everything that was shown with the question: what would happen, what follows, what to type.
func (e *Engine) planHash(c steps.Command, look steps.Look, want steps.Confirmation) string {
	shown := struct {
		Verb    steps.Verb
		Step    int
		Explain steps.Explanation
		Confirm steps.Confirmation
	}{Verb: c.Verb, Step: c.Step, Confirm: want}
	if c.Step > 0 {
		_ = guarded(func() error { shown.Explain = e.o.Steps[c.Step-1].Explain(look); return nil })
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		return "" // texts and numbers always encode
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// mayAdvance says what advance would set going, or why it is impossible.
func (e *Engine) mayAdvance(s *state, look steps.Look, step steps.Step) (decision, error) {
	number := step.Number()
	if err := bailHalfDone(s); err != nil {
		return decision{}, err
	}
	st := s.steps[number]
	d := decision{does: doesRun, step: number, attempt: 1}
	switch {
	case st == nil:
	case st.state.Active():
		return decision{}, notAllowed("it is at work")
	case st.state == steps.Done:
		return decision{}, notAllowed("it is done")
	case s.unfinished(number):
		d.attempt = st.attempt
		if st.undoing {
			d.does = doesUndo
		}
	default:
		d.attempt = st.attempt + 1
	}
	if st == nil || d.attempt != st.attempt { // what was begun may be ended whatever is true by now
		if err := guarded(func() error { return step.Ready(look) }); err != nil {
			return decision{}, notAllowed("%s", e.clean(err.Error()))
		}
	}
	if s.paused {
		return decision{}, notAllowed("the run is paused; resume first")
	}
	return d, nil
}

// unfinished says that the attempt of a step must be gone on with, instead of a new one begun: something was sent
// and nobody knows what came of it, or the engine died in the middle.
func (s *state) unfinished(number int) bool {
	st := s.steps[number]
	switch {
	case st.void:
		return false
	case st.state == steps.Unknown:
		return true
	case st.state == steps.NeedsHuman, st.state == steps.Failed:
		return len(s.unsettledEffects(number, st.attempt)) > 0
	default:
		return false
	}
}

// mayRollBack says what rollback would set going, or why it is impossible.
func (e *Engine) mayRollBack(s *state, look steps.Look, step steps.Step) (decision, error) {
	number := step.Number()
	if err := bailHalfDone(s); err != nil {
		return decision{}, err
	}
	st := s.steps[number]
	switch {
	case st == nil:
		return decision{}, notAllowed("it was never started")
	case st.state == steps.RolledBack:
		return decision{}, notAllowed("it is rolled back")
	case st.state == steps.RollingBack:
		return decision{}, notAllowed("it is being rolled back")
	}
	if err := guarded(func() error { return step.CanRollback(look) }); err != nil {
		return decision{}, notAllowed("%s", e.clean(err.Error()))
	}
	if s.paused { // or it would be accepted and then stand at the gate
		return decision{}, notAllowed("the run is paused; resume first")
	}
	return decision{does: doesUndo, step: number, attempt: st.attempt}, nil
}

// mayBail says what bailing out would set going, or why it is impossible.
func (e *Engine) mayBail(s *state, look steps.Look) (decision, error) {
	if e.o.Bail == nil {
		return decision{}, notAllowed("this run has no way to bail out")
	}
	return e.mayGoBack(s, look, doesBail, e.o.BailCheck)
}

// mayGoBack is what bailing out and the lossy path have in common.
func (e *Engine) mayGoBack(s *state, look steps.Look, does string, check func(steps.Look) error) (decision, error) {
	if err := busyWithBail(s); err != nil {
		return decision{}, err
	}
	if check != nil {
		if err := guarded(func() error { return check(look) }); err != nil {
			return decision{}, notAllowed("%s", e.clean(err.Error()))
		}
	}
	attempt := 1
	if st := s.steps[0]; st != nil {
		attempt = st.attempt + 1
		if s.unfinished(0) {
			attempt = st.attempt
		}
	}
	return decision{does: does, attempt: attempt}, nil
}

func busyWithBail(s *state) error {
	if st := s.steps[0]; st != nil && st.state.Active() {
		return notAllowed("production is being brought back on old-primary; wait for it")
	}
	return nil
}

// bailHalfDone keeps steps from going on upon a world that a bail-out has half changed: what they achieved may be
// gone, and only a finished bail-out says what is void.
func bailHalfDone(s *state) error {
	if err := busyWithBail(s); err != nil {
		return err
	}
	if len(s.bailed) > 0 {
		return notAllowed("%s has begun and is not finished; %s", s.wayBack(), s.again())
	}
	return nil
}

func (e *Engine) bailConfirm(look steps.Look) (c steps.Confirmation) {
	if e.o.BailConfirm == nil {
		return c
	}
	return confirmation(func() steps.Confirmation { return e.o.BailConfirm(look) })
}

func rollbackConfirm(step steps.Step, look steps.Look) steps.Confirmation {
	return confirmation(func() steps.Confirmation { return step.ConfirmRollback(look) })
}

// advanceConfirm is the rollback's when advance would go on with an interrupted rollback.
func (e *Engine) advanceConfirm(s *state, look steps.Look, step steps.Step) steps.Confirmation {
	if st := s.steps[step.Number()]; st != nil && st.undoing && s.unfinished(step.Number()) {
		return rollbackConfirm(step, look)
	}
	return confirmation(func() steps.Confirmation { return step.Confirm(look) })
}

// confirmation asks for a confirmation; one that panics can never be given.
func confirmation(ask func() steps.Confirmation) (c steps.Confirmation) {
	err := guarded(func() error { c = ask(); return nil })
	if err != nil {
		return steps.Confirmation{Tier: steps.TierTyped, Question: err.Error()}
	}
	return c
}

// launch starts the runner of a decision. The caller holds mu and has journaled the command.
func (e *Engine) launch(d decision, actor string) {
	r := &runner{
		e: e, number: d.step, attempt: d.attempt, does: d.does, actor: actor, plan: d.plan,
		began: e.state.seq, done: make(chan struct{}), busy: map[string]bool{},
	}
	if d.step > 0 {
		r.step = e.o.Steps[d.step-1]
	}
	r.soft, r.cancel = context.WithCancelCause(e.base)
	switch d.does {
	case doesBail, doesLose:
		for _, other := range e.runners {
			other.cancel(errBail)
			r.after = append(r.after, other)
		}
	case doesUndo:
		if other := e.runners[d.step]; other != nil {
			other.cancel(errRollback)
			r.after = append(r.after, other)
		}
	}
	e.runners[d.step] = r
	delete(e.progress, d.step)
	e.wake()
	e.work.Go(r.run)
}

// held are the steps that stand at a gate. The caller holds mu.
func (e *Engine) held() map[int]bool {
	held := map[int]bool{}
	for number, r := range e.runners {
		if r.holding > 0 {
			held[number] = true
		}
	}
	return held
}

// isCancelled says whether an error only tells that somebody wanted the work to end.
func isCancelled(err error) bool {
	return errors.Is(err, context.Canceled) || slices.ContainsFunc([]error{errClosing, errRollback, errBail, errJournal},
		func(cause error) bool { return errors.Is(err, cause) })
}
