package notify

import (
	"fmt"
	"strings"
	"time"

	"changeover/steps"
	"changeover/ui/format"
	"changeover/ui/plain"
)

// When people are reminded of a run at which nobody works. Somebody who presses the next key within restFor is still there.
const (
	restFor          = 30 * time.Second
	maintenanceFor   = 5 * time.Minute
	maintenanceEvery = 15 * time.Minute
	billedFor        = time.Hour
	billedEvery      = 6 * time.Hour
)

// rest is since when nobody has worked on the run, and what was said about that.
type rest struct {
	Since       time.Time `json:"since,omitzero"`
	Told        bool      `json:"told,omitempty"`
	Maintenance time.Time `json:"maintenance,omitzero"`
	Billed      time.Time `json:"billed,omitzero"`
}

// rest reminds of a run that waits for somebody: at once, more often while production is down, seldom of the money.
func (x *teller) rest() {
	r, v := &x.m.Rest, x.v
	if v.Finished || atWork(v) || !begun(v) {
		*r = rest{}
		return
	}
	if r.Since.IsZero() {
		r.Since = v.Now
	}
	rested := v.Now.Sub(r.Since)
	if !r.Told && rested >= restFor {
		r.Told = true
		x.tell(Warn, Waiting, steps.StepView{}, "nothing is at work; waiting for you%s%s", hint(v), x.clock())
	}
	if v.Outage.Active && rested >= maintenanceFor && v.Now.Sub(r.Maintenance) >= maintenanceEvery {
		r.Maintenance = v.Now
		x.tell(Error, InMaintenance, steps.StepView{}, "production is still in maintenance, and nothing is at work%s%s", x.clock(), hint(v))
	}
	if text := StillBilled(v); text != "" && rested >= billedFor && v.Now.Sub(r.Billed) >= billedEvery {
		r.Billed = v.Now
		x.tell(Warn, StillBilledYet, steps.StepView{}, "%s", text)
	}
}

// begun says whether anything was ever started.
func begun(v steps.View) bool {
	for _, s := range v.Steps {
		if !s.Started.IsZero() {
			return true
		}
	}
	return false
}

func atWork(v steps.View) bool {
	for _, s := range v.Steps {
		if s.State.Active() {
			return true
		}
	}
	for _, a := range v.Alarms {
		if a.Kind == steps.AlarmBailing {
			return true
		}
	}
	return false
}

func hint(v steps.View) string {
	if v.Hint == "" {
		return ""
	}
	return ": " + plain.Hint(v)
}

// StillBilled is what to say about money while a run rests; empty when there is nothing to say. A run at work is looked at
// anyway, and of a finished one only what was wanted is left.
func StillBilled(v steps.View) string {
	if v.Finished || len(v.Cost.Billed) == 0 || atWork(v) {
		return ""
	}
	return fmt.Sprintf("no step is at work, and still billed are %s: %s so far, %s more every hour; %s",
		strings.Join(v.Cost.Billed, ", "), format.Money(v.Cost.CentsSoFar), format.Money(v.Cost.CentsHour), plain.Hint(v))
}
