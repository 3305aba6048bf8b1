package plain

import (
	"fmt"
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// fraction is how much a transfer must have moved on to be worth a line before Every has passed.
// It is a little less than 5 %, because 0.25-0.20 is.
const fraction = 0.0499

// step prints what is new about one step.
func (x *Watch) step(v steps.View, was, is steps.StepView) {
	name := fmt.Sprintf("step %d %s", is.Number, x.style.clean(is.Name))
	if is.State != was.State || is.Attempt != was.Attempt && is.State.Active() {
		x.say(v.Now, stateColor(is.State), "%s: %s%s%s", name, is.State, took(is), x.colon(reason(is)))
		delete(x.shown, is.Number)
	}
	x.wait(v, name, was.Waiting, is)
	if is.Waiting == nil && is.Transfer != nil && is.State.Active() {
		f, _ := is.Transfer.Bytes.Fraction()
		x.sample(v.Now, is.Number, name, sample{phase: is.Transfer.Phase, fraction: f, text: x.style.Transfer(*is.Transfer)})
	}
}

// reason explains a state once it is reached. That a step may start, or not yet, needs no reason here.
func reason(step steps.StepView) string {
	switch step.State {
	case steps.Locked, steps.Ready:
		return ""
	default:
		return step.Reason
	}
}

func took(step steps.StepView) string {
	switch step.State {
	case steps.Done, steps.Failed, steps.NeedsHuman, steps.Unknown, steps.RolledBack:
		if step.Active > 0 {
			return " after " + format.Clock(step.Active)
		}
	}
	return ""
}

func (x *Watch) wait(v steps.View, name string, was *steps.WaitView, is steps.StepView) {
	switch {
	case is.Waiting == nil && was == nil:
	case is.Waiting == nil:
		if is.State.Active() { // otherwise the new state says it all
			x.say(v.Now, "", "%s: no longer waiting, after %s", name, format.Clock(v.Now.Sub(was.Since)))
		}
		delete(x.shown, is.Number)
	case was == nil || was.Waiting != is.Waiting.Waiting:
		text := x.style.waiting(is.Waiting)
		x.say(v.Now, "", "%s: %s", name, text)
		x.shown[is.Number] = sample{at: v.Now, text: text}
	default:
		x.sample(v.Now, is.Number, name, sample{text: x.style.waiting(is.Waiting)})
	}
}

// sample prints a reading that keeps changing, but not every time that it does.
func (x *Watch) sample(now time.Time, number int, name string, s sample) {
	every := x.Every
	if every <= 0 {
		every = 30 * time.Second
	}
	before, again := x.shown[number]
	due := !again || now.Sub(before.at) >= every || s.phase != before.phase || s.fraction-before.fraction >= fraction
	if s.text == "" || s.text == before.text || !due {
		return
	}
	s.at = now
	x.shown[number] = s
	x.say(now, "", "%s: %s", name, s.text)
}
