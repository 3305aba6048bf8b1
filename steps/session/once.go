package session

import (
	"context"
	"errors"
	"sync"

	"changeover/steps"
)

// remembered is how many answers are kept for commands that are sent again.
const remembered = 256

// once carries a command out once per ID, so that a client that lost the answer may send the command again: a second
// arrival waits for the first one's answer and gets the same. What happened before the engine's last start is the
// journal's to know.
type once struct {
	mu      sync.Mutex
	answers map[string]*answer
	order   []string
}

type answer struct {
	done chan struct{} // closed when err is set
	err  error
}

// do calls run, unless the ID was seen before.
func (o *once) do(ctx context.Context, id string, run func() error) error {
	if id == "" {
		return run()
	}
	o.mu.Lock()
	if a, ok := o.answers[id]; ok {
		o.mu.Unlock()
		select {
		case <-a.done:
			return a.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	a := &answer{done: make(chan struct{})}
	o.remember(id, a)
	o.mu.Unlock()

	finished := false
	defer func() {
		if !finished {
			a.err = errInternal // run panicked; whoever waits must not wait for ever
		}
		if a.err != nil && !final(a.err) {
			o.forget(id)
		}
		close(a.done)
	}()
	a.err = run()
	finished = true
	return a.err
}

// final says whether the same command would get the same answer again. The engine's own failures are not final, and
// neither is a want of control, which the operator can take.
func final(err error) bool {
	for _, no := range []error{steps.ErrStale, steps.ErrNotAllowed, steps.ErrConfirm} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// remember keeps an answer, and lets the oldest go. The caller holds mu.
func (o *once) remember(id string, a *answer) {
	if o.answers == nil {
		o.answers = map[string]*answer{}
	}
	o.answers[id] = a
	o.order = append(o.order, id)
	if len(o.order) > remembered {
		delete(o.answers, o.order[0])
		o.order = o.order[1:]
	}
}

func (o *once) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.answers, id)
	for i, known := range o.order {
		if known == id {
			o.order = append(o.order[:i], o.order[i+1:]...)
			return
		}
	}
}
