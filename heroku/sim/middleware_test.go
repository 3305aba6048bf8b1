package sim

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAuthorization(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Token = "HRKU-fake" })
	for header, want := range map[string]int{
		"Bearer HRKU-fake":           http.StatusOK,
		"Basic OkhSS1UtZmFrZQ==":     http.StatusOK, // empty user
		"Basic bWVAeDpIUktVLWZha2U=": http.StatusOK, // me@x
		"Bearer other":               http.StatusUnauthorized,
		"Bearer undefined":           http.StatusUnauthorized,
		"Basic Ondyb25n":             http.StatusUnauthorized,
		"":                           http.StatusUnauthorized,
	} {
		for _, path := range []string{"/account", "/sim/status"} {
			got := b.call(http.MethodGet, path, nil, "Authorization", header)
			if got.status != want {
				t.Errorf("%s with %q: %d, want %d", path, header, got.status, want)
			}
			if got.status == http.StatusUnauthorized {
				got.refused(http.StatusUnauthorized, "unauthorized")
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	b := newBench(t, nil)
	got := b.get("/apps/shop", "Request-Id", "mine")
	if id := got.header.Get("Request-Id"); !strings.HasPrefix(id, "mine,") {
		t.Errorf("Request-Id %q does not begin with the caller's", id)
	}
	if left := got.header.Get("RateLimit-Remaining"); left != "4499" {
		t.Errorf("RateLimit-Remaining %q after one call, want 4499", left)
	}
	if left := b.info(b.oldPrimary()).header.Get("RateLimit-Remaining"); left != "" {
		t.Errorf("the data host shows RateLimit-Remaining %q", left)
	}
}

func TestRateLimit(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock, o.RateLimit = clock, 2 })
	b.get("/apps/shop")
	b.get("/apps/shop")
	b.call(http.MethodGet, "/apps/shop", nil).refused(http.StatusTooManyRequests, "rate_limit")
	if got := b.get("/account/rate-limits").str("remaining"); got != "0" {
		t.Errorf("remaining %s", got)
	}
	clock.advance(time.Minute)
	b.get("/apps/shop")
}

func TestPaging(t *testing.T) {
	b := newBench(t, func(o *Options) { o.PageSize = 3 })
	for range 4 {
		b.create(object{"plan": planBody("standard-4")})
	}
	for _, path := range []string{"/addons", "/apps/shop/addons", "/apps/shop/addon-attachments", "/apps/shop/releases", "/apps/shop/dynos"} {
		seen, rng, pages := map[string]bool{}, "", 0
		for {
			got := b.call(http.MethodGet, path, nil, "Range", rng)
			for _, e := range got.list() {
				if seen[field(e, "id")] {
					t.Errorf("%s: an element came twice", path)
				}
				seen[field(e, "id")] = true
			}
			pages++
			if rng = got.header.Get("Next-Range"); rng == "" {
				got.is(http.StatusOK)
				break
			}
			got.is(http.StatusPartialContent)
		}
		want := map[string]int{"/addons": 5, "/apps/shop/addons": 5, "/apps/shop/addon-attachments": 6, "/apps/shop/dynos": 4}[path]
		if want > 0 && len(seen) != want {
			t.Errorf("%s: %d elements over %d pages, want %d", path, len(seen), pages, want)
		}
		if pages < 2 {
			t.Errorf("%s came on one page", path)
		}
	}
}

func TestReleasesNewestFirstAndNextRange(t *testing.T) {
	b := newBench(t, nil)
	for _, v := range []string{"1", "2", "3"} {
		b.call(http.MethodPatch, "/apps/shop/config-vars", object{"X": v}).is(http.StatusOK)
	}
	versions := func(rng string) (list []string, next string) {
		got := b.call(http.MethodGet, "/apps/shop/releases", nil, "Range", rng)
		for _, r := range got.list() {
			list = append(list, field(r, "version"))
		}
		return list, got.header.Get("Next-Range")
	}
	newest, next := versions("version ..; max=2, order=desc")
	older, _ := versions(next)
	all, _ := versions("version ..; order=desc")
	if diff := cmp.Diff(all[:2], newest); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all[2:4], older); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
	b.call(http.MethodGet, "/apps/shop/releases", nil, "Range", "colour ..").refused(416, "requested_range_not_satisfiable")
}

func TestUnknownEndpoints(t *testing.T) {
	b := newBench(t, nil)
	b.call(http.MethodGet, "/nope", nil).refused(404, "not_found")
	if got := b.call(http.MethodGet, "/client/v11/databases/nope", nil).is(404); string(got.raw) != `{"error":"not found"}` {
		t.Errorf("the data host says %s", got.raw)
	}
}

