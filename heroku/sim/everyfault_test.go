package sim

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// everyFault is a simulator in which all of testdata/every-fault.toml is in force.
func everyFault(t *testing.T) (*bench, *handClock) {
	t.Helper()
	file, err := os.Open("testdata/every-fault.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scenario, err := ReadScenario(file.Name(), file)
	if err != nil {
		t.Fatal(err)
	}
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock = clock })
	b.Play(scenario)
	b.await("the faults are in force", func() bool { return len(b.Faults()) == 19 })
	return b, clock
}

func TestEveryFaultOfCallsCanBeScripted(t *testing.T) {
	b, _ := everyFault(t)
	for _, c := range []struct {
		method, path string
		body         any
		status       int // 0: the connection breaks
		says         string
	}{
		{"GET", "/account", nil, 401, "unauthorized"},
		{"PATCH", "/apps/shop", object{"maintenance": true}, 403, "two_factor"},
		{"PATCH", "/apps/shop/formation", object{"updates": []any{}}, 403, `"app":{`},
		{"POST", "/apps/shop/addons", object{"plan": planBody("standard-4")}, 402, "delinquent"},
		{"POST", "/apps/shop/addons", object{"plan": planBody("standard-4")}, 422, "too small"},
		{"GET", "/apps/shop/releases", nil, 429, "rate_limit"},
		{"GET", "/apps/shop/dynos", nil, 500, "internal_server_error"},
		{"GET", "/apps/shop/config-vars", nil, 503, "<h1>"},
		{"GET", "/addons", nil, 404, ""},
		{"POST", "/apps", object{"name": "blog2"}, 0, ""},
		{"PATCH", "/apps/shop/features/preboot", object{"enabled": true}, 0, ""},
		{"GET", "/postgres/v0/databases/DATABASE/config", nil, 404, `{"error":"not found"}`},
		{"GET", "/client/v11/databases/" + b.oldPrimary() + "/wait_status", nil, 200, "the server does not start"},
	} {
		resp, err := b.try(c.method, c.path, c.body)
		if err != nil {
			if c.status != 0 {
				t.Errorf("%s %s: %v", c.method, c.path, err)
			}
			continue
		}
		raw := new(strings.Builder)
		_ = resp.Write(raw)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(raw.String(), c.says) {
			t.Errorf("%s %s: want %d %q, got %s", c.method, c.path, c.status, c.says, raw)
		}
	}
	if b.get("/apps/shop/features/preboot").str("enabled") != "true" {
		t.Error("what broke after it was done was not done")
	}
	b.call(http.MethodGet, "/apps/blog2", nil).is(http.StatusNotFound) // broke before it was done
}

func TestEveryFaultOfDatabasesCanBeScripted(t *testing.T) {
	b, clock := everyFault(t)
	if asked := strings.Join(b.Status().Addons[0].Asked, " "); !strings.Contains(asked, "limit connections") || !strings.Contains(asked, "kill") {
		t.Errorf("asked of old-primary: %s", asked)
	}
	// The two faults of creations come first.
	for range 2 {
		b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4")})
	}
	b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": "doomed"}).is(http.StatusCreated)
	b.await("the doomed add-on ends deprovisioned", func() bool {
		a := b.call(http.MethodGet, "/addons/doomed", nil)
		return a.status == http.StatusNotFound || a.str("state") == "deprovisioned"
	})
	for _, name := range []string{"x-fast-follower", "x-final-primary"} {
		b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": name, "config": object{"follow": "DATABASE"}}).is(http.StatusCreated)
		b.await("the follower is provisioned", func() bool { return b.get("/addons/"+name).str("state") == "provisioned" })
	}
	b.await("the follower lags", func() bool {
		clock.advance(100 * time.Millisecond)
		return b.info("x-fast-follower").row("Behind By") == "40 commits"
	})
	b.call(http.MethodPut, "/client/v11/databases/x-final-primary/unfollow", nil).is(http.StatusOK)
	b.await("the unfollow looks done and is not", func() bool {
		clock.advance(100 * time.Millisecond)
		promoted := false
		for _, d := range b.Status().Addons {
			promoted = promoted || d.Name == "x-final-primary" && strings.Contains(strings.Join(d.Asked, " "), "promote")
		}
		return b.info("x-final-primary").str("following") == "null" && !promoted
	})
	clock.advance(time.Minute)
	b.await("blog uses the database too", func() bool { return len(b.get("/addons/"+b.oldPrimary()+"/addon-attachments").list()) >= 3 })
}
