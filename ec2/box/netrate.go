package box

import (
	"context"
	"fmt"
	"io"
	"time"
)

// CopyOut runs COPY … TO STDOUT, as pgconn does.
type CopyOut func(ctx context.Context, w io.Writer, sql string) error

// NetRate measures what arrives from a database, in bytes per second: limit bytes, or what comes within a time. The
// server makes the data up, so that its disks do not count. The connection is of no use afterwards when the time
// ended it.
func NetRate(ctx context.Context, copyOut CopyOut, limit int64, within time.Duration, now func() time.Time) (int64, error) {
	const row = 64 << 10
	count := &counter{now: now}
	ask, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	started := now()
	err := copyOut(ask, count, fmt.Sprintf("COPY (SELECT repeat('x', %d) FROM generate_series(1, %d)) TO STDOUT", row, max(limit/row, 1)))
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil && ask.Err() == nil {
		return 0, fmt.Errorf("measuring the network: %w", err)
	}
	if count.bytes == 0 {
		return 0, fmt.Errorf("measuring the network: nothing arrived within %s", within)
	}
	return int64(float64(count.bytes) / max(count.last.Sub(started).Seconds(), 1e-6)), nil
}

// counter throws away what it counts.
type counter struct {
	bytes int64
	now   func() time.Time
	last  time.Time
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.last = c.now()
	return len(p), nil
}
