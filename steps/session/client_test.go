package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"changeover/steps"
)

func TestEveryWayOfHavingNoEngineHasItsOwnWords(t *testing.T) {
	missing := filepath.Join(shortDir(t), "nowhere")
	if _, err := Open(missing, Me("ana")); err == nil || !strings.Contains(err.Error(), "there is no run in "+missing) {
		t.Errorf("no directory: %v", err)
	}
	dir := shortDir(t)
	c := opened(t, dir, "ana")
	_, err := c.View(t.Context())
	want(t, err, ErrNoEngine)
	want(t, c.Command(t.Context(), advance(1)), ErrNoEngine)
	deadSocket(t, dir)
	_, err = c.View(t.Context())
	want(t, err, ErrRefused)
	want(t, c.Command(t.Context(), advance(1)), ErrRefused)
	lost := nextEvent(t, c.Events(t.Context()), "lost", func(Event) bool { return true })
	if lost.Kind != KindLost || lost.Problem != ErrRefused.Error() || lost.Since.IsZero() {
		t.Errorf("first event %+v", lost)
	}
}

// deadSocket leaves a socket behind that nobody listens on, as kill -9 does.
func deadSocket(t *testing.T, dir string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// listening serves something that is not our server.
func listening(t *testing.T, dir string, h http.Handler) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() { srv.Serve(l); close(ended) }()
	t.Cleanup(func() { srv.Close(); <-ended })
}

func TestSilenceIsTakenForALostConnection(t *testing.T) {
	dir := shortDir(t)
	quiet := make(chan struct{})
	defer close(quiet)
	listening(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-quiet:
		case <-r.Context().Done():
		}
	}))
	c := opened(t, dir, "ana")
	c.timing.silence, c.timing.call = 20*time.Millisecond, 10*time.Millisecond
	_, err := c.View(t.Context())
	want(t, err, ErrSilent)
	lost := nextEvent(t, c.Events(t.Context()), "lost", ofKind(KindLost))
	if lost.Problem != "the engine process is there but does not answer" {
		t.Errorf("lost because %q", lost.Problem)
	}
}

func TestStreamThatFallsSilentIsLost(t *testing.T) {
	dir := shortDir(t)
	listening(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/events" {
			fmt.Fprintln(w, `{"protocol_min":1,"protocol_max":1}`)
			return
		}
		fmt.Fprintln(w, `{"kind":"snapshot","view":{"rev":7}}`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	c := opened(t, dir, "ana")
	c.timing.silence = 50 * time.Millisecond
	events := c.Events(t.Context())
	nextEvent(t, events, "snapshot", ofKind(KindSnapshot))
	nextEvent(t, events, "lost", func(ev Event) bool { return ev.Kind == KindLost && strings.Contains(ev.Problem, "does not answer") })
}

func TestReconnectsToARestartedEngineWithoutLosingALine(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	events := c.Events(t.Context())
	writeChained(e, 10)
	after := uint64(0)
	nextEvent(t, events, "ten lines", func(ev Event) bool {
		after = checkLines(t, after, ev.Lines)
		return after == e.lastLine()
	})
	closed(t, s)
	lost := nextEvent(t, events, "lost", ofKind(KindLost))
	if lost.Since.IsZero() || lost.Problem == "" {
		t.Errorf("lost without since or problem: %+v", lost)
	}
	writeChained(e, 700) // more than a snapshot holds
	serving(t, dir, e, nil)
	nextEvent(t, events, "the lines written meanwhile", func(ev Event) bool {
		if ev.Gap {
			t.Error("a gap")
		}
		after = checkLines(t, after, ev.Lines)
		return after == e.lastLine()
	})
}

func TestSlowReaderMissesViewsButNoLine(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	e.room = 200
	serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	events := c.Events(t.Context())
	nextEvent(t, events, "snapshot", ofKind(KindSnapshot))
	eventually(t, "subscribed", func() bool { return e.subscribers() == 1 })
	pad := strings.Repeat("x", 2<<10)
	sent := 0
	eventually(t, "the server gives the stream up", func() bool {
		for range 100 {
			e.change(func(v *steps.View) { v.Rev++ })
			e.write(pad)
			sent++
		}
		return e.subscribers() == 0
	})
	got, views, last := 0, 0, uint64(0)
	nextEvent(t, events, "every line", func(ev Event) bool {
		if ev.Kind == KindLost || ev.Gap {
			t.Errorf("event %s: gap %v, problem %q", ev.Kind, ev.Gap, ev.Problem)
		}
		if ev.View != nil {
			views++
		}
		for _, line := range ev.Lines {
			if line.Seq <= last {
				t.Fatalf("line %d came after line %d", line.Seq, last)
			}
			last = line.Seq
		}
		got += len(ev.Lines)
		return got == sent
	})
	if views >= sent {
		t.Errorf("%d views for %d changes: they were not coalesced", views, sent)
	}
}

func TestReaderThatIsStuckDoesNotFillTheMemory(t *testing.T) {
	const most = 50_000
	dir := shortDir(t)
	written := make(chan int, 1)
	pad := strings.Repeat("x", 1<<10)
	listening(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, `{"kind":"snapshot","view":{"seq":1},"protocol_min":1,"protocol_max":1}`)
		if r.URL.Path != "/v1/events" {
			return
		}
		n := 0
		for ; n < most; n++ {
			http.NewResponseController(w).SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			if _, err := fmt.Fprintf(w, `{"kind":"log","lines":[{"seq":%d,"text":%q}]}`+"\n", n+1, pad); err != nil {
				break
			}
		}
		select {
		case written <- n:
		default:
		}
	}))
	events := opened(t, dir, "ana").Events(t.Context())
	if n := <-written; n < mailboxLines || n >= most {
		t.Errorf("%d lines were taken for a reader who takes none", n)
	}
	got := uint64(0)
	for got < mailboxLines {
		ev := nextEvent(t, events, "lines", func(ev Event) bool { return len(ev.Lines) > 0 })
		for _, line := range ev.Lines {
			if got++; line.Seq != got {
				t.Fatalf("line %d came when %d was due", line.Seq, got)
			}
		}
	}
}

