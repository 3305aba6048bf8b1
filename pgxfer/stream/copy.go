package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

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
	// Dir, when set, is an archive directory that is filled on the way, as [Engine.Dump] fills it; Compress as in [pgxfer.DumpOptions].
	Dir, Compress string
	// Receipts is, where Dir is not set, a directory of the caller's where a small file about each finished target is left, so that a copy
	// that is run again, after it was killed in its last moment for example, knows that it is done. Empty for none.
	Receipts string
	// MaxWAL as in [pgxfer.RestoreOptions].
	MaxWAL int64
	// ToastCompression as in [pgxfer.RestoreOptions].
	ToastCompression string
	// Tag and Control as in [pgxfer.DumpOptions].
	Tag     string
	Control *pgxfer.Control
	// Vouch as in [pgxfer.DumpOptions].
	Vouch pgxfer.Vouch
}

// Copy moves a database from one server to another, straight from memory. An interrupted copy goes on where it was, if nobody has written to
// the source since: see [Engine.Dump] for how that is told.
//
// Without a directory nothing touches the disk: there is no archive to fall back to, the source's snapshot is kept until the last row is
// loaded, and the target keeps the plan. With one the rows are written there at the same time, and the source is let go of with the last
// of them; the archive is complete when Copy returns nil, and may be before.
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
			Source: opts.Source, Leader: opts.Leader, Jobs: opts.Jobs, Tag: opts.Tag, Vouch: opts.Vouch,
		}, entries: map[string]piece.Entry{}},
		restore: newRestore(e, pgxfer.RestoreOptions{
			Target: opts.Target, Jobs: opts.Jobs, IndexJobs: opts.IndexJobs, MaxWAL: opts.MaxWAL, ToastCompression: opts.ToastCompression, Tag: opts.Tag, Control: opts.Control,
		}, obs),
	}
	c.restore.report = c.dump.report // one observer hears one voice at a time
	sweepScratch(os.TempDir(), c.dump.report)
	result, err := c.run(ctx, opts)
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
	ahead   atomic.Bool // a unit is being read ahead
}

func (c *direct) run(ctx context.Context, opts CopyOptions) (result pgxfer.RestoreResult, err error) {
	d, r := c.dump, c.restore
	if d.opts.Jobs < 1 {
		return result, errors.New("the number of jobs must be at least 1")
	}
	if err := pgxfer.KnownToast(opts.ToastCompression); err != nil {
		return result, err
	}
	d.report.Progress(pgxfer.Progress{Phase: "schema"})
	err = r.insist(ctx, r.report, opts.Target.Name, func() (err error) {
		d.opts.TargetMajor, err = majorOf(ctx, r.opener)
		return err
	})
	if err != nil {
		return result, err
	}
	r.sequences, r.turns = c.sequences, opts.Source.Here() && opts.Target.Here() && runtime.NumCPU() <= 2*opts.Jobs
	if opts.Dir != "" {
		if d.dir, err = filepath.Abs(opts.Dir); err != nil {
			return result, err
		}
		r.dir, r.receipts = d.dir, d.dir
		return c.withArchive(ctx, opts)
	}
	room, err := newScratch(os.TempDir())
	if err != nil {
		return result, err
	}
	d.dir, r.dir = room.dir, room.dir
	defer func() { err = errors.Join(err, room.remove()) }()
	if err := d.open(ctx); err != nil {
		return result, err
	}
	defer d.keeper.close(ctx)
	defer c.meanwhile(ctx, d.dumpSchema, d.checkSchema)()
	if err := d.survey(ctx); err != nil {
		return result, err
	}
	if err := c.plan(ctx); err != nil {
		return result, err
	}
	r.feed, r.allLoaded = c, c.letGo
	r.source, r.receipts = d.keeper, opts.Receipts
	return c.transfer(ctx)
}

