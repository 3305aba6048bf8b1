package sim

import (
	"sync"
	"time"
)

// Writes are what the simulator knows about the rows of one writer.
type Writes struct {
	// Acknowledged is the highest number whose COMMIT was acknowledged. Every number from 1 to it must be in
	// the database that the app ends with.
	Acknowledged int64 `json:"acknowledged"`
	// Pending is a number whose COMMIT got no answer: it may or may not be in the database. 0 means none.
	Pending int64 `json:"pending"`
	// Lost counts acknowledged rows that a later transaction of the same writer did not find.
	Lost int64 `json:"lost"`
	// LastAt is when the last row was acknowledged.
	LastAt time.Time `json:"last_at,omitzero"`
	// LastError is what the writer met last, empty after a success.
	LastError string `json:"last_error,omitempty"`
}

// ledger is what the simulator remembers of all writers, over restarts of their dynos.
type ledger struct {
	mu      sync.Mutex
	writers map[string]*Writes
}

func newLedger() *ledger { return &ledger{writers: map[string]*Writes{}} }

func (l *ledger) of(writer string) *Writes {
	w := l.writers[writer]
	if w == nil {
		w = &Writes{}
		l.writers[writer] = w
	}
	return w
}

// found tells the ledger the highest number a writer sees in a transaction that locks its rows. It settles a
// COMMIT that got no answer. It is no proof of loss: the writer may look at a replica that is behind.
func (l *ledger) found(writer string, highest int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.of(writer)
	if w.Pending > 0 && highest >= w.Pending {
		w.Acknowledged = max(w.Acknowledged, w.Pending)
		w.Pending = 0
	}
}

// attempt says that a COMMIT of number n is about to be sent.
func (l *ledger) attempt(writer string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(writer).Pending = n
}

// acknowledged says that the COMMIT of number n came back. A number that was acknowledged before means that
// the rows from it on were gone.
func (l *ledger) acknowledged(writer string, n int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.of(writer)
	if n <= w.Acknowledged {
		w.Lost += w.Acknowledged - n + 1
	}
	w.Acknowledged, w.Pending, w.LastAt, w.LastError = n, 0, at, ""
}

func (l *ledger) failed(writer string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(writer).LastError = err.Error()
}

// snapshot copies the ledger.
func (l *ledger) snapshot() map[string]Writes {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[string]Writes{}
	for name, w := range l.writers {
		m[name] = *w
	}
	return m
}
