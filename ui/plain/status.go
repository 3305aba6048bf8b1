package plain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"changeover/steps"
	"changeover/ui/format"
)

// Status prints where a run stands: an alarm if there is one, a paragraph of whole sentences, and a line per step.
func (s Style) Status(w io.Writer, v steps.View) error {
	var b strings.Builder
	if v.Alarm != "" {
		fmt.Fprintf(&b, "%s %s\n\n", s.paint(red, "ALARM:"), s.clean(v.Alarm))
	}
	b.WriteString(strings.Join(s.paragraph(v), " "))
	b.WriteString("\n\n")
	for _, step := range v.Steps {
		b.WriteString(s.stepLine(step))
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// StatusJSON prints the whole view as one JSON object.
func StatusJSON(w io.Writer, v steps.View) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (s Style) paragraph(v steps.View) []string {
	all := []string{s.aim(v), progressOf(v)}
	for _, step := range v.Steps {
		if step.State.Active() || step.State == steps.Unknown || step.State == steps.Failed || step.State == steps.NeedsHuman {
			all = append(all, s.stepSentence(step))
		}
	}
	all = append(all, outageSentence(v))
	if v.Paused {
		all = append(all, "The run is paused"+s.by(v.PausedBy)+": "+format.Held(&v)+".")
	}
	if v.Run.SurvivesLogout == "no" && !v.Finished {
		all = append(all, "The engine ends at logout: "+s.clean(strings.TrimSuffix(format.AtLogout(v.Run), "."))+".")
	}
	if hint, toDo := s.hint(v); toDo {
		all = append(all, "Next: "+hint+".")
	} else if hint != "" {
		all = append(all, sentence(hint))
	}
	if c := v.Cost; c.CentsHour > 0 || c.CentsSoFar > 0 {
		all = append(all, fmt.Sprintf("It has cost %s so far and costs %s an hour.", format.Money(c.CentsSoFar), format.Money(c.CentsHour)))
	}
	return append(all, s.audience(v))
}

func (s Style) aim(v steps.View) string {
	r := v.Run
	what := "Run " + s.clean(r.Name)
	if r.Rehearsal {
		what = "Rehearsal " + s.clean(r.Name)
	}
	return fmt.Sprintf("%s moves the database of %s (%s) from PostgreSQL %s to %s.",
		what, s.clean(r.App), format.Bytes(r.Bytes), s.clean(r.FromVersion), s.clean(r.ToVersion))
}

func progressOf(v steps.View) string {
	done := 0
	for _, step := range v.Steps {
		if step.State == steps.Done {
			done++
		}
	}
	if v.Finished {
		took := ""
		if !v.Run.Started.IsZero() && !v.Run.Finished.IsZero() {
			took = " It took " + format.Clock(v.Run.Finished.Sub(v.Run.Started)) + "."
		}
		return fmt.Sprintf("All %d steps are done.%s", len(v.Steps), took)
	}
	return fmt.Sprintf("%d of %d steps are done.", done, len(v.Steps))
}

func (s Style) stepSentence(step steps.StepView) string {
	text := fmt.Sprintf("Step %d, %s, is %s", step.Number, s.clean(step.Name), stateWords(step.State))
	if step.Active > 0 {
		text += ", " + format.Clock(step.Active) + " so far"
	}
	switch {
	case step.Waiting != nil:
		text += ": " + s.waiting(step.Waiting)
	case step.Transfer != nil:
		text += ": " + s.Transfer(*step.Transfer)
	case step.Reason != "":
		text += ": " + s.clean(strings.TrimSuffix(step.Reason, "."))
	case step.Doing != "":
		text += ": " + s.clean(strings.TrimSuffix(step.Doing, "."))
	}
	return text + "."
}

func (s Style) waiting(wait *steps.WaitView) string {
	text := "waiting for " + s.clean(wait.For)
	if wait.Detail != "" {
		text += " (" + s.clean(wait.Detail) + ")"
	}
	if wait.Who != "" {
		text += ", which is up to " + s.clean(wait.Who)
	}
	return text
}

func outageSentence(v steps.View) string {
	o := v.Outage
	of := ""
	if o.Budget > 0 {
		of = " of a budget of " + format.Clock(o.Budget)
	}
	switch {
	case o.Active && o.Since.IsZero():
		return fmt.Sprintf("Production is DOWN, for %s%s in all.", format.Clock(o.Total), of)
	case o.Active:
		return fmt.Sprintf("Production is DOWN since %s, for %s%s in all.", o.Since.UTC().Format("15:04:05 UTC"), format.Clock(o.Total), of)
	case o.Total > 0:
		return fmt.Sprintf("Production is up; it was down for %s%s.", format.Clock(o.Total), of)
	default:
		return "Production is up."
	}
}

func (s Style) audience(v steps.View) string {
	watching := fmt.Sprintf("%d watch.", v.Watching)
	if v.Watching == 1 {
		watching = "1 watches."
	}
	if v.Driver == nil {
		return "Nobody drives; " + watching
	}
	return s.clean(v.Driver.Name) + " drives; " + watching
}

func (s Style) by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + s.clean(name)
}

// stepLine is a line of the list. The columns are as wide as their widest possible content.
func (s Style) stepLine(step steps.StepView) string {
	clock := strings.Repeat(" ", len("00:00:00"))
	if step.Active > 0 {
		clock = format.Clock(step.Active)
	}
	line := fmt.Sprintf("%2d  %s  %-18s  %s", step.Number, s.paint(stateColor(step.State), fmt.Sprintf("%-12s", step.State)), s.clean(step.Name), clock)
	if step.Reason != "" {
		line += "  " + s.clean(step.Reason)
	}
	return strings.TrimRight(line, " ")
}

// sentence gives a line the looks of one.
func sentence(line string) string {
	first, size := utf8.DecodeRuneInString(line)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(line[size:], ".") + "."
}

// stateWords is a state within a sentence.
func stateWords(state steps.State) string {
	switch state {
	case steps.NeedsHuman:
		return "stopped and needs a person"
	case steps.Unknown:
		return "in an unknown state"
	case steps.RollingBack:
		return "being rolled back"
	case steps.RolledBack:
		return "rolled back"
	case steps.Verifying:
		return "reading back what it did"
	default:
		return string(state)
	}
}
