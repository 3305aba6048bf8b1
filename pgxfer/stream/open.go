package stream

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/stream/piece"
)

// openArchive reads the plan, and waits for the schema. A complete archive is checked from beginning to end before anything is loaded;
// of one that still grows, each piece is checked before its rows are committed.
func (r *restore) openArchive(ctx context.Context) (err error) {
	patience := r.Patience
	if patience == 0 {
		patience = dumpPatience
	}
	if _, err := os.Stat(filepath.Join(r.dir, piece.ManifestName)); err == nil {
		if err := r.complete(""); err != nil {
			return err
		}
		if r.plan, r.hash, err = piece.ReadPlan(r.dir); err != nil {
			return err
		}
		if r.hash != r.manifest.Plan {
			return fmt.Errorf("%w: its plan was changed; dump again", pgxfer.ErrArchive)
		}
		return r.checkAll(ctx)
	}
	if r.opts.Manifest != "" && !piece.Writing(r.dir) {
		return fmt.Errorf("%w: %s holds no finished dump; dump again", pgxfer.ErrArchive, r.dir)
	}
	r.follower = &piece.Follower{Dir: r.dir, Patience: patience}
	began, err := r.follower.Begin(ctx)
	if err != nil {
		return err
	}
	if r.plan, r.hash, err = piece.ReadPlan(r.dir); err != nil {
		return err
	}
	if r.hash != began {
		return fmt.Errorf("%w: its plan is not the one its journal names; dump again", pgxfer.ErrArchive)
	}
	for {
		if _, ok := r.entryOf(piece.SchemaItem); ok {
			return piece.CheckAll(ctx, r.dir, []piece.Entry{r.pieces[piece.SchemaItem]}, 1, nil)
		}
		if _, err := r.follow(ctx); err != nil {
			return err
		}
	}
}

// complete reads the manifest of an archive that has become complete.
func (r *restore) complete(want string) error {
	m, sum, err := piece.ReadManifest(r.dir)
	if err != nil {
		return err
	}
	if m.Engine != Name {
		return fmt.Errorf("%w: it was written by the engine %q", pgxfer.ErrArchive, m.Engine)
	}
	if want == "" {
		want = r.opts.Manifest
	}
	if want != "" && want != sum || r.opts.Manifest != "" && r.opts.Manifest != sum {
		return fmt.Errorf("%w: %s holds another dump than the one expected", pgxfer.ErrArchive, r.dir)
	}
	for _, e := range m.Entries {
		if !filepath.IsLocal(filepath.FromSlash(e.File)) || strings.ContainsRune(e.File, 0) {
			return fmt.Errorf("%w: it names a file outside of itself; dump again", pgxfer.ErrArchive)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manifest = m
	for _, e := range m.Entries {
		r.pieces[e.Item] = e
	}
	return nil
}

// follow takes in what has come, opens its gates, and says whether the archive is complete.
func (r *restore) follow(ctx context.Context) (complete bool, err error) {
	list, manifest, err := r.follower.Next(ctx)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	for _, e := range list {
		if old, ok := r.pieces[e.Item]; ok && old.SHA256 == e.SHA256 {
			continue
		}
		r.pieces[e.Item] = e
	}
	r.mu.Unlock()
	if manifest != "" {
		if err := r.complete(manifest); err != nil {
			return false, err
		}
	}
	r.open()
	return manifest != "", nil
}

func (r *restore) entryOf(item string) (piece.Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.pieces[item]
	return e, ok
}

// open opens the gates of what has arrived.
func (r *restore) open() {
	if r.run == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for item, n := range r.gates {
		if _, ok := r.pieces[item]; ok {
			delete(r.gates, item)
			r.run.Open(n)
		}
	}
}

// checkAll reads the whole archive before anything is loaded.
func (r *restore) checkAll(ctx context.Context) error {
	var done atomic.Int64
	total := int64(0)
	for _, e := range r.manifest.Entries {
		total += e.Size
	}
	result := make(chan error, 1)
	go func() { result <- piece.CheckAll(ctx, r.dir, r.manifest.Entries, max(2, runtime.GOMAXPROCS(0)), &done) }()
	tick := time.NewTicker(r.Interval)
	defer tick.Stop()
	var rate meter.Rate
	for {
		p := pgxfer.Progress{Phase: "verify", Critical: "checking the archive", Bytes: pgxfer.Count{Done: done.Load(), Total: total}}
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
