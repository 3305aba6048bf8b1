package stream

import (
	"context"
	"errors"
	"fmt"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/plan"
)

// group is what is built together for the small tables of a batch.
type group struct {
	node   *graph.Node
	jobs   []func() *job
	object string // the last of them
}

// job makes the group's job, when its turn has come.
func (g *group) job() *job {
	whole := &job{name: g.name(), kind: pgxfer.KindIndex, object: g.object}
	for _, part := range g.jobs {
		whole.parts = append(whole.parts, part())
	}
	return whole
}

func (g *group) name() string { return fmt.Sprintf("indexes of table %s and others", g.object) }

// group adds a job of a small table, which makes an index, to those of the tables that were loaded with it, and says whether it could.
// Thousands of small tables would otherwise wait several times each for the server's answer and for its disk.
func (b *builder) group(e *archive.Entry, t *plan.Table, x *plan.Index, part func() *job) bool {
	if t == nil || t.Batch == 0 {
		return false
	}
	g := b.groups[t.Batch]
	if g == nil {
		g = &group{}
	}
	n := g.node
	for _, dep := range e.Deps {
		if other := b.byEntry[dep]; other != nil && other != n {
			return false // waiting for it would make the others wait, too, and perhaps for each other
		}
	}
	if n == nil {
		n = &graph.Node{Class: graph.Build, Work: g.job}
		g.node = n
		b.g.Add(n)
		b.groups[t.Batch] = g
	}
	if !b.grouped[t.OID] {
		b.grouped[t.OID] = true
		b.builds[t.OID] = append(b.builds[t.OID], n)
		b.g.After(n, b.loads[t.OID]...)
		n.Locks = append(n.Locks, graph.Lock{Table: t.OID, Mode: graph.AccessExclusive})
	}
	g.jobs = append(g.jobs, part)
	g.object = t.Schema + "." + t.Name
	n.Name = g.name()
	n.Cost += b.buildCost(x)
	b.byEntry[e.ID] = n
	return true
}

// finishGroups marks groups of which nothing is left to do.
func (b *builder) finishGroups() {
	for _, g := range b.groups {
		b.finishDone(g.node)
	}
}

// together does the parts of a job in one transaction. When that fails each is tried by itself: one that cannot be done takes no other
// with it.
func (r *restore) together(ctx context.Context, slot int, j *job) error {
	whole := &job{name: j.name, kind: j.kind, object: j.object}
	var left []*job
	var indexes []*plan.Index
	for _, part := range j.parts {
		if r.isDone(part) {
			continue
		}
		left = append(left, part)
		whole.items = append(whole.items, part.items...)
		whole.sql = append(whole.sql, part.sql...)
		indexes = append(indexes, indexesOf(part)...)
	}
	err := r.executeOne(ctx, slot, whole, indexes)
	if err == nil || ctx.Err() != nil || isAgain(err) || errors.Is(err, graph.ErrFatal) {
		return err
	}
	var failed []error
	for _, part := range left {
		err := r.execute(ctx, slot, part)
		if isAgain(err) || errors.Is(err, graph.ErrFatal) || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
