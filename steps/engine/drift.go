package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// driftData is the payload of kindDrift: every dangerous difference there was, those included that an operator has
// accepted. The fold tells them apart.
type driftData struct {
	Found []string `json:"found"`
}

// foldDrift pauses the run for what is new. A difference that was accepted and is gone is forgotten: should it come back,
// somebody must decide again.
func (s *state) foldDrift(_ journal.Record, d driftData) {
	s.rev++
	s.accepted = slices.DeleteFunc(slices.Clone(s.accepted), func(text string) bool { return !slices.Contains(d.Found, text) })
	s.drift = slices.DeleteFunc(slices.Clone(d.Found), func(text string) bool { return slices.Contains(s.accepted, text) })
	if len(s.drift) > 0 && !s.paused {
		s.paused, s.pausedBy = true, "drift"
	}
}

// acceptDrift is what resuming means while there is drift: the operator has seen it and takes the world as it is.
func (s *state) acceptDrift() {
	s.accepted, s.drift = append(slices.Clone(s.accepted), s.drift...), nil
}

// watchDrift looks at the world every DriftEvery, and when a step has finished.
func (e *Engine) watchDrift() {
	timer := time.NewTimer(e.o.DriftEvery)
	defer timer.Stop()
	for {
		why := regularly
		select {
		case <-e.base.Done():
			return
		case <-timer.C:
		case <-e.finished:
			why = stepDone
		}
		e.lookAround(e.base, why)
		timer.Reset(e.o.DriftEvery)
	}
}

// glance is why somebody looks at the world.
type glance int

const (
	regularly glance = iota // compare
	stepDone                // compare, and remember it for the next time unless there is drift in it
	outset                  // remember it: nothing that came before matters
)

// lookAround compares the world with what it should be, or remembers it. It says whether it came to a conclusion.
//
// Nothing is concluded while a change of our own is on its way or its outcome unknown, nor when the journal has moved while
// the world was being read: the picture could show a change of ours half done. The next look comes soon enough.
func (e *Engine) lookAround(ctx context.Context, why glance) (concluded bool) {
	e.looking.Lock() // one at a time: the order of looks must be that of their records
	defer e.looking.Unlock()
	look, seq, calm := e.calm()
	was, known := steps.FactWorld.Get(look.Facts())
	watched := steps.DriftWatched(look)
	if !calm || !watched && why == regularly && known {
		return calm
	}
	ctx, cancel := context.WithTimeout(ctx, driftTimeout)
	defer cancel()
	var now steps.World
	err := guarded(func() (err error) { now, err = e.o.ReadWorld(ctx, look); return err })
	if e.base.Err() != nil || e.tell(err) {
		return true // another try would fare no better
	}
	if _, after, calm := e.calm(); !calm || after != seq {
		if why == stepDone {
			signal(e.finished)
		}
		return false
	}
	if watched && known && why != outset {
		if drifting := e.judgeDrift(steps.Drift(look, was, now)); drifting || why == regularly {
			return true
		}
	}
	if err := e.put(journal.Record{Kind: kindFact, Actor: "engine"}, string(steps.FactWorld), now); err != nil {
		e.logf(steps.Warn, 0, "%v", err)
	}
	return true
}

// driftTimeout bounds one look at the world.
const driftTimeout = 60 * time.Second

// tell says once, not every half minute, that the world cannot be read.
func (e *Engine) tell(err error) (failed bool) {
	switch {
	case err == nil:
		if e.blind != "" {
			e.logf(steps.Info, 0, "the apps and databases are watched for changes again")
		}
		e.blind = ""
	case e.blind != err.Error():
		e.blind = err.Error()
		e.logf(steps.Warn, 0, "the apps and databases cannot be watched for changes: %v", err)
	}
	return err != nil
}

// calm is the present, with whether no change of ours is on its way. Our own processes change nothing that is looked at.
func (e *Engine) calm() (look *frozen, seq uint64, calm bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.freeze(e.state, e.held()), e.state.seq, e.dead == nil && !e.state.changing()
}

// changing says whether an effect has been sent, or is about to be, whose outcome is not known yet.
func (s *state) changing() bool {
	for number, st := range s.steps {
		if st.state == steps.Done || st.state == steps.RolledBack {
			continue
		}
		for _, undo := range []bool{false, true} {
			prefix := scope(number, st.attempt, undo)
			for key, e := range s.effects {
				if strings.HasPrefix(key, prefix) && e.class != steps.Process && (e.unsettled() || e.phase == kindIntent) {
					return true
				}
			}
		}
	}
	return false
}

// judgeDrift journals dangerous differences, which pauses the run, and logs all that are new. It says whether any are
// dangerous and not accepted.
func (e *Engine) judgeDrift(found []steps.Difference) (drifting bool) {
	var danger, benign []string
	for _, d := range found {
		if text := e.clean(d.Text); d.Danger {
			danger = append(danger, text)
		} else {
			benign = append(benign, text)
		}
	}
	for _, text := range benign {
		if !slices.Contains(e.benign, text) {
			e.logf(steps.Info, 0, "changed by somebody else, and no reason to stop: %s", text)
		}
	}
	e.benign = benign

	e.mu.Lock()
	before := e.state.clone()
	after := e.state.clone()
	after.foldDrift(journal.Record{}, driftData{Found: danger})
	drifting = len(after.drift) > 0
	var err error
	if same := slices.Equal(before.drift, after.drift) && slices.Equal(before.accepted, after.accepted); !same {
		err = e.append(journal.Record{Kind: kindDrift, Actor: "engine"}, driftData{Found: danger})
	}
	e.mu.Unlock()
	if err != nil {
		e.logf(steps.Error, 0, "%v", err)
	}
	for _, text := range after.drift {
		if !slices.Contains(before.drift, text) {
			e.logf(steps.Error, 0, "drift: %s. The run is paused: put it right, or resume to go on with the world as it is", text)
		}
	}
	for _, text := range before.drift {
		if !slices.Contains(after.drift, text) {
			e.logf(steps.Info, 0, "no drift any more: %s", text)
		}
	}
	return drifting
}
