package dash

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// View draws the frame.
func (m *model) View() tea.View {
	var v tea.View
	if !m.leaving {
		v.Content = m.frame()
	}
	v.AltScreen = true
	if m.mouse && !m.leaving {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// frame is exactly h lines of w cells.
func (m *model) frame() string {
	if m.w <= 0 || m.h <= 0 {
		return ""
	}
	var lines []string
	switch {
	case m.lay.mode == tiny:
		lines = m.drawTiny()
	case m.help:
		lines = m.drawHelp()
	default:
		lines = m.drawPanels()
	}
	frame := strings.Join(m.exactly(lines), "\n")
	if m.dialog != nil && m.dialog.visible && m.lay.mode != tiny {
		frame = m.overlay(frame, m.drawDialog())
	}
	if m.opts.ASCII {
		frame = toASCII(frame)
	}
	return frame
}

// exactly cuts and fills lines to the size of the screen: whatever a panel does, the frame fits.
func (m *model) exactly(lines []string) []string {
	out := make([]string, m.h)
	for i := range out {
		if i < len(lines) {
			out[i] = fit(lines[i], m.w)
		} else {
			out[i] = strings.Repeat(" ", m.w)
		}
	}
	return out
}

func (m *model) drawPanels() []string {
	l := m.lay
	lines := []string{m.drawHeader(m.w)}
	if !l.alarm.empty() {
		lines = append(lines, m.drawAlarm(m.w))
	}
	body := m.drawBody()
	if m.link.stale() && m.view != nil {
		// An old frame must not look live: no colours, faint, and the header says how old it is.
		for i := range body {
			body[i] = m.st.dim.Render(ansi.Strip(body[i]))
		}
	}
	lines = append(lines, body...)
	return append(lines, m.drawHint(m.w), m.drawKeys(m.w))
}

func (m *model) drawBody() []string {
	l := m.lay
	if l.mode == full {
		return beside(m.drawSteps(l.steps), m.column(detailPane, followersPane, logPane))
	}
	var top []string
	if l.shows(stepsPane) {
		top = beside(m.drawSteps(l.steps), m.drawFollowers(l.followers))
		return append(top, m.column(detailPane, logPane)...)
	}
	return m.column(detailPane, followersPane, logPane)
}

// column stacks those of the panels that are on the screen.
func (m *model) column(panes ...pane) []string {
	var lines []string
	for _, p := range panes {
		r := m.lay.at(p)
		if r.empty() {
			continue
		}
		switch p {
		case detailPane:
			lines = append(lines, m.drawDetail(r)...)
		case followersPane:
			lines = append(lines, m.drawFollowers(r)...)
		case logPane:
			lines = append(lines, m.drawLog(r)...)
		}
	}
	return lines
}

func beside(left, right []string) []string {
	lines := make([]string, 0, max(len(left), len(right)))
	for i := range max(len(left), len(right)) {
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) {
			line += right[i]
		}
		lines = append(lines, line)
	}
	return lines
}

// overlay puts a box in the middle of the frame.
func (m *model) overlay(frame string, dialog []string) string {
	if len(dialog) == 0 {
		return frame
	}
	x := max((m.w-lipgloss.Width(dialog[0]))/2, 0)
	y := max((m.h-len(dialog))/2, 0)
	lines := strings.Split(frame, "\n")
	for i, line := range dialog {
		if y+i >= len(lines) {
			break
		}
		under := lines[y+i]
		w := lipgloss.Width(line)
		lines[y+i] = ansi.Truncate(under, x, "") + "\x1b[m" + line + ansi.TruncateLeft(under, x+w, "")
	}
	for i := range lines {
		lines[i] = fit(lines[i], m.w)
	}
	return strings.Join(lines, "\n")
}
