package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/steps"
)

// wantDrift waits until the run is paused because of what the words say, puts it right, and resumes.
func (m *migration) wantDrift(words string, mend func()) {
	m.t.Helper()
	m.until("the run is paused by drift: "+words, func() bool {
		v := m.engine.View()
		return v.Paused && v.PausedBy == "drift" && strings.Contains(v.Alarm, words)
	})
	mend()
	m.until("the alarm is over", func() bool { return m.engine.View().Alarm == "" })
	if !m.engine.View().Paused {
		m.t.Error("the run goes on by itself when the drift is over; somebody must say so")
	}
	m.must(steps.ResumeRun, 0)
}

func TestWhatOthersChangeDuringTheOutagePausesTheRun(t *testing.T) {
	t.Parallel()
	m := newMigration(t, quietApp)
	if err := m.sim.AddApp("shop-admin", nil); err != nil {
		t.Fatal(err)
	}
	m.advance(1, 2, 5)
	before := m.attach(m.name(steps.FastFollower), "shop-admin", "BEFORE") // before the outage it is nobody's business
	m.advance(3)
	maintenance := func(on bool) {
		t.Helper()
		if _, err := m.client.SetMaintenance(t.Context(), app, on); err != nil {
			t.Fatal(err)
		}
	}
	scale := func(n int) {
		t.Helper()
		if _, err := m.client.Scale(t.Context(), app, []heroku.ScaleUpdate{{Type: "worker", Quantity: n}}); err != nil {
			t.Fatal(err)
		}
	}

	maintenance(false)
	m.wantDrift("maintenance mode of shop is off", func() { maintenance(true) })
	scale(1)
	m.wantDrift("worker of shop is scaled to 1", func() { scale(0) })
	detach := m.attach(m.name(steps.FastPrimary), "shop-admin", "REPORTS")
	m.wantDrift(m.name(steps.FastPrimary)+" is attached to shop-admin as REPORTS", detach)
	m.attach(m.name(steps.FastPrimary), app, heroku.DatabaseAttachment)
	m.wantDrift("DATABASE of shop is "+m.name(steps.FastPrimary)+", not old-primary", func() {
		m.attach(m.config.OldPrimary.Name, app, heroku.DatabaseAttachment)
	})

	// What an operator accepts is drift no more, and the run goes on.
	m.attach(m.name(steps.FastPrimary), "shop-admin", "REPORTS")
	m.until("the run is paused", func() bool { return m.engine.View().Paused })
	m.refuses(steps.Advance, 4, "paused")
	m.must(steps.ResumeRun, 0)
	m.advance(4)
	if v := m.engine.View(); v.Paused || v.Alarm != "" {
		t.Errorf("accepted drift: paused %v, alarm %q", v.Paused, v.Alarm)
	}

	before()
	if _, err := m.client.DestroyAddon(t.Context(), m.config.AppID, m.addon(steps.FastFollower).ID); err != nil {
		t.Fatal(err)
	}
	m.until("the missing database is noticed", func() bool {
		return strings.Contains(m.engine.View().Alarm, "fast-follower ("+m.name(steps.FastFollower)+") is gone")
	})
	m.bail()
	m.wantDatabase(steps.OldPrimary)
}

// driftBoard is a run in the middle of its long outage.
func driftBoard() *board {
	return cardBoard(1, 2, 3, 5).database(steps.FastFollower).database(steps.FastPrimary).
		fact(string(steps.FactFence), steps.Fence{Leader: steps.OldPrimary}).
		fact(string(steps.FactOutages), []steps.Outage{{FromStep: 3, Start: time.Unix(1, 0)}})
}

func driftWorld(changes ...func(*steps.World)) steps.World {
	w := steps.World{
		Apps: map[string]steps.AppWorld{
			app:          {ID: "1", Maintenance: true, Deploy: 40, Formation: map[string]int{"web": 0, "release": 1}},
			"shop-admin": {ID: "2", Maintenance: true, Private: true, Formation: map[string]int{"web": 2}},
		},
		Databases: map[steps.Role]steps.DatabaseWorld{
			steps.OldPrimary:   {Name: "postgresql-round-1", Version: "15.8"},
			steps.FastFollower: {Name: "shop-mig-7f3a-fast-follower", Follows: "1", Version: "15.8"},
			steps.FastPrimary:  {Name: "shop-mig-7f3a-fast-primary", Version: "17.2"},
		},
		Attachments: map[string]string{"shop/DATABASE": "postgresql-round-1", "shop-admin/DATABASE": "postgresql-round-1"},
	}
	for _, change := range changes {
		change(&w)
	}
	return w
}

