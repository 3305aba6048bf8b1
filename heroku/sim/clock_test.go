package sim

import (
	"context"
	"sync"
	"time"
)

// handClock stands still until it is moved.
type handClock struct {
	mu    sync.Mutex
	at    time.Time
	moved chan struct{}
}

func newHandClock() *handClock {
	return &handClock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), moved: make(chan struct{})}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	until := c.Now().Add(d)
	for {
		c.mu.Lock()
		over, moved := !c.at.Before(until), c.moved
		c.mu.Unlock()
		if over {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

// advance moves the clock and wakes everybody whose time has come.
func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}
