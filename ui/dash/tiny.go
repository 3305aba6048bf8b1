package dash

import (
	"fmt"

	"changeover/steps"
	"changeover/ui/format"
)

// drawTiny is the one screen for terminals too small for panels: what matters most first, cut where the lines end.
func (m *model) drawTiny() []string {
	need := fmt.Sprintf("need %d×%d, have %d×%d", compactWidth, compactHeight, m.w, m.h)
	if m.view == nil {
		return []string{"changeover", m.linkText(false), need, "q detach"}
	}
	lines := []string{m.outageStyle(false), m.linkText(false)}
	if m.view.Alarm != "" {
		lines = append([]string{m.st.alarm.Render("! ALARM " + clean(m.view.Alarm))}, lines...)
	}
	if m.view.Paused {
		lines = append(lines, m.st.warn.Render("‖ paused"))
	}
	for _, s := range m.tinySteps() {
		k := m.look(s)
		lines = append(lines, k.style.Render(fmt.Sprintf("%s %d %s %s", k.glyph, s.Number, clean(s.Name), k.word))+
			m.tinyClock(s))
		if s.Transfer != nil {
			lines = append(lines, "  "+m.tinyTransfer(s))
		}
		if s.Waiting != nil {
			lines = append(lines, "  for "+clean(s.Waiting.Who)+": "+clean(s.Waiting.For))
		}
	}
	if m.note.text != "" {
		lines = append(lines, m.note.draw(m.st))
	}
	lines = append(lines, m.st.strong.Render(need), "q detach (work goes on)")
	if m.blocked(actPause) == "" {
		lines = append(lines, "p pause")
	}
	if driver := m.view.Driver; driver != nil && !m.you.Driving {
		lines = append(lines, clean(driver.Name)+" drives")
	}
	lines = append(lines, clean(m.view.Run.App))
	return append(lines, wrap(clean(m.view.Hint), m.w)...)
}

// tinyClock is how long a step has worked, if it has.
func (m *model) tinyClock(s *steps.StepView) string {
	if !s.State.Active() && s.Active == 0 {
		return ""
	}
	return " " + format.Clock(m.active(s))
}

func (m *model) tinyTransfer(s *steps.StepView) string {
	text := "no estimate"
	if f, ok := overall(s.Transfer); ok {
		text = format.Percent(unfinished(m.marks.reach(overallKey(s), f))) + " of " + clean(s.Transfer.Phase)
	}
	if left := format.Left(s.Transfer.ETALow, s.Transfer.ETAHigh); left != "" {
		text += ", left " + left
	}
	return text
}

// tinySteps are the steps that are being worked on, else the selected one.
func (m *model) tinySteps() []*steps.StepView {
	var active []*steps.StepView
	for i := range m.view.Steps {
		if m.view.Steps[i].State.Active() {
			active = append(active, &m.view.Steps[i])
		}
	}
	if s := m.step(); len(active) == 0 && s != nil {
		active = append(active, s)
	}
	return active
}
