package sim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnfollow(t *testing.T) {
	clock := newHandClock()
	fake := &paperServer{}
	b := newBench(t, func(o *Options) {
		o.Clock, o.databases, o.Delays = clock, fake, Delays{Unfollow: 10 * time.Second, ForkFollowUnavailable: time.Hour}
	})
	old := b.oldPrimary()
	b.call(http.MethodPut, "/client/v11/databases/"+old+"/unfollow", nil).refused(422, "unprocessable_entity")
	b.create(object{"plan": planBody("standard-4"), "name": "fol", "config": object{"follow": old}})
	got := b.call(http.MethodPut, "/client/v11/databases/fol/unfollow", nil).is(http.StatusOK)
	if got.str("leader_xact") != "1000" || got.str("follower_xact") != "1000" {
		t.Errorf("answer %s", got.raw)
	}
	if b.info("fol").str("following") == "null" || b.get("/client/v11/databases/fol/wait_status").object()["waiting?"] != true {
		t.Error("unfollow was done at once")
	}
	b.call(http.MethodPut, "/client/v11/databases/fol/unfollow", nil).is(http.StatusOK)
	b.await("it is a leader", func() bool { clock.advance(5 * time.Second); return b.info("fol").str("following") == "null" })
	if got := b.info("fol").row("Fork/Follow"); got != "Temporarily Unavailable" {
		t.Errorf("Fork/Follow after unfollow %q", got)
	}
	promotions := func() int {
		return len(slices.DeleteFunc(slices.Clone(fake.all[1].asked), func(s string) bool { return s != "promote" }))
	}
	if promotions() != 1 {
		t.Errorf("promoted %d times, want once", promotions())
	}
}

