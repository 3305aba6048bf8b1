package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// span is one row of a timeline.
type span struct {
	label    string
	from, to time.Time
	mark     rune
}

// quiet is how much of the whole a stretch in which nothing happens may take before it is cut short: a run waits for
// a day at step 10, and next to that an outage of minutes would not be seen.
const quiet = 0.05

// timeline draws spans as bars below each other, at most width columns wide. Long stretches in which nothing happened
// are cut, and marked with "~" on every row.
func timeline(spans []span, width int) []string {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s span) bool { return s.from.IsZero() || s.to.Before(s.from) })
	if len(spans) == 0 {
		return nil
	}
	x := newAxis(spans, width)
	labels := 0
	for _, s := range spans {
		labels = max(labels, len([]rune(s.label)))
	}
	var rows []string
	for _, s := range spans {
		row := []rune(strings.Repeat(" ", width))
		for _, at := range x.cuts {
			row[at] = '~'
		}
		from := x.column(s.from)
		to := max(int(math.Ceil(x.place(s.to)))-1, from) // at least one column, however short
		for i := from; i <= to; i++ {
			row[i] = s.mark
		}
		rows = append(rows, fmt.Sprintf("%-*s |%s| %s", labels, s.label, string(row), clock(s.to.Sub(s.from))))
	}
	return rows
}

// axis maps moments to columns.
type axis struct {
	busy  []period
	cuts  []int // columns at which time was cut out
	width int
	total time.Duration // of all busy periods
}

// period is a stretch that is drawn; offset is how much is drawn before it.
type period struct {
	from, to time.Time
	offset   time.Duration
}

func newAxis(spans []span, width int) axis {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b span) int { return a.from.Compare(b.from) })
	first, last := sorted[0].from, sorted[0].to
	for _, s := range sorted {
		if s.to.After(last) {
			last = s.to
		}
	}
	longest := time.Duration(float64(last.Sub(first)) * quiet)
	x := axis{width: width, busy: []period{{from: first, to: sorted[0].to}}}
	for _, s := range sorted[1:] {
		end := &x.busy[len(x.busy)-1]
		switch {
		case s.from.Sub(end.to) > longest:
			x.busy = append(x.busy, period{from: s.from, to: s.to})
		case s.to.After(end.to):
			end.to = s.to
		}
	}
	for i := range x.busy {
		x.busy[i].offset = x.total
		x.total += x.busy[i].to.Sub(x.busy[i].from)
	}
	for _, p := range x.busy[1:] {
		x.cuts = append(x.cuts, x.column(p.from))
	}
	return x
}

// column is the one that a moment lies in, 0 to width-1.
func (x axis) column(at time.Time) int { return min(int(x.place(at)), x.width-1) }

// place is where a moment lies, 0 to width.
func (x axis) place(at time.Time) float64 {
	if x.total <= 0 {
		return 0
	}
	var drawn time.Duration
	for _, p := range x.busy {
		if at.Before(p.from) {
			break
		}
		drawn = p.offset + min(at.Sub(p.from), p.to.Sub(p.from))
	}
	return float64(drawn) / float64(x.total) * float64(x.width)
}

// clock is hours, minutes and seconds, rounded down.
func clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}
