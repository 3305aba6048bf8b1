package dash

import (
	tea "charm.land/bubbletea/v2"
)

// takeKey gives a key to whatever is on top: a dialog, the filter line, the help screen, the dashboard.
func (m *model) takeKey(msg tea.KeyPressMsg) tea.Cmd {
	if msg.String() == "ctrl+c" {
		return m.leave() // always leaves the screen, never the work
	}
	switch {
	case m.dialog != nil:
		return m.dialogKey(msg)
	case m.log.typing:
		m.log.typeKey(msg)
		return nil
	case m.help:
		return m.helpKey(msg)
	}
	act, ok := pressed(msg)
	if !ok {
		return nil
	}
	m.note = notice{}
	if why := m.blocked(act); why != "" {
		m.complain(why)
		m.note.blocked = true
		return nil
	}
	return m.perform(act)
}

// leave ends the dashboard. The last frame is blank, because a terminal that was resized while it showed the alternate
// screen may leave rows of it standing on the normal one; tmux does.
func (m *model) leave() tea.Cmd {
	m.leaving = true
	return tea.Quit
}

func (m *model) perform(act action) tea.Cmd {
	switch act {
	case actAdvance, actPause, actHardPause, actRollback, actBail, actControl, actMore, actFewer:
		return m.command(act)
	case actDetach:
		return m.leave()
	case actCopy:
		return m.copyFocused()
	case actMouse:
		m.toggleMouse()
	case actHelp:
		m.help, m.helpTop = true, 0
	case actOpen:
		m.open()
	case actBack:
		m.back()
	case actNextPane:
		m.cycle(1)
	case actPrevPane:
		m.cycle(-1)
	case actSteps:
		m.jump(stepsPane)
	case actDetail:
		m.jump(detailPane)
	case actFollowers:
		m.jump(followersPane)
	case actLog:
		m.jump(logPane)
	case actDown, actUp, actHalfDown, actHalfUp, actTop, actEnd:
		m.move(act)
	default:
		m.logAction(act)
	}
	return nil
}

func (m *model) logAction(act action) {
	switch act {
	case actFilter:
		m.jump(logPane)
		m.log.beginFilter()
	case actMatch:
		m.log.match(1)
	case actMatchBack:
		m.log.match(-1)
	case actFollow:
		m.log.toggleFollow()
	case actWrap:
		m.log.wrapped = !m.log.wrapped
	case actClock:
		m.log.wall = !m.log.wall
	case actErrors:
		m.log.setErrors(!m.log.errorsOnly)
	case actThisStep:
		m.log.setStepOnly(!m.log.stepOnly)
	}
}

func (m *model) open() {
	switch m.focus {
	case stepsPane:
		m.focus, m.expanded = detailPane, detailPane
	default:
		m.expanded = m.focus
	}
}

// back undoes the last thing that changed the screen: filter, open panel, focus, cursor.
func (m *model) back() {
	switch {
	case m.log.filter != "":
		m.log.setFilter("")
	case m.expanded != noPane:
		m.expanded = noPane
	default:
		m.focus, m.follow = stepsPane, true
		if m.view != nil {
			m.selectStep(followed(m.view, m.sel, true))
		}
	}
}

// jump focuses a panel; one that is hidden behind an open one takes its place.
func (m *model) jump(p pane) {
	if !m.lay.shows(p) {
		m.expanded = noPane
		if p != stepsPane {
			m.expanded = p
		}
	}
	m.focus = p
}

func (m *model) cycle(by int) {
	panes := []pane{stepsPane, detailPane, followersPane, logPane}
	at := 0
	for i, p := range panes {
		if p == m.focus {
			at = i
		}
	}
	for range panes {
		at = (at + by + len(panes)) % len(panes)
		if m.lay.shows(panes[at]) {
			m.focus = panes[at]
			return
		}
	}
}

// move scrolls the focused panel, or moves the cursor in the list of steps.
func (m *model) move(act action) { m.moveIn(m.focus, act) }

// moveIn is move for any panel.
func (m *model) moveIn(p pane, act action) {
	switch p {
	case logPane:
		m.log.move(act)
	case stepsPane:
		m.follow = false
		m.selectStep(moved(act, m.sel-1, allSteps/2, allSteps-1) + 1)
	case detailPane:
		m.detailTop = moved(act, m.detailTop, m.lay.detail.h/2, m.detailOverflow())
	case followersPane:
		m.gaugesTop = moved(act, m.gaugesTop, m.lay.followers.h/2, m.gaugesOverflow())
	}
}

// moved applies a movement to a position in 0…last, half being half a page.
func moved(act action, at, half, last int) int {
	switch act {
	case actDown:
		at++
	case actUp:
		at--
	case actHalfDown:
		at += max(half, 1)
	case actHalfUp:
		at -= max(half, 1)
	case actTop:
		at = 0
	case actEnd:
		at = last
	}
	return max(min(at, last), 0)
}
