package session

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"changeover/steps"
)

// errLagged is the end of a stream that was read too slowly; the next one starts with everything that was missed.
var errLagged = errors.New("the engine ended the stream: read too slowly")

// Events follows the run until ctx ends or the client is closed; then the channel is closed.
//
// The first event is KindSnapshot, or KindLost when there is no engine. After a loss it keeps trying, and a fresh
// KindSnapshot says that contact is back. KindHeartbeat comes while there is contact and nothing happens. KindLost comes again only when its Problem changes. A reader that is slow
// misses older views, never a log line. While this client drives, its lease is renewed in the background.
func (c *Client) Events(ctx context.Context) <-chan Event {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.life, cancel)
	w := &watcher{client: c, out: make(chan Event), contact: time.Now()}
	c.work.Go(func() {
		defer close(w.out)
		defer cancel()
		defer stop()
		var renewing sync.WaitGroup
		renewing.Go(func() { c.keepDriving(ctx) })
		defer renewing.Wait()
		defer cancel()
		w.run(ctx)
	})
	return w.out
}

// keepDriving renews the lease for as long as the engine says that we drive.
func (c *Client) keepDriving(ctx context.Context) {
	tick := time.NewTicker(c.timing.renew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.driving.Load() {
			// A failure needs no word here: without contact the stream says so, and a lost lease comes with the next You.
			_, _ = c.Control(ctx, Control{Action: ActionRenew})
		}
	}
}

// watcher follows one run for one reader.
type watcher struct {
	client  *Client
	out     chan Event
	box     mailbox
	contact time.Time // when something was last heard
}

func (w *watcher) run(ctx context.Context) {
	pause := w.client.newBackoff()
	for ctx.Err() == nil {
		heard, err := w.follow(ctx)
		if heard {
			pause.Reset()
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errLagged) {
			w.box.lost(w.contact, problem(err), errors.Is(err, ErrNoRun))
		}
		w.deliver(ctx, pause.NextBackOff())
	}
}

// problem is the line for the screen.
func problem(err error) string {
	switch {
	case errors.Is(err, ErrSilent):
		return "the engine process is there but does not answer"
	case errors.Is(err, ErrNoRun):
		return "the run is over, its directory was removed"
	}
	return err.Error()
}

// deliver hands over what is waiting, for d. It goes on while the mailbox is full: a new stream would not be read.
func (w *watcher) deliver(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for over := false; !over || w.box.full(); {
		next, to := w.next()
		select {
		case to <- next:
			w.box.taken()
		case <-timer.C:
			over = true
		case <-ctx.Done():
			return
		}
	}
}

// next is the event to hand over and the channel for it; the channel is nil, and never ready, when there is none.
func (w *watcher) next() (Event, chan<- Event) {
	if ev, ok := w.box.next(); ok {
		return ev, w.out
	}
	return Event{}, nil
}

// follow reads one stream to its end and returns why it ended, and whether anything was heard on it.
func (w *watcher) follow(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	in := make(chan Event)
	ended := make(chan error, 1)
	reading.Go(func() { ended <- w.client.read(ctx, w.box.last, in) })

	silence := time.NewTimer(w.client.timing.silence)
	defer silence.Stop()
	closing := ""
	for {
		from := in
		if w.box.full() {
			from = nil // let the engine feel that the reader is slow; it will end the stream in time
		}
		next, to := w.next()
		select {
		case ev := <-from:
			heard = true
			w.contact = time.Now()
			silence.Reset(w.client.timing.silence)
			switch ev.Kind {
			case KindLagged:
				return heard, errLagged
			case KindClosing:
				closing = ev.Problem
			default:
				w.accept(ev)
			}
		case err := <-ended:
			if closing != "" {
				err = errors.New(closing)
			}
			return heard, err
		case to <- next:
			w.box.taken()
		case <-silence.C:
			if !w.box.full() {
				return heard, ErrSilent
			}
			silence.Reset(w.client.timing.silence)
		case <-ctx.Done():
			return heard, ctx.Err()
		}
	}
}

// accept takes over what an event says about us, and puts the rest into the mailbox.
func (w *watcher) accept(ev Event) {
	if ev.You != nil {
		w.client.driving.Store(ev.You.Driving)
	}
	w.box.put(ev)
}

// read opens a stream that continues after the given line and passes its events on until it ends.
func (c *Client) read(ctx context.Context, after uint64, to chan<- Event) error {
	// Who the engine is may have changed with a restart, and commands go by it.
	if _, err := c.Hello(ctx); err != nil {
		return err
	}
	resp, err := c.send(ctx, http.MethodGet, fmt.Sprintf("v1/events?after=%d", after), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var ev Event
		if err := dec.Decode(&ev); err != nil {
			var odd *json.UnmarshalTypeError
			if !errors.As(err, &odd) {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return contactError(ctx, err)
			}
			// A newer engine gave a field another type. The rest of the event is decoded and worth showing.
		}
		select {
		case to <- ev:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lastSeq is the Seq of the last of lines.
func lastSeq(lines []steps.LogLine) uint64 {
	if len(lines) == 0 {
		return 0
	}
	return lines[len(lines)-1].Seq
}
