package report

import (
	"fmt"
	"slices"
	"time"

	"changeover/steps"
	"changeover/steps/samples"
)

// Throughput is how fast one transfer was.
type Throughput struct {
	Step    int    `json:"step"`
	Attempt int    `json:"attempt"`
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"` // moved while it was watched
	// Mean and Peak are bytes per second; the peak is that of the fastest of Rates.
	Mean  int64     `json:"mean"`
	Peak  int64     `json:"peak"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Rates []Rate    `json:"rates"`
}

// Rate is how fast a transfer was from At until the At of the next, or the end: bytes per second.
type Rate struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes_per_second"`
}

// mostRates is how many of a transfer a report holds: as many as a plot can show.
const mostRates = 120

// makeThroughput turns samples into rates. A transfer that moved nothing, or was seen once, has none.
func makeThroughput(list []samples.Series, v steps.View) []Throughput {
	out := []Throughput{}
	for _, s := range list {
		points := thinned(s.Points, mostRates+1)
		if len(points) < 2 {
			continue
		}
		first, last := points[0], points[len(points)-1]
		took := last.At.Sub(first.At)
		if last.Bytes <= first.Bytes || took <= 0 {
			continue
		}
		t := Throughput{
			Step: s.Step, Attempt: s.Attempt, Name: transferName(s, v), Bytes: last.Bytes - first.Bytes,
			Mean: perSecond(last.Bytes-first.Bytes, took), Start: first.At, End: last.At,
		}
		for i, p := range points[1:] {
			before := points[i]
			rate := Rate{At: before.At, Bytes: perSecond(p.Bytes-before.Bytes, p.At.Sub(before.At))}
			t.Peak = max(t.Peak, rate.Bytes)
			t.Rates = append(t.Rates, rate)
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b Throughput) int { return a.Start.Compare(b.Start) })
	return out
}

func transferName(s samples.Series, v steps.View) string {
	name := fmt.Sprintf("Step %d", s.Step)
	if s.Step >= 1 && s.Step <= len(v.Steps) {
		name = v.Steps[s.Step-1].Name
	}
	if s.Kind == samples.Verify {
		name += ", verification"
	}
	if s.Attempt > 1 {
		name += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	return name
}

// thinned keeps at most n points, the first and the last among them, and none at the same moment as the one before.
func thinned(points []samples.Point, n int) []samples.Point {
	stride := max((len(points)+n-2)/(n-1), 1)
	var kept []samples.Point
	for i, p := range points {
		if i%stride != 0 && i != len(points)-1 {
			continue
		}
		if len(kept) > 0 && !p.At.After(kept[len(kept)-1].At) {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

func perSecond(bytes int64, in time.Duration) int64 {
	return int64(float64(bytes) / in.Seconds())
}
