package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/piece"
)

// tee keeps every piece of a copy in an archive too. Each row goes to the target and to the disk at once, so the slower of both sets the
// pace, and nothing waits in between but a few buffers. Whatever is in the archive need not be read from the source again.
type tee struct {
	*direct
	left atomic.Int64 // units that are not in the archive
	once sync.Once
	work sync.WaitGroup
	err  error // of finishing the archive; read after work
}

// finished says whether the archive of an earlier attempt is complete, so that the source is not needed any more.
func finished(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, piece.ManifestName))
	return err == nil
}

// begin opens the archive, whose plan is the copy's. The returned function closes it and tells why it failed, if the copy did.
func (t *tee) begin(ctx context.Context) (end func(error) error, err error) {
	d, r := t.dump, t.restore
	lock, err := d.openArchive(ctx)
	if err != nil {
		return nil, err
	}
	end = func(failed error) error {
		var err error
		if failed != nil && !finished(d.dir) {
			err = d.journal.Fail(failed.Error())
		}
		return errors.Join(err, d.journal.Close(), lock.Release())
	}
	for _, n := range d.work().Nodes() {
		for _, u := range n.Work.([]unit) {
			if !d.has(u.item()) {
				t.left.Add(1)
			}
		}
	}
	r.plan, r.hash, r.tick, r.receipts = d.plan, d.hash, d.watchDisk, d.dir
	return end, nil
}

// open feeds a unit from the archive where it is there already, otherwise from the source through the archive.
func (t *tee) open(ctx context.Context, slot int, u unit, a *activity) (io.ReadCloser, func() (loaded, error), error) {
	d := t.dump
	d.mu.Lock()
	e, there := d.entries[u.item()]
	d.mu.Unlock()
	if there {
		return fromArchive{dir: d.dir, entry: func(string) piece.Entry { return e }}.open(ctx, slot, u, a)
	}
	return t.flow(ctx, slot, u, a, func(ctx context.Context, f *flow, copyTo func(io.Writer) error) error {
		e, err := piece.Write(ctx, d.dir, u.item(), piece.FileOf(u.item(), d.plan), d.plan.Compression, nil, func(file io.Writer) (int64, error) {
			err := copyTo(io.MultiWriter(file, f.pipe))
			return f.tag.RowsAffected(), err
		})
		if err != nil {
			return err
		}
		// In the archive before it can be committed on the target.
		if err := d.list(e, u); err != nil {
			return err
		}
		if t.left.Add(-1) == 0 {
			t.complete(ctx)
		}
		return nil
	})
}

// complete finishes the archive, while indexes are still being built, and lets go of the source: nobody needs to read it again.
func (t *tee) complete(ctx context.Context) {
	t.once.Do(func() {
		ctx := context.WithoutCancel(ctx) // that of the last piece ends with the piece
		t.work.Go(func() {
			result, err := t.dump.finish(ctx)
			if err != nil {
				t.err = fmt.Errorf("finishing the archive: %w", err)
				return
			}
			t.letGo(ctx)
			t.dump.report.Info("the archive in %s is complete: its manifest is %s", t.dump.opts.Dir, result.Manifest)
		})
	})
}

// rest reads what an earlier attempt has loaded but not kept, and waits for the archive.
func (t *tee) rest(ctx context.Context) error {
	if t.left.Load() > 0 {
		run := graph.New(t.dump.work(), graph.Limits{Total: t.dump.opts.Jobs})
		run.Do = t.dump.do
		if err := run.Wait(ctx); err != nil {
			return err
		}
	}
	t.complete(ctx)
	t.work.Wait()
	return t.err
}

// withArchive copies through an archive, or from it when it is complete.
func (c *direct) withArchive(ctx context.Context, opts CopyOptions) (result pgxfer.RestoreResult, err error) {
	d, r := c.dump, c.restore
	if finished(d.dir) {
		d.report.Info("the archive in %s is complete: loading what the target lacks from it", opts.Dir)
		r.opts.Dir = d.dir
		return r.fromArchive(ctx)
	}
	if err := knownCompression(opts.Compress); err != nil {
		return result, err
	}
	d.opts.Dir, d.opts.Compress = opts.Dir, opts.Compress
	if err := d.snapshot(ctx); err != nil {
		return result, err
	}
	defer d.keeper.close(ctx)
	t := &tee{direct: c}
	end, err := t.begin(ctx)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, end(err)) }()
	defer t.work.Wait()
	defer c.meanwhile(ctx, d.makeSchema, d.listSchema)()
	r.feed, r.loaded = t, t.rest
	return c.transfer(ctx)
}
