// Package graph runs work that depends on other work, the longest way to the end first.
//
// Nodes name the table locks that the server will take for them, and two nodes whose locks exclude each other never run at once: a
// session that waits for a lock would hold a worker idle, and everybody else who queues up behind it.
package graph

import (
	"context"
	"time"
)

// Class decides which limit a node counts against, beside that of all workers.
type Class uint8

// Classes of work.
const (
	Other Class = iota
	Load        // rows go over the wire
	Build       // the server works by itself, on an index for example
)

// Node is one thing to do.
type Node struct {
	// Name is for people, such as "index events_payload_idx".
	Name  string
	Class Class
	// Cost is an estimate in seconds. Only proportions matter.
	Cost  float64
	Locks []Lock
	// Work is whatever the runner needs to know.
	Work any

	// While it runs:
	cancel context.CancelCauseFunc
	slot   int
	began  time.Time
	done   float64 // of it, from 0 to 1, as far as somebody tells

	rank    float64 // cost of the longest way from the start of this node to the end of all
	beyond  float64 // cost of what follows elsewhere
	waits   int     // nodes not finished and gates not open
	gates   int     // not open yet, counted in waits too
	next    []*Node
	state   state
	visited bool
}

type state uint8

const (
	waiting state = iota
	ready
	running
	finished
	failed
)

// Rank is the cost of the longest way from this node to the end, known from [Graph.Prepare] on.
func (n *Node) Rank() float64 { return n.rank }

// Graph is a set of nodes. It is built by one goroutine, then run.
type Graph struct {
	nodes []*Node
}

// Add puts a node in that may start when all the others are finished.
func (g *Graph) Add(n *Node, after ...*Node) *Node {
	g.nodes = append(g.nodes, n)
	g.After(n, after...)
	return n
}

// After adds things to wait for.
func (g *Graph) After(n *Node, after ...*Node) {
	for _, a := range after {
		if a == nil || a.state == finished {
			continue
		}
		a.next = append(a.next, n)
		n.waits++
	}
}

// Gate makes the node wait, once more, for [Run.Open].
func (g *Graph) Gate(n *Node) {
	n.waits++
	n.gates++
}

// Finish marks a node as done by an earlier attempt. It must be called before [Graph.Start].
func (g *Graph) Finish(n *Node) {
	if n.state == finished {
		return
	}
	n.state = finished
	for _, next := range n.next {
		next.waits--
	}
}

// Nodes lists all nodes in the order they were added.
func (g *Graph) Nodes() []*Node { return g.nodes }

// Prepare works out the rank of every node. Cycles are cut at an arbitrary place; their nodes never become ready, which Run reports.
func (g *Graph) Prepare() {
	for _, n := range g.nodes {
		n.visited = false
	}
	for _, n := range g.nodes {
		n.measure()
	}
}

func (n *Node) measure() float64 {
	if n.visited {
		return n.rank
	}
	n.visited = true
	longest := n.beyond
	for _, next := range n.next {
		longest = max(longest, next.measure())
	}
	n.rank = n.Cost + longest
	if n.state == finished {
		n.rank = longest
	}
	return n.rank
}

// Weigh adds to the rank of a node what follows it outside of the graph. It must be called before [New].
func (g *Graph) Weigh(n *Node, cost float64) { n.beyond = cost }
