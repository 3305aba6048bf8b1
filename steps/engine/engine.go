package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

// ErrRunning means that another engine serves this run.
var ErrRunning = errors.New("an engine for this run is already at work")

// Why runners are cancelled.
var (
	errClosing  = errors.New("the engine is shutting down")
	errRollback = errors.New("the step is being rolled back")
	errBail     = errors.New("production is being brought back on old-primary")
	errJournal  = errors.New("the journal can no longer be written")
)

// Engine runs one run.
type Engine struct {
	o       Options
	journal *journal.Journal
	lock    interface{ Close() error }
	hub     hub
	log     logFile

	base     context.Context // ends when the engine closes
	stop     context.CancelCauseFunc
	hard     context.Context // ends when Close ran out of patience: requests in flight are cut
	cut      context.CancelFunc
	work     sync.WaitGroup // runners
	loops    sync.WaitGroup // samplers, the fence watch
	named    chan struct{}  // held while an add-on is being created
	finished chan struct{}  // holds a token when a step has finished since the world was looked at
	facts    chan struct{}  // holds a token when facts have changed since the card was made
	done     chan struct{}  // closed when all steps are done
	closed   sync.Once

	looking sync.Mutex // held while the world is looked at; guards blind and benign
	blind   string     // why that failed last
	benign  []string   // what was found last and is no reason to stop

	control pgxfer.Control // of transfers; it does what state says

	mu       sync.Mutex
	state    *state
	dead     error // why nothing is journaled any more
	runners  map[int]*runner
	gate     chan struct{} // closed and replaced whenever pause or a runner's fate may have changed
	gauges   map[steps.Role]*gauge
	loss     string                   // what the lossy path would lose, as counted last
	progress map[int]*pgxfer.Progress // the latest of each step; a finished transfer stays on the screen
	driver   *steps.Operator
	watching int
	notices  []string // what the machine's owner announces now
	isDone   bool
}

