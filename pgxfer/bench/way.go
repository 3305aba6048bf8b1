package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// way is one way to move a database. It ends when every index, every constraint and the planner's statistics are there: that is when an
// application may start.
type way struct {
	name  string
	title string
	ours  bool
	extra bool // only when it is asked for by name
	run   func(ctx context.Context, t *trial) error
}

// trial is one run of one way.
type trial struct {
	servers        *servers
	options        options
	source, target database
	dir            string // for what it writes to disk
	jobs           int

	began time.Time
	tools usage
	// bare is when everything but the statistics was there, if the way makes them last.
	bare time.Duration
	disk int64 // most bytes on disk that were seen at the end of a step
}

// Ways of the peers.
const (
	wayGzip    = "recipe-gzip"
	wayNone    = "recipe-none"
	wayCopydb  = "pgcopydb"
	wayArchive = "archive"
	wayTee     = "copy-archive"
	wayCopy    = "copy"
	wayPglz    = "copy-pglz"
)

// splitAbove is what pgcopydb's own documentation splits tables at in its examples, less than the largest table here.
const splitAbove = "100MB"

// peerWays are all ways. Those of others come first in each round.
func peerWays(o options) []way {
	ways := []way{
		{name: wayGzip, title: "pg_dump -Fd -j + pg_restore -j", run: recipe()},
		{name: wayNone, title: "the same with --compress=0", run: recipe("--compress=0")},
	}
	if o.pgcopydb != "" {
		ways = append(ways,
			way{name: wayCopydb, title: "pgcopydb clone --split-tables-larger-than " + splitAbove, run: copydb()},
			way{name: "pgcopydb-lean", title: "the same, --skip-vacuum --skip-analyze, then vacuumdb -Z", extra: true, run: copydb("--skip-vacuum", "--skip-analyze")})
	}
	return append(ways,
		way{name: wayArchive, title: "changeover transfer dump + restore, side by side", ours: true, run: archived},
		way{name: wayTee, title: "changeover transfer copy --dir", ours: true, run: teed},
		way{name: wayPglz, title: "changeover transfer copy --toast-compression=server", ours: true, extra: true, run: copied("--toast-compression=server")},
		way{name: wayCopy, title: "changeover transfer copy", ours: true, run: copied()})
}

// step runs programs and adds up what they need.
func (t *trial) step(ctx context.Context, programs ...func(context.Context) (usage, error)) error {
	u, err := together(ctx, programs...)
	t.tools = t.tools.with(u)
	size, sizeErr := diskUse(t.dir)
	t.disk = max(t.disk, size)
	return errors.Join(err, sizeErr)
}

func (t *trial) program(env []string, path string, args ...string) func(context.Context) (usage, error) {
	return func(ctx context.Context) (usage, error) {
		return child(ctx, t.servers.environment(env...), path, args...)
	}
}

// postgres is a program of PostgreSQL's, led to a database by its environment.
func (t *trial) postgres(d database, name string, args ...string) func(context.Context) (usage, error) {
	return t.program(d.libpq(), filepath.Join(filepath.Dir(t.servers.tools.Dump), name), args...)
}

// changeover is our own program.
func (t *trial) changeover(args ...string) func(context.Context) (usage, error) {
	return t.program([]string{"CHANGEOVER_FROM=" + t.source.url(), "CHANGEOVER_TO=" + t.target.url(), "XDG_STATE_HOME=" + t.dir},
		t.options.program, append([]string{"transfer"}, args...)...)
}

// analyzed makes statistics as people do after a restore.
func (t *trial) analyzed(ctx context.Context) error {
	t.bare = time.Since(t.began)
	return t.step(ctx, t.postgres(t.target, "vacuumdb", "--analyze-only", "--quiet", "--jobs="+strconv.Itoa(t.jobs), "--dbname="+t.target.name))
}

// recipe is what the manual and the article say.
func recipe(more ...string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		jobs, archive := "--jobs="+strconv.Itoa(t.jobs), filepath.Join(t.dir, "archive")
		args := append([]string{"--format=directory", jobs, "--no-owner", "--no-acl", "--file=" + archive}, more...)
		if err := t.step(ctx, t.postgres(t.source, "pg_dump", args...)); err != nil {
			return err
		}
		err := t.step(ctx, t.postgres(t.target, "pg_restore", "--format=directory", jobs, "--no-owner", "--no-acl", "--exit-on-error", "--dbname="+t.target.name, archive))
		if err != nil {
			return err
		}
		return t.analyzed(ctx)
	}
}

