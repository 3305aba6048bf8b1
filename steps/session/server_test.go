package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
)

func TestEngineSaysWhoItIsAndWhoItTakesUsFor(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, func(o *Options) { o.BootID = "boot" })
	c := opened(t, dir, "ana")
	got, err := c.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Hello{
		ProtocolMin: ProtocolMin, ProtocolMax: Protocol, Build: "test", Run: "shop", PID: os.Getpid(), BootID: "boot",
		You: You{Name: "ana", From: "198.51.100.7", MayWrite: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hello (-want +got):\n%s", diff)
	}
	v, err := c.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.View(), v); diff != "" {
		t.Errorf("view (-want +got):\n%s", diff)
	}
}

func TestOfTwoWhoDecideOnTheSameScreenOneWins(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, name := range []string{"ana", "bo"} {
		c := opened(t, dir, name)
		both.Go(func() { errs[i] = c.Command(t.Context(), advance(1)) })
	}
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), steps.ErrStale) {
		t.Fatalf("got %v and %v, want one success and one %v", errs[0], errs[1], steps.ErrStale)
	}
	if n := len(e.carriedOut()); n != 1 {
		t.Errorf("%d commands were carried out, want 1", n)
	}
}

func TestCommandsAreAttributedByTheKernelAndByName(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	c := opened(t, dir, "ana\x1b[31m\n")
	cmd := advance(1)
	cmd.Operator = "somebody else" // the journal names who the rights were given to
	if err := c.Command(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	got := e.carriedOut()[0]
	if got.ID == "" || got.Operator != "ana[31m" {
		t.Errorf("carried out as %+v", got)
	}
	if want := fmt.Sprintf("198.51.100.7 (uid %d, pid %d)", os.Geteuid(), os.Getpid()); got.From != want {
		t.Errorf("comes from %q, want %q", got.From, want)
	}
}

func TestRefusalsKeepTheirKindAndTheirWords(t *testing.T) {
	kinds := []error{steps.ErrStale, steps.ErrNotAllowed, steps.ErrConfirm, steps.ErrReadOnly, steps.ErrDriven}
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	for i, kind := range kinds {
		e.deciding = func(steps.Command) error { return fmt.Errorf("step 4 first (%w)", kind) }
		err := c.Command(t.Context(), advance(1))
		for j, other := range kinds {
			if errors.Is(err, other) != (i == j) {
				t.Errorf("refused with %v, got back %v", kind, err)
			}
		}
		if text := "step 4 first (" + kind.Error() + ")"; err == nil || err.Error() != text {
			t.Errorf("got back %v, want %q", err, text)
		}
	}
	e.deciding = func(steps.Command) error { return errors.New("journal: no space left on device") }
	if err := c.Command(t.Context(), advance(1)); !errors.Is(err, errInternal) || err.Error() != "journal: no space left on device" {
		t.Errorf("the engine's own failure came back as %v", err)
	}
}

func TestViewersAreRefusedByTheEngineItself(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust func(*Options)
		who    Who
	}{
		"another uid":         {func(o *Options) { o.peer = stranger }, Who{Name: "eve"}},
		"unknown uid":         {func(o *Options) { o.peer = func(net.Conn) peer { return peer{uid: -1} } }, Who{Name: "eve"}},
		"read-only by choice": {nil, Who{Name: "eve", ReadOnly: true}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, e := shortDir(t), newFakeEngine()
			serving(t, dir, e, tc.adjust)
			c := openedAs(t, dir, tc.who)
			if v, err := c.View(t.Context()); err != nil || v.Run.Name != "shop" {
				t.Errorf("may not watch: %v", err)
			}
			if h, err := c.Hello(t.Context()); err != nil || h.You.MayWrite {
				t.Errorf("told that it may write: %+v, %v", h.You, err)
			}
			pause := steps.Command{Verb: steps.PauseRun, ExpectRev: 1}
			want(t, c.Command(t.Context(), pause), steps.ErrReadOnly)
			_, err := c.Control(t.Context(), Control{Action: ActionTake, Force: true})
			want(t, err, steps.ErrReadOnly)
			want(t, c.Stop(t.Context(), true), steps.ErrReadOnly)
			if n := len(e.carriedOut()); n != 0 {
				t.Errorf("%d commands of a viewer were carried out", n)
			}
			lines, err := c.Log(t.Context(), 0, 10)
			if err != nil || len(lines) != 3 || !strings.Contains(lines[0].Text, "refused: POST /v1/commands by eve") {
				t.Errorf("the log says %v, %v", lines, err)
			}
		})
	}
}

