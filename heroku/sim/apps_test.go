package sim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quantities are the app's formation by type.
func (b *bench) quantities() map[string]string {
	b.t.Helper()
	m := map[string]string{}
	for _, p := range b.get("/apps/shop/formation").list() {
		m[field(p, "type")] = field(p, "quantity") + ":" + field(p, "size")
	}
	return m
}

func (b *bench) dynoNames() []string {
	b.t.Helper()
	names := []string{}
	for _, d := range b.get("/apps/shop/dynos").list() {
		names = append(names, field(d, "name"))
	}
	return names
}

func TestScale(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		updates []object
		want    map[string]string
	}{
		{[]object{{"type": "worker", "quantity": 0}, {"type": "web", "quantity": 1, "size": "standard-1x"}}, map[string]string{"web": "1:Standard-1X", "worker": "0:Standard-1X"}},
		{[]object{{"type": "worker", "quantity": "3"}}, map[string]string{"web": "1:Standard-1X", "worker": "3:Standard-1X"}},
		{[]object{{"type": "worker", "quantity": "+1"}, {"type": "web", "quantity": "-1"}}, map[string]string{"web": "0:Standard-1X", "worker": "4:Standard-1X"}},
	} {
		got := b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": c.updates}).is(http.StatusOK)
		if len(got.list()) != 2 {
			t.Errorf("the answer has %d process types, want the whole formation", len(got.list()))
		}
		if diff := cmp.Diff(c.want, b.quantities()); diff != "" {
			t.Errorf("formation after %v (-want +got):\n%s", c.updates, diff)
		}
	}
	b.await("dynos follow", func() bool {
		return slices.Equal(b.dynoNames(), []string{"worker.1", "worker.2", "worker.3", "worker.4"})
	})
}

func TestScaleIsAllOrNothing(t *testing.T) {
	b := newBench(t, nil)
	before := b.quantities()
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "worker", "quantity": 0}, {"type": "nope", "quantity": 0}}}).refused(404, "not_found")
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "worker", "quantity": 0}, {"type": "web", "quantity": -3}}}).refused(422, "cannot_update_above_limit")
	if diff := cmp.Diff(before, b.quantities()); diff != "" {
		t.Errorf("formation after refused updates (-want +got):\n%s", diff)
	}
	if got := b.call(http.MethodPatch, "/apps/shop/formation/worker", object{"quantity": 1}).is(http.StatusOK).str("quantity"); got != "1" {
		t.Errorf("single update: quantity %s", got)
	}
}

func TestDynosLinger(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock, o.Delays = clock, Delays{DynoStop: 30 * time.Second} })
	b.await("dynos are up", func() bool { return b.upDynos() == 4 })
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "worker", "quantity": 0}}})
	if got := b.dynoNames(); len(got) != 4 {
		t.Fatalf("dynos just after SIGTERM: %v, want all four", got)
	}
	b.await("the first worker ends after half of the time", func() bool {
		clock.advance(time.Second)
		return slices.Equal(b.dynoNames(), []string{"web.1", "web.2", "worker.2"})
	})
	b.await("the other worker ends", func() bool {
		clock.advance(time.Second)
		return slices.Equal(b.dynoNames(), []string{"web.1", "web.2"})
	})
}

func (b *bench) upDynos() int {
	b.t.Helper()
	n := 0
	for _, d := range b.get("/apps/shop/dynos").list() {
		if field(d, "state") == "up" {
			n++
		}
	}
	return n
}

func TestMaintenanceStopsNoDynoAndMakesNoRelease(t *testing.T) {
	b := newBench(t, nil)
	b.await("dynos are up", func() bool { return b.upDynos() == 4 })
	release := b.releases("1")
	if got := b.call(http.MethodPatch, "/apps/shop", object{"maintenance": true}).is(http.StatusOK).str("maintenance"); got != "true" {
		t.Errorf("maintenance %s", got)
	}
	if b.upDynos() != 4 || !slices.Equal(b.releases("1"), release) || b.quantities()["web"] != "2:Standard-2X" {
		t.Error("maintenance mode changed dynos, releases or formation")
	}
	if names, err := b.OrderDynos(DynoOrder{Action: "start"}); err != nil || !strings.HasPrefix(names[0], "scheduler.") {
		t.Errorf("a Scheduler dyno in maintenance mode: %v, %v", names, err)
	}
	if got := b.call(http.MethodPatch, "/apps/shop", object{"maintenance": false}).str("maintenance"); got != "false" {
		t.Errorf("maintenance %s", got)
	}
}

