package engine

import (
	"context"
	"testing"

	"changeover/pgxfer"
	"changeover/steps"
)

// What people ask for reaches the transfer at work, and a new engine tells it to the next one.
func TestPausesAndWorkersReachTransfers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var control *pgxfer.Control
		step := &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
			control = env.Control
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		r := newRig(t, newWorld(), step).start()
		defer func() { r.stop() }()
		r.must(steps.Advance, 1)
		settle()
		ask := func(c steps.Command) error {
			c.ExpectRev, c.Operator = r.e.View().Rev, "ana"
			return r.e.Command(t.Context(), c)
		}
		workers := pgxfer.Workers{Read: 6, Index: 2}
		for _, test := range []struct {
			command steps.Command
			want    pgxfer.Wanted
		}{
			{steps.Command{Verb: steps.PauseRun}, pgxfer.Wanted{Hold: pgxfer.Soft}},
			{steps.Command{Verb: steps.PauseRun, Hard: true}, pgxfer.Wanted{Hold: pgxfer.Hard}},
			{steps.Command{Verb: steps.ResumeRun}, pgxfer.Wanted{}},
			{steps.Command{Verb: steps.SetWorkers, Workers: &workers}, pgxfer.Wanted{Workers: workers}},
			{steps.Command{Verb: steps.PauseRun, Hard: true}, pgxfer.Wanted{Hold: pgxfer.Hard, Workers: workers}},
		} {
			if err := ask(test.command); err != nil {
				t.Fatalf("%+v: %v", test.command, err)
			}
			if got, _ := control.State(); got != test.want {
				t.Errorf("after %s the transfer is asked for %+v, want %+v", test.command.Verb, got, test.want)
			}
		}
		for _, wrong := range []*pgxfer.Workers{nil, {Load: -1}, {Read: 501}} {
			if err := ask(steps.Command{Verb: steps.SetWorkers, Workers: wrong}); err == nil {
				t.Errorf("%+v workers were accepted", wrong)
			}
		}
		r.stop()
		r.start()
		if got, _ := r.e.control.State(); got.Hold != pgxfer.Hard || got.Workers != workers {
			t.Errorf("after a restart transfers are asked for %+v", got)
		}
		if got := r.e.View().Workers; got != workers {
			t.Errorf("the view says %+v", got)
		}
	})
}
