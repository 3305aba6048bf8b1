package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"changeover/steps"
)

// putting is a step that puts facts.
func putting(number int, put func(env *steps.Env) error) *fakeStep {
	return &fakeStep{number: number, run: func(_ context.Context, env *steps.Env) error { return put(env) }}
}

func TestFenceIsWatchedFromItsProofUntilStep8(t *testing.T) {
	bubble(t, func(t *testing.T) {
		list := []steps.Step{putting(1, func(env *steps.Env) error {
			return steps.FactFence.Put(env, steps.Fence{Leader: steps.OldPrimary, Horizon: 7, At: env.Now()})
		})}
		for n := 2; n <= 8; n++ {
			list = append(list, &fakeStep{number: n})
		}
		asked := 0
		r := newRig(t, newWorld(), list...)
		r.tweak = func(o *Options) {
			o.WatchFence = func(context.Context, steps.Look) (string, error) { asked++; return "", nil }
		}
		r.start()
		defer r.stop()
		pass()
		if asked != 0 {
			t.Fatalf("asked %d times before there was a fence", asked)
		}
		r.must(steps.Advance, 1)
		pass()
		if asked < 50 || asked > 61 {
			t.Errorf("asked %d times in ten minutes, want every ten seconds", asked)
		}
		r.must(steps.Advance, 8)
		settle()
		before := asked
		pass()
		if asked != before {
			t.Errorf("asked %d times behind step 8", asked-before)
		}
	})
}

func TestBrokenFenceIsAFactAnAlarmAndAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		type answer struct {
			broken string
			err    error
		}
		var now atomic.Pointer[answer]
		now.Store(&answer{err: errors.New("connection refused")})
		r := newRig(t, newWorld(), putting(1, func(env *steps.Env) error {
			return steps.FactFence.Put(env, steps.Fence{Leader: steps.OldPrimary, Horizon: 7, At: env.Now()})
		}))
		r.tweak = func(o *Options) {
			o.WatchFence = func(context.Context, steps.Look) (string, error) { return now.Load().broken, now.Load().err }
		}
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		count := func(text string) (n int) {
			for _, line := range mustLines(t, r.e, 0, 0) {
				if strings.Contains(line.Text, text) {
					n++
				}
			}
			return n
		}
		if n := count("connection refused"); n != 1 {
			t.Errorf("an unreachable database was reported %d times, want once", n)
		}
		rev := r.e.View().Rev
		now.Store(&answer{broken: "user sidekiq from 10.0.0.5"})
		pass()
		v := r.e.View()
		if who, _ := steps.FactFenceBroken.Get(r.e.look().Facts()); who != now.Load().broken {
			t.Errorf("the fact says %q, want %q", who, now.Load().broken)
		}
		if !strings.Contains(v.Alarm, "sidekiq") || v.Rev != rev+1 || count("fence is broken") != 1 {
			t.Errorf("alarm %q, rev %d after %d, %d log lines; want the writer, one more, one", v.Alarm, v.Rev, rev, count("fence is broken"))
		}
	})
}

func TestFollowerGauges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bytes, commits := int64(0), int64(3)
		var unreachable atomic.Bool
		r := newRig(t, newWorld(), putting(1, func(env *steps.Env) error {
			return steps.FactDatabase(steps.FastFollower).Put(env, steps.Database{Role: steps.FastFollower, AddonID: "a", Name: "shop-ff", Created: env.Now()})
		}), putting(2, func(env *steps.Env) error {
			return steps.FactDatabase(steps.FastFollower).Put(env, steps.Database{Role: steps.FastFollower, AddonID: "a", Name: "shop-ff", Destroyed: env.Now()})
		}))
		r.tweak = func(o *Options) {
			o.Sample = func(ctx context.Context, _ steps.Look, role steps.Role) (steps.FollowerView, error) {
				if role != steps.FastFollower {
					t.Errorf("%s was sampled before it exists", role)
				}
				if unreachable.Load() {
					<-ctx.Done() // a server that does not answer
					return steps.FollowerView{}, errors.New("no route to host")
				}
				bytes += 10
				b := bytes
				return steps.FollowerView{State: "following", Bytes: &b, Commits: &commits, CaughtUp: true}, nil
			}
		}
		r.start()
		defer r.stop()
		gauge := func(role steps.Role) steps.FollowerView {
			t.Helper()
			for _, f := range r.e.View().Followers {
				if f.Role == role {
					return f
				}
			}
			t.Fatalf("no gauge for %s", role)
			return steps.FollowerView{}
		}
		for _, role := range []steps.Role{steps.FastFollower, steps.FinalPrimary, steps.FinalFollower} {
			if got := gauge(role).State; got != "not created" {
				t.Errorf("%s is %q, want not created", role, got)
			}
		}
		r.must(steps.Advance, 1)
		pass()
		got := gauge(steps.FastFollower)
		if got.State != "following" || !got.CaughtUp || *got.Commits != 3 || *got.Bytes != bytes || got.SampledAt.IsZero() {
			t.Errorf("gauge %+v, want the sample", got)
		}
		if n := len(got.History); n != samplesKept || got.History[n-1] != bytes || got.History[0] != bytes-10*(samplesKept-1) {
			t.Errorf("history of %d ending in %d, want the last %d", n, got.History[n-1], samplesKept)
		}
		unreachable.Store(true)
		began := time.Now()
		pass()
		after := gauge(steps.FastFollower)
		if after.Problem != "no route to host" || after.CaughtUp || !after.SampledAt.Before(began.Add(time.Minute)) {
			t.Errorf("with an unreachable server the gauge is %+v", after)
		}
		r.must(steps.Advance, 2)
		pass()
		if got := gauge(steps.FastFollower); got.State != "destroyed" || got.Name != "shop-ff" {
			t.Errorf("a destroyed follower shows as %q %q", got.Name, got.State)
		}
	})
}

