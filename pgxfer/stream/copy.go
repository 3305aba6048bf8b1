package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// CopyOptions says what to copy where.
type CopyOptions struct {
	Source, Target pgxfer.Endpoint
	// Leader as in [pgxfer.DumpOptions].
	Leader pgxfer.Endpoint
	// Jobs is the number of pairs of sessions; IndexJobs the number of index builders, 0 meaning Jobs.
	Jobs, IndexJobs int
	// Tag and Control as in [pgxfer.DumpOptions].
	Tag     string
	Control *pgxfer.Control
}

// Copy moves a database from one server to another without touching the disk. There is no archive to fall back to, and the source's
// snapshot is kept until the last row is loaded. An interrupted copy goes on where it was, if nobody has written to the source since:
// the target keeps the plan.
func (e Engine) Copy(ctx context.Context, opts CopyOptions, obs pgxfer.Observer) (pgxfer.RestoreResult, error) {
	e = e.withDefaults()
	if opts.Tag == "" {
		opts.Tag = defaultTag
	}
	if opts.Leader.IsZero() {
		opts.Leader = opts.Source
	}
	c := &direct{
		dump: &dump{Engine: e, report: meter.NewReporter(obs, e.Now), opts: pgxfer.DumpOptions{
			Source: opts.Source, Leader: opts.Leader, Jobs: opts.Jobs, Tag: opts.Tag,
		}, entries: map[string]piece.Entry{}},
		restore: newRestore(e, pgxfer.RestoreOptions{
			Target: opts.Target, Jobs: opts.Jobs, IndexJobs: opts.IndexJobs, Tag: opts.Tag, Control: opts.Control,
		}, obs),
	}
	c.restore.report = c.dump.report // one observer hears one voice at a time
	result, err := c.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return pgxfer.RestoreResult{}, ctx.Err()
		}
		return pgxfer.RestoreResult{}, fmt.Errorf("copying %s to %s: %w", opts.Source, opts.Target, err)
	}
	return result, nil
}

// direct is one attempt to copy.
type direct struct {
	dump    *dump
	restore *restore
}

func (c *direct) run(ctx context.Context) (result pgxfer.RestoreResult, err error) {
	d, r := c.dump, c.restore
	if d.opts.Jobs < 1 {
		return result, errors.New("the number of jobs must be at least 1")
	}
	if d.dir, err = os.MkdirTemp("", "changeover-copy-"); err != nil {
		return result, err
	}
	r.dir = d.dir
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	d.report.Progress(pgxfer.Progress{Phase: "schema"})
	if d.opts.TargetMajor, err = majorOf(ctx, r.opener); err != nil {
		return result, err
	}
	if err := d.snapshot(ctx); err != nil {
		return result, err
	}
	defer d.keeper.close(ctx)
	if err := c.plan(ctx); err != nil {
		return result, err
	}
	if err := d.dumpSchema(ctx); err != nil {
		return result, err
	}
	r.feed = c
	r.sequences = c.sequences
	beating, stop := context.WithCancel(ctx)
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		d.keeper.beat(beating)
	}()
	defer func() {
		stop()
		<-beat
		for _, l := range d.readers {
			l.close(ctx)
		}
	}()
	return r.all(ctx)
}

func majorOf(ctx context.Context, o session.Opener) (int, error) {
	conn, err := o.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer session.Close(ctx, conn)
	version, err := pgserver.ServerVersion(ctx, conn)
	return version.Major(), err
}

// plan goes on with the plan that the target keeps, or makes one.
func (c *direct) plan(ctx context.Context) error {
	d, r := c.dump, c.restore
	conn, err := r.opener.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(ctx, conn)
	raw, err := ledger.Plan(ctx, conn)
	if err != nil {
		return err
	}
	if raw != nil {
		old, err := plan.Decode(raw)
		if err != nil {
			return err
		}
		if err := errors.Join(sameState(ctx, d.keeper.conn, old, old.Snapshot), sameFiles(ctx, d.keeper.conn, old.Tables)); err != nil {
			return fmt.Errorf("%w: it holds a half-done copy, and %w; reset it", pgxfer.ErrTargetNotEmpty, err)
		}
		if old.Tools != d.plan.Tools || old.Source.SystemID != d.plan.Source.SystemID || old.Database != d.plan.Database {
			return fmt.Errorf("%w: it holds a half-done copy of something else; reset it", pgxfer.ErrTargetNotEmpty)
		}
		d.plan, d.keeper.plan = old, old
	} else {
		sizing := d.Sizing
		sizing.Jobs = d.opts.Jobs
		d.plan.Cut(sizing)
		d.plan.Compression = "none"
	}
	r.plan = d.plan
	r.keep, r.hash, err = d.plan.Encode()
	return err
}

func (c *direct) sequences(ctx context.Context) ([]pgserver.Sequence, error) {
	conn, err := session.Opener{Endpoint: c.dump.opts.Leader, AppName: pgtools.AppName(c.dump.opts.Tag, "stream watch")}.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close(ctx, conn)
	return pgserver.Sequences(ctx, conn)
}

// open reads a unit from the source while the target loads it.
func (c *direct) open(ctx context.Context, slot int, u unit, a *activity) (io.ReadCloser, func() (loaded, error), error) {
	l := c.dump.reader(slot)
	conn, err := l.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &flow{pipe: newPipe(ctx), cancel: cancel, done: make(chan struct{}), live: a}
	go func() {
		defer close(f.done)
		f.tag, f.err = conn.PgConn().CopyTo(ctx, f.pipe, u.out(c.dump.plan))
		if f.err == nil {
			f.err = c.dump.afterReading(ctx, slot, conn, u)
		}
		f.pipe.end(f.err)
		if f.err != nil {
			l.drop(context.WithoutCancel(ctx))
		}
	}()
	return f, f.check, nil
}

// flow is a unit on its way.
type flow struct {
	pipe   *pipe
	cancel context.CancelFunc
	done   chan struct{}
	tag    pgconn.CommandTag
	err    error
	live   *activity
	bytes  int64
}

func (f *flow) Read(p []byte) (int, error) {
	n, err := f.pipe.Read(p)
	f.bytes += int64(n)
	f.live.bytes.Add(int64(n))
	return n, err
}

func (f *flow) check() (loaded, error) {
	<-f.done
	return loaded{f.tag.RowsAffected(), f.bytes}, f.err
}

func (f *flow) interrupt() { f.cancel() }

// Close returns when the reader on the source is done with it.
func (f *flow) Close() error {
	f.cancel()
	<-f.done
	return nil
}
