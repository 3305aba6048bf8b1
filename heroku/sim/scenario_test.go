package sim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const script = `
[[events]]
fault = { id = "no-money", kind = "status", method = "POST", path = "/apps/*/addons", status = 402, body = '{"id":"delinquent"}' }

[[events]]
at = "1m"
end_fault = "no-money"

[[events]]
at = "1m"
app = { name = "blog", formation = [{ type = "web", quantity = 1, size = "Standard-1X" }] }

[[events]]
at = "2m"
call = { method = "POST", path = "/addon-attachments", body = { addon = "DATABASE", app = "blog", name = "DATABASE" } }

[[events]]
at = "2m"
call = { method = "POST", path = "/postgres/v0/databases/{DATABASE}/credentials", body = { name = "reports" } }

[[events]]
at = "2m"
other_addon = { service = "scheduler", plan = "standard" }

[[events]]
at = "2m"
maintenance = { addon = "DATABASE", status = "pending", in = "24h" }

[[events]]
after = "*-fast-follower"
fault = { kind = "lag", addon = "*-fast-follower", lag = 12 }
`

func read(t *testing.T, name, text string) Scenario {
	t.Helper()
	s, err := ReadScenario(name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAScenarioHappensInItsTime(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock = clock })
	b.Play(read(t, "trouble.toml", script))
	follow := object{"plan": planBody("standard-7"), "name": "shop-mig-1-fast-follower", "config": object{"follow": "DATABASE"}}
	b.await("Heroku wants money", func() bool { return len(b.Faults()) == 1 })
	b.call(http.MethodPost, "/apps/shop/addons", follow).refused(http.StatusPaymentRequired, "delinquent")
	clock.advance(time.Minute)
	b.await("Heroku has its money", func() bool { return len(b.Faults()) == 0 })
	b.await("there is a second app", func() bool { return b.call(http.MethodGet, "/apps/blog", nil).status == http.StatusOK })
	clock.advance(time.Minute)
	b.await("blog uses the database", func() bool {
		return len(b.get("/apps/blog/addon-attachments").list()) == 1
	})
	b.await("there are two credentials", func() bool {
		return len(b.get("/postgres/v0/databases/"+b.oldPrimary()+"/credentials").list()) == 2
	})
	b.await("there is Scheduler", func() bool {
		for _, a := range b.get("/apps/shop/addons").list() {
			if field(a, "addon_service.name") == "scheduler" && field(a, "plan.name") == "scheduler:standard" {
				return true
			}
		}
		return false
	})
	b.await("maintenance is due", func() bool { return b.get("/data/maintenances/v1/"+b.oldPrimary()).str("status") == "pending" })
	b.call(http.MethodPost, "/apps/shop/addons", follow).is(http.StatusCreated)
	b.await("the follower is behind, once it is there", func() bool {
		clock.advance(time.Second)
		a := b.call(http.MethodGet, "/client/v11/databases/shop-mig-1-fast-follower", nil)
		return a.status == http.StatusOK && a.row("Behind By") == "12 commits"
	})
	if p := b.Status().Problems; len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
}

func TestAScenarioIsReadFromJSONToo(t *testing.T) {
	b := newBench(t, nil)
	b.Play(read(t, "trouble.json", `{"events":[{"dynos":{"action":"start","type":"scheduler"}}]}`))
	b.await("a job runs", func() bool { return len(b.get("/apps/shop/dynos").list()) == 5 })
}

func TestAnEventThatFailsIsAProblem(t *testing.T) {
	b := newBench(t, nil)
	b.Play(read(t, "trouble.json", `{"events":[{"failover":{"addon":"DATABASE"}}]}`))
	b.await("the problem is told", func() bool { return len(b.Status().Problems) == 1 })
	if p := b.Status().Problems[0]; !strings.Contains(p, "event 1") || !strings.Contains(p, "no hidden standby") {
		t.Errorf("problem %q", p)
	}
}

func TestAScenarioThatCannotBeIsRefusedBeforeItStarts(t *testing.T) {
	for text, want := range map[string]string{
		`{"events":[]}`:                                                          "no events",
		`{"events":[{"at":"1s"}]}`:                                               "exactly one thing",
		`{"events":[{"end_fault":"a","dynos":{}}]}`:                              "exactly one thing",
		`{"events":[{"fault":{"kind":"lag"}}]}`:                                  "event 1: a fault of kind lag needs the addon",
		`{"events":[{"foult":{}}]}`:                                              "foult",
		`{"events":[{"at":"soon","end_fault":"a"}]}`:                             "soon",
		`{"events":[{"at":"-1s","end_fault":"a"}]}`:                              "before the start",
		`{"events":[{"call":{"path":"/apps"}}]}`:                                 "method",
		`{"events":[{"after":"[","end_fault":"a"}]}`:                             "no pattern",
		`{"events":[{"maintenance":{"addon":"DATABASE","in":"24 fortnights"}}]}`: "fortnights",
	} {
		_, err := ReadScenario("s.json", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := ReadScenario("s.toml", strings.NewReader("events = ")); err == nil || !strings.Contains(err.Error(), "not TOML") {
		t.Errorf("broken TOML: %v", err)
	}
}

func TestFailoverRestartsTheServerAndReleasesEveryApp(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Plan = "premium-4" })
	if err := b.Failover(b.oldPrimary()); err != nil {
		t.Fatal(err)
	}
	b.await("both attachments are released anew", func() bool {
		n := 0
		for _, d := range b.releases("5") {
			if strings.HasPrefix(d, "Update ") {
				n++
			}
		}
		return n == 2
	})
	if asked := strings.Join(b.Status().Addons[0].Asked, " "); !strings.HasSuffix(asked, "kill restart") {
		t.Errorf("asked of the server: %s", asked)
	}
}

func TestAPrivatePlanPutsTheAppIntoASpace(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Plan = "shield-4" })
	app := b.get("/apps/shop")
	if app.str("space.shield") != "true" || app.str("space.name") == "" {
		t.Errorf("app %s", app.raw)
	}
	if ha := b.info(b.oldPrimary()).row("HA Status"); ha != "Available" {
		t.Errorf("HA Status %q", ha)
	}
	c := newBench(t, nil)
	c.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("private-4")}).refused(http.StatusUnprocessableEntity, "unprocessable_entity")
}

func TestWithPrebootAReplacedWebDynoGoesOnUnlisted(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock, o.Delays.Preboot = clock, 3*time.Minute })
	b.await("the app is up", func() bool {
		for _, d := range b.Status().Apps[0].Dynos {
			if d.State != "up" {
				return false
			}
		}
		return true
	})
	b.call(http.MethodPatch, "/apps/shop/features/preboot", object{"enabled": true}).is(http.StatusOK)
	b.call(http.MethodPatch, "/apps/shop/config-vars", object{"COLOUR": "red"}).is(http.StatusOK)
	b.await("the new web dynos are up beside the old", func() bool { return webs(b.Status()) == 4 })
	if n := len(b.get("/apps/shop/dynos").list()); n != 4 {
		t.Errorf("%d dynos are listed, want the four of the formation", n)
	}
	clock.advance(3 * time.Minute)
	b.await("the old web dynos have ended", func() bool { return webs(b.Status()) == 2 })
}

func webs(s Status) int {
	n := 0
	for _, d := range s.Apps[0].Dynos {
		if strings.HasPrefix(d.Name, "web.") && d.State == "up" {
			n++
		}
	}
	return n
}
