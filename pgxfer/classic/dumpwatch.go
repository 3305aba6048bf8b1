package classic

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgtools"
)

// dumpWatch makes progress out of pg_dump's lines, the server's views and the growing files.
type dumpWatch struct {
	*dump
	dumpDir string
	fail    context.CancelCauseFunc
	paused  atomic.Bool

	board meter.Board
	rate  meter.Rate
}

// finishedItem is how the leader of a parallel dump says that a worker is done (mark_dump_job_done in pg_backup_archiver.c).
var finishedItem = regexp.MustCompile(`^finished item (\d+) `)

// startsWith is how any pg_dump says that it starts with a table (dumpTableData_copy in pg_dump.c).
var startsWith = regexp.MustCompile(`^dumping contents of table "(.*)"$`)

// line hears each line of pg_dump, in the goroutine that reads them.
func (w *dumpWatch) line(l pgtools.Line) {
	w.messages.Note(l)
	if l.Level == "warning" {
		w.report.Warn("pg_dump: %s", l.Text)
	}
	if found := finishedItem.FindStringSubmatch(l.Text); found != nil && l.Tool != "" {
		id, err := strconv.Atoi(found[1])
		if err == nil && w.loadTOC() {
			w.items.finish(id)
		}
	}
	if found := startsWith.FindStringSubmatch(l.Text); found != nil && w.opts.Jobs == 1 && w.loadTOC() {
		w.items.next(found[1])
	}
}

// loadTOC is called when pg_dump has begun with the data, and so has written its table of contents.
func (w *dumpWatch) loadTOC() bool {
	if err := w.items.load(w.dumpDir); err != nil {
		w.fail(err)
		return false
	}
	return true
}

// loop samples until pg_dump has ended.
func (w *dumpWatch) loop(ctx context.Context, process *pgtools.Process) {
	m := &monitor{
		endpoint: w.opts.Source, tag: w.opts.Tag, appName: pgtools.AppName(w.opts.Tag, dumpPurpose), version: w.source.facts.Version, now: w.Now,
	}
	defer m.close(ctx)
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		select {
		case <-process.Done():
			w.begin(ctx)
			return
		case <-tick.C:
			w.watchSpace()
			_ = w.items.load(w.dumpDir) // not there yet, or not whole: next time
			w.begin(ctx)
			sessions, err := m.sample(ctx)
			if err != nil {
				w.report.Warn("no progress from %s for now: %v", w.opts.Source.Name, err)
			}
			w.show(sessions)
		}
	}
}

func (w *dumpWatch) begin(ctx context.Context) {
	w.items.begin(ctx, w.dumpDir, func(err error) {
		if ctx.Err() == nil {
			w.fail(err)
		}
	})
}

// watchSpace stops the dump before the disk is full: a full disk harms everything else on the machine, our journal included.
func (w *dumpWatch) watchSpace() {
	free, err := archive.FreeSpace(w.dir)
	if err == nil && free < w.Reserve {
		w.fail(fmt.Errorf("%w: the dump was stopped with %s left, because %s must stay free; use a larger disk or compression",
			pgxfer.ErrSpace, humanize.Bytes(uint64(free)), humanize.Bytes(uint64(w.Reserve))))
	}
}

func (w *dumpWatch) show(sessions []session) {
	now := w.Now()
	w.board.Begin()
	if hasCopyView(w.source.facts.Version) {
		for _, s := range sessions {
			worker, ok := s.worker()
			if ok && (worker.Kind != pgxfer.KindObjects || w.items.objectsLeft()) {
				w.board.Show(now, s.key(), w.items.update(s, worker))
			}
		}
	} else {
		for _, worker := range w.items.growing() {
			w.board.Show(now, worker.Object, worker)
		}
	}
	p := pgxfer.Progress{Phase: "schema", Workers: w.board.Workers(), Paused: w.paused.Load()}
	p.Items.Done, p.Bytes.Done, p.Rows.Done, p.Items.Total, p.Bytes.Total = w.items.totals()
	if p.Items.Total > 0 {
		p.Phase = "data"
	}
	if p.Bytes.Done >= p.Bytes.Total {
		p.Bytes.Total = 0
	}
	w.rate.Add(now, p.Bytes.Done)
	p.Rate = w.rate.PerSecond()
	if !p.Paused {
		p.ETALow, p.ETAHigh = meter.ETA(p.Bytes.Done, p.Bytes.Total, now.Sub(w.began), p.Rate)
	}
	if name := w.items.largest(); name != "" {
		p.Critical = "table " + name
	}
	w.report.Progress(p)
}

// estimate samples the source for totals, beside pg_dump, which is busy with the schema meanwhile.
func (w *dumpWatch) estimate(ctx context.Context, done <-chan struct{}) {
	if !hasCopyView(w.source.facts.Version) { // the same version brought TID range scans
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer cancel()
	watcher.Go(func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	})
	err := estimate(ctx, w.opts.Source, w.opts.Tag, w.source.tables, w.items.setEstimate)
	if err != nil && ctx.Err() == nil {
		w.report.Warn("no total can be shown: %v", err)
	}
}

// update takes in what the server says of a table, and adds the total.
func (d *dumpItems) update(s session, w pgxfer.Worker) pgxfer.Worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	item := d.byOID[s.CopyOID]
	if !s.Copying || item == nil {
		return w
	}
	if !item.measured {
		item.bytes, item.rows = max(item.bytes, s.CopyBytes), max(item.rows, s.CopyRows)
	}
	// A total that is nearly reached was too low: none is better than one that is wrong.
	if item.estimate > s.CopyBytes+item.estimate/100 {
		w.Bytes.Total = item.estimate
	}
	return w
}

// growing stands in for sessions where the server has no view of COPY: each file being written is somebody's work.
func (d *dumpItems) growing() []pgxfer.Worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []pgxfer.Worker
	for _, item := range d.byID {
		if !item.begun || item.closed {
			continue
		}
		item.bytes, item.rows = max(item.bytes, item.meter.Bytes()), max(item.rows, item.meter.Rows())
		list = append(list, pgxfer.Worker{
			Kind: pgxfer.KindData, Object: item.schema + "." + item.name,
			Bytes: pgxfer.Count{Done: item.bytes}, Rows: pgxfer.Count{Done: item.rows},
		})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Object < list[j].Object })
	return list
}

func (d *dumpItems) setEstimate(oid uint32, bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if item := d.byOID[oid]; item != nil {
		item.estimate = bytes
	}
}