func TestDriftTellsDangerFromWhatMayBe(t *testing.T) {
	database := func(key, addon string) func(*steps.World) {
		return func(w *steps.World) {
			w.Attachments[key] = addon
			if addon == "" {
				delete(w.Attachments, key)
			}
		}
	}
	changed := func(change func(a *steps.AppWorld)) func(*steps.World) {
		return func(w *steps.World) {
			a := w.Apps[app]
			change(&a)
			w.Apps[app] = a
		}
	}
	deploy := changed(func(a *steps.AppWorld) { a.Deploy, a.DeployText = 41, "Deploy 1a2b3c4d" })
	open := func(b *board) *board {
		return b.with(4, steps.Done).with(6, steps.Done).with(7, steps.Done).with(8, steps.Done).database(steps.FinalPrimary).
			fact(string(steps.FactPromoted), steps.FastPrimary).fact(string(steps.FactNoReturn1), time.Unix(1, 0)).
			fact(string(steps.FactOutages), []steps.Outage{{Start: time.Unix(1, 0), End: time.Unix(2, 0)}})
	}
	onFast := func(w *steps.World) {
		w.Attachments["shop/DATABASE"], w.Attachments["shop-admin/DATABASE"] = "shop-mig-7f3a-fast-primary", "shop-mig-7f3a-fast-primary"
	}
	for name, c := range map[string]struct {
		board  *board
		change func(*steps.World)
		danger string // "" for none
		benign string
	}{
		"nothing":                      {driftBoard(), func(*steps.World) {}, "", ""},
		"a deploy while users are out": {driftBoard(), deploy, "shop was released as v41: Deploy 1a2b3c4d", ""},
		"a deploy between the outages": {open(driftBoard()), func(w *steps.World) { deploy(w); onFast(w) }, "", "shop was released as v41: Deploy 1a2b3c4d"},
		"a release of configuration":   {driftBoard(), changed(func(a *steps.AppWorld) { a.Release = 99 }), "", ""},
		"another app of the name":      {driftBoard(), changed(func(a *steps.AppWorld) { a.ID = "9" }), "app shop is another app than before", ""},
		"a new add-on of somebody":     {driftBoard(), changed(func(a *steps.AppWorld) { a.Addons = []string{"redis-1"} }), "", "shop has a new add-on redis-1"},
		"a new add-on of ours":         {driftBoard(), changed(func(a *steps.AppWorld) { a.Addons = []string{"shop-mig-7f3a-final-primary"} }), "", ""},
		"a minor update": {driftBoard(), func(w *steps.World) {
			w.Databases[steps.OldPrimary] = steps.DatabaseWorld{Name: "postgresql-round-1", Version: "15.9"}
		}, "", "old-primary (postgresql-round-1) runs PostgreSQL 15.9, formerly 15.8"},
		"a follower that was unfollowed": {driftBoard(), func(w *steps.World) {
			w.Databases[steps.FastFollower] = steps.DatabaseWorld{Name: "shop-mig-7f3a-fast-follower"}
		}, "fast-follower (shop-mig-7f3a-fast-follower) does not follow its leader any more", ""},
		"DATABASE moved on one of two apps":   {driftBoard(), database("shop-admin/DATABASE", "x"), "DATABASE of shop-admin is x, not old-primary (postgresql-round-1)", ""},
		"DATABASE absent":                     {driftBoard(), database("shop/DATABASE", ""), "DATABASE of shop is –, not old-primary (postgresql-round-1)", ""},
		"DATABASE absent within our promote":  {driftBoard().with(7, steps.Running), database("shop/DATABASE", ""), "", ""},
		"DATABASE moved by a half promote":    {driftBoard().with(7, steps.Failed), database("shop/DATABASE", "shop-mig-7f3a-fast-primary"), "", ""},
		"DATABASE of a stranger in a promote": {driftBoard().with(7, steps.Running), database("shop/DATABASE", "x"), "DATABASE of shop is x, not old-primary (postgresql-round-1)", ""},
		"DATABASE moved back behind step 8":   {open(driftBoard()), func(w *steps.World) { onFast(w); w.Attachments["shop/DATABASE"] = "postgresql-round-1" }, "DATABASE of shop is postgresql-round-1, not fast-primary (shop-mig-7f3a-fast-primary)", ""},
		"DATABASE moving in step 9":           {open(driftBoard()).with(9, steps.Running), func(w *steps.World) { onFast(w); w.Attachments["shop/DATABASE"] = "shop-mig-7f3a-final-primary" }, "", ""},
		"our attachment":                      {driftBoard(), database("shop-admin/MIG_7F3A_OLD_PRIMARY", "postgresql-round-1"), "", ""},
		"our name on a strange app":           {driftBoard(), database("x/MIG_7F3A_OLD_PRIMARY", "postgresql-round-1"), "postgresql-round-1 is attached to x as MIG_7F3A_OLD_PRIMARY, which is new", ""},
		"a rollback of step 3 opens the app":  {driftBoard().with(3, steps.RollingBack), changed(func(a *steps.AppWorld) { a.Maintenance, a.Formation = false, map[string]int{"web": 4} }), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			was := driftWorld()
			var danger, benign []string
			for _, d := range steps.Drift(c.board, was, driftWorld(c.change)) {
				if d.Danger {
					danger = append(danger, d.Text)
				} else {
					benign = append(benign, d.Text)
				}
			}
			if diff := cmp.Diff([]string{c.danger, c.benign}, []string{strings.Join(danger, "|"), strings.Join(benign, "|")}); diff != "" {
				t.Errorf("danger and benign (-want +have):\n%s", diff)
			}
		})
	}
}
