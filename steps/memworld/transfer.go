package memworld

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"changeover/pgxfer"
)

// How long a transfer takes.
const (
	dumpTakes    = time.Minute
	restoreTakes = 2 * time.Minute
)

// archive is a directory on the box's disk.
type archive struct {
	Rows     rows
	Tables   int
	Complete bool
	Growing  bool // a process is writing to it
}

// Transfer is a transfer engine: the classic one, which cannot go on with what it left half done and says so, or the
// streaming one, which can, and restores what is still being dumped.
type Transfer struct {
	World  *World
	Stream bool
}

// Name implements pgxfer.Transfer.
func (t Transfer) Name() string {
	if t.Stream {
		return "stream"
	}
	return "classic"
}

// Pipelined implements pgxfer.Transfer.
func (t Transfer) Pipelined() bool { return t.Stream }

// Dump implements pgxfer.Transfer.
func (t Transfer) Dump(ctx context.Context, o pgxfer.DumpOptions, _ pgxfer.Observer) (r pgxfer.DumpResult, err error) {
	w := t.World
	w.mu.Lock()
	defer w.mu.Unlock()
	source, err := w.at(ctx, o.Source)
	if err != nil {
		return r, err
	}
	old := w.s.Archives[o.Dir]
	if old != nil && !t.Stream {
		return r, pgxfer.ErrDirNotEmpty
	}
	a := &archive{Rows: source.Rows, Tables: source.Tables, Growing: true}
	if err := w.change("begin "+filepath.Base(o.Dir), func() { w.s.Archives[o.Dir] = a }); err != nil {
		return r, err
	}
	err = w.during(ctx, dumpTakes)
	a.Growing = false
	if err != nil {
		return r, err
	}
	if err := w.change("finish "+filepath.Base(o.Dir), func() { a.Complete = true }); err != nil {
		return r, err
	}
	return pgxfer.DumpResult{Engine: t.Name(), Tables: a.Tables, Rows: a.Rows.count(), Manifest: a.manifest()}, nil
}

func (a *archive) manifest() string { return fmt.Sprintf("%d tables %v", a.Tables, a.Rows) }

// Restore implements pgxfer.Transfer.
func (t Transfer) Restore(ctx context.Context, o pgxfer.RestoreOptions, _ pgxfer.Observer) (r pgxfer.RestoreResult, err error) {
	w := t.World
	w.mu.Lock()
	defer w.mu.Unlock()
	target, err := w.at(ctx, o.Target)
	if err != nil {
		return r, err
	}
	a := w.s.Archives[o.Dir]
	switch {
	case a == nil, !t.Stream && !a.Complete, o.Manifest != "" && o.Manifest != a.manifest():
		return r, pgxfer.ErrArchive
	case target.Tables > 0 && (!t.Stream || target.Loaded):
		return r, pgxfer.ErrTargetNotEmpty
	}
	if err := w.change("begin to load "+target.Name, func() { target.Tables, target.Loaded, target.Xid = 1, false, target.Xid+1 }); err != nil {
		return r, err
	}
	if err := w.during(ctx, restoreTakes); err != nil {
		return r, err
	}
	for !a.Complete {
		if !a.Growing {
			return r, pgxfer.ErrArchive
		}
		if err := w.during(ctx, time.Second); err != nil {
			return r, err
		}
	}
	err = w.change("finish to load "+target.Name, func() {
		target.Tables, target.Rows, target.Loaded, target.Xid = a.Tables, a.Rows, true, target.Xid+1
	})
	return pgxfer.RestoreResult{Engine: t.Name(), Tables: a.Tables, Rows: a.Rows.count()}, err
}

// Data is what steps ask of package pgxfer beside the transfer.
type Data struct{ World *World }

// Verify implements steps.Data.
func (d Data) Verify(ctx context.Context, o pgxfer.VerifyOptions, _ pgxfer.Observer) (v pgxfer.Verification, err error) {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	source, err := w.at(ctx, o.Source)
	if err != nil {
		return v, err
	}
	target, err := w.at(ctx, o.Target)
	if err != nil {
		return v, err
	}
	v = pgxfer.Verification{Tables: source.Tables, Rows: source.Rows.count()}
	if have, want := fmt.Sprint(target.Tables, target.Rows, target.Loaded), fmt.Sprint(source.Tables, source.Rows, true); have != want {
		v.Differences = []pgxfer.Difference{{Kind: "rows", Object: "all", Source: want, Target: have}}
	}
	return v, nil
}

// ResetTarget implements steps.Data.
func (d Data) ResetTarget(ctx context.Context, target pgxfer.Endpoint, _ string) error {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.at(ctx, target)
	if err != nil || a.Tables == 0 {
		return err
	}
	if roleOf(a.Name) != "fast-primary" || w.serves(a.ID) {
		w.breach("%s was emptied", a.Name)
	}
	return w.change("empty "+a.Name, func() { a.Tables, a.Rows, a.Loaded, a.Xid = 0, nil, true, a.Xid+1 })
}

// Tools implements steps.Data.
func (Data) Tools(context.Context, int, int) (string, error) { return "tools in memory", nil }

// Discard implements steps.Data.
func (d Data) Discard(dir string) error {
	w := d.World
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(context.Background()); err != nil || w.s.Archives[dir] == nil {
		return err
	}
	return w.change("discard "+filepath.Base(dir), func() { delete(w.s.Archives, dir) })
}
