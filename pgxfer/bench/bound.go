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
	Load      float64 `json:"load_seconds"`  // of the critical table alone, over all workers
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

// lowerBound measures the critical table by itself, on otherwise idle servers, as often as everything else.
func (b *bench) lowerBound(ctx context.Context, source database, samples []sample) (bound, error) {
	l := bound{ServerCPU: leastServerCPU(samples), Cores: b.results.Machine.Cores}
	var loads, builds []float64
	for range b.options.Rounds {
		target, err := b.bare(ctx, source, criticalTable)
		if err != nil {
			return l, err
		}
		load, err := rawCopy(ctx, source, target, criticalTable, b.options.Jobs, false)
		if err != nil {
			return l, err
		}
		build, err := indexBuild(ctx, source, target, slowIndex)
		if err != nil {
			return l, err
		}
		loads, builds = append(loads, load), append(builds, build)
	}
	l.Load, l.Index = median(loads), median(builds)
	b.say("lower bound: %s", l)
	return l, b.dropBare(ctx)
}

func (b *bench) dropBare(ctx context.Context) error {
	return admin(ctx, b.servers.target, "DROP DATABASE IF EXISTS bare WITH (FORCE)", "CHECKPOINT")
}

// describeServer names a server's version for the report.
func describeServer(c *localpg.Cluster) string { return "PostgreSQL " + c.Installation().Version }
