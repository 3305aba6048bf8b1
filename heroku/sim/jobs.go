package sim

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// job is a schedule of one-off dynos, as Heroku Scheduler keeps. Maintenance mode does not stop it.
type job struct {
	name   string
	cancel context.CancelFunc
}

// DynoOrder starts or stops dynos that no formation knows: hidden writers.
type DynoOrder struct {
	// Action is start or stop.
	Action string `json:"action"`
	// App is the app's name; empty means the first.
	App string `json:"app,omitempty"`
	// Type is run or scheduler; empty means scheduler.
	Type string `json:"type,omitempty"`
	// Name of the dyno or job to stop. Empty stops all of the type.
	Name string `json:"name,omitempty"`
	// Command the dyno shows.
	Command string `json:"command,omitempty"`
	// For is how long a dyno runs; 0 means until it is stopped.
	For Duration `json:"for,omitempty"`
	// Every makes it a job that starts such a dyno again and again.
	Every Duration `json:"every,omitempty"`
}

// OrderDynos carries out an order and returns the names of the dynos or the job concerned. Dynos
// that are stopped may linger.
func (s *Server) OrderDynos(o DynoOrder) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.App == "" {
		o.App = s.opts.App
	}
	a, found := s.findApp(o.App)
	if !found {
		return nil, fmt.Errorf("there is no app %s", o.App)
	}
	if o.Type == "" {
		o.Type = typeScheduler
	}
	if o.Type != typeRun && o.Type != typeScheduler {
		return nil, fmt.Errorf("dynos of type %s belong to the formation: scale it instead", o.Type)
	}
	if o.Command == "" {
		o.Command = "rake " + o.Type
	}
	switch {
	case o.Action == "stop":
		return s.stopOrdered(a, o), nil
	case o.Action != "start":
		return nil, fmt.Errorf("action %q is neither start nor stop", o.Action)
	case o.Every <= 0:
		return []string{s.startOrdered(a, o).name}, nil
	}
	ctx, cancel := context.WithCancel(s.work.ctx)
	j := &job{name: "job-" + randomHex(4), cancel: cancel}
	s.jobs = append(s.jobs, j)
	s.work.spawn(func(context.Context) {
		for s.opts.Clock.Sleep(ctx, time.Duration(o.Every)) == nil {
			s.mu.Lock()
			s.startOrdered(a, o)
			s.mu.Unlock()
		}
	})
	return []string{j.name}, nil
}

func (s *Server) startOrdered(a *app, o DynoOrder) *dyno {
	d := s.oneOff(a, o.Type, "Standard-1X", o.Command)
	if o.For > 0 {
		s.work.spawn(func(ctx context.Context) {
			if s.opts.Clock.Sleep(ctx, time.Duration(o.For)) == nil {
				s.mu.Lock()
				s.stopProcess(d)
				s.mu.Unlock()
			}
		})
	}
	return d
}

func (s *Server) stopOrdered(a *app, o DynoOrder) []string {
	names := []string{}
	s.jobs = slices.DeleteFunc(s.jobs, func(j *job) bool {
		if o.Name != "" && j.name != o.Name || o.Name == "" && o.Type != typeScheduler {
			return false
		}
		j.cancel()
		names = append(names, j.name)
		return true
	})
	for _, d := range a.dynos {
		if !d.scaled() && d.kind != typeRelease && (d.name == o.Name || o.Name == "" && d.kind == o.Type) {
			s.stopProcess(d)
			names = append(names, d.name)
		}
	}
	return names
}
