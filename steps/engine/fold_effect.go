package engine

import (
	"fmt"
	"slices"
	"strings"

	"changeover/steps"
	"changeover/steps/journal"
)

// effectState is the last that is known of an effect.
type effectState struct {
	phase  string
	class  steps.Class
	try    int
	sentAt uint64 // seq of the last sent record; 0 when it was never sent
	doneAt uint64 // seq of the done record; 0 when it is not done
}

// unsettled says that the effect was sent and that nobody has read back what came of it.
func (e *effectState) unsettled() bool {
	if e == nil {
		return false
	}
	switch e.phase {
	case kindSent, kindAck, kindTimeout:
		return true
	case kindIntent, kindObserved:
		// An intent to send again leaves the first sending open; an observed without done saw something else.
		return e.sentAt != 0
	default:
		return false
	}
}

func (s *state) foldEffect(r journal.Record, d effectData) {
	e := s.effects[r.Effect]
	if e == nil {
		e = &effectState{}
		s.effects[r.Effect] = e
	}
	e.phase, e.doneAt = r.Kind, 0
	if r.Kind == kindDone {
		e.doneAt = r.Seq
	}
	switch r.Kind {
	case kindIntent:
		e.try, e.class = d.Try, d.Class
	case kindSent:
		e.sentAt = r.Seq
		if r.Step == 0 {
			s.bailed[r.Effect] = true
		}
	case kindError, kindDone:
		e.sentAt = 0
		if r.Kind == kindError {
			delete(s.bailed, r.Effect)
		}
	}
}

// scope begins the keys of the effects of an attempt: "3.1/" and "3.1.rb/" for its rollback.
func scope(step, attempt int, undo bool) string {
	if undo {
		return fmt.Sprintf("%d.%d.rb/", step, attempt)
	}
	return fmt.Sprintf("%d.%d/", step, attempt)
}

// unsettledEffects are the effects of an attempt, rollback included, whose outcome nobody has read back.
func (s *state) unsettledEffects(step, attempt int) []string {
	var keys []string
	for key, e := range s.effects {
		if (strings.HasPrefix(key, scope(step, attempt, false)) || strings.HasPrefix(key, scope(step, attempt, true))) && e.unsettled() {
			keys = append(keys, key)
		}
	}
	return sorted(keys)
}

func sorted[T int | string](values []T) []T {
	slices.Sort(values)
	return values
}
