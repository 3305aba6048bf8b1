package dash

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"changeover/steps"
	"changeover/steps/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// console is a terminal without a screen: what is typed is read by the dashboard, what it draws can be awaited.
type console struct {
	*io.PipeWriter
	in  *io.PipeReader
	mu  sync.Mutex
	out bytes.Buffer
}

func newConsole() *console {
	r, w := io.Pipe()
	return &console{PipeWriter: w, in: r}
}

type screenWriter struct{ *console }

func (c screenWriter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *console) drawn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Len() > 0
}

// run starts a dashboard on a console and hands back a function that waits for its end.
func run(t *testing.T, ctx context.Context, e *fakeEngine) (c *console, wait func() (Summary, error)) {
	t.Helper()
	c = newConsole()
	type result struct {
		s   Summary
		err error
	}
	ended := make(chan result, 1)
	go func() {
		s, err := Run(ctx, Options{
			Engine: e, Who: "ana", Attach: "changeover attach shop-7f3a", Input: c.in, Output: screenWriter{c},
			Env: []string{"TERM=xterm-256color", "LANG=C.UTF-8"},
		})
		ended <- result{s, err}
	}()
	t.Cleanup(func() { c.in.Close() })
	until(t, "the dashboard draws", c.drawn)
	return c, func() (Summary, error) {
		t.Helper()
		select {
		case r := <-ended:
			return r.s, r.err
		case <-time.After(time.Minute):
			t.Fatal("the dashboard does not end")
			return Summary{}, nil
		}
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (e *fakeEngine) tell(v *steps.View) {
	e.events <- session.Event{Kind: session.KindSnapshot, View: v, You: &session.You{Name: "ana", MayWrite: true, Driving: true}}
}

func TestDetachingLeavesASummaryAndGivesControlBack(t *testing.T) {
	e := &fakeEngine{events: make(chan session.Event)}
	c, wait := run(t, t.Context(), e)
	e.tell(dumping())
	e.events <- session.Event{Kind: session.KindHeartbeat} // received only after the snapshot was passed on
	io.WriteString(c, "q")
	s, err := wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"shop-7f3a: detached, the work goes on", "step 4 Dump: running for 00:17:03", "OUTAGE is running, users are shut out: 00:41:2",
		"still running – re-attach with: changeover attach shop-7f3a",
	} {
		if !strings.Contains(s.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, s)
		}
	}
	if len(e.commands) > 0 {
		t.Errorf("leaving sent %v", e.commands)
	}
	if len(e.controls) != 1 || e.controls[0].Action != session.ActionRelease {
		t.Errorf("leaving asked for %v, want control given back", e.controls)
	}
}

// TestACommandInFlightIsDelivered: how fast q follows p must not decide whether the run pauses.
func TestACommandInFlightIsDelivered(t *testing.T) {
	slow := &slowEngine{fakeEngine: fakeEngine{events: make(chan session.Event)}, begun: make(chan struct{}), proceed: make(chan struct{})}
	c := newConsole()
	t.Cleanup(func() { c.in.Close() })
	ended := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), Options{Engine: slow, Who: "ana", Input: c.in, Output: screenWriter{c}, Env: []string{"TERM=xterm"}})
		ended <- err
	}()
	slow.tell(dumping())
	slow.events <- session.Event{Kind: session.KindHeartbeat}
	io.WriteString(c, "p")
	<-slow.begun
	io.WriteString(c, "q")
	close(slow.proceed)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(slow.commands) != 1 || slow.aborted != nil {
		t.Errorf("commands %v, context %v", slow.commands, slow.aborted)
	}
}

// slowEngine holds a command until proceed is closed.
type slowEngine struct {
	fakeEngine
	begun, proceed chan struct{}
	aborted        error
}

func (e *slowEngine) Command(ctx context.Context, c steps.Command) error {
	close(e.begun)
	<-e.proceed
	e.aborted = ctx.Err()
	return e.fakeEngine.Command(ctx, c)
}

func TestHangupEndsTheDashboard(t *testing.T) {
	e := &fakeEngine{events: make(chan session.Event)}
	_, wait := run(t, t.Context(), e)
	e.tell(dumping())
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := wait(); err != nil {
		t.Error(err)
	}
}

func TestTheCallersContextEndsTheDashboard(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the caller has enough")
	_, wait := run(t, ctx, &fakeEngine{events: make(chan session.Event)})
	cancel(why)
	if _, err := wait(); !errors.Is(err, why) {
		t.Errorf("error %v, want the cause", err)
	}
}

func TestSummaryOfEveryEnd(t *testing.T) {
	for name, test := range map[string]struct {
		view *steps.View
		set  func(s *screen)
		want []string
	}{
		"never heard": {nil, nothing, []string{"left before the engine was heard", "re-attach"}},
		"finished":    {finished(), nothing, []string{"all twelve steps are done", "outage in all: 00:41:22"}},
		"next":        {inOutage(), nothing, []string{"step 4 Dump: ready", "OUTAGE is running"}},
		"paused":      {unknown(), nothing, []string{"the run is paused", "ALARM: the engine was restarted"}},
		"lost":        {dumping(), func(s *screen) { s.pass(time.Minute) }, []string{"no contact with the engine when you left"}},
	} {
		s := open(t, 80, 24)
		if test.view != nil {
			s.snapshot(test.view, session.You{MayWrite: true})
		}
		test.set(s)
		text := s.m.summary().String()
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in:\n%s", name, want, text)
			}
		}
		if name == "finished" && strings.Contains(text, "still running") {
			t.Errorf("finished, and still running:\n%s", text)
		}
	}
}

// The client of the session is the engine that the dashboard is made for.
var _ Engine = (*session.Client)(nil)
