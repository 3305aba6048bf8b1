package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// costs is what our own extras cost.
type costs struct {
	Samples []sample           `json:"samples"` // of our ways, when the peers were not measured
	Verify  []float64          `json:"verify_seconds"`
	Raw     map[string]float64 `json:"raw_copy_seconds"` // medians, by format and number of streams
	Wide    []sample           `json:"wide"`             // copies with many workers
	peers   []sample
}

// wideJobs is the number of workers for which the memory is promised.
const wideJobs = 16

func (b *bench) runCosts(ctx context.Context) error {
	source, want, err := b.shapes(ctx)
	if err != nil {
		return err
	}
	c := &costs{Raw: map[string]float64{}}
	b.results.Costs = c
	if b.results.Peers != nil {
		c.peers = b.results.Peers.Samples
	}
	if by := bySummary(c.peers); by[wayCopy].runs == 0 || by[wayTee].runs == 0 || by[wayArchive].runs == 0 {
		for round := range b.options.Rounds {
			for _, w := range peerWays(b.options) {
				if w.ours && !w.extra {
					if err := b.once(ctx, w, &trial{source: source, target: b.targetOf(source), jobs: b.options.Jobs}, want, round, &c.Samples); err != nil {
						return err
					}
				}
			}
		}
	}
	wide := way{name: wayCopy, run: copied()}
	if err := b.once(ctx, wide, &trial{source: source, target: b.targetOf(source), jobs: wideJobs}, want, 0, &c.Wide); err != nil {
		return err
	}
	if c.Wide[0].Error == "" { // the copy is there to be compared
		for range b.options.Rounds {
			seconds, err := b.verify(ctx, source)
			if err != nil {
				return err
			}
			c.Verify = append(c.Verify, seconds)
			b.say("transfer verify: %.2f s", seconds)
		}
	}
	return b.rawFormats(ctx, source, c)
}

// verify compares every row of two databases by digest, and everything else of them.
func (b *bench) verify(ctx context.Context, source database) (seconds float64, err error) {
	t := &trial{servers: b.servers, options: b.options, source: source, target: b.targetOf(source), jobs: b.options.Jobs}
	if t.dir, err = os.MkdirTemp("", "changeover-bench-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.dir)) }()
	began := time.Now()
	if err := t.step(ctx, t.changeover("verify", "--jobs", fmt.Sprint(t.jobs))); err != nil {
		return 0, errors.New(b.hide(err.Error()))
	}
	return time.Since(began).Seconds(), nil
}

// rawFormats moves the critical table as text and as binary, by one stream and by as many as there are workers.
func (b *bench) rawFormats(ctx context.Context, source database, c *costs) error {
	seconds := map[string][]float64{}
	for range b.options.Rounds {
		for _, streams := range streamCounts(b.options.Jobs) {
			for _, format := range []string{"text", "binary"} {
				target, err := b.bare(ctx, source, criticalTable)
				if err != nil {
					return err
				}
				took, err := rawCopy(ctx, source, target, criticalTable, streams, format == "binary")
				if err != nil {
					return err
				}
				name := rawName(format, streams)
				seconds[name] = append(seconds[name], took)
				b.say("raw COPY of %s, %s: %.2f s", criticalTable, name, took)
			}
		}
	}
	for name, list := range seconds {
		c.Raw[name] = median(list)
	}
	return b.dropBare(ctx)
}

func rawName(format string, streams int) string {
	return fmt.Sprintf("%s, streams: %d", format, streams)
}

func (c *costs) print(w io.Writer, o options) {
	fmt.Fprintf(w, "\n### What extras cost, %d MB, %d jobs, %d rounds\n\n", o.Megabytes, o.Jobs, o.Rounds)
	by := bySummary(append(c.Samples, c.peers...))
	direct, tee, archive := by[wayCopy], by[wayTee], by[wayArchive]
	t := table{columns: []string{"", "seconds", "compared with", "seconds", "ratio"}, right: 1}
	t.add("copy --dir: an archive on the way", tee.time(), "copy", direct.time(), ratio(tee, direct))
	t.add("dump + restore side by side, by way of an archive", archive.time(), "copy", direct.time(), ratio(archive, direct))
	if len(c.Verify) > 0 {
		took := median(c.Verify)
		share := "–"
		if direct.runs > 0 {
			share = fmt.Sprintf("%.2f", took/direct.median)
		}
		t.add("transfer verify: digests of all rows", fmt.Sprintf("%.1f", took), "copy", direct.time(), share)
	}
	for _, streams := range streamCounts(o.Jobs) {
		text, binary := c.Raw[rawName("text", streams)], c.Raw[rawName("binary", streams)]
		if text > 0 && binary > 0 {
			t.add(fmt.Sprintf("raw COPY of %s, %d streams, binary", criticalTable, streams), fmt.Sprintf("%.1f", binary), "text", fmt.Sprintf("%.1f", text), fmt.Sprintf("%.2f", binary/text))
		}
	}
	t.print(w)
	fmt.Fprintln(w)
	m := table{columns: []string{"peak memory of the program", "workers", "resident"}, right: 2}
	for _, l := range []summary{direct, tee, archive} {
		if l.runs > 0 {
			m.add(o.title(l.way), fmt.Sprint(o.Jobs), megabytes(l.peak))
		}
	}
	for _, s := range c.Wide {
		m.add(o.title(s.Way), fmt.Sprint(s.Jobs), megabytes(s.Peak)+" (goal: at most 268 MB)")
	}
	m.print(w)
	printNoise(w, c.Samples)
	printFailures(w, append(c.Samples, c.Wide...))
}

// streamCounts are one and as many as there are jobs.
func streamCounts(jobs int) []int {
	if jobs == 1 {
		return []int{1}
	}
	return []int{1, jobs}
}
