package steps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"changeover/heroku"
)

// enterMaintenance shuts users out and stops every process, for each app of the run, and proves that nobody writes to
// the leader. When it returns nil the fence is proven; it is not yet a fact, so that the caller decides what it is for.
//
// The formation is recorded before anything is touched, under the given step: once an app is scaled to zero, Heroku no
// longer knows the old numbers. A recorded formation is never overwritten; it is cleared when it has been restored.
func enterMaintenance(ctx context.Context, env *Env, leader Role) (Fence, error) {
	if err := shutOut(ctx, env); err != nil {
		return Fence{}, err
	}
	if err := endSessions(ctx, env, leader); err != nil {
		return Fence{}, err
	}
	return proveFence(ctx, env, leader)
}

// shutOut is enterMaintenance up to the moment at which no process of the app runs any more.
func shutOut(ctx context.Context, env *Env) error {
	for _, app := range env.Config().Apps() {
		if err := recordFormation(ctx, env, app); err != nil {
			return err
		}
	}
	if err := beginOutage(env); err != nil {
		return err
	}
	for _, app := range env.Config().Apps() {
		if err := env.Do(ctx, setMaintenance{heroku: env.Heroku, app: app, on: true}); err != nil {
			return err
		}
	}
	for _, app := range env.Config().Apps() {
		if err := scaleDown(ctx, env, app); err != nil {
			return err
		}
	}
	for _, app := range env.Config().Apps() {
		if err := waitDynosGone(ctx, env, app); err != nil {
			return err
		}
	}
	return nil
}

func recordFormation(ctx context.Context, env *Env, app string) error {
	fact := FactFormation(env.Step, app)
	if _, ok := fact.Get(env.Facts()); ok {
		return nil
	}
	info, err := env.Heroku.App(ctx, app)
	if err != nil {
		return fmt.Errorf("reading app %s: %w", app, err)
	}
	processes, err := env.Heroku.Formation(ctx, app)
	if err != nil {
		return fmt.Errorf("reading the formation of %s: %w", app, err)
	}
	f := Formation{App: app, Maintenance: info.Maintenance}
	for _, p := range processes {
		if p.Type != heroku.ReleaseType {
			f.Processes = append(f.Processes, FormationProcess{Type: p.Type, Quantity: p.Quantity, Size: p.Size})
		}
	}
	return fact.Put(env, f)
}

// scaleDown stops every process type. In a Private Space web stays: the routing proxy lives on the web dynos, and without
// them visitors see errors instead of the maintenance page.
func scaleDown(ctx context.Context, env *Env, app string) error {
	formation, _ := FactFormation(env.Step, app).Get(env.Facts())
	info, err := env.Heroku.App(ctx, app)
	if err != nil {
		return fmt.Errorf("reading app %s: %w", app, err)
	}
	var want []FormationProcess
	for _, p := range formation.Processes {
		if p.Type == "web" && info.Private() {
			continue
		}
		want = append(want, FormationProcess{Type: p.Type, Size: p.Size})
	}
	return env.Do(ctx, scaleTo{heroku: env.Heroku, app: app, want: want, why: "scale down"})
}

// waitDynosGone waits for the last dyno, one-off ones included: those keep the environment they started with and do not
// end with a scale-down.
func waitDynosGone(ctx context.Context, env *Env, app string) error {
	info, err := env.Heroku.App(ctx, app)
	if err != nil {
		return fmt.Errorf("reading app %s: %w", app, err)
	}
	waiting := Waiting{For: fmt.Sprintf("the dynos of %s to stop", app), Who: "Heroku"}
	return env.patiently(ctx, waiting, env.Config().Poll.D(), func(ctx context.Context) (bool, string, error) {
		dynos, err := env.Heroku.Dynos(ctx, app)
		if err != nil {
			return false, "", err
		}
		left := 0
		detail := ""
		for _, d := range dynos {
			if d.Type == "web" && info.Private() {
				continue
			}
			left++
			if d.OneOff() {
				detail = fmt.Sprintf("one-off dyno %s still runs; stop it with: heroku ps:stop %s -a %s", d.Name, d.Name, app)
			}
		}
		if left == 0 {
			return true, "", nil
		}
		if detail == "" {
			detail = fmt.Sprintf("%d still running", left)
		}
		return false, detail, stayedDown(ctx, env, app, info.Private())
	})
}