func copydb(more ...string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		jobs := strconv.Itoa(t.jobs)
		args := append([]string{
			"clone", "--dir", filepath.Join(t.dir, "pgcopydb"), "--table-jobs", jobs, "--index-jobs", jobs, "--split-tables-larger-than", splitAbove,
			"--no-owner", "--no-acl", "--fail-fast",
		}, more...)
		err := t.step(ctx, t.program([]string{"PGCOPYDB_SOURCE_PGURI=" + t.source.url(), "PGCOPYDB_TARGET_PGURI=" + t.target.url()}, t.options.pgcopydb, args...))
		if err != nil || len(more) == 0 {
			return err // it has made statistics
		}
		return t.analyzed(ctx)
	}
}

// archived is what a run does: each piece is loaded as soon as it is on disk.
func archived(ctx context.Context, t *trial) error {
	jobs, archive := strconv.Itoa(t.jobs), filepath.Join(t.dir, "archive")
	return t.step(ctx, t.changeover("dump", "--dir", archive, "--jobs", jobs), t.changeover("restore", "--dir", archive, "--jobs", jobs))
}

func copied(more ...string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		return t.step(ctx, t.changeover(append([]string{"copy", "--jobs", strconv.Itoa(t.jobs)}, more...)...))
	}
}

// teed streams as copied does, and fills an archive on the way.
func teed(ctx context.Context, t *trial) error {
	return t.step(ctx, t.changeover("copy", "--dir", filepath.Join(t.dir, "archive"), "--jobs", strconv.Itoa(t.jobs)))
}

// diskUse adds up what a directory holds.
func diskUse(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// sample is what a trial came to.
type sample struct {
	Way     string  `json:"way"`
	Round   int     `json:"round"`
	Jobs    int     `json:"jobs"`
	Seconds float64 `json:"seconds"`
	// Bare are the seconds without making statistics, where a way does that last.
	Bare      float64 `json:"seconds_without_analyze,omitempty"`
	SourceCPU float64 `json:"source_cpu_seconds"`
	TargetCPU float64 `json:"target_cpu_seconds"`
	ToolCPU   float64 `json:"tool_cpu_seconds"`
	OtherCPU  float64 `json:"other_cpu_seconds"` // of everything else on the machine: noise
	Peak      int64   `json:"peak_memory_bytes"` // of the largest program
	Disk      int64   `json:"disk_bytes"`
	Error     string  `json:"error,omitempty"`
}

// trialPatience bounds one run: whoever needs longer has failed.
const trialPatience = time.Hour

// try runs a way once, from an empty target to a checked one. A way that fails, or moves not everything, has no time. The error is of
// our own doing.
func (b *bench) try(ctx context.Context, w way, t *trial, want contents) (s sample, err error) {
	s = sample{Way: w.name, Jobs: t.jobs}
	if err := b.servers.fresh(ctx, b.servers.target, t.target.name); err != nil {
		return s, err
	}
	if err := admin(ctx, b.servers.source, "CHECKPOINT"); err != nil {
		return s, err
	}
	if t.dir, err = os.MkdirTemp("", "changeover-bench-"); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.dir)) }()
	before, err := b.look()
	if err != nil {
		return s, err
	}
	limited, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	t.servers, t.options, t.began = b.servers, b.options, time.Now()
	failure := w.run(limited, t)
	s.Seconds, s.Bare = time.Since(t.began).Seconds(), t.bare.Seconds()
	after, err := b.look()
	if err != nil {
		return s, err
	}
	s.SourceCPU, s.TargetCPU, s.ToolCPU, s.Peak, s.Disk = after.source-before.source, after.target-before.target, t.tools.cpu, t.tools.peak, t.disk
	s.OtherCPU = max(0, after.machine-before.machine-s.SourceCPU-s.TargetCPU-s.ToolCPU)
	if failure == nil {
		failure = b.check(ctx, t.target.name, want)
	}
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	if failure != nil {
		s.Error = strings.Join(strings.Fields(b.hide(failure.Error())), " ")
	}
	return s, nil
}

// check compares the target with what is on the source, past any proxy.
func (b *bench) check(ctx context.Context, name string, want contents) error {
	conn, err := b.servers.database(b.servers.target, name).connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	got, err := takeStock(ctx, conn)
	if err != nil {
		return fmt.Errorf("checking the target: %w", err)
	}
	return want.compare(got)
}

// hide takes the password out of what programs say.
func (b *bench) hide(text string) string { return strings.ReplaceAll(text, b.servers.password, "***") }

// counters are CPU seconds so far.
type counters struct{ source, target, machine float64 }

func (b *bench) look() (c counters, err error) {
	if c.source, c.target, err = b.servers.cpu(); err != nil {
		return c, err
	}
	c.machine, err = machineCPU()
	return c, err
}
