package session

import (
	"fmt"
	"sync"
	"time"

	"changeover/steps"
)

// leaseTime is how long control lasts after its last sign of life.
const leaseTime = 30 * time.Second

// caller is who makes a request, and with which rights. It is computed before any handler runs.
type caller struct {
	peer
	client string // one window of one person
	name   string
	from   string
	write  bool
}

// where is the source of a caller for the journal.
func (c caller) where() string {
	return fmt.Sprintf("%s (uid %d, pid %d)", firstOf(c.from, "local"), c.uid, c.pid)
}

// same says whether o is the same person as far as we can tell, in whichever window.
func (c caller) same(o caller) bool {
	return c.name == o.name && c.from == o.from && c.uid == o.uid
}

// lease says who drives. It belongs to one window, not to a person: two windows of the same login may be two people.
type lease struct {
	now func() time.Time
	// tell is called with every change, in order.
	tell func(driver *steps.Operator, watching int)
	say  func(level steps.Level, text string)

	mu      sync.Mutex
	holder  *caller
	since   time.Time
	until   time.Time
	streams map[string]int // open streams by client
	watch   int
	changed chan struct{} // closed and replaced whenever holder changes
}

func newLease(now func() time.Time, tell func(*steps.Operator, int), say func(steps.Level, string)) *lease {
	return &lease{now: now, tell: tell, say: say, streams: map[string]int{}, changed: make(chan struct{})}
}

// take gives control to c. It is refused with ErrDriven while another window holds it, unless force, or unless that
// window is the same person's and gone: whoever lost the line need not wait for the lease to lapse.
func (l *lease) take(c caller, force bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	switch old := l.holder; {
	case old == nil:
		l.say(steps.Info, fmt.Sprintf("%s takes control, from %s", c.name, c.where()))
	case old.client == c.client:
		l.until = l.now().Add(leaseTime)
		return nil
	case l.left(c):
		l.say(steps.Info, fmt.Sprintf("%s is back and has control again, from %s", c.name, c.where()))
	case force:
		l.say(steps.Warn, fmt.Sprintf("%s takes control over from %s, from %s", c.name, old.name, c.where()))
	default:
		return l.driven()
	}
	l.since, l.until = l.now(), l.now().Add(leaseTime)
	l.hold(&c)
	return nil
}

// renew is the driver's sign of life.
func (l *lease) renew(c caller) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	switch {
	case l.holder == nil:
		return &Refused{Text: "your control has lapsed; take it again", Err: steps.ErrNotAllowed}
	case l.holder.client != c.client:
		return l.driven()
	}
	l.until = l.now().Add(leaseTime)
	return nil
}

// release gives control up. Giving up what one does not have is fine.
func (l *lease) release(c caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder != nil && l.holder.client == c.client {
		l.say(steps.Info, c.name+" lets go of control")
		l.hold(nil)
	}
}

// allow says why c may not give this command. Pausing and bailing out are the safe directions and never wait for whoever
// drives; everything else needs control, or that nobody has it.
func (l *lease) allow(c caller, verb steps.Verb) error {
	if verb == steps.PauseRun || verb == steps.BailOut {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	if l.holder == nil {
		return nil
	}
	if l.holder.client == c.client {
		l.until = l.now().Add(leaseTime) // a command is a sign of life
		return nil
	}
	if l.left(c) {
		return nil
	}
	return l.driven()
}

// left says whether control was left behind by the same person in a window that is gone. The caller holds mu.
func (l *lease) left(c caller) bool {
	return l.holder.same(c) && l.streams[l.holder.client] == 0
}

// driven is the refusal that says who drives. The caller holds mu.
func (l *lease) driven() error {
	return &Refused{Err: steps.ErrDriven, Text: fmt.Sprintf("%s (%s) has driven for %s; take control first: c in the dashboard, --take on the command line",
		l.holder.name, firstOf(l.holder.from, "local"), l.now().Sub(l.since).Round(time.Second))}
}

// attach counts a stream that opens, and detach one that ends.
func (l *lease) attach(c caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[c.client]++
	l.watch++
	l.tellAll()
}

func (l *lease) detach(c caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[c.client]--; l.streams[c.client] <= 0 {
		delete(l.streams, c.client)
		l.expire()
		if l.holder != nil && l.holder.client == c.client {
			// The time to come back counts from the moment the line went.
			l.until = l.now().Add(leaseTime)
		}
	}
	l.watch--
	l.tellAll()
}

// sweep lets a lease lapse whose holder has gone silent.
func (l *lease) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
}

// drives says whether c drives now, and gives a channel that is closed when that may have changed.
func (l *lease) drives(c caller) (bool, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	return l.holder != nil && l.holder.client == c.client, l.changed
}

// expire ends a lease that is over. The caller holds mu.
func (l *lease) expire() {
	if l.holder != nil && !l.now().Before(l.until) {
		l.say(steps.Warn, fmt.Sprintf("control of %s lapsed: no sign of life for %s", l.holder.name, leaseTime))
		l.hold(nil)
	}
}

// hold changes the holder. The caller holds mu.
func (l *lease) hold(c *caller) {
	l.holder = c
	close(l.changed)
	l.changed = make(chan struct{})
	l.tellAll()
}

// tellAll passes the audience on. The caller holds mu, which keeps the calls in order.
func (l *lease) tellAll() {
	var driver *steps.Operator
	if l.holder != nil {
		driver = &steps.Operator{Name: l.holder.name, From: l.holder.from, Since: l.since}
	}
	l.tell(driver, l.watch)
}
