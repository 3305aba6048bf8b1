package sim

import (
	"context"
	"slices"
	"time"
)

// destroyTime bounds the removal of one cluster.
const destroyTime = 30 * time.Second

// destroyAddon deletes at once. As on Heroku there is no confirmation, and neither being DATABASE nor
// having followers protects a database.
func (s *Server) destroyAddon(r *request) (reply, error) {
	d, err := s.addonOf(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Force bool `json:"force"`
	}
	if err := r.decode(&in); err != nil {
		return reply{}, err
	}
	if d.state == stateDeprovisioning {
		return accepted(s.addonJSON(r, d)), nil
	}
	if !in.Force {
		for _, at := range s.attachmentsOf(d) {
			if at.app != d.app {
				return reply{}, unprocessable("%s is attached to app %s. Use force to destroy it anyway.", d.name, at.app.name)
			}
		}
	}
	s.opts.Log("app %s: add-on %s is being destroyed", d.app.name, d.name)
	d.state, d.available, d.updated = stateDeprovisioning, false, s.now()
	if d.cancel != nil {
		d.cancel()
	}
	for _, at := range s.attachmentsOf(d) {
		s.detach(at)
	}
	for _, f := range s.addons {
		if f.leader == d {
			f.leader = nil // an orphan: it follows an address where nobody is
		}
	}
	j := s.addonJSON(r, d)
	s.work.spawn(func(ctx context.Context) { s.removeAddon(ctx, d) })
	return accepted(j), nil
}

// removeAddon takes the database away and, a while later, every trace of the add-on.
func (s *Server) removeAddon(ctx context.Context, d *addon) {
	<-d.ready // the provisioning was cancelled before
	s.mu.Lock()
	db := d.db
	s.mu.Unlock()
	if db != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime)
		err := db.Destroy(end)
		cancel()
		if err != nil {
			s.mu.Lock()
			s.problem("destroy the cluster of %s: %v", d.name, err)
			s.mu.Unlock()
		}
	}
	_ = s.opts.Clock.Sleep(ctx, s.opts.Delays.AddonGone)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addons = slices.DeleteFunc(s.addons, func(o *addon) bool { return o == d })
	s.opts.Log("add-on %s is gone", d.name)
}