func TestEventsEndWithTheirContextAndWithTheClient(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, nil)
	c := opened(t, dir, "ana")
	ctx, cancel := context.WithCancel(t.Context())
	one, other := c.Events(ctx), c.Events(t.Context())
	nextEvent(t, other, "snapshot", ofKind(KindSnapshot))
	cancel()
	for range one {
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for range other {
	}
	eventually(t, "nobody watches", func() bool { return e.View().Watching == 0 })
}

func TestTheLeaseIsRenewedWhileEventsRun(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	var clock atomic.Int64
	serving(t, dir, e, func(o *Options) {
		o.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
		o.sweep = time.Millisecond
	})
	c := opened(t, dir, "ana")
	c.timing.renew = time.Millisecond
	var renewals atomic.Int64
	inner := c.http.Transport
	c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if r.URL.Path == "/v1/control" && err == nil {
			renewals.Add(1)
		}
		return resp, err
	})
	ctx, cancel := context.WithCancel(t.Context())
	events := c.Events(ctx)
	nextEvent(t, events, "snapshot", ofKind(KindSnapshot))
	if _, err := c.Control(t.Context(), Control{Action: ActionTake}); err != nil {
		t.Fatal(err)
	}
	nextEvent(t, events, "you drive", func(ev Event) bool { return ev.You != nil && ev.You.Driving })
	for range 10 { // 200 seconds, far more than a lease lasts
		clock.Add(20)
		// Two, because the first may have been under way before the clock moved.
		before := renewals.Load()
		eventually(t, "renewed", func() bool { return renewals.Load() >= before+2 })
		if e.View().Driver == nil {
			t.Fatal("control lapsed although it was renewed")
		}
	}
	cancel()
	for range events {
	}
	clock.Add(31)
	eventually(t, "control lapses", func() bool { return e.View().Driver == nil })
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCommandWhoseAnswerWasLostIsCarriedOutOnce(t *testing.T) {
	dir, far, e := shortDir(t), shortDir(t), newFakeEngine()
	s := serving(t, far, e, nil)
	// A line that swallows the first two answers to commands.
	swallow := 2
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", s.Socket())
	}}
	defer transport.CloseIdleConnections()
	proxy.Transport = transport
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodPost && swallow > 0 {
			swallow--
			r.Body.Close()
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	listening(t, dir, proxy)
	c := opened(t, dir, "ana")
	if err := c.Command(t.Context(), advance(1)); err != nil {
		t.Fatalf("the repeated command was refused: %v", err)
	}
	if swallow != 0 {
		t.Fatalf("%d answers were not lost; the test proves nothing", swallow)
	}
	if n := len(e.carriedOut()); n != 1 {
		t.Errorf("carried out %d times", n)
	}
}

func TestCommandThatMayHaveArrivedIsNotCalledRefused(t *testing.T) {
	dir := shortDir(t)
	listening(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintln(w, `{"protocol_min":1,"protocol_max":1}`)
	}))
	c := opened(t, dir, "ana")
	c.timing.giveUp = 100 * time.Millisecond
	err := c.Command(t.Context(), advance(1))
	want(t, err, ErrUnanswered)
	var refused *Refused
	if errors.As(err, &refused) {
		t.Errorf("called refused: %v", err)
	}
}

