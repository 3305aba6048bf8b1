package classic

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/schema"
)

// restore is one attempt.
type restore struct {
	Engine
	opts   pgxfer.RestoreOptions
	report *meter.Reporter
	began  time.Time
	dir    string
	paused atomic.Bool

	manifest *archive.Manifest
	target   schema.Target
	tools    pgtools.Tools
	toc      *archive.TOC
	rewrote  bool // the table of contents is not the archive's any more
	plan     schema.Filtered
	messages pgtools.Messages
}

// Restore checks the archive, runs pg_restore, sets the sequences as the leader had them, and analyzes. Sessions that an earlier
// attempt with the same tag left on the target are ended first. A target that a failed attempt has filled must be reset, for example
// with [ResetTarget]: this engine cannot resume.
func (e Engine) Restore(ctx context.Context, opts pgxfer.RestoreOptions, obs pgxfer.Observer) (pgxfer.RestoreResult, error) {
	e = e.withDefaults()
	if opts.Tag == "" {
		opts.Tag = defaultTag
	}
	if opts.Jobs < 1 {
		return pgxfer.RestoreResult{}, fmt.Errorf("restoring into %s: the number of jobs must be at least 1", opts.Target)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return pgxfer.RestoreResult{}, fmt.Errorf("restoring into %s: %w", opts.Target, err)
	}
	r := &restore{Engine: e, opts: opts, report: meter.NewReporter(obs, e.Now), began: e.Now(), dir: dir}
	var result pgxfer.RestoreResult
	for _, part := range []func(context.Context) error{r.prepare, r.check, r.load, func(ctx context.Context) (err error) {
		result, err = r.finish(ctx)
		return err
	}} {
		if err := part(ctx); err != nil {
			if ctx.Err() != nil {
				return pgxfer.RestoreResult{}, ctx.Err()
			}
			return pgxfer.RestoreResult{}, fmt.Errorf("restoring into %s: %w", opts.Target, err)
		}
	}
	return result, nil
}

// prepare asks everything that can refuse the restore before a byte of the archive is read.
func (r *restore) prepare(ctx context.Context) error {
	var sum string
	var err error
	if r.manifest, sum, err = archive.ReadManifest(r.dir); err != nil {
		return err
	}
	if r.manifest.Engine != Name {
		return fmt.Errorf("%w: it was written by the engine %q", pgxfer.ErrArchive, r.manifest.Engine)
	}
	if r.opts.Manifest != "" && r.opts.Manifest != sum {
		return fmt.Errorf("%w: %s holds another dump than the one expected", pgxfer.ErrArchive, r.dir)
	}
	conn, err := r.opts.Target.Connect(ctx, pgtools.AppName(r.opts.Tag, monitorPurpose))
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	if recovering, err := pgserver.InRecovery(ctx, conn); err != nil {
		return err
	} else if recovering {
		return errors.New("it is a follower, which nobody can write to; restore into its leader")
	}
	if ended, err := pgserver.TerminateTagged(ctx, conn, pgtools.AppName(r.opts.Tag, restorePurpose)); err != nil {
		return err
	} else if ended > 0 {
		r.report.Warn("ended %d sessions that an earlier restore had left on %s", ended, r.opts.Target.Name)
	}
	if err := schema.MustBeEmpty(ctx, conn); err != nil {
		return err
	}
	if r.target, err = schema.AskTarget(ctx, conn); err != nil {
		return err
	}
	if err := r.target.Missing(r.manifest.Extensions); err != nil {
		return err
	}
	// What pg_dump of one major wrote, pg_restore of an older one cannot read.
	if r.tools, err = r.Find(max(r.manifest.Source.Version.Major(), r.manifest.ToolsMajor), r.target.Version.Major()); err != nil {
		return err
	}
	if r.tools.Warning != "" {
		r.report.Warn("%s", r.tools.Warning)
	}
	return r.makePlan(ctx, conn)
}

// makePlan decides what is restored and adapts definitions to the target.
func (r *restore) makePlan(ctx context.Context, conn *pgx.Conn) error {
	var err error
	if r.toc, err = archive.ReadTOC(filepath.Join(r.dir, archive.DumpName)); err != nil {
		return fmt.Errorf("%w: %w", pgxfer.ErrArchive, err)
	}
	r.plan = schema.Filter(r.toc, r.target)
	if cleaned := append(schema.DropAttver(r.toc), schema.ForOlder(r.toc, r.target.Version)...); len(cleaned) > 0 {
		r.rewrote = true
		r.plan.Skipped = append(r.plan.Skipped, cleaned...)
	}
	list, err := schema.MovedExtensions(ctx, conn, r.manifest.Extensions, r.target)
	if err != nil {
		return err
	}
	for _, said := range schema.RewriteMoved(r.toc, list) {
		r.rewrote = true
		r.report.Warn("%s", said)
	}
	for _, s := range r.plan.Skipped {
		r.report.Info("not restored: %s %s (%s)", s.Kind, s.Name, s.Reason)
	}
	return nil
}

