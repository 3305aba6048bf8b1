package engine

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/journal"
)

// eight are steps of which the third proves a fence and the eighth brings the app back elsewhere.
func eight() (list []steps.Step) {
	for n := 1; n <= 10; n++ {
		s := &fakeStep{number: n}
		if n == 3 {
			s.run = func(_ context.Context, env *steps.Env) error {
				return steps.FactFence.Put(env, steps.Fence{Leader: steps.OldPrimary})
			}
		}
		list = append(list, s)
	}
	return list
}

func TestAnOldWorkerThatWritesToOldPrimaryAfterStep8IsAnAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var written atomic.Value // string
		var asked atomic.Int64
		written.Store("")
		r := newRig(t, newWorld(), eight()...)
		r.tweak = func(o *Options) {
			o.WatchLeft = func(context.Context, steps.Look) (string, error) { asked.Add(1); return written.Load().(string), nil }
		}
		r.start()
		defer r.stop()
		r.must(steps.Advance, 3)
		pass()
		if n := asked.Load(); n > 0 {
			t.Errorf("asked %d times before the app has left old-primary", n)
		}
		r.must(steps.Advance, 8)
		pass()
		if asked.Load() == 0 || r.e.View().Alarm != "" {
			t.Fatalf("asked %d times, alarm %q", asked.Load(), r.e.View().Alarm)
		}
		const who = "3 rows were written to old-primary; connected is a session of u (sidekiq)"
		written.Store(who)
		pass()
		for _, want := range []string{"old-primary is written to although the app has left it", "sidekiq", "find out who", "step 10 does not delete it"} {
			if alarm := r.e.View().Alarm; !strings.Contains(alarm, want) {
				t.Errorf("the alarm %q does not say %q", alarm, want)
			}
		}
		if got, ok := steps.FactOldWritten.Get(r.e.look().Facts()); !ok || got != who {
			t.Errorf("journaled %q", got)
		}
		before := asked.Load()
		pass()
		if asked.Load() != before {
			t.Error("it is asked again although it is known")
		}
	})
}

func TestAClockThatIsSetIsSaidAndDurationsDoNotFollowIt(t *testing.T) {
	for _, jump := range []time.Duration{3 * time.Hour, -3 * time.Hour, 20 * time.Second} {
		c := folding(t)
		c.advance(3, 1)
		c.mono += time.Minute
		c.seq++
		raw, err := journal.Payload(stepData{State: steps.Done})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.s.apply(journal.Record{Kind: kindStep, Step: 3, Seq: c.seq, Mono: c.mono, At: noon.Add(c.mono + jump), Data: raw}); err != nil {
			t.Fatal(err)
		}
		if got := c.s.steps[3].active; got != time.Minute {
			t.Errorf("set by %s: the step took %s, want a minute", jump, got)
		}
		want := jump
		if jump.Abs() < jumpNoticed {
			want = 0
		}
		if c.s.jump != want {
			t.Errorf("set by %s: noticed %s", jump, c.s.jump)
		}
		c.s.lastAt = noon.Add(c.mono) // the clock is put right; that it was is no news
		c.add(journal.Record{Kind: kindCommand}, commandData{Command: steps.Command{Verb: steps.ResumeRun}})
		if c.s.jump != 0 {
			t.Errorf("set by %s: still said after somebody has gone on", jump)
		}
	}
}

func TestATokenThatIsNotAcceptedSaysHowANewOneGetsIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		step := &fakeStep{number: 1, run: func(context.Context, *steps.Env) error {
			return &heroku.APIError{Status: 401, Method: "GET", Path: "/apps/shop"}
		}}
		r := newRig(t, newWorld(), step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Failed)
		for _, want := range []string{"401", "heroku login", "changeover stop", "advance again"} {
			if got := r.step(1).Reason; !strings.Contains(got, want) {
				t.Errorf("the reason %q does not say %q", got, want)
			}
		}
	})
}

// What was confirmed is in the journal with its hash, and everything that is sent because of it names the hash.
func TestEffectsNameThePlanThatWasConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		step := one(fakeEffect{w: w, name: "x", class: steps.SetState})
		step.confirm = steps.Confirmation{Tier: steps.TierTyped, Question: "Begin?", Consequences: []string{"users are shut out"}, Words: []string{"shop"}}
		step.rollback = func(ctx context.Context, env *steps.Env) error {
			return env.Do(ctx, fakeEffect{w: w, name: "x", class: steps.SetState, gone: true})
		}
		r := newRig(t, w, step).start()
		defer r.stop()
		r.must(steps.Advance, 1, "shop")
		pass()
		advanced := r.lastCommand()
		r.must(steps.RollbackOne, 1)
		pass()
		undone := r.lastCommand()
		if advanced.Plan == "" || undone.Plan == "" || advanced.Plan == undone.Plan {
			t.Fatalf("hashes %q and %q, want two different ones", advanced.Plan, undone.Plan)
		}
		if advanced.Shown == nil || advanced.Shown.Question != "Begin?" || len(advanced.Shown.Consequences) != 1 {
			t.Errorf("shown was %+v", advanced.Shown)
		}
		want := map[string]string{"1.1/make x": advanced.Plan, "1.1.rb/remove x": undone.Plan}
		for record, err := range journal.Records(r.files, "/run/journal.jsonl") {
			if err != nil {
				t.Fatal(err)
			}
			if record.Kind != kindIntent {
				continue
			}
			var data effectData
			if err := json.Unmarshal(record.Data, &data); err != nil {
				t.Fatal(err)
			}
			if data.Confirmed != want[record.Effect] || data.Plan == nil || data.Plan.Action == "" {
				t.Errorf("%s names %q with plan %+v, want %q", record.Effect, data.Confirmed, data.Plan, want[record.Effect])
			}
			delete(want, record.Effect)
		}
		if len(want) > 0 {
			t.Errorf("never intended: %v", want)
		}
	})
}
