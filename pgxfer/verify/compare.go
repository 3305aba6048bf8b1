package verify

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
)

// pair is a table that both sides have.
type pair struct {
	source, target table
}

// partPages is how many pages are read at once of a big table, so that several sessions share it: 64 MiB.
const partPages = 8192

// part is some work for one session: a table of one side, or a range of its pages.
type part struct {
	pair  int
	table table
	cols  []string
	split bool
	lo    int64
	hi    int64 // 0: to the end
	size  int64 // on disk, as a measure of the work
}

// comparison reads all tables of both sides. Digests of parts add up, so the sides need neither the same parts nor the same speed.
type comparison struct {
	pairs    []pair
	sides    [2]*side
	jobs     int
	count    bool // rows only, not what is in them
	interval time.Duration
	report   *meter.Reporter
	now      func() time.Time
	began    time.Time

	mu      sync.Mutex
	digests [2][]Digest
	left    [2][]int // parts still to be read of each table
	running map[string]*running
	done    int64 // size of the parts read
	total   int64
	bytes   int64 // of finished parts
	rows    int64
}

// running is a part being read.
type running struct {
	part part
	side string
	live *counters
}

func newComparison(pairs []pair, source, target *side, jobs int) *comparison {
	c := &comparison{pairs: pairs, sides: [2]*side{source, target}, jobs: jobs, running: map[string]*running{}}
	for i := range c.sides {
		c.digests[i], c.left[i] = make([]Digest, len(pairs)), make([]int, len(pairs))
	}
	return c
}

// read digests everything, or returns the first error.
func (c *comparison) read(ctx context.Context) error {
	c.began = c.now()
	var queues [2][]part
	for i, s := range c.sides {
		queues[i] = c.parts(i, s)
		for _, p := range queues[i] {
			c.total += p.size
			c.left[i][p.pair]++
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	finished := make(chan struct{})
	var readers sync.WaitGroup
	for i, s := range c.sides {
		queue := make(chan part, len(queues[i]))
		for _, p := range queues[i] {
			queue <- p
		}
		close(queue)
		for id := range min(c.jobs, len(queues[i])) {
			readers.Add(1)
			group.Go(func() error {
				defer readers.Done()
				return c.work(ctx, i, s, id, queue)
			})
		}
	}
	group.Go(func() error {
		readers.Wait()
		close(finished)
		return nil
	})
	group.Go(func() error { return c.watch(finished) })
	return group.Wait()
}

// parts of one side, the largest first.
func (c *comparison) parts(i int, s *side) []part {
	var list []part
	for n, p := range c.pairs {
		t := p.source
		if i == 1 {
			t = p.target
		}
		whole := part{pair: n, table: t, cols: p.source.Columns, size: t.Size}
		pages := t.Heap / blockSize
		if c.count || t.config != nil || s.version.Major() < 14 || pages < 2*partPages { // single pages can be read from 14 on
			list = append(list, whole)
			continue
		}
		for lo := int64(0); lo < pages; lo += partPages {
			piece := whole
			piece.split, piece.lo, piece.hi = true, lo, lo+partPages
			piece.size = t.Size * min(partPages, pages-lo) / pages
			if piece.hi >= pages {
				piece.hi = 0 // the table may have grown between the snapshot and the question for its size
			}
			list = append(list, piece)
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].size > list[b].size })
	return list
}

const blockSize = 8192

func (c *comparison) work(ctx context.Context, i int, s *side, id int, queue <-chan part) error {
	conn, err := s.reader(ctx)
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	key := s.name + strconv.Itoa(id)
	for p := range queue {
		live := &counters{}
		c.start(key, &running{part: p, side: s.name, live: live})
		digest, err := c.readPart(ctx, conn, p, live)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("reading %s from %s: %w", p.table.qualified(), s.endpoint, err)
		}
		c.finish(key, i, p, digest)
	}
	return nil
}

