package stream

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/stream/graph"
)

// activity is what one worker does now.
type activity struct {
	kind        string
	object      string
	part, parts int
	estimate    int64 // bytes
	bytes       atomic.Int64
	pid         atomic.Uint32 // backend that builds an index
}

// status adds up what a run has done and shows it. Its methods may be called by any worker.
type status struct {
	Engine
	report  *meter.Reporter
	control *pgxfer.Control
	run     *graph.Run
	where   string // name of the server that workers are at
	limits  func(pgxfer.Workers) graph.Limits
	phase   func() string
	server  func(ctx context.Context) (map[uint32]serverPhase, error) // phases of index builds by backend; may be nil
	tick    func() error                                              // called with each sample; an error ends the run

	mu     sync.Mutex
	slots  map[int]*activity
	board  meter.Board
	rate   meter.Rate
	items  pgxfer.Count
	rows   pgxfer.Count
	done   int64 // bytes of finished pieces
	ahead  int64 // estimate of the bytes of pieces that are not
	hold   pgxfer.Hold
	fewer  bool         // for want of room on the server
	strain strain       // of the server
	paced  *graph.Node  // that was told of
	asked  graph.Limits // by people and the options
	used   graph.Limits // now
	began  time.Time
	first  float64 // cost of everything when it began
}

// serverPhase is what the server says about an index build.
type serverPhase struct {
	phase  string
	blocks pgxfer.Count
}

// start notes what a worker does, until the returned function is called.
func (s *status) start(slot int, a *activity) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots[slot] = a
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.slots[slot] == a {
			delete(s.slots, slot)
		}
	}
}

// expect adds a piece to what is to be done; expected changes the estimate, when more is known.
func (s *status) expect(estimate int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += estimate
}

// finish adds a piece that is done.
func (s *status) finish(estimate, bytes, rows int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead -= estimate
	s.done += bytes
	s.rows.Done += rows
}

// item adds to the finished items, such as tables.
func (s *status) item(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items.Done += n
}

// loop shows samples and carries out what is asked for until the context ends.
func (s *status) loop(ctx context.Context) {
	tick := time.NewTicker(s.Interval)
	defer tick.Stop()
	for {
		changed := s.obey()
		if s.tick != nil {
			if err := s.tick(); err != nil {
				s.run.Fail(err)
			}
		}
		s.sample(ctx)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

func (s *status) sample(ctx context.Context) {
	var phases map[uint32]serverPhase
	if s.server != nil {
		var err error
		if phases, err = s.server(ctx); err != nil && ctx.Err() == nil {
			phases = nil // the next sample may be luckier; workers tell of servers that are gone
		}
	}
	s.pace(phases)
	left, longest, critical := s.run.Left()
	s.mu.Lock()
	now := s.Now()
	s.board.Begin()
	live, working := int64(0), int64(0)
	for slot, a := range s.slots {
		w := pgxfer.Worker{Kind: a.kind, Object: a.object, Part: a.part, Parts: a.parts}
		if a.kind == pgxfer.KindData || a.kind == pgxfer.KindObjects {
			n := a.bytes.Load()
			live += n
			working += a.estimate
			w.Bytes = pgxfer.Count{Done: n, Total: max(a.estimate, n+1)}
		}
		if p, ok := phases[a.pid.Load()]; ok {
			w.Phase, w.Blocks = p.phase, p.blocks
		}
		s.board.Show(now, strconv.Itoa(slot), w)
	}
	p := pgxfer.Progress{
		Phase: s.phase(), Workers: s.board.Workers(), Items: s.items, Rows: s.rows, Paused: s.hold != pgxfer.Going, Waits: s.waits(), Limits: kinds(s.asked),
		Bytes: pgxfer.Count{Done: s.done + live, Total: s.done + live + max(s.ahead-working, 0) + max(working-live, 0)},
	}
	if len(s.slots) > 0 {
		p.Bytes.Total = max(p.Bytes.Total, p.Bytes.Done+1) // nothing is finished before its COMMIT
	}
	s.rate.Add(now, p.Bytes.Done)
	p.Rate = s.rate.PerSecond()
	if critical != nil && left > 0 {
		p.Critical = critical.Name
	}
	took := now.Sub(s.began)
	if !p.Paused {
		p.ETALow, p.ETAHigh = s.estimate(took, left, longest)
	}
	s.mu.Unlock()
	s.report.Progress(p)
}

// Before these an estimate is a guess.
const (
	etaAfter    = 20 * time.Second
	etaFraction = 0.03
)

// estimate scales the plan's costs by how fast the first part of them was done. What is left takes at least as long as the longest way,
// and at least its share of everything.
func (s *status) estimate(took time.Duration, left, longest float64) (low, high int64) {
	done := s.first - left
	if took < etaAfter || done < etaFraction*s.first || done <= 0 || left <= 0 {
		return 0, 0
	}
	workers := float64(max(s.used.Total, 1))
	speed := took.Seconds() * workers / done // seconds of a worker for a second of cost
	likely := max(longest, left/workers) * speed
	return int64(likely*0.7) + 1, int64(max(likely*1.5, left*speed/workers*1.2)) + 1
}

func partName(object string, part, parts int) string {
	if parts < 2 {
		return "table " + object
	}
	return fmt.Sprintf("table %s, part %d of %d", object, part, parts)
}
