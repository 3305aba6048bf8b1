package sim

import (
	"context"
	"time"
)

// Clock is the simulator's time. Everything it stamps and every delay it keeps goes through it;
// only waiting for PostgreSQL and for sockets uses real time.
type Clock interface {
	Now() time.Time
	// Sleep returns nil after d, or the context's error before.
	Sleep(ctx context.Context, d time.Duration) error
}

// systemClock is the clock of the machine.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
