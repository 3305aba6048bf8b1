package sim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFirstDatabaseIsNamedDatabase(t *testing.T) {
	b := newBench(t, nil)
	names := map[string]bool{}
	for _, at := range b.get("/apps/shop/addon-attachments").list() {
		names[field(at, "name")] = true
	}
	if !names["DATABASE"] || len(names) != 2 {
		t.Fatalf("attachments %v, want DATABASE and a colour", names)
	}
	made := b.create(object{"plan": planBody("standard-5")})
	var vars []string
	for _, v := range made.object()["config_vars"].([]any) {
		vars = append(vars, v.(string))
	}
	if len(vars) != 1 || !strings.HasPrefix(vars[0], "HEROKU_POSTGRESQL_") || !strings.HasSuffix(vars[0], "_URL") {
		t.Fatalf("a later database got the variables %v, want one of a colour", vars)
	}
}

func TestProvisioningTimeline(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) {
		o.Clock = clock
		o.Delays = Delays{NotFound404: 5 * time.Second, Provision: 60 * time.Second, ForkFollowUnavailable: 10 * time.Minute}
	})
	made := b.call(http.MethodPost, "/apps/shop/addons", object{
		"plan": planBody("standard-5"), "name": "shop-fast", "attachment": object{"name": "FAST"}, "config": object{"version": "15"},
	}, "X-Heroku-Legacy-Provider-Messages", "true").is(http.StatusCreated)
	if made.str("state") != "provisioning" || made.str("provision_message") == "" || made.str("config_vars") != "[]" {
		t.Fatalf("creation answered %s", made.raw)
	}

	early := b.call(http.MethodGet, "/client/v11/databases/shop-fast", nil).is(http.StatusNotFound)
	if diff := cmp.Diff(`{"error":"not found"}`, string(early.raw)); diff != "" {
		t.Fatalf("404 of the data host (-want +got):\n%s", diff)
	}
	b.call(http.MethodGet, "/client/v11/databases/shop-fast/wait_status", nil).is(http.StatusNotFound)

	clock.advance(6 * time.Second)
	preparing := b.info("shop-fast")
	for name, want := range map[string]string{"Status": "Preparing", "Fork/Follow": "Temporarily Unavailable", "Rollback": "Temporarily Unavailable"} {
		if got := preparing.row(name); got != want {
			t.Errorf("%s while preparing: %q, want %q", name, got, want)
		}
	}
	wait := b.get("/client/v11/databases/shop-fast/wait_status").object()
	if wait["waiting?"] != true || wait["message"] != "preparing" {
		t.Errorf("wait_status while preparing: %v", wait)
	}
	if got := b.configVar("FAST_URL"); got != "null" {
		t.Errorf("FAST_URL is %s before the database is there", got)
	}

	clock.advance(time.Minute)
	b.await("provisioned", func() bool { return b.get("/addons/shop-fast").str("state") == "provisioned" })
	ready := b.info("shop-fast")
	if got := ready.row("Status"); got != "Available" {
		t.Errorf("Status %q, want Available", got)
	}
	if got := ready.row("Fork/Follow"); got != "Temporarily Unavailable" {
		t.Errorf("Fork/Follow just after creation %q, want Temporarily Unavailable", got)
	}
	if got := ready.row("PG Version"); got != "15.20" {
		t.Errorf("PG Version %q: the version asked for was 15", got)
	}
	if got := ready.row("Created"); !strings.HasSuffix(got, " ") {
		t.Errorf("Created %q has no trailing blank", got)
	}
	if got := b.configVar("FAST_URL"); !strings.HasPrefix(got, "postgres://") || got != ready.str("resource_url") {
		t.Errorf("FAST_URL does not equal resource_url")
	}
	want := []string{"@ref:shop-fast completed provisioning, setting FAST_URL.", "Attach FAST (@ref:shop-fast)"}
	if diff := cmp.Diff(want, b.releases("2")); diff != "" {
		t.Errorf("releases of a creation (-want +got):\n%s", diff)
	}
	clock.advance(10 * time.Minute)
	if got := b.info("shop-fast").row("Fork/Follow"); got != "Available" {
		t.Errorf("Fork/Follow %q in the end, want Available", got)
	}
}

