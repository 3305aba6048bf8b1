package dash

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// box is the border of a panel. Panels in a column share borders: each draws its title row, and only the last one a
// bottom row.
type box struct {
	title, right string
	focused      bool // drawn with heavy lines, so that focus does not hang on colour
	joint        bool // another panel is above it
	// The panel above the left or the right corner has the focus.
	belowLeft, belowRight bool
	last                  bool // nothing is below it
}

// draw puts body into the box, h lines of w cells in all. Lines that are missing are blank, lines too many are cut.
func (b box) draw(st styles, w, h int, body []string) []string {
	if w < 4 || h < 1 {
		return nil
	}
	line, side, line1 := "─", "│", st.border
	if b.focused {
		line, side, line1 = "━", "┃", st.focus
	}
	left, right := b.corners()
	lines := make([]string, 0, h)
	lines = append(lines, b.top(st, w, line1.Render(left), line1.Render(right), func(n int) string {
		return line1.Render(strings.Repeat(line, max(n, 0)))
	}))
	rows := h - 1
	if b.last {
		rows--
	}
	edge := line1.Render(side)
	for i := range rows {
		content := ""
		if i < len(body) {
			content = body[i]
		}
		lines = append(lines, edge+fit(content, w-2)+edge)
	}
	if b.last && h > 1 {
		l, r := "└", "┘"
		if b.focused {
			l, r = "┗", "┛"
		}
		lines = append(lines, line1.Render(l+strings.Repeat(line, w-2)+r))
	}
	return lines
}

// corners join the title row to the panel above; heavy strokes run only along the panel that has the focus.
func (b box) corners() (left, right string) {
	switch {
	case b.joint && b.focused:
		return "┢", "┪"
	case b.focused:
		return "┏", "┓"
	case !b.joint:
		return "┌", "┐"
	}
	left, right = "├", "┤"
	if b.belowLeft {
		left = "┞"
	}
	if b.belowRight {
		right = "┦"
	}
	return left, right
}

func (b box) top(st styles, w int, left, right string, rule func(int) string) string {
	inner := w - 2
	title := b.title
	if b.focused {
		title = st.strong.Render(title)
	}
	tail := ""
	if b.right != "" {
		tail = " " + b.right + " "
	}
	if lipgloss.Width(tail) > inner-8 {
		tail = ""
	}
	room := inner - lipgloss.Width(tail) - 1
	if lipgloss.Width(title) > room-1 {
		title = strings.TrimRight(fit(title, room-1), " ")
	}
	gap := inner - lipgloss.Width(title) - lipgloss.Width(tail) - 1
	middle := title + " " + rule(gap)
	if tail != "" {
		middle = title + " " + rule(gap-1) + tail + rule(1)
	}
	return left + middle + right
}
