package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"changeover/steps"
)

// world is the outside: things that exist or do not, and a network that loses questions and answers.
type world struct {
	mu       sync.Mutex
	things   map[string]*thing
	sends    map[string]int
	changes  map[string]int // how often a thing came to be what was asked
	faults   map[string][]fault
	violated []string
}

// thing is something an effect brings about.
type thing struct {
	here    bool
	hidden  int // probes that still answer "absent"
	pending int // probes that then answer "pending"
}

// fault is what happens to one request.
type fault int

const (
	lostReply   fault = iota // it happens, and nobody hears of it
	lostRequest              // it does not happen, and nobody hears of that
	falseYes                 // it is acknowledged and does not happen
	saysNo                   // it is refused
	panics                   // the code that sends it has a bug
)

var errNo = errors.New("422 invalid")

func newWorld() *world {
	return &world{things: map[string]*thing{}, sends: map[string]int{}, changes: map[string]int{}, faults: map[string][]fault{}}
}

func (w *world) thing(name string) *thing {
	if w.things[name] == nil {
		w.things[name] = &thing{}
	}
	return w.things[name]
}

// break queues faults for the next requests of an effect.
func (w *world) fail(name string, faults ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[name] = append(w.faults[name], faults...)
}

// set makes a thing be or not be, behind everybody's back.
func (w *world) set(name string, here bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thing(name).here = here
}

// apply lets a request that was on its way arrive, or with undo takes back one that seemed to.
func (w *world) apply(key string, undo bool) {
	verb, name, _ := strings.Cut(key, " ")
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.thing(name)
	want := (verb == "make") != undo
	if t.here == want {
		return
	}
	t.here, t.hidden, t.pending = want, 0, 0
	if undo {
		w.changes[key]--
	} else {
		w.changes[key]++
	}
}

func (w *world) sent(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sends[name]
}

func (w *world) totalSent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	total := 0
	for _, n := range w.sends {
		total += n
	}
	return total
}

func (w *world) violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violated)
}

// present lists what exists.
func (w *world) present() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(w.things)) {
		if w.things[name].here {
			names = append(names, name)
		}
	}
	return names
}

// fakeEffect makes a thing be here, or not when gone is set.
type fakeEffect struct {
	w       *world
	name    string
	class   steps.Class
	gone    bool
	hidden  int
	pending int
	precheck,
	during func(ctx context.Context) error
}

func (f fakeEffect) Key() string {
	if f.gone {
		return "remove " + f.name
	}
	return "make " + f.name
}

func (f fakeEffect) Plan() steps.Plan {
	return steps.Plan{Action: f.Key(), Command: "heroku " + f.Key()}
}
func (f fakeEffect) Class() steps.Class { return f.class }

func (f fakeEffect) Precheck(ctx context.Context) error {
	if f.precheck != nil {
		return f.precheck(ctx)
	}
	return nil
}

func (f fakeEffect) Do(ctx context.Context) error {
	if f.during != nil {
		if err := f.during(ctx); err != nil {
			return err
		}
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.sends[f.Key()]++
	next := fault(-1)
	if queue := f.w.faults[f.Key()]; len(queue) > 0 {
		next, f.w.faults[f.Key()] = queue[0], queue[1:]
	}
	t := f.w.thing(f.name)
	already := t.here != f.gone
	if already && f.class == steps.OneWay {
		f.w.violated = append(f.w.violated, "one-way effect sent although it had happened: "+f.Key())
	}
	switch next {
	case saysNo:
		return errNo
	case panics:
		panic("boom")
	case falseYes:
		return nil
	case lostRequest:
		return fmt.Errorf("no answer: %w", steps.ErrUnknownOutcome)
	}
	if already && f.class == steps.Named {
		return errors.New("name is already taken")
	}
	if !already {
		t.here, t.hidden, t.pending = !f.gone, f.hidden, f.pending
		f.w.changes[f.Key()]++
	}
	if next == lostReply {
		return fmt.Errorf("no answer: %w", steps.ErrUnknownOutcome)
	}
	return nil
}

func (f fakeEffect) Probe(ctx context.Context) (steps.Observation, error) {
	if err := ctx.Err(); err != nil {
		return steps.Observation{}, err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	t := f.w.thing(f.name)
	switch {
	case t.here == f.gone:
		return steps.Observation{Seen: steps.Absent, Detail: "404"}, nil
	case t.hidden > 0:
		t.hidden--
		return steps.Observation{Seen: steps.Absent, Detail: "404 for a while"}, nil
	case t.pending > 0:
		t.pending--
		return steps.Observation{Seen: steps.Pending, Detail: "provisioning"}, nil
	default:
		return steps.Observation{Seen: steps.Present, Detail: f.name + " as wanted"}, nil
	}
}

// fakeStep is a step made of functions; the missing ones say yes.
type fakeStep struct {
	number     int
	ready      func(v steps.Look) error
	confirm    steps.Confirmation
	check      func(ctx context.Context, env *steps.Env) error
	run        func(ctx context.Context, env *steps.Env) error
	verify     func(ctx context.Context, env *steps.Env) (string, error)
	rollback   func(ctx context.Context, env *steps.Env) error
	noRollback error
	before     int // the step that must not have been started when this one is rolled back
}

func (s *fakeStep) Number() int   { return s.number }
func (s *fakeStep) Name() string  { return fmt.Sprintf("Step %d", s.number) }
func (s *fakeStep) Title() string { return fmt.Sprintf("The step %d", s.number) }

func (s *fakeStep) Ready(v steps.Look) error {
	if s.ready != nil {
		return s.ready(v)
	}
	return nil
}
func (s *fakeStep) Explain(steps.Look) steps.Explanation  { return steps.Explanation{Undo: "yes"} }
func (s *fakeStep) Confirm(steps.Look) steps.Confirmation { return s.confirm }

func (s *fakeStep) Check(ctx context.Context, env *steps.Env) error {
	if s.check != nil {
		return s.check(ctx, env)
	}
	return nil
}

func (s *fakeStep) Run(ctx context.Context, env *steps.Env) error {
	if s.run != nil {
		return s.run(ctx, env)
	}
	return nil
}

func (s *fakeStep) Verify(ctx context.Context, env *steps.Env) (string, error) {
	if s.verify != nil {
		return s.verify(ctx, env)
	}
	return "seen", nil
}

func (s *fakeStep) CanRollback(v steps.Look) error {
	if s.before > 0 && !slices.Contains([]steps.State{steps.Locked, steps.Ready, steps.RolledBack}, v.StepState(s.before)) {
		return fmt.Errorf("roll step %d back first", s.before)
	}
	return s.noRollback
}

func (s *fakeStep) ConfirmRollback(steps.Look) steps.Confirmation { return steps.Confirmation{} }

func (s *fakeStep) Rollback(ctx context.Context, env *steps.Env) error {
	if s.rollback != nil {
		return s.rollback(ctx, env)
	}
	return nil
}

// after is a Ready that wants another step done.
func after(number int) func(v steps.Look) error {
	return func(v steps.Look) error {
		if v.StepState(number) != steps.Done {
			return fmt.Errorf("step %d must be done first", number)
		}
		return nil
	}
}
