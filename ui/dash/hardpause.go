package dash

import (
	"fmt"
	"strings"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/ui/format"
)

// breakable are the steps at work whose transfers a hard pause would break off. Comparing two databases is not among them: it obeys nobody.
func (m *model) breakable() []*steps.StepView {
	var list []*steps.StepView
	for i := range m.view.Steps {
		s := &m.view.Steps[i]
		if !s.State.Active() || s.Transfer == nil || s.Transfer.Phase == "verify" {
			continue
		}
		if s.Transfer.Paused && format.Busy(s.Transfer) == 0 && !m.view.PausedHard {
			continue // a soft pause has come to its end
		}
		list = append(list, s)
	}
	return list
}

func (m *model) cannotBreakOff() string {
	switch {
	case len(m.breakable()) == 0 && m.view.Paused:
		return "nothing is at work that could be broken off; p resumes"
	case len(m.breakable()) == 0:
		return "nothing is being transferred that could be broken off; p pauses the run"
	case !format.BreaksOff(m.view.Run):
		return "the classic engine pauses softly only: p, and it finishes what it is at"
	case m.view.Paused && m.view.PausedHard:
		return "it is broken off already; p resumes"
	}
	return ""
}

// hardPause asks before work is thrown away, and says how much of it.
func (m *model) hardPause() question {
	confirm := steps.Confirmation{Tier: steps.TierYes, Question: "Break off what is being transferred now?"}
	add := func(text string) { confirm.Consequences = append(confirm.Consequences, text) }
	for _, s := range m.breakable() {
		add(fmt.Sprintf("Step %d %s: %s", s.Number, clean(s.Name), brokenOff(s.Transfer)))
	}
	add("What is complete stays, and the rest is begun again when p resumes.")
	softly := "p alone would let them finish."
	if m.view.Paused {
		softly = "Without it they finish, and then nothing happens until p resumes."
	}
	if m.view.Outage.Active {
		softly += " The outage clock runs on either way."
	}
	add(softly)
	return question{what: "pause hard", confirm: confirm, order: m.hardOrder()}
}

func (m *model) hardOrder() steps.Command {
	order := m.order(steps.PauseRun, 0)
	order.Hard = true
	return order
}

// brokenOff says which pieces would be rolled back, and how many bytes of them are lost.
func brokenOff(p *pgxfer.Progress) string {
	const named = 3
	var names []string
	var lost int64
	for i := range p.Workers {
		w := &p.Workers[i]
		if w.Kind == "" {
			continue
		}
		lost += w.Bytes.Done
		name := clean(w.Object)
		if w.Kind != pgxfer.KindData {
			name = strings.TrimSpace(w.Kind + " " + name)
		}
		if w.Parts > 1 {
			name += fmt.Sprintf(" %d/%d", w.Part, w.Parts)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return "what it is at is cancelled and rolled back."
	}
	text := format.Plural(int64(len(names)), "piece") + " rolled back"
	if lost > 0 {
		text += " (" + format.Bytes(lost) + ")"
	}
	if more := len(names) - named; more > 0 {
		names = append(names[:named], fmt.Sprintf("%d more", more))
	}
	return text + ": " + strings.Join(names, ", ") + "."
}

// heldText is what a paused step still does.
func (m *model) heldText(s *steps.StepView) string {
	text := format.HeldStep(m.view, s) + "; p resumes"
	if s.Transfer != nil && format.Busy(s.Transfer) > 0 && m.cannotBreakOff() == "" {
		text += ", P breaks off"
	}
	return text
}
