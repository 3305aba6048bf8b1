package dash

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"changeover/ui/format"
)

// segment is a piece of the header; when the line is too short, those with the highest rank go first.
type segment struct {
	text string
	rank int
}

// drawHeader is the first line: what moves, the outage clock, who drives, and whether this is live.
func (m *model) drawHeader(w int) string {
	link := m.linkText() + " "
	if m.view == nil {
		return spread(" changeover", link, w)
	}
	run := m.view.Run
	segments := []segment{
		{m.st.strong.Render(clean(run.App)), 1},
		{clean(run.FromVersion) + " → " + clean(run.ToVersion), 3},
		{format.Bytes(run.Bytes), 5},
	}
	if run.Rehearsal {
		segments = append(segments, segment{m.st.accent.Render("REHEARSAL"), 2})
	}
	segments = append(segments, segment{m.outageStyle(), 0})
	segments = append(segments, segment{m.driverText(), 4}, segment{m.watchers(), 6})
	if run.SurvivesLogout == "no" {
		segments = append(segments, segment{m.st.warn.Render("ends at logout"), 3})
	}
	room := w - lipgloss.Width(link) - 3 // a cell before, and a gap of two
	for rank := 6; rank > 0 && width(segments) > room; rank-- {
		segments = without(segments, rank)
	}
	return spread(" "+join(segments), link, w)
}

func (m *model) outageStyle() string {
	text, loud := m.outageText()
	switch o := m.view.Outage; {
	case !loud && o.Total == 0:
		return m.st.dim.Render(text)
	case !loud:
		return text
	case o.Budget > 0 && m.outage() > o.Budget*8/10:
		return m.st.alarm.Render(text)
	default:
		return m.st.warn.Render(text)
	}
}

func (m *model) driverText() string {
	switch d := m.view.Driver; {
	case m.you.Driving:
		return "driver: you"
	case d == nil:
		return m.st.warn.Render("nobody drives")
	case m.opts.ReadOnly:
		return "read-only, driver: " + clean(d.Name)
	default:
		return "driver: " + clean(d.Name)
	}
}

func (m *model) watchers() string {
	if m.view.Watching <= 1 {
		return ""
	}
	return fmt.Sprintf("%d watching", m.view.Watching)
}

func join(segments []segment) string {
	var parts []string
	for _, s := range segments {
		if s.text != "" {
			parts = append(parts, s.text)
		}
	}
	return strings.Join(parts, "   ")
}

func width(segments []segment) int { return lipgloss.Width(join(segments)) }

func without(segments []segment, rank int) []segment {
	var kept []segment
	for _, s := range segments {
		if s.rank != rank {
			kept = append(kept, s)
		}
	}
	return kept
}

// drawAlarm is the loud line under the header.
func (m *model) drawAlarm(w int) string {
	return m.st.alarm.Render(fit(" ! ALARM  "+clean(m.view.Alarm), w))
}
