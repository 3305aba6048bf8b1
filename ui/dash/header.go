package dash

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"changeover/ui/format"
)

// segment is a piece of the header. When the line is too short, luxuries are left out, those with the highest rank first;
// then what has a shorter way is said in it; then the mark of a rehearsal goes, and the name. The clock, who drives and
// that the run is paused stay.
type segment struct {
	text  string
	short string // empty: there is no shorter way
	rank  int
}

// Ranks from luxury to lowestRank go before anything is shortened.
const (
	luxury     = 5
	lowestRank = 7
)

// drawHeader is the first line: what moves, the outage clock, who drives, and whether this is live.
func (m *model) drawHeader(w int) string {
	if m.view == nil {
		return spread(" changeover", m.linkText(false)+" ", w)
	}
	run := m.view.Run
	segments := []segment{
		{text: m.st.strong.Render(clean(run.App)), short: m.st.strong.Render(fitEnd(clean(run.App), 16)), rank: 3},
		{text: clean(run.FromVersion) + " → " + clean(run.ToVersion), rank: 6},
		{text: format.Bytes(run.Bytes), rank: 7},
	}
	if run.Rehearsal {
		segments = append(segments, segment{text: m.st.accent.Render("REHEARSAL"), rank: 4})
	}
	if m.view.Paused {
		segments = append(segments, segment{text: m.st.warn.Render("‖ PAUSED"), rank: 0})
	}
	segments = append(
		segments,
		segment{text: m.outageStyle(false), short: m.outageStyle(true), rank: 1},
		segment{text: m.driverText(w), short: m.driverText(10), rank: 2},
		segment{text: m.watchers(), rank: 7},
	)
	if run.SurvivesLogout == "no" {
		segments = append(segments, segment{text: m.st.warn.Render("ends at logout"), rank: 5})
	}
	link, gap := m.linkText(false)+" ", 3
	tight := func() bool { return lipgloss.Width(join(segments, gap)) > w-lipgloss.Width(link)-3 } // a cell before, and two between
	for rank := lowestRank; rank >= luxury && tight(); rank-- {
		segments = without(segments, rank)
	}
	if tight() {
		link, gap = m.linkText(true)+" ", 2
	}
	for rank := luxury; rank > 0 && tight(); rank-- {
		shorten(segments, rank)
	}
	for rank := luxury; rank > 2 && tight(); rank-- {
		segments = without(segments, rank)
	}
	return spread(" "+join(segments, gap), link, w)
}

// shorten says the segments of a rank in their shorter way.
func shorten(segments []segment, rank int) {
	for i := range segments {
		if s := &segments[i]; s.rank == rank && s.short != "" {
			s.text = s.short
		}
	}
}

func (m *model) outageStyle(short bool) string {
	text, loud := m.outageText()
	if short {
		text = m.outageShort()
	}
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

// driverText is who drives, the name cut to w cells.
func (m *model) driverText(w int) string {
	if m.you.Driving {
		return "driver: you"
	}
	text := m.st.warn.Render("nobody drives")
	if d := m.view.Driver; d != nil {
		text = "driver: " + fitEnd(clean(d.Name), w)
		if d.Name == m.opts.Who {
			text += " elsewhere"
		}
	}
	if m.opts.ReadOnly {
		return "read-only, " + text
	}
	return text
}

func (m *model) watchers() string {
	if m.view.Watching <= 1 {
		return ""
	}
	return fmt.Sprintf("%d watching", m.view.Watching)
}

// join puts segments side by side, gap cells apart.
func join(segments []segment, gap int) string {
	var parts []string
	for _, s := range segments {
		if s.text != "" {
			parts = append(parts, s.text)
		}
	}
	return strings.Join(parts, strings.Repeat(" ", gap))
}

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
func (m *model) drawAlarm(w int) string { return m.st.alarm.Render(fit(m.alarmText(), w)) }

func (m *model) alarmText() string { return " ! ALARM  " + clean(m.view.Alarm) }
