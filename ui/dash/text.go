package dash

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"changeover/ui/format"
)

// fit makes s exactly w cells wide: cut with an ellipsis, or padded.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if lipgloss.Width(s) > w {
		s = ansi.Truncate(s, w, "…")
	}
	// A wide character that did not fit leaves a cell over, so the padding comes after the cut.
	return s + strings.Repeat(" ", max(w-lipgloss.Width(s), 0))
}

// fitRight is fit for numbers: padded on the left.
func fitRight(s string, w int) string {
	if lipgloss.Width(s) > w {
		return fit(s, w)
	}
	return strings.Repeat(" ", w-lipgloss.Width(s)) + s
}

// fitName cuts in the middle, because the ends of table names differ more than their middles.
func fitName(s string, w int) string {
	n := lipgloss.Width(s)
	if n <= w || w < 8 {
		return fit(s, w)
	}
	tail := (w - 1) / 2
	return fit(ansi.Truncate(s, w-1-tail, "")+"…"+ansi.TruncateLeft(s, n-tail, ""), w)
}

// spread puts left and right at the two ends of a line of w cells; left gives way.
func spread(left, right string, w int) string {
	n := lipgloss.Width(right)
	if n >= w {
		return fit(right, w)
	}
	return fit(left, w-n) + right
}

// wrap breaks s into lines of at most w cells, at spaces where it can. Hyphens are no place to break: the names of
// add-ons and the options of commands are full of them, and people copy those.
func wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	const unbreakable = "\u2011"
	s = ansi.Wrap(strings.ReplaceAll(s, "-", unbreakable), w, "")
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(s, unbreakable, "-"), "\n") {
		if lipgloss.Width(line) > w { // a space before the break may be kept
			lines = append(lines, strings.Split(ansi.Hardwrap(line, w, true), "\n")...)
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// hang wraps s behind a label; following lines are indented as deep as the label is wide.
func hang(label, s string, w int) []string {
	n := lipgloss.Width(label)
	lines := wrap(s, max(w-n, 8))
	for i := range lines {
		if i == 0 {
			lines[i] = label + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", n) + lines[i]
		}
	}
	return lines
}

// clean is format.Clean: everything that comes with a View passes it before it is measured.
func clean(s string) string { return format.Clean(s) }
