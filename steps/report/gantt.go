package report

import (
	"fmt"
	"time"

	"changeover/steps"
)

// Sizes of the pictures, in the units of their view boxes, which are about pixels.
const (
	pictureWidth = 980
	labelWidth   = 176
	ganttMargin  = 96 // on the right, for the words behind the last bar
	ganttRow     = 24
	ganttTop     = 26
	thinnest     = 3 // a moment can still be seen
)

// gantt is the timeline as a picture.
type gantt struct {
	Width, Height, Left, Right, Top, Bottom float64

	Rows  []ganttLine
	Bands []ganttBar // outages, behind all rows
	Ticks []tick
	Cuts  []tick
	Desc  string
}

// ganttLine is a row: a step, the outages, the pauses or the bail-out.
type ganttLine struct {
	Y, Mid float64
	Label  string
	Bars   []ganttBar
	// Note is how long and how it ended, where there is room beside the last bar.
	Note   string
	NoteX  float64
	Anchor string
}

type ganttBar struct {
	X, W  float64
	Class string
	Title string
}

// tick is a mark on an axis.
type tick struct {
	At    float64
	Label string
}

// work is everything with a beginning and an end, by row.
type work struct {
	label string
	spans []Span
	class string // instead of the one for its state
}

// newGantt places the bars; nil when nothing has begun.
func newGantt(r Report) *gantt {
	rows := ganttRows(r)
	var all []span
	for _, row := range rows {
		for _, s := range row.spans {
			all = append(all, span{from: s.Start, to: until(s.End, r.Made)})
		}
	}
	if len(all) == 0 {
		return nil
	}
	x := newAxis(all, pictureWidth-labelWidth-ganttMargin)
	g := &gantt{
		Width: pictureWidth, Left: labelWidth, Right: pictureWidth - ganttMargin, Top: ganttTop,
		Bottom: ganttTop + float64(len(rows)*ganttRow),
	}
	g.Height = g.Bottom + 34
	for i, row := range rows {
		g.Rows = append(g.Rows, g.line(r, row, x, g.Top+float64(i*ganttRow)))
	}
	for _, o := range r.Outages {
		g.Bands = append(g.Bands, g.bar(x, o.Start, until(o.End, r.Made), "band", ""))
	}
	g.Ticks, g.Cuts = timeTicks(x, labelWidth), cutTicks(x, labelWidth)
	g.Desc = ganttWords(r)
	return g
}

// ganttRows lists what is drawn: outages first, because they are what everybody asks for.
func ganttRows(r Report) []work {
	rows := []work{{label: "Users shut out", class: "outage"}}
	for _, o := range r.Outages {
		rows[0].spans = append(rows[0].spans, Span{Start: o.Start, End: o.End})
	}
	for _, s := range r.Steps {
		rows = append(rows, work{label: fmt.Sprintf("%d %s", s.Number, s.Name), spans: r.spansOf(s)})
	}
	bail := work{label: "Bail-out"}
	for _, s := range r.Spans {
		if s.For == ForBail {
			bail.spans = append(bail.spans, s)
		}
	}
	if len(bail.spans) > 0 {
		rows = append(rows, bail)
	}
	if len(r.Pauses) > 0 {
		pauses := work{label: "Paused", class: "paused"}
		for _, p := range r.Pauses {
			pauses.spans = append(pauses.spans, Span{Start: p.Start, End: p.End})
		}
		rows = append(rows, pauses)
	}
	return rows
}

// spansOf is when a step was worked on; from its own times where the journal was not read.
func (r Report) spansOf(step Step) []Span {
	var own []Span
	for _, s := range r.Spans {
		if s.Step == step.Number && s.For != ForBail {
			own = append(own, s)
		}
	}
	if len(own) == 0 && !step.Started.IsZero() {
		own = append(own, Span{Step: step.Number, Attempt: step.Attempts, For: ForStep, Start: step.Started, End: step.Finished, State: step.State})
	}
	return own
}

func (g *gantt) line(r Report, row work, x axis, y float64) ganttLine {
	l := ganttLine{Y: y, Mid: y + ganttRow/2, Label: row.label}
	var total time.Duration
	for _, s := range row.spans {
		end := until(s.End, r.Made)
		took := end.Sub(s.Start)
		total += took
		class := row.class
		if class == "" {
			class = barClass(s)
		}
		title := fmt.Sprintf("%s: %s to %s, %s", row.label, stamp(s.Start), orNow(s.End), clock(took))
		if row.class == "" {
			title += ", " + barWord(s)
		}
		l.Bars = append(l.Bars, g.bar(x, s.Start, end, class, title))
	}
	if len(l.Bars) == 0 {
		return l
	}
	l.Note = clock(total)
	if last := row.spans[len(row.spans)-1]; row.class == "" && barWord(last) != string(steps.Done) {
		l.Note += " " + barWord(last)
	} else if row.class != "" && last.End.IsZero() {
		l.Note += " so far"
	}
	// Behind the last bar, or before the first where the picture ends.
	end := l.Bars[len(l.Bars)-1]
	l.NoteX, l.Anchor = end.X+end.W+6, "start"
	if room := g.Width - l.NoteX; room < float64(len(l.Note))*7 {
		l.NoteX, l.Anchor = l.Bars[0].X-6, "end"
	}
	return l
}

func (g *gantt) bar(x axis, from, to time.Time, class, title string) ganttBar {
	left := g.Left + x.place(from)
	width := max(g.Left+x.place(to)-left, thinnest)
	left = min(left, g.Right-width)
	return ganttBar{X: left, W: width, Class: class, Title: title}
}

// barWord is how a span ended, or what it is while it lasts.
func barWord(s Span) string {
	switch {
	case s.For == ForUndo && s.End.IsZero():
		return "being rolled back"
	case s.State == steps.RolledBack && s.For == ForStep:
		return "stopped for its rollback"
	case s.State == steps.RolledBack:
		return "rolled back"
	case s.State == steps.NeedsHuman:
		return "needs a person"
	default:
		return string(s.State)
	}
}

func barClass(s Span) string {
	switch {
	case s.For == ForUndo || s.For == ForBail || s.State == steps.RolledBack:
		return "undo"
	case s.End.IsZero():
		return "running"
	case s.State == steps.Done:
		return "done"
	default:
		return "failed"
	}
}

func orNow(at time.Time) string {
	if at.IsZero() {
		return "now"
	}
	return stamp(at)
}

// ganttWords is the picture for those who cannot see it.
func ganttWords(r Report) string {
	text := fmt.Sprintf("One row for each of the twelve steps, from %s", stamp(r.Started))
	if !r.Finished.IsZero() {
		text += " to " + stamp(r.Finished)
	}
	return fmt.Sprintf("%s. Users were shut out for %s seconds in %s. The table of steps holds the same times.", text, number(r.OutageSeconds), count(len(r.Outages), "outage"))
}
