package steps

import (
	"context"
	"time"
)

// Broken shows the comparison of two fences to tests.
func (f Fence) Broken(now Fence) string { return f.broken(now) }

// Patiently shows the patience of waits to tests.
func (env *Env) Patiently(ctx context.Context, waiting Waiting, every time.Duration, ask func(ctx context.Context) (bool, string, error)) error {
	return env.patiently(ctx, waiting, every, ask)
}

// WrittenBetween shows the subtraction of counters to tests.
var WrittenBetween = difference