func TestCreationIsRefused(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	follower := b.create(object{"plan": planBody("standard-4"), "name": "a-follower", "config": object{"follow": old}}).str("name")
	b.create(object{"plan": planBody("essential-0"), "name": "an-essential"})
	for name, c := range map[string]struct {
		body    object
		status  int
		id      string
		message string
	}{
		"no such plan":               {object{"plan": planBody("standard-1")}, 422, "invalid_params", "Couldn't find either"},
		"name taken":                 {object{"plan": planBody("standard-4"), "name": follower}, 422, "invalid_params", "taken"},
		"name invalid":               {object{"plan": planBody("standard-4"), "name": "1st"}, 422, "invalid_params", "letter"},
		"attachment taken":           {object{"plan": planBody("standard-4"), "attachment": object{"name": "DATABASE"}}, 423, "confirmation_required", "Confirm"},
		"version not offered":        {object{"plan": planBody("standard-4"), "config": object{"version": "12"}}, 422, "unprocessable_entity", "17, 15"},
		"follow a follower":          {object{"plan": planBody("standard-4"), "config": object{"follow": follower}}, 422, "unprocessable_entity", "itself a follower"},
		"follow nobody":              {object{"plan": planBody("standard-4"), "config": object{"follow": "NOPE"}}, 422, "unprocessable_entity", "NOPE"},
		"follow an Essential":        {object{"plan": planBody("standard-4"), "config": object{"follow": "an-essential"}}, 422, "unprocessable_entity", "not supported"},
		"follow with an Essential":   {object{"plan": planBody("essential-1"), "config": object{"follow": old}}, 422, "unprocessable_entity", "not supported"},
		"follow with too small plan": {object{"plan": planBody("premium-2"), "config": object{"follow": old}}, 422, "unprocessable_entity", "premium-3"},
		"follow in another version":  {object{"plan": planBody("standard-4"), "config": object{"follow": old, "version": "15"}}, 422, "unprocessable_entity", "version"},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			before := len(b.get("/addons").list())
			got := b.call(http.MethodPost, "/apps/shop/addons", c.body).refused(c.status, c.id)
			if !strings.Contains(got.str("message"), c.message) {
				t.Errorf("message %q does not mention %q", got.str("message"), c.message)
			}
			if after := len(b.get("/addons").list()); after != before {
				t.Errorf("a refused creation left %d add-ons, want %d", after, before)
			}
		})
	}
	b.t = t
	b.call(http.MethodPost, "/apps/nope/addons", object{"plan": planBody("standard-4")}).refused(404, "not_found")
	if got := b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "attachment": object{"name": "DATABASE"}}).header.Get("X-Confirmation-Required"); got != "shop" {
		t.Errorf("X-Confirmation-Required %q, want shop", got)
	}
}

func TestFollowIsRefusedByDataVolume(t *testing.T) {
	fake := &paperServer{}
	b := newBench(t, func(o *Options) { o.databases, o.SampleEvery = fake, time.Millisecond })
	old := b.oldPrimary()
	fake.all[0].set(func(f *facts) { f.Bytes = 800 * gigabyte })
	b.await("the size is sampled", func() bool { return b.info(old).row("Data Size") == "800 GB" })
	got := b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "config": object{"follow": old}}).refused(422, "unprocessable_entity")
	if !strings.Contains(got.str("message"), "standard-5") {
		t.Errorf("message %q does not name the smallest plan with room, standard-5", got.str("message"))
	}
}

func TestFollowByEveryName(t *testing.T) {
	b := newBench(t, nil)
	b.call(http.MethodPost, "/apps", object{"name": "other"}).is(http.StatusCreated)
	old := b.get("/apps/shop/addon-attachments/DATABASE")
	for _, name := range []string{
		"DATABASE", "DATABASE_URL", "shop::DATABASE_URL", old.str("addon.name"), old.str("addon.id"), b.configVar("DATABASE_URL"),
	} {
		made := b.create(object{"plan": planBody("standard-4"), "config": object{"follow": name}})
		if got := b.info(made.str("id")).str("leader.addon_id"); got != old.str("addon.id") {
			t.Errorf("follow %s: leader %q, want the old primary", withoutPassword(name), got)
		}
	}
	// The app's own names come first, and another app has none of these.
	b.call(http.MethodPost, "/apps/other/addons", object{"plan": planBody("standard-4"), "config": object{"follow": "DATABASE_URL"}}).refused(422, "unprocessable_entity")
}