func (c *comparison) readPart(ctx context.Context, conn *pgx.Conn, p part, live *counters) (Digest, error) {
	if c.count {
		var d Digest
		from := `ONLY ` + pgx.Identifier{p.table.Schema, p.table.Name}.Sanitize()
		if p.table.config != nil {
			from = `(SELECT 1 FROM ` + from + ` ` + p.table.config.condition + `) config`
		}
		err := conn.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM `+from).Scan(&d.Rows)
		return d, err
	}
	in := &lines{live: live}
	_, err := conn.PgConn().CopyTo(ctx, in, copyStatement(p.table, p.cols, p.lo, p.hi, p.split))
	return in.digest, err
}

func (c *comparison) start(key string, r *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[key] = r
}

func (c *comparison) finish(key string, i int, p part, d Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, key)
	c.digests[i][p.pair].Add(d)
	c.left[i][p.pair]--
	c.done += p.size
	c.bytes += d.Length
	c.rows += d.Rows
}

// watch shows progress until all readers are done.
func (c *comparison) watch(finished <-chan struct{}) error {
	tick := time.NewTicker(c.interval)
	defer tick.Stop()
	var board meter.Board
	var rate meter.Rate
	for {
		select {
		case <-finished:
			c.show(&board, &rate)
			return nil
		case <-tick.C:
			c.show(&board, &rate)
		}
	}
}

func (c *comparison) show(board *meter.Board, rate *meter.Rate) {
	now := c.now()
	c.mu.Lock()
	p := pgxfer.Progress{Phase: "verify", Bytes: pgxfer.Count{Done: c.bytes}, Rows: pgxfer.Count{Done: c.rows}}
	board.Begin()
	for _, key := range c.keys() {
		r, ok := c.running[key]
		if !ok {
			continue
		}
		bytes, rows := r.live.bytes.Load(), r.live.rows.Load()
		p.Bytes.Done += bytes
		p.Rows.Done += rows
		w := pgxfer.Worker{
			Kind: pgxfer.KindDigest, Object: r.part.table.qualified(), Phase: r.side,
			Bytes: pgxfer.Count{Done: bytes}, Rows: pgxfer.Count{Done: rows},
		}
		if r.part.split {
			w.Part, w.Parts = int(r.part.lo/partPages)+1, int((r.part.table.Heap/blockSize+partPages-1)/partPages)
		}
		board.Show(now, key, w)
	}
	p.Workers = board.Workers()
	for n := range c.pairs {
		p.Items.Total++
		if c.left[0][n]+c.left[1][n] == 0 {
			p.Items.Done++
		}
	}
	done, total := c.done, c.total
	c.mu.Unlock()
	rate.Add(now, p.Bytes.Done)
	p.Rate = rate.PerSecond()
	if took := now.Sub(c.began); took > 0 {
		p.ETALow, p.ETAHigh = meter.ETA(done, total, took, int64(float64(done)/took.Seconds()))
	}
	c.report.Progress(p)
}

// keys are the readers' in a stable order.
func (c *comparison) keys() []string {
	keys := make([]string, 0, len(c.running))
	for key := range c.running {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// differences compares the digests.
func (c *comparison) differences() (list []pgxfer.Difference) {
	for n, p := range c.pairs {
		source, target := c.digests[0][n], c.digests[1][n]
		if source.Same(target) || p.source.config != nil {
			continue
		}
		kind := "digest"
		if source.Rows != target.Rows {
			kind = "rows"
		}
		d := pgxfer.Difference{Kind: kind, Object: "table " + p.source.qualified(), Source: source.String(), Target: target.String()}
		if c.count {
			d.Source, d.Target = fmt.Sprintf("%d rows", source.Rows), fmt.Sprintf("%d rows", target.Rows)
		}
		list = append(list, d)
	}
	return list
}

// doubtful are tables of extensions that do not hold the same: what that means takes a closer look.
func (c *comparison) doubtful() (list []pair) {
	for n, p := range c.pairs {
		if p.source.config != nil && !c.digests[0][n].Same(c.digests[1][n]) {
			list = append(list, p)
		}
	}
	return list
}

// sourceRows is the number of rows the source has.
func (c *comparison) sourceRows() (n int64) {
	for _, d := range c.digests[0] {
		n += d.Rows
	}
	return n
}
