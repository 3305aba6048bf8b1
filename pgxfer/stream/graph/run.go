package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrAgain in a node's error means: not now. The node goes back among those to start, and one worker fewer works for a while.
var ErrAgain = errors.New("cannot be done now")

// ErrInterrupted is the cause with which the context of a node ends that [Run.Interrupt] breaks off. It is begun again later, perhaps by
// another worker; whether it was done nevertheless, what does it has to find out.
var ErrInterrupted = errors.New("broken off, to be begun again")

// ErrFatal in a node's error means that nothing else can be done either.
var ErrFatal = errors.New("the transfer cannot go on")

// Limits bound how much runs at once. Zero means no bound and a negative number nothing at all, except for Total, which is at least 1.
type Limits struct {
	Total, Load, Build int
}

// Run is a graph being worked off.
type Run struct {
	// Do does one node. The slot is the number of the worker from 0: nobody else has the same at the same time.
	Do func(ctx context.Context, slot int, n *Node) error
	// Retired is called by a worker that is not needed any more, in its own goroutine; may be nil.
	Retired func(slot int)
	// Rest is how long it takes until a node is tried again after [ErrAgain], and until one worker more is; 0 means 5 s.
	Rest time.Duration
	// Pace says that the rest leaves room for what decides about the end: see enough.
	Pace bool
	// Now is the clock; nil means [time.Now].
	Now func() time.Time

	mu      sync.Mutex
	changed *sync.Cond
	nodes   []*Node
	ready   []*Node
	held    held
	limits  Limits
	active  [Build + 1]int
	running []*Node
	cost    float64 // of all that is not finished
	pace    pace
	gates   int // of all nodes, still closed
	left    int
	fewer   int // workers away after ErrAgain
	coming  bool
	paused  bool
	ended   bool
	errs    []error
	slots   int
	workers sync.WaitGroup
	cancel  context.CancelFunc
	ctx     context.Context
}

// New makes a run. Gates of the graph can be opened from now on.
func New(g *Graph, limits Limits) *Run {
	g.Prepare()
	r := &Run{nodes: g.nodes, held: held{}, limits: limits}
	r.changed = sync.NewCond(&r.mu)
	for _, n := range g.nodes {
		if n.state == finished {
			continue
		}
		r.left++
		r.cost += n.Cost
		r.gates += n.gates
		if n.waits == 0 {
			n.state = ready
			r.ready = append(r.ready, n)
		}
	}
	return r
}

// Wait works everything off and returns when no worker runs any more. A node that fails takes with it only what depends on it: the
// rest is finished first, then all errors are returned together. When the context ends, so does everything.
func (r *Run) Wait(ctx context.Context) error {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = true
		r.changed.Broadcast()
	})
	defer stop()
	r.mu.Lock()
	r.ctx = ctx
	r.staff()
	r.mu.Unlock()
	r.workers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(r.errs...); err != nil {
		return err
	}
	if r.left > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%d things could not be started, because they wait for each other", r.left)
	}
	return nil
}

// staff starts workers up to the limit. The caller holds the lock.
func (r *Run) staff() {
	if r.ctx == nil {
		return
	}
	for r.slots < max(r.limits.Total, 1) {
		slot := r.slots
		r.slots++
		r.workers.Go(func() { r.work(r.ctx, slot) })
	}
}

func (r *Run) work(ctx context.Context, slot int) {
	for {
		n, ctx := r.take(ctx, slot)
		if n == nil {
			if r.Retired != nil {
				r.Retired(slot)
			}
			return
		}
		err := r.Do(ctx, slot, n)
		if err != nil && errors.Is(context.Cause(ctx), ErrInterrupted) {
			err = ErrInterrupted
		}
		r.done(n, err)
	}
}

// take waits for something to do, and gives it a context of its own; nil means there will be nothing more.
func (r *Run) take(ctx context.Context, slot int) (*Node, context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.ended || r.left == 0 || len(r.running) == 0 && len(r.ready) == 0 && r.gates == 0 {
			r.changed.Broadcast()
			return nil, nil
		}
		if !r.paused && len(r.running) < r.enough() {
			if n := r.best(); n != nil {
				return n, r.begin(ctx, slot, n)
			}
		}
		r.changed.Wait()
	}
}

func (r *Run) best() *Node {
	var best *Node
	at := 0
	for i, n := range r.ready {
		if best != nil && n.rank <= best.rank {
			continue
		}
		limit := 0
		switch n.Class {
		case Load:
			limit = r.limits.Load
		case Build:
			limit = r.limits.Build
		}
		if limit < 0 || limit > 0 && r.active[n.Class] >= limit || !r.held.free(n.Locks) {
			continue
		}
		best, at = n, i
	}
	if best != nil {
		r.ready = append(r.ready[:at], r.ready[at+1:]...)
	}
	return best
}

