package dash

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/ui/format"
)

// drawDetail is everything about the selected step.
func (m *model) drawDetail(r rect) []string {
	b := box{title: "2 Step", focused: m.focus == detailPane}
	b.joint = m.lay.mode == compact && m.expanded == noPane
	b.belowLeft, b.belowRight = m.focus == stepsPane, m.focus == followersPane
	b.last = m.expanded == detailPane
	s := m.step()
	if s == nil {
		return b.draw(m.st, r.w, r.h, []string{m.st.dim.Render(" waiting for the engine …")})
	}
	b.title = fmt.Sprintf("2 Step %d · %s", s.Number, clean(s.Name))
	b.right = m.detailStatus(s)
	lines, rows := m.detailLines(s, r.w-2), m.detailRows()
	top := max(min(m.detailTop, len(lines)-rows), 0)
	shown := lines[top:]
	if len(shown) > rows && rows > 1 {
		more := len(shown) - rows + 1
		shown = append(shown[:rows-1:rows-1], m.st.dim.Render(" ▾ "+m.moreText(s, more, top+rows-1)))
	}
	return b.draw(m.st, r.w, r.h, shown)
}

func (m *model) detailRows() int {
	rows := m.lay.detail.h - 1
	if m.expanded == detailPane {
		rows--
	}
	return max(rows, 0)
}

// detailOverflow is how far the panel can be scrolled.
func (m *model) detailOverflow() int {
	if s := m.step(); s != nil {
		return max(len(m.detailLines(s, m.lay.detail.w-2))-m.detailRows(), 0)
	}
	return 0
}

// moreText says what is below the cut, and how to get there: workers by number, because one looks for them; else lines.
func (m *model) moreText(s *steps.StepView, more, shown int) string {
	how := "2 then j, or enter"
	switch {
	case m.expanded == detailPane:
		how = "j"
	case m.focus == detailPane:
		how = "j, or enter"
	case m.focus == stepsPane:
		how = "enter"
	}
	if s.Transfer != nil {
		from := m.workersFrom(s)
		if workers := len(s.Transfer.Workers) - max(shown-from, 0); shown >= from && workers > 0 {
			return fmt.Sprintf("+%d more workers (%s)", workers, how)
		}
	}
	return fmt.Sprintf("%d more lines (%s)", more, how)
}

// detailStatus is state, time and estimate, apart from each other.
func (m *model) detailStatus(s *steps.StepView) string {
	k := m.look(s)
	text := k.style.Render(k.glyph + " " + k.word)
	if s.State.Active() || s.Active > 0 {
		text += " " + format.Clock(m.active(s))
	}
	if s.Attempt > 1 {
		text += fmt.Sprintf(" · try %d", s.Attempt)
	}
	if s.Transfer != nil && s.State.Active() {
		if left := format.Left(s.Transfer.ETALow, s.Transfer.ETAHigh); left != "" {
			text += " · left " + left
		} else if s.Transfer.Limits != (pgxfer.Workers{}) && !s.Transfer.Paused {
			text += " · no estimate"
		}
	}
	return text
}

// detailLines is the whole content; the panel shows a window of it.
func (m *model) detailLines(s *steps.StepView, w int) []string {
	lines := m.situation(s, w)
	if s.Transfer != nil && s.State.Active() {
		lines = append(lines, m.transferLines(s, w)...)
		lines = append(lines, "")
	}
	return append(lines, m.explanation(s, w)...)
}

// workersFrom is the line at which the workers begin.
func (m *model) workersFrom(s *steps.StepView) int {
	w := m.lay.detail.w - 2
	return len(m.situation(s, w)) + transferHead + len(m.waitLines(s.Transfer, w))
}

// situation is what is going on: what it waits for, what is in flight, why it stopped.
func (m *model) situation(s *steps.StepView, w int) []string {
	lines := m.parted(w)
	if alarm := m.alarmText(); m.view.Alarm != "" && lipgloss.Width(alarm) > m.w {
		// The line under the header could not say all of it.
		for _, l := range hang(" ! ", clean(m.view.Alarm), w-1) {
			lines = append(lines, m.st.alarm.Render(l))
		}
	}
	if wait := s.Waiting; wait != nil && s.State.Active() {
		text := fmt.Sprintf("%s, since %s (%s)", clean(wait.For), m.wallClock(wait.Since), format.Short(m.since(wait.Since)))
		if wait.Detail != "" {
			text += " – " + clean(wait.Detail)
		}
		style := m.st.busy
		if wait.Who == "you" {
			style = m.st.warn
		}
		for _, l := range hang(" ", "waiting for "+clean(wait.Who)+": "+text, w-1) {
			lines = append(lines, style.Render(l))
		}
	}
	// While it waits, what it was doing before is no longer what it does now.
	if s.Doing != "" && s.State.Active() && s.Transfer == nil && s.Waiting == nil {
		lines = append(lines, hang(" now: ", clean(s.Doing), w-1)...)
	}
	if s.Reason != "" {
		k := m.look(s)
		for _, l := range hang(" "+k.glyph+" ", clean(s.Reason), w-1) {
			lines = append(lines, k.style.Render(l))
		}
	}
	if (s.State == steps.Paused || m.view.Paused && s.State.Active()) && m.link.state != gone {
		for _, l := range hang(" ‖ ", m.heldText(s), w-1) {
			lines = append(lines, m.st.warn.Render(l))
		}
	}
	if m.view.Finished && s.Number == len(m.view.Steps) {
		for _, l := range hang(" ", m.finishText(), w-1) {
			lines = append(lines, m.st.good.Render(l))
		}
	}
	if next := m.whatNext(s); next != "" {
		lines = append(lines, hang(" ", next, w-1)...)
	}
	return lines
}

