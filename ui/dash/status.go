package dash

import (
	"charm.land/lipgloss/v2"

	"changeover/ui/format"
)

// drawHint is the line above the keys: an answer to the last key, what is being typed, or what can be done now.
func (m *model) drawHint(w int) string {
	switch {
	case m.log.typing:
		return fit(m.st.accent.Render(" / ")+m.log.input.View()+m.st.dim.Render("   enter keeps, esc drops the filter"), w)
	case m.note.text != "":
		return fit(m.note.draw(m.st), w)
	case m.view == nil:
		return fit(m.st.dim.Render(" "+orElse(m.link.problem, "waiting for the engine")), w)
	case m.link.state == gone:
		return fit(m.st.warn.Render(" ! "+m.link.problem+"; q leaves"), w)
	case m.link.stale() && !m.view.Finished:
		trying := ""
		if m.link.state == lost {
			trying = ", trying again"
		}
		return fit(m.st.warn.Render(" ! "+orElse(m.link.problem, "no contact")+trying+"; this is how it was at "+m.wallClock(m.engineNow())), w)
	case m.view.Paused:
		by := ""
		if m.view.PausedBy != "" {
			by = " by " + clean(m.view.PausedBy)
		}
		return fit(m.st.warn.Render(" ‖ paused"+by+", p resumes: "+format.Held(m.view)), w)
	case m.view.Hint != "":
		return fit(" "+m.onlooker()+clean(m.view.Hint), w)
	case m.view.Finished:
		return fit(m.st.good.Render(" ✓ all twelve steps are done; q leaves"), w)
	default:
		return fit(" "+m.onlooker()+m.ownHint(), w)
	}
}

// onlooker stands before what is to be pressed, for those who cannot press it.
func (m *model) onlooker() string {
	switch {
	case m.you.Driving || m.view.Driver == nil:
		return ""
	case m.opts.ReadOnly || !m.you.MayWrite:
		return m.st.warn.Render("you only watch") + " – "
	default:
		return m.st.warn.Render("you watch, c takes over") + " – "
	}
}

// ownHint is for an engine that gives none: what runs, and whether anything is to be pressed.
func (m *model) ownHint() string {
	if m.view.Alarm != "" {
		return "the alarm needs you: p pauses, B brings production back on old-primary"
	}
	if next := m.stepNumber(m.view.Next); next != nil {
		return stepLabel(next) + " can start: a starts it"
	}
	for i := range m.view.Steps {
		s := &m.view.Steps[i]
		if s.State.Active() && s.Waiting != nil && s.Waiting.Who == "you" {
			return stepLabel(s) + " waits for you: " + clean(s.Waiting.For)
		}
		if s.State.Active() {
			return stepLabel(s) + " is " + m.look(s).word + "; there is nothing to press until it ends"
		}
	}
	return ""
}

// drawKeys is the last line. It is made from the bindings: what is blocked stays, dim; help and detach are always there;
// of the others, those that do not fit are left out whole.
func (m *model) drawKeys(w int) string {
	right := ""
	for _, e := range keyTable {
		if e.group == groupSelf && e.short != "" {
			right += m.keyText(e) + "  "
		}
	}
	left, room := " ", w-lipgloss.Width(right)-1
	for _, e := range keyTable {
		if e.act == actBack && m.inKeyLine(e) {
			left += m.keyText(e) + "  " // the way out of what is open goes first
		}
	}
	for _, e := range keyTable {
		if e.group == groupSelf || e.act == actBack || !m.inKeyLine(e) {
			continue
		}
		if text := m.keyText(e) + "  "; lipgloss.Width(left)+lipgloss.Width(text) <= room {
			left += text
		}
	}
	return fit(left+right, w)
}

func (m *model) inKeyLine(e keyEntry) bool {
	switch {
	case e.short == "" || e.only != noPane && e.only != m.focus:
		return false
	case e.act == actBack:
		return m.expanded != noPane || m.log.filter != ""
	case e.act == actOpen:
		return m.expanded == noPane
	default:
		return true
	}
}

func (m *model) keyText(e keyEntry) string {
	name, what := e.binding.Help().Key, e.short
	switch e.act {
	case actPause:
		if m.view != nil && m.view.Paused {
			what = "resume"
		}
	case actControl:
		what = "take control"
		if m.you.Driving {
			what = "release"
		}
	}
	if m.blocked(e.act) != "" {
		return m.st.dim.Render(name + " " + what)
	}
	return m.st.strong.Render(name) + " " + what
}