func TestWaitingIsShownWithSinceAndDetail(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := 0
		r := newRig(t, newWorld(), &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
			return env.Wait(ctx, steps.Waiting{For: "fast-follower to be provisioned", Who: "Heroku"}, time.Minute, func(context.Context) (bool, string, error) {
				n++
				if n == 30 {
					return false, "", errors.New("it is gone")
				}
				return false, "provisioning", nil
			})
		}}).start()
		defer r.stop()
		began := time.Now()
		r.must(steps.Advance, 1)
		pass()
		w := r.step(1).Waiting
		if w == nil || w.For != "fast-follower to be provisioned" || w.Who != "Heroku" || w.Detail != "provisioning" || !w.Since.Equal(began) {
			t.Fatalf("waiting shows as %+v", w)
		}
		pass()
		pass()
		r.wantState(1, steps.Failed)
		if r.step(1).Waiting != nil {
			t.Error("it waits still")
		}
	})
}

func TestRecommendationIsOnlyMadeWhenItCanBeFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1}, &fakeStep{number: 2, ready: after(1)})
		next := 2
		r.tweak = func(o *Options) {
			o.Recommend = func(v steps.Look) (int, string) {
				if v.StepState(1) != steps.Ready || v.StepState(2) != steps.Locked {
					t.Errorf("the recommender sees %s and %s", v.StepState(1), v.StepState(2))
				}
				return next, "start 5 early: saves 9 min"
			}
		}
		r.start()
		defer r.stop()
		if v := r.e.View(); v.Next != 0 || v.Hint != "start 5 early: saves 9 min" {
			t.Errorf("recommended %d with %q; want none, because 2 is locked", v.Next, v.Hint)
		}
		next = 1
		if v := r.e.View(); v.Next != 1 {
			t.Errorf("recommended %d, want 1", v.Next)
		}
		r.must(steps.PauseRun, 0)
		if v := r.e.View(); v.Next != 0 || !strings.Contains(v.Hint, "paused by ana") {
			t.Errorf("in a pause %d is recommended with %q", v.Next, v.Hint)
		}
	})
}

func TestWhatIsAnnouncedForTheMachineIsAnAlarmUntilItIsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), putting(1, func(*steps.Env) error { return nil }))
		r.start()
		defer r.stop()
		rev := r.e.View().Rev
		const end, reboot = "AWS: spot terminate at 2026-11-23 09:02 UTC", "AWS: system-reboot"
		logged := func(text string) (n int) {
			for _, line := range mustLines(t, r.e, 0, 0) {
				if line.Text == text && line.Level == steps.Warn {
					n++
				}
			}
			return n
		}
		for _, now := range [][]string{{reboot}, {end, reboot}, {end, reboot}, {end}} {
			r.e.SetNotices(now)
			v := r.e.View()
			if want := strings.Join(now, " · "); v.Alarm != want || len(v.Alarms) != len(now) || v.Alarms[0] != (steps.Alarm{Kind: steps.AlarmMachine, Text: now[0]}) {
				t.Errorf("alarm %q, %v, want %q", v.Alarm, v.Alarms, want)
			}
		}
		if logged(end) != 1 || logged(reboot) != 1 {
			t.Errorf("the log has the end %d times and the reboot %d times, want once each", logged(end), logged(reboot))
		}
		r.e.SetNotices(nil)
		// Nothing that an operator may decide has changed: a command typed meanwhile must still go through.
		if v := r.e.View(); v.Alarm != "" || v.Rev != rev {
			t.Errorf("alarm %q, rev %d, want none, %d", v.Alarm, v.Rev, rev)
		}
	})
}