func TestFollowOutsideConfigIsIgnored(t *testing.T) {
	b := newBench(t, nil)
	made := b.create(object{"plan": planBody("standard-4"), "follow": "DATABASE"})
	info := b.info(made.str("id"))
	if info.str("following") != "null" || info.str("leader") != "null" {
		t.Fatalf("the database follows %s: a follow outside config must be ignored", info.str("following"))
	}
	if info.row("Behind By") != "" {
		t.Error("a leader shows Behind By")
	}
}

func TestFollowWaitsForForkFollow(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock, o.Delays = clock, Delays{ForkFollowUnavailable: time.Hour} })
	fresh := b.create(object{"plan": planBody("standard-4")}).str("name")
	body := object{"plan": planBody("standard-4"), "config": object{"follow": fresh}}
	b.call(http.MethodPost, "/apps/shop/addons", body).refused(422, "unprocessable_entity")
	clock.advance(time.Hour)
	b.call(http.MethodPost, "/apps/shop/addons", body).is(http.StatusCreated)
}

func TestFollowerInfo(t *testing.T) {
	fake := &paperServer{}
	b := newBench(t, func(o *Options) { o.databases, o.SampleEvery = fake, time.Millisecond })
	old := b.oldPrimary()
	b.create(object{"plan": planBody("standard-5"), "name": "fol", "config": object{"follow": old}})
	fake.all[0].set(func(f *facts) { f.Transaction += 37 })
	b.await("the lag is sampled", func() bool { return b.info("fol").row("Behind By") == "37 commits" })
	info := b.info("fol")
	for name, want := range map[string]string{"Fork/Follow": "Unavailable on followers", "Continuous Protection": "On (on leader)", "Followers": ""} {
		if got := info.row(name); got != want {
			t.Errorf("%s of a follower: %q, want %q", name, got, want)
		}
	}
	if got := info.str("leader.name"); got != old {
		t.Errorf("leader %q, want %q", got, old)
	}
	// Heroku has been seen to send numbers as text here.
	current, target := info.object()["current_transaction"], info.object()["target_transaction"]
	if current != "1000" || target != "1037" {
		t.Errorf("transactions %v of %v, want the texts 1000 of 1037", current, target)
	}
	if got, want := b.info(old).row("Followers"), info.str("resource_url"); !strings.HasSuffix(want, strings.TrimPrefix(got, "postgres://")) || got == "" {
		t.Errorf("Followers of the leader: %q", got)
	}
	if strings.Contains(info.str("following"), "@") {
		t.Error("following holds credentials")
	}
}

func TestInfoMixesNumbersAndText(t *testing.T) {
	b := newBench(t, nil)
	rows := b.info(b.oldPrimary()).object()["info"].([]any)
	kinds := map[string]any{}
	for _, r := range rows {
		row := r.(map[string]any)
		if values := row["values"].([]any); len(values) > 0 {
			kinds[row["name"].(string)] = values[0]
		}
	}
	if _, number := kinds["Tables"].(float64); !number {
		t.Errorf("Tables is %T, want a number", kinds["Tables"])
	}
	if _, text := kinds["Connections"].(string); !text {
		t.Errorf("Connections is %T, want text", kinds["Connections"])
	}
}

func TestEssentialInfo(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Plan = "essential-0" })
	info := b.info(b.oldPrimary())
	if got := info.str("plan"); got != "essential-0" {
		t.Errorf("plan %q, want the text essential-0", got)
	}
	if got := info.row("Fork/Follow"); got != "Unsupported" {
		t.Errorf("Fork/Follow %q, want Unsupported", got)
	}
	b.call(http.MethodGet, "/postgres/v0/databases/"+b.oldPrimary()+"/config", nil).refused(422, "unprocessable_entity")
}

