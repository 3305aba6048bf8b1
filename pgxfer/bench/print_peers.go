package main

import (
	"fmt"
	"io"
)

// goals of the issue: how long ours may take, as a part of the others' time.
var goals = map[string]float64{wayGzip: 0.6, wayNone: 0.8, wayCopydb: 0.65}

// boundGoal is how near to the lower bound the direct copy shall come.
const boundGoal = 1.15

func (p *peers) print(w io.Writer, o options) {
	fmt.Fprintf(w, "\n### %s in %d tables, %d jobs, %d rounds\n\n", megabytes(p.Bytes), p.Tables, o.Jobs, o.Rounds)
	fmt.Fprintln(w, "Seconds until indexes, constraints and statistics are there: median (lowest–highest). Ratios are of medians.")
	fmt.Fprintln(w)
	by := bySummary(p.Samples)
	direct, archive := by[wayCopy], by[wayArchive]
	t := table{
		columns: []string{"", "seconds", "without ANALYZE", "copy ÷ it", "dump + restore ÷ it", "goal", "server CPU s", "program CPU s", "disk"}, right: 8,
	}
	for _, l := range summarize(p.Samples) {
		bare, toCopy, toArchive, goal := "–", ratio(direct, l), ratio(archive, l), ""
		if l.bare > 0 {
			bare = fmt.Sprintf("%.1f", l.bare)
		}
		if g, ok := goals[l.way]; ok {
			goal = verdict(direct, l, g)
		}
		if isOurs(l.way) {
			toCopy, toArchive = "", ""
		}
		t.add(o.title(l.way), l.time(), bare, toCopy, toArchive, goal, fmt.Sprintf("%.1f", l.serverCPU), fmt.Sprintf("%.1f", l.toolCPU), megabytes(l.disk))
	}
	t.print(w)
	fmt.Fprintf(w, "\nLower bound: %s.\n", p.Bound)
	if direct.runs > 0 && p.Bound.seconds() > 0 {
		q := direct.median / p.Bound.seconds()
		fmt.Fprintf(w, "Copy is %.2f times that (goal %s).\n", q, goalText(q, true, boundGoal))
	}
	if archive.runs > 0 && p.Bound.seconds() > 0 {
		fmt.Fprintf(w, "Dump + restore side by side is %.2f times that.\n", archive.median/p.Bound.seconds())
	}
	printNoise(w, p.Samples)
	printFailures(w, p.Samples)
}

// printNoise says how far to trust the figures.
func printNoise(w io.Writer, samples []sample) {
	if n := noise(samples); n > 0.1 {
		fmt.Fprintf(w, "\nThe machine was busy: during one run other programs used %.2f cores.\n", n)
	}
}
