package cli

import (
	"context"
	"errors"
	"fmt"

	"changeover/steps"
	"changeover/steps/session"
)

// driver is what drive needs of a session client.
type driver interface {
	Events(ctx context.Context) <-chan session.Event
	Command(ctx context.Context, c steps.Command) error
}

// watcher shows what happens while nobody needs to act.
type watcher interface{ Event(session.Event) }

// drive advances every recommended step as soon as it can start, until all are done or one stops.
func drive(ctx context.Context, d driver, w watcher) error {
	var asked uint64 // the revision of the last command: its effect is seen as a newer one
	for event := range d.Events(ctx) {
		w.Event(event)
		if event.Kind == session.KindLost {
			return fmt.Errorf("the engine is gone: %s", event.Problem)
		}
		view := event.View
		if view == nil || view.Rev == asked {
			continue
		}
		for _, s := range view.Steps {
			if s.State == steps.Failed || s.State == steps.Unknown || s.State == steps.NeedsHuman {
				return stepError{s.Number, s.Name, s.State, s.Reason}
			}
		}
		if view.Finished {
			return nil
		}
		if view.Next == 0 {
			continue
		}
		step := view.Steps[view.Next-1]
		err := d.Command(ctx, steps.Command{Verb: steps.Advance, Step: step.Number, ExpectRev: view.Rev, Answers: yesTo(step.Confirm), Reason: "unattended"})
		switch {
		case errors.Is(err, steps.ErrStale):
			// Something else moved meanwhile; the next view decides.
		case err != nil:
			return fmt.Errorf("advancing step %d: %w", step.Number, err)
		default:
			asked = view.Rev
		}
	}
	return ctx.Err()
}

// yesTo gives a confirmation what it asks for.
func yesTo(c steps.Confirmation) []string {
	switch c.Tier {
	case steps.TierYes:
		return []string{"y"}
	case steps.TierTyped:
		return c.Words
	default:
		return nil
	}
}
