package sim

import (
	"sync"
	"time"
)

// refillPerMinute is how many requests an account regains each minute.
const refillPerMinute = 75

// limiter is the account-wide bucket of requests.
type limiter struct {
	mu    sync.Mutex
	size  int
	left  float64
	since time.Time
}

func newLimiter(size int, now time.Time) *limiter {
	return &limiter{size: size, left: float64(size), since: now}
}

// take uses one request, unless free, and returns how many are left. The bucket refills steadily.
func (l *limiter) take(now time.Time, free bool) (left int, allowed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = min(float64(l.size), l.left+now.Sub(l.since).Minutes()*refillPerMinute)
	l.since = now
	if free {
		return int(l.left), true
	}
	if l.left < 1 {
		return 0, false
	}
	l.left--
	return int(l.left), true
}

// set empties or fills the bucket.
func (l *limiter) set(now time.Time, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.since = float64(min(left, l.size)), now
}
