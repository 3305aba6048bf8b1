package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/plan"
)

// builder makes the graph of everything between the empty tables and the tail.
type builder struct {
	*restore
	g           *graph.Graph
	tables      map[uint32]*plan.Table
	parents     map[uint32]*plan.Parent
	indexes     map[uint32]*plan.Index
	constraints map[uint32]*plan.Constraint
	loads       map[uint32][]*graph.Node // by table
	builds      map[uint32][]*graph.Node // by table
	byEntry     map[int]*graph.Node      // last node of an entry
	entryTable  map[int]uint32           // table that an entry is about
	groups      map[int]*group           // by batch
	grouped     map[uint32]bool          // by table
	made        map[int]*graph.Node      // by batch: what makes its tables
}

// work loads rows, builds indexes and adds constraints.
func (r *restore) work(ctx context.Context) error {
	r.stage.Store("data")
	r.guards = newGuards(ctx, r.opener, &r.orphans)
	defer r.guards.releaseAll()
	b := r.build(ctx)
	r.run = graph.New(b.g, r.limits(pgxfer.Workers{}))
	r.run.Do, r.run.Rest = r.do, 10*r.Backoff
	r.run.Pace, r.run.Now = true, r.Now
	r.run.Retired = func(slot int) { r.line(slot).close(ctx) }
	var others sync.WaitGroup
	shown, stop := context.WithCancel(ctx)
	r.monitor = &monitor{restore: r}
	r.status.server = r.monitor.phases
	r.monitor.look(ctx) // before anything begins: an earlier attempt may have left the server full
	r.status.begin(r.run)
	others.Go(func() { r.status.loop(shown) })
	if r.follower != nil {
		others.Go(func() { r.followOn(shown) })
	}
	err := r.run.Wait(ctx)
	if err != nil || r.manifest != nil || r.follower == nil {
		stop()
	}
	others.Wait() // of a dump still writing its last lines, too
	stop()
	r.run, r.status.run, r.later = nil, nil, nil // of tens of thousands of tables they are large
	if err == nil && r.follower != nil && r.manifest == nil {
		return fmt.Errorf("%w: its dump was never finished; dump again", pgxfer.ErrArchive)
	}
	return err
}

// followOn opens gates until the archive is complete.
func (r *restore) followOn(ctx context.Context) {
	r.open()
	for {
		complete, err := r.follow(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.run.Fail(err)
			}
			return
		}
		if complete {
			return
		}
	}
}

func (r *restore) build(ctx context.Context) *builder {
	b := &builder{
		restore: r, g: &graph.Graph{}, tables: map[uint32]*plan.Table{}, parents: map[uint32]*plan.Parent{}, indexes: map[uint32]*plan.Index{},
		constraints: map[uint32]*plan.Constraint{}, loads: map[uint32][]*graph.Node{}, builds: map[uint32][]*graph.Node{},
		byEntry: map[int]*graph.Node{}, entryTable: map[int]uint32{}, groups: map[int]*group{}, grouped: map[uint32]bool{},
		made: map[int]*graph.Node{},
	}
	for i := range r.plan.Tables {
		b.tables[r.plan.Tables[i].OID] = &r.plan.Tables[i]
	}
	for i := range r.plan.Parents {
		b.parents[r.plan.Parents[i].OID] = &r.plan.Parents[i]
	}
	for i := range r.plan.Indexes {
		b.indexes[r.plan.Indexes[i].OID] = &r.plan.Indexes[i]
	}
	for i := range r.plan.Constraints {
		b.constraints[r.plan.Constraints[i].OID] = &r.plan.Constraints[i]
	}
	r.status = &status{
		Engine: r.Engine, report: r.report, control: r.opts.Control, where: r.opts.Target.Name, limits: r.limits, slots: map[int]*activity{}, began: r.Now(),
		phase: func() string { return r.stage.Load().(string) }, tick: r.tick,
	}
	b.addLater()
	b.addLoads(ctx)
	b.addPost()
	b.addAnalyze()
	return b
}

// addLoads adds what brings rows in.
func (b *builder) addLoads(ctx context.Context) {
	all := units(b.plan)
	for _, list := range all {
		for _, u := range list {
			if u.table != nil {
				b.left[u.table.OID]++ // all of them first: a table is complete when none is left
			}
			b.unloaded++
		}
	}
	var config *graph.Node // the last of those that everything waits for: see [plan.Config]
	for _, list := range all {
		n := &graph.Node{Class: graph.Load, Work: list, Name: list[0].name(), Locks: loadLocks(list)}
		b.g.Add(n, config)
		if t := list[0].table; t != nil {
			b.g.After(n, b.made[t.Batch]) // large tables are of no batch
			if t.Config != nil {
				config = n
			}
		}
		missing := false
		for _, u := range list {
			n.Cost += plan.LoadCost(u.bytes)
			b.status.expect(u.bytes)
			if u.table != nil {
				b.loads[u.table.OID] = append(b.loads[u.table.OID], n)
			}
			note, done := b.done.Note(u.item())
			if done {
				b.count(ctx, u, note)
				continue
			}
			missing = true
			if _, there := b.entryOf(u.item()); !there && b.follower != nil {
				b.g.Gate(n)
				b.gates[u.item()] = n
			}
		}
		if !missing {
			b.g.Finish(n)
		}
	}
	b.status.items.Total = int64(len(b.plan.Tables))
}

