package main

import (
	"fmt"
	"io"
	"slices"
)

// summary is what the runs of one way came to. Runs that failed count for nothing but themselves.
type summary struct {
	way          string
	runs, failed int
	median       float64 // seconds
	min, max     float64
	bare         float64 // median seconds without making statistics; 0 where a way does not do that last
	serverCPU    float64 // medians of CPU seconds
	toolCPU      float64
	otherCPU     float64
	peak, disk   int64 // largest seen
}

// summarize gives one summary for each way, in the order of their first runs.
func summarize(samples []sample) (list []summary) {
	for _, s := range samples {
		if slices.ContainsFunc(list, func(l summary) bool { return l.way == s.Way }) {
			continue
		}
		list = append(list, summarizeWay(s.Way, samples))
	}
	return list
}

func summarizeWay(way string, samples []sample) summary {
	l := summary{way: way}
	var seconds, bare, server, tool, other []float64
	for _, s := range samples {
		switch {
		case s.Way != way:
			continue
		case s.Error != "":
			l.failed++
			continue
		}
		l.runs++
		seconds = append(seconds, s.Seconds)
		if s.Bare > 0 {
			bare = append(bare, s.Bare)
		}
		server, tool, other = append(server, s.SourceCPU+s.TargetCPU), append(tool, s.ToolCPU), append(other, s.OtherCPU)
		l.peak, l.disk = max(l.peak, s.Peak), max(l.disk, s.Disk)
	}
	if l.runs > 0 {
		l.median, l.min, l.max = median(seconds), slices.Min(seconds), slices.Max(seconds)
		l.bare, l.serverCPU, l.toolCPU, l.otherCPU = median(bare), median(server), median(tool), median(other)
	}
	return l
}

func bySummary(samples []sample) map[string]summary {
	by := map[string]summary{}
	for _, l := range summarize(samples) {
		by[l.way] = l
	}
	return by
}

// median of nothing is 0; of an even number the mean of the two in the middle.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// time is the median with the range, or that there is none. Some failures beside a time are said, too.
func (l summary) time() string {
	switch {
	case l.runs == 0 && l.failed > 0:
		return "**failed**"
	case l.runs == 0:
		return "not run"
	case l.failed > 0:
		return fmt.Sprintf("%.1f (%.1f–%.1f), **%d of %d failed**", l.median, l.min, l.max, l.failed, l.runs+l.failed)
	default:
		return fmt.Sprintf("%.1f (%.1f–%.1f)", l.median, l.min, l.max)
	}
}

// quotient is by how much one median is another, and whether there is such a figure.
func quotient(one, other summary) (float64, bool) {
	if one.runs == 0 || other.runs == 0 || other.median == 0 {
		return 0, false
	}
	return one.median / other.median, true
}

func ratio(one, other summary) string {
	q, ok := quotient(one, other)
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.2f", q)
}

// verdict is a goal and whether the ratio meets it.
func verdict(one, other summary, goal float64) string {
	q, ok := quotient(one, other)
	return goalText(q, ok, goal)
}

func goalText(q float64, ok bool, goal float64) string {
	switch {
	case !ok:
		return fmt.Sprintf("≤ %.2f", goal)
	case q <= goal:
		return fmt.Sprintf("≤ %.2f: met", goal)
	default:
		return fmt.Sprintf("≤ %.2f: **missed**", goal)
	}
}

// printFailures lists what went wrong, once for each way and reason.
func printFailures(w io.Writer, samples []sample) {
	seen := map[string]bool{}
	for _, s := range samples {
		if line := fmt.Sprintf("%s: %s", s.Way, s.Error); s.Error != "" && !seen[line] {
			seen[line] = true
			fmt.Fprintf(w, "\nFailed: %s\n", line)
		}
	}
}

// title is how the report calls a way.
func (o options) title(name string) string {
	for _, w := range peerWays(o) {
		if w.name == name {
			return w.title
		}
	}
	return name
}

// noise is the way that was disturbed most, in CPU seconds of other programs for each second it took.
func noise(samples []sample) float64 {
	worst := 0.0
	for _, s := range samples {
		if s.Seconds > 0 {
			worst = max(worst, s.OtherCPU/s.Seconds)
		}
	}
	return worst
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", (bytes+500_000)/1_000_000) }
