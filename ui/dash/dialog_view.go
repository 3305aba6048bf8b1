package dash

import (
	"fmt"
	"strings"

	"changeover/steps"
)

// drawDialog makes the box of the open question; the last line, how to answer, is always in it.
func (m *model) drawDialog() []string {
	d := m.dialog
	w := min(m.w-4, 84)
	inner := w - 2
	body := []string{""}
	text := func(label, s string) { body = append(body, hang(" "+label, clean(s), inner-1)...) }
	if d.confirm.Question != "" {
		text("", d.confirm.Question)
	}
	for _, c := range d.confirm.Consequences {
		text("• ", c)
	}
	if now := m.preconditions(d); len(now) > 0 {
		body = append(body, "", m.st.dim.Render(" as it is now"))
		body = append(body, now...)
	}
	answer := append([]string{""}, m.answerLines(d, inner)...)
	answer = append(answer, "")
	// A question too long for the screen loses its end, and says so, rather than the way to answer it.
	if room := m.h - 4 - len(answer); len(body) > room && room > 0 {
		cut := len(body) - room + 1
		body = append(body[:room-1:room-1], m.st.warn.Render(fmt.Sprintf(" … %d more lines; a taller screen shows them", cut)))
	}
	body = append(body, answer...)
	b := box{title: upperFirst(clean(d.what)) + "?", focused: true, last: true}
	return b.draw(m.st, w, len(body)+2, body)
}

// preconditions are read from the newest view each time the dialog is drawn.
func (m *model) preconditions(d *dialog) []string {
	if d.takeover {
		return nil
	}
	var lines []string
	add := func(s string) { lines = append(lines, "   "+s) }
	text, loud := m.outageText()
	if s := m.stepNumber(d.order.Step); s != nil && s.Explain.Outage && !loud {
		text += " – the clock starts with this step"
	}
	add(text)
	for i := range m.view.Followers {
		f := &m.view.Followers[i]
		if f.State == "following" {
			r := m.reading(f)
			add(fmt.Sprintf("%s %s behind, %s, sampled %s", clean(string(f.Role)), r.bytes, r.verdict, r.age))
		}
	}
	add("cost " + costText(m.view.Cost))
	if m.view.Paused {
		add(m.st.warn.Render("‖ the run is paused: nothing new is sent until p resumes it"))
	}
	if m.view.Alarm != "" {
		add(m.st.alarm.Render("! " + clean(m.view.Alarm)))
	}
	return lines
}

func (m *model) answerLines(d *dialog, w int) []string {
	if d.confirm.Tier == steps.TierYes {
		return []string{" " + m.st.strong.Render("y") + " yes      any other key: no, nothing is done"}
	}
	if len(d.answers) >= len(d.confirm.Words) {
		return []string{" enter sends it, esc cancels"}
	}
	word := clean(d.confirm.Words[len(d.answers)])
	count := ""
	if n := len(d.confirm.Words); n > 1 {
		count = fmt.Sprintf(" (%d of %d)", len(d.answers)+1, n)
	}
	lines := []string{" type " + m.st.strong.Render(word) + count + " and press enter; esc cancels"}
	if strings.Contains(word, " ") { // a sentence
		lines = []string{" type this" + count + " and press enter; esc cancels"}
		for _, part := range hang("   ", word, w-1) {
			lines = append(lines, m.st.strong.Render(part))
		}
	}
	d.input.SetWidth(max(w-6, 1))
	lines = append(lines, " > "+d.input.View())
	if d.wrong != "" {
		lines = append(lines, m.st.bad.Render(fitEnd(" that was “"+clean(d.wrong)+"”; it must be “"+word+"”", w)))
	}
	return lines
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