// parted is what to do about lost contact. The work does not depend on this screen, but it depends on an engine.
func (m *model) parted(w int) []string {
	if !m.link.stale() || m.view.Finished && m.link.state != gone {
		return nil
	}
	if m.link.state == gone {
		return []string{m.st.warn.Render(" ! " + upperFirst(m.link.problem) + "; below is how it was last.")}
	}
	text := "No contact since " + m.wallClock(m.engineNow()) + "; below is how it was then."
	if m.opts.Attach != "" {
		text += " If the engine is gone, q and then " + m.opts.Attach + " starts it again: it looks what happened before it goes on."
	}
	var lines []string
	for _, l := range hang(" ! ", clean(text), w-1) {
		lines = append(lines, m.st.warn.Render(l))
	}
	return lines
}

// finishText sums the run up once nothing is left to do.
func (m *model) finishText() string {
	text := "All twelve steps are done."
	if run := m.view.Run; !run.Finished.IsZero() {
		text += " The run took " + format.Clock(run.Finished.Sub(run.Started)) + "."
	}
	text += " Outage in all: " + format.Clock(m.outage()) + ". Cost: " + format.Money(m.view.Cost.CentsSoFar) + "."
	if n := len(m.view.Cost.Billed); n > 0 {
		text += " Still billed: " + strings.Join(m.view.Cost.Billed, ", ") + "."
	}
	return clean(text)
}

// whatNext says what to press, for the states in which something is.
func (m *model) whatNext(s *steps.StepView) string {
	switch {
	case s.State == steps.Unknown && m.view.Paused && !s.CanAdvance:
		return "p resumes; then a looks at what really happened before anything is sent again."
	case s.State == steps.Unknown && s.CanAdvance:
		return "The outcome is not known. a looks at what really happened before anything is sent again."
	case s.State == steps.NeedsHuman && s.CanAdvance:
		return "Put right what is said above; then a looks again, and goes on only if it is as it must be."
	case s.State == steps.Failed && s.CanAdvance && s.CanRollback:
		return "a tries again, R rolls back."
	case s.State == steps.Failed && s.CanAdvance:
		return "a tries again."
	case s.State.Startable() && !s.CanAdvance && s.AdvanceBlocked != "" && s.AdvanceBlocked != s.Reason:
		return "cannot start: " + clean(s.AdvanceBlocked)
	default:
		return ""
	}
}

// explanation is what the operator reads before pressing the key.
func (m *model) explanation(s *steps.StepView, w int) []string {
	var lines []string
	lines = append(lines, " "+m.st.strong.Render(fitEnd(clean(s.Title), w-1)))
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, m.labelled(label, text, w)...)
		}
	}
	for i, does := range s.Explain.Does {
		label := ""
		if i == 0 {
			label = "does"
		}
		item := hang(" "+fit(label, 9)+"• ", clean(does), w-1)
		item[0] = " " + m.st.dim.Render(fit(label, 9)) + item[0][10:]
		lines = append(lines, item...)
	}
	if s.Explain.Outage {
		add("outage", "the outage clock runs during this step")
	}
	add("takes", s.Explain.Takes)
	add("cost", s.Explain.Cost)
	add("undo", undoText(s))
	add("asks", m.asks(s))
	for i, c := range s.Explain.Commands {
		label := ""
		if i == 0 {
			label = "same as"
		}
		lines = append(lines, m.labelled(label, "$ "+clean(c), w)...)
	}
	return lines
}

func (m *model) labelled(label, text string, w int) []string {
	lines := hang(" "+fit(label, 9), clean(text), w-1)
	lines[0] = " " + m.st.dim.Render(fit(label, 9)) + lines[0][10:]
	return lines
}

func undoText(s *steps.StepView) string {
	text := s.Explain.Undo
	if !s.CanRollback && s.RollbackBlocked != "" && s.State != steps.Locked && s.State != steps.Ready {
		text = strings.TrimSpace(text + " (R not now: " + s.RollbackBlocked + ")")
	}
	return text
}

// asks says beforehand how hard it will be to start the step.
func (m *model) asks(s *steps.StepView) string {
	if s.State == steps.Unknown || !s.State.Startable() && s.State != steps.Locked {
		return ""
	}
	confirm := m.startConfirm(s)
	switch confirm.Tier {
	case steps.TierKey:
		return "nothing; a starts it at once"
	case steps.TierYes:
		return "a, then y"
	default:
		return "a, then type: " + strings.Join(confirm.Words, ", ")
	}
}
