package contract

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"changeover/ec2/box"
	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/verify"
	"changeover/steps"
	"changeover/steps/engine"
)

// stepTime bounds one step of our engine.
const stepTime = 2 * time.Minute

// data is what the steps ask of package pgxfer beside the transfer.
type data struct{}

func (data) Verify(ctx context.Context, o pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error) {
	return verify.Verify(ctx, o, obs)
}

func (data) ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	return classic.ResetTarget(ctx, target, tag)
}
func (data) Discard(dir string) error { return archive.Discard(dir) }
func (data) Tools(_ context.Context, from, to int) (string, error) {
	tools, err := pgtools.Find(from, to)
	return tools.Version, err
}

// machine is this machine as the steps see a box.
type machine struct{ thisMachine }

type thisMachine = *box.Adopted

func (m machine) Prepare(ctx context.Context, dir string, bytes int64) (steps.BoxFacts, error) {
	f, err := m.thisMachine.Prepare(ctx, dir, bytes)
	return steps.BoxFacts{Name: f.Name, Dir: f.Dir, FreeBytes: f.FreeBytes, WriteRate: f.WriteRate, CPUs: f.CPUs}, err
}

// byEngine does the twelve steps with our engine.
func byEngine(t *testing.T, x *side, majors []localpg.Installation) {
	t.Helper()
	old := x.Status().Addons[0]
	adopted, err := box.Adopt()
	if err != nil {
		t.Fatal(err)
	}
	config := steps.Config{
		Run: "contract", Token4: "2016", Created: time.Now(), App: "shop", AppID: x.appID(),
		OldPrimary: steps.AddonRef{ID: old.ID, Name: old.Name, Plan: "heroku-postgresql:" + old.Plan},
		FromMajor:  majors[len(majors)-1].Major, ToMajor: majors[0].Major,
		FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4", Bytes: old.Bytes,
		WorkDir: filepath.Join(t.TempDir(), "work"), Engine: classic.Name, Jobs: 2,
		Budget: steps.Duration(time.Hour), Quiet: steps.Duration(100 * time.Millisecond), Poll: steps.Duration(100 * time.Millisecond),
		PlatformURL: x.URL(), DataURL: x.URL(), Rehearsal: true,
	}
	run := t.TempDir()
	e, err := engine.Open(t.Context(), engine.Options{
		Dir: run, Config: config, Steps: steps.All(), WatchFence: steps.WatchFence(x.client),
		Bail: steps.Bail, BailCheck: steps.BailBlocked, BailConfirm: steps.BailConfirm, Recommend: steps.Recommend,
		Bind: func(_ context.Context, env *steps.Env) error {
			env.Heroku, env.Transfer, env.Data, env.Box = x.client, classic.Engine{}, data{}, machine{adopted}
			env.Databases = steps.HerokuDatabases{Heroku: x.client, Look: env}
			env.Report = func(context.Context) (string, error) { return filepath.Join(run, "report.md"), nil }
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	}()
	for _, number := range []int{1, 2, 5, 3, 4, 6, 7, 8, 9, 10, 11, 12} {
		advance(t, e, number)
	}
}

// advance does one step to its end, answering every question as asked.
func advance(t *testing.T, e *engine.Engine, number int) {
	t.Helper()
	for {
		v := e.View()
		c := steps.Command{Verb: steps.Advance, Step: number, ExpectRev: v.Rev, Operator: "ana"}
		switch confirm := v.Steps[number-1].Confirm; confirm.Tier {
		case steps.TierKey:
		case steps.TierYes:
			c.Answers = []string{"y"}
		default:
			c.Answers = confirm.Words
		}
		err := e.Command(t.Context(), c)
		if err == nil {
			break
		}
		if !errors.Is(err, steps.ErrStale) {
			t.Fatalf("step %d: %v", number, err)
		}
	}
	deadline := time.Now().Add(stepTime)
	for {
		s := e.View().Steps[number-1]
		if s.State == steps.Done {
			return
		}
		if !s.State.Active() || time.Now().After(deadline) {
			t.Fatalf("step %d is %s: %s", number, s.State, s.Reason)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
