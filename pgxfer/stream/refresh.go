package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// notPopulated is what the server says of a materialized view that reads another one that has no rows yet.
const notPopulated = "55000"

// refresh fills materialized views, several at once, each after those it reads.
func (r *restore) refresh(ctx context.Context) error {
	g := &graph.Graph{}
	views := r.matviews()
	nodes := make(map[uint32]*graph.Node, len(views))
	early := &tooEarly{}
	for _, m := range views {
		j := refreshJob(m)
		n := &graph.Node{Name: j.name, Class: graph.Build, Cost: 1, Work: j}
		nodes[m.OID] = n
		var after []*graph.Node
		for _, oid := range m.After {
			after = append(after, nodes[oid]) // in the order of the plan: those it reads are there
		}
		g.Add(n, after...)
		if r.isDone(j) {
			g.Finish(n)
		}
	}
	run := graph.New(g, graph.Limits{Total: max(r.opts.Jobs, r.opts.IndexJobs)})
	if left, _, _ := run.Left(); left == 0 {
		return nil
	}
	run.Rest = 10 * r.Backoff
	run.Retired = func(slot int) { r.line(slot).close(ctx) }
	run.Do = func(ctx context.Context, slot int, n *graph.Node) error {
		err := r.do(ctx, slot, n)
		if session.Code(err) == notPopulated {
			early.add(n.Work.(*job), err)
			return nil
		}
		return err
	}
	return errors.Join(r.show(ctx, run), r.late(ctx, early))
}

// show waits for a run and shows it meanwhile.
func (r *restore) show(ctx context.Context, run *graph.Run) error {
	r.status.begin(run)
	var shown sync.WaitGroup
	showing, stop := context.WithCancel(ctx)
	shown.Go(func() { r.status.loop(showing) })
	err := run.Wait(ctx)
	stop()
	shown.Wait()
	return err
}

// tooEarly are views that read another one by way of a function, which no catalog knows of.
type tooEarly struct {
	mu   sync.Mutex
	jobs []*job
	errs []error
}

func (t *tooEarly) add(j *job, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jobs, t.errs = append(t.jobs, j), append(t.errs, err)
}

// late tries those again that came too early, until none of them gets any further.
func (r *restore) late(ctx context.Context, early *tooEarly) error {
	for len(early.jobs) > 0 {
		again := &tooEarly{}
		for _, j := range early.jobs {
			err := r.execute(ctx, 0, j)
			if session.Code(err) == notPopulated {
				again.add(j, err)
			} else if err != nil {
				return err
			}
		}
		if len(again.jobs) == len(early.jobs) {
			return errors.Join(again.errs...)
		}
		early = again
	}
	return nil
}

// matviews are those of the plan that are restored.
func (r *restore) matviews() (list []plan.Matview) {
	kept := map[uint32]bool{}
	for _, e := range r.entries.Keep {
		if e.Kind == "MATERIALIZED VIEW" {
			kept[e.OID] = true
		}
	}
	for _, m := range r.plan.Matviews {
		if kept[m.OID] {
			list = append(list, m)
		}
	}
	return list
}

// refreshJob fills a materialized view, and analyzes it.
func refreshJob(m plan.Matview) *job {
	name := pgx.Identifier{m.Schema, m.Name}.Sanitize()
	object := m.Schema + "." + m.Name
	return &job{
		kind: pgxfer.KindData, object: object, name: "materialized view " + object, items: []string{fmt.Sprintf("refresh/%d", m.OID)},
		sql: []string{"REFRESH MATERIALIZED VIEW " + name, "ANALYZE " + name},
	}
}
