package dash

import (
	"fmt"

	"charm.land/lipgloss/v2"

	"changeover/steps"
	"changeover/ui/format"
)

// look is how a state is shown: a glyph, a word, and a style that adds nothing to them.
type look struct {
	glyph, word string
	style       lipgloss.Style
}

func (m *model) look(s *steps.StepView) look {
	st := m.st
	if s.Waiting != nil && s.State.Active() {
		if s.Waiting.Who == "you" {
			return look{"!", "needs you", st.warn}
		}
		if s.State == steps.Running {
			return look{"▶", "waiting", st.busy}
		}
	}
	switch s.State {
	case steps.Ready:
		return look{"○", "ready", st.strong}
	case steps.Running:
		return look{"▶", "running", st.busy}
	case steps.Verifying:
		return look{"▶", "verifying", st.busy}
	case steps.Paused:
		return look{"‖", "paused", st.warn}
	case steps.Done:
		return look{"✓", "done", st.good}
	case steps.Failed:
		return look{"!", "failed", st.bad}
	case steps.Unknown:
		return look{"?", "unknown", st.bad}
	case steps.NeedsHuman:
		return look{"!", "needs you", st.bad}
	case steps.RollingBack:
		return look{"↺", "undoing", st.warn}
	case steps.RolledBack:
		return look{"○", "undone", st.warn}
	case steps.Locked:
		return look{"·", "locked", st.dim}
	default:
		return look{"?", clean(string(s.State)), st.plain} // of a newer engine
	}
}

// drawSteps is the list of the twelve, or a window of it around the selection.
func (m *model) drawSteps(r rect) []string {
	b := box{title: "1 Steps", focused: m.focus == stepsPane, last: m.lay.mode == full}
	if m.view == nil {
		return b.draw(m.st, r.w, r.h, nil)
	}
	done := 0
	for i := range m.view.Steps {
		if m.view.Steps[i].State == steps.Done {
			done++
		}
	}
	b.right = fmt.Sprintf("%d/%d done", done, len(m.view.Steps))
	rows := m.stepRows()
	first, listed := m.stepWindow(rows)
	body := make([]string, 0, rows)
	for i := first; i < first+listed; i++ {
		body = append(body, m.stepRow(&m.view.Steps[i], r.w-2))
	}
	if m.lay.mode == full {
		body = append(body, m.money(r.w-2, rows-len(body))...)
	}
	return b.draw(m.st, r.w, r.h, body)
}

// stepRows is how many lines the panel has.
func (m *model) stepRows() int {
	rows := m.lay.steps.h - 1
	if m.lay.mode == full {
		rows--
	}
	return max(rows, 0)
}

// stepWindow is which of the steps are listed in so many rows: the selected one is in the middle.
func (m *model) stepWindow(rows int) (first, listed int) {
	listed = min(rows, len(m.view.Steps))
	return max(min(m.sel-1-listed/2, len(m.view.Steps)-listed), 0), listed
}

func (m *model) stepRow(s *steps.StepView, w int) string {
	k := m.look(s)
	marker, name := " ", clean(s.Name)
	if s.Number == m.sel {
		marker = m.st.accent.Render("▌")
	}
	took := "        "
	if s.State.Active() || s.Active > 0 {
		took = format.Clock(m.active(s))
	}
	room := w - 1 - 1 - 1 - 2 - 1 - 1 - 9 - 1 - 8
	cell := fit(name, room)
	if s.Transfer != nil && s.State.Active() {
		if f, ok := overall(s.Transfer); ok {
			cell = spread(name+" ", format.Percent(unfinished(m.marks.reach(overallKey(s), f))), room)
		}
	}
	switch {
	case s.Number == m.sel:
		cell = m.st.strong.Render(cell)
	case s.State == steps.Locked:
		cell = m.st.dim.Render(cell)
	}
	return marker + k.style.Render(k.glyph) + " " + fmt.Sprintf("%2d", s.Number) + " " + cell + " " +
		k.style.Render(fit(k.word, 9)) + " " + took
}

// money fills the rest of the left column: outages, and what is being paid for.
func (m *model) money(w, rows int) []string {
	lines := []string{""}
	for _, o := range m.view.Outage.Outages {
		lines = append(lines, m.outageRow(o))
	}
	if len(lines) > 1 {
		lines = append(lines, "")
	}
	cost := m.view.Cost
	lines = append(lines, m.st.strong.Render(" "+costText(cost)))
	for _, b := range cost.Billed {
		lines = append(lines, m.st.dim.Render(fitEnd("   "+clean(b), w)))
	}
	if len(cost.Billed) == 0 {
		lines = append(lines, m.st.dim.Render("   nothing of ours is billed"))
	}
	run := m.view.Run
	lines = append(lines, "", m.st.dim.Render(fitEnd(fmt.Sprintf(" %s engine on %s", clean(run.Engine), clean(run.Box)), w)))
	if run.SurvivesLogout != "" {
		lines = append(lines, m.st.dim.Render(" survives logout: "+clean(run.SurvivesLogout)))
	}
	if run.LogFile != "" {
		lines = append(lines, m.st.dim.Render(" log "+fitName(clean(run.LogFile), w-6)))
	}
	if len(lines) > rows && rows > 0 {
		more := len(lines) - rows + 1
		lines = append(lines[:rows-1], m.st.dim.Render(fmt.Sprintf("   … %d more", more)))
	}
	return lines[:max(min(len(lines), rows), 0)]
}

func (m *model) outageRow(o steps.Outage) string {
	if o.End.IsZero() {
		return m.st.warn.Render(fmt.Sprintf(" OUTAGE since %s (step %d)", m.wallClock(o.Start), o.FromStep))
	}
	if o.ToStep == 0 { // ended by a bail-out
		return fmt.Sprintf(" outage %s   %s", o.Span(), format.Clock(o.End.Sub(o.Start)))
	}
	return fmt.Sprintf(" outage steps %d–%d   %s", o.FromStep, o.ToStep, format.Clock(o.End.Sub(o.Start)))
}

func costText(c steps.CostView) string {
	return format.Money(c.CentsSoFar) + " so far · " + format.Money(c.CentsHour) + "/h"
}
