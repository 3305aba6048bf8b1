package main

import (
	"context"
	"fmt"
	"math"

	"changeover/pgxfer/localpg"
)

// bound is what no way can beat on this machine with this data: the servers' work takes both all cores for so long, and the critical
// table must be loaded before its slowest index can be built.
type bound struct {
	ServerCPU float64 `json:"server_cpu_seconds"` // the least that any way needed
	Cores     int     `json:"cores"`
	Load      float64 `json:"load_seconds"`  // of the critical table alone, over all workers, in the quicker format
	Index     float64 `json:"index_seconds"` // its slowest, built alone
}

// seconds is the bound itself.
func (l bound) seconds() float64 { return max(l.ServerCPU/float64(max(l.Cores, 1)), l.Load+l.Index) }

// String shows where it comes from.
func (l bound) String() string {
	return fmt.Sprintf("%.1f s = max(%.1f CPU s of both servers / %d cores = %.1f, load %.1f + slowest index %.1f = %.1f)",
		l.seconds(), l.ServerCPU, l.Cores, l.ServerCPU/float64(max(l.Cores, 1)), l.Load, l.Index, l.Load+l.Index)
}

// leastServerCPU is the smallest median among the ways, 0 without any.
func leastServerCPU(samples []sample) float64 {
	least := math.Inf(1)
	for _, s := range summarize(samples) {
		if s.runs > 0 {
			least = min(least, s.serverCPU)
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// alone is the critical table by itself, on otherwise idle servers, as often as everything else and in turn with it: what a machine shares
// with others gives now more, now less.
type alone struct{ loads, builds []float64 }

// measure loads the table, in the format that is quicker, and builds its slowest index once.
func (a *alone) measure(ctx context.Context, b *bench, source database) error {
	load, target := math.Inf(1), database{}
	for _, binary := range []bool{false, true} {
		var err error
		if target, err = b.bare(ctx, source, criticalTable); err != nil {
			return err
		}
		took, err := rawCopy(ctx, source, target, criticalTable, b.options.Jobs, binary)
		if err != nil {
			return err
		}
		load = min(load, took)
	}
	build, err := indexBuild(ctx, source, target, slowIndex)
	if err != nil {
		return err
	}
	a.loads, a.builds = append(a.loads, load), append(a.builds, build)
	b.say("critical table alone: load %.2f s, slowest index %.2f s", load, build)
	return b.dropBare(ctx)
}

// lowerBound is what the runs and the critical table alone come to.
func (a *alone) lowerBound(cores int, samples []sample) bound {
	return bound{ServerCPU: leastServerCPU(samples), Cores: cores, Load: median(a.loads), Index: median(a.builds)}
}

func (b *bench) dropBare(ctx context.Context) error {
	return admin(ctx, b.servers.target, "DROP DATABASE IF EXISTS bare WITH (FORCE)", "CHECKPOINT")
}

// describeServer names a server's version for the report.
func describeServer(c *localpg.Cluster) string { return "PostgreSQL " + c.Installation().Version }
