package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bound is whichever is longer, and every part of it is shown.
func TestLowerBound(t *testing.T) {
	for _, c := range []struct {
		bound bound
		want  float64
		text  string
	}{
		{bound{ServerCPU: 24.9, Cores: 2, Load: 3.6, Index: 7.2}, 12.45, "12.4 s = max(24.9 CPU s of both servers / 2 cores = 12.4, load 3.6 + slowest index 7.2 = 10.8)"},
		{bound{ServerCPU: 24, Cores: 16, Load: 3.5, Index: 7}, 10.5, "10.5 s = max(24.0 CPU s of both servers / 16 cores = 1.5, load 3.5 + slowest index 7.0 = 10.5)"},
	} {
		if got := c.bound.seconds(); got != c.want {
			t.Errorf("bound of %+v is %v, want %v", c.bound, got, c.want)
		}
		if diff := cmp.Diff(c.text, c.bound.String()); diff != "" {
			t.Error(diff)
		}
	}
}

var runs = []sample{
	{Way: "a", Seconds: 30, SourceCPU: 3, TargetCPU: 20},
	{Way: "b", Seconds: 10, SourceCPU: 2, TargetCPU: 16, Disk: 5},
	{Way: "a", Seconds: 20, Bare: 18, SourceCPU: 3, TargetCPU: 19},
	{Way: "b", Seconds: 1, Error: "lost rows"},
	{Way: "a", Seconds: 22, Bare: 20, SourceCPU: 3, TargetCPU: 21},
	{Way: "c", Seconds: 2, Error: "did not start"},
}

// A run that failed never counts as a time, however fast it failed.
func TestFailuresAreNoTimes(t *testing.T) {
	by := bySummary(runs)
	want := map[string]string{"a": "22.0 (20.0–30.0)", "b": "10.0 (10.0–10.0), **1 of 2 failed**", "c": "**failed**", "d": "not run"}
	for way, text := range want {
		if got := by[way].time(); got != text {
			t.Errorf("way %s: %q, want %q", way, got, text)
		}
	}
	if got := ratio(by["b"], by["a"]); got != "0.45" {
		t.Errorf("ratio is %s, want 0.45", got)
	}
	if got := ratio(by["a"], by["c"]); got != "–" {
		t.Errorf("ratio to a way that failed is %s, want none", got)
	}
	if got := verdict(by["b"], by["a"], 0.4); got != "≤ 0.40: **missed**" {
		t.Errorf("verdict: %s", got)
	}
	if got := leastServerCPU(runs); got != 18 {
		t.Errorf("least CPU of servers is %v, want 18", got)
	}
	b := bench{results: results{Peers: &peers{Samples: append(runs, sample{Way: wayCopy, Error: "x"}, sample{Way: wayCopydb, Error: "y"})}}}
	if diff := cmp.Diff([]string{"copy: x"}, b.failures()); diff != "" {
		t.Errorf("failures of ours:\n%s", diff)
	}
}

func TestMedian(t *testing.T) {
	for want, list := range map[float64][]float64{0: nil, 3: {9, 1, 3}, 2.5: {4, 1, 3, 2}} {
		if got := median(list); got != want {
			t.Errorf("median of %v is %v, want %v", list, got, want)
		}
	}
}

// The table is Markdown whose columns also line up in a terminal.
func TestTable(t *testing.T) {
	m := table{columns: []string{"", "seconds", "goal"}, right: 1}
	m.add("dump – restore", "7.1", "≤ 0.60")
	m.add("a|b", "10.0")
	var out strings.Builder
	m.print(&out)
	want := `
|                | seconds | goal   |
| -------------- | ------: | ------ |
| dump – restore |     7.1 | ≤ 0.60 |
| a\|b           |    10.0 |        |
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), out.String()); diff != "" {
		t.Error(diff)
	}
}

// A whole report stands on its own: ways, ratios, goals, bound and what failed.
func TestPeersReport(t *testing.T) {
	p := peers{Bytes: 1_004_000_000, Tables: 309, Bound: bound{ServerCPU: 20, Cores: 2, Load: 4, Index: 6}, Samples: []sample{
		{Way: wayGzip, Seconds: 26, Bare: 25, TargetCPU: 40, Disk: 143_000_000}, {Way: wayCopydb, Seconds: 3, Error: "no such thing"}, {Way: wayCopy, Seconds: 13, TargetCPU: 20},
	}}
	var out strings.Builder
	p.print(&out, options{Jobs: 2, Rounds: 1, pgcopydb: "pgcopydb"})
	for _, want := range []string{
		"1004 MB in 309 tables", "26.0 (26.0–26.0)", "25.0", "0.50", "≤ 0.60: met", "**failed**", "143 MB", "Lower bound: 10.0 s",
		"Copy is 1.30 times that (goal ≤ 1.15: **missed**)", "Failed: pgcopydb: no such thing",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// A target that lacks rows, or has what the source has not, is no success.
func TestStockIsCompared(t *testing.T) {
	want := contents{"rows of a": 5, "valid indexes": 2}
	if err := want.compare(contents{"rows of a": 5, "valid indexes": 2}); err != nil {
		t.Error(err)
	}
	for _, got := range []contents{{"rows of a": 4, "valid indexes": 2}, {"rows of a": 5}, {"rows of a": 5, "valid indexes": 2, "rows of b": 0}} {
		if want.compare(got) == nil {
			t.Errorf("%v passed for %v", got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	env := func(set map[string]string) func(string) string {
		return func(name string) string { return set[name] }
	}
	at := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	o, err := readOptions(nil, env(map[string]string{"BENCH_MB": "4000", "BENCH_ONLY": "capped, copy", "XDG_STATE_HOME": "/state"}), at)
	if err != nil {
		t.Fatal(err)
	}
	if o.Megabytes != 4000 || o.Rounds != 3 || o.out != "/state/changeover/bench/20261123-010203.json" {
		t.Errorf("options are %+v", o)
	}
	if !o.wants(partCapped) || o.wants(partCosts) || !o.wants(partPeers) || len(o.peers()) != 1 || o.peers()[0].name != wayCopy {
		t.Errorf("BENCH_ONLY=%v is not understood", o.Only)
	}
	if o, err := readOptions([]string{"-only", "peers"}, env(nil), at); err != nil || len(o.peers()) != 5 || o.wants(partCapped) {
		t.Errorf("peers alone without pgcopydb: %v, %v", o.peers(), err)
	}
	for _, set := range []map[string]string{{"BENCH_MB": "lots"}, {"BENCH_ONLY": "nothing"}, {"BENCH_ROUNDS": "0"}} {
		if _, err := readOptions(nil, env(set), at); err == nil {
			t.Errorf("%v was accepted", set)
		}
	}
}
