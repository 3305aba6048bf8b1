package dash

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// callTimeout bounds a command to the engine, which answers as soon as it has accepted or refused.
const callTimeout = 15 * time.Second

// calls are the requests to the engine in flight. Leaving the dashboard does not cut them short: whether a command that
// was already sent is carried out must not depend on how fast q is pressed after it.
type calls struct {
	ctx    context.Context
	mu     sync.Mutex
	closed bool
	flying sync.WaitGroup
}

func newCalls(ctx context.Context) *calls { return &calls{ctx: context.WithoutCancel(ctx)} }

// cmd makes a function into a Bubble Tea command that close waits for.
func (c *calls) cmd(do func(ctx context.Context) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil
		}
		c.flying.Add(1)
		c.mu.Unlock()
		defer c.flying.Done()
		ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
		defer cancel()
		return do(ctx)
	}
}

// close lets nothing new start and waits for what is in flight, at most callTimeout.
func (c *calls) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.flying.Wait()
}
