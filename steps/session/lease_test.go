package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"changeover/steps"
)

// leaseTest is a lease with a clock that stands still and a record of what it says.
type leaseTest struct {
	*lease
	clock    time.Time
	said     []string
	driver   *steps.Operator
	watching int
}

func newLeaseTest() *leaseTest {
	l := &leaseTest{clock: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)}
	l.lease = newLease(func() time.Time { return l.clock },
		func(d *steps.Operator, n int) { l.driver, l.watching = d, n },
		func(_ steps.Level, text string) { l.said = append(l.said, text) })
	return l
}

func window(client, name string) caller {
	return caller{peer: peer{uid: 1000, pid: 42, known: true}, client: client, name: name, from: "198.51.100.7", write: true}
}

func (l *leaseTest) wantDriver(t *testing.T, name string) {
	t.Helper()
	got := ""
	if l.driver != nil {
		got = l.driver.Name
	}
	if got != name {
		t.Fatalf("the engine was told that %q drives, want %q", got, name)
	}
}

func (l *leaseTest) wantSaid(t *testing.T, text string) {
	t.Helper()
	if len(l.said) == 0 || !strings.Contains(l.said[len(l.said)-1], text) {
		t.Fatalf("said %q, want a last line with %q", l.said, text)
	}
}

func want(t *testing.T, got, err error) {
	t.Helper()
	if !errors.Is(got, err) {
		t.Fatalf("got error %v, want %v", got, err)
	}
}

func TestControlIsTakenOnceAndOnlyForceTakesItOver(t *testing.T) {
	l := newLeaseTest()
	ana, bo := window("a", "ana"), window("b", "bo")
	want(t, l.take(ana, false), nil)
	l.wantDriver(t, "ana")
	l.clock = l.clock.Add(12 * time.Second)
	err := l.take(bo, false)
	want(t, err, steps.ErrDriven)
	if text := err.Error(); text != "ana (198.51.100.7) has driven for 12s; take control first: c in the dashboard, --take on the command line" {
		t.Errorf("refusal says %q", text)
	}
	want(t, l.take(bo, true), nil)
	l.wantDriver(t, "bo")
	l.wantSaid(t, "bo takes control over from ana")
	want(t, l.renew(ana), steps.ErrDriven)
	l.release(ana) // of no effect
	l.wantDriver(t, "bo")
	l.release(bo)
	l.wantDriver(t, "")
}

func TestControlLapsesThirtySecondsAfterTheLastSignOfLife(t *testing.T) {
	l := newLeaseTest()
	ana, bo := window("a", "ana"), window("b", "bo")
	want(t, l.take(ana, false), nil)
	l.clock = l.clock.Add(29 * time.Second)
	want(t, l.renew(ana), nil)
	l.clock = l.clock.Add(29 * time.Second)
	l.sweep()
	l.wantDriver(t, "ana")
	want(t, l.allow(ana, steps.Advance), nil) // a command renews too
	l.clock = l.clock.Add(29 * time.Second)
	l.sweep()
	l.wantDriver(t, "ana")
	l.clock = l.clock.Add(time.Second)
	l.sweep()
	l.wantDriver(t, "")
	l.wantSaid(t, "control of ana lapsed")
	want(t, l.renew(ana), steps.ErrNotAllowed)
	want(t, l.take(bo, false), nil)
}

func TestTheTimeToComeBackCountsFromTheLostLine(t *testing.T) {
	l := newLeaseTest()
	ana := window("a", "ana")
	l.attach(ana)
	want(t, l.take(ana, false), nil)
	l.clock = l.clock.Add(20 * time.Second)
	l.detach(ana)
	l.clock = l.clock.Add(20 * time.Second)
	l.sweep()
	l.wantDriver(t, "ana")
	l.clock = l.clock.Add(10 * time.Second)
	l.sweep()
	l.wantDriver(t, "")
}

func TestWhoLostTheirWindowHasControlAgainAtOnce(t *testing.T) {
	l := newLeaseTest()
	lost, back, bo := window("a", "ana"), window("a2", "ana"), window("b", "bo")
	l.attach(lost)
	want(t, l.take(lost, false), nil)
	// While the first window is open it may be somebody else of the same login.
	want(t, l.take(back, false), steps.ErrDriven)
	want(t, l.allow(back, steps.Advance), steps.ErrDriven)
	l.detach(lost)
	want(t, l.take(bo, false), steps.ErrDriven)
	want(t, l.take(back, false), nil)
	l.wantSaid(t, "ana is back")
	want(t, l.renew(lost), steps.ErrDriven)
}

func TestTheSafeDirectionsDoNotWaitForWhoeverDrives(t *testing.T) {
	l := newLeaseTest()
	ana, bo := window("a", "ana"), window("b", "bo")
	want(t, l.take(ana, false), nil)
	for verb, err := range map[steps.Verb]error{
		steps.PauseRun: nil, steps.BailOut: nil,
		steps.Advance: steps.ErrDriven, steps.ResumeRun: steps.ErrDriven, steps.RollbackOne: steps.ErrDriven,
	} {
		if got := l.allow(bo, verb); !errors.Is(got, err) {
			t.Errorf("%s while somebody else drives: got %v, want %v", verb, got, err)
		}
		if got := l.allow(ana, verb); got != nil {
			t.Errorf("%s by the driver: got %v", verb, got)
		}
	}
	l.release(ana)
	want(t, l.allow(bo, steps.Advance), nil) // nobody drives
	l.wantDriver(t, "")
}

func TestEveryWindowIsCounted(t *testing.T) {
	l := newLeaseTest()
	ana, bo := window("a", "ana"), window("b", "bo")
	l.attach(ana)
	l.attach(bo)
	l.attach(bo) // its old stream has not been noticed to be gone
	if l.watching != 3 {
		t.Errorf("%d watch, want 3", l.watching)
	}
	l.detach(bo)
	l.detach(bo)
	l.detach(ana)
	if l.watching != 0 || len(l.streams) != 0 {
		t.Errorf("%d watch and %v are remembered, want none", l.watching, l.streams)
	}
}
