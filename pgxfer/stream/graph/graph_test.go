package graph

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// log notes the order in which nodes run.
type log struct {
	mu    sync.Mutex
	names []string
}

func (l *log) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
}

func (l *log) String() string { return strings.Join(l.names, " ") }

// The longest way to the end is started first, even where another node is dearer.
func TestLongestWayFirst(t *testing.T) {
	g := &Graph{}
	g.Add(&Node{Name: "dear", Cost: 5})
	load := g.Add(&Node{Name: "load", Cost: 1})
	g.Add(&Node{Name: "index", Cost: 9}, load)
	weighed := g.Add(&Node{Name: "weighed", Cost: 1})
	g.Weigh(weighed, 100)
	var l log
	r := New(g, Limits{Total: 1})
	r.Do = func(_ context.Context, _ int, n *Node) error {
		l.add(n.Name)
		return nil
	}
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.String() != "weighed load index dear" {
		t.Errorf("ran %s", &l)
	}
}

// What is done in time anyhow leaves room for the node that decides about the end; where there is too much for that, nobody does.
func TestWhatIsNotOnTheLongestWayYields(t *testing.T) {
	for _, c := range []struct {
		name    string
		workers int
		beside  []float64 // costs of what is beside a node of 10 s
		slower  float64   // by yielding
		yields  bool
	}{
		{"done long before", 2, []float64{1, 2, 3}, 1, true},
		{"done just before", 2, []float64{5, 4}, 1, true},
		{"as much as three can do", 3, []float64{5, 5, 5, 5}, 1, true},
		{"too much for two", 2, []float64{5, 5, 5, 5}, 1, false},
		{"nothing decides", 2, []float64{10}, 1, false},
		{"done before although slower", 2, []float64{3, 3}, 1.5, true},
		{"not done before when slower", 2, []float64{5, 4}, 1.5, false},
		{"would decide when slower", 3, []float64{7}, 1.5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Graph{}
			decides := g.Add(&Node{Name: "decides", Cost: 10})
			var other *Node
			for i, cost := range c.beside {
				other = g.Add(&Node{Name: fmt.Sprint("beside ", i), Cost: cost})
			}
			r := New(g, Limits{Total: c.workers})
			if r.Yields(decides, c.slower) {
				t.Error("what decides about the end yields")
			}
			if got := r.Yields(other, c.slower); got != c.yields {
				t.Errorf("the last beside it yields: %t, want %t", got, c.yields)
			}
		})
	}
}

// Whatever the node that decides waits for decides as well.
func TestWhatIsWaitedForDoesNotYield(t *testing.T) {
	g := &Graph{}
	first, second := g.Add(&Node{Name: "first", Cost: 2}), g.Add(&Node{Name: "second", Cost: 1})
	g.Add(&Node{Name: "decides", Cost: 10}, first, second)
	r := New(g, Limits{Total: 4})
	for _, n := range []*Node{first, second} {
		if r.Yields(n, 1.5) {
			t.Errorf("the %s of what is waited for yields", n.Name)
		}
	}
}

