package session

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/steps"
)

// rawStream asks for the events without reading them.
func rawStream(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", s.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET /v1/events HTTP/1.1\r\nHost: engine\r\n\r\n")
	return conn
}

// readEvents reads a stream to its end and returns the kinds that came.
func readEvents(t *testing.T, conn net.Conn) (kinds []string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewScanner(conn)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var ev Event
		if strings.HasPrefix(in.Text(), "{") && json.Unmarshal(in.Bytes(), &ev) == nil {
			kinds = append(kinds, ev.Kind)
		}
		if in.Text() == "0" { // the last chunk of the answer
			return kinds
		}
	}
	t.Fatalf("the stream broke off after %d events: %v", len(kinds), in.Err())
	return nil
}

func TestSlowReaderIsToldSoAndCut(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	e.room = 20
	s := serving(t, dir, e, nil)
	conn := rawStream(t, s)
	eventually(t, "subscribed", func() bool { return e.subscribers() == 1 })
	long := strings.Repeat("x", 32<<10)
	eventually(t, "the engine gives the slow reader up", func() bool {
		e.write(long)
		return e.subscribers() == 0
	})
	kinds := readEvents(t, conn)
	if first, last := kinds[0], kinds[len(kinds)-1]; first != KindSnapshot || last != KindLagged {
		t.Errorf("the stream began with %q and ended with %q", first, last)
	}
	eventually(t, "nobody watches", func() bool { return e.View().Watching == 0 })
}

func TestReaderThatReadsNothingDoesNotKeepAHandler(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, func(o *Options) { o.write = 50 * time.Millisecond })
	rawStream(t, s)
	eventually(t, "subscribed", func() bool { return e.subscribers() == 1 })
	for range 20 {
		e.write(strings.Repeat("x", 64<<10)) // more than the socket holds
	}
	eventually(t, "the handler has ended", func() bool { return e.subscribers() == 0 && e.View().Watching == 0 })
}

func TestHeartbeatsComeWhileNothingHappens(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	s := serving(t, dir, e, func(o *Options) { o.beat = 5 * time.Millisecond })
	conn := rawStream(t, s)
	in := bufio.NewScanner(conn)
	for beats := 0; beats < 3; {
		if !in.Scan() {
			t.Fatalf("the stream ended: %v", in.Err())
		}
		if strings.Contains(in.Text(), `"kind":"heartbeat"`) {
			beats++
		}
	}
}

// checkLines fails unless lines go on exactly where they are expected to.
func checkLines(t *testing.T, after uint64, lines []steps.LogLine) uint64 {
	t.Helper()
	for _, line := range lines {
		if line.Seq <= after {
			t.Fatalf("line %d came after line %d", line.Seq, after)
		}
		if want := fmt.Sprintf("after %d", after); line.Text != want {
			t.Fatalf("line %d follows %d but should come %s", line.Seq, after, line.Text)
		}
		after = line.Seq
	}
	return after
}

// writeChained logs lines that each name the one before, so that a hole can be seen.
func writeChained(e *fakeEngine, n int) {
	for range n {
		e.write(fmt.Sprintf("after %d", e.lastLine()))
	}
}

func TestSnapshotAndStreamMeetWithoutAGap(t *testing.T) {
	dir, e := shortDir(t), newFakeEngine()
	e.newest = 1 << 20 // the snapshot holds everything, so that the chain begins at its beginning
	serving(t, dir, e, nil)
	const lines = 2000
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { writeChained(e, lines) })
	for n := range 8 {
		c := opened(t, dir, fmt.Sprint("viewer", n))
		work.Go(func() {
			after, seen := uint64(0), 0
			for ev := range c.Events(t.Context()) {
				if ev.Kind == KindLost || ev.Gap {
					t.Errorf("event %s: gap %v, problem %q", ev.Kind, ev.Gap, ev.Problem)
				}
				after = checkLines(t, after, ev.Lines)
				if seen += len(ev.Lines); seen == lines {
					return
				}
			}
		})
	}
}

func TestWhatWasMissedComesFirst(t *testing.T) {
	e := newFakeEngine()
	e.newest = 10
	writeChained(e, 6000)
	o, err := Options{Dir: ".", Engine: e, Subscribe: Subscriber(e.Subscribe)}.filled()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{o: o}
	for name, tc := range map[string]struct {
		after, first uint64
		count        int
		gap          bool
	}{
		"nothing had yet":             {0, 5991, 10, false},
		"nothing missed":              {6000, 0, 0, false},
		"missed among the newest":     {5995, 5996, 5, false},
		"missed one before them":      {5989, 5990, 11, false},
		"missed many":                 {2000, 2001, 4000, false},
		"missed too many":             {1, 5991, 10, true},
		"knows lines not yet written": {7000, 5991, 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			sub := e.Subscribe()
			defer sub.Close()
			ev, err := s.event(Update(<-sub.C()), tc.after)
			if err != nil {
				t.Fatal(err)
			}
			first := uint64(0)
			if len(ev.Lines) > 0 {
				first = ev.Lines[0].Seq
			}
			if first != tc.first || len(ev.Lines) != tc.count || ev.Gap != tc.gap {
				t.Errorf("%d lines from %d on, gap %v; want %d from %d, %v", len(ev.Lines), first, ev.Gap, tc.count, tc.first, tc.gap)
			}
			if len(ev.Lines) > 0 {
				checkLines(t, first-1, ev.Lines)
			}
		})
	}
}

func TestLinesOnDiskReachAClientOfARestartedEngine(t *testing.T) {
	e := newFakeEngine()
	e.newest = 0 // nothing in memory yet
	writeChained(e, 30)
	o, _ := Options{Dir: ".", Engine: e, Subscribe: Subscriber(e.Subscribe)}.filled()
	sub := e.Subscribe()
	defer sub.Close()
	ev, err := (&Server{o: o}).event(Update(<-sub.C()), 20)
	if err != nil || len(ev.Lines) != 10 || ev.Gap {
		t.Fatalf("%d lines, gap %v, %v; want the 10 missed ones", len(ev.Lines), ev.Gap, err)
	}
	checkLines(t, 20, ev.Lines)
}
