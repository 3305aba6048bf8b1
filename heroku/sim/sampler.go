package sim

import (
	"context"
	"errors"
	"time"
)

// lookTime bounds one look at one server.
const lookTime = 10 * time.Second

// keepSampling refreshes the numbers that database info serves, and lets the autoscalers act.
func (s *Server) keepSampling(ctx context.Context) {
	for s.opts.Clock.Sleep(ctx, s.opts.SampleEvery) == nil {
		s.sampleAll(ctx)
		s.mu.Lock()
		s.autoscale()
		s.mu.Unlock()
	}
}

// sampleAll looks at every server. Leaders come first, in the order of creation, so that a follower is never
// seen ahead of its leader.
func (s *Server) sampleAll(ctx context.Context) {
	type target struct {
		d  *addon
		db database
	}
	var targets []target
	s.mu.Lock()
	for _, d := range s.addons {
		if d.db != nil && d.available {
			targets = append(targets, target{d, d.db})
		}
	}
	s.mu.Unlock()
	for _, t := range targets {
		look, cancel := context.WithTimeout(ctx, lookTime)
		seen, err := t.db.Facts(look)
		cancel()
		if errors.Is(ctx.Err(), context.Canceled) {
			return
		}
		s.mu.Lock()
		// A server that does not answer keeps its last numbers: they are what Heroku would still show.
		if err == nil {
			t.d.sample = sample{facts: seen, at: s.now()}
		} else if t.d.available && !t.d.down {
			s.opts.Log("add-on %s does not answer: %v", t.d.name, err)
		}
		t.d.down = err != nil
		s.mu.Unlock()
	}
}
