package graph

import (
	"math"
	"time"
)

// Pacing: one node often decides when everything ends, an index of the largest table for example, and the rest could be done in half the time
// that it takes. Whoever hurries with the rest takes the processors and disks of the servers from that node, and so all of it ends later. While
// such a node runs, there are as many workers beside it as the rest needs to be done well before it.
//
// How long anything takes is estimated, so that pacing may never cost what it cannot win: what the rest really takes is compared with its
// cost all the time (links may be ten times slower than the plan thinks), and what the server says of the deciding node counts more than
// its cost (an index may be a fifth of the bloated one on the source).

const (
	// share is the part of what the deciding node still takes in which the rest is to be done.
	share = 0.75
	// prior is how many seconds of work the costs are trusted for before what was measured outweighs them.
	prior = 1.0
	// telling is how much of a node must be done before its rate is believed.
	telling = 0.05
)

// pace is what is known since a node decides.
type pace struct {
	node          *Node
	spent, credit float64 // seconds that finished nodes beside it took, and their cost
	workers       int     // that are enough
}

// enough is how many workers are to be at work: all, or those that do the rest in time. The caller holds the lock.
func (r *Run) enough() int {
	all := max(1, r.limits.Total-r.fewer)
	now := r.now()
	n := r.deciding(now)
	if n != r.pace.node {
		r.pace = pace{node: n}
	}
	r.pace.workers = all
	if n == nil {
		return all
	}
	if left := share * n.takes(now); left > 0 {
		beside := math.Ceil(max(r.cost-n.rank, 0) * r.slowness(now) / left)
		r.pace.workers = int(min(float64(all), 1+max(beside, 1)))
	}
	return r.pace.workers
}

// deciding is the running node that decides about the end, with all others done well before; nil for none.
func (r *Run) deciding(now time.Time) *Node {
	if !r.Pace || r.gates > 0 || len(r.running) == 0 {
		return nil // what comes through the gates may be longer
	}
	first := r.running[0]
	for _, n := range r.running {
		if n.rank > first.rank {
			first = n
		}
	}
	in := share * first.takes(now)
	for _, list := range [][]*Node{r.running, r.ready} {
		for _, n := range list {
			if n != first && n.rank >= in {
				return nil
			}
		}
	}
	return first
}

// takes is an estimate of the seconds until a running node is done.
func (n *Node) takes(now time.Time) float64 {
	took := now.Sub(n.began).Seconds()
	if n.done >= telling {
		return took * (1 - n.done) / n.done
	}
	return max(n.Cost-took, 0)
}

// slowness is how many seconds of a worker a second of cost takes, of what is beside the deciding node.
func (r *Run) slowness(now time.Time) float64 {
	spent, credit := prior+r.pace.spent, prior+r.pace.credit
	for _, n := range r.running {
		if n != r.pace.node {
			took := now.Sub(n.began).Seconds()
			spent += took
			credit += min(took, n.Cost)
		}
	}
	return spent / credit
}

// Progress tells how much of what a worker does is done, from 0 to 1.
func (r *Run) Progress(slot int, done float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.running {
		if n.slot == slot {
			n.done = min(max(done, 0), 1)
		}
	}
}

// Paced is the node that decides about the end, with the number of workers that are enough; nil where nobody is held back. Whoever waits for
// a turn looks again whether one worker more is needed: it should be called every few seconds.
func (r *Run) Paced() (n *Node, workers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if workers = r.enough(); len(r.ready) > 0 {
		r.changed.Broadcast() // also, and above all, when nobody is held back any more
	}
	if r.pace.node == nil || len(r.ready) == 0 || workers == max(1, r.limits.Total-r.fewer) {
		return nil, workers
	}
	return r.pace.node, workers
}

func (r *Run) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
