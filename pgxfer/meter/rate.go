package meter

import "time"

// window is how far back a rate looks: long enough to smooth over one sample, short enough to show a stall.
const window = 10 * time.Second

// Rate is the speed of a counter over the last window of about 10 s. Its zero value is ready.
type Rate struct {
	samples []sample
}

type sample struct {
	at    time.Time
	count int64
}

// Add notes the counter's value. A counter that fell back starts afresh.
func (r *Rate) Add(at time.Time, count int64) {
	if n := len(r.samples); n > 0 && count < r.samples[n-1].count {
		r.samples = r.samples[:0]
	}
	r.samples = append(r.samples, sample{at, count})
	// One sample older than the window is kept: the rate spans the whole window, not less.
	first := 0
	for first+1 < len(r.samples) && at.Sub(r.samples[first+1].at) >= window {
		first++
	}
	r.samples = r.samples[first:]
}

// PerSecond is the rate, 0 while there are fewer than two samples.
func (r *Rate) PerSecond() int64 {
	if len(r.samples) < 2 {
		return 0
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	took := last.at.Sub(first.at).Seconds()
	if took <= 0 {
		return 0
	}
	return int64(float64(last.count-first.count) / took)
}

// Before these an estimate is a guess.
const (
	etaAfter    = 30 * time.Second
	etaFraction = 0.02
)

// ETA estimates the seconds left as a range, from the average since the start and the speed of late. 0 and 0 means no estimate: too
// early, no honest total, or nothing moves.
func ETA(done, total int64, elapsed time.Duration, recent int64) (low, high int64) {
	if total <= 0 || done >= total || elapsed < etaAfter || float64(done) < etaFraction*float64(total) || recent <= 0 {
		return 0, 0
	}
	average := float64(done) / elapsed.Seconds()
	left := float64(total - done)
	fast, slow := max(average, float64(recent)), min(average, float64(recent))
	return int64(left/fast*0.9) + 1, int64(left/slow*1.3) + 1
}
