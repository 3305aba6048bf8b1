package plain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// Watch prints one line for every change between successive views of a run.
type Watch struct {
	// Every is how often a transfer in progress, or a wait that says something new, is worth a line; 0 is 30 s.
	Every time.Duration

	style Style
	w     io.Writer
	err   error // the first error of w; nothing is printed after it

	begun  bool
	last   steps.View
	shown  map[int]sample // by step
	budget int            // percent of the outage budget that was announced
}

// sample is what was last said about a step at work.
type sample struct {
	at       time.Time
	phase    string
	fraction float64
	text     string
}

// budgetMarks are percents of the outage budget whose passing is worth a line.
var budgetMarks = []int{100, 80, 50}

// NewWatch makes a Watch that prints to w.
func NewWatch(w io.Writer, style Style) *Watch {
	return &Watch{Every: 30 * time.Second, style: style, w: w, shown: map[int]sample{}}
}

// Show compares v with the view before and prints what is new. Of the first view it prints what is going on.
func (x *Watch) Show(v steps.View) error {
	if !x.begun {
		x.begin(v)
	}
	x.last.Run = v.Run
	x.alarm(v)
	x.outage(v)
	x.control(v)
	for i, step := range v.Steps {
		x.step(v, x.before(i), step)
	}
	x.followers(v)
	if v.Next != x.last.Next {
		x.next(v)
	}
	if v.Finished && !x.last.Finished {
		x.say(v.Now, green, "all %d steps are done", len(v.Steps))
	}
	x.last = v
	return x.err
}

// Note prints a line of the caller's own, such as a lost connection.
func (x *Watch) Note(at time.Time, text string) error {
	x.say(at, "", "%s", x.style.clean(text))
	return x.err
}

// begin makes the steps that are done one line, so that a watcher who comes late is not flooded.
func (x *Watch) begin(v steps.View) {
	x.begun = true
	x.last.Run = v.Run
	x.last.Steps = make([]steps.StepView, len(v.Steps))
	x.last.Driver, x.last.Next = v.Driver, v.Next
	x.last.Outage.Outages = v.Outage.Outages
	var done []string
	for i, step := range v.Steps {
		switch step.State {
		case steps.Done:
			done = append(done, fmt.Sprint(step.Number))
			x.last.Steps[i].State = steps.Done
		case steps.Locked, steps.Ready:
			x.last.Steps[i].State = step.State
		}
	}
	x.say(v.Now, "", "%s", x.style.aim(v))
	if len(done) > 0 {
		x.say(v.Now, "", "done so far: %s", strings.Join(done, ", "))
	}
	x.next(v)
	if v.Outage.Active {
		x.last.Outage = v.Outage
		x.say(v.Now, red, "OUTAGE: production is down%s", since(v.Outage.Since))
	}
}

func (x *Watch) next(v steps.View) {
	if v.Next < 1 || v.Next > len(v.Steps) || v.Finished {
		return
	}
	hint, _ := x.style.hint(v)
	if hint != "" {
		hint = " (" + hint + ")"
	}
	x.say(v.Now, "", "next: step %d %s%s", v.Next, x.style.clean(v.Steps[v.Next-1].Name), hint)
}

func since(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " since " + at.UTC().Format("15:04:05 UTC")
}

func (x *Watch) before(i int) steps.StepView {
	if i < len(x.last.Steps) {
		return x.last.Steps[i]
	}
	return steps.StepView{}
}

func (x *Watch) alarm(v steps.View) {
	switch v.Alarm {
	case x.last.Alarm:
	case "":
		x.say(v.Now, "", "the alarm is over: %s", x.style.clean(x.last.Alarm))
	default:
		x.say(v.Now, red, "ALARM: %s", x.style.clean(v.Alarm))
	}
}

func (x *Watch) outage(v steps.View) {
	o := v.Outage
	of := ""
	if o.Budget > 0 {
		of = " of a budget of " + format.Clock(o.Budget)
	}
	// A short outage can begin and end between two views.
	began := o.Active && (!x.last.Outage.Active || !o.Since.Equal(x.last.Outage.Since)) || len(o.Outages) > len(x.last.Outage.Outages) && !x.last.Outage.Active
	if began {
		x.say(v.Now, red, "OUTAGE begins: production is down")
	}
	if (began || x.last.Outage.Active) && !o.Active {
		x.say(v.Now, green, "outage over: production is up, it was down for %s%s in all", format.Clock(o.Total), of)
	}
	if !o.Active || o.Budget <= 0 {
		return
	}
	percent := int(o.Total * 100 / o.Budget)
	for _, mark := range budgetMarks {
		if percent >= mark {
			if x.budget < mark {
				x.say(v.Now, red, "OUTAGE: %d %% of the budget is used: %s%s", mark, format.Clock(o.Total), of)
				x.budget = mark
			}
			return
		}
	}
}

// control is who drives and whether anything may start.
func (x *Watch) control(v steps.View) {
	switch {
	case v.Paused && !x.last.Paused:
		x.say(v.Now, yellow, "paused%s: %s", x.style.by(v.PausedBy), format.Held(&v))
	case !v.Paused && x.last.Paused:
		x.say(v.Now, "", "resumed")
	}
	was, is := driver(x.last), driver(v)
	switch is {
	case was:
	case "":
		x.say(v.Now, "", "%s no longer drives", x.style.clean(was))
	default:
		x.say(v.Now, "", "%s drives", x.style.clean(is))
	}
}

func driver(v steps.View) string {
	if v.Driver == nil {
		return ""
	}
	return v.Driver.Name
}

func (x *Watch) followers(v steps.View) {
	was := map[steps.Role]steps.FollowerView{}
	for _, f := range x.last.Followers {
		was[f.Role] = f
	}
	for _, f := range v.Followers {
		if before := was[f.Role].State; f.State != before && (before != "" || f.State != "not created") {
			x.say(v.Now, "", "%s: %s", x.style.clean(string(f.Role)), x.style.clean(f.State))
		}
	}
}

func (x *Watch) colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + x.style.clean(text)
}

func (x *Watch) say(at time.Time, color, text string, args ...any) {
	if x.err != nil {
		return
	}
	_, x.err = fmt.Fprintf(x.w, "%s  %s\n", x.style.stamp(at, x.last.Run.Started), x.style.paint(color, fmt.Sprintf(text, args...)))
}
