package dash

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"changeover/steps/session"
)

// feedEvery is the shortest pause between two deliveries of mere progress, which is what a slow line has to carry: measured at
// 120×40 with eight workers and four log lines a second, 500 ms make 1.4 kB/s. State changes do not wait.
const feedEvery = 500 * time.Millisecond

// feedMsg is what happened since the last one, in order and with nothing in it that a later event replaced.
type feedMsg struct {
	events []session.Event
	ended  bool // no more events will come
}

// feed carries events to the program until the channel closes or ctx ends. A burst of events becomes one message, so
// that the number of redraws does not depend on how much happens. It runs in one goroutine, owned by Run.
func feed(ctx context.Context, events <-chan session.Event, send func(tea.Msg)) {
	var (
		pending []session.Event
		rev     uint64
		you     session.You
		timer   = time.NewTimer(0)
		due     = true // the pause since the last delivery is over
	)
	defer timer.Stop()
	<-timer.C
	deliver := func() {
		send(feedMsg{events: pending})
		pending, due = nil, false
		timer.Reset(feedEvery)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			due = true
			if len(pending) > 0 {
				deliver()
			}
		case e, ok := <-events:
			if !ok {
				send(feedMsg{events: pending, ended: true})
				return
			}
			urgent := e.Kind == session.KindSnapshot || e.Kind == session.KindLost || e.Kind == session.KindClosing
			if e.You != nil {
				urgent = urgent || *e.You != you
				you = *e.You
			}
			if e.View != nil {
				urgent = urgent || e.View.Rev != rev
				rev = e.View.Rev
			}
			pending = merge(pending, e)
			if urgent || due {
				timer.Stop()
				deliver()
			}
		}
	}
}

// merge appends e, folding it into the event before where nothing is lost by that. Log lines are never lost, not even
// to a snapshot, which brings only those that the client has not passed on yet.
func merge(pending []session.Event, e session.Event) []session.Event {
	if len(pending) == 0 {
		return append(pending, e)
	}
	last := &pending[len(pending)-1]
	switch {
	case e.Kind == session.KindHeartbeat && last.Kind != session.KindLost && last.Kind != session.KindLagged:
		return pending
	case e.Kind == session.KindView && last.Kind == session.KindView:
		last.View = e.View
		if e.You != nil {
			last.You = e.You
		}
		return pending
	case e.Kind == session.KindLog && last.Kind == session.KindLog && e.You == nil && !e.Gap:
		last.Lines = append(last.Lines[:len(last.Lines):len(last.Lines)], e.Lines...)
		return pending
	default:
		return append(pending, e)
	}
}