func TestOneOffDynosSurviveReleasesAndStop(t *testing.T) {
	b := newBench(t, nil)
	run := b.call(http.MethodPost, "/apps/shop/dynos", object{"command": "rails console"}).is(http.StatusCreated)
	if run.str("type") != "run" {
		t.Errorf("type %q", run.str("type"))
	}
	b.call(http.MethodPatch, "/apps/shop/config-vars", object{"X": "1"}).is(http.StatusOK)
	b.await("the formation restarted", func() bool { return b.upDynos() == 5 })
	if got := b.get("/apps/shop/dynos/" + run.str("name")); got.str("id") != run.str("id") {
		t.Error("a release restarted a one-off dyno")
	}
	b.call(http.MethodPost, "/apps/shop/dynos/"+run.str("name")+"/actions/stop", nil).is(http.StatusAccepted)
	b.await("it is gone", func() bool {
		return b.call(http.MethodGet, "/apps/shop/dynos/"+run.str("name"), nil).status == http.StatusNotFound
	})
}

func TestSchedulerJobStartsDynosAgainAndAgain(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock = clock })
	names, err := b.OrderDynos(DynoOrder{Action: "start", Every: Duration(time.Minute), For: Duration(10 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	b.await("two runs", func() bool {
		clock.advance(time.Minute)
		for _, n := range b.dynoNames() {
			if strings.HasPrefix(n, "scheduler.") {
				seen[n] = true
			}
		}
		return len(seen) >= 2
	})
	if stopped, err := b.OrderDynos(DynoOrder{Action: "stop"}); err != nil || !slices.Contains(stopped, names[0]) {
		t.Errorf("stop: %v, %v; want the job %s", stopped, err, names[0])
	}
	if st := b.Status(); len(st.Jobs) != 0 {
		t.Errorf("jobs left: %v", st.Jobs)
	}
}

func TestReleasePhase(t *testing.T) {
	attach := func(b *bench) {
		b.call(http.MethodPost, "/addon-attachments", object{"addon": "fresh", "app": "shop", "name": "DATABASE", "confirm": "shop"}).is(http.StatusCreated)
		b.await("releases are done", func() bool {
			for _, r := range b.call(http.MethodGet, "/apps/shop/releases", nil, "Range", "version ..; max=2, order=desc").list() {
				if field(r, "status") == "pending" {
					return false
				}
			}
			return true
		})
	}
	for name, c := range map[string]struct {
		fails []string
		want  string
	}{
		"both succeed":           {nil, "fresh"},
		"Attach fails":           {[]string{"Attach DATABASE"}, ""},
		"Detach fails":           {[]string{"Detach DATABASE"}, "fresh"},
		"Attach and Detach fail": {[]string{"Attach DATABASE", "Detach DATABASE"}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.ReleasePhase = true })
			old := b.configVar("DATABASE_URL")
			b.create(object{"plan": planBody("standard-5"), "name": "fresh", "attachment": object{"name": "FRESH"}})
			b.await("the URL comes with the release", func() bool { return b.configVar("FRESH_URL") != "null" })
			for _, d := range c.fails {
				if _, err := b.AddFault(t.Context(), Fault{Kind: FaultReleaseFails, Description: d}); err != nil {
					t.Fatal(err)
				}
			}
			attach(b)
			want := map[string]string{"fresh": b.info("fresh").str("resource_url"), "old": old, "": "null"}[c.want]
			if got := b.configVar("DATABASE_URL"); got != want {
				t.Errorf("DATABASE_URL is not the one of %q", c.want)
			}
		})
	}
}

func TestPrebootIsAFeature(t *testing.T) {
	b := newBench(t, nil)
	if got := b.get("/apps/shop/features/preboot").str("enabled"); got != "false" {
		t.Errorf("preboot %s at first", got)
	}
	b.call(http.MethodPatch, "/apps/shop/features/preboot", object{"enabled": true}).is(http.StatusOK)
	if got := b.get("/apps/shop/features/preboot").str("enabled"); got != "true" {
		t.Errorf("preboot %s after the change", got)
	}
}

func TestAutoscalerUndoesAManualScale(t *testing.T) {
	b := newBench(t, func(o *Options) { o.SampleEvery = time.Millisecond })
	m := b.call(http.MethodPost, "/sim/monitors", object{"type": "web", "min": 2, "max": 4}).is(http.StatusCreated)
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "web", "quantity": 0}}}).is(http.StatusOK)
	b.await("web is back", func() bool { return b.quantities()["web"] == "2:Standard-2X" })
	b.call(http.MethodPatch, "/apps/shop/formation/web/monitors/"+m.str("id"), object{"is_active": false}).is(http.StatusAccepted)
	if got := b.get("/apps/shop/formation/web/monitors").list(); len(got) != 1 || field(got[0], "is_active") != "false" {
		t.Errorf("monitors %v", got)
	}
}
