package sim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// connectionCap keeps the connection limits of large plans within what a small machine can serve.
const connectionCap = 120

// provision makes the database of an add-on, waits out the configured time, and tells the world.
func (s *Server) provision(ctx context.Context, d *addon) {
	db, err := s.makeDatabase(ctx, d)
	if err == nil {
		s.mu.Lock()
		d.db = db
		rest := d.created.Add(s.opts.Delays.Provision).Sub(s.now())
		s.mu.Unlock()
		err = s.opts.Clock.Sleep(ctx, max(rest, 0))
	}
	var seen facts
	if err == nil {
		seen, err = db.Facts(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.state == stateDeprovisioning || errors.Is(ctx.Err(), context.Canceled) {
		return // destroyed while it was made; the destroyer cleans up
	}
	if err == nil && s.faults.endsDeprovisioned(d) {
		err = errors.New("scripted fault")
	}
	d.updated = s.now()
	if err != nil {
		s.problem("add-on %s is not provisioned: %v", d.name, err)
		s.failProvisioning(d)
		return
	}
	d.sample = sample{facts: seen, at: s.now()}
	s.becomeAvailable(d)
}

// failProvisioning leaves an add-on as one that Heroku gave up on: its record stays, its attachments and
// its server go.
func (s *Server) failProvisioning(d *addon) {
	d.state, d.failure = stateDeprovisioned, "provisioning failed"
	for _, at := range s.attachmentsOf(d) {
		s.detach(at)
	}
	db := d.db
	d.db = nil
	if db == nil {
		return
	}
	s.work.spawn(func(ctx context.Context) {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime)
		defer cancel()
		if err := db.Destroy(end); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.problem("destroy the cluster of %s: %v", d.name, err)
		}
	})
}

// makeDatabase makes an empty database, a follower, or a fork: a follower promoted before anybody sees it.
func (s *Server) makeDatabase(ctx context.Context, d *addon) (database, error) {
	s.mu.Lock()
	spec := databaseSpec{name: d.name, major: d.major, access: d.access, connections: min(d.plan.connections, connectionCap)}
	leader, fork := d.leader, d.forkedFrom != ""
	var source database
	if leader != nil {
		source = leader.db
	}
	s.mu.Unlock()
	if leader == nil {
		return s.databases.Create(ctx, spec)
	}
	db, err := s.databases.Follow(ctx, source, spec)
	if err != nil || !fork {
		return db, err
	}
	if err := db.Promote(ctx); err != nil {
		return nil, errors.Join(err, db.Destroy(context.WithoutCancel(ctx)))
	}
	s.mu.Lock()
	d.leader, d.following = nil, ""
	s.mu.Unlock()
	return db, nil
}

// becomeAvailable publishes a database that is up: state, config vars through a release, and the time
// from which it can be followed.
func (s *Server) becomeAvailable(d *addon) {
	d.state, d.available = stateProvisioned, true
	d.forkFollowAt = s.now().Add(s.opts.Delays.ForkFollowUnavailable)
	d.credentials = []*credential{newDefaultCredential(d.access)}
	if d.leader != nil {
		d.credentials = nil
		for _, c := range d.leader.credentials {
			own := *c
			d.credentials = append(d.credentials, &own)
		}
	}
	for _, at := range s.attachmentsOf(d) {
		s.release(at.app, releaseSpec{
			description: fmt.Sprintf("@ref:%s completed provisioning, setting %s.", d.name, at.varName()),
			changes:     []varChange{{name: at.varName(), set: at}},
		})
	}
	s.opts.Log("add-on %s is available on port %d", d.name, d.port())
}

// seedApp makes the app and its old primary, with data and without any of the delays.
func (s *Server) seedApp(ctx context.Context) error {
	p, _ := planNamed(s.opts.Plan)
	s.mu.Lock()
	a, err := s.newApp(s.opts.App, nil)
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("app %s: %w", s.opts.App, err)
	}
	if p.inSpace() {
		a.space = &space{ID: newID(), Name: a.name + "-space", Shield: p.tier == "shield"}
	}
	d := &addon{
		id: newID(), name: newAddonName(), app: a, plan: p, state: stateProvisioning, created: s.now(), updated: s.now(),
		major: s.databases.Versions()[0], access: newAccess(), ready: make(chan struct{}), settings: newSettings(), upkeep: newUpkeep(),
	}
	if s.opts.OldPrimary.Major != 0 {
		d.major = s.opts.OldPrimary.Major
	}
	s.addons = append(s.addons, d)
	s.mu.Unlock()
	close(d.ready)

	db, err := s.makeDatabase(ctx, d)
	if err != nil {
		return fmt.Errorf("make the old primary: %w", err)
	}
	started := time.Now()
	if err := db.Seed(ctx, s.opts.Size, s.opts.Seed); err != nil {
		return fmt.Errorf("fill the old primary: %w", err)
	}
	seen, err := db.Facts(ctx)
	if err != nil {
		return fmt.Errorf("look at the old primary: %w", err)
	}
	s.opts.Log("filled the old primary with %s in %s", humanBytes(seen.Bytes), time.Since(started).Round(time.Millisecond))

	s.mu.Lock()
	defer s.mu.Unlock()
	d.db, d.sample = db, sample{facts: seen, at: s.now()}
	at, err := s.plannedAttachment(a, d, "DATABASE", "", "")
	if err != nil {
		return err
	}
	s.attach(at)
	colour, err := s.plannedAttachment(a, d, "", "", "")
	if err != nil {
		return err
	}
	s.attach(colour)
	s.becomeAvailable(d)
	d.forkFollowAt = s.now()
	// The formation comes last, so that the first dynos start with the database in their environment.
	for _, p := range s.opts.Formation {
		a.formation = append(a.formation, &process{id: newID(), Process: p, created: s.now(), updated: s.now()})
	}
	s.reconcile(a)
	return nil
}
