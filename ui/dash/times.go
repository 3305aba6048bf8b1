package dash

import (
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// wallClock is a time of day in the operator's zone.
func (m *model) wallClock(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.In(m.opts.Zone).Format("15:04:05")
}

// since is how long ago something was, by the engine's clock.
func (m *model) since(t time.Time) time.Duration { return m.engineNow().Sub(t) }

// active is how long a step has worked. Between two views it goes on counting, unless the step holds.
func (m *model) active(s *steps.StepView) time.Duration {
	if s.State.Active() && s.State != steps.Paused {
		return s.Active + m.sinceView()
	}
	return s.Active
}

// outage is how long users have been shut out in all.
func (m *model) outage() time.Duration {
	o := m.view.Outage
	if o.Active {
		return o.Total + m.sinceView()
	}
	return o.Total
}

// outageShort is the outage clock where there is little room: over budget, only by how much.
func (m *model) outageShort() string {
	o, used := m.view.Outage, m.outage()
	doubt := ""
	if o.Active && m.link.stale() {
		doubt = "+?"
	}
	switch {
	case used == 0 && !o.Active:
		return "no outage yet"
	case !o.Active:
		return "outage over, " + format.Clock(used)
	case o.Budget > 0 && used > o.Budget:
		return "OUTAGE " + format.Clock(used) + doubt + " OVER"
	default:
		return "OUTAGE " + format.Clock(used) + doubt
	}
}

// outageText is the number everybody watches, in words that say whether it is running. The second result is its style.
func (m *model) outageText() (text string, loud bool) {
	o := m.view.Outage
	used, budget := m.outage(), ""
	if used == 0 && !o.Active {
		if o.Budget > 0 {
			budget = ", budget " + format.Clock(o.Budget)
		}
		return "no outage yet" + budget, false
	}
	if o.Budget > 0 {
		budget = " of " + format.Clock(o.Budget)
		if used > o.Budget {
			budget += " – OVER by " + format.Clock(used-o.Budget)
		}
	}
	switch {
	case o.Active && m.link.stale():
		return "OUTAGE " + format.Clock(used) + "+?" + budget, true
	case o.Active:
		return "OUTAGE " + format.Clock(used) + budget, true
	default:
		return "outage over, " + format.Clock(used) + budget, false
	}
}
