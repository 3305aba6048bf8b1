package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The types of dynos that no formation scales.
const (
	typeRelease   = "release"
	typeRun       = "run"
	typeScheduler = "scheduler"
)

// dyno is one running process.
type dyno struct {
	id, name, kind, size, command string
	app                           *app
	state                         string
	release                       int // version of the release it started with
	created, updated              time.Time
	linger                        time.Duration
	process                       string // what its writes are known by

	stopping bool
	// replaced is set on a process that lingers while its restarted successor has its place in lists.
	replaced bool
	stop     chan struct{} // closed at SIGTERM
	gone     chan struct{} // closed when the process has ended
}

// scaled says whether the formation decides about the dyno.
func (d *dyno) scaled() bool {
	return d.kind != typeRun && d.kind != typeScheduler && d.kind != typeRelease
}

// startDyno starts a process. With after set it waits for that process to end first: two processes of
// one name never write at the same time.
func (s *Server) startDyno(a *app, kind, name, size, command string, after *dyno) *dyno {
	d := &dyno{
		id: newID(), name: name, kind: kind, size: size, command: command, app: a, state: "starting",
		release: a.version(), created: s.now(), updated: s.now(), linger: s.opts.Delays.DynoStop,
		stop: make(chan struct{}), gone: make(chan struct{}), process: name,
	}
	// Not all processes take as long to end: the first, third and so on take half the time.
	if odd := (name[len(name)-1]-'0')%2 == 1; odd {
		d.linger /= 2
	}
	a.dynos = append(a.dynos, d)
	if !s.work.spawn(func(ctx context.Context) { s.runDyno(ctx, d, after) }) {
		close(d.gone)
	}
	return d
}

// stopProcess sends SIGTERM.
func (s *Server) stopProcess(d *dyno) {
	if !d.stopping {
		d.stopping, d.updated = true, s.now()
		close(d.stop)
	}
}

// runDyno is the life of a process: wait for its predecessor, boot, read the environment once, write
// until SIGTERM and a little longer, end.
func (s *Server) runDyno(ctx context.Context, d *dyno, after *dyno) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.app.dynos = slices.DeleteFunc(d.app.dynos, func(o *dyno) bool { return o == d })
		close(d.gone)
	}()
	if after != nil {
		select {
		case <-after.gone:
		case <-ctx.Done():
			return
		}
	}
	url, up := s.boot(ctx, d)
	if !up {
		return
	}
	finished, lingering := make(chan struct{}), sync.WaitGroup{}
	lingering.Go(func() {
		defer close(finished)
		select {
		case <-d.stop:
			_ = s.opts.Clock.Sleep(ctx, d.linger)
		case <-ctx.Done():
		}
	})
	if !s.opts.Writers.Off {
		s.newWriter(d, url).run(ctx, finished)
	}
	lingering.Wait()
}

// boot starts a process up, unless it is stopped before, and returns the database it was given.
func (s *Server) boot(ctx context.Context, d *dyno) (url secret, up bool) {
	boot, cancel := context.WithCancel(ctx)
	watching := sync.WaitGroup{}
	watching.Go(func() {
		select {
		case <-d.stop:
			cancel()
		case <-boot.Done():
		}
	})
	err := s.opts.Clock.Sleep(boot, s.opts.Delays.DynoStart)
	cancel()
	watching.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || d.stopping {
		return "", false
	}
	d.state, d.release, d.updated = "up", d.app.version(), s.now()
	return secret(d.app.environment()["DATABASE_URL"]), true
}

// reconcile starts and stops dynos until they are what the formation says.
func (s *Server) reconcile(a *app) {
	for _, p := range a.formation {
		if p.Type == typeRelease {
			continue
		}
		for i := 1; i <= p.Quantity; i++ {
			name := fmt.Sprintf("%s.%d", p.Type, i)
			current := a.running(name)
			if current != nil && !current.stopping {
				continue
			}
			if current != nil {
				current.replaced = true
			}
			s.startDyno(a, p.Type, name, p.Size, p.Command, current)
		}
	}
	for _, d := range a.dynos {
		if d.scaled() && !a.wants(d) {
			s.stopProcess(d)
		}
	}
}

// running is the process with a name that lists show, or nil.
func (a *app) running(name string) *dyno {
	for _, d := range a.dynos {
		if d.name == name && !d.replaced {
			return d
		}
	}
	return nil
}

// wants says whether the formation has a place for d.
func (a *app) wants(d *dyno) bool {
	p, found := a.process(d.kind)
	if !found {
		return false
	}
	var n int
	_, err := fmt.Sscanf(strings.TrimPrefix(d.name, d.kind+"."), "%d", &n)
	return err == nil && n <= p.Quantity
}

// restartDynos replaces the processes that match and that the formation wants. One-off and scheduler
// dynos are never restarted: they keep the environment they started with.
func (s *Server) restartDynos(a *app, match func(*dyno) bool) {
	for _, d := range slices.Clone(a.dynos) {
		if d.replaced || !d.scaled() || !match(d) || !a.wants(d) {
			continue
		}
		p, _ := a.process(d.kind)
		d.replaced = true
		if d.kind == "web" && a.features["preboot"] {
			s.preboot(a, d, p)
			continue
		}
		s.stopProcess(d)
		s.startDyno(a, d.kind, d.name, p.Size, p.Command, d)
	}
}

// oneOff starts a dyno outside the formation.
func (s *Server) oneOff(a *app, kind, size, command string) *dyno {
	a.oneOffs++
	return s.startDyno(a, kind, fmt.Sprintf("%s.%d", kind, 1000+a.oneOffs), size, command, nil)
}