// meanwhile makes the schema while the plan is made, and while the target is asked whether it can be restored into. Who comes to need it
// checks it first. The returned function ends all that, if nobody came.
func (c *direct) meanwhile(ctx context.Context, schema, check func(context.Context) error) (end func()) {
	making, cancel := context.WithCancel(ctx)
	made := make(chan struct{})
	var err error
	go func() {
		defer close(made)
		err = schema(making)
	}()
	c.restore.schemaThere = func() error {
		<-made
		if err != nil {
			return err
		}
		return check(ctx)
	}
	return func() {
		cancel()
		<-made
	}
}

// transfer does everything on the target, while the source's sessions are kept alive.
func (c *direct) transfer(ctx context.Context) (pgxfer.RestoreResult, error) {
	d := c.dump
	beating, stop := context.WithCancel(ctx)
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		d.keeper.beat(beating)
	}()
	defer func() {
		stop()
		<-beat
		c.letGo(ctx)
	}()
	result, err := c.restore.all(ctx)
	if err == nil {
		result.Skipped = append(append([]pgxfer.Skipped(nil), d.plan.Skipped...), result.Skipped...)
	}
	return result, err
}

// letGo ends the sessions on the source, and with them the snapshot, which on a leader keeps VACUUM from its work. Nobody may be reading.
func (c *direct) letGo(ctx context.Context) {
	c.dump.keeper.close(ctx)
	c.dump.mu.Lock()
	defer c.dump.mu.Unlock()
	for _, l := range c.dump.readers {
		l.close(ctx)
	}
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
	if r.keep, err = ledger.Plan(ctx, conn); err != nil {
		return err
	}
	if r.keep != nil {
		var old *plan.Plan
		if old, r.hash, err = plan.Unpack(r.keep); err != nil {
			return err
		}
		if old.Tools != d.plan.Tools || old.Source.SystemID != d.plan.Source.SystemID || old.Database != d.plan.Database {
			return fmt.Errorf("%w: it holds a half-done copy of something else; reset it", pgxfer.ErrTargetNotEmpty)
		}
		if err := d.keeper.takeUp(ctx, old); errors.Is(err, errChanged) {
			return fmt.Errorf("%w: it holds a half-done copy, and %w; reset it", pgxfer.ErrTargetNotEmpty, err)
		} else if err != nil {
			return err
		}
		d.plan, r.plan = old, old
		return nil
	}
	if err := d.cut(ctx); err != nil {
		return err
	}
	d.plan.Compression = "none"
	r.plan = d.plan
	r.keep, r.hash, err = d.plan.Pack()
	return err
}

func (c *direct) sequences(ctx context.Context) (positions, error) {
	conn, err := session.Opener{Endpoint: c.dump.opts.Leader, AppName: pgtools.AppName(c.dump.opts.Tag, "stream watch")}.Open(ctx)
	if err != nil {
		return positions{}, err
	}
	defer session.Close(ctx, conn)
	return askPositions(ctx, conn)
}

// open reads a unit from the source while the target loads it.
func (c *direct) open(ctx context.Context, slot int, u unit, a *activity) (io.ReadCloser, func() (loaded, error), error) {
	return c.flow(ctx, slot, u, a, func(_ context.Context, f *flow, copyTo func(io.Writer) error) error { return copyTo(f.pipe) })
}

// flow begins to read a unit from the source. read is given what copies the rows to a writer, of which the flow's pipe has to be a part.
func (c *direct) flow(ctx context.Context, slot int, u unit, a *activity, read func(context.Context, *flow, func(io.Writer) error) error) (
	io.ReadCloser, func() (loaded, error), error,
) {
	l := c.dump.reader(slot)
	conn, err := l.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &flow{pipe: newPipe(ctx), cancel: cancel, done: make(chan struct{}), live: a}
	if u.turns && c.ahead.CompareAndSwap(false, true) { // of that memory there is enough for one
		f.pipe, f.ended = newAhead(ctx), func() { c.ahead.Store(false) }
	}
	go func() {
		defer close(f.done)
		f.err = read(ctx, f, func(to io.Writer) (err error) {
			f.tag, err = c.dump.copyOut(ctx, slot, conn, u, to)
			return err
		})
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
	ended  func() // called by Close; may be nil
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
	if f.ended != nil {
		f.ended()
	}
	return nil
}
