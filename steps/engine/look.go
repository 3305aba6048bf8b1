package engine

import (
	"fmt"

	"changeover/steps"
)

// frozen is a steps.Look at one moment. It takes no lock, so it may be used under Engine.mu.
type frozen struct {
	config    steps.Config
	pipelined bool
	facts     *steps.Facts
	states    map[int]steps.State
}

func (l *frozen) Config() steps.Config { return l.config }
func (l *frozen) Facts() *steps.Facts  { return l.facts }
func (l *frozen) Pipelined() bool      { return l.pipelined }
func (l *frozen) StepState(n int) steps.State {
	if st, ok := l.states[n]; ok {
		return st
	}
	return steps.Locked
}

// freeze is a Look at a state. A step that never started is Locked in it while Ready is being asked, so that
// Ready of one step may look at any other without end; afterwards it is what Ready said.
func (e *Engine) freeze(s *state, held map[int]bool) *frozen {
	l := &frozen{config: e.o.Config, pipelined: e.o.Pipelined, facts: s.facts, states: map[int]steps.State{}}
	for number, st := range s.steps {
		l.states[number] = st.state
		if held[number] && st.state.Active() {
			l.states[number] = steps.Paused
		}
	}
	ready := map[int]bool{}
	for _, step := range e.o.Steps {
		if s.steps[step.Number()] == nil && guarded(func() error { return step.Ready(l) }) == nil {
			ready[step.Number()] = true
		}
	}
	for number := range ready {
		l.states[number] = steps.Ready
	}
	return l
}

// guarded calls a pure method of a step. A panic in one must not take the engine, and running work, with it.
func guarded(ask func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bug: %v", p)
		}
	}()
	return ask()
}

// live is the steps.Look of a running step: always the present.
type live struct{ e *Engine }

func (l live) Config() steps.Config { return l.e.o.Config }
func (l live) Pipelined() bool      { return l.e.o.Pipelined }

func (l live) Facts() *steps.Facts {
	l.e.mu.Lock()
	defer l.e.mu.Unlock()
	return l.e.state.facts
}

func (l live) StepState(n int) steps.State {
	l.e.mu.Lock()
	defer l.e.mu.Unlock()
	return l.e.freeze(l.e.state, l.e.held()).StepState(n)
}

// look is the present, frozen.
func (e *Engine) look() *frozen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.freeze(e.state, e.held())
}
