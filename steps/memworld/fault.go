package memworld

import (
	"fmt"

	"changeover/heroku"
)

// Fault is what happens to one request that would change something.
type Fault int

// The faults.
const (
	None        Fault = iota
	LostReply         // it happens, and nobody hears of it
	LostRequest       // it does not happen, and nobody hears of that
	Refused           // it is refused
)

var (
	errNoAnswer = fmt.Errorf("connection reset: %w", heroku.ErrUnknownOutcome)
	errRefused  = fmt.Errorf("internal error: %w", heroku.ErrServer)
)

// Fail sets faults for the next changes of a kind, as OnChange names them, in this order.
func (w *World) Fail(what string, faults ...Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.faults == nil {
		w.faults = map[string][]Fault{}
	}
	w.faults[what] = append(w.faults[what], faults...)
}

// Heal forgets all faults.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

func (w *World) nextFault(what string) Fault {
	queue := w.faults[what]
	if len(queue) == 0 {
		return None
	}
	w.faults[what] = queue[1:]
	return queue[0]
}
