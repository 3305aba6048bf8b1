package sim

import (
	"context"
	"sync"
	"time"
)

// fakeServer is a databaseServer without PostgreSQL, for tests of everything around it.
type fakeServer struct {
	mu   sync.Mutex
	port int
	all  []*fakeDatabase
}

func (f *fakeServer) Versions() []int { return []int{17, 15} }

func (f *fakeServer) Create(_ context.Context, spec databaseSpec) (database, error) {
	return f.make(spec, nil), nil
}

func (f *fakeServer) Follow(_ context.Context, leader database, spec databaseSpec) (database, error) {
	return f.make(spec, leader.(*fakeDatabase)), nil
}

func (f *fakeServer) make(spec databaseSpec, leader *fakeDatabase) *fakeDatabase {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.port++
	d := &fakeDatabase{port: 40000 + f.port, major: spec.major, facts: facts{Transaction: 1000, Bytes: 8 << 20, Tables: 3, InRecovery: leader != nil}}
	f.all = append(f.all, d)
	return d
}

func (f *fakeServer) Close(context.Context) error { return nil }

// fakeDatabase notes what was asked of it.
type fakeDatabase struct {
	mu    sync.Mutex
	port  int
	major int
	facts facts
	asked []string
	gone  bool
}

func (d *fakeDatabase) note(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, what)
	return nil
}

func (d *fakeDatabase) set(change func(*facts)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.facts)
}

func (d *fakeDatabase) Port() int { return d.port }

func (d *fakeDatabase) Version() string {
	if d.major == 15 {
		return "15.20"
	}
	return "17.2"
}

func (d *fakeDatabase) Seed(context.Context, int64, int64) error { return d.note("seed") }

func (d *fakeDatabase) Facts(context.Context) (facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts, nil
}

func (d *fakeDatabase) Promote(context.Context) error {
	d.set(func(f *facts) { f.InRecovery = false })
	return d.note("promote")
}

func (d *fakeDatabase) HoldReplay(_ context.Context, hold bool) error {
	if hold {
		return d.note("hold replay")
	}
	return d.note("resume replay")
}

func (d *fakeDatabase) ResetConnections(context.Context) error { return d.note("reset connections") }

func (d *fakeDatabase) LimitConnections(context.Context, int) error {
	return d.note("limit connections")
}

func (d *fakeDatabase) AddRole(context.Context, string, secret) error { return d.note("add role") }

func (d *fakeDatabase) SetPassword(context.Context, string, secret) error {
	return d.note("set password")
}

func (d *fakeDatabase) Empty(context.Context) error { return d.note("empty") }

func (d *fakeDatabase) Kill(context.Context) error { return d.note("kill") }

func (d *fakeDatabase) Restart(context.Context) error { return d.note("restart") }

func (d *fakeDatabase) Process() processFacts { return processFacts{} }

func (d *fakeDatabase) Destroy(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	return nil
}

// handClock stands still until it is moved.
type handClock struct {
	mu    sync.Mutex
	at    time.Time
	moved chan struct{}
}

func newHandClock() *handClock {
	return &handClock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), moved: make(chan struct{})}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	until := c.Now().Add(d)
	for {
		c.mu.Lock()
		over, moved := !c.at.Before(until), c.moved
		c.mu.Unlock()
		if over {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

// advance moves the clock and wakes everybody whose time has come.
func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}
