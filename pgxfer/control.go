package pgxfer

import "sync"

// Control adjusts a running transfer from outside. Its zero value is ready; all methods may be called at any time by anybody.
type Control struct {
	mu      sync.Mutex
	paused  bool
	jobs    int
	changed chan struct{}
}

// Pause asks the engine to start nothing new; what runs is finished first.
func (c *Control) Pause() { c.set(func() { c.paused = true }) }

// Resume takes Pause back.
func (c *Control) Resume() { c.set(func() { c.paused = false }) }

// SetJobs asks for another number of workers; 0 means as started.
func (c *Control) SetJobs(n int) { c.set(func() { c.jobs = n }) }

// State is what was asked for last, and a channel that closes on the next change.
func (c *Control) State() (paused bool, jobs int, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.paused, c.jobs, c.changed
}

func (c *Control) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}
