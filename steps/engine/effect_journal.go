package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// intend puts intent and sent on disk. Whether the run is paused and the step still wanted is asked under the
// lock that the records are written under: once a pause or a rollback has been accepted, no new intent appears.
func (f *flight) intend(ctx context.Context) error {
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if err := f.stopped(ctx); err != nil {
		return err
	}
	if f.e.state.paused {
		return errPaused
	}
	f.try++
	record := f.effectRecord(kindIntent)
	if err := f.e.append(record, effectData{Class: f.class, Plan: &f.plan, Confirmed: f.runner.plan, Try: f.try}); err != nil {
		return fmt.Errorf("nothing was sent, the journal cannot be written: %w", err)
	}
	record.Kind = kindSent
	if err := f.e.append(record, effectData{Try: f.try}); err != nil {
		return fmt.Errorf("nothing was sent, the journal cannot be written: %w", err)
	}
	return nil
}

func (f *flight) effectRecord(kind string) journal.Record {
	r := f.record(kind)
	r.Effect = f.key
	return r
}

// phase journals how far the effect has come. It is allowed for a step that is to stop: what happened, happened.
func (f *flight) phase(kind string, data effectData) error {
	data.Try = f.try
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	if err := f.e.append(f.effectRecord(kind), data); err != nil {
		return fmt.Errorf("%s: %w", f.plan.Action, err)
	}
	return nil
}

// lock serialises what creates add-ons. Each of them restarts the app, and two at once make it hard to say later
// which answer belonged to which. It is held until the new thing can be seen, not until it is ready.
func (f *flight) lock(ctx context.Context) error {
	if f.class != steps.Named || f.locked {
		return nil
	}
	select {
	case f.e.named <- struct{}{}:
		f.locked = true
		return nil
	case <-ctx.Done():
	case <-f.soft.Done():
	}
	return f.stopped(ctx)
}

func (f *flight) unlock() {
	if f.locked {
		f.locked = false
		<-f.e.named
	}
}

// detach makes the context for sending. A request is not cut because its step is to stop: cutting it would only
// make its outcome unknown. It ends SendFor after that, or when Close has no more patience. Our own processes
// are not requests; they stop when their step stops.
func (f *flight) detach(ctx context.Context) (context.Context, func()) {
	if f.class == steps.Process {
		return ctx, func() {}
	}
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
		case <-f.soft.Done():
		case <-f.e.hard.Done():
			cancel(errClosing)
		case <-out.Done():
			return
		}
		timer := time.NewTimer(f.e.o.SendFor)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(errors.New("the request took too long"))
		case <-f.e.hard.Done():
			cancel(errClosing)
		case <-out.Done():
		}
	}()
	return out, func() {
		cancel(nil)
		<-watched
	}
}
