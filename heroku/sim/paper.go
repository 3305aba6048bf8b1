package sim

import (
	"context"
	"slices"
	"sync"
)

// paperServer keeps databases in its books only: nobody listens on their ports. It is for tests of everything
// around PostgreSQL, where a server would only cost time.
type paperServer struct {
	mu   sync.Mutex
	port int
	all  []*paperDatabase
}

func (f *paperServer) Versions() []int { return []int{17, 15} }

func (f *paperServer) Create(_ context.Context, spec databaseSpec) (database, error) {
	return f.make(spec, nil), nil
}

func (f *paperServer) Follow(_ context.Context, leader database, spec databaseSpec) (database, error) {
	return f.make(spec, leader.(*paperDatabase)), nil
}

func (f *paperServer) make(spec databaseSpec, leader *paperDatabase) *paperDatabase {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.port++
	d := &paperDatabase{port: 40000 + f.port, major: spec.major, facts: facts{Transaction: 1000, Bytes: 8 << 20, Tables: 3, InRecovery: leader != nil}}
	f.all = append(f.all, d)
	return d
}

func (f *paperServer) Close(context.Context) error { return nil }

// paperDatabase notes what was asked of it.
type paperDatabase struct {
	mu    sync.Mutex
	port  int
	major int
	facts facts
	asked []string
	gone  bool
}

// Asked is what was done to the database so far, in order. It stands in Status for what a server would show.
func (d *paperDatabase) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

func (d *paperDatabase) note(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, what)
	return nil
}

func (d *paperDatabase) set(change func(*facts)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.facts)
}

func (d *paperDatabase) Port() int { return d.port }

func (d *paperDatabase) Version() string {
	if d.major == 15 {
		return "15.20"
	}
	return "17.2"
}

func (d *paperDatabase) Seed(context.Context, int64, int64) error { return d.note("seed") }

func (d *paperDatabase) Facts(context.Context) (facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts, nil
}

func (d *paperDatabase) Promote(context.Context) error {
	d.set(func(f *facts) { f.InRecovery = false })
	return d.note("promote")
}

func (d *paperDatabase) HoldReplay(_ context.Context, hold bool) error {
	if hold {
		return d.note("hold replay")
	}
	return d.note("resume replay")
}

func (d *paperDatabase) ResetConnections(context.Context) error { return d.note("reset connections") }

func (d *paperDatabase) LimitConnections(context.Context, int) error {
	return d.note("limit connections")
}

func (d *paperDatabase) AddRole(context.Context, string, secret) error { return d.note("add role") }

func (d *paperDatabase) SetPassword(context.Context, string, secret) error {
	return d.note("set password")
}

func (d *paperDatabase) Empty(context.Context) error { return d.note("empty") }

func (d *paperDatabase) Kill(context.Context) error { return d.note("kill") }

func (d *paperDatabase) Restart(context.Context) error { return d.note("restart") }

func (d *paperDatabase) Process() processFacts { return processFacts{} }

func (d *paperDatabase) Destroy(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	return nil
}