func TestFaultsOfDatabases(t *testing.T) {
	fake := &paperServer{}
	b := newBench(t, func(o *Options) { o.databases = fake })
	old := b.oldPrimary()
	b.create(object{"plan": planBody("standard-4"), "name": "fol", "config": object{"follow": old}})
	fault := func(f Fault) string {
		t.Helper()
		added, err := b.AddFault(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return added.ID
	}
	end := func(id string) {
		t.Helper()
		b.call(http.MethodDelete, "/sim/faults/"+id, nil).is(http.StatusOK)
	}

	id := fault(Fault{Kind: FaultLag, Addon: "fol", Lag: 12})
	if got := b.info("fol").row("Behind By"); got != "12 commits" {
		t.Errorf("Behind By %q with a lag that never ends", got)
	}
	end(id)
	if got := b.info("fol").row("Behind By"); got != "0 commits" {
		t.Errorf("Behind By %q afterwards", got)
	}

	id = fault(Fault{Kind: FaultWaitStatus, Addon: "fol", Message: "disk full"})
	if got := b.get("/client/v11/databases/fol/wait_status").object(); got["error?"] != true || got["message"] != "disk full" {
		t.Errorf("wait_status %v", got)
	}
	end(id)

	id = fault(Fault{Kind: FaultUnfollowStuck, Addon: "fol", LooksDone: true})
	b.call(http.MethodPut, "/client/v11/databases/fol/unfollow", nil).is(http.StatusOK)
	b.await("it looks done", func() bool { return b.info("fol").str("following") == "null" })
	if !fake.all[1].facts.InRecovery {
		t.Error("it left recovery in spite of the fault")
	}
	end(id)
	b.await("it is promoted", func() bool { f, _ := fake.all[1].Facts(t.Context()); return !f.InRecovery })

	fault(Fault{Kind: FaultDeprovisioned})
	doomed := b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": "doomed"}).is(http.StatusCreated)
	b.await("provisioning fails", func() bool { return b.get("/addons/"+doomed.str("id")).str("state") == "deprovisioned" })
	if got := b.get("/client/v11/databases/doomed/wait_status").object(); got["error?"] != true {
		t.Errorf("wait_status of a failed database %v", got)
	}
	b.create(object{"plan": planBody("standard-4"), "name": "next"})

	end(fault(Fault{Kind: FaultThrottle, Addon: old, Connections: 3}))
	end(fault(Fault{Kind: FaultKill, Addon: old}))
	want := []string{"seed", "limit connections", "limit connections", "kill", "restart"}
	if diff := cmp.Diff(want, fake.all[0].asked); diff != "" {
		t.Errorf("what was asked of the server (-want +got):\n%s", diff)
	}
}

func TestFaultEndsByItself(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock = clock })
	if _, err := b.AddFault(t.Context(), Fault{Kind: FaultNotFound, Path: "/account", For: Duration(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.call(http.MethodGet, "/account", nil).is(404)
	}
	clock.advance(time.Minute)
	b.get("/account")
}

func TestHerokusOwnMaintenance(t *testing.T) {
	b := newBench(t, nil)
	old := b.get("/apps/shop/addon-attachments/DATABASE").str("addon.id")
	if got := b.get("/data/maintenances/v1/" + old); got.str("status") != "none" || !strings.HasPrefix(got.str("window"), "Sundays 22:30 to Mondays 02:30") {
		t.Errorf("maintenance %s", got.raw)
	}
	b.call(http.MethodPost, "/sim/maintenances", object{"addon": old, "status": "pending", "in": "2h"}).is(http.StatusOK)
	if got := b.get("/data/maintenances/v1/" + old); got.str("status") != "pending" || got.str("scheduled_for") == "null" {
		t.Errorf("maintenance %s", got.raw)
	}
	app := b.get("/apps/shop").str("id")
	if got := b.get("/data/maintenances/v1/apps/" + app).object()["maintenances"].([]any); len(got) != 1 {
		t.Errorf("maintenances of the app: %v", got)
	}
	if got := b.info(old).row("Maintenance"); !strings.HasPrefix(got, "required by") {
		t.Errorf("row Maintenance %q", got)
	}
	b.call(http.MethodPost, "/data/maintenances/v1/"+old+"/window", object{"day_of_week": "Friday", "time_of_day": "01:00"}).is(http.StatusOK)
	if got := b.get("/data/maintenances/v1/" + old + "/window").str("window"); got != "Fridays 01:00 to Fridays 05:00 UTC" {
		t.Errorf("window %q", got)
	}
	b.call(http.MethodPost, "/data/maintenances/v1/"+old+"/run", nil).is(http.StatusAccepted)
	b.await("it is completed", func() bool { return b.get("/data/maintenances/v1/"+old).str("status") == "completed" })
}

func TestSchedulesBelongToOneDatabase(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	b.call(http.MethodPost, "/sim/schedules", object{"addon": old, "hour": 3}).is(http.StatusCreated)
	fresh := b.create(object{"plan": planBody("standard-4")}).str("name")
	if n := len(b.get("/client/v11/databases/" + old + "/transfer-schedules").list()); n != 1 {
		t.Errorf("%d schedules, want 1", n)
	}
	if n := len(b.get("/client/v11/databases/" + fresh + "/transfer-schedules").list()); n != 0 {
		t.Errorf("a new database has %d schedules", n)
	}
}

func TestSettings(t *testing.T) {
	b := newBench(t, nil)
	path := "/postgres/v0/databases/" + b.oldPrimary() + "/config"
	b.call(http.MethodPatch, path, object{"log_lock_waits": false}).is(http.StatusOK)
	if got := b.get(path).str("log_lock_waits.value"); got != "false" {
		t.Errorf("log_lock_waits %s", got)
	}
	b.call(http.MethodPatch, path, object{"nope": 1}).refused(422, "unprocessable_entity")
}

func TestStatusHoldsNoPassword(t *testing.T) {
	b := newBench(t, nil)
	raw := string(b.get("/sim/status").raw)
	_, after, _ := strings.Cut(b.configVar("DATABASE_URL"), "://")
	password, _, _ := strings.Cut(strings.SplitN(after, ":", 2)[1], "@")
	if strings.Contains(raw, password) {
		t.Error("the status shows a password")
	}
}