// stayedDown fails when somebody else has scaled an app up again: its dynos would be waited for without end.
func stayedDown(ctx context.Context, env *Env, app string, private bool) error {
	formation, err := env.Heroku.Formation(ctx, app)
	if err != nil {
		return err
	}
	for _, p := range formation {
		if p.Quantity > 0 && p.Type != heroku.ReleaseType && (p.Type != "web" || !private) {
			return fmt.Errorf("%w: somebody has scaled %s of %s to %d, which the run had scaled to 0; advance again to scale it down once more, or roll back", ErrNeedsHuman, p.Type, app, p.Quantity)
		}
	}
	return nil
}

// endSessions ends what is still connected to the leader after the dynos have gone: pools, consoles, forgotten clients.
func endSessions(ctx context.Context, env *Env, leader Role) error {
	id, err := addonID(env, leader)
	if err != nil {
		return err
	}
	foreign := func(ctx context.Context) (names []string, err error) {
		err = withServer(ctx, env.Databases, leader, func(server Server) error {
			names, err = foreignSessions(ctx, server, env)
			return err
		})
		return names, err
	}
	names, err := foreign(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		env.Log(Warn, "%s is still connected to %s; ending it", name, leader)
	}
	return env.Do(ctx, resetConnections{heroku: env.Heroku, app: env.Config().App, role: leader, addonID: id, addonName: addonName(env, leader), foreign: foreign})
}

// leaveMaintenance brings every app back exactly as the given step had recorded it, and stops the outage clock.
// Maintenance goes off last, when the dynos are up: users never meet an app that is still starting.
func leaveMaintenance(ctx context.Context, env *Env, recordedBy int) error {
	for _, app := range env.Config().Apps() {
		formation, ok := FactFormation(recordedBy, app).Get(env.Facts())
		if !ok {
			continue
		}
		if err := env.Do(ctx, scaleTo{heroku: env.Heroku, app: app, want: formation.Processes, why: "scale back"}); err != nil {
			return err
		}
	}
	for _, app := range env.Config().Apps() {
		if formation, ok := FactFormation(recordedBy, app).Get(env.Facts()); ok {
			if err := waitDynosUp(ctx, env, formation); err != nil {
				return err
			}
		}
	}
	for _, app := range env.Config().Apps() {
		formation, ok := FactFormation(recordedBy, app).Get(env.Facts())
		if !ok {
			continue
		}
		if formation.Maintenance {
			env.Log(Warn, "maintenance mode of %s was on before the run, so it stays on", app)
		} else if err := env.Do(ctx, setMaintenance{heroku: env.Heroku, app: app, on: false}); err != nil {
			return err
		}
	}
	if err := endOutage(env); err != nil {
		return err
	}
	for _, app := range env.Config().Apps() {
		if err := FactFormation(recordedBy, app).Clear(env); err != nil {
			return err
		}
	}
	return nil
}

// crashLoopPatience is how long dynos other than web may fail to come up before production is opened without them:
// a worker that crashes at start must not keep users out.
const crashLoopPatience = 2 * time.Minute

// waitDynosUp waits until the recorded dynos run the newest release.
func waitDynosUp(ctx context.Context, env *Env, formation Formation) error {
	want := map[string]int{}
	for _, p := range formation.Processes {
		want[p.Type] = p.Quantity
	}
	started := env.Now()
	waiting := Waiting{For: fmt.Sprintf("the dynos of %s to come up", formation.App), Who: "Heroku"}
	return env.patiently(ctx, waiting, env.Config().Poll.D(), func(ctx context.Context) (bool, string, error) {
		current, err := currentRelease(ctx, env, formation.App)
		if err != nil {
			return false, "", err
		}
		dynos, err := env.Heroku.Dynos(ctx, formation.App)
		if err != nil {
			return false, "", err
		}
		up := map[string]int{}
		for _, d := range dynos {
			if d.State == heroku.DynoUp && d.Release.Version >= current {
				up[d.Type]++
			}
		}
		var missing []string
		for kind, n := range want {
			if up[kind] < n {
				missing = append(missing, fmt.Sprintf("%s %d of %d", kind, up[kind], n))
			}
		}
		slices.Sort(missing)
		if len(missing) == 0 {
			return true, "", nil
		}
		if up["web"] >= want["web"] && env.Now().Sub(started) > crashLoopPatience {
			env.Log(Warn, "going on without all dynos of %s: %v are up; look at heroku logs", formation.App, missing)
			return true, "", nil
		}
		return false, fmt.Sprintf("up: %v", missing), nil
	})
}

// currentRelease is the version of the newest release that succeeded: a dyno never runs one whose release phase failed.
func currentRelease(ctx context.Context, env *Env, app string) (int, error) {
	releases, err := env.Heroku.Releases(ctx, app, 10)
	if err != nil {
		return 0, err
	}
	for _, r := range releases {
		if r.Status == heroku.ReleaseSucceeded {
			return r.Version, nil
		}
	}
	return 0, nil
}
