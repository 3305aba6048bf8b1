package notify

import (
	"fmt"
	"slices"
	"strings"

	"changeover/steps"
	"changeover/ui/format"
)

// observe compares a view with what was seen before and returns what is to be told, in the order in which it happened.
func (m *memory) observe(v steps.View) []Message {
	x := &teller{m: m, v: v}
	m.begin(v)
	x.outages()
	for _, s := range v.Steps {
		x.step(s)
	}
	x.budget()
	x.alarms()
	x.rest()
	if v.Finished && !m.Finished {
		m.Finished = true
		x.tell(Info, Finished, steps.StepView{}, "all %d steps are done; production was down for %s in all, the run cost %s",
			len(v.Steps), format.Clock(v.Outage.Total), format.Money(v.Cost.CentsSoFar))
	}
	return x.messages
}

// teller makes the messages about one view.
type teller struct {
	m        *memory
	v        steps.View
	messages []Message
}

// tell adds a message; s is the zero value when it is about no step.
func (x *teller) tell(level, event string, s steps.StepView, text string, args ...any) *Message {
	run, o := x.v.Run, x.v.Outage
	prefix := run.App + ": "
	if run.Rehearsal {
		prefix = "REHEARSAL " + prefix
	}
	x.m.Next++
	x.messages = append(x.messages, Message{
		Plain: format.Clean(prefix + fmt.Sprintf(text, args...)), Event: event, Level: level,
		ID: fmt.Sprintf("%s/%d", run.Name, x.m.Next), Run: run.Name, App: run.App, Box: run.Box, Rehearsal: run.Rehearsal,
		Step: s.Number, StepName: s.Name, State: string(s.State), At: x.v.Now.UTC(),
		Outage: o.Active, OutageSeconds: int64(o.Total.Seconds()), BudgetSeconds: int64(o.Budget.Seconds()),
		CentsHour: x.v.Cost.CentsHour, CentsSoFar: x.v.Cost.CentsSoFar,
	})
	return &x.messages[len(x.messages)-1]
}

// step tells what a step has begun or ended. A step that did both between two views has done both.
func (x *teller) step(s steps.StepView) {
	was, is := x.m.Steps[s.Number], seen(s)
	x.m.Steps[s.Number] = is
	if is.Waits != was.Waits && !is.Waits.IsZero() {
		x.tell(Warn, Waiting, s, "%s waits for you: %s", called(s), s.Waiting.For)
	}
	again := is.Attempt != was.Attempt || is.Phase == was.Phase && !is.Ended.Equal(was.Ended)
	// A bail-out declares void what steps had achieved; that is its news and not theirs.
	void := !again && !is.Ended.IsZero() && is.Ended.Equal(was.Ended)
	if void || is.Phase == was.Phase && !again && (is.Phase == working || is.State == was.State) {
		return
	}
	began := was.Phase != working && was.Phase != undoing || again
	switch is.Phase {
	case resting:
	case working:
		x.tell(Info, StepStarted, s, "%s has started%s", called(s), x.clock())
	case undoing:
		x.tell(Warn, Undoing, s, "%s is being rolled back%s", called(s), x.clock())
	case done:
		if began {
			x.tell(Info, StepStarted, s, "%s has started", called(s))
		}
		x.tell(Info, StepDone, s, "%s is done after %s%s%s", called(s), format.Clock(s.Active), because(s), x.clock())
	case stopped:
		x.tell(Error, StepStopped, s, "%s has stopped, %s, and waits for you%s%s", called(s), state(s.State), because(s), x.clock())
	case undone:
		x.tell(Warn, Undone, s, "%s has been rolled back%s", called(s), because(s))
	}
}

func called(s steps.StepView) string { return fmt.Sprintf("step %d (%s)", s.Number, s.Title) }

func state(s steps.State) string {
	switch s {
	case steps.Unknown:
		return "its outcome is unknown"
	case steps.NeedsHuman:
		return "a person must look"
	default:
		return string(s)
	}
}

func because(s steps.StepView) string {
	if s.Reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(s.Reason, ".")
}

// clock is the outage clock, while it runs.
func (x *teller) clock() string {
	o := x.v.Outage
	switch {
	case !o.Active:
		return ""
	case o.Budget > 0:
		return fmt.Sprintf("; outage %s of %s", format.Clock(o.Total), format.Clock(o.Budget))
	default:
		return "; outage " + format.Clock(o.Total)
	}
}

// outages tells when production goes down and when it is back. A short outage can begin and end between two views.
func (x *teller) outages() {
	o, m := x.v.Outage, x.m
	if m.Outages < len(o.Outages) {
		m.Outages = len(o.Outages)
		x.tell(Warn, OutageBegins, steps.StepView{}, "production goes into maintenance%s", x.clock())
	}
	if ended := over(o); m.OutagesOver < ended {
		m.OutagesOver = ended
		x.tell(Info, OutageOver, steps.StepView{}, "production is out of maintenance; it was down for %s in all", format.Clock(o.Total))
	}
}

// budget tells of the highest mark that was newly passed. The clock never goes back, so that each is passed once.
func (x *teller) budget() {
	o := x.v.Outage
	if !o.Active || o.Budget <= 0 {
		return
	}
	for _, mark := range budgetMarks {
		if int(o.Total*100/o.Budget) < mark {
			continue
		}
		if x.m.Budget < mark {
			x.m.Budget = mark
			level := Warn
			if mark == budgetMarks[0] {
				level = Error
			}
			x.tell(level, Budget, steps.StepView{}, "%d %% of the outage budget is used%s", mark, x.clock()).Mark = mark
		}
		return
	}
}

// alarms tells of alarms that are new, and of those that are over.
func (x *teller) alarms() {
	was, is := x.m.Alarms, x.v.Alarms
	for _, a := range is {
		if slices.ContainsFunc(was, func(b steps.Alarm) bool { return same(a, b) }) {
			continue
		}
		event := Alarm
		if a.Kind == steps.AlarmFence {
			event = FenceBroken
		}
		x.tell(Error, event, steps.StepView{}, "ALARM: %s%s", a.Text, x.clock())
	}
	for _, a := range was {
		switch {
		case slices.ContainsFunc(is, func(b steps.Alarm) bool { return same(a, b) }):
		case a.Kind == steps.AlarmRecovered: // it is over because somebody acted
		case a.Kind == steps.AlarmBailing && !slices.ContainsFunc(is, bail):
			x.tell(Warn, BailedOut, steps.StepView{}, "bailing out is done: production is back on old-primary")
		case a.Kind == steps.AlarmBailing || a.Kind == steps.AlarmBail: // the one became the other
		case slices.ContainsFunc(is, func(b steps.Alarm) bool { return a.Kind == b.Kind }): // it only says something else now
		default:
			x.tell(Info, AlarmOver, steps.StepView{}, "the alarm is over: %s", a.Text)
		}
	}
	x.m.Alarms = is
}

func bail(a steps.Alarm) bool { return a.Kind == steps.AlarmBail || a.Kind == steps.AlarmRecovered }

// same says whether two alarms are one: the text of a bail-out at work changes all the time.
func same(a, b steps.Alarm) bool { return a == b || a.Kind == steps.AlarmBailing && b.Kind == a.Kind }
