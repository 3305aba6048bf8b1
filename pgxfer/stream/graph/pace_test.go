package graph

import (
	"context"
	"sync"
	"testing"
	"time"
)

// paced is a run of 8 workers in which a node of 10 s, followed by one of 1 s, has just begun in slot 0, and its clock.
func paced(t *testing.T, beside ...float64) (r *Run, clock *time.Time, first *Node) {
	t.Helper()
	g := &Graph{}
	first = g.Add(&Node{Name: "first", Cost: 10})
	g.Add(&Node{Name: "after it", Cost: 1}, first)
	for _, cost := range beside {
		g.Add(&Node{Name: "beside", Cost: cost})
	}
	clock = &time.Time{}
	r = New(g, Limits{Total: 8})
	r.Pace, r.Now = true, func() time.Time { return *clock }
	r.ctx = t.Context()
	r.start(0)
	return r, clock, first
}

// start begins the best node, as a worker does.
func (r *Run) start(slot int) {
	r.enough()
	r.begin(r.ctx, slot, r.best())
}

func TestRestTakesNoMoreWorkersThanItNeedsBesideTheNodeThatDecides(t *testing.T) {
	for _, c := range []struct {
		name   string
		beside []float64
		later  func(r *Run, clock *time.Time)
		want   int
	}{
		{name: "a little", beside: []float64{1, 2, 3}, want: 2},
		{name: "nothing", want: 2},
		{name: "nothing, and no time left", later: func(_ *Run, clock *time.Time) { *clock = clock.Add(10 * time.Second) }, want: 8},
		{name: "half as much again", beside: []float64{5, 5, 5}, want: 3},
		{name: "much more", beside: []float64{6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6}, want: 8},
		{name: "another way that is nearly as long", beside: []float64{8, 1}, want: 8},
		{name: "no time left", beside: []float64{1, 2, 3}, later: func(_ *Run, clock *time.Time) { *clock = clock.Add(11 * time.Second) }, want: 8},
		{name: "less time left than it was thought", beside: []float64{1, 1, 1, 1}, later: func(r *Run, clock *time.Time) {
			*clock = clock.Add(2 * time.Second)
			r.Progress(0, 0.5)
		}, want: 4},
		{name: "more time left than it was thought", beside: []float64{1, 1, 1, 1}, later: func(r *Run, clock *time.Time) {
			*clock = clock.Add(9 * time.Second)
			r.Progress(0, 0.1)
		}, want: 2},
		{name: "the rest takes several times its cost", beside: []float64{1, 1, 1, 1}, later: func(r *Run, clock *time.Time) {
			r.start(1)
			*clock = clock.Add(5 * time.Second)
		}, want: 5},
		{name: "the rest took several times its cost", beside: []float64{1, 1, 1, 1}, later: func(r *Run, clock *time.Time) {
			r.start(1)
			*clock = clock.Add(5 * time.Second)
			r.done(r.running[1], nil)
		}, want: 4},
		{name: "something is still to come", beside: []float64{1}, later: func(r *Run, _ *time.Time) { r.gates = 1 }, want: 8},
		{name: "not wanted", beside: []float64{1}, later: func(r *Run, _ *time.Time) { r.Pace = false }, want: 8},
	} {
		r, clock, _ := paced(t, c.beside...)
		if c.later != nil {
			c.later(r, clock)
		}
		if got := r.enough(); got != c.want {
			t.Errorf("%s: %d workers, want %d", c.name, got, c.want)
		}
	}
}

func TestPacedNamesTheNodeThatDecides(t *testing.T) {
	r, clock, first := paced(t, 1, 2)
	if n, workers := r.Paced(); n != first || workers != 2 {
		t.Errorf("%v decides with %d workers, want the first with 2", n, workers)
	}
	*clock = clock.Add(time.Minute)
	if n, workers := r.Paced(); n != nil || workers != 8 {
		t.Errorf("%v decides with %d workers although it should have been done long ago, want nobody with 8", n, workers)
	}
}

// Whoever waits for a turn is woken when the time comes to be done with the rest, although nothing has ended.
func TestHeldBackWorkersComeBackInTime(t *testing.T) {
	g := &Graph{}
	g.Add(&Node{Name: "first", Cost: 10})
	g.Add(&Node{Name: "second", Cost: 2})
	g.Add(&Node{Name: "third", Cost: 1})
	var mu sync.Mutex
	var clock time.Time
	asked, allAsked := 0, make(chan struct{})
	began, end := make(chan string, 3), make(chan struct{})
	r := New(g, Limits{Total: 3})
	r.Pace, r.Now = true, func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 5 { // two workers look for a node and begin it, one looks and waits
			close(allAsked)
		}
		return clock
	}
	r.Do = func(_ context.Context, _ int, n *Node) error {
		began <- n.Name
		<-end
		return nil
	}
	done := make(chan error)
	go func() { done <- r.Wait(t.Context()) }()
	<-began
	<-began
	<-allAsked
	mu.Lock()
	clock = clock.Add(9 * time.Second)
	mu.Unlock()
	r.Paced()
	if name := <-began; name != "third" {
		t.Errorf("%s began, want the third", name)
	}
	close(end)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
