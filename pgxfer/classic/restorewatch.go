package classic

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgtools"
)

// restoreWatch makes progress out of pg_restore's lines and the server's views.
type restoreWatch struct {
	*restore
	board meter.Board
	rate  meter.Rate

	mu      sync.Mutex
	items   map[int]*restoreItem
	byTable map[string]*restoreItem // rows of a table
	byIndex map[string]*restoreItem
	serial  int // item that the leader works on by itself
}

// restoreItem is one entry of the archive.
type restoreItem struct {
	entry    *archive.Entry
	table    archive.Table // of TABLE DATA
	index    int64         // size on the source, of an index: how much work it is
	launched bool
	done     bool

	bytes, rows int64   // loaded so far
	built       float64 // part of the index that is built, by the server's counters
}

func newRestoreWatch(r *restore) *restoreWatch {
	w := &restoreWatch{restore: r, items: map[int]*restoreItem{}, byTable: map[string]*restoreItem{}, byIndex: map[string]*restoreItem{}}
	sizes := map[string]int64{}
	for _, i := range r.manifest.Indexes {
		sizes[i.Schema+"."+i.Name] = i.Bytes
	}
	for _, e := range r.plan.Keep {
		item := &restoreItem{entry: e}
		switch e.Kind {
		case "INDEX":
			item.index = sizes[e.Schema+"."+e.Tag]
			w.byIndex[e.Tag] = item
		case "CONSTRAINT":
			_, name, _ := cutConstraint(e)
			item.index = sizes[e.Schema+"."+name]
			w.byIndex[name] = item
		}
		w.items[e.ID] = item
	}
	for _, t := range r.manifest.Tables {
		if item := w.items[t.ID]; item != nil {
			item.table = t
			w.byTable[t.Schema+"."+t.Name] = item
		}
	}
	return w
}

// cutConstraint takes the tag of a constraint apart, which is its table and its name with a blank between. Both may hold blanks, so the
// definition decides.
func cutConstraint(e *archive.Entry) (table, name string, ok bool) {
	_, rest, found := strings.Cut(e.Defn, "ADD CONSTRAINT ")
	if !found {
		return "", e.Tag, false
	}
	name, _ = cutName(rest)
	return strings.TrimSuffix(strings.TrimSuffix(e.Tag, name), " "), name, true
}

// itemLine is how pg_restore says what it does (pg_backup_archiver.c): "processing" is the leader by itself, one item after the other;
// "launching" hands an item to a worker.
var itemLine = regexp.MustCompile(`^(processing|launching|finished) item (\d+) `)

// line hears each line of pg_restore, in the goroutine that reads them.
func (w *restoreWatch) line(l pgtools.Line) {
	w.messages.Note(l)
	if l.Level == "warning" && !l.CountsErrors() {
		w.report.Warn("pg_restore: %s", l.Text)
	}
	found := itemLine.FindStringSubmatch(l.Text)
	if found == nil || l.Tool == "" {
		return
	}
	id, err := strconv.Atoi(found[2])
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(w.serial) // whatever comes next, the leader is done with what it did
	w.serial = 0
	switch found[1] {
	case "finished":
		w.end(id)
	case "processing":
		w.serial = id
		fallthrough
	case "launching":
		if item := w.items[id]; item != nil {
			item.launched = true
		}
	}
}

func (w *restoreWatch) end(id int) {
	item := w.items[id]
	if item == nil || item.done {
		return
	}
	item.done, item.bytes, item.rows, item.built = true, item.table.Bytes, item.table.Rows, 1
}

// loop samples until pg_restore has ended.
func (w *restoreWatch) loop(ctx context.Context, process *pgtools.Process) {
	m := &monitor{
		endpoint: w.opts.Target, tag: w.opts.Tag, appName: pgtools.AppName(w.opts.Tag, restorePurpose), version: w.target.Version, now: w.Now,
	}
	defer m.close(ctx)
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		select {
		case <-process.Done():
			return
		case <-tick.C:
			sessions, err := m.sample(ctx)
			if err != nil && ctx.Err() == nil {
				w.report.Warn("no progress from %s for now: %v", w.opts.Target.Name, err)
			}
			w.show(sessions)
		}
	}
}