func TestDestroy(t *testing.T) {
	clock := newHandClock()
	fake := &paperServer{}
	b := newBench(t, func(o *Options) { o.Clock, o.databases, o.Delays = clock, fake, Delays{AddonGone: 10 * time.Second} })
	made := b.create(object{"plan": planBody("standard-4"), "name": "going", "attachment": object{"name": "GOING"}})
	got := b.call(http.MethodDelete, "/apps/shop/addons/"+made.str("id"), object{"force": false}).is(http.StatusAccepted)
	if got.str("state") != "deprovisioning" {
		t.Errorf("state %q, want deprovisioning", got.str("state"))
	}
	if b.configVar("GOING_URL") != "null" {
		t.Error("the variable outlived the add-on")
	}
	if diff := cmp.Diff([]string{"Detach GOING (@ref:going)"}, b.releases("1")); diff != "" {
		t.Errorf("release (-want +got):\n%s", diff)
	}
	b.get("/addons/going")
	b.call(http.MethodGet, "/client/v11/databases/going", nil).is(http.StatusNotFound)
	b.await("the server is gone", func() bool { fake.all[1].mu.Lock(); defer fake.all[1].mu.Unlock(); return fake.all[1].gone })
	b.await("the add-on is gone", func() bool {
		clock.advance(10 * time.Second)
		return b.call(http.MethodGet, "/addons/going", nil).status == http.StatusNotFound
	})
	if got := b.call(http.MethodGet, "/apps/shop/addons/going", nil).refused(404, "not_found").str("resource"); got != "add_on" {
		t.Errorf("resource %q, want add_on", got)
	}
}

func TestDestroyWhileProvisioning(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock, o.Delays = clock, Delays{Provision: time.Hour} })
	made := b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": "regret"}).is(http.StatusCreated)
	b.call(http.MethodDelete, "/apps/shop/addons/"+made.str("id"), nil).is(http.StatusAccepted)
	b.await("the add-on is gone", func() bool { return b.call(http.MethodGet, "/addons/regret", nil).status == http.StatusNotFound })
}

func TestNothingProtectsDatabaseOrLeaders(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	b.create(object{"plan": planBody("standard-4"), "name": "orphan", "config": object{"follow": old}})
	b.call(http.MethodDelete, "/apps/shop/addons/"+old, nil).is(http.StatusAccepted)
	info := b.info("orphan")
	if info.str("following") == "null" || info.row("Fork/Follow") != "Unavailable on followers" {
		t.Errorf("the orphan became a leader by itself")
	}
}

func TestDestroyOfAddonAttachedElsewhereNeedsForce(t *testing.T) {
	b := newBench(t, nil)
	if err := b.AddApp("reports", []Process{{Type: "clock", Quantity: 1, Size: "Basic"}}); err != nil {
		t.Fatal(err)
	}
	old := b.oldPrimary()
	b.call(http.MethodPost, "/addon-attachments", object{"addon": object{"name": old}, "app": object{"name": "reports"}}).is(http.StatusCreated)
	b.call(http.MethodDelete, "/apps/shop/addons/"+old, object{"force": false}).refused(422, "unprocessable_entity")
	b.call(http.MethodDelete, "/apps/shop/addons/"+old, object{"force": true}).is(http.StatusAccepted)
}

func TestFork(t *testing.T) {
	b := newBench(t, nil)
	made := b.create(object{"plan": planBody("standard-4"), "config": object{"fork": "DATABASE", "fast": true}})
	if info := b.info(made.str("id")); info.str("following") != "null" || info.str("forked_from") == "null" {
		t.Errorf("following %s, forked_from %s: want a leader that was forked", info.str("following"), info.str("forked_from"))
	}
}

func TestExpansion(t *testing.T) {
	b := newBench(t, nil)
	old := b.oldPrimary()
	if got := b.get("/addons/" + old).str("plan.price.cents"); got != "null" && got != "" {
		t.Errorf("price %s without Accept-Expansion", got)
	}
	if got := b.get("/addons/"+old, "Accept-Expansion", "addon_service,plan").str("plan.price.cents"); got != "75000" {
		t.Errorf("price %s with Accept-Expansion, want 75000 cents for standard-4", got)
	}
}

func TestPlansAreListedWithoutToken(t *testing.T) {
	b := newBench(t, nil)
	plans := b.get("/addon-services/heroku-postgresql/plans", "Authorization", "").list()
	for _, p := range plans {
		if field(p, "name") == "heroku-postgresql:standard-7" && field(p, "price.cents") == "350000" {
			return
		}
	}
	t.Fatalf("no standard-7 for 3500 dollars among %d plans", len(plans))
}
