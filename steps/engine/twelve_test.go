package engine

import (
	"context"
	"errors"
	"fmt"
	"testing/synctest"
	"time"

	"changeover/steps"
	"changeover/steps/journal/crashfs"
	"changeover/steps/memworld"
)

// twelve is the twelve steps as they are, in the engine as it is, with everything outside in memory. It lives in a
// synctest bubble.
type twelve struct {
	t     tb
	kind  migrationKind
	world *memworld.World
	files *crashfs.FS
	e     *Engine
	ids   int
	// wrap changes what the steps see of the world; nil changes nothing.
	wrap func(env *steps.Env)
}

// migrationKind is how a run is set up.
type migrationKind struct {
	stream bool // the engine that restores while it dumps
	two    bool // two apps use the database
	all    bool // old-primary is destroyed, too
}

const workDir = "/mnt/work"

func newTwelve(t tb, kind migrationKind) *twelve {
	apps := []string{"shop"}
	if kind.two {
		apps = append(apps, "shop-admin")
	}
	w := memworld.New(memworld.Setup{Apps: apps, Plan: "heroku-postgresql:standard-4", Majors: [2]int{15, 17}})
	return &twelve{t: t, kind: kind, world: w, files: crashfs.New()}
}

func (v *twelve) config() steps.Config {
	id, name, plan := v.world.Old()
	c := steps.Config{
		Run: "shop-1", Token4: "7f3a", App: "shop", OldPrimary: steps.AddonRef{ID: id, Name: name, Plan: plan}, FromMajor: 15, ToMajor: 17,
		FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4", Bytes: 1 << 30,
		WorkDir: workDir, Engine: "classic", Jobs: 4, Budget: steps.Duration(2 * time.Hour), Soak: steps.Duration(5 * time.Minute),
		Quiet: steps.Duration(2 * time.Second), Idle: steps.Duration(2 * time.Minute), Poll: steps.Duration(30 * time.Second), DestroyOldPrimary: v.kind.all,
	}
	if v.kind.two {
		c.AlsoApps = []string{"shop-admin"}
	}
	return c
}

func (v *twelve) options() Options {
	transfer := memworld.Transfer{World: v.world, Stream: v.kind.stream}
	return Options{
		Dir: "/run", Config: v.config(), Steps: steps.All(), FS: v.files, BootID: "boot-1", Pipelined: transfer.Pipelined(),
		Bind: func(_ context.Context, env *steps.Env) error {
			env.Heroku, env.Transfer, env.Data, env.Box = v.world, transfer, memworld.Data{World: v.world}, memworld.Box{World: v.world}
			env.Databases = memworld.Databases{World: v.world, Look: env}
			env.Report = func(context.Context) (string, error) { return "/home/report.md", nil }
			if v.wrap != nil {
				v.wrap(env)
			}
			return nil
		},
		DriftEvery: 10 * time.Minute, WatchEvery: 10 * time.Minute, // nobody else is there; the looks around each step remain
		Bail: steps.Bail, BailCheck: steps.BailBlocked, BailConfirm: steps.BailConfirm, Recommend: steps.Recommend,
		ReadWorld: func(ctx context.Context, l steps.Look) (steps.World, error) {
			return steps.ReadWorld(ctx, v.world, l, time.Now())
		},
	}
}

// open starts an engine; false means that the machine died while it started.
func (v *twelve) open() bool {
	e, err := Open(context.Background(), v.options())
	if errors.Is(err, crashfs.ErrCrashed) {
		return false
	}
	if err != nil {
		v.t.Fatalf("opening the engine: %v", err)
	}
	v.e = e
	v.world.Ledger(v.inLedger)
	return true
}

func (v *twelve) close() {
	if v.e != nil {
		_ = v.e.Close(context.Background())
	}
}

// inLedger says whether the journal knows an add-on as the run's own.
func (v *twelve) inLedger(id string) bool {
	facts := v.e.look().Facts()
	for _, role := range steps.Roles {
		if db, ok := steps.FactDatabase(role).Get(facts); ok && db.AddonID == id {
			return true
		}
	}
	return false
}

// pursue does what a stubborn operator would do to come to some goals at once. False means that the engine has died.
func (v *twelve) pursue(goals ...goal) bool {
	v.t.Helper()
	for range 120 {
		if v.dead() {
			return false
		}
		if v.reached(goals) {
			return true
		}
		if v.paused() && !v.bailing(goals) {
			_ = v.command(steps.ResumeRun, 0)
		}
		for _, g := range goals {
			if s := v.state(g.step); s != g.want && !s.Active() {
				_ = v.command(g.verb, g.step)
				synctest.Wait() // two at once would both be decided on the same screen
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
	}
	v.t.Fatalf("%v came to no end: %s", goals, v.describe())
	return false
}

func (v *twelve) bailing(goals []goal) bool {
	return goals[0].verb == steps.BailOut && !v.state(0).Active()
}

func (v *twelve) reached(goals []goal) bool {
	for _, g := range goals {
		if v.state(g.step) != g.want {
			return false
		}
	}
	return true
}

func (v *twelve) state(step int) steps.State {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	if st := v.e.state.steps[step]; st != nil {
		return st.state
	}
	return steps.Ready
}

func (v *twelve) paused() bool {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	return v.e.state.paused
}

func (v *twelve) dead() bool {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	return v.e.dead != nil
}

// command is decided on what is on the screen, and typed as the screen asks.
func (v *twelve) command(verb steps.Verb, step int) error {
	v.ids++
	c := steps.Command{ID: fmt.Sprintf("id-%p-%d", v.e, v.ids), Verb: verb, Step: step, Operator: "ana"}
	c.ExpectRev, c.Answers = v.screen(verb, step)
	return v.e.Command(context.Background(), c)
}

// screen is what View would show of a command. A whole View is costly, and this is asked thousands of times.
func (v *twelve) screen(verb steps.Verb, step int) (rev uint64, answers []string) {
	v.e.mu.Lock()
	defer v.e.mu.Unlock()
	look := v.e.freeze(v.e.state, v.e.held())
	switch verb {
	case steps.Advance:
		answers = typed(v.e.advanceConfirm(v.e.state, look, v.e.o.Steps[step-1]))
	case steps.RollbackOne:
		answers = typed(rollbackConfirm(v.e.o.Steps[step-1], look))
	case steps.BailOut:
		answers = typed(v.e.bailConfirm(look))
	}
	return v.e.state.rev, answers
}

func typed(c steps.Confirmation) []string {
	if c.Tier == steps.TierYes {
		return []string{"y"}
	}
	return c.Words
}

func (v *twelve) describe() string {
	view := v.e.View()
	text := fmt.Sprintf("paused %v by %q, alarm %q", view.Paused, view.PausedBy, view.Alarm)
	for _, s := range view.Steps {
		text += fmt.Sprintf("\n  %d %s, try %d: %s (blocked: %s)", s.Number, s.State, s.Attempt, s.Reason, s.AdvanceBlocked)
	}
	const tail = 160
	lines, _ := v.e.LogLines(0, 5000)
	for _, l := range lines[max(0, len(lines)-tail):] {
		text += fmt.Sprintf("\n  %s %d %s", l.At.Format(time.TimeOnly), l.Step, l.Text)
	}
	return text
}
