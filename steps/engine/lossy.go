package engine

import (
	"context"
	"slices"

	"changeover/steps"
)

// wayBack is what step 0 was asked for last, in words.
func (s *state) wayBack() string {
	if s.lossy {
		return "going back with loss"
	}
	return "bailing out"
}

// again is what to do about a way back that was stopped in the middle.
func (s *state) again() string {
	if s.lossy {
		return "bail out with --lossy again"
	}
	return "bail out again"
}

// mayLose says what the lossy path would set going, or why it is impossible.
func (e *Engine) mayLose(s *state, look steps.Look) (decision, error) {
	if e.o.Lossy == nil {
		return decision{}, notAllowed("this run has no way back with loss")
	}
	return e.mayGoBack(s, look, doesLose, e.o.LossyCheck)
}

// lossyConfirm is what must be typed for the lossy path. There is no default: without a sentence it cannot be confirmed.
func (e *Engine) lossyConfirm(look steps.Look) steps.Confirmation {
	if e.o.LossyConfirm == nil {
		return steps.Confirmation{Tier: steps.TierTyped}
	}
	return confirmation(func() steps.Confirmation { return e.o.LossyConfirm(look) })
}

// lossyVoids are the started steps that never go on behind the lossy path. What holds no longer is rolled back; what was
// stopped in the middle has failed, and is not gone on with.
func (r *runner) lossyVoids() map[int]steps.State {
	voids := map[int]steps.State{}
	for number, st := range r.e.state.steps {
		switch {
		case number == 0 || st.state == steps.RolledBack:
		case st.state != steps.Done:
			voids[number] = steps.Failed
		case slices.Contains(r.e.o.LossyVoids, number):
			voids[number] = steps.RolledBack
		}
	}
	return voids
}

// countLoss keeps the line that says what the lossy path would lose, for as long as there is one.
func (e *Engine) countLoss() {
	e.every(e.o.CountEvery, func(ctx context.Context) {
		look := e.look()
		line := ""
		if e.o.LossyCheck != nil && guarded(func() error { return e.o.LossyCheck(look) }) == nil && !look.StepState(0).Active() {
			ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
			defer cancel()
			_ = guarded(func() error { line = e.clean(e.o.CountLoss(ctx, look)); return nil })
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.loss != line {
			e.loss = line
			e.hub.touch(soon)
		}
	})
}