func (w *restoreWatch) show(sessions []session) {
	now := w.Now()
	w.mu.Lock()
	w.board.Begin()
	for _, s := range sessions {
		worker, ok := s.worker()
		if ok && (worker.Kind != pgxfer.KindObjects || w.objectsRunning()) {
			w.board.Show(now, s.key(), w.update(s, worker))
		}
	}
	p := pgxfer.Progress{Phase: w.phase(), Workers: w.board.Workers(), Paused: w.paused.Load()}
	workDone, workTotal := w.sum(&p)
	p.Critical = w.critical()
	w.mu.Unlock()
	w.rate.Add(now, p.Bytes.Done)
	p.Rate = w.rate.PerSecond()
	if took := now.Sub(w.began); !p.Paused && took > 0 {
		// Loading and building are one kind of work here, each byte of an index on the source as dear as a byte of rows.
		p.ETALow, p.ETAHigh = meter.ETA(workDone, workTotal, took, int64(float64(workDone)/took.Seconds()))
	}
	w.report.Progress(p)
}

// objectsRunning says whether a session is at work on large objects: it looks the same afterwards.
func (w *restoreWatch) objectsRunning() bool {
	for _, item := range w.items {
		if strings.HasPrefix(item.entry.Kind, "BLOB") && item.launched && !item.done {
			return true
		}
	}
	return false
}

// update takes in what the server says of an item, and adds the totals: of rows they are known exactly from the archive.
func (w *restoreWatch) update(s session, worker pgxfer.Worker) pgxfer.Worker {
	if item := w.byTable[worker.Object]; item != nil && s.Copying {
		item.bytes, item.rows = max(item.bytes, min(s.CopyBytes, item.table.Bytes)), max(item.rows, min(s.CopyRows, item.table.Rows))
		worker.Bytes, worker.Rows = pgxfer.Count{Done: item.bytes, Total: item.table.Bytes}, pgxfer.Count{Done: item.rows, Total: item.table.Rows}
	}
	if s.Building {
		name, _, _ := strings.Cut(worker.Object, " on ") // a primary key is built by ALTER TABLE
		worker.Object = name
		if item := w.byIndex[name]; item != nil {
			if f, ok := worker.Blocks.Fraction(); ok && strings.Contains(s.IndexPhase, "scanning table") {
				item.built = max(item.built, f/2) // the scan is about half of the work
			}
		}
	}
	return worker
}

// sum fills in what is done so far, and returns done and total of rows and indexes together.
func (w *restoreWatch) sum(p *pgxfer.Progress) (workDone, workTotal int64) {
	for _, item := range w.items {
		p.Items.Total++
		if item.done {
			p.Items.Done++
		}
		p.Bytes.Done += item.bytes
		p.Bytes.Total += item.table.Bytes
		p.Rows.Done += item.rows
		p.Rows.Total += item.table.Rows
		workDone += item.bytes + int64(item.built*float64(item.index))
		workTotal += item.table.Bytes + item.index
	}
	return workDone, workTotal
}

// phase is what is still to be done before the next can be.
func (w *restoreWatch) phase() string {
	var launched, data, indexes bool
	for _, item := range w.items {
		switch {
		case item.done:
			launched = launched || item.entry.Kind == kindTableData
		case item.entry.Kind == kindTableData:
			launched = launched || item.launched
			data = true
		case item.index > 0:
			indexes = true
		}
	}
	switch {
	case !launched && data:
		return "schema"
	case data:
		return "data"
	case indexes:
		return "indexes"
	default:
		return "constraints"
	}
}

// critical is the item under way with the most work left.
func (w *restoreWatch) critical() string {
	var most int64
	name := ""
	for _, item := range w.items {
		if !item.launched || item.done {
			continue
		}
		left := item.table.Bytes - item.bytes + int64((1-item.built)*float64(item.index))
		if left > most || left == most && name == "" {
			most, name = left, what(item.entry)
		}
	}
	return name
}

func what(e *archive.Entry) string {
	if e.Kind == kindTableData {
		return "table " + e.Name()
	}
	return strings.ToLower(e.Kind) + " " + e.Tag
}
