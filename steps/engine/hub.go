package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"changeover/steps"
)

const (
	remembered = 5000 // log lines in memory
	greeting   = 500  // log lines a subscriber gets to begin with
	patience   = 2000 // log lines a subscriber may be behind
	viewPause  = 250 * time.Millisecond
)

// How soon a subscriber must see a new view.
const (
	nothing = iota
	soon    // progress: at most every viewPause
	urgent  // a state changed
)

// Update is what a subscriber gets: a newer View, log lines to append, or both.
type Update struct {
	View  *steps.View
	Lines []steps.LogLine
	First bool // the beginning: View is set and Lines are the newest that there are
}

// hub holds the log lines in memory and hands out news. It never waits for a reader.
type hub struct {
	mu     sync.Mutex
	seq    uint64
	lines  []steps.LogLine // at most remembered, in order
	whole  bool            // lines holds everything that was ever logged
	subs   map[*Subscription]struct{}
	closed bool
	pumps  sync.WaitGroup
}

// next is a new sequence number. The caller holds mu.
func (h *hub) next() uint64 {
	h.seq++
	return h.seq
}

// publish numbers a line, remembers it and hands it to every subscriber.
func (h *hub) publish(line steps.LogLine) steps.LogLine {
	h.mu.Lock()
	defer h.mu.Unlock()
	line.Seq = h.next()
	h.remember(line)
	for s := range h.subs {
		s.lines = append(s.lines, line)
		s.behind++
		if s.behind > patience {
			s.lagged.Store(true)
			s.leave()
			continue
		}
		s.poke()
	}
	return line
}

func (h *hub) remember(line steps.LogLine) {
	if len(h.lines) >= 2*remembered { // moved seldom, so that appending stays cheap
		h.lines = append([]steps.LogLine(nil), h.lines[remembered:]...)
		h.whole = false
	}
	h.lines = append(h.lines, line)
}

// newest are the last lines, at most n. The caller holds mu.
func (h *hub) newest(n int) []steps.LogLine {
	return append([]steps.LogLine(nil), h.lines[max(0, len(h.lines)-n):]...)
}

// touch says that the view has changed.
func (h *hub) touch(how int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.dirty = max(s.dirty, how)
		s.poke()
	}
}

// close ends all subscriptions and waits for their pumps.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for s := range h.subs {
		s.leave()
	}
	h.mu.Unlock()
	h.pumps.Wait()
}

// Subscription is a stream of updates. It ends when Close is called, when the engine closes, or when its reader
// falls too far behind.
type Subscription struct {
	e      *Engine
	c      chan Update
	wake   chan struct{} // holds one token: there is news
	left   chan struct{}
	once   sync.Once
	lagged atomic.Bool

	// Guarded by hub.mu.
	lines  []steps.LogLine
	behind int // lines not yet received, those being handed over included
	dirty  int
}

// Subscribe begins with the current View and the newest log lines and goes on without a gap.
func (e *Engine) Subscribe() *Subscription {
	s := &Subscription{e: e, c: make(chan Update), wake: make(chan struct{}, 1), left: make(chan struct{})}
	h := &e.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(s.c)
		return s
	}
	if h.subs == nil {
		h.subs = map[*Subscription]struct{}{}
	}
	h.subs[s] = struct{}{}
	s.lines = h.newest(greeting)
	s.behind = len(s.lines)
	h.pumps.Go(s.pump)
	return s
}

// C delivers the updates. It is closed at the end; Lagged says whether that was the reader's fault.
func (s *Subscription) C() <-chan Update { return s.c }

// Lagged says that the reader fell too far behind. Subscribe again for a fresh beginning.
func (s *Subscription) Lagged() bool { return s.lagged.Load() }

// Close ends the subscription. C is closed soon after.
func (s *Subscription) Close() { s.leave() }

func (s *Subscription) leave() { s.once.Do(func() { close(s.left) }) }

func (s *Subscription) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pump hands updates to the reader. While the reader does not take one it grows: lines are added and the view is
// replaced by a newer one.
func (s *Subscription) pump() {
	defer close(s.c)
	defer s.forget()
	update := Update{First: true}
	s.collect(&update, urgent)
	for {
		select {
		case s.c <- update:
		case <-s.wake:
			s.collect(&update, soon)
			continue
		case <-s.left:
			return
		}
		s.delivered(len(update.Lines))
		var ok bool
		if update, ok = s.await(update.View != nil); !ok {
			return
		}
	}
}

// await waits for something worth an update. A view that is only soon due waits until the last is viewPause old.
func (s *Subscription) await(fresh bool) (Update, bool) {
	var pause <-chan time.Time
	if fresh {
		timer := time.NewTimer(viewPause)
		defer timer.Stop()
		pause = timer.C
	}
	for {
		var update Update
		least := urgent
		if pause == nil {
			least = soon
		}
		if s.collect(&update, least) {
			return update, true
		}
		select {
		case <-s.wake:
		case <-pause:
			pause = nil
		case <-s.left:
			return Update{}, false
		}
	}
}

// collect moves waiting lines into an update, and a view when one is due at least that much; First always has one.
func (s *Subscription) collect(update *Update, least int) bool {
	h := &s.e.hub
	h.mu.Lock()
	if len(s.lines) > 0 && update.View != nil {
		update.View.Seq = h.next() // still the present, or it would be dirty; but no older than its lines
	}
	update.Lines = append(update.Lines, s.lines...)
	s.lines = nil
	due := s.dirty >= least || update.First && update.View == nil
	var seq uint64
	if due {
		s.dirty = nothing
		seq = h.next() // here, so that no line with a smaller number is still to come
	}
	h.mu.Unlock()
	if due {
		view := s.e.view(seq) // after dirty was reset: what changes from here on makes it dirty again
		update.View = &view
	}
	return due || len(update.Lines) > 0
}

func (s *Subscription) delivered(lines int) {
	s.e.hub.mu.Lock()
	defer s.e.hub.mu.Unlock()
	s.behind -= lines
}

func (s *Subscription) forget() {
	s.e.hub.mu.Lock()
	defer s.e.hub.mu.Unlock()
	delete(s.e.hub.subs, s)
}
