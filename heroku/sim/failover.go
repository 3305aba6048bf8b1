package sim

import (
	"context"
	"fmt"
)

// Failover lets the hidden standby of a database take over, as Heroku does after a failure: every session ends, the
// server is away for a moment, and each attached app gets a release. The address stays, because one machine has only
// one localhost; Heroku's changes.
func (s *Server) Failover(addon string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.findAddon(addon)
	switch {
	case !found || d.db == nil || !d.available:
		return fmt.Errorf("there is no database %q with a server", addon)
	case !d.plan.highlyAvailable():
		return fmt.Errorf("plan %s of %s has no hidden standby", d.plan.name, d.name)
	case d.failingOver:
		return fmt.Errorf("%s is failing over already", d.name)
	}
	d.failingOver = true
	s.opts.Log("add-on %s fails over", d.name)
	s.work.spawn(func(ctx context.Context) {
		_ = d.db.Kill(ctx)
		err := d.db.Restart(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		d.failingOver = false
		if err != nil {
			s.problem("failover of %s: %v", d.name, err)
			return
		}
		for _, at := range s.attachmentsOf(d) {
			s.release(at.app, releaseSpec{description: "Update " + at.name + " by heroku-postgresql"})
		}
	})
	return nil
}

func (s *Server) controlFailover(r *request) (reply, error) {
	var in struct {
		Addon string `json:"addon"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if err := s.Failover(in.Addon); err != nil {
		return reply{}, controlError(err)
	}
	return accepted(in), nil
}
