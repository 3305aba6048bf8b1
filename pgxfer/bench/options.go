package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parts of the benchmark, as BENCH_ONLY names them.
const (
	partPeers  = "peers"
	partCapped = "capped"
	partCosts  = "costs"
)

// options say what is measured.
type options struct {
	Megabytes int `json:"mb"`        // size of the database with all five shapes
	Capped    int `json:"capped_mb"` // size of the one table behind the slow links
	Rounds    int `json:"rounds"`
	Jobs      int `json:"jobs"` // of everybody
	// Rate is how many MB/s one connection carries on a capped link, in each direction; Total how many all connections to one server carry
	// together, 0 meaning Rate for each job.
	Rate  float64 `json:"rate"`
	Total float64 `json:"total_rate"`
	// From and To are the majors of the servers; 0 means the oldest and the newest installed.
	From int      `json:"from"`
	To   int      `json:"to"`
	Only []string `json:"only,omitempty"`

	program  string // changeover
	pgcopydb string // empty when there is none
	out      string // file for the results as JSON
}

// cappedJobs are the numbers of workers on a capped link.
var cappedJobs = []int{4, 8}

// readOptions takes each option from its flag, else from the environment, else a default for which a newcomer waits a quarter of an hour.
func readOptions(args []string, env func(string) string, now time.Time) (options, error) {
	o := options{}
	var only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	var bad []error
	number := func(name string, fallback int) int {
		text := env(name)
		if text == "" {
			return fallback
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s=%s is not a number", name, text))
		}
		return n
	}
	f.IntVar(&o.Megabytes, "mb", number("BENCH_MB", 1000), "size of the database (BENCH_MB)")
	f.IntVar(&o.Capped, "capped-mb", number("BENCH_CAPPED_MB", 80), "size of the table behind capped links (BENCH_CAPPED_MB)")
	f.IntVar(&o.Rounds, "rounds", number("BENCH_ROUNDS", 3), "how often everything is run, in turn (BENCH_ROUNDS)")
	f.IntVar(&o.Jobs, "jobs", number("BENCH_JOBS", max(2, runtime.NumCPU())), "workers of every program (BENCH_JOBS)")
	f.Float64Var(&o.Rate, "rate", float64(number("BENCH_RATE", 8)), "MB/s of a connection on a capped link (BENCH_RATE)")
	f.Float64Var(&o.Total, "total-rate", float64(number("BENCH_TOTAL_RATE", 0)), "MB/s of all of them, 0 for as many as jobs allow (BENCH_TOTAL_RATE)")
	f.IntVar(&o.From, "from", number("BENCH_FROM", 0), "major of the source (BENCH_FROM)")
	f.IntVar(&o.To, "to", number("BENCH_TO", 0), "major of the target (BENCH_TO)")
	f.StringVar(&only, "only", env("BENCH_ONLY"), "parts (peers, capped, costs) or single ways of the peers, with commas (BENCH_ONLY)")
	f.StringVar(&o.program, "changeover", cmp.Or(env("BENCH_CHANGEOVER"), "./changeover"), "the program to measure")
	f.StringVar(&o.pgcopydb, "pgcopydb", env("BENCH_PGCOPYDB"), "pgcopydb; without it that way is left out")
	f.StringVar(&o.out, "out", cmp.Or(env("BENCH_OUT"), defaultOut(env, now)), "file for the results (BENCH_OUT)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		bad = append(bad, fmt.Errorf("what is %q?", f.Arg(0)))
	}
	if o.Megabytes < 20 || o.Capped < 5 || o.Rounds < 1 || o.Jobs < 1 || o.Rate <= 0 {
		bad = append(bad, errors.New("at least 20 MB, 5 MB capped, 1 round, 1 job and 1 MB/s are needed"))
	}
	o.Only = strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range o.Only {
		if !slices.Contains([]string{partPeers, partCapped, partCosts}, name) && !slices.ContainsFunc(peerWays(o), func(w way) bool { return w.name == name }) {
			bad = append(bad, fmt.Errorf("BENCH_ONLY: there is no %q; choose from peers, capped, costs and the ways of the peers", name))
		}
	}
	return o, errors.Join(bad...)
}

// defaultOut is beside the runs, never in the repository.
func defaultOut(env func(string) string, now time.Time) string {
	state := env("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = os.TempDir()
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "changeover", "bench", now.UTC().Format("20060102-150405")+".json")
}

// wants says whether a part is to be run.
func (o options) wants(part string) bool {
	if len(o.Only) == 0 || slices.Contains(o.Only, part) {
		return true
	}
	return part == partPeers && len(o.peers()) > 0
}

// peers are the ways to hold against each other: all usual ones, or those that were named.
func (o options) peers() (list []way) {
	whole := len(o.Only) == 0 || slices.Contains(o.Only, partPeers)
	for _, w := range peerWays(o) {
		if slices.Contains(o.Only, w.name) || whole && !w.extra {
			list = append(list, w)
		}
	}
	return list
}
