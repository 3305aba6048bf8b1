package box

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"
)

// chunk is how much is written between two syncs: large enough that the sync's own latency hardly counts, small
// enough that a slow disk cannot hold us much beyond the limit.
const chunk = 4 << 20

// writeRate measures what the disk takes, in bytes per second, by writing at most limit bytes in about the given time.
// It is also the proof that dir is writable, so it writes something even when limit is 0.
func writeRate(ctx context.Context, dir string, limit int64, within time.Duration) (int64, error) {
	file, err := os.CreateTemp(dir, ".changeover-probe-")
	if err != nil {
		return 0, notWritable(dir, err)
	}
	defer file.Close()
	// Without a name it cannot outlive us, whatever kills us.
	if err := os.Remove(file.Name()); err != nil {
		return 0, notWritable(dir, err)
	}
	buffer := make([]byte, max(min(limit, chunk), 4<<10))
	// Random bytes, because a compressing file system or disk would be flattered by zeros.
	noise := rand.NewChaCha8([32]byte([]byte("changeover measures a disk here.")))
	_, _ = noise.Read(buffer) // documented never to fail
	started := time.Now()
	var written int64
	for {
		n, err := file.Write(buffer)
		written += int64(n)
		if err == nil {
			err = file.Sync()
		}
		if err != nil {
			return 0, notWritable(dir, err)
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if written+int64(len(buffer)) > limit || time.Since(started) >= within {
			break
		}
	}
	return int64(float64(written) / max(time.Since(started).Seconds(), 1e-6)), nil
}

func notWritable(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %s is full; free some space there or choose another directory with --work-dir", ErrSpace, dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s is on a read-only file system; choose another directory with --work-dir", dir)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s is not writable for this user; change its owner or choose another directory with --work-dir", dir)
	default:
		return fmt.Errorf("writing to %s: %w", dir, err)
	}
}
