package report

import (
	"fmt"
	"strings"

	"changeover/steps"
)

// standing says in one or two sentences where the run stood when the report was made.
func standing(r Report, v steps.View) string {
	if r.Complete {
		return "All twelve steps are done."
	}
	var all []string
	if v.Outage.Active {
		all = append(all, "Users are shut out.")
	}
	if v.Alarm != "" {
		all = append(all, "ALARM: "+strings.TrimSuffix(v.Alarm, ".")+".")
	}
	if r.bailedOut() {
		all = append(all, "It was bailed out of: production is back on old-primary.")
	}
	done := 0
	for _, s := range r.Steps {
		switch {
		case s.State == steps.Done:
			done++
		case s.State.Active(), s.State == steps.Failed, s.State == steps.Unknown, s.State == steps.NeedsHuman, s.State == steps.RolledBack:
			all = append(all, fmt.Sprintf("Step %d, %s, is %s.", s.Number, s.Name, stateWords(s.State)))
		}
	}
	all = append(all, fmt.Sprintf("%d of %d steps are done.", done, len(r.Steps)))
	if v.Paused {
		all = append(all, "The run is paused.")
	}
	return strings.Join(all, " ")
}

// bailedOut says that the last thing that happened was a bail-out that succeeded.
func (r Report) bailedOut() bool {
	n := len(r.Spans)
	return n > 0 && r.Spans[n-1].For == ForBail && r.Spans[n-1].State == steps.Done
}

// stateWords is a state within a sentence.
func stateWords(state steps.State) string {
	switch state {
	case steps.Unknown:
		return "in an unknown state"
	case steps.NeedsHuman:
		return "stopped and needs a person"
	case steps.RollingBack:
		return "being rolled back"
	case steps.RolledBack:
		return "rolled back"
	default:
		return string(state)
	}
}
