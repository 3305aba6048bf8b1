package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// dump is one attempt.
type dump struct {
	Engine
	opts   pgxfer.DumpOptions
	report *meter.Reporter
	dir    string

	keeper  *keeper
	plan    *plan.Plan
	hash    string
	version pgserver.Version // of the source
	tools   pgtools.Tools
	journal *piece.Journal
	status  *status
	readers []*line
	orphans orphans
	// baseline was taken before the snapshot; nil where nothing can be told from one.
	baseline *pgserver.Baseline

	mu      sync.Mutex
	entries map[string]piece.Entry // by item
	left    map[uint32]int         // pieces of each table still to be read
}

// Dump reads the source into the directory. A directory that holds the beginning of an interrupted dump of the same source is continued,
// if nothing was written to the source in between; otherwise that beginning is discarded. Transactions that wrote nothing, as those of
// autovacuum, are told apart by [pgxfer.DumpOptions.Vouch], and without it on a leader from 15 on by what the server counts. Sessions that an earlier attempt with the
// same tag left on the source are ended first, so two dumps must not share a tag.
func (e Engine) Dump(ctx context.Context, opts pgxfer.DumpOptions, obs pgxfer.Observer) (pgxfer.DumpResult, error) {
	e = e.withDefaults()
	if opts.Tag == "" {
		opts.Tag = defaultTag
	}
	if opts.Leader.IsZero() {
		opts.Leader = opts.Source
	}
	began := e.Now()
	d := &dump{Engine: e, opts: opts, report: meter.NewReporter(obs, e.Now), entries: map[string]piece.Entry{}}
	sweepScratch(os.TempDir(), d.report)
	result, err := d.all(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return pgxfer.DumpResult{}, ctx.Err()
		}
		return pgxfer.DumpResult{}, fmt.Errorf("dumping %s: %w", opts.Source, err)
	}
	result.Took = e.Now().Sub(began)
	d.report.Info("dump complete: %d tables, %d rows, %s in the archive", result.Tables, result.Rows, humanize.Bytes(uint64(result.ArchiveBytes)))
	return result, nil
}

func (d *dump) all(ctx context.Context) (result pgxfer.DumpResult, err error) {
	if d.opts.Jobs < 1 {
		return result, errors.New("the number of jobs must be at least 1")
	}
	if d.dir, err = filepath.Abs(d.opts.Dir); err != nil {
		return result, err
	}
	if err := knownCompression(d.opts.Compress); err != nil {
		return result, err
	}
	d.report.Progress(pgxfer.Progress{Phase: "schema"})
	if err := d.snapshot(ctx); err != nil {
		return result, err
	}
	defer d.keeper.close(ctx)
	lock, err := d.openArchive(ctx)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	defer func() {
		if err != nil {
			err = errors.Join(err, d.journal.Fail(err.Error()))
		}
		err = errors.Join(err, d.journal.Close())
	}()
	if err := d.read(ctx); err != nil {
		return result, err
	}
	if result, err = d.finish(ctx); err == nil {
		whole := func(n int64) pgxfer.Count { return pgxfer.Count{Done: n, Total: n} }
		d.report.Progress(pgxfer.Progress{Phase: "data", Items: whole(int64(result.Tables)), Bytes: whole(result.Bytes), Rows: whole(result.Rows)})
	}
	return result, err
}

// snapshot opens the keeper and looks at everything.
func (d *dump) snapshot(ctx context.Context) error {
	if err := d.open(ctx); err != nil {
		return err
	}
	err := d.survey(ctx)
	if err != nil {
		d.keeper.close(ctx)
	}
	return err
}

// open opens the keeper, and finds the tools for its server. The caller closes the keeper.
func (d *dump) open(ctx context.Context) error {
	d.keeper = &keeper{
		opener: session.Opener{Endpoint: d.opts.Source, AppName: pgtools.AppName(d.opts.Tag, dumpPurpose)},
		tag:    d.opts.Tag, vouch: d.opts.Vouch, report: d.report,
	}
	err := d.insist(ctx, d.report, d.opts.Source.Name, func() error {
		if err := d.lookFirst(ctx); err != nil {
			return err
		}
		return d.keeper.open(ctx)
	})
	if err != nil {
		return err
	}
	err = func() (err error) {
		if d.version, err = pgserver.ServerVersion(ctx, d.keeper.conn); err != nil {
			return err
		}
		d.tools, err = d.Find(d.version.Major(), d.opts.TargetMajor)
		return err
	}()
	if err != nil {
		d.keeper.close(ctx)
	}
	return err
}