func TestVersionsThatDoNotMeetMayWatchButNotCommand(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	serving(t, dir, e, func(o *Options) { o.min, o.max, o.Build = 3, 4, "9.1" })
	c := opened(t, dir, "ana")
	nextEvent(t, c.Events(t.Context()), "snapshot", ofKind(KindSnapshot))
	err := c.Command(t.Context(), advance(1))
	want(t, err, ErrProtocol)
	if text := err.Error(); !strings.Contains(text, "speaks protocol 1, the engine (9.1) speaks 3-4") {
		t.Errorf("refusal says %q", text)
	}
	// The engine does not rely on the client's good manners.
	err = c.call(t.Context(), http.MethodPost, "v1/commands", advance(1), nil)
	want(t, err, ErrProtocol)
	want(t, c.call(t.Context(), http.MethodPost, "v1/control", Control{Action: ActionTake}, nil), ErrProtocol)
	c.min, c.max = 2, 3 // ranges that overlap are enough
	want(t, c.Command(t.Context(), advance(1)), nil)
	// An idle engine can be asked to go by whatever version is to replace it.
	c.min, c.max = 9, 9
	want(t, c.Stop(t.Context(), false), nil)
}

func TestWhatANewerEngineAddsDoesNoHarm(t *testing.T) {
	dir := shortDir(t)
	listening(t, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/hello":
			fmt.Fprintln(w, `{"protocol_min":1,"protocol_max":7,"pid":"not a number any more","mood":"fine"}`)
		case "/v1/events":
			fmt.Fprintln(w, `{"kind":"weather","sky":"blue"}`)
			fmt.Fprintln(w, `{"kind":"snapshot","view":{"rev":7,"hint":{"text":"an object now"},"next":4,"planet":"earth"},"moon":1}`)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	c := opened(t, dir, "ana")
	ev := nextEvent(t, c.Events(t.Context()), "an event", func(Event) bool { return true })
	if ev.Kind != KindSnapshot || ev.View.Rev != 7 || ev.View.Next != 4 {
		t.Errorf("got %+v", ev)
	}
}

func TestRefusalOfAnUnknownCodeGoesByItsStatus(t *testing.T) {
	err := errorOf(http.StatusPreconditionFailed, Failure{Error: "moved", Code: "newer-word"})
	want(t, err, steps.ErrStale)
	if err := errorOf(http.StatusTeapot, Failure{}); !errors.Is(err, errInternal) || err.Error() == "" {
		t.Errorf("got %v", err)
	}
}

func TestWhoSaysItsNameBeforeTheLogin(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for _, pair := range pairs {
				if key, value, _ := strings.Cut(pair, "="); key == name {
					return value
				}
			}
			return ""
		}
	}
	for name, tc := range map[string]struct {
		as, login string
		env       func(string) string
		want      Who
	}{
		"flag":     {"ana", "ubuntu", env("CHANGEOVER_AS=bo"), Who{Name: "ana"}},
		"variable": {"", "ubuntu", env("CHANGEOVER_AS=bo", "SUDO_USER=cy"), Who{Name: "bo"}},
		"sudo":     {"", "root", env("SUDO_USER=cy"), Who{Name: "cy"}},
		"login":    {" ", "ubuntu", env("SSH_CONNECTION=2001:db8::7 50000 10.0.0.1 22"), Who{Name: "ubuntu", From: "2001:db8::7"}},
		"nothing":  {"", "", env(), Who{Name: "unknown"}},
	} {
		if got := whoFrom(tc.as, tc.login, tc.env); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}

// TestARemovedRunIsNotWaitedFor: a rehearsal that was ended from elsewhere never comes back.
func TestARemovedRunIsNotWaitedFor(t *testing.T) {
	dir := filepath.Join(shortDir(t), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := opened(t, dir, "ana")
	events := c.Events(t.Context())
	first := nextEvent(t, events, "lost", ofKind(KindLost))
	if first.Gone {
		t.Errorf("a run without an engine is taken for removed: %+v", first)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	last := nextEvent(t, events, "gone", func(ev Event) bool { return ev.Gone })
	if last.Kind != KindLost || last.Problem != "the run is over, its directory was removed" {
		t.Errorf("told of it by %+v", last)
	}
	_, err := c.View(t.Context())
	want(t, err, ErrNoRun)
	want(t, err, ErrNoEngine)
}
