package sim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AddFault puts a fault in force and returns it with its id. Faults of servers take effect before it returns.
func (s *Server) AddFault(ctx context.Context, f Fault) (Fault, error) {
	if err := f.check(); err != nil {
		return f, err
	}
	if f.ID == "" {
		f.ID = "fault-" + randomHex(6)
	}
	f.Seen, f.Struck = 0, 0
	if f.For > 0 {
		f.until = s.now().Add(time.Duration(f.For))
	}
	if err := s.applyFault(ctx, f); err != nil {
		return f, err
	}
	kept := f
	s.faults.add(&kept)
	s.opts.Log("fault %s added: %s %s %s%s", f.ID, f.Kind, f.Method, f.Path, f.Addon)
	if f.For > 0 {
		s.work.spawn(func(ctx context.Context) {
			if s.opts.Clock.Sleep(ctx, time.Duration(f.For)) == nil {
				if _, err := s.RemoveFault(ctx, f.ID); err != nil {
					s.mu.Lock()
					s.problem("end fault %s: %v", f.ID, err)
					s.mu.Unlock()
				}
			}
		})
	}
	return f, nil
}

// RemoveFault takes a fault out of force, or all of them for an empty id, and undoes what it does to a
// server. It returns the faults with their counts.
func (s *Server) RemoveFault(ctx context.Context, id string) ([]Fault, error) {
	removed := s.faults.remove(id)
	var errs []error
	for _, f := range removed {
		errs = append(errs, s.undoFault(ctx, f))
	}
	return removed, errors.Join(errs...)
}

// Faults lists the faults in force.
func (s *Server) Faults() []Fault { return s.faults.list() }

// server is the running database of an add-on.
func (s *Server) server(addon string) (database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.findAddon(addon)
	if !found || d.db == nil || d.state == stateDeprovisioning {
		return nil, fmt.Errorf("there is no database %q with a server", addon)
	}
	return d.db, nil
}

func (s *Server) applyFault(ctx context.Context, f Fault) error {
	switch f.Kind {
	case FaultLag, FaultKill, FaultThrottle:
	default:
		return nil
	}
	db, err := s.server(f.Addon)
	if err != nil {
		return err
	}
	switch f.Kind {
	case FaultLag:
		return db.HoldReplay(ctx, true)
	case FaultKill:
		return db.Kill(ctx)
	default:
		return db.LimitConnections(ctx, f.Connections)
	}
}

// undoFault ends what applyFault did. The database may be gone by now, which is fine.
func (s *Server) undoFault(ctx context.Context, f Fault) error {
	switch f.Kind {
	case FaultLag, FaultKill, FaultThrottle:
	default:
		return nil
	}
	db, err := s.server(f.Addon)
	if err != nil {
		return nil //nolint:nilerr // nothing is left to undo
	}
	switch f.Kind {
	case FaultLag:
		return db.HoldReplay(ctx, false)
	case FaultKill:
		return db.Restart(ctx)
	default:
		return db.LimitConnections(ctx, -1)
	}
}
