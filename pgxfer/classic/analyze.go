package classic

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgtools"
)

// analysis is the last phase: without statistics the first queries of the app take forever, and pg_restore makes none.
type analysis struct {
	*restore
	mu    sync.Mutex
	board meter.Board
	now   map[int]string // worker → table
	done  int64
	total int64
	shown time.Time
}

// analyze runs ANALYZE on every table, partitioned ones included (autovacuum never does those), the largest first.
func (r *restore) analyze(ctx context.Context) error {
	tables, err := r.analyzable(ctx)
	if err != nil {
		return err
	}
	a := &analysis{restore: r, now: map[int]string{}, total: int64(len(tables))}
	queue := make(chan string)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		for _, t := range tables {
			if err := r.whilePaused(ctx, a.show); err != nil {
				return err
			}
			select {
			case queue <- t:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for id := range min(r.opts.Jobs, max(len(tables), 1)) {
		group.Go(func() error { return a.work(ctx, id, queue) })
	}
	return group.Wait()
}

// whilePaused returns when nobody wants a pause.
func (r *restore) whilePaused(ctx context.Context, show func()) error {
	if r.opts.Control == nil {
		return nil
	}
	for {
		wanted, changed := r.opts.Control.State()
		paused := wanted.Hold != pgxfer.Going
		if r.paused.Swap(paused) != paused {
			show()
		}
		if !paused {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *restore) analyzable(ctx context.Context) ([]string, error) {
	conn, err := r.opts.Target.Connect(ctx, pgtools.AppName(r.opts.Tag, monitorPurpose))
	if err != nil {
		return nil, err
	}
	defer closeSession(ctx, conn)
	rows, err := conn.Query(ctx, `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE (c.relkind IN ('r', 'p') OR c.relkind = 'm' AND c.relispopulated) AND `+userRelation+`
		ORDER BY c.relkind = 'p' DESC, pg_catalog.pg_relation_size(c.oid) DESC, c.oid`)
	if err != nil {
		return nil, fmt.Errorf("listing tables to analyze: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("listing tables to analyze: %w", err)
	}
	return list, nil
}

func (a *analysis) work(ctx context.Context, id int, queue <-chan string) error {
	conn, err := a.opts.Target.Connect(ctx, pgtools.AppName(a.opts.Tag, analyzePurpose))
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0`); err != nil {
		return fmt.Errorf("preparing to analyze: %w", err)
	}
	for table := range queue {
		a.start(id, table)
		a.show()
		// The simple protocol: ANALYZE cannot be prepared, and the name is quoted already.
		if _, err := conn.Exec(ctx, `ANALYZE `+table, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("analyzing %s: %w", table, err)
		}
		a.finish(id)
	}
	a.show()
	return nil
}

func (a *analysis) start(id int, table string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now[id] = table
}

func (a *analysis) finish(id int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.now, id)
	a.done++
}

func (a *analysis) show() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Now().Sub(a.shown) < a.Interval && a.done < a.total && a.done > 0 {
		return // thousands of small tables take less than a millisecond each
	}
	a.shown = a.Now()
	a.board.Begin()
	for id := range a.opts.Jobs {
		if table, ok := a.now[id]; ok {
			a.board.Show(a.Now(), strconv.Itoa(id), pgxfer.Worker{Kind: pgxfer.KindAnalyze, Object: table})
		}
	}
	a.report.Progress(pgxfer.Progress{
		Phase: "analyze", Workers: a.board.Workers(), Items: pgxfer.Count{Done: a.done, Total: a.total}, Paused: a.paused.Load(),
	})
}
