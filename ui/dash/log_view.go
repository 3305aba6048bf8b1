package dash

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"changeover/steps"
	"changeover/ui/format"
)

// The columns before the text of a log line. Names of steps are left out where they would take the room of the text.
const (
	logTimeWidth   = 10 // "+00:17:03 "
	logStepWidth   = 14 // " 4 Dump      "
	logNumberWidth = 3  // " 4 "
	logNamesFrom   = 96
)

// drawLog fills the log panel.
func (m *model) drawLog(r rect) []string {
	l := &m.log
	b := box{
		title: "4 Log", right: m.logStatus(), focused: m.focus == logPane, last: true,
		joint: m.expanded == noPane,
	}
	above := detailPane
	if m.lay.mode == full {
		above = followersPane
	}
	b.belowLeft, b.belowRight = m.focus == above, m.focus == above
	v := l.visible()
	body := make([]string, 0, l.h)
	if len(v) == 0 {
		body = append(body, m.st.dim.Render(" "+m.emptyLog()))
	}
	first := l.position()
	for i := first; i < len(v) && len(body) < l.h; i++ {
		body = append(body, m.logLine(&l.lines[v[i]])...)
	}
	// At the end, rows that are left over show the end of the line before.
	if free := l.h - len(body); l.follow && first > 0 && free > 0 {
		before := m.logLine(&l.lines[v[first-1]])
		rest := before[max(len(before)-free, 0):]
		if len(rest) < len(before) {
			indent := logTimeWidth + l.stepWidth()
			rest[0] = strings.Repeat(" ", indent-1) + m.st.dim.Render("…") + rest[0][indent:]
		}
		body = append(rest, body...)
	}
	return b.draw(m.st, r.w, r.h, body)
}

func (m *model) emptyLog() string {
	if len(m.log.lines) > 0 {
		return "no line passes the filter; esc, e and s change it"
	}
	return "nothing yet"
}

// logStatus tells what the log shows, in its title row.
func (m *model) logStatus() string {
	l := &m.log
	var parts []string
	if l.errorsOnly {
		parts = append(parts, "errors only")
	}
	if l.stepOnly {
		parts = append(parts, fmt.Sprintf("step %d only", l.step))
	}
	if l.filter != "" {
		parts = append(parts, fmt.Sprintf("/%s %d of %d", l.filter, len(l.visible()), len(l.lines)))
	}
	if !l.follow {
		key := "f"
		if m.focus == logPane {
			key = "G"
		}
		parts = append(parts, m.st.accent.Render(fmt.Sprintf("%d new ↓ %s", l.unseen(), key)))
	}
	return strings.Join(parts, " · ")
}

// logLine draws one line, over several rows when wrapping is on.
func (m *model) logLine(line *steps.LogLine) []string {
	l := &m.log
	prefix := m.st.dim.Render(fit(m.logTime(line), logTimeWidth) + fit(m.logStep(line.Step), l.stepWidth()))
	if line.Seq == l.at && l.at != 0 {
		prefix = m.st.accent.Render(fit("▌"+m.logTime(line), logTimeWidth)) + m.st.dim.Render(fit(m.logStep(line.Step), l.stepWidth()))
	}
	text := logText(line)
	w := l.textWidth()
	if !l.wrapped {
		return []string{" " + prefix + m.logStyle(line).Render(m.mark(fitEnd(text, w)))}
	}
	rows := wrap(text, w)
	for i := range rows {
		styled := m.logStyle(line).Render(m.mark(rows[i]))
		if i == 0 {
			rows[i] = " " + prefix + styled
		} else {
			rows[i] = strings.Repeat(" ", logTimeWidth+l.stepWidth()+1) + styled
		}
	}
	return rows
}

// rows is how many rows a line takes.
func (l *logPanel) rows(line *steps.LogLine) int {
	if !l.wrapped {
		return 1
	}
	return max(len(wrap(logText(line), l.textWidth())), 1)
}

func (l *logPanel) textWidth() int { return max(l.w-logTimeWidth-l.stepWidth()-1, 8) }

func (l *logPanel) stepWidth() int {
	if l.w < logNamesFrom {
		return logNumberWidth
	}
	return logStepWidth
}

// logText says the level in a word, so that it does not hang on colour.
func logText(line *steps.LogLine) string {
	switch line.Level {
	case steps.Error:
		return "error: " + line.Text
	case steps.Warn:
		return "warning: " + line.Text
	default:
		return line.Text
	}
}

func (m *model) logStyle(line *steps.LogLine) lipgloss.Style {
	switch line.Level {
	case steps.Error:
		return m.st.bad
	case steps.Warn:
		return m.st.warn
	default:
		return m.st.plain
	}
}

// mark underlines what the operator looked for.
func (m *model) mark(text string) string {
	term := m.log.search
	lower := strings.ToLower(text)
	at := strings.Index(lower, strings.ToLower(term))
	if term == "" || at < 0 || len(lower) != len(text) || at+len(term) > len(text) {
		return text // in the few scripts whose letters change length with case, nothing is underlined
	}
	return text[:at] + "\x1b[4m" + text[at:at+len(term)] + "\x1b[24m" + text[at+len(term):]
}

func (m *model) logTime(line *steps.LogLine) string {
	if m.log.wall || m.log.runStarted.IsZero() {
		return m.wallClock(line.At)
	}
	return "+" + format.Clock(line.At.Sub(m.log.runStarted))
}

func (m *model) logStep(n int) string {
	s := m.stepNumber(n)
	switch {
	case m.log.stepWidth() == logNumberWidth && s == nil:
		return " –"
	case m.log.stepWidth() == logNumberWidth:
		return fmt.Sprintf("%2d", n)
	case s != nil:
		return fmt.Sprintf("%2d %s", n, fitEnd(clean(s.Name), logStepWidth-4))
	}
	return " – run"
}

// fitEnd cuts without padding.
func fitEnd(s string, w int) string {
	if lipgloss.Width(s) <= w {
		return s
	}
	return ansi.Truncate(s, max(w, 0), "…")
}
