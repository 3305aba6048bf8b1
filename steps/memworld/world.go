package memworld

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrDead is what every call gets once the machine of the caller has died in the middle of one.
var ErrDead = errors.New("the machine is dead")

// Moment is one of the two sides of a change.
type Moment int

// The moments. A caller that dies Before has changed nothing; one that dies After has, and does not know.
const (
	Before Moment = iota
	After
)

func (m Moment) String() string { return [...]string{"before", "after"}[m] }

// World is the outside. Its methods are safe for use by many goroutines.
type World struct {
	mu   sync.Mutex
	s    state
	dead bool
	// hook sees every change; see OnChange.
	hook func(Moment, string) error
	// ledger says what the run has written down as its own; see Ledger.
	ledger func(addonID string) bool
	faults map[string][]Fault
}

// state is all there is to remember. It is exported field by field so that encoding/json copies it.
type state struct {
	Apps        map[string]*app
	Addons      []*addon
	Attachments []attachment
	Archives    map[string]*archive
	Machine     machine
	Acked       int64          // writes of the app that were acknowledged: rows 1 to Acked
	Counts      map[string]int // how often something came to be that was not
	Broken      []string
	IDs         int
}

// Setup is what there is before a run begins.
type Setup struct {
	Run    string // token of the run, the one in the names that it chooses
	Apps   []string
	Plan   string
	Majors [2]int // from, to
}

// New is a world with one database, which the given apps use and write to.
func New(s Setup) *World {
	w := &World{s: state{Apps: map[string]*app{}, Archives: map[string]*archive{}, Counts: map[string]int{}, Machine: machine{Name: "i-0abc"}}}
	old := w.add(&addon{Name: "old-" + s.Apps[0], App: s.Apps[0], Plan: s.Plan, Major: s.Majors[0], Tables: 3})
	for _, name := range s.Apps {
		w.s.Apps[name] = &app{ID: w.id(), Name: name, Formation: []process{{"web", 2, "standard-1x"}, {"worker", 1, "standard-2x"}, {"clock", 0, "basic"}}}
		w.s.Attachments = append(w.s.Attachments, attachment{ID: w.id(), Name: databaseName, App: name, Addon: old.ID})
		w.release(w.s.Apps[name], "Deploy 1a2b3c4d")
	}
	return w
}

// Old is the database that there is before the run.
func (w *World) Old() (id, name, plan string) {
	a := w.s.Addons[0]
	return a.ID, a.Name, a.Plan
}

// OnChange is told of every change just before and just after it, with the world locked: it may take a Snapshot by the
// function that it is given and must not call anything else of the world. An error kills the caller: see ErrDead.
func (w *World) OnChange(hook func(m Moment, what string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}

// Ledger is asked before an add-on is destroyed whether the run had written it down as its own.
func (w *World) Ledger(known func(addonID string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger = known
}

// Snapshot is the world as it is now, for Restore.
func (w *World) Snapshot() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot()
}

// SnapshotLocked is Snapshot for an OnChange hook.
func (w *World) SnapshotLocked() []byte { return w.snapshot() }

func (w *World) snapshot() []byte {
	raw, err := json.Marshal(w.s)
	if err != nil {
		panic(err) // the state is ours
	}
	return raw
}

// Restore is a world as Snapshot saw it, for a program that starts on a machine whose processes have all died.
func Restore(snapshot []byte) *World {
	w := &World{}
	if err := json.Unmarshal(snapshot, &w.s); err != nil {
		panic(err)
	}
	for _, a := range w.s.Archives {
		a.Growing = false
	}
	return w
}

// Broken are the promises of a migration that did not hold at some moment, oldest first.
func (w *World) Broken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.s.Broken)
}

// call begins every call: the app does its work, and a dead caller gets no further.
func (w *World) call(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.dead {
		return ErrDead
	}
	w.work()
	return nil
}

// change carries a change out, between the two moments at which its caller may die, and under the faults that were set for
// it. Only what really changes something counts: the caller finds that out.
func (w *World) change(what string, do func()) error {
	fault := w.nextFault(what)
	if fault == Refused {
		return errRefused
	}
	if err := w.moment(Before, what); err != nil {
		return err
	}
	if fault == LostRequest {
		return errNoAnswer
	}
	do()
	w.s.Counts[what]++
	w.watch(what)
	if err := w.moment(After, what); err != nil {
		return err
	}
	if fault == LostReply {
		return errNoAnswer
	}
	return nil
}

func (w *World) moment(m Moment, what string) error {
	if w.hook == nil {
		return nil
	}
	if err := w.hook(m, what); err != nil {
		w.dead = true
		return fmt.Errorf("%w: %w", ErrDead, err)
	}
	return nil
}

// during lets time pass in the middle of a call, with the world unlocked.
func (w *World) during(ctx context.Context, d time.Duration) error {
	w.mu.Unlock()
	defer w.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// id is a UUID, as Heroku's client wants them where something is deleted.
func (w *World) id() string {
	w.s.IDs++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.s.IDs)
}

func (w *World) breach(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(w.s.Broken, text) {
		w.s.Broken = append(w.s.Broken, text)
	}
}

// roleOf is the role in a name that the run has chosen, empty for others.
func roleOf(name string) string {
	for _, role := range []string{"fast-follower", "fast-primary", "final-primary", "final-follower"} {
		if strings.Contains(name, "-mig-") && strings.Contains(name, role) {
			return role
		}
	}
	return ""
}