// count adds up what is loaded.
func (r *restore) count(ctx context.Context, u unit, note ledger.Note) {
	r.status.finish(u.bytes, note.Bytes, note.Rows)
	if r.sum(ctx, u, note) {
		r.guards.release(u.table.OID) // before its indexes, which need the lock as well
	}
}

// sum adds up, and says whether a table is complete with it.
func (r *restore) sum(ctx context.Context, u unit, note ledger.Note) (complete bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unloaded--; r.unloaded == 0 && r.allLoaded != nil {
		r.allLoaded(ctx)
	}
	r.result.Bytes += note.Bytes
	if u.table == nil {
		return false
	}
	r.result.Rows += note.Rows
	if r.left[u.table.OID]--; r.left[u.table.OID] > 0 {
		return false
	}
	r.result.Tables++
	r.status.item(1)
	return true
}

// line is the session of a worker.
func (r *restore) line(slot int) *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.lines) <= slot {
		r.lines = append(r.lines, &line{opener: r.opener, orphans: &r.orphans})
	}
	return r.lines[slot]
}

// limits are what the numbers of workers come to.
func (r *restore) limits(n pgxfer.Workers) graph.Limits {
	load := cmp.Or(n.Load, r.opts.Jobs)
	if _, read := r.feed.(fromArchive); !read && n.Read > 0 { // each loader of a copy has a reader of its own
		load = n.Read
		if n.Load > 0 {
			load = min(n.Read, n.Load)
		}
	}
	build := cmp.Or(n.Index, r.opts.IndexJobs, r.opts.Jobs)
	return graph.Limits{Total: max(load, build), Load: load, Build: build}
}

// tries notes that something is about to be tried on the target, and says whether it was before: by a worker that was broken off or lost
// its server, for example, perhaps in the middle of its COMMIT.
func (r *restore) tries(item string) (before bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before = r.tried[item]
	r.tried[item] = true
	return before
}

// do does one node.
func (r *restore) do(ctx context.Context, slot int, n *graph.Node) error {
	err := r.doNode(ctx, slot, n)
	if err != nil && errors.Is(context.Cause(ctx), graph.ErrInterrupted) {
		r.guards.releaseAll() // a pause may last
		r.line(slot).abandon(ctx)
	}
	return err
}

// turnsTake is how many times as long loading takes when it takes turns with reading.
const turnsTake = 1.6

func (r *restore) doNode(ctx context.Context, slot int, n *graph.Node) error {
	if list, ok := n.Work.([]unit); ok {
		return r.load(ctx, slot, list, r.turns && r.run.Yields(n, turnsTake))
	}
	j := jobOf(n)
	if j.index != nil {
		j.tuned = tuning(j.index, r.target.Version.Major(), r.run.Yields(n, 1))
	}
	return r.execute(ctx, slot, j)
}

// addPost adds the entries of the table of contents that are work for the server. The others are left for the tail.
func (b *builder) addPost() {
	_, post := sections(b.toc, b.entries.Keep)
	for _, e := range post {
		switch e.Kind {
		case "INDEX":
			b.addIndex(e)
		case "CONSTRAINT":
			b.addConstraint(e)
		}
	}
	b.finishGroups()
	for _, e := range post {
		if e.Kind == "INDEX ATTACH" {
			b.addAttach(e)
		}
	}
	for _, e := range post {
		if e.Kind == "FK CONSTRAINT" {
			b.addForeignKey(e)
		}
	}
}

// add puts a job in, after what its entry depends on.
func (b *builder) add(e *archive.Entry, j *job, class graph.Class, cost float64, locks []graph.Lock, after ...*graph.Node) *graph.Node {
	n := &graph.Node{Name: j.name, Class: class, Cost: cost, Locks: locks, Work: j}
	b.g.Add(n, after...)
	for _, dep := range e.Deps {
		b.g.After(n, b.byEntry[dep])
	}
	for _, l := range locks {
		b.builds[l.Table] = append(b.builds[l.Table], n)
	}
	b.finishDone(n)
	return n
}

// jobOf is the job of a node. That of many small things is made when its turn has come: all of them at once would take more memory than what
// they are made of.
func jobOf(n *graph.Node) *job {
	if later, ok := n.Work.(func() *job); ok {
		return later()
	}
	return n.Work.(*job)
}

// finishDone finishes a node that an earlier attempt has done. Without one there is nothing to look at.
func (b *builder) finishDone(n *graph.Node) {
	if b.resumed && b.isDone(jobOf(n)) {
		b.g.Finish(n)
	}
}

// isDone says whether an earlier attempt has done a job.
func (r *restore) isDone(j *job) bool {
	for _, item := range j.items {
		if !r.done.Has(item) {
			return false
		}
	}
	for _, part := range j.parts {
		if !r.isDone(part) {
			return false
		}
	}
	return true
}
