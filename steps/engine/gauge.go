package engine

import (
	"context"
	"time"

	"changeover/steps"
)

const (
	samplesKept   = 100
	samplesFor    = 5 * time.Minute
	sampleTimeout = 15 * time.Second
)

// gauge is what is known of the lag of one follower. It lives in memory only.
type gauge struct {
	view    steps.FollowerView
	history []sample
}

type sample struct {
	at    time.Time
	bytes int64
}

// followers are the roles that follow somebody, in order.
func followers() []steps.Role {
	var roles []steps.Role
	for _, role := range steps.Roles {
		if role.Leader() != "" {
			roles = append(roles, role)
		}
	}
	return roles
}

// startLoops starts what runs beside the steps.
func (e *Engine) startLoops() {
	if e.o.Sample != nil {
		for _, role := range followers() {
			e.loops.Go(func() { e.sampleLoop(role) })
		}
	}
	if e.o.WatchFence != nil {
		e.loops.Go(e.watchFence)
	}
	if e.o.WatchLeft != nil {
		e.loops.Go(e.watchLeft)
	}
	if e.o.ReadWorld != nil {
		e.loops.Go(e.watchDrift)
	}
	if e.o.CountLoss != nil {
		e.loops.Go(e.countLoss)
	}
	if e.o.Card != nil {
		e.loops.Go(e.keepCard)
	}
}

// every calls do at once and then again and again until the engine closes.
func (e *Engine) every(pause time.Duration, do func(ctx context.Context)) {
	for e.base.Err() == nil {
		do(e.base)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-e.base.Done():
			timer.Stop()
		}
	}
}

// sampleLoop measures one follower for as long as it exists. Each follower has its own loop, so that a server that
// does not answer freezes no other gauge.
func (e *Engine) sampleLoop(role steps.Role) {
	e.every(e.o.SampleEvery, func(ctx context.Context) {
		look := e.look()
		if db, ok := steps.FactDatabase(role).Get(look.Facts()); !ok || !db.Alive() {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
		defer cancel()
		var view steps.FollowerView
		err := guarded(func() (err error) { view, err = e.o.Sample(ctx, look, role); return err })
		if e.base.Err() == nil {
			e.keepSample(role, view, err)
		}
	})
}

// keepSample stores a measurement. After a failed one the old numbers stay, with their age and the problem.
func (e *Engine) keepSample(role steps.Role, view steps.FollowerView, err error) {
	problem := ""
	if err != nil {
		problem = e.clean(err.Error())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.gauges[role]
	if g == nil {
		g = &gauge{view: steps.FollowerView{Role: role}}
		e.gauges[role] = g
	}
	if err != nil {
		g.view.Problem, g.view.CaughtUp = problem, false
	} else {
		view.Role = role
		if view.SampledAt.IsZero() {
			view.SampledAt = e.o.Now()
		}
		g.view = view
		g.add(view)
	}
	e.hub.touch(soon)
}

func (g *gauge) add(view steps.FollowerView) {
	if view.Bytes != nil {
		g.history = append(g.history, sample{view.SampledAt, *view.Bytes})
	}
	for len(g.history) > samplesKept || len(g.history) > 0 && view.SampledAt.Sub(g.history[0].at) > samplesFor {
		g.history = g.history[1:]
	}
}

// followerViews are the gauges of all followers, those that do not exist included. The caller holds mu.
func (e *Engine) followerViews(facts *steps.Facts) []steps.FollowerView {
	var views []steps.FollowerView
	for _, role := range followers() {
		db, ok := steps.FactDatabase(role).Get(facts)
		view := steps.FollowerView{Role: role, State: "not created"}
		switch {
		case ok && db.Alive():
			view.State = "provisioning"
			if g := e.gauges[role]; g != nil {
				view = g.view
				for _, s := range g.history {
					view.History = append(view.History, s.bytes)
				}
			}
		case ok && !db.Destroyed.IsZero():
			view.State = "destroyed"
		}
		view.Name = firstText(view.Name, db.Name)
		views = append(views, view)
	}
	return views
}