// A node that fails takes what depends on it along, and nothing else.
func TestFailure(t *testing.T) {
	g := &Graph{}
	bad := g.Add(&Node{Name: "bad", Cost: 9})
	g.Add(&Node{Name: "after"}, bad)
	g.Add(&Node{Name: "good", Cost: 1})
	var l log
	r := New(g, Limits{Total: 2})
	broken := errors.New("broken")
	r.Do = func(_ context.Context, _ int, n *Node) error {
		if n == bad {
			return broken
		}
		l.add(n.Name)
		return nil
	}
	if err := r.Wait(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if l.String() != "good" {
		t.Errorf("ran %s", &l)
	}
}

// A fatal error ends what runs.
func TestFatal(t *testing.T) {
	g := &Graph{}
	g.Add(&Node{Name: "fatal"})
	g.Add(&Node{Name: "endless"})
	r := New(g, Limits{Total: 2})
	r.Do = func(ctx context.Context, _ int, n *Node) error {
		if n.Name == "fatal" {
			return fmt.Errorf("gone: %w", ErrFatal)
		}
		<-ctx.Done()
		return ctx.Err()
	}
	if err := r.Wait(t.Context()); !errors.Is(err, ErrFatal) {
		t.Errorf("got %v", err)
	}
}

// What cannot be done now comes back, also when it is all there is.
func TestAgain(t *testing.T) {
	g := &Graph{}
	g.Add(&Node{Name: "only"})
	r := New(g, Limits{Total: 1})
	r.Rest = time.Millisecond
	tries := 0
	r.Do = func(context.Context, int, *Node) error {
		if tries++; tries < 4 {
			return ErrAgain
		}
		return nil
	}
	if err := r.Wait(t.Context()); err != nil || tries != 4 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

// What is broken off is begun again, and nothing starts during a pause.
func TestInterrupt(t *testing.T) {
	g := &Graph{}
	first := g.Add(&Node{Name: "first"})
	g.Add(&Node{Name: "second"}, first)
	r := New(g, Limits{Total: 2})
	began := make(chan struct{}, 1)
	var l log
	r.Do = func(ctx context.Context, _ int, n *Node) error {
		l.add(n.Name)
		if n == first && strings.Count(l.String(), "first") == 1 {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	go func() {
		<-began
		r.Pause(true)
		r.Interrupt()
		for {
			r.mu.Lock()
			idle := len(r.running) == 0
			r.mu.Unlock()
			if idle {
				break
			}
			time.Sleep(time.Millisecond)
		}
		l.add("held")
		r.Pause(false)
	}()
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.String() != "first held first second" {
		t.Errorf("ran %s", &l)
	}
}

// A server without room gets no more than fit, and one more now and then; nothing is lost.
func TestNoRoom(t *testing.T) {
	g := &Graph{}
	for range 40 {
		g.Add(&Node{})
	}
	r := New(g, Limits{Total: 8})
	r.Rest = time.Millisecond
	var inside, done atomic.Int64
	r.Do = func(context.Context, int, *Node) error {
		defer inside.Add(-1)
		if n := inside.Add(1); n > 2 {
			return ErrAgain
		}
		time.Sleep(time.Millisecond)
		done.Add(1)
		return nil
	}
	if err := r.Wait(t.Context()); err != nil || done.Load() != 40 {
		t.Errorf("%d done: %v", done.Load(), err)
	}
	if fewer, of := r.Fewer(); fewer < 0 || fewer >= of || of != 8 {
		t.Errorf("%d of %d workers are away", fewer, of)
	}
}

// Gates hold nodes back until they are opened; what was finished before is not done again.
func TestGatesAndResume(t *testing.T) {
	g := &Graph{}
	done := g.Add(&Node{Name: "done"})
	late := g.Add(&Node{Name: "late"}, done)
	g.Gate(late)
	g.Add(&Node{Name: "end"}, late)
	g.Finish(done)
	var l log
	r := New(g, Limits{Total: 2})
	r.Do = func(_ context.Context, _ int, n *Node) error {
		l.add(n.Name)
		return nil
	}
	time.AfterFunc(5*time.Millisecond, func() {
		l.add("open")
		r.Open(late)
		r.Open(late) // once more changes nothing
	})
	if err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.String() != "open late end" {
		t.Errorf("ran %s", &l)
	}
}

func TestCycleIsReported(t *testing.T) {
	g := &Graph{}
	a := g.Add(&Node{Name: "a"})
	b := g.Add(&Node{Name: "b"}, a)
	g.After(a, b)
	r := New(g, Limits{Total: 1})
	r.Do = func(context.Context, int, *Node) error { return nil }
	if err := r.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "wait for each other") {
		t.Errorf("got %v", err)
	}
}

// Whatever the graph, each node runs once, after what it depends on, never beside one whose locks exclude its own, and never more at once
// than allowed.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		g := &Graph{}
		deps := map[*Node][]*Node{}
		var all []*Node
		for i := range 5 + random.IntN(60) {
			n := &Node{Name: fmt.Sprint(i), Cost: random.Float64(), Class: Class(random.IntN(3))}
			for range random.IntN(3) {
				n.Locks = append(n.Locks, Lock{uint32(random.IntN(4)), Mode(random.IntN(8))})
			}
			for range min(random.IntN(3), len(all)) {
				deps[n] = append(deps[n], all[random.IntN(len(all))])
			}
			g.Add(n, deps[n]...)
			all = append(all, n)
		}
		limits := Limits{Total: 1 + random.IntN(5), Load: random.IntN(3), Build: random.IntN(3)}
		var mu sync.Mutex
		ran, at := map[*Node]bool{}, map[*Node]bool{}
		r := New(g, limits)
		r.Pace = seed%2 == 0
		r.Do = func(_ context.Context, slot int, n *Node) error {
			mu.Lock()
			for _, d := range deps[n] {
				if !ran[d] || at[d] {
					t.Errorf("seed %d: %s ran before %s", seed, n.Name, d.Name)
				}
			}
			loads := 0
			for other := range at {
				if !at[other] {
					continue
				}
				if other.Class == Load {
					loads++
				}
				for _, a := range other.Locks {
					for _, b := range n.Locks {
						if a.Table == b.Table && a.Mode.Conflicts(b.Mode) {
							t.Errorf("seed %d: %v and %v at once", seed, a, b)
						}
					}
				}
			}
			if ran[n] || n.Class == Load && limits.Load > 0 && loads >= limits.Load || slot >= limits.Total {
				t.Errorf("seed %d: %s in slot %d beside %d loads, ran %v", seed, n.Name, slot, loads, ran[n])
			}
			ran[n], at[n] = true, true
			mu.Unlock()
			time.Sleep(time.Duration(len(n.Name)) * 10 * time.Microsecond)
			mu.Lock()
			at[n] = false
			mu.Unlock()
			return nil
		}
		if err := r.Wait(t.Context()); err != nil || len(ran) != len(all) {
			t.Errorf("seed %d: ran %d of %d, %v", seed, len(ran), len(all), err)
		}
	}
}
