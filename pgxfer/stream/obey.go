package stream

import (
	"context"
	"errors"
	"fmt"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/graph"
)

// begin shows a run, which has not started yet, from now on.
func (s *status) begin(run *graph.Run) {
	s.run, s.hold = run, pgxfer.Going
	s.first, _, _ = run.Left()
	s.obey()
}

// obey carries out what is asked for, and what the server can bear. The channel closes with the next change; nil never does.
func (s *status) obey() (changed <-chan struct{}) {
	var wanted pgxfer.Wanted
	if s.control != nil {
		wanted, changed = s.control.State()
	}
	s.mu.Lock()
	before, strain := s.hold, s.strain
	s.hold = wanted.Hold
	s.mu.Unlock()
	if before != wanted.Hold {
		s.run.Pause(wanted.Hold != pgxfer.Going)
		if wanted.Hold == pgxfer.Hard {
			s.run.Interrupt()
		}
		s.report.Info("%s", holds[wanted.Hold])
	}
	asked := s.limits(wanted.Workers)
	limits := strain.limit(asked)
	s.mu.Lock()
	told := s.used != limits && s.used != (graph.Limits{})
	s.asked, s.used = asked, limits
	s.mu.Unlock()
	s.run.SetLimits(limits)
	if told && limits == asked {
		s.report.Info("now up to %s", describe(limits))
	}
	s.room()
	return changed
}

var holds = map[pgxfer.Hold]string{
	pgxfer.Going: "resumed",
	pgxfer.Soft:  "paused: what runs is finished, nothing new is started",
	pgxfer.Hard:  "paused: what runs is cancelled and rolled back, to be begun again; nothing new is started",
}

func describe(l graph.Limits) string {
	if l.Load == 0 && l.Build == 0 {
		return fmt.Sprintf("%d workers", l.Total)
	}
	return fmt.Sprintf("%d workers: %d to load, %d to build indexes", l.Total, l.Load, l.Build)
}

// kinds are limits as people ask for them. A run that tells no loading from building has only readers.
func kinds(l graph.Limits) pgxfer.Workers {
	if l.Load == 0 && l.Build == 0 {
		return pgxfer.Workers{Read: l.Total}
	}
	return pgxfer.Workers{Load: l.Load, Index: l.Build}
}

// room tells when the server refuses sessions, and when it has room again.
func (s *status) room() {
	fewer, of := s.run.Fewer()
	s.mu.Lock()
	before := s.fewer
	s.fewer = fewer > 0
	s.mu.Unlock()
	switch {
	case fewer > 0 && !before:
		s.report.Warn("%s has no room for more sessions: going on with %d of %d workers", s.where, of-fewer, of)
	case fewer == 0 && before:
		s.report.Info("%s has room for all sessions again", s.where)
	}
}

// waits says what the transfer waits for. The caller holds mu.
func (s *status) waits() string {
	if s.strain.why != "" {
		return s.strain.why
	}
	if fewer, of := s.run.Fewer(); fewer > 0 {
		return fmt.Sprintf("%s has no room for more sessions: %d of %d workers", s.where, of-fewer, of)
	}
	return ""
}

// errHeld is the cause with which a hard pause ends what runs outside of the graph.
var errHeld = errors.New("broken off by a pause")

// unheld does something outside of the graph while nobody holds the transfer. What a hard pause breaks off is cleaned up, and done again.
func (r *restore) unheld(ctx context.Context, do func(context.Context) error, broken func(context.Context)) error {
	control := r.opts.Control
	if control == nil {
		return do(ctx)
	}
	for {
		if err := r.untilGoing(ctx); err != nil {
			return err
		}
		attempt, cancel := context.WithCancelCause(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for {
				wanted, changed := control.State()
				if wanted.Hold == pgxfer.Hard {
					cancel(errHeld)
				}
				select {
				case <-changed:
				case <-attempt.Done():
					return
				}
			}
		}()
		err := do(attempt)
		held := errors.Is(context.Cause(attempt), errHeld)
		cancel(nil)
		<-watched
		if err == nil || !held || ctx.Err() != nil {
			return err
		}
		broken(ctx)
	}
}

// untilGoing returns when nobody holds the transfer.
func (r *restore) untilGoing(ctx context.Context) error {
	for told := false; ; {
		wanted, changed := r.opts.Control.State()
		if wanted.Hold == pgxfer.Going {
			if told {
				r.report.Info("%s", holds[pgxfer.Going])
			}
			return nil
		}
		if !told {
			told = true
			r.report.Info("%s", holds[wanted.Hold])
			r.report.Progress(pgxfer.Progress{Phase: r.stage.Load().(string), Items: r.status.items, Rows: r.status.rows, Paused: true})
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
