package session

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"changeover/steps"
)

// fakeEngine keeps a view, a log and subscribers, as the engine does, and carries commands out at once.
type fakeEngine struct {
	mu      sync.Mutex
	view    steps.View
	lines   []steps.LogLine
	subs    map[*fakeSub]bool
	carried []steps.Command
	room    int // updates a subscriber may be behind
	newest  int // lines a subscriber starts with

	// deciding, when set, is called before a command is carried out, outside of the lock.
	deciding func(steps.Command) error
}

func newFakeEngine() *fakeEngine {
	e := &fakeEngine{subs: map[*fakeSub]bool{}, room: 10_000, newest: 500}
	e.view = steps.View{Rev: 1, Run: steps.RunView{Name: "shop"}}
	for n := 1; n <= 12; n++ {
		e.view.Steps = append(e.view.Steps, steps.StepView{Number: n, Name: fmt.Sprintf("step %d", n), State: steps.Ready})
	}
	return e
}

// fakeUpdate is a type of the engine's own, as the real engine has one.
type fakeUpdate struct {
	View  *steps.View
	Lines []steps.LogLine
	First bool
}

type fakeSub struct {
	engine *fakeEngine
	c      chan fakeUpdate
	lagged bool
}

func (s *fakeSub) C() <-chan fakeUpdate { return s.c }

func (s *fakeSub) Lagged() bool {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	return s.lagged
}

func (s *fakeSub) Close() {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	delete(s.engine.subs, s)
}

func (e *fakeEngine) Subscribe() *fakeSub {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &fakeSub{engine: e, c: make(chan fakeUpdate, e.room)}
	first := fakeUpdate{First: true, Lines: append([]steps.LogLine(nil), e.lines[max(0, len(e.lines)-e.newest):]...)}
	view := e.view
	first.View = &view
	s.c <- first
	e.subs[s] = true
	return s
}

// publish hands news to every subscriber. The caller holds mu.
func (e *fakeEngine) publish(u fakeUpdate) {
	for s := range e.subs {
		select {
		case s.c <- u:
		default:
			s.lagged = true
			close(s.c)
			delete(e.subs, s)
		}
	}
}

// change alters the view for everybody.
func (e *fakeEngine) change(how func(v *steps.View)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how(&e.view)
	e.view.Seq++
	view := e.view
	e.publish(fakeUpdate{View: &view})
}

// write logs a line.
func (e *fakeEngine) write(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.view.Seq++
	line := steps.LogLine{Seq: e.view.Seq, Level: steps.Info, Text: text}
	e.lines = append(e.lines, line)
	e.publish(fakeUpdate{Lines: []steps.LogLine{line}})
}

func (e *fakeEngine) announce(_ steps.Level, text string) { e.write(text) }

func (e *fakeEngine) View() steps.View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view
}

func (e *fakeEngine) Command(_ context.Context, c steps.Command) error {
	if e.deciding != nil {
		if err := e.deciding(c); err != nil {
			return err
		}
	}
	e.mu.Lock()
	rev := e.view.Rev
	if c.ExpectRev == rev {
		e.carried = append(e.carried, c)
	}
	e.mu.Unlock()
	if c.ExpectRev != rev {
		return fmt.Errorf("revision %d, not %d: %w", rev, c.ExpectRev, steps.ErrStale)
	}
	e.change(func(v *steps.View) { v.Rev++ })
	return nil
}

func (e *fakeEngine) carriedOut() []steps.Command {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]steps.Command(nil), e.carried...)
}

func (e *fakeEngine) LogLines(after uint64, limit int) ([]steps.LogLine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := since(after, e.lines)
	return append([]steps.LogLine(nil), lines[:min(limit, len(lines))]...), nil
}

func (e *fakeEngine) SetAudience(driver *steps.Operator, watching int) {
	e.change(func(v *steps.View) { v.Driver, v.Watching = driver, watching })
}

// lastLine is the Seq of the newest line.
func (e *fakeEngine) lastLine() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return lastSeq(e.lines)
}

func (e *fakeEngine) subscribers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.subs)
}

// shortDir is a private directory whose socket path is short, whatever the test is called.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "co") //nolint:usetesting // t.TempDir carries the test's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// serving starts a server for a fake engine; adjust may be nil.
func serving(t *testing.T, dir string, e *fakeEngine, adjust func(*Options)) *Server {
	t.Helper()
	o := Options{
		Dir: dir, Engine: e, Subscribe: Subscriber(e.Subscribe), Announce: e.announce, Build: "test",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if adjust != nil {
		adjust(&o)
	}
	s, err := Serve(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close server: %v", err)
	}
}

// opened is a client that does not wait as long as people can.
func opened(t *testing.T, dir, name string) *Client {
	t.Helper()
	return openedAs(t, dir, Who{Name: name, From: "198.51.100.7"})
}

func openedAs(t *testing.T, dir string, who Who) *Client {
	t.Helper()
	c, err := Open(dir, who)
	if err != nil {
		t.Fatal(err)
	}
	c.timing.backoffMin, c.timing.backoffMax = time.Millisecond, 20*time.Millisecond
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close client: %v", err)
		}
	})
	return c
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// nextEvent waits for the next event that is wanted.
func nextEvent(t *testing.T, events <-chan Event, what string, wanted func(Event) bool) Event {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case ev, ok := <-events:
			if !ok {
				t.Fatalf("the events ended before: %s", what)
			}
			if wanted(ev) {
				return ev
			}
		case <-timeout:
			t.Fatalf("never came: %s", what)
		}
	}
}

func ofKind(kind string) func(Event) bool { return func(ev Event) bool { return ev.Kind == kind } }

// advance is a command decided on a revision.
func advance(rev uint64) steps.Command {
	return steps.Command{Verb: steps.Advance, Step: 1, ExpectRev: rev}
}

// stranger is a peer of another uid.
func stranger(net.Conn) peer { return peer{uid: 4711, pid: 1, known: true} }

func exists(path ...string) bool {
	_, err := os.Lstat(filepath.Join(path...))
	return err == nil
}
