// Package meter turns samples of a running transfer into a [pgxfer.Progress] that does not lie: rates over a window, estimates only
// when there is something to base them on, workers that keep their number, counters that neither fall back nor reach 100 % early.
package meter
