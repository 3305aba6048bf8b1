package pgxfer

import "sync"

// Hold says how a transfer is held.
type Hold uint8

const (
	// Going is not held at all.
	Going Hold = iota
	// Soft finishes what runs and starts nothing new.
	Soft
	// Hard cancels what runs too: its transactions are rolled back, half a file is removed, and it is begun again afterwards. What is
	// loaded stays, and so does the snapshot. An engine that cannot do this holds softly, and says so.
	Hard
)

// Workers are the most sessions that may be at work at once, each kind by itself. 0 means as started.
type Workers struct {
	Read  int `json:"read,omitempty"`  // dump: readers
	Load  int `json:"load,omitempty"`  // restore: loaders; a copy's loaders read too
	Index int `json:"index,omitempty"` // restore: index builds and the like
}

// Wanted is what was asked of a transfer last.
type Wanted struct {
	Hold    Hold
	Workers Workers
}

// Control adjusts running transfers from outside. Its zero value is ready; all methods may be called at any time by anybody, and one
// Control may serve several transfers at once.
type Control struct {
	mu      sync.Mutex
	wanted  Wanted
	changed chan struct{}
}

// Hold asks to be held, or with [Going] to go on.
func (c *Control) Hold(h Hold) { c.set(func(w *Wanted) { w.Hold = h }) }

// SetWorkers asks for other numbers of workers.
func (c *Control) SetWorkers(n Workers) { c.set(func(w *Wanted) { w.Workers = n }) }

// State is what was asked for last, and a channel that closes on the next change.
func (c *Control) State() (wanted Wanted, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.wanted, c.changed
}

func (c *Control) set(change func(*Wanted)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.wanted
	change(&c.wanted)
	if c.changed != nil && c.wanted != before {
		close(c.changed)
		c.changed = nil
	}
}