func TestOnlyTheDriverAdvancesAndEverybodySeesWho(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	ana, bo := opened(t, dir, "ana"), opened(t, dir, "bo")
	you, err := ana.Control(t.Context(), Control{Action: ActionTake})
	if err != nil || !you.Driving {
		t.Fatalf("take control: %+v, %v", you, err)
	}
	events := bo.Events(t.Context())
	seen := nextEvent(t, events, "snapshot", ofKind(KindSnapshot))
	if seen.View.Driver == nil || seen.View.Driver.Name != "ana" || seen.View.Watching != 1 || seen.You.Driving {
		t.Errorf("bo sees driver %+v, %d watching, you %+v", seen.View.Driver, seen.View.Watching, seen.You)
	}
	want(t, bo.Command(t.Context(), advance(e.View().Rev)), steps.ErrDriven)
	want(t, bo.Command(t.Context(), steps.Command{Verb: steps.PauseRun, ExpectRev: e.View().Rev}), nil)
	want(t, ana.Command(t.Context(), advance(e.View().Rev)), nil)
	if _, err := bo.Control(t.Context(), Control{Action: ActionTake}); !errors.Is(err, steps.ErrDriven) {
		t.Errorf("control was there for the taking: %v", err)
	}
	if _, err := bo.Control(t.Context(), Control{Action: ActionTake, Force: true}); err != nil {
		t.Fatal(err)
	}
	nextEvent(t, events, "you drive", func(ev Event) bool { return ev.You != nil && ev.You.Driving })
	if err := ana.Command(t.Context(), advance(e.View().Rev)); !errors.Is(err, steps.ErrDriven) {
		t.Errorf("ana still drives: %v", err)
	}
	if err := bo.Close(); err != nil { // detaching lets go
		t.Fatal(err)
	}
	eventually(t, "control is free again", func() bool { return e.View().Driver == nil })
}

func TestStopWaitsForNoStepToBeActive(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	events := c.Events(t.Context())
	nextEvent(t, events, "snapshot", ofKind(KindSnapshot))
	e.change(func(v *steps.View) { v.Steps[3].State = steps.Running })
	err := c.Stop(t.Context(), false)
	want(t, err, steps.ErrNotAllowed)
	if !strings.Contains(err.Error(), "step 4 (step 4) is running") {
		t.Errorf("refusal says %q", err)
	}
	select {
	case <-s.StopAsked():
		t.Fatal("the engine was asked to stop")
	default:
	}
	e.change(func(v *steps.View) { v.Finished = true })
	want(t, c.Stop(t.Context(), false), nil)
	<-s.StopAsked()
	want(t, c.Stop(t.Context(), true), nil) // twice is fine
	closed(t, s)
	lost := nextEvent(t, events, "lost", ofKind(KindLost))
	if lost.Problem != "the engine was stopped by ana" && lost.Problem != ErrNoEngine.Error() {
		t.Errorf("lost because %q", lost.Problem)
	}
}

func TestForceStopsInTheMiddle(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	e.change(func(v *steps.View) { v.Steps[3].State = steps.Paused })
	want(t, c.Stop(t.Context(), false), steps.ErrNotAllowed)
	want(t, c.Stop(t.Context(), true), nil)
	<-s.StopAsked()
	c.timing.giveUp = c.timing.call
	if err := c.Command(t.Context(), advance(e.View().Rev)); !errors.Is(err, ErrStopping) {
		t.Errorf("a stopping engine took a command: %v", err)
	}
}

func TestPanicsWhileAnsweringDoNotReachTheEngine(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	var log bytes.Buffer
	serving(t, dir, e, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := opened(t, dir, "ana")
	e.deciding = func(steps.Command) error { panic("broken") }
	if err := c.Command(t.Context(), advance(1)); !errors.Is(err, errInternal) {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "panic=broken") {
		t.Errorf("the log says %q", log.String())
	}
	e.deciding = nil
	want(t, c.Command(t.Context(), advance(1)), nil)
}

func TestBareRequestsWork(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, nil)
	bare := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", s.Socket())
	}}}
	defer bare.CloseIdleConnections()
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "v1/hello", "", 200},
		{"GET", "v1/log?after=0&max=2", "", 200},
		{"GET", "v1/log?after=x", "", 400},
		{"GET", "v1/events?after=-1", "", 400},
		{"POST", "v1/commands", `{"verb":"pause","expect_rev":1,"unknown":{}}`, 202},
		{"POST", "v1/commands", `{"verb":`, 400},
		{"POST", "v1/commands", `{"reason":"` + strings.Repeat("x", 70<<10) + `"}`, 400},
		{"POST", "v1/control", `{"action":"dance"}`, 400},
		{"GET", "v1/commands", "", 405},
		{"GET", "v1/nothing", "", 404},
	} {
		req, err := http.NewRequest(tc.method, "http://engine/"+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := bare.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tc.status {
			t.Errorf("%s %s: status %d, want %d: %s", tc.method, tc.path, resp.StatusCode, tc.status, answer)
		}
	}
	if got := e.carriedOut(); len(got) != 1 || got[0].Operator == "" {
		t.Errorf("carried out %+v", got)
	}
}
