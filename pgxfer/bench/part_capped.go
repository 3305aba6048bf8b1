package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"changeover/pgxfer/localpg"
)

// capped is the comparison on slow links with a number of workers.
type capped struct {
	Jobs    int      `json:"jobs"`
	Rate    float64  `json:"rate_mb_per_second"`
	Total   float64  `json:"total_mb_per_second"`
	Samples []sample `json:"samples"`
}

// hugeName is the database with one huge table.
const hugeName = "huge"

// runCapped puts proxies between everybody and both servers.
func (b *bench) runCapped(ctx context.Context) error {
	b.say("making a table of %d MB for the capped links", b.options.Capped)
	source, want, err := b.servers.makeSource(ctx, hugeName, huge(b.options.Capped))
	if err != nil {
		return err
	}
	b.results.Capped = make([]capped, len(cappedJobs))
	for i, jobs := range cappedJobs {
		total := b.options.Total
		if total == 0 {
			total = b.options.Rate * float64(jobs)
		}
		b.results.Capped[i] = capped{Jobs: jobs, Rate: b.options.Rate, Total: total}
	}
	for round := range b.options.Rounds {
		for i := range b.results.Capped {
			if err := b.cappedRound(ctx, &b.results.Capped[i], source, want, round); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) cappedRound(ctx context.Context, c *capped, source database, want contents, round int) (err error) {
	l, err := b.newLinks(ctx, c.Rate*1e6, c.Total*1e6)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, w := range peerWays(b.options) {
		if w.name != wayGzip && w.name != wayArchive && w.name != wayCopy {
			continue
		}
		t := &trial{source: source.through(l.source), target: b.targetOf(source).through(l.target), jobs: c.Jobs}
		if err := b.once(ctx, w, t, want, round, &c.Samples); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) newLinks(ctx context.Context, each, total float64) (l links, err error) {
	if l.source, err = newProxy(ctx, addressOf(b.servers.source), each, total); err != nil {
		return l, err
	}
	if l.target, err = newProxy(ctx, addressOf(b.servers.target), each, total); err != nil {
		return l, errors.Join(err, l.source.Close())
	}
	return l, nil
}

func addressOf(c *localpg.Cluster) string { return net.JoinHostPort(c.Host(), strconv.Itoa(c.Port())) }

func printCapped(w io.Writer, list []capped, o options) {
	fmt.Fprintf(w, "\n### Capped links: %g MB/s per connection, one table of %d MB, %d rounds\n\n", o.Rate, o.Capped, o.Rounds)
	t := table{columns: []string{"jobs", "all connections", "pg_dump + pg_restore, s", "dump + restore side by side, s", "ratio", "copy, s", "ratio", "goal"}, right: 7}
	for _, c := range list {
		by := bySummary(c.Samples)
		recipe, archive, direct := by[wayGzip], by[wayArchive], by[wayCopy]
		t.add(strconv.Itoa(c.Jobs), fmt.Sprintf("%g MB/s", c.Total), recipe.time(), archive.time(), ratio(archive, recipe), direct.time(), ratio(direct, recipe),
			verdict(direct, recipe, 0.35))
	}
	t.print(w)
	printFailures(w, allSamples(list))
}

func allSamples(list []capped) (all []sample) {
	for _, c := range list {
		all = append(all, c.Samples...)
	}
	return all
}
