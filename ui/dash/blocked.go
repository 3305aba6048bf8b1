package dash

import (
	"fmt"

	"changeover/steps"
	"changeover/ui/format"
)

// blocked says in one line why a key does nothing now; empty when it works. The key line dims what is blocked.
func (m *model) blocked(act action) string {
	switch act {
	case actDetach:
		return ""
	case actAdvance, actPause, actHardPause, actRollback, actBail, actControl, actMore, actFewer:
		if why := m.cannotAct(act); why != "" {
			return why
		}
		return m.notNow(act)
	}
	if m.lay.mode == tiny {
		return "the screen is too small for that; need 80×24"
	}
	switch act {
	case actSteps:
		if !m.lay.shows(stepsPane) && m.expanded == noPane {
			return "the steps are not on the screen"
		}
	case actMatch, actMatchBack:
		if m.log.search == "" {
			return "nothing to look for yet; / asks for a text"
		}
	case actFollow, actWrap, actClock, actErrors, actThisStep:
		if !m.lay.shows(logPane) {
			return "the log is not on the screen; 4 brings it"
		}
	}
	return ""
}

// cannotAct holds the reasons that have nothing to do with the state of the run.
func (m *model) cannotAct(act action) string {
	switch {
	case m.link.state == gone:
		return "the run is over; q leaves"
	case m.link.state == connecting:
		return "not connected to the engine yet"
	case m.link.state == ended:
		return "the connection to the engine has ended; q leaves, then attach again"
	case m.link.stale():
		return "no contact with the engine for " + format.Short(m.now.Sub(m.link.since)) + "; what you see may be old"
	case m.view == nil:
		return "the engine has not said anything yet"
	case m.lay.mode == tiny && (act != actPause || m.view.Paused):
		return "the screen is too small to show what that would do; need 80×24"
	case m.opts.ReadOnly:
		return "attached read-only; attach again without --read-only to act"
	case !m.you.MayWrite:
		return "your login may only watch this run"
	case m.sending != "":
		return "still sending: " + m.sending
	case act == actControl || act == actBail && !m.view.CanLose || act == actPause && !m.view.Paused || act == actHardPause:
		// Pausing and bailing out are the safe directions: they must not wait for whoever drives. Going back with loss is not.
		return ""
	case m.you.Driving || m.view.Driver == nil:
		return ""
	default:
		return clean(m.view.Driver.Name) + " drives; press c to take over"
	}
}

// notNow holds the reasons that the state of the run gives.
func (m *model) notNow(act action) string {
	s := m.step()
	switch act {
	case actAdvance:
		if s == nil {
			return "no step is selected"
		}
		if !s.CanAdvance {
			return m.advanceBlocked(s)
		}
	case actRollback:
		if s == nil {
			return "no step is selected"
		}
		if !s.CanRollback {
			return stepLabel(s) + " cannot be rolled back: " + orElse(clean(s.RollbackBlocked), "it is "+string(s.State))
		}
	case actBail:
		if m.view.BailBlocked != "" && !m.view.CanLose {
			return "bail is not possible: " + clean(m.view.BailBlocked)
		}
	case actHardPause:
		return m.cannotBreakOff()
	case actMore, actFewer:
		return m.cannotChangeWorkers(act)
	}
	return ""
}

func (m *model) advanceBlocked(s *steps.StepView) string {
	why := orElse(clean(s.AdvanceBlocked), "it is "+string(s.State))
	text := stepLabel(s) + ": " + why
	if next := m.stepNumber(m.view.Next); next != nil && next.Number != s.Number {
		text += fmt.Sprintf(" – next is %s, esc goes there", stepLabel(next))
	}
	return text
}

func stepLabel(s *steps.StepView) string { return fmt.Sprintf("step %d %s", s.Number, clean(s.Name)) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