// check reads the whole archive before anything is loaded.
func (r *restore) check(ctx context.Context) error {
	if err := archive.SweepViews(r.dir); err != nil {
		return err
	}
	var done atomic.Int64
	result := make(chan error, 1)
	go func() { result <- archive.Check(ctx, r.dir, r.manifest, &done) }()
	tick := time.NewTicker(r.Interval)
	defer tick.Stop()
	var rate meter.Rate
	for {
		p := pgxfer.Progress{Phase: "verify", Critical: "checking the archive", Bytes: pgxfer.Count{Done: done.Load(), Total: r.manifest.Size()}}
		rate.Add(r.Now(), p.Bytes.Done)
		p.Rate = rate.PerSecond()
		r.report.Progress(p)
		select {
		case err := <-result:
			return err
		case <-tick.C:
		}
	}
}

// load runs pg_restore and everything that watches it, and returns when all of it has ended.
func (r *restore) load(parent context.Context) error {
	from, list, cleanup, err := r.inputs()
	if err != nil {
		return err
	}
	defer cleanup()
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	// After the first error that matters the rest is work for nothing: the target has to be reset anyway.
	r.messages.OnError = func() { cancel(errFirstError) }
	watch := newRestoreWatch(r)
	process, err := pgtools.Command{
		Path: r.tools.Restore, Endpoint: r.opts.Target, Server: r.target.Version,
		AppName: pgtools.AppName(r.opts.Tag, restorePurpose), Grace: r.Grace, Line: watch.line,
		Args: []string{
			"--format=directory", "--jobs=" + strconv.Itoa(r.opts.Jobs), "--verbose", "--no-owner", "--no-acl", "--no-tablespaces",
			"--no-publications", "--no-subscriptions", "--no-security-labels", "--use-list=" + list, from,
		},
	}.Start(ctx)
	if err != nil {
		return err
	}
	var watchers sync.WaitGroup
	watchers.Go(func() { watch.loop(ctx, process) })
	watchers.Go(func() { control(ctx, r.opts.Control, process, r.report, &r.paused) })
	exit := process.Wait()
	watchers.Wait()
	lost := ""
	if exit != nil {
		lost = r.endLeftovers(parent)
	}
	if err := r.messages.Err("pg_restore", exit); err != nil {
		return fmt.Errorf("%w%s", err, lost)
	}
	return nil
}

var errFirstError = errors.New("pg_restore reported an error")

// inputs gives pg_restore its directory and its list of entries.
func (r *restore) inputs() (from, list string, cleanup func(), err error) {
	view := archive.NewView(r.dir)
	cleanup = func() {
		if err := os.RemoveAll(view); err != nil {
			r.report.Warn("could not remove %s: %v", view, err)
		}
	}
	from = filepath.Join(r.dir, archive.DumpName)
	if r.rewrote {
		inner := filepath.Join(view, archive.DumpName)
		err = os.Mkdir(view, 0o700)
		if err == nil {
			err = r.toc.View(from, inner)
		}
		from = inner
	} else {
		err = os.Mkdir(view, 0o700)
	}
	list = filepath.Join(view, "list")
	if err == nil {
		err = os.WriteFile(list, r.plan.List(), 0o600)
	}
	if err != nil {
		cleanup()
		return "", "", nil, fmt.Errorf("preparing the restore: %w", err)
	}
	return from, list, cleanup, nil
}

// endLeftovers is as for a dump.
func (r *restore) endLeftovers(ctx context.Context) string {
	ended, err := endOrphans(ctx, r.opts.Target, r.opts.Tag, restorePurpose)
	if err != nil {
		r.report.Warn("could not look for sessions of the restore left on %s: %v", r.opts.Target.Name, err)
		return "; the server cannot be reached any more"
	}
	if ended > 0 {
		r.report.Info("ended %d sessions of the restore on %s", ended, r.opts.Target.Name)
	}
	return ""
}

// finish does what pg_restore leaves undone, and measures.
func (r *restore) finish(ctx context.Context) (pgxfer.RestoreResult, error) {
	conn, err := r.opts.Target.Connect(ctx, pgtools.AppName(r.opts.Tag, monitorPurpose))
	if err != nil {
		return pgxfer.RestoreResult{}, err
	}
	defer closeSession(ctx, conn)
	if err := setSequences(ctx, conn, r.manifest.Sequences); err != nil {
		return pgxfer.RestoreResult{}, err
	}
	rows, err := countLoaded(ctx, conn, r.loadedTables())
	if err != nil {
		return pgxfer.RestoreResult{}, err
	}
	if err := r.analyze(ctx); err != nil {
		return pgxfer.RestoreResult{}, err
	}
	result := pgxfer.RestoreResult{Engine: Name, Tables: len(r.loadedTables()), Rows: rows, Skipped: r.plan.Skipped}
	for _, t := range r.loadedTables() {
		result.Bytes += t.Bytes
	}
	err = conn.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('i', 'I') AND `+userRelation).Scan(&result.Indexes)
	if err != nil {
		return pgxfer.RestoreResult{}, fmt.Errorf("counting indexes: %w", err)
	}
	result.Took = r.Now().Sub(r.began)
	r.report.Info("restore complete: %d tables, %d rows, %s, %d indexes", result.Tables, result.Rows, humanize.Bytes(uint64(result.Bytes)), result.Indexes)
	return result, nil
}

// loadedTables are those of the archive's tables whose data was not left out.
func (r *restore) loadedTables() []archive.Table {
	kept := map[int]bool{}
	for _, e := range r.plan.Keep {
		kept[e.ID] = true
	}
	var list []archive.Table
	for _, t := range r.manifest.Tables {
		if kept[t.ID] {
			list = append(list, t)
		}
	}
	return list
}
