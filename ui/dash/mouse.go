package dash

import (
	tea "charm.land/bubbletea/v2"
)

// The mouse is off until somebody wants it: while a program listens to it, a terminal does not let text be selected,
// and copying a line is wanted more often than clicking on one. Nothing a mouse does changes the run.

// toggleMouse switches it on or off.
func (m *model) toggleMouse() {
	m.mouse = !m.mouse
	if m.mouse {
		m.say("mouse on: click focuses, the wheel scrolls; m again to select text")
		return
	}
	m.say("mouse off: text can be selected")
}

// takeClick focuses the panel under the pointer; in the list of steps it selects one, too.
func (m *model) takeClick(msg tea.MouseClickMsg) {
	p := m.under(msg.X, msg.Y)
	if msg.Button != tea.MouseLeft || p == noPane {
		return
	}
	m.focus = p
	if n := m.stepAt(msg.Y); p == stepsPane && n > 0 {
		m.follow = false
		m.selectStep(n)
	}
}

// takeWheel scrolls what is under the pointer, three lines a notch as everywhere. In the list of steps it moves the
// cursor by one.
func (m *model) takeWheel(msg tea.MouseWheelMsg) {
	act, ok := map[tea.MouseButton]action{tea.MouseWheelDown: actDown, tea.MouseWheelUp: actUp}[msg.Button]
	if !ok || m.dialog != nil {
		return
	}
	if m.help {
		for range 3 {
			m.scrollHelp(act)
		}
		return
	}
	p := m.under(msg.X, msg.Y)
	times := 3
	if p == stepsPane {
		times = 1
	}
	for range times {
		m.moveIn(p, act)
	}
}

// under is the panel that a cell belongs to; none while something lies over the panels.
func (m *model) under(x, y int) pane {
	if m.dialog != nil || m.help || m.view == nil {
		return noPane
	}
	for _, p := range []pane{stepsPane, detailPane, followersPane, logPane} {
		r := m.lay.at(p)
		if x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h {
			return p
		}
	}
	return noPane
}

// stepAt is the step drawn on a row of the screen, 0 for none.
func (m *model) stepAt(y int) int {
	first, listed := m.stepWindow(m.stepRows())
	row := y - m.lay.steps.y - 1
	if row < 0 || row >= listed {
		return 0
	}
	return first + row + 1
}
