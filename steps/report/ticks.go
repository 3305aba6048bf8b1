package report

import (
	"fmt"
	"math"
	"time"
)

// tickSteps are the distances between two marks of a time axis.
var tickSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

const (
	mostTicks   = 9
	tickDistant = 62 // pixels that a time of day needs
)

// timeTicks are round times of day along an axis that begins at left.
func timeTicks(x axis, left float64) []tick {
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if x.total <= s*mostTicks {
			step = s
			break
		}
	}
	layout := "15:04"
	if step < time.Minute {
		layout = "15:04:05"
	}
	var ticks []tick
	day := ""
	add := func(at time.Time) {
		place := left + x.place(at)
		if n := len(ticks); n > 0 && place-ticks[n-1].At < tickDistant {
			return
		}
		label := at.UTC().Format(layout)
		if d := at.UTC().Format("2 Jan"); d != day {
			if day != "" {
				label = d + " " + label
			}
			day = d
		}
		ticks = append(ticks, tick{place, label})
	}
	for _, p := range x.busy {
		for at := p.from.UTC().Truncate(step); !at.After(p.to); at = at.Add(step) {
			if !at.Before(p.from) {
				add(at)
			}
		}
	}
	if len(ticks) == 0 {
		ticks = append(ticks, tick{left, x.busy[0].from.UTC().Format("15:04:05")})
	}
	return ticks
}

// cutTicks say where time was left out, and how much. Where they are too close to each other to be read, only the first
// has words.
func cutTicks(x axis, left float64) []tick {
	var cuts []tick
	spoken := math.Inf(-1)
	for i, p := range x.busy[1:] {
		cut := tick{At: left + x.place(p.from)}
		if cut.At-spoken >= tickDistant {
			cut.Label, spoken = roughly(p.from.Sub(x.busy[i].to)), cut.At
		}
		cuts = append(cuts, cut)
	}
	return cuts
}

// roughly is a duration in one unit.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	}
}

// roundUp is the next number of the form 1, 2 or 5 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 2.5, 5} {
		if v <= f*base {
			return f * base
		}
	}
	return 10 * base
}
