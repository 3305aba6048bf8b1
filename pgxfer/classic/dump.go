package classic

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
)

// dump is one attempt.
type dump struct {
	Engine
	opts   pgxfer.DumpOptions
	report *meter.Reporter
	began  time.Time
	dir    string // absolute: the tool runs elsewhere

	source      *source
	tools       pgtools.Tools
	compression compression
	messages    pgtools.Messages
	items       *dumpItems
}

// Dump runs pg_dump. Sessions that an earlier attempt with the same tag left on the source are ended first, so two dumps must not
// share a tag. When it fails, the directory stays for the caller to look at and to [archive.Discard].
func (e Engine) Dump(ctx context.Context, opts pgxfer.DumpOptions, obs pgxfer.Observer) (pgxfer.DumpResult, error) {
	e = e.withDefaults()
	if opts.Tag == "" {
		opts.Tag = defaultTag
	}
	if opts.Leader.IsZero() {
		opts.Leader = opts.Source
	}
	if opts.Jobs < 1 {
		return pgxfer.DumpResult{}, fmt.Errorf("dumping %s: the number of jobs must be at least 1", opts.Source)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return pgxfer.DumpResult{}, fmt.Errorf("dumping %s: %w", opts.Source, err)
	}
	d := &dump{Engine: e, opts: opts, report: meter.NewReporter(obs, e.Now), began: e.Now(), dir: dir}
	if err := d.prepare(ctx); err != nil {
		return pgxfer.DumpResult{}, d.failed(ctx, err)
	}
	if err := d.run(ctx); err != nil {
		return pgxfer.DumpResult{}, d.failed(ctx, err)
	}
	result, err := d.finish(ctx)
	if err != nil {
		return pgxfer.DumpResult{}, d.failed(ctx, err)
	}
	return result, nil
}

// failed names the database, unless the caller wanted the end.
func (d *dump) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("dumping %s: %w", d.opts.Source, err)
}

func (d *dump) prepare(ctx context.Context) error {
	d.report.Progress(pgxfer.Progress{Phase: "schema"})
	conn, err := d.opts.Source.Connect(ctx, pgtools.AppName(d.opts.Tag, monitorPurpose))
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	if ended, err := pgserver.TerminateTagged(ctx, conn, pgtools.AppName(d.opts.Tag, dumpPurpose)); err != nil {
		return err
	} else if ended > 0 {
		d.report.Warn("ended %d sessions that an earlier dump had left on %s", ended, d.opts.Source.Name)
	}
	if d.source, err = survey(ctx, conn); err != nil {
		return err
	}
	if d.tools, err = d.Find(d.source.facts.Version.Major(), d.opts.TargetMajor); err != nil {
		return err
	}
	if d.tools.Warning != "" {
		d.report.Warn("%s", d.tools.Warning)
	}
	for _, s := range d.source.skipped {
		d.report.Warn("not dumped: %s %s (%s)", s.Kind, s.Name, s.Reason)
	}
	free, err := archive.FreeSpace(filepath.Dir(d.dir))
	if err != nil {
		return err
	}
	if d.compression, err = chooseCompression(d.opts.Compress, d.tools.Major, d.source.size(), free-d.Reserve); err != nil {
		return err
	}
	if err := archive.Create(d.dir, Name, d.Now()); err != nil {
		return err
	}
	d.items = newDumpItems(d.source.tables)
	d.report.Info("dumping %d tables, %s, with pg_dump %s -j %d, compression %s", len(d.source.tables),
		humanize.Bytes(uint64(d.source.size())), d.tools.Version, d.opts.Jobs, d.compression.name)
	return nil
}

