package session

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"changeover/steps"
)

// backfillMost is how many missed lines a stream begins with; who missed more reads the rest with GET v1/log.
const backfillMost = 5000

// events streams snapshot, views and log lines until the client goes, reads too slowly, or the engine ends.
func (s *Server) events(w http.ResponseWriter, r *http.Request, c caller) error {
	after, err := number(r, "after", 0)
	if err != nil {
		return err
	}
	s.lease.attach(c)
	defer s.lease.detach(c)
	feed := s.o.Subscribe()
	defer feed.Close()

	w.Header().Set("Content-Type", "application/x-ndjson")
	st := stream{server: s, w: w, control: http.NewResponseController(w), caller: c}
	beat := time.NewTicker(s.o.beat)
	defer beat.Stop()
	for {
		var ev Event
		select {
		case u, ok := <-feed.C():
			switch {
			case !ok && feed.Lagged():
				ev = Event{Kind: KindLagged, Problem: "you read too slowly"}
			case !ok:
				ev = Event{Kind: KindClosing, Problem: s.farewell()}
			default:
				if ev, err = s.event(u, after); err != nil {
					s.o.Log.Warn("read missed log lines", "err", err)
				}
			}
		case <-beat.C:
			ev = Event{Kind: KindHeartbeat}
		case <-st.changed:
			ev = Event{Kind: KindHeartbeat} // it carries You
		case <-s.closing:
			ev = Event{Kind: KindClosing, Problem: s.farewell()}
		case <-r.Context().Done():
			return nil
		}
		if err := st.write(ev); err != nil || ev.Kind == KindLagged || ev.Kind == KindClosing {
			return nil // who hung up, or reads nothing, cannot be told
		}
	}
}

// farewell is why the engine ends.
func (s *Server) farewell() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "the engine " + firstOf(s.why, "has stopped")
}

// event is an update of the engine as it goes over the wire. For the first it adds the lines between after and the
// newest ones, so that a client that reconnects misses nothing.
func (s *Server) event(u Update, after uint64) (Event, error) {
	ev := Event{Kind: KindView, View: u.View, Lines: u.Lines}
	switch {
	case u.First:
		ev.Kind = KindSnapshot
	case u.View == nil:
		ev.Kind = KindLog
	}
	if !u.First || after == 0 {
		return ev, nil
	}
	if u.View != nil && u.View.Seq < after {
		ev.Gap = true // the client knows lines of a future that did not happen here
		return ev, nil
	}
	ev.Lines = since(after, u.Lines)
	if len(ev.Lines) < len(u.Lines) {
		return ev, nil // what the client had last is among the newest
	}
	before := uint64(math.MaxUint64) // an engine that has just started may have all its lines on disk only
	if len(u.Lines) > 0 {
		before = u.Lines[0].Seq
	}
	missed, gap, err := s.backfill(after, before)
	ev.Lines, ev.Gap = append(missed, ev.Lines...), gap
	return ev, err
}

// backfill reads the lines between two Seqs from disk; gap says that they are not all there.
func (s *Server) backfill(after, before uint64) (lines []steps.LogLine, gap bool, err error) {
	for len(lines) < backfillMost {
		page, err := s.o.Engine.LogLines(after, 1000)
		if err != nil {
			return nil, true, err
		}
		for _, line := range page {
			if line.Seq >= before {
				return lines, false, nil
			}
			lines = append(lines, line)
			after = line.Seq
		}
		if len(page) == 0 {
			return lines, false, nil
		}
	}
	return nil, true, nil
}

// since is the part of lines after a Seq.
func since(after uint64, lines []steps.LogLine) []steps.LogLine {
	for i, line := range lines {
		if line.Seq > after {
			return lines[i:]
		}
	}
	return nil
}

// stream writes events to one client.
type stream struct {
	server  *Server
	w       http.ResponseWriter
	control *http.ResponseController
	caller  caller
	told    *You
	changed <-chan struct{}
}

// write sends one event, with what the client should know about itself. A client that does not read makes it fail in
// bounded time.
func (st *stream) write(ev Event) error {
	you, changed := st.server.you(st.caller)
	st.changed = changed
	if st.told == nil || *st.told != you {
		ev.You, st.told = &you, &you
	}
	raw, err := json.Marshal(ev)
	if err != nil {
		st.server.o.Log.Error("write event", "err", err)
		return fmt.Errorf("write event: %w", err)
	}
	if err := st.control.SetWriteDeadline(time.Now().Add(st.server.o.write)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if _, err := st.w.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return st.control.Flush()
}
