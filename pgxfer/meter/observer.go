package meter

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"changeover/pgxfer"
)

// Reporter hands progress and events to an observer from any goroutine, one at a time.
type Reporter struct {
	mu  sync.Mutex
	obs pgxfer.Observer
	now func() time.Time
}

// NewReporter wraps an observer, which may be nil.
func NewReporter(obs pgxfer.Observer, now func() time.Time) *Reporter {
	return &Reporter{obs: obs, now: now}
}

// Progress hands over a sample.
func (r *Reporter) Progress(p pgxfer.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.obs != nil {
		p.At = r.now()
		r.obs.Progress(p)
	}
}

// Info reports something worth a line.
func (r *Reporter) Info(format string, args ...any) { r.event("info", format, args) }

// Warn reports something the operator should know but need not act on at once.
func (r *Reporter) Warn(format string, args ...any) { r.event("warn", format, args) }

// Error reports a failure.
func (r *Reporter) Error(format string, args ...any) { r.event("error", format, args) }

func (r *Reporter) event(level, format string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.obs != nil {
		r.obs.Event(pgxfer.Event{At: r.now(), Level: level, Text: oneLine(fmt.Sprintf(format, args...))})
	}
}

// oneLine makes text safe for a log line: names of tables are the user's, and may hold anything.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
}
