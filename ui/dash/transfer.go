package dash

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/ui/format"
)

const (
	// stalledAfter is how long a worker may stand still before its row says so.
	stalledAfter = 60 * time.Second
	// transferHead is the number of lines between what is waited for and the workers.
	transferHead = 2
)

// transferLines are the overall bar, what the end waits for, and one row per worker.
func (m *model) transferLines(s *steps.StepView, w int) []string {
	p := s.Transfer
	lines := append(m.waitLines(p, w), m.overallLine(s, w), fit(" "+m.phaseLine(p, w-1), w))
	for i := range p.Workers {
		lines = append(lines, m.workerLine(s, &p.Workers[i], w))
	}
	return lines
}

// overallLine shows what the percentage is of: bytes while they move, items afterwards.
func (m *model) overallLine(s *steps.StepView, w int) string {
	p := s.Transfer
	text := format.BytesOf(p.Bytes.Done, p.Bytes.Total) + "  " + fitRight(format.Rate(p.Rate), 9)
	if loaded(p) {
		text = itemsText(p)
	}
	if p.Rows.Done > 0 {
		text += "  " + format.Count(p.Rows.Done) + " rows"
	}
	barWidth := max(min(w-lipgloss.Width(text)-12, 40), 8)
	f, ok := overall(p)
	if !ok {
		return " " + m.st.dim.Render(fit("no estimate", barWidth)) + "        " + text
	}
	f = unfinished(m.marks.reach(overallKey(s), f))
	return " " + m.st.busy.Render(bar(barWidth, f)) + " " + m.st.strong.Render(fitRight(format.Percent(f), 5)) + "  " + text
}

// loaded says that all bytes are through and something else is being done.
func loaded(p *pgxfer.Progress) bool {
	f, ok := p.Bytes.Fraction()
	return ok && f >= 1 && p.Items.Total > 0
}

func itemsText(p *pgxfer.Progress) string {
	if p.Items.Total > 0 {
		return format.Count(p.Items.Done) + " of " + format.Plural(p.Items.Total, "item")
	}
	return format.Plural(p.Items.Done, "item")
}

// waitLines are why a transfer goes on with less than it was given, in full: it is what to act on.
func (m *model) waitLines(p *pgxfer.Progress, w int) []string {
	if p.Waits == "" {
		return nil
	}
	lines := hang(" ! ", clean(p.Waits), w-1)
	for i := range lines {
		lines[i] = m.st.warn.Render(lines[i])
	}
	return lines
}

// phaseLine is what the transfer does, with how many workers, and what its end waits for. Where that is too long, the name at the end
// is cut in its middle.
func (m *model) phaseLine(p *pgxfer.Progress, w int) string {
	parts := []string{clean(p.Phase)}
	if p.Paused {
		parts = append(parts, m.st.warn.Render("‖ paused"))
	}
	if workers := m.workersText(p); workers != "" {
		parts = append(parts, workers)
	}
	if loaded(p) {
		parts = append(parts, format.Bytes(p.Bytes.Done)+" loaded")
	} else if p.Items.Done > 0 || p.Items.Total > 0 {
		parts = append(parts, itemsText(p))
	}
	if format.Left(p.ETALow, p.ETAHigh) == "" && p.Limits == (pgxfer.Workers{}) {
		parts = append(parts, "no estimate") // otherwise the title of the panel says so
	}
	text := strings.Join(parts, " · ")
	if p.Critical == "" {
		return text
	}
	end := clean(p.Critical)
	for _, link := range []string{" · the end waits for ", " · end: "} {
		if full := text + link + end; lipgloss.Width(full) <= w {
			return full
		}
	}
	text += " · end: "
	return text + fitName(end, w-lipgloss.Width(text))
}

// workerLine is one session: object, part, its own bar, rate and bytes; or phase and time, when it does not copy.
func (m *model) workerLine(s *steps.StepView, wk *pgxfer.Worker, w int) string {
	label := " " + m.st.dim.Render(fit(fmt.Sprintf("w%d", wk.ID), 3)) + " "
	if wk.Kind == "" {
		return label + m.st.dim.Render("idle")
	}
	const percent, pace = 6, 23
	room := w - 5 - 1
	avail := room - percent - pace - 2
	barWidth := max(avail/4, 6)
	if avail-barWidth > 48 { // longer names are rare, longer bars are easier to read
		barWidth = min(avail-48, 60)
	}
	var middle string
	if f, ok := wk.Fraction(); ok {
		f = unfinished(m.marks.reach(workerKey(s, wk), f))
		middle = m.st.busy.Render(bar(barWidth, f)) + fitRight(format.Percent(f), percent)
	} else {
		middle = m.st.dim.Render(fit("no estimate", barWidth+percent))
	}
	object := workerObject(wk, min(avail-barWidth, 48))
	return label + object + " " + middle + " " + m.workerPace(wk, pace)
}

// workerObject names what the worker is at: table and part, or kind and object. Where the name is too long the schema
// "public" goes first, and then its middle.
func workerObject(wk *pgxfer.Worker, w int) string {
	name, suffix := clean(wk.Object), ""
	if wk.Parts > 1 {
		suffix = fmt.Sprintf(" %d/%d", wk.Part, wk.Parts)
	}
	if wk.Kind != pgxfer.KindData {
		if lipgloss.Width(wk.Kind)+1+lipgloss.Width(name) > w {
			name = strings.TrimPrefix(name, "public.")
		}
		name = strings.TrimSpace(wk.Kind + " " + name)
	}
	room := w - lipgloss.Width(suffix)
	if lipgloss.Width(name) > room {
		name = strings.TrimPrefix(name, "public.")
	}
	if lipgloss.Width(name) > room {
		name = fitName(name, room)
	}
	return fit(name+suffix, w)
}

// workerPace is the end of a row: how fast and how much, or the phase and how long, or how long nothing has moved.
func (m *model) workerPace(wk *pgxfer.Worker, w int) string {
	if !wk.Moved.IsZero() {
		if still := m.since(wk.Moved); still > stalledAfter {
			return m.st.warn.Render(fit("stalled "+format.Short(still), 13)) + " " + fitRight(amount(wk), w-14)
		}
	}
	if wk.Rate > 0 {
		return fitRight(format.Rate(wk.Rate), 10) + fitRight(amount(wk), w-10)
	}
	took := ""
	if !wk.Started.IsZero() {
		took = format.Short(m.since(wk.Started))
	}
	if wk.Phase != "" {
		// PostgreSQL says "building index: scanning table"; that an index is built is in the row already.
		phase := strings.TrimPrefix(clean(wk.Phase), "building index: ")
		return fit(phase, w-7) + fitRight(took, 7)
	}
	return fitRight(took, 10) + fitRight(amount(wk), w-10)
}

func amount(wk *pgxfer.Worker) string {
	if wk.Bytes.Done > 0 {
		return format.Bytes(wk.Bytes.Done)
	}
	return ""
}
