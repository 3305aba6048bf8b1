package sim

import (
	"context"
	"sync"
)

// background owns the goroutines of a server.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	ended bool
	wg    sync.WaitGroup
}

func newBackground(ctx context.Context) *background {
	ctx, cancel := context.WithCancel(ctx)
	return &background{ctx: ctx, cancel: cancel}
}

// spawn runs f until it returns; its context ends with the server. After end it does nothing.
func (b *background) spawn(f func(ctx context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.wg.Go(func() { f(b.ctx) })
	return true
}

// end cancels everything and waits for it.
func (b *background) end() {
	b.cancel()
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.wg.Wait()
}
