package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

// Options are what an engine is made of. Dir, Config, Steps and Bind are needed, everything else has a default.
//
// BailCheck, BailConfirm and the pure methods of Steps may be called with the engine's lock held: they look only at
// the Look they are given and never call the engine. Bind, Bail, Sample and WatchFence may take their time, and end
// when their context ends.
type Options struct {
	// Dir is the run directory; it holds journal.jsonl, log.jsonl and engine.lock, and nobody else may read it.
	Dir    string
	Config steps.Config
	// Steps are the twelve, in order.
	Steps []steps.Step
	// Bind fills Heroku, Transfer, Box and Databases of a fresh Env.
	Bind func(ctx context.Context, env *steps.Env) error
	// Sample measures one follower that exists; nil means no gauges.
	Sample func(ctx context.Context, v steps.Look, role steps.Role) (steps.FollowerView, error)
	// WatchFence says who wrote behind the fence, in one line; "" means that the fence holds. Nil means nobody watches.
	WatchFence func(ctx context.Context, v steps.Look) (broken string, err error)

	// WatchLeft is WatchFence for old-primary once the app has left it: a worker with the old URL would go on writing there.
	// Nil means nobody watches.
	WatchLeft func(ctx context.Context, v steps.Look) (written string, err error)

	// ReadWorld reads what steps.Drift compares. Nil means that nobody looks for drift.
	ReadWorld func(ctx context.Context, v steps.Look) (steps.World, error)

	// Bail brings production back on old-primary; it works like a step's Run, as step 0. BailCheck says why that is
	// not possible now, BailConfirm what must be typed. A nil Bail means that bailing out is impossible.
	Bail        func(ctx context.Context, env *steps.Env) error
	BailCheck   func(v steps.Look) error
	BailConfirm func(v steps.Look) steps.Confirmation
	// Lossy is the way back behind a point of no return. It works like Bail, as step 0, and has its own check and its own
	// confirmation. CountLoss says in a line what it would lose now; it is asked every CountEvery and shown with the
	// question. A nil Lossy means that there is no such way.
	Lossy        func(ctx context.Context, env *steps.Env) error
	LossyCheck   func(v steps.Look) error
	LossyConfirm func(v steps.Look) steps.Confirmation
	CountLoss    func(ctx context.Context, v steps.Look) string
	// LossyVoids are the steps whose work no longer holds once the lossy path is at its end.
	LossyVoids []int
	// BailVoids are the states that started steps get when a bail-out is done, because what they achieved no longer
	// holds. Nil means: 3 rolled back; 4, 6 and 7 failed, so that they may be started again or rolled back.
	BailVoids map[int]steps.State

	// EndOrphans ends the child processes that an engine before this one left behind, and names them. It is called before
	// any work begins, and again before each effect that is a process. It returns an error when one of them still runs.
	// Nil means that there are none to look for.
	EndOrphans func(ctx context.Context) (ended []string, err error)

	// Card keeps the break-glass card, outside Dir, up to date: it is called at the start and after facts have changed,
	// one call at a time. A note is worth a line in the log. Nil means that there is no card.
	Card func(v steps.Look) (note string, err error)

	// Progress hears every sample of a transfer, one at a time. It must not block. Nil means that nobody listens.
	Progress func(step, attempt int, p pgxfer.Progress)

	// Recommend names the step to start next and says in a line why. Nil means the first that can start.
	Recommend func(v steps.Look) (next int, hint string)
	// Pipelined says whether the transfer engine restores while it dumps.
	Pipelined bool

	Now    func() time.Time    // nil means time.Now
	FS     journal.FS          // nil means the machine's
	BootID string              // identifies the start of the machine
	Redact func(string) string // applied to everything that is written or shown; nil means nothing beyond journal.Redact
	Tool   string              // version of the program
	Header steps.RunView       // what never changes of the header

	// SettleEvery and SettleFor bound the time in which an effect that was sent may not be visible yet: it is looked
	// for every SettleEvery (default Config.Poll, or 3 s), for SettleFor (default 20 times that, as the Heroku CLI does).
	SettleEvery, SettleFor time.Duration
	// SendFor is how long a request in flight may go on, reading back included, when its step is cancelled
	// (default 90 s more than SettleFor).
	SendFor time.Duration
	// Resends is how often an effect that may be sent twice is sent again on its own (default 2).
	Resends int
	// DriftEvery is the pause between two looks for drift (default 30 s).
	DriftEvery time.Duration
	// CountEvery is the pause between two counts of what the lossy path would lose (default 30 s).
	CountEvery time.Duration
	// SampleEvery is the pause between two samples of a follower (default 3 s), WatchEvery of the fence (default 10 s).
	SampleEvery, WatchEvery time.Duration
}

var defaultVoids = map[int]steps.State{3: steps.RolledBack, 4: steps.Failed, 6: steps.Failed, 7: steps.Failed}

// complete checks the options and fills in the defaults.
func (o *Options) complete() error {
	switch {
	case o.Dir == "":
		return errors.New("engine needs a run directory")
	case len(o.Steps) == 0:
		return errors.New("engine needs steps")
	case o.Bind == nil:
		return errors.New("engine needs Bind")
	}
	for i, s := range o.Steps {
		if s.Number() != i+1 {
			return fmt.Errorf("step %q stands at place %d but has number %d", s.Name(), i+1, s.Number())
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = journal.OS{}
	}
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.BailVoids == nil {
		o.BailVoids = defaultVoids
	}
	setDefault(&o.SettleEvery, o.Config.Poll.D(), 3*time.Second)
	setDefault(&o.SettleFor, 20*o.SettleEvery)
	setDefault(&o.SendFor, o.SettleFor+90*time.Second)
	setDefault(&o.SampleEvery, 3*time.Second)
	setDefault(&o.DriftEvery, 30*time.Second)
	setDefault(&o.CountEvery, 30*time.Second)
	setDefault(&o.WatchEvery, 10*time.Second)
	if o.Resends == 0 {
		o.Resends = 2
	}
	return nil
}

// setDefault gives d the first positive value, unless it has one.
func setDefault(d *time.Duration, values ...time.Duration) {
	for _, v := range values {
		if *d > 0 {
			return
		}
		*d = v
	}
}
