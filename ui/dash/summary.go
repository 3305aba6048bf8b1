package dash

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// Summary is what the dashboard knew when it was left, for the caller to print on the normal screen.
type Summary struct {
	// Run and App are empty when the engine was never heard.
	Run, App string
	// Steps are those that were being worked on, else the one that can start next, else none.
	Steps []steps.StepView
	// Outage is how long users had been shut out; OutageActive says that they still were.
	Outage       time.Duration
	OutageActive bool
	Paused       bool
	Finished     bool
	// Connected says that the engine was in contact to the end.
	Connected bool
	// Gone says that the run was removed while it was shown.
	Gone bool
	// Alarm is the one that was showing.
	Alarm string
	// Attach is the command that comes back to this screen.
	Attach string
}

func (m *model) summary() Summary {
	s := Summary{Connected: m.link.state == live, Gone: m.link.state == gone, Attach: m.opts.Attach}
	if m.view == nil {
		return s
	}
	v := m.view
	s.Run, s.App, s.Paused, s.Finished, s.Alarm = v.Run.Name, v.Run.App, v.Paused, v.Finished, v.Alarm
	s.Outage, s.OutageActive = m.outage(), v.Outage.Active
	for i := range v.Steps {
		if v.Steps[i].State.Active() {
			s.Steps = append(s.Steps, v.Steps[i])
		}
	}
	if next := m.stepNumber(v.Next); len(s.Steps) == 0 && next != nil {
		s.Steps = append(s.Steps, *next)
	}
	return s
}

// String is a short plain paragraph, each line complete in itself. It ends with a newline.
func (s Summary) String() string {
	var b strings.Builder
	line := func(f string, a ...any) { fmt.Fprintf(&b, f+"\n", a...) }
	switch {
	case s.Run == "":
		line("left before the engine was heard; whatever it does goes on")
	case s.Gone:
		line("%s: the run is over, its directory was removed", s.Run)
		return b.String()
	case s.Finished:
		line("%s: all twelve steps are done", s.Run)
	case s.atWork():
		line("%s: detached, the work goes on", s.Run)
	default:
		line("%s: detached; no step is at work", s.Run)
	}
	for i := range s.Steps {
		st := &s.Steps[i]
		if st.State.Active() {
			line("  step %d %s: %s for %s", st.Number, clean(st.Name), st.State, format.Clock(st.Active))
		} else {
			line("  next is step %d %s: %s", st.Number, clean(st.Name), st.State)
		}
	}
	switch {
	case s.OutageActive:
		line("  OUTAGE is running, users are shut out: %s so far", format.Clock(s.Outage))
	case s.Outage > 0:
		line("  outage in all: %s", format.Clock(s.Outage))
	}
	if s.Paused {
		line("  the run is paused")
	}
	if s.Alarm != "" {
		line("  ALARM: %s", clean(s.Alarm))
	}
	if !s.Connected && s.Run != "" {
		line("  there was no contact with the engine when you left; this may be old")
	}
	if !s.Finished && s.Attach != "" {
		line("still running – re-attach with: %s", s.Attach)
	}
	return b.String()
}

// atWork says whether a step was being worked on.
func (s Summary) atWork() bool {
	return slices.ContainsFunc(s.Steps, func(st steps.StepView) bool { return st.State.Active() })
}