// survey makes the plan, and locks what it is of.
func (d *dump) survey(ctx context.Context) (err error) {
	if d.plan, err = plan.Survey(ctx, d.keeper.conn); err != nil {
		return err
	}
	d.plan.Timeline, d.plan.Vouched = d.keeper.timeline, d.opts.Vouch.ID
	if !d.plan.Source.Follower {
		d.plan.Baseline = d.baseline
	}
	d.plan.Tools, d.plan.ToolsMajor = d.tools.Version, d.tools.Major
	d.keeper.text, d.keeper.then = d.plan.Snapshot, d.plan.State
	if err := d.keeper.lock(ctx, d.plan); err != nil {
		return err
	}
	if d.tools.Warning != "" {
		d.report.Warn("%s", d.tools.Warning)
	}
	for _, s := range d.plan.Skipped {
		d.report.Warn("not dumped: %s %s (%s)", s.Kind, s.Name, s.Reason)
	}
	return nil
}

// lookFirst does what must be done before the snapshot is taken: it ends what an earlier attempt has left, and takes the baseline, so
// that whatever the snapshot does not show is counted after it.
func (d *dump) lookFirst(ctx context.Context) error {
	conn, err := d.opts.Source.Connect(ctx, pgtools.AppName(d.opts.Tag, "stream watch"))
	if err != nil {
		return err
	}
	defer session.Close(ctx, conn)
	ended, err := pgserver.TerminateTagged(ctx, conn, pgtools.AppName(d.opts.Tag, dumpPurpose))
	if ended > 0 {
		d.report.Warn("ended %d sessions that an earlier dump had left on %s", ended, d.opts.Source.Name)
	}
	if err != nil || d.opts.Vouch.Same != nil {
		return err
	}
	if d.baseline, err = pgserver.TakeBaseline(ctx, conn); err != nil && session.Code(err) != "" {
		// The role may not look at everything. Then nobody can tell, which matters only to who is interrupted.
		d.baseline, err = nil, nil
	}
	return err
}

// openArchive begins the archive, or goes on with one that was interrupted.
func (d *dump) openArchive(ctx context.Context) (*piece.Lock, error) {
	if archive.Begun(d.dir, Name) {
		lock, err := piece.TakeLock(d.dir)
		if err != nil {
			return nil, err
		}
		went, err := d.goOn(ctx)
		if err == nil && !went {
			err = d.startOver(ctx)
		}
		if err != nil {
			return nil, errors.Join(err, lock.Release())
		}
		return lock, nil
	}
	if err := archive.Create(d.dir, Name, d.Now()); err != nil {
		return nil, err
	}
	lock, err := piece.TakeLock(d.dir)
	if err == nil {
		err = d.begin(ctx)
	}
	if err != nil && lock != nil {
		err = errors.Join(err, lock.Release())
	}
	return lock, err
}

// cut completes the plan.
func (d *dump) cut(ctx context.Context) error {
	sizing := d.Sizing
	sizing.Jobs = d.opts.Jobs
	if err := d.plan.Sample(ctx, d.keeper.conn, sizing); err != nil {
		return err
	}
	d.plan.Cut(sizing)
	return nil
}

// begin writes the plan.
func (d *dump) begin(ctx context.Context) error {
	if err := d.cut(ctx); err != nil {
		return err
	}
	free, err := archive.FreeSpace(d.dir)
	if err != nil {
		return err
	}
	if d.plan.Compression, err = d.compression(ctx, free-d.Reserve); err != nil {
		return err
	}
	if d.hash, err = piece.WritePlan(d.dir, d.plan); err != nil {
		return err
	}
	if d.journal, _, _, err = piece.OpenJournal(d.dir); err != nil {
		return err
	}
	d.report.Info("dumping %d tables, %s, with %d readers, compression %s", len(d.plan.Tables), humanize.Bytes(uint64(d.plan.Bytes())),
		d.opts.Jobs, d.plan.Compression)
	return d.journal.Begin(d.hash)
}

