package dash

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/ui/format"
)

// copyFocused hands what has the focus to the clipboard of the operator's own machine, through the terminal (OSC 52).
// Terminals may forbid that without a word, so the answer names the command that prints the same.
func (m *model) copyFocused() tea.Cmd {
	text, what, instead := m.copyable()
	if text == "" {
		m.complain("there is nothing to copy here")
		return nil
	}
	m.say(fmt.Sprintf("sent %s to your clipboard; if nothing arrives, your terminal forbids it: %s", what, instead))
	return tea.SetClipboard(text)
}

// copyable is the text of the focused panel, what it is, and how to print it without a clipboard.
func (m *model) copyable() (text, what, instead string) {
	switch m.focus {
	case logPane:
		if line := m.log.current(); line != nil {
			return logText(line), "the log line", "changeover log"
		}
		return "", "", ""
	case followersPane:
		var lines []string
		for i := range m.view.Followers {
			lines = append(lines, m.followerText(&m.view.Followers[i]))
		}
		return strings.Join(lines, "\n"), "the followers", "changeover status"
	}
	s := m.step()
	if s == nil {
		return "", "", ""
	}
	var commands []string
	for _, c := range s.Explain.Commands {
		commands = append(commands, clean(c))
	}
	if len(commands) > 0 {
		return strings.Join(commands, "\n"), format.Plural(int64(len(commands)), "raw command"), fmt.Sprintf("changeover plan --step %d", s.Number)
	}
	return m.stepText(s), "the step's summary", "changeover status"
}

// stepText is a step in a line.
func (m *model) stepText(s *steps.StepView) string {
	text := fmt.Sprintf("%s: %s", stepLabel(s), m.look(s).word)
	if s.Active > 0 {
		text += ", " + format.Clock(m.active(s))
	}
	if s.Reason != "" {
		text += ": " + clean(s.Reason)
	}
	return text
}

func (m *model) followerText(f *steps.FollowerView) string {
	text := clean(string(f.Role))
	if f.Name != "" {
		text += " " + clean(f.Name)
	}
	if f.State != "following" {
		return text + ": " + m.absence(f)
	}
	r := m.reading(f)
	return fmt.Sprintf("%s: %s, %s behind, %s, sampled %s", text, r.verdict, r.bytes, r.commits, r.age)
}
