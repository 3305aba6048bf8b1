package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

// recorder is the steps.Recorder of a runner.
type recorder struct {
	*runner
	scope string // begins the keys of its effects
}

// hold waits while the run is paused. It fails when the work is to stop.
func (r *recorder) hold(ctx context.Context) error {
	e := r.e
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if err := r.stopped(ctx); err != nil {
			return err
		}
		if !e.state.paused {
			return nil
		}
		gate := e.gate
		r.holding++
		e.hub.touch(urgent)
		e.mu.Unlock()
		select {
		case <-gate:
		case <-ctx.Done():
		case <-r.soft.Done():
		}
		e.mu.Lock()
		r.holding--
		e.hub.touch(urgent)
	}
}

// stopped is why the work is to stop, nil while it is not.
func (r *recorder) stopped(ctx context.Context) error {
	if cause := context.Cause(r.soft); cause != nil {
		return cause
	}
	return context.Cause(ctx)
}

// Put implements steps.Recorder.
func (r *recorder) Put(name string, value any) error {
	return r.e.put(r.record(kindFact), name, value)
}

func (e *Engine) put(record journal.Record, name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding fact %s: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.append(record, factData{Name: name, Value: raw}); err != nil {
		return fmt.Errorf("writing fact %s to the journal: %w", name, err)
	}
	return nil
}

// Wait implements steps.Recorder. While the run is paused it does not ask.
func (r *recorder) Wait(ctx context.Context, waiting steps.Waiting, every time.Duration, ask func(ctx context.Context) (done bool, detail string, err error)) error {
	if every <= 0 {
		every = r.e.o.SettleEvery
	}
	view := r.showWait(waiting)
	defer r.hideWait(view)
	for first := true; ; first = false {
		if err := r.hold(ctx); err != nil {
			return err
		}
		done, detail, err := ask(ctx)
		if err != nil {
			if cause := r.stopped(ctx); cause != nil {
				return errors.Join(cause, err)
			}
			return err
		}
		r.detail(view, detail)
		if done {
			if !first {
				r.e.logf(steps.Info, r.number, "%s: %s", waiting.For, firstText(detail, "yes"))
			}
			return nil
		}
		if first {
			r.e.logf(steps.Info, r.number, "waiting for %s%s", waiting.For, by(waiting.Who))
		}
		if err := r.sleep(ctx, every); err != nil {
			return err
		}
	}
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " (" + who + ")"
}

// sleep lets time pass, unless the work is to stop.
func (r *recorder) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-r.soft.Done():
	}
	return r.stopped(ctx)
}

func (r *recorder) showWait(w steps.Waiting) *steps.WaitView {
	view := &steps.WaitView{Waiting: w, Since: r.e.o.Now()}
	view.For = r.e.clean(w.For)
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.waits = append(r.waits, view)
	r.e.hub.touch(urgent)
	return view
}

func (r *recorder) hideWait(view *steps.WaitView) {
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.waits = slices.DeleteFunc(r.waits, func(w *steps.WaitView) bool { return w == view })
	r.e.hub.touch(urgent)
}

func (r *recorder) detail(view *steps.WaitView, detail string) {
	detail = r.e.clean(detail)
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	if view.Detail != detail {
		view.Detail = detail
		r.e.hub.touch(soon)
	}
}

// Log implements steps.Recorder.
func (r *recorder) Log(level steps.Level, format string, args ...any) {
	r.e.logf(level, r.number, format, args...)
}

// Progress implements steps.Recorder. The caller must not change p.Workers afterwards.
func (r *recorder) Progress(p pgxfer.Progress) {
	r.e.mu.Lock()
	stalled := r.stalled(p)
	r.e.progress[r.number] = &p
	if r.e.o.Progress != nil {
		r.e.o.Progress(r.number, r.attempt, p)
	}
	r.e.hub.touch(soon)
	r.e.mu.Unlock()
	if stalled > 0 {
		r.e.logf(steps.Warn, r.number, "nothing has moved for %s (%s): a server or the network may hang; look at the sessions of both databases, or roll the step back and start it again", stalled.Round(time.Minute), firstText(p.Critical, p.Phase))
	}
}

// stalledAfter is how long a transfer may show the same numbers before somebody is told. Building an index moves none of them
// for longer than that on large tables, so it is no error.
const stalledAfter = 10 * time.Minute

// stalled is for how long nothing has moved, each time another stalledAfter of that is over, and 0 otherwise. The caller
// holds mu.
func (r *recorder) stalled(p pgxfer.Progress) time.Duration {
	now := time.Now()
	was := r.e.progress[r.number]
	moved := was == nil || was.Phase != p.Phase || was.Critical != p.Critical || was.Items != p.Items || was.Bytes != p.Bytes || was.Rows != p.Rows
	if moved || p.Paused || r.moved.IsZero() {
		r.moved, r.told = now, 0
		return 0
	}
	still := now.Sub(r.moved)
	if still < r.told+stalledAfter {
		return 0
	}
	r.told = still
	return still
}