// goOn takes over what an interrupted dump has left, if the source is still what it was.
func (d *dump) goOn(ctx context.Context) (bool, error) {
	if _, err := os.Stat(filepath.Join(d.dir, piece.ManifestName)); err == nil {
		return false, fmt.Errorf("archive directory %s holds a finished dump: name another one, or discard it", d.dir)
	}
	entries, reason := d.found(ctx)
	if errors.Is(reason, errUnsettled) || ctx.Err() != nil {
		return false, errors.Join(reason, ctx.Err())
	}
	if reason != nil {
		d.report.Warn("the interrupted dump in %s is of no use (%v): starting over", d.dir, reason)
		return false, nil
	}
	for _, e := range entries {
		if piece.CheckAll(ctx, d.dir, []piece.Entry{e}, 1, nil) == nil {
			d.entries[e.Item] = e
		}
	}
	d.report.Info("going on with the interrupted dump in %s: %d of its files are complete", d.dir, len(d.entries))
	return true, ctx.Err()
}

// found reads the plan and the journal of an interrupted dump. An error is the reason why they are of no use.
func (d *dump) found(ctx context.Context) ([]piece.Entry, error) {
	old, hash, err := piece.ReadPlan(d.dir)
	if err != nil {
		return nil, err
	}
	if old.Source.SystemID != d.plan.Source.SystemID || old.Database != d.plan.Database {
		return nil, errors.New("it is of another database")
	}
	if err := d.keeper.takeUp(ctx, old); err != nil {
		return nil, err
	}
	journal, entries, of, err := piece.OpenJournal(d.dir)
	if err != nil {
		return nil, err
	}
	if of != hash {
		return nil, errors.Join(errors.New("its journal is of another plan"), journal.Close())
	}
	d.plan, d.hash, d.journal = old, hash, journal
	return entries, nil
}

// startOver empties the archive of an interrupted dump that is of no use.
func (d *dump) startOver(ctx context.Context) error {
	for _, name := range []string{piece.DataName, piece.SchemaName, piece.PlanName, piece.ScriptName, listsDir} {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			return fmt.Errorf("discarding the interrupted dump: %w", err)
		}
	}
	// The journal goes on where it can: who follows it learns from the new first line that everything before is void.
	journal, _, _, err := piece.OpenJournal(d.dir)
	if err == nil {
		err = journal.Close()
	} else {
		err = os.Remove(filepath.Join(d.dir, piece.JournalName))
	}
	if err != nil {
		return fmt.Errorf("discarding the interrupted dump: %w", err)
	}
	return d.begin(ctx)
}

// limits are what the number of readers comes to.
func (d *dump) limits(n pgxfer.Workers) graph.Limits {
	return graph.Limits{Total: cmp.Or(n.Read, d.opts.Jobs)}
}

// read runs pg_dump and the readers.
func (d *dump) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := d.work()
	run := graph.New(g, d.limits(pgxfer.Workers{}))
	run.Do, run.Rest = d.do, 10*d.Backoff
	run.Retired = func(slot int) { d.reader(slot).close(ctx) }
	d.status.begin(run)
	var others sync.WaitGroup
	shown, stop := context.WithCancel(ctx)
	others.Go(func() { d.status.loop(shown) })
	others.Go(func() { d.keeper.beat(shown) })
	var schemaErr error
	schema := make(chan struct{})
	go func() {
		defer close(schema)
		if schemaErr = d.makeSchema(ctx); schemaErr == nil {
			schemaErr = d.listSchema(ctx)
		}
		if schemaErr != nil {
			run.Fail(schemaErr)
		}
	}()
	err := run.Wait(ctx)
	if err != nil {
		cancel() // pg_dump too
	}
	<-schema
	stop()
	others.Wait()
	for _, r := range d.readers {
		r.close(ctx)
	}
	if err == nil {
		err = schemaErr
	}
	return err
}