// run starts pg_dump and everything that watches it, and returns when all of it has ended.
func (d *dump) run(parent context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	dumpDir := filepath.Join(d.dir, archive.DumpName)
	watch := &dumpWatch{dump: d, dumpDir: dumpDir, fail: cancel}
	process, err := pgtools.Command{
		Path: d.tools.Dump, Major: d.tools.Major, Asks: true, Endpoint: d.opts.Source, Server: d.source.facts.Version,
		AppName: pgtools.AppName(d.opts.Tag, dumpPurpose), Grace: d.Grace, Line: watch.line,
		Args: []string{
			"--format=directory", "--file=" + dumpDir, "--jobs=" + strconv.Itoa(d.opts.Jobs), "--verbose",
			"--compress=" + d.compression.option, "--exclude-schema=" + pgserver.HerokuSchema, "--lock-wait-timeout=" + lockWait, pgtools.QuoteNames,
		},
	}.Start(ctx)
	if err != nil {
		return err
	}
	var watchers sync.WaitGroup
	watchers.Go(func() { watch.loop(ctx, process) })
	watchers.Go(func() { control(ctx, d.opts.Control, process, d.report, &watch.paused) })
	watchers.Go(func() { watch.estimate(ctx, process.Done()) })
	exit := process.Wait()
	watchers.Wait()
	if exit != nil {
		cancel(nil)
	}
	d.items.finishAll()
	measureErr := d.items.measuring.Wait()
	lost := ""
	if exit != nil {
		lost = d.endLeftovers(parent)
		if cause := context.Cause(ctx); cause != nil && parent.Err() == nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
	}
	if err := d.messages.Err("pg_dump", exit); err != nil {
		return fmt.Errorf("%w%s", err, lost)
	}
	return measureErr
}

// lockWait is how long pg_dump waits for a lock: nobody else should hold one while writers are fenced off.
const lockWait = "300000" // ms

// endLeftovers ends sessions that outlived the tool. It returns what to add to the tool's own complaint, which seldom says that it is the
// server that is gone.
func (d *dump) endLeftovers(ctx context.Context) string {
	ended, err := endOrphans(ctx, d.opts.Source, d.opts.Tag, dumpPurpose)
	if err != nil {
		d.report.Warn("could not look for sessions of the dump left on %s: %v", d.opts.Source.Name, err)
		return "; the server cannot be reached any more"
	}
	if ended > 0 {
		d.report.Info("ended %d sessions of the dump on %s", ended, d.opts.Source.Name)
	}
	return ""
}

// finish reads the leader's sequences, hashes what is left and writes the manifest.
func (d *dump) finish(ctx context.Context) (pgxfer.DumpResult, error) {
	sequences, err := d.leaderSequences(ctx)
	if err != nil {
		return pgxfer.DumpResult{}, err
	}
	tables, files, err := d.items.collect(ctx, filepath.Join(d.dir, archive.DumpName))
	if err != nil {
		return pgxfer.DumpResult{}, err
	}
	m := &archive.Manifest{
		Engine: Name, Created: d.Now().UTC(), Source: d.source.facts, Tools: d.tools.Version, ToolsMajor: d.tools.Major,
		Compression: d.compression.name, Entries: len(d.items.toc.Entries), Tables: tables, Sequences: sequences,
		Extensions: d.source.extensions, Indexes: d.source.indexes, Skipped: d.source.skipped, Files: files,
	}
	sum, err := m.Write(d.dir)
	if err != nil {
		return pgxfer.DumpResult{}, err
	}
	result := pgxfer.DumpResult{
		Engine: Name, Tables: len(tables), Rows: m.Rows(), Bytes: m.Bytes(), ArchiveBytes: m.Size(), Manifest: sum,
		Skipped: d.source.skipped, Took: d.Now().Sub(d.began),
	}
	d.report.Progress(pgxfer.Progress{
		Phase: "data", Items: full(int64(result.Tables)), Bytes: full(result.Bytes), Rows: full(result.Rows),
	})
	d.report.Info("dump complete: %d tables, %d rows, %s in the archive", result.Tables, result.Rows, humanize.Bytes(uint64(result.ArchiveBytes)))
	return result, nil
}

// leaderSequences is asked after pg_dump's snapshot was taken, so no value in the dumped rows is beyond what it finds.
func (d *dump) leaderSequences(ctx context.Context) ([]pgserver.Sequence, error) {
	conn, err := d.opts.Leader.Connect(ctx, pgtools.AppName(d.opts.Tag, monitorPurpose))
	if err != nil {
		return nil, err
	}
	defer closeSession(ctx, conn)
	return pgserver.Sequences(ctx, conn)
}

func full(n int64) pgxfer.Count { return pgxfer.Count{Done: n, Total: n} }

func closeSession(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
