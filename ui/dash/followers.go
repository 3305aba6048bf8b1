package dash

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"changeover/steps"
	"changeover/ui/format"
)

// sampleStale is the age from which a sample of lag no longer counts: it is shown as "?".
const sampleStale = 60 * time.Second

// drawFollowers draws the lag gauges.
func (m *model) drawFollowers(r rect) []string {
	b := box{
		title: "3 Followers", focused: m.focus == followersPane, joint: m.lay.mode == full && m.expanded == noPane,
		belowLeft: m.focus == detailPane, belowRight: m.focus == detailPane, last: m.expanded == followersPane,
	}
	lines := m.gauges(r.w - 2)
	rows := max(r.h-1, 0)
	if b.last {
		rows = max(rows-1, 0)
	}
	lines = m.compactCost(lines, rows)
	top := max(min(m.gaugesTop, len(lines)-rows), 0)
	return b.draw(m.st, r.w, r.h, lines[top:])
}

func (m *model) gaugesOverflow() int {
	r := m.lay.followers
	rows := r.h - 1
	if m.expanded == followersPane {
		rows--
	}
	return max(len(m.gauges(r.w-2))-rows, 0)
}

func (m *model) gauges(w int) []string {
	if m.view == nil || len(m.view.Followers) == 0 {
		return []string{m.st.dim.Render(" no follower yet")}
	}
	var lines []string
	for i := range m.view.Followers {
		f := &m.view.Followers[i]
		switch {
		case m.expanded == followersPane:
			lines = append(lines, m.gauge(f, w))
			lines = append(lines, m.gaugeNotes(f, w)...)
		case m.lay.mode == compact:
			lines = append(lines, m.smallGauge(f, w))
		default:
			lines = append(lines, m.gauge(f, w))
		}
	}
	return lines
}

// compactCost is the money where the list of steps has no room for it.
func (m *model) compactCost(lines []string, rows int) []string {
	if m.lay.mode != compact || m.view == nil || m.expanded != noPane || len(lines) >= rows {
		return lines
	}
	for len(lines) < rows-1 {
		lines = append(lines, "")
	}
	return append(lines, m.st.dim.Render(costText(m.view.Cost)))
}

// reading is what a gauge can honestly say.
type reading struct {
	bytes, commits string
	verdict        string
	age            string
	style          lipgloss.Style
	fraction       float64 // of the threshold, for the bar
	known          bool
}

func (m *model) reading(f *steps.FollowerView) reading {
	r := reading{bytes: "?", commits: "? commits", verdict: "unknown", age: "no sample", style: m.st.warn}
	if f.SampledAt.IsZero() {
		return r
	}
	age := m.since(f.SampledAt)
	r.age = format.Age(age) + " ago"
	if age > sampleStale {
		r.verdict = "old sample"
		return r
	}
	if f.Commits != nil {
		r.commits = format.Plural(*f.Commits, "commit")
	}
	if f.Bytes == nil {
		return r
	}
	r.known, r.bytes = true, format.Bytes(*f.Bytes)
	if f.Threshold > 0 {
		r.fraction = float64(*f.Bytes) / float64(f.Threshold)
	}
	switch {
	case f.CaughtUp:
		r.verdict, r.style = "caught up", m.st.good
	case *f.Bytes <= f.Threshold:
		r.verdict, r.style = "small", m.st.plain
	default:
		r.verdict = "behind"
	}
	return r
}

// gauge is a follower in one line: role, lag, the lag against its threshold, five minutes of history, and how old
// all that is.
func (m *model) gauge(f *steps.FollowerView, w int) string {
	name := " " + fit(clean(string(f.Role)), 15)
	if f.State != "following" {
		return name + m.st.dim.Render("– "+m.absence(f))
	}
	r := m.reading(f)
	arrow := " "
	if r.known {
		arrow = trend(f.History)
	}
	text := name + arrow + " " + r.style.Render(fitRight(r.bytes, 8)) + " " + m.thresholdBar(r) + " "
	commits := 10
	if w > 90 {
		commits = 16
	}
	end := r.style.Render(fit(r.verdict, 10)) + " " + m.st.dim.Render(fitRight(r.age, 9))
	if room := w - lipgloss.Width(text) - commits - lipgloss.Width(end) - 3; room >= 5 {
		text += m.st.busy.Render(sparkline(f.History, min(room, 30))) + " "
	}
	return spread(text+fit(r.commits, commits), end, w-1)
}

// thresholdBar shows lag up to twice the threshold, which is the mark in its middle.
func (m *model) thresholdBar(r reading) string {
	const half = 3
	if !r.known {
		return m.st.dim.Render(strings.Repeat("░", half) + "│" + strings.Repeat("░", half))
	}
	cells := int(min(r.fraction, 2) * half)
	if r.fraction > 0 && cells == 0 {
		cells = 1
	}
	return r.style.Render(bar(half, float64(min(cells, half))/half)) + "│" +
		r.style.Render(bar(half, float64(max(cells-half, 0))/half))
}

func (m *model) smallGauge(f *steps.FollowerView, w int) string {
	name := fit(clean(string(f.Role)), 15)
	if f.State == "promoted" {
		return name + m.st.dim.Render("– promoted") // the rest of it has no room
	}
	if f.State != "following" {
		return name + m.st.dim.Render("– "+m.absence(f))
	}
	r := m.reading(f)
	arrow := " "
	if r.known {
		arrow = trend(f.History)
	}
	return spread(name+arrow+r.style.Render(fitRight(r.bytes, 8)), m.st.dim.Render(fitRight(r.age, 9)), w)
}

func (m *model) absence(f *steps.FollowerView) string {
	switch f.State {
	case "not created":
		return "not created yet"
	case "promoted":
		return "promoted, follows nobody"
	default:
		return clean(f.State)
	}
}

// gaugeNotes is what the open panel says beyond the line.
func (m *model) gaugeNotes(f *steps.FollowerView, w int) []string {
	var lines []string
	note := func(label, text string) {
		for _, l := range hang("     "+fit(label, 11), text, w) {
			lines = append(lines, m.st.dim.Render(l))
		}
	}
	if f.Name != "" {
		note("add-on", clean(f.Name))
	}
	if f.State == "following" {
		note("threshold", fmt.Sprintf("up to %s counts as small", format.Bytes(f.Threshold)))
		if !f.SampledAt.IsZero() {
			note("sampled", m.wallClock(f.SampledAt))
		}
	}
	if f.Problem != "" {
		note("problem", clean(f.Problem))
	}
	return append(lines, "")
}
