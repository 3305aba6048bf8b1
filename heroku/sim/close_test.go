package sim

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Close must end whatever is going on: dynos, jobs, provisioning, delays and calls that wait.
func TestCloseEndsEverything(t *testing.T) {
	before := goleak.IgnoreCurrent()
	clock := newHandClock()
	s, err := Start(t.Context(), Options{
		databases: &paperServer{}, Clock: clock, ReleasePhase: true,
		Delays: Delays{Provision: time.Hour, DynoStop: time.Hour, Unfollow: time.Hour, ReleasePhase: time.Hour, AddonGone: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s, t: t}
	b.call(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": "half-made"}).is(http.StatusCreated)
	b.call(http.MethodPatch, "/apps/shop/formation", object{"updates": []object{{"type": "web", "quantity": 0}}}).is(http.StatusOK)
	if _, err := b.OrderDynos(DynoOrder{Action: "start", Every: Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddFault(t.Context(), Fault{Kind: FaultDelay, Path: "/account", Delay: Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		if resp, err := b.try(http.MethodGet, "/account", nil); err == nil {
			_ = resp.Body.Close()
		}
	}()
	b.await("a call waits", func() bool { return b.Faults()[0].Struck == 1 })

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := s.Close(ended); err != nil {
			t.Errorf("Close with a cancelled context: %v", err)
		}
	}
	<-waiting
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}