func (r *Run) begin(ctx context.Context, slot int, n *Node) context.Context {
	n.state, n.slot, n.began, n.done = running, slot, r.now(), 0
	r.held.take(n.Locks)
	r.active[n.Class]++
	r.running = append(r.running, n)
	ctx, n.cancel = context.WithCancelCause(ctx)
	return ctx
}

func (r *Run) done(n *Node, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	n.cancel(nil)
	r.held.give(n.Locks)
	r.active[n.Class]--
	r.running = slices.DeleteFunc(r.running, func(other *Node) bool { return other == n })
	switch {
	case err == nil:
		n.state = finished
		r.left--
		r.cost -= n.Cost
		if n != r.pace.node {
			r.pace.spent += r.now().Sub(n.began).Seconds()
			r.pace.credit += n.Cost
		}
		for _, next := range n.next {
			r.release(next)
		}
	case errors.Is(err, ErrInterrupted) && !r.ended:
		n.state = ready
		r.ready = append(r.ready, n)
	case errors.Is(err, ErrAgain) && !r.ended:
		r.away(n)
	default:
		n.state = failed
		if r.ctx.Err() == nil {
			r.errs = append(r.errs, err)
		}
		if errors.Is(err, ErrFatal) {
			r.cancel()
		}
	}
}

// away puts a node aside for a while, and goes on with no more workers than are at work now. The caller holds the lock.
func (r *Run) away(n *Node) {
	n.state = waiting
	r.gates++ // the node comes back: without it nothing may be left to do
	r.after(func() {
		r.gates--
		n.state = ready
		r.ready = append(r.ready, n)
	})
	r.fewer = max(r.fewer, max(r.limits.Total, 1)-max(len(r.running), 1))
	if !r.coming && r.fewer > 0 {
		r.coming = true
		r.after(r.oneMore)
	}
}

// oneMore lets one worker more try its luck, and later the next.
func (r *Run) oneMore() {
	r.fewer = max(r.fewer-1, 0)
	if r.coming = r.fewer > 0; r.coming {
		r.after(r.oneMore)
	}
}

// after does something under the lock when the rest is over.
func (r *Run) after(do func()) {
	rest := r.Rest
	if rest == 0 {
		rest = 5 * time.Second
	}
	time.AfterFunc(rest, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		do()
		r.changed.Broadcast()
	})
}

// Fewer is how many workers are away after [ErrAgain], out of how many.
func (r *Run) Fewer() (fewer, of int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(r.fewer, max(r.limits.Total, 1)-1), max(r.limits.Total, 1)
}

func (r *Run) release(n *Node) {
	if n.waits--; n.waits == 0 && n.state == waiting {
		n.state = ready
		r.ready = append(r.ready, n)
	}
}

// Open opens one gate of the node.
func (r *Run) Open(n *Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.gates > 0 {
		n.gates--
		r.gates--
		r.release(n)
	}
	r.changed.Broadcast()
}

// Fail ends the run with the error, because what its gates wait for will not come.
func (r *Run) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
	r.ended = true
	if r.cancel != nil {
		r.cancel()
	}
	r.changed.Broadcast()
}

// Pause starts nothing new until it is called with false.
func (r *Run) Pause(paused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
	r.changed.Broadcast()
}

// Interrupt breaks off what runs: see [ErrInterrupted]. What is not paused is begun again at once.
func (r *Run) Interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.state == running {
			n.cancel(ErrInterrupted)
		}
	}
}

// SetLimits changes the limits, and says whether they were others. What runs is not interrupted.
func (r *Run) SetLimits(limits Limits) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limits == limits {
		return false
	}
	r.limits = limits
	r.staff()
	r.changed.Broadcast()
	return true
}

// Yields says whether a node should leave room for another one: that one decides when everything ends, and all the rest is done before it
// by as many workers as there are, even if it takes so many times as long. Where there is more work than that, whatever ends a node sooner is to
// the good. So it is for what the other one waits for.
func (r *Run) Yields(n *Node, slower float64) bool {
	total, longest, first := r.Left()
	r.mu.Lock()
	defer r.mu.Unlock()
	return first != nil && n.rank*slower < longest && longest+(total-longest)*slower <= longest*float64(max(r.limits.Total, 1))
}

// Left is the cost still to be done, the longest way to the end, and the node it begins with. What runs counts in full.
func (r *Run) Left() (total, longest float64, first *Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.state == finished {
			continue
		}
		total += n.Cost
		if (n.state == running || n.state == ready) && (first == nil || n.rank > longest) {
			longest, first = n.rank, n
		}
	}
	return total, longest, first
}