func TestFaultsOfCalls(t *testing.T) {
	b := newBench(t, nil)
	add := func(f object) {
		t.Helper()
		b.call(http.MethodPost, "/sim/faults", f).is(http.StatusCreated)
	}
	add(object{"kind": "status", "method": "PATCH", "path": "/apps/*", "nth": 2, "times": 2, "status": 503, "body": "<html>", "header": object{"Retry-After": "1"}})
	var got []int
	for range 4 {
		got = append(got, b.call(http.MethodPatch, "/apps/shop", object{"maintenance": false}).status)
	}
	if diff := cmp.Diff([]int{200, 503, 503, 200}, got); diff != "" {
		t.Errorf("the second and third call are struck (-want +got):\n%s", diff)
	}

	add(object{"kind": "close_before", "method": "PATCH", "path": "/apps/shop"})
	if resp, err := b.try(http.MethodPatch, "/apps/shop", object{"maintenance": true}); err == nil {
		t.Errorf("close_before answered %s", resp.Status)
	}
	if b.get("/apps/shop").str("maintenance") != "false" {
		t.Error("close_before applied the call")
	}

	add(object{"kind": "close_after", "method": "POST", "path": "/apps/shop/addons"})
	if resp, err := b.try(http.MethodPost, "/apps/shop/addons", object{"plan": planBody("standard-4"), "name": "unheard"}); err == nil {
		t.Errorf("close_after answered %s", resp.Status)
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("close_after sent part of an answer: %v", err)
	}
	b.get("/addons/unheard")

	add(object{"kind": "not_found", "path": "/client/v11/**", "times": 1})
	if got := b.call(http.MethodGet, "/client/v11/databases/unheard/wait_status", nil).is(404); string(got.raw) != `{"error":"not found"}` {
		t.Errorf("not_found answered %s", got.raw)
	}
	b.get("/client/v11/databases/unheard/wait_status")

	if n := len(b.get("/sim/faults").list()); n != 4 {
		t.Errorf("%d faults listed, want 4 with their counts", n)
	}
	b.call(http.MethodDelete, "/sim/faults", nil).is(http.StatusOK)
	if n := len(b.Faults()); n != 0 {
		t.Errorf("%d faults left", n)
	}
}

func TestFaultsAreChecked(t *testing.T) {
	b := newBench(t, nil)
	for _, f := range []object{
		{"kind": "nonsense"},
		{"kind": "status", "path": "/x"},
		{"kind": "status", "status": 500},
		{"kind": "delay", "path": "/x"},
		{"kind": "kill"},
		{"kind": "kill", "addon": "nope"},
		{"kind": "status", "status": 500, "path": "/[", "times": 1},
	} {
		b.call(http.MethodPost, "/sim/faults", f).refused(422, "invalid_params")
	}
}

func TestDelayAndTwoFactor(t *testing.T) {
	clock := newHandClock()
	b := newBench(t, func(o *Options) { o.Clock = clock })
	if _, err := b.AddFault(t.Context(), Fault{Kind: FaultDelay, Path: "/account", Delay: Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() { done <- b.call(http.MethodGet, "/account", nil).status }()
	b.await("the call waits", func() bool { return b.Faults()[0].Struck == 1 })
	select {
	case <-done:
		t.Fatal("the call did not wait")
	default:
	}
	// The sleeper may not have begun to sleep: move until it is through.
	for status := 0; status == 0; {
		clock.advance(time.Hour)
		select {
		case status = <-done:
			if status != http.StatusOK {
				t.Errorf("status %d after the delay", status)
			}
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := b.AddFault(t.Context(), TwoFactor("PATCH", "/apps/shop")); err != nil {
		t.Fatal(err)
	}
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": true}).refused(403, "two_factor")
	b.call(http.MethodPut, "/apps/shop/pre-authorizations", nil, "Heroku-Two-Factor-Code", "123456").is(200)
	b.call(http.MethodPatch, "/apps/shop", object{"maintenance": true}).is(200)
}

func TestPortInUse(t *testing.T) {
	b := newBench(t, nil)
	_, err := Start(t.Context(), Options{databases: &paperServer{}, Listen: strings.TrimPrefix(b.URL(), "http://")})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "stop the program that uses port") {
		t.Errorf("error %v: want one line that says what to do", err)
	}
	if _, err := Start(t.Context(), Options{databases: &paperServer{}, Listen: "0.0.0.0:0"}); err == nil {
		t.Error("the simulator listens to the world")
	}
}

func TestShutdownIsAsked(t *testing.T) {
	b := newBench(t, nil)
	b.call(http.MethodPost, "/sim/shutdown", nil).is(http.StatusAccepted)
	b.call(http.MethodPost, "/sim/shutdown", nil).is(http.StatusAccepted)
	select {
	case <-b.ShutdownRequested():
	default:
		t.Error("nobody is told")
	}
}
