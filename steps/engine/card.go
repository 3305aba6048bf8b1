package engine

import "changeover/steps"

// keepCard makes the break-glass card anew whenever facts have changed, the last time when the engine closes. It runs
// beside the work: a slow disk must not hold up a step, and a card that cannot be written must not end one.
func (e *Engine) keepCard() {
	said := ""
	keep := func() {
		note, look := "", e.look()
		err := guarded(func() (err error) { note, err = e.o.Card(look); return err })
		switch {
		case err == nil && note != "":
			e.logf(steps.Info, 0, "%s", note)
		case err != nil && err.Error() != said: // said once, not after every fact
			e.logf(steps.Warn, 0, "the break-glass card could not be written: %v", err)
		}
		said = ""
		if err != nil {
			said = err.Error()
		}
	}
	keep()
	for {
		select {
		case <-e.facts:
			keep()
		case <-e.base.Done():
			e.work.Wait() // the last facts come from runners that are ending
			select {
			case <-e.facts:
				keep()
			default:
			}
			return
		}
	}
}

// signal leaves a token in a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
