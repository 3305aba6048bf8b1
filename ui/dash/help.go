package dash

import (
	tea "charm.land/bubbletea/v2"
)

// helpKey scrolls or closes the help screen.
func (m *model) helpKey(msg tea.KeyPressMsg) tea.Cmd {
	act, ok := pressed(msg)
	switch {
	case ok && act == actDetach:
		return m.leave()
	case ok && (act == actDown || act == actUp || act == actHalfDown || act == actHalfUp || act == actTop || act == actEnd):
		m.scrollHelp(act)
	default:
		m.help = false
	}
	return nil
}

func (m *model) scrollHelp(act action) {
	m.helpTop = moved(act, m.helpTop, m.h/2, max(len(m.helpLines())-m.helpRows(), 0))
}

func (m *model) helpRows() int { return max(m.h-4, 1) }

// helpLines lists every key, with the reason where one does nothing now.
func (m *model) helpLines() []string {
	var lines []string
	group := ""
	for _, e := range keyTable {
		if e.group != group {
			group = e.group
			if len(lines) > 0 {
				lines = append(lines, "")
			}
			lines = append(lines, m.st.strong.Render(" "+group))
		}
		help := e.binding.Help()
		if why := m.blocked(e.act); why != "" {
			lines = append(lines, m.st.dim.Render("   "+fit(help.Key, 10)+help.Desc+" – not now: "+why))
			continue
		}
		lines = append(lines, "   "+m.st.strong.Render(fit(help.Key, 10))+help.Desc)
	}
	lines = append(lines, "", m.st.strong.Render(" Signs"))
	for _, l := range []string{
		"✓ done   ▶ running, waiting, verifying   ‖ paused   ! failed or needs you",
		"? unknown: sent, and not read back; it is probed before anything is sent again",
		"○ ready: can start   · locked: something else comes first   ↺ being undone",
	} {
		lines = append(lines, "   "+l)
	}
	if m.view != nil && m.view.Run.LogFile != "" {
		lines = append(lines, "", "   the whole log: "+clean(m.view.Run.LogFile))
	}
	return lines
}

func (m *model) drawHelp() []string {
	b := box{title: "Keys", right: "any other key closes", focused: true, last: true}
	lines, rows := m.helpLines(), m.helpRows()
	top := max(min(m.helpTop, len(lines)-rows), 0)
	shown := lines[top:]
	if len(shown) > rows {
		shown = append(shown[:rows-1:rows-1], m.st.dim.Render(" ▾ more (j)"))
	}
	out := []string{m.drawHeader(m.w)}
	out = append(out, b.draw(m.st, m.w, m.h-2, shown)...)
	return append(out, m.drawKeys(m.w))
}