// Open takes a run over. It fails with ErrRunning when another engine has it, and with the errors of journal.Open.
// Work that the engine before left in the middle is unknown now, and the run is paused if there was any.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := o.FS.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Dir, "engine.lock"))
	if errors.Is(err, journal.ErrLocked) {
		return nil, fmt.Errorf("%w: %w", ErrRunning, err)
	}
	if err != nil {
		return nil, err
	}
	e := &Engine{
		o: o, lock: lock, state: newState(len(o.Steps)), runners: map[int]*runner{}, gauges: map[steps.Role]*gauge{},
		progress: map[int]*pgxfer.Progress{},
		named:    make(chan struct{}, 1), facts: make(chan struct{}, 1), finished: make(chan struct{}, 1), done: make(chan struct{}), gate: make(chan struct{}),
	}
	e.base, e.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	e.hard, e.cut = context.WithCancel(context.WithoutCancel(ctx))
	if err := e.start(); err != nil {
		e.stop(err)
		e.cut()
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

// start replays the journal and journals that we are here.
func (e *Engine) start() error {
	j, replay, err := journal.Open(filepath.Join(e.o.Dir, "journal.jsonl"), journal.Options{
		FS: e.o.FS, Run: e.o.Config.Run, Boot: e.o.BootID, Tool: e.o.Tool, Now: e.o.Now, Redact: e.o.Redact,
	})
	if err != nil {
		return err
	}
	e.journal = j
	for _, r := range replay.Records {
		if err := e.state.apply(r); err != nil {
			return err
		}
	}
	if err := e.log.open(e, filepath.Join(e.o.Dir, "log.jsonl")); err != nil {
		return err
	}
	rebooted := e.state.boot != e.o.BootID && e.state.seq > 1
	data := startData{PID: os.Getpid(), Interrupted: e.state.active(), Rebooted: rebooted}
	if replay.Cut != nil {
		data.Cut = replay.Cut.String()
	}
	e.mu.Lock()
	err = e.append(journal.Record{Kind: kindStart}, data)
	e.checkDone()
	e.mu.Unlock()
	if err != nil {
		return err
	}
	e.logStart(data)
	if err := e.endOrphans(e.base); err != nil {
		// What cannot be ended keeps processes from being started anew; bailing out needs none.
		e.logf(steps.Error, 0, "%v", err)
	}
	e.startLoops()
	return nil
}

func (e *Engine) logStart(d startData) {
	e.logf(steps.Info, 0, "engine started, process %d", d.PID)
	if d.Cut != "" {
		e.logf(steps.Warn, 0, "journal: %s", d.Cut)
	}
	if e.state.rebooted {
		e.logf(steps.Warn, 0, "the machine was restarted; the run is paused until somebody resumes it")
	}
	for _, number := range d.Interrupted {
		if number == 0 {
			e.logf(steps.Warn, 0, "%s was interrupted; %s to go on with it", e.state.wayBack(), e.state.again())
			continue
		}
		e.logf(steps.Warn, number, "interrupted in the middle; the run is paused: resume, then advance looks what happened")
	}
}

// endOrphans makes sure that no child of an engine before this one is at work.
func (e *Engine) endOrphans(ctx context.Context) error {
	if e.o.EndOrphans == nil {
		return nil
	}
	ended, err := e.o.EndOrphans(ctx)
	if err == nil && len(ended) > 0 {
		e.logf(steps.Warn, 0, "ended what the engine before had left running: %s", strings.Join(ended, ", "))
	}
	return err
}

// append journals a record and folds it in. The caller holds mu. After an error nothing has changed, except that
// a dead journal ends all work.
func (e *Engine) append(r journal.Record, data any) error {
	if e.dead != nil {
		return e.dead
	}
	payload, err := journal.Payload(data)
	if err != nil {
		return fmt.Errorf("encoding a %s record: %w", r.Kind, err)
	}
	r.Data = payload
	written, err := e.journal.Append(r)
	if err != nil {
		if errors.Is(err, journal.ErrDead) {
			e.die(err)
		}
		return err
	}
	if err := e.state.apply(written); err != nil {
		e.die(err)
		return err
	}
	e.steer()
	if r.Kind == kindFact {
		signal(e.facts)
	}
	e.wake()
	e.hub.touch(urgent)
	return nil
}

// steer makes transfers do what the state says. The caller holds mu.
func (e *Engine) steer() {
	e.control.Hold(e.state.hold)
	e.control.SetWorkers(e.state.workers)
}

// die ends all work: what cannot be journaled must not be done. The caller holds mu.
func (e *Engine) die(err error) {
	e.dead = err
	for _, r := range e.runners {
		r.cancel(errJournal)
	}
	e.wake()
	e.hub.touch(urgent)
}

// wake lets everybody at a gate look again. The caller holds mu.
func (e *Engine) wake() {
	close(e.gate)
	e.gate = make(chan struct{})
}

// checkDone closes Done when all steps are done. The caller holds mu.
func (e *Engine) checkDone() {
	if !e.isDone && !e.state.finished.IsZero() {
		e.isDone = true
		close(e.done)
	}
}

// Done is closed when all steps are done.
func (e *Engine) Done() <-chan struct{} { return e.done }

// SetAudience says who drives and how many watch; it appears in the View.
func (e *Engine) SetAudience(driver *steps.Operator, watching int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if driver != nil {
		copied := *driver
		driver = &copied
	}
	e.driver, e.watching = driver, watching
	e.hub.touch(urgent)
}

// SetNotices says what is announced for the machine that we run on, such as its end; each is an alarm for as long as it is
// in the list, and a line of the log when it is new. It is not journaled: whoever announced it says it again after a restart.
func (e *Engine) SetNotices(notices []string) {
	now := make([]string, len(notices))
	for i, text := range notices {
		now[i] = e.clean(text)
	}
	e.mu.Lock()
	before := e.notices
	e.notices = now
	e.mu.Unlock()
	for _, text := range now {
		if !slices.Contains(before, text) {
			e.logf(steps.Warn, 0, "%s", text)
		}
	}
	for _, text := range before {
		if !slices.Contains(now, text) {
			e.logf(steps.Info, 0, "no longer announced: %s", text)
		}
	}
	e.hub.touch(urgent)
}

// Log writes a line about the run itself, such as who takes control.
func (e *Engine) Log(level steps.Level, text string) { e.logf(level, 0, "%s", text) }

// Close stops everything and waits for it. Steps at work stay where they are: the next Open finds them interrupted.
// Requests in flight are given time to finish until ctx ends; then they are cut.
func (e *Engine) Close(ctx context.Context) error {
	var err error
	e.closed.Do(func() { err = e.close(ctx) })
	return err
}

func (e *Engine) close(ctx context.Context) error {
	e.mu.Lock()
	e.stop(errClosing)
	for _, r := range e.runners {
		r.cancel(errClosing)
	}
	e.wake()
	e.mu.Unlock()

	unhook := context.AfterFunc(ctx, e.cut)
	e.work.Wait()
	e.loops.Wait()
	unhook()
	e.cut()

	e.mu.Lock()
	var err error
	if e.dead == nil {
		err = e.append(journal.Record{Kind: kindStop}, struct{}{})
		e.dead = errClosing
	}
	e.mu.Unlock()
	e.logf(steps.Info, 0, "engine stopped")
	e.hub.close()
	return errors.Join(err, e.release())
}

// release gives back files and lock.
func (e *Engine) release() error {
	var errs []error
	if e.journal != nil {
		errs = append(errs, e.journal.Close())
	}
	errs = append(errs, e.log.close(), e.lock.Close())
	return errors.Join(errs...)
}
